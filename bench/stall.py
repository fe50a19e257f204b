#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How long others wait while big things are deleted, moved together, or grow.

usage: stall.py [--keys N] [--bytes N] [--elements N] [--types zset,hash,..] NAME=COMMAND ...   (as for bench.py)

A client sends a PING twice a millisecond while another one does, after nothing (what machine and
client add): FLUSHALL with KEYS keys in the keyspace; UNLINK of a string of BYTES bytes; and for one
collection of ELEMENTS elements of each type: UNLINK, FLUSHALL, and, of a server that has
activedefrag, waiting until it has moved together what is left of one of which most has been
removed. What a collection grows by is told by the slowest of its commands of one element each, as
the server's own clock has it (INFO latencystats): one of a million, and the slowest of all, which
is what the machine adds, too.
"""
import time

from bench import Server, fill
from client import Client, Probe, arguments, data_directory

QUIET = 2

# How one element is added to "big", how some of many are removed from it.
TYPES = {
    "zset": (lambda i: b"*4\r\n$4\r\nZADD\r\n$3\r\nbig\r\n$10\r\n%010d\r\n$17\r\nmember:%010d\r\n" % (i, i),
             lambda i: b"*3\r\n$4\r\nZREM\r\n$3\r\nbig\r\n$17\r\nmember:%010d\r\n" % i),
    "hash": (lambda i: b"*4\r\n$4\r\nHSET\r\n$3\r\nbig\r\n$16\r\nfield:%010d\r\n$10\r\n%010d\r\n" % (i, i),
             lambda i: b"*3\r\n$4\r\nHDEL\r\n$3\r\nbig\r\n$16\r\nfield:%010d\r\n" % i),
    "set": (lambda i: b"*3\r\n$4\r\nSADD\r\n$3\r\nbig\r\n$17\r\nmember:%010d\r\n" % i,
            lambda i: b"*3\r\n$4\r\nSREM\r\n$3\r\nbig\r\n$17\r\nmember:%010d\r\n" % i),
    "list": (lambda i: b"*3\r\n$5\r\nRPUSH\r\n$3\r\nbig\r\n$18\r\nelement:%010d\r\n" % i,
             None),
}


def probed(port, what, client, *command, until=None):
    """Probes while COMMAND runs and for some time behind it, or UNTIL that is true."""
    with Probe(port) as probe:
        time.sleep(QUIET / 4)
        took = ""
        if command:
            before = time.monotonic()
            client.ask(*command)
            took = f", the command itself {(time.monotonic() - before) * 1000:.3f} ms"
        time.sleep(QUIET)
        while until is not None and not until():
            time.sleep(.1)
    print(f"    {what:24} {probe}{took}", flush=True)


def grow(client, kind, count):
    """What the server's clock says of COUNT commands of one element each."""
    add, _ = TYPES[kind]
    client.ask("CONFIG", "SET", "latency-tracking-info-percentiles", "50 99.9 99.9999 100")
    client.ask("CONFIG", "RESETSTAT")
    client.pipeline((add(i) for i in range(count)), 500)
    command = add(0).split(b"\r\n")[2].decode().lower()
    told = client.info("latencystats")[f"latency_percentiles_usec_{command}"]
    print(f"    {'growing':24} {command} {told.replace('=', ' ').replace(',', ' ')} us", flush=True)


def is_compact(client):
    return int(client.info("memory")["active_defrag_running"]) == 0


def defragmented(port, client, kind, remove, count):
    """Three of four elements go; then what is left is moved together."""
    if remove is None or client.ask("CONFIG", "SET", "activedefrag", "yes") != b"OK":
        return
    client.ask("CONFIG", "SET", "activedefrag", "no")
    client.pipeline((remove(i) for i in range(count) if i % 4 != 0), 500)
    before = client.info("memory")
    client.ask("CONFIG", "SET", "active-defrag-ignore-bytes", "1mb")
    probed(port, f"defragmenting a {kind}", client, "CONFIG", "SET", "activedefrag", "yes",
           until=lambda: is_compact(client))
    after = client.info("memory")
    client.ask("CONFIG", "SET", "activedefrag", "no")
    moved = client.info("stats")["active_defrag_hits"]
    print(f"    {'':24} resident {int(before['used_memory_rss']) >> 20} -> "
          f"{int(after['used_memory_rss']) >> 20} MiB, {moved} moved", flush=True)


def collections(server, client, kinds, count):
    for kind in kinds:
        add, remove = TYPES[kind]
        print(f"  {kind} of {count}")
        grow(client, kind, count)
        probed(server.port, "UNLINK", client, "UNLINK", "big")
        client.pipeline((add(i) for i in range(count)), 500)
        probed(server.port, "FLUSHALL", client, "FLUSHALL")
        client.pipeline((add(i) for i in range(count)), 500)
        defragmented(server.port, client, kind, remove, count)
        client.ask("FLUSHALL")


def main():
    args = arguments(__doc__, keys=1000000, bytes=500 << 20, elements=10000000, types=",".join(TYPES))
    with data_directory() as directory:
        for name, command in args.servers:
            print(name)
            server = Server(name, command, directory)
            try:
                client = Client(server.port)
                probed(server.port, "nothing", client)
                if args.keys > 0:
                    fill(server.port, args.keys)
                    probed(server.port, f"FLUSHALL of {args.keys}", client, "FLUSHALL")
                if args.bytes > 0:
                    client.ask("SETRANGE", "big", args.bytes - 1, "x")
                    probed(server.port, f"UNLINK of {args.bytes}", client, "UNLINK", "big")
                if args.elements > 0:
                    collections(server, client, [kind for kind in args.types.split(",") if kind], args.elements)
            finally:
                server.stop()


if __name__ == "__main__":
    main()

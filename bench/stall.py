#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How long others wait while big things are deleted.

usage: stall.py [--keys N] [--bytes N] NAME=COMMAND ...   (as for bench.py)

A client sends a PING twice a millisecond while another one does FLUSHALL with KEYS keys in the
keyspace, UNLINK of a string of BYTES bytes, and nothing (what machine and client add).
"""
import argparse
import tempfile
import time
from pathlib import Path

from bench import Server, fill
from client import Client, Probe

QUIET = 2


def probed(port, what, client, *command):
    with Probe(port) as probe:
        time.sleep(QUIET / 4)
        if command:
            before = time.monotonic()
            client.ask(*command)
            took = f", the command itself {(time.monotonic() - before) * 1000:.3f} ms"
        else:
            took = ""
        time.sleep(QUIET)
    print(f"    {what:24} {probe}{took}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, default=1000000)
    parser.add_argument("--bytes", type=int, default=500 << 20)
    parser.add_argument("servers", nargs="+")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as top:
        directory = Path(top) / "data"
        directory.mkdir()
        for spec in args.servers:
            name, command = spec.split("=", 1)
            print(name)
            server = Server(name, command, directory)
            try:
                client = Client(server.port)
                probed(server.port, "nothing", client)
                fill(server.port, args.keys)
                probed(server.port, f"FLUSHALL of {args.keys}", client, "FLUSHALL")
                client.ask("SETRANGE", "big", args.bytes - 1, "x")
                probed(server.port, f"UNLINK of {args.bytes}", client, "UNLINK", "big")
            finally:
                server.stop()


if __name__ == "__main__":
    main()

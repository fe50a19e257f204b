#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Bitmaps, side by side: what counting, finding and combining big ones costs the server, and what
single bits and small fields cost in a pipeline.

usage: bits.py [--bytes N] [--requests N] [--work A,B] NAME=COMMAND ...   (as for bench.py)

Times are the server's on its processor, medians; ratios are to the last server named. GB/s are
bytes read and written by the command, beside those of a copy of the same bytes by this program.
"""
import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from bench import Server, cpu_seconds, one_run
from client import Client

ROUNDS = 9
KEYS = 10000
# (name, command, how often it goes over BYTES)
BIG = [
    ("bitcount", ("BITCOUNT", "a"), 1),
    ("bitcount_bit", ("BITCOUNT", "a", "3", "-5", "BIT"), 1),
    ("bitpos_1", ("BITPOS", "zeros", "1"), 1),
    ("bitpos_0", ("BITPOS", "ones", "0"), 1),
    ("bitop_and", ("BITOP", "AND", "d", "a", "b"), 3),
    ("bitop_or", ("BITOP", "OR", "d", "a", "b"), 3),
    ("bitop_not", ("BITOP", "NOT", "d", "a"), 2),
    ("bitop_xor_4", ("BITOP", "XOR", "d", "a", "b", "a", "b"), 5),
    ("bitop_and_new", ("BITOP", "AND", "new", "a", "b"), 3),
]
SMALL = [
    ("getbit_p16", "GETBIT bits:__rand_int__ 77"),
    ("setbit_p16", "SETBIT bits:__rand_int__ 77 1"),
    ("bitcount_p16", "BITCOUNT bits:__rand_int__"),
    ("bitfield_p16", "BITFIELD bits:__rand_int__ INCRBY u16 8 1 GET u4 3"),
]


def copy_speed(size):
    """GB/s of memory read and written by a copy, in this process."""
    source, target = bytearray(os.urandom(1 << 20) * (size >> 20)), memoryview(bytearray(size >> 20 << 20))
    times = []
    for _ in range(ROUNDS):
        before = time.thread_time()
        target[:] = source
        times.append(time.thread_time() - before)
    return 2 * len(target) / statistics.median(times) / 1e9


def prepare(server, size):
    client = Client(server.port)
    block = os.urandom(1 << 20)
    client.ask("SET", "a", block * (size >> 20))
    client.ask("SET", "b", block[::-1] * (size >> 20))
    client.ask("SETBIT", "zeros", (size >> 20 << 23) - 1, 1)
    client.ask("BITOP", "NOT", "ones", "zeros")
    for i in range(KEYS):
        client.ask("SETBIT", "bits:%012d" % i, 100, 1)
    return client


def cost(server, client, command):
    """Milliseconds on its processor."""
    times = []
    for _ in range(ROUNDS):
        if "new" in command:
            client.ask("DEL", "new")
            client.ask("MEMORY", "PURGE")
            time.sleep(0.3)  # until it has gone back to the kernel
        before = cpu_seconds(server.process.pid)
        reply = client.ask(*command)
        assert b"ERR" not in reply, reply
        times.append(cpu_seconds(server.process.pid) - before)
    return statistics.median(times) * 1000


def measure(args, servers, wanted):
    clients = [prepare(s, args.bytes) for s in servers]
    print(f"{'':16}" + "".join(f"{s.name:>30}" for s in servers))
    for name, command, passes in BIG:
        if name not in wanted:
            continue
        ms = [cost(s, c, command) for s, c in zip(servers, clients)]
        print(f"{name:16}" + "".join(
            f"{m:9.2f} ms {args.bytes * passes / m / 1e6:5.1f} GB/s {m / ms[-1]:5.2f}x" for m in ms), flush=True)
    for name, command in SMALL:
        if name not in wanted:
            continue
        runs = [[] for _ in servers]
        for _ in range(3):
            for run, s in zip(runs, servers):
                run.append(one_run(s, f"-c 50 -P 16 {command}", args.requests, KEYS)[1])
        us = [statistics.median(r) for r in runs]
        print(f"{name:16}" + "".join(f"{u:20.3f} us {u / us[-1]:5.2f}x" for u in us), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bytes", type=int, default=100 << 20)
    parser.add_argument("--requests", type=int, default=1000000)
    parser.add_argument("--work", default="")
    parser.add_argument("servers", nargs="+")
    args = parser.parse_args()
    wanted = args.work.split(",") if args.work else [n for n, *_ in BIG + SMALL]
    print(f"a copy of {args.bytes >> 20} MiB: {copy_speed(args.bytes):.1f} GB/s read and written")
    with tempfile.TemporaryDirectory() as top:
        servers = []
        for spec in args.servers:
            name, _, command = spec.partition("=")
            directory = Path(top) / name
            directory.mkdir()
            servers.append(Server(name, command, directory))
        try:
            measure(args, servers, wanted)
        finally:
            for s in servers:
                s.stop()


if __name__ == "__main__":
    main()

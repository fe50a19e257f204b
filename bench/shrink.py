#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Memory after most keys were deleted: how much comes back, how soon, and what clients feel of it.

usage: shrink.py [--keys N] [--rest PERCENT] [--seconds N] NAME=COMMAND ...   (as for bench.py)

N keys with values of 32 bytes; those that stay are drawn at random, the others deleted. Resident
memory is compared with that of a fresh server of the same kind that holds the rest only. A PING
every half millisecond meanwhile, in its own connection: its latency is the loop's. Where a server knows
activedefrag, it is measured with it too.
"""
import random
import sys
import time

from bench import Server, resident
from client import Client, Probe, arguments, data_directory, encode


def key(n):
    return b"key:%012d" % n


def fill(port, numbers):
    c = Client(port)
    batch = []
    for n in numbers:
        batch.append(encode(("SET", key(n), b"%032d" % n)))
        if len(batch) == 2000:
            send(c, batch)
            batch = []
    send(c, batch)
    return c


def send(c, batch, size=5):
    """Replies of SIZE bytes each."""
    c.socket.sendall(b"".join(batch))
    left = size * len(batch)
    while left > 0:
        left -= len(c.socket.recv(min(left, 1 << 16)))


def delete(c, numbers):
    batch = []
    for at in range(0, len(numbers), 50):
        part = numbers[at:at + 50]
        if len(part) < 50:
            c.ask("DEL", *[key(n) for n in part])
            break
        batch.append(encode(("DEL", *[key(n) for n in part])))
        if len(batch) == 40:
            send(c, batch)
            batch = []
    if batch:
        send(c, batch)


def settled(pid, seconds, goal):
    """Resident memory after SECONDS, and when it had come below GOAL."""
    started = time.monotonic()
    reached = None
    while time.monotonic() - started < seconds:
        if reached is None and resident(pid) <= goal:
            reached = time.monotonic() - started
        time.sleep(0.02)
    return resident(pid), reached


def one(name, command, directory, args, defrag):
    draw = random.Random(4711)
    stay = set(draw.sample(range(args.keys), args.keys * args.rest // 100))
    fresh = Server(name, command, directory)
    try:
        fill(fresh.port, sorted(stay))
        time.sleep(1)
        needed = resident(fresh.process.pid)
    finally:
        fresh.stop()
    server = Server(name, command, directory)
    try:
        c = fill(server.port, range(args.keys))
        # Where it is not known or not possible, the row is left out.
        if defrag is not None and c.ask("CONFIG", "SET", "activedefrag", defrag) != b"OK":
            return
        full = resident(server.process.pid)
        go = [n for n in range(args.keys) if n not in stay]
        draw.shuffle(go)
        with Probe(server.port) as during:
            delete(c, go)
        deleted = resident(server.process.pid)
        with Probe(server.port) as after:
            left, reached = settled(server.process.pid, args.seconds, needed * 1.3)
        assert c.ask("DBSIZE") == b"%d" % len(stay)
        what = name if defrag is None else f"{name}, activedefrag {defrag}"
        print(f"{what:28}{full >> 20:>7}M{deleted >> 20:>7}M{left >> 20:>7}M{needed >> 20:>8}M{left / needed:>8.2f}x"
              f"{'never' if reached is None else f'{reached:.1f} s':>9}"
              f"{during.share(0.999):>11.2f}{after.share(0.999):>9.2f}{after.share(1):>8.2f}",
              flush=True)
    finally:
        server.stop()


def main():
    args = arguments(__doc__, keys=10000000, rest=10, seconds=15.0)
    if args.rest < 1 or args.rest > 99:
        sys.exit("--rest is a percentage")
    print(f"{args.keys} keys, {100 - args.rest} % of them deleted; resident memory, and PING's latency in ms")
    print(f"{'':28}{'full':>8}{'deleted':>8}{'later':>8}{'needed':>9}{'ratio':>9}{'1.3x at':>9}"
          f"{'del p99.9':>11}{'p99.9':>9}{'max':>8}")
    with data_directory() as directory:
        for name, command in args.servers:
            for defrag in ("no", "yes"):
                one(name, command, directory, args, defrag)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Eviction: what is kept, what it costs, and how much memory the process really has.

usage: evict.py [--part hits,cost] [--policies a,b] [--trace N] [--rate N] [--resident N]
                [--maxmemory BYTES] [--set N] NAME=COMMAND ...   (as for bench.py)

hits   The same trace of keys drawn by Zipf's law goes through each server as through a cache: GET, and SET
       after a miss. The share of hits in its second half is printed, for LRU and LFU, once with as
       many keys resident in each server (maxmemory is searched for), once with as many bytes. Both know
       the time of an access to a second, so the requests come at a fixed rate.
cost   SET at full speed for keys of which a tenth fits into maxmemory, beside the same without a limit:
       the server's CPU time per SET, SETs per second, and resident memory against maxmemory, by the
       kernel's count, the most of all looks.
"""
import itertools
import random
import sys
import time

from bench import Server, one_run, resident
from client import Client, Meanwhile, arguments, data_directory, encode

VALUE = b"v" * 100


# --- hits ---


def zipf(keys, count, exponent, seed):
    weights = itertools.accumulate(1 / (n + 1) ** exponent for n in range(keys))
    draw = random.Random(seed)
    names = list(range(keys))
    draw.shuffle(names)
    return draw.choices(names, cum_weights=list(weights), k=count)


class Cache:
    """A server as a cache, pipelined: the misses of a batch are written behind it."""

    def __init__(self, server):
        self.client = Client(server.port)

    def batch(self, keys):
        c = self.client
        c.socket.sendall(b"".join(encode(("GET", b"key:%d" % k)) for k in keys))
        missed = [k for k in keys if c.reply() is None]
        if missed:
            c.socket.sendall(b"".join(encode(("SET", b"key:%d" % k, VALUE)) for k in missed))
            for _ in missed:
                c.reply()
        return len(keys) - len(missed)

    def run(self, trace, rate, size=64):
        hits, begun = 0, time.monotonic()
        for at in range(0, len(trace), size):
            time.sleep(max(0, begun + at / rate - time.monotonic()))
            hits += self.batch(trace[at:at + size])
        return hits / len(trace)


def fill_to_limit(client, keys):
    client.pipeline(encode(("SET", b"key:%d" % k, VALUE)) for k in range(keys))
    return client.ask("DBSIZE")


def limit_for(name, command, directory, policy, wanted):
    """The maxmemory at which WANTED keys are resident."""
    server = Server(name, command, directory)
    try:
        c = Client(server.port)
        c.ask("CONFIG", "SET", "maxmemory-policy", policy)
        fill_to_limit(c, wanted)
        limit = int(c.info("memory")["used_memory"])
        low, high = limit // 4, limit * 4
        for _ in range(24):
            c.ask("CONFIG", "SET", "maxmemory", limit)
            fill_to_limit(c, wanted * 3)
            held = int(c.ask("DBSIZE"))
            if abs(held - wanted) * 500 < wanted:
                break
            low, high = (low, limit) if held > wanted else (limit, high)
            limit = (low + high) // 2
            c.ask("CONFIG", "SET", "maxmemory", 0)
            c.ask("FLUSHALL")
        return limit
    finally:
        server.stop()


def hits(commands, directory, args):
    keys = args.resident * 10
    trace = zipf(keys, args.trace, 0.99, 4711)
    half = len(trace) // 2
    reference = list(commands)[-1]
    print(f"{args.trace} requests, {args.rate} a second, by Zipf's law (0.99) for {keys} keys; hits in the second half")
    print(f"{'policy':13}{'alike':7}" + "".join(f"{f'{n}: hits, keys':>26}" for n in commands))
    for policy in args.policies.split(","):
        limits = {n: limit_for(n, c, directory, policy, args.resident) for n, c in commands.items()}
        for alike in ("keys", "bytes"):
            row = ""
            for name, command in commands.items():
                server = Server(name, command, directory)
                try:
                    c = Client(server.port)
                    c.ask("CONFIG", "SET", "maxmemory-policy", policy)
                    c.ask("CONFIG", "SET", "maxmemory", limits[name if alike == "keys" else reference])
                    cache = Cache(server)
                    cache.run(trace[:half], args.rate)
                    share = cache.run(trace[half:], args.rate)
                    row += f"{share * 100:>16.2f}%{int(c.ask('DBSIZE')):>9}"
                finally:
                    server.stop()
            print(f"{policy:13}{alike:7}{row}", flush=True)


# --- cost ---


def cost(commands, directory, args):
    keys = args.maxmemory // 10  # about ten times what fits
    print(f"SET at full speed, maxmemory {args.maxmemory >> 20} MiB; keys: a tenth fits, about")
    print(f"{'':34}{'CPU us/SET':>11}{'SETs/s':>10}{'RSS max':>9}{'of limit':>9}{'evicted':>10}")
    for (what, options), (name, command) in itertools.product(
            (("50 clients", "-c 50 -P 1 -d 32 -t set"), ("pipeline of 16", "-c 50 -P 16 -d 32 -t set")),
            commands.items()):
        for policy in (None, "allkeys-lru", "allkeys-lfu"):
            server = Server(name, command, directory)
            try:
                c = Client(server.port)
                requests = args.set if "16" in what else args.set // 10
                if policy:
                    c.ask("CONFIG", "SET", "maxmemory-policy", policy)
                    c.ask("CONFIG", "SET", "maxmemory", args.maxmemory)
                one_run(server, "-c 50 -P 100 -d 32 -t set", keys // 4, keys)
                with Meanwhile(lambda pid=server.process.pid: resident(pid), 0.005) as watch:
                    speed, us = one_run(server, options, requests, keys)
                top = watch.looks[-1]
                print(f"{what:15}{name:9}{policy or 'no limit':11}{us:>10.3f}{speed:>10.0f}{top >> 20:>8}M"
                      f"{(f'{top / args.maxmemory * 100:.1f}%' if policy else ''):>9}"
                      f"{int(c.info('stats')['evicted_keys']):>10}", flush=True)
            finally:
                server.stop()


def main():
    args = arguments(__doc__, part="hits,cost", trace=2000000, policies="allkeys-lru,allkeys-lfu", rate=20000,
                     resident=50000, maxmemory=256 << 20, set=6000000)
    commands = dict(args.servers)
    parts = args.part.split(",")
    if set(parts) - {"hits", "cost"}:
        sys.exit(f"no such part: {args.part}")
    with data_directory() as directory:
        if "hits" in parts:
            hits(commands, directory, args)
        if "cost" in parts:
            cost(commands, directory, args)


if __name__ == "__main__":
    main()

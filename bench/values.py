#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Lists, hashes, sets, sorted sets and streams, side by side.

usage: values.py [--part requests,big,whole,streams,latency,memory] [--rounds N] [--scale F]
                 [--zset N] [--elements N] NAME=COMMAND ...   (as for bench.py)

requests  CPU us per request of commands on one element: those of redis-benchmark, HGET in a listpack of
          512 entries, and a list of a million elements at its ends and in its middle.
big       The same of ZADD, ZINCRBY, ZRANK and ZRANGE by rank, with a sorted set of ZSET members.
whole     CPU ms of SINTER, SUNIONSTORE, ZUNIONSTORE and SORT with a million elements.
streams   CPU us per entry of XADD, and of XREADGROUP and XACK in a loop with ten consumers; P16: each of
          them sends 16 requests at once, without which a COUNT of 1 is mostly the kernel's time.
latency   A value grows to ELEMENTS elements and is read and changed at random, one element each time. What
          99.9 % of the calls took at most, by the server's own view (INFO latencystats; us), and the
          longest that a single client waited for its reply (ms). What each call takes of the
          processor, value_latency tells; what deletion costs others, stall.py.
memory    Resident bytes per element, of a million.

Figures are medians of the rounds; ratios compare each server to the last one named.
"""
import argparse
import itertools
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import Server, cpu_seconds, one_run, resident, run_client
from client import Client, encode

MILLION = 1000000
P16 = "-c 50 -P 16"


class Servers:
    """One of each, and a client for it."""

    def __init__(self, commands):
        self.commands, self.all = commands, {}

    def __enter__(self):
        self.top = tempfile.TemporaryDirectory()
        directory = Path(self.top.name) / "data"
        directory.mkdir()
        for name, command in self.commands.items():
            self.all[name] = Server(name, command, directory)
            self.all[name].client = Client(self.all[name].port)
        return list(self.all.values())

    def __exit__(self, *_):
        for server in self.all.values():
            server.stop()
        self.top.cleanup()


def head(what, commands):
    print(f"\n{what:28}" + "".join(f"{n:>12}{'ratio':>8}" for n in commands), flush=True)


def row(what, figures):
    """FIGURES: a list of each server's, by rounds."""
    medians = [statistics.median(f) for f in figures]
    print(f"{what:28}" + "".join(f"{m:>12.3f}{m / medians[-1] if medians[-1] else 0:>7.2f}x" for m in medians),
          flush=True)


def rounds(servers, count, measure):
    """What MEASURE gives of each server, in turns."""
    figures = [[] for _ in servers]
    for _ in range(count):
        for of, server in zip(figures, servers):
            of.append(measure(server))
    return figures


def spent(server, work):
    before = cpu_seconds(server.process.pid)
    work()
    return cpu_seconds(server.process.pid) - before


def fill(client, command, elements, size=200):
    """COMMAND with as many of ELEMENTS, tuples of arguments, as SIZE says, until all are there."""
    elements = iter(elements)
    client.pipeline((encode([*command, *itertools.chain.from_iterable(some)])
                     for some in iter(lambda: list(itertools.islice(elements, size)), [])), 20)


def member(i):
    return b"member:%012d" % i


# --- one element ---


def small_hash(server):
    server.client.ask("CONFIG", "SET", "hash-max-listpack-entries", 512)
    fill(server.client, ("HSET", "small"), ((b"field:%012d" % i, b"value:%010d" % i) for i in range(512)))


def big_list(server):
    server.client.ask("DEL", "big")
    fill(server.client, ("RPUSH", "big"), ((b"item:%010d" % i,) for i in range(MILLION)))


# what, options of redis-benchmark, requests, bound of its random numbers, what is done before each run
REQUESTS = (
    ("HSET", f"{P16} -d 32 -t hset", 2000000, MILLION, None),
    ("SADD", f"{P16} -t sadd", 2000000, MILLION, None),
    ("ZADD", f"{P16} -t zadd", 1000000, MILLION, None),
    ("LPUSH", f"{P16} -d 32 -t lpush", 2000000, MILLION, None),
    ("LRANGE of 100, no pipeline", "-c 50 -P 1 -d 32 -t lrange_100", 100000, MILLION, None),
    ("HGET, listpack of 512", f"{P16} HGET small field:__rand_int__", 1000000, 512, small_hash),
    ("LPOP", f"{P16} LPOP big", 900000, MILLION, big_list),
    ("RPOP", f"{P16} RPOP big", 900000, MILLION, big_list),
    ("LMOVE, the same list", f"{P16} LMOVE big big LEFT RIGHT", 1000000, MILLION, big_list),
    ("LINDEX in the middle", f"{P16} LINDEX big 500000", 200000, MILLION, big_list),
    ("LSET in the middle", f"{P16} LSET big 500000 replaced", 200000, MILLION, big_list),
    ("LINSERT in the middle", "-c 1 -P 1 LINSERT big BEFORE item:0000500000 x", 100, MILLION, big_list),
    ("LRANGE of 10, in the middle", f"{P16} LRANGE big 500000 500009", 20000, MILLION, big_list),
    ("LPOS of the last", "-c 1 -P 1 LPOS big item:0000999999", 30, MILLION, big_list),
    ("LREM of the last", "-c 1 -P 1 LREM big 0 item:0000999999", 30, MILLION, big_list),
)


def requests(commands, args):
    head("CPU us per request", commands)
    with Servers(commands) as servers:
        for what, options, count, bound, before in REQUESTS:
            def measure(server):
                if before is not None:
                    before(server)
                return one_run(server, options, max(10, int(count * args.scale)), bound)[1]
            row(what, rounds(servers, args.rounds, measure))


# --- a big sorted set ---


def ranges(count, bound):
    draw = random.Random(4711)
    for _ in range(count):
        start = draw.randrange(bound)
        yield encode(("ZRANGE", "z", start, start + 9))


def big(commands, args):
    head(f"{args.zset} members, CPU us", commands)
    order = list(range(args.zset))
    random.Random(1147).shuffle(order)
    count = max(100, int(200000 * args.scale))
    with Servers(commands) as servers:
        row("ZADD of 200 new ones, each", [
            [spent(s, lambda: fill(s.client, ("ZADD", "z"), ((i * 7919 % args.zset, member(i)) for i in order)))
             / args.zset * 1e6] for s in servers])
        for what, command in (("ZADD, another score", "ZADD z __rand_int__ member:__rand_int__"),
                              ("ZINCRBY", "ZINCRBY z 1000 member:__rand_int__"),
                              ("ZSCORE", "ZSCORE z member:__rand_int__"),
                              ("ZRANK", "ZRANK z member:__rand_int__")):
            row(what, rounds(servers, args.rounds,
                             lambda s: one_run(s, f"{P16} {command}", count, args.zset)[1]))
        row("ZRANGE of 10, by rank", rounds(servers, args.rounds, lambda s: spent(
            s, lambda: s.client.pipeline(ranges(count // 4, args.zset))) / (count // 4) * 1e6))


# --- all elements ---


def numbers(seed):
    draw = random.Random(seed)
    return [(draw.randrange(10**9),) for _ in range(MILLION)]


WHOLE = (("SINTER", "s1", "s2"), ("SINTERCARD", 2, "s1", "s2"), ("SINTERSTORE", "out", "s1", "s2"),
         ("SUNIONSTORE", "out", "s1", "s2"), ("ZUNIONSTORE", "out", 2, "z1", "z2"),
         ("ZINTERSTORE", "out", 2, "z1", "z2"), ("SORT", "l"), ("SORT", "l", "STORE", "out"),
         ("SORT", "l", "LIMIT", 0, 10), ("SORT", "l", "ALPHA"), ("SORT", "s1", "ALPHA", "STORE", "out"))


def whole(commands, args):
    head("a million each, CPU ms", commands)
    with Servers(commands) as servers:
        for s in servers:
            half = MILLION // 2
            fill(s.client, ("SADD", "s1"), ((member(i),) for i in range(MILLION)))
            fill(s.client, ("SADD", "s2"), ((member(i),) for i in range(half, half + MILLION)))
            fill(s.client, ("ZADD", "z1"), ((i * 7919 % MILLION, member(i)) for i in range(MILLION)))
            fill(s.client, ("ZADD", "z2"), ((i, member(i)) for i in range(half, half + MILLION)))
            fill(s.client, ("RPUSH", "l"), numbers(1))
        for command in WHOLE:
            def measure(server):
                server.client.ask("UNLINK", "out")
                time.sleep(0.3)
                return spent(server, lambda: server.client.ask(*command)) * 1000
            row(" ".join(str(word) for word in command), rounds(servers, args.rounds, measure))


# --- streams ---

CONSUMERS = 10


def consume(server, batch, deep):
    """All entries are read and acknowledged, by consumers in turn, each of which sends DEEP requests at once."""
    clients = [Client(server.port) for _ in range(CONSUMERS)]
    busy = True
    while busy:
        for i, c in enumerate(clients):
            c.send_all([("XREADGROUP", "GROUP", "g", f"consumer:{i}", "COUNT", batch, "STREAMS", "read", ">")] * deep)
        replies = [[c.reply() for _ in range(deep)] for c in clients]
        busy = [(c, [[entry[0] for entry in r[0][1]] for r in some if r]) for c, some in zip(clients, replies)]
        busy = [(c, reads) for c, reads in busy if reads]
        for c, reads in busy:
            c.send_all([("XACK", "read", "g", *ids) for ids in reads])
        for c, reads in busy:
            for _ in reads:
                c.reply()


def streams(commands, args):
    head("CPU us per entry", commands)
    count = max(1000, int(500000 * args.scale))
    with Servers(commands) as servers:
        row("XADD", rounds(servers, args.rounds, lambda s: one_run(
            s, f"{P16} XADD x * f value:__rand_int__", count, MILLION)[1]))
        row("XADD MAXLEN ~ 1000", rounds(servers, args.rounds, lambda s: one_run(
            s, f"{P16} XADD capped MAXLEN ~ 1000 * f value:__rand_int__", count, MILLION)[1]))
        for batch, deep in ((1, 1), (1, 16), (10, 1), (100, 1)):
            def measure(server):
                c, entries = server.client, max(1000, count * min(batch * deep, 10) // 50)
                c.ask("DEL", "read")
                c.ask("XGROUP", "CREATE", "read", "g", "0", "MKSTREAM")
                c.pipeline(encode(("XADD", "read", "*", "f", b"value:%010d" % i)) for i in range(entries))
                return spent(server, lambda: consume(server, batch, deep)) / entries * 1e6
            row(f"XREADGROUP COUNT {batch} + XACK" + (f", P{deep}" if deep > 1 else ""),
                rounds(servers, args.rounds, measure))


# --- latency ---

# the value, then commands with one element each: those that it grows by and those that come then
LATENCY = (
    ("hash", ("HSET big field:__rand_int__ value",),
     ("HGET big field:__rand_int__", "HDEL big field:__rand_int__")),
    ("set", ("SADD big member:__rand_int__",),
     ("SISMEMBER big member:__rand_int__", "SREM big member:__rand_int__", "SPOP big")),
    ("zset", ("ZADD big __rand_int__ member:__rand_int__",),
     ("ZRANK big member:__rand_int__", "ZREM big member:__rand_int__", "ZPOPMIN big")),
    ("list", ("LPUSH big item:__rand_int__", "RPUSH big item:__rand_int__"),
     ("LINDEX big {half}", "LSET big {half} x", "LPOP big", "RPOP big")),
)


def slowest(server, command):
    """By the server's own view: us, as text."""
    stats = server.client.info("latencystats")
    value = stats.get(f"latency_percentiles_usec_{command.lower()}", "")
    return dict(part.split("=") for part in value.split(",") if part).get("p99.9", "?")


def latency(commands, args):
    few = max(1000, int(100000 * args.scale))
    print(f"\n{args.elements} elements: 99.9 % of the calls within (us), the longest wait of one client (ms)")
    for name, command in commands.items():
        for kind, grow, then in LATENCY:
            with Servers({name: command}) as (server,):
                cells = []
                for i, work in enumerate([*grow, *then]):
                    server.client.ask("CONFIG", "RESETSTAT")
                    if i < len(grow):
                        # Random numbers meet each other: of as many as their bound two thirds differ.
                        run_client(server, f"-c 50 -P 100 {work}", int(args.elements / len(grow) * 1.6),
                                   int(args.elements * 1.6))
                        word = f"{work.split()[0]} (growing)"
                    else:
                        word = work.split()[0]
                    work = work.format(half=args.elements // 2)
                    fields = run_client(server, f"-c 1 -P 1 {work}", few, args.elements)
                    cells.append(f"{word} {slowest(server, work.split()[0])}, {fields[-1]:.3f}")
                print(f"{name:10}{kind:6}" + "; ".join(cells), flush=True)


# --- memory ---

V32 = b"v" * 32
MEMORY = (
    ("hash10", lambda i: ("HSET", b"hash:%010d" % i, *itertools.chain.from_iterable(
        (b"field%d" % j, b"value%08d" % (i + j)) for j in range(10))), 10),
    ("hash-big", lambda i: ("HSET", "h", b"field:%010d" % i, V32), 1),
    ("zset-big", lambda i: ("ZADD", "z", i * 7919 % MILLION, b"member:%010d" % i), 1),
    ("set-big", lambda i: ("SADD", "s", b"member:%010d" % i), 1),
    ("list-big", lambda i: ("RPUSH", "l", b"item:%010d" % i), 1),
    ("stream", lambda i: ("XADD", "x", "*", "f", b"value:%010d" % i), 1),
)


def memory(commands, _):
    head("bytes per element", commands)
    for what, command, each in MEMORY:
        figures = []
        for name, server_command in commands.items():
            with Servers({name: server_command}) as (server,):
                before = resident(server.process.pid)
                server.client.pipeline(encode(command(i)) for i in range(MILLION // each))
                time.sleep(0.5)
                figures.append([(resident(server.process.pid) - before) / MILLION])
        row(what, figures)


def main():
    parts = {"requests": requests, "big": big, "whole": whole, "streams": streams, "latency": latency, "memory": memory}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", default=",".join(parts))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--zset", type=int, default=10000000)
    parser.add_argument("--elements", type=int, default=10000000)
    parser.add_argument("servers", nargs="+")
    args = parser.parse_args()
    commands = dict(s.split("=", 1) for s in args.servers)
    wanted = args.part.split(",")
    if set(wanted) - set(parts):
        sys.exit(f"no such part: {args.part}")
    for part in wanted:
        parts[part](commands, args)


if __name__ == "__main__":
    main()

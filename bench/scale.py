#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a request costs when the keyspace is a thousand times as big.

usage: scale.py [--rounds N] [--small N] [--big N] [--work a,b,..] NAME=COMMAND ...   (as for bench.py)

Each server is filled with the small number of keys and then with the big one, and answers
the same requests for keys drawn at random from them. Ratios: the big keyspace's CPU time per
request to the small one's, and to the last server's.
"""
import statistics

from bench import WORK, Server, fill, one_run
from client import arguments, data_directory


def measure(name, command, directory, keys, works, rounds):
    server = Server(name, command, directory)
    try:
        fill(server.port, keys)
        return {w: statistics.median(one_run(server, WORK[w][1], WORK[w][2], keys)[1] for _ in range(rounds))
                for w in works}
    finally:
        server.stop()


def main():
    args = arguments(__doc__, rounds=3, small=10000, big=10000000, work="get,set,get_p16,set_p16,incr_p16")
    commands = dict(args.servers)
    works = args.work.split(",")
    with data_directory() as directory:
        cost = {}
        for keys in (args.small, args.big):
            for name, command in commands.items():
                cost[name, keys] = measure(name, command, directory, keys, works, args.rounds)
    reference = list(commands)[-1]
    print(f"{'CPU us/req':12}" + "".join(f"{f'{n}: small, big, ratio, to {reference}':>46}" for n in commands))
    for w in works:
        row = ""
        for name in commands:
            small, big = cost[name, args.small][w], cost[name, args.big][w]
            row += f"{small:>16.3f} {big:>9.3f} {big / small:>8.2f}x {big / cost[reference, args.big][w]:>8.2f}x"
        print(f"{w:12}{row}", flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Punctual expiry: how late keys are deleted, and what other clients feel of it.

usage: expiry.py [--keys N] [--spread S] [--seconds S] NAME=COMMAND ...   (as for bench.py)

KEYS keys get an expiry spread evenly over SPREAD seconds, and one more is set each second.
For SECONDS seconds a client sends a PING every millisecond and notes how long the answer
takes, and another counts how far DBSIZE, which still shows what is not deleted, is behind.
Printed: the probe's latency, how many keys expired, the most that were overdue at any look,
and what the server says of its own lag (INFO, where it does).
"""
import time

from bench import Server
from client import Client, Probe, arguments, data_directory, encode


def fill(client, keys, spread, begin_ms):
    client.pipeline(encode(["SET", b"key:%012d" % i, b"%032d" % i, "PXAT", begin_ms + i * spread * 1000 // keys])
                    for i in range(keys))


def run(name, command, directory, args):
    server = Server(name, command, directory)
    try:
        client = Client(server.port)
        begin_ms = int(time.time() * 1000) + 60000
        fill(client, args.keys, args.spread, begin_ms)
        while time.time() * 1000 < begin_ms:
            time.sleep(0.01)
        client.ask("CONFIG", "RESETSTAT")
        behind, extra, due = 0, 0, []
        end = time.monotonic() + args.seconds
        with Probe(server.port, 0.001) as probe:
            while time.monotonic() < end:
                client.ask("SET", f"extra:{extra}", "x", "PX", 500)
                due.append(time.monotonic() + 0.5)
                extra += 1
                gone = args.keys + extra - int(client.ask("DBSIZE"))
                should = (time.time() * 1000 - begin_ms) * args.keys / (args.spread * 1000)
                should += sum(1 for t in due if t <= time.monotonic())
                behind = max(behind, should - gone)
                time.sleep(1)
        info = client.info("stats")
        print(f"{name:12} probe {probe}; expired {info['expired_keys']}; most overdue at a look {behind:.0f}")
        for key, value in info.items():
            if "lag" in key:
                print(f"{'':12} {key}: {value}")
    finally:
        server.stop()


def main():
    args = arguments(__doc__, keys=1000000, spread=600, seconds=60)
    with data_directory() as directory:
        for name, command in args.servers:
            run(name, command, directory, args)


if __name__ == "__main__":
    main()

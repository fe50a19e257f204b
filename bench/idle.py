#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What idle connections cost: memory of each, and the throughput of 50 busy clients
beside them, against the same without them.

usage: idle.py [--conns N] [--rounds N] NAME=COMMAND ...   (as for bench.py)
"""
import argparse
import resource
import socket
import statistics
import tempfile
from pathlib import Path

from bench import Server, one_run

WORK = "-c 50 -P 1 -d 32 -t get"
REQUESTS = 200000


def resident(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def connect(port, count):
    held = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", port))
        s.sendall(b"*1\r\n$4\r\nPING\r\n")
        s.recv(16)
        held.append(s)
    return held


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conns", type=int, default=10000 - 60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("servers", nargs="+")
    args = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, args.conns + 100), hard))
    for name, command in (s.split("=", 1) for s in args.servers):
        with tempfile.TemporaryDirectory() as directory:
            server = Server(name, command, directory)
            try:
                before = resident(server.process.pid)
                held = connect(server.port, args.conns)
                each = (resident(server.process.pid) - before) / args.conns
                with_idle, alone = [], []
                for _ in range(args.rounds):
                    with_idle.append(one_run(server, WORK, REQUESTS))
                    for s in held:
                        s.close()
                    alone.append(one_run(server, WORK, REQUESTS))
                    held = connect(server.port, args.conns)
                (busy, busy_cpu), (free, free_cpu) = (
                    tuple(statistics.median(r[i] for r in runs) for i in (0, 1)) for runs in (with_idle, alone))
                print(f"{name}: {each:.0f} bytes per idle connection; beside {args.conns} of them {busy:.0f} req/s and "
                      f"{busy_cpu:.2f} CPU us/req, without {free:.0f} and {free_cpu:.2f}: {busy / free:.2f}x", flush=True)
            finally:
                server.stop()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""RESP servers side by side: the same client, the same work, in turns.

usage: bench.py [--rounds N] [--scale F] [--work a,b,..] [--svg FILE] [--json FILE] NAME=COMMAND ...

COMMAND is a server's command line with {port} in it; it must stay in the foreground
and takes --dir DIR and --dbfilename NAME behind its other options (for "load").
Servers are pinned to the first processor and redis-benchmark to the second; round
by round each server is measured in turn, so that drift of the machine hits all
alike. The figure to trust is the server's CPU time per request (user and system
time of its process), not the requests per second, which depend on the client too.
Ratios compare each server to the last one named.
"""
import argparse
import json
import os
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KEYS = 1000000
# name: (what it is, redis-benchmark's options, requests)
WORK = {
    "get": ("GET, 50 clients", "-c 50 -P 1 -d 32 -t get", 300000),
    "set": ("SET, 50 clients", "-c 50 -P 1 -d 32 -t set", 300000),
    "get_p16": ("GET, pipeline of 16", "-c 50 -P 16 -d 32 -t get", 3000000),
    "set_p16": ("SET, pipeline of 16", "-c 50 -P 16 -d 32 -t set", 3000000),
    "get_p100": ("GET, pipeline of 100", "-c 50 -P 100 -d 32 -t get", 4000000),
    "incr_p16": ("INCR, pipeline of 16", "-c 50 -P 16 -t incr", 2000000),
    "mset": ("MSET of 10 keys, 50 clients", "-c 50 -P 1 -d 32 -t mset", 100000),
    "get_c1000": ("GET, 1000 clients", "-c 1000 -P 1 -d 32 -t get", 300000),
}
LOAD = ("load", f"load an RDB file, {KEYS} keys (s)")


def cpu_seconds(pid):
    """Time on a processor of all threads of PID."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def resident(pid):
    """Bytes of memory that PID has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            s.sendall(b"*1\r\n$4\r\nPING\r\n")
            return s.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(cpu, command):
    if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        return ["taskset", "-c", str(cpu), *command]
    return command


class Server:
    def __init__(self, name, command, directory):
        self.name, self.port = name, free_port()
        words = shlex.split(command.format(port=self.port))
        if os.path.basename(words[0]) == "redis-check-rdb":  # Debian's redis-tools: a server by another name
            link = Path(directory).parent / "redis-server"
            if not link.exists():
                link.symlink_to(words[0])
            words[0] = str(link)
        words += ["--dir", str(directory), "--dbfilename", "bench.rdb"]
        started = time.monotonic()
        self.process = subprocess.Popen(pinned(0, words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not answers(self.port):
            if self.process.poll() is not None or time.monotonic() - started > 120:
                sys.exit(f"{name} does not answer: {words}")
            time.sleep(0.001)
        self.ready_after = time.monotonic() - started

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def fill(port, keys=KEYS, batch=2000):
    """The keys that redis-benchmark asks for, with values of 32 bytes."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        for i in range(0, keys, batch):
            s.sendall(b"".join(b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$32\r\n%032d\r\n" % (k, k)
                               for k in range(i, i + batch)))
            got = 0
            while got < 5 * batch:
                got += len(s.recv(1 << 16))


def run_client(server, options, requests, keys=KEYS):
    """redis-benchmark's own figures: requests/s, then avg, min, p50, p95, p99 and max latency in ms."""
    command = ["redis-benchmark", "-p", str(server.port), "--csv", "-r", str(keys), "-n", str(requests)]
    done = subprocess.run(pinned(1, command + shlex.split(options)), capture_output=True, text=True, timeout=600)
    for line in reversed(done.stdout.splitlines()):
        fields = line.strip().strip('"').split('","')
        if len(fields) > 4 and fields[0] != "test":
            return [float(f) for f in fields[1:]]
    sys.exit(f"redis-benchmark said: {done.stdout}{done.stderr}")


def one_run(server, options, requests, keys=KEYS):
    """Requests/s, CPU us per request."""
    before = cpu_seconds(server.process.pid)
    speed = run_client(server, options, requests, keys)[0]
    return speed, (cpu_seconds(server.process.pid) - before) / requests * 1e6


def measure(servers, names, rounds, scale):
    """{work: {server: (requests/s, CPU us per request)}}, medians."""
    results = {}
    for work in names:
        _, options, requests = WORK[work]
        requests = max(1000, int(requests * scale))
        runs = {s.name: [] for s in servers}
        for _ in range(rounds):
            for s in servers:
                runs[s.name].append(one_run(s, options, requests))
        results[work] = {n: tuple(statistics.median(r[i] for r in v) for i in (0, 1)) for n, v in runs.items()}
        print_row(work, results[work])
    return results


def print_row(work, row):
    reference = list(row.values())[-1][1]
    cells = "".join(f"{rps:>12.0f} {cpu:>8.3f} {cpu / reference:>6.2f}x" for rps, cpu in row.values())
    print(f"{work:12}{cells}", flush=True)


def measure_load(commands, directory, rounds):
    """Seconds from the start to the first answer, less those of a start without a file."""
    rdb = Path(directory) / "bench.rdb"
    runs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            with_file = Server(name, command, directory)
            with_file.stop()
            hidden = rdb.rename(rdb.with_suffix(".away"))
            without = Server(name, command, directory)
            without.stop()
            hidden.rename(rdb)
            runs[name].append(with_file.ready_after - without.ready_after)
    row = {n: statistics.median(v) for n, v in runs.items()}
    reference = list(row.values())[-1]
    print(f"{'load':12}" + "".join(f"{s:>20.3f}s {s / reference:>6.2f}x" for s in row.values()), flush=True)
    return row


def make_rdb(command, directory):
    """A file with the keys, by the server that can save (the last one named)."""
    server = Server("fill", command, directory)
    fill(server.port)
    with socket.create_connection(("127.0.0.1", server.port), 120) as s:
        s.sendall(b"*1\r\n$4\r\nSAVE\r\n")
        reply = s.recv(64)
    server.stop()
    return reply.startswith(b"+OK")


def svg(results, names, path):
    """Bars of CPU time per request, each row relative to the reference's."""
    left, width, bar, gap = 190, 420, 14, 14
    colours = ["#2d7f5e", "#b0b7bd", "#d9a441", "#6f7fb0"]
    rows = len(results)
    height = 60 + rows * (len(names) * bar + gap) + 20
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 110}" height="{height}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="100%" height="100%" fill="#ffffff"/><text x="10" y="20" font-size="14" fill="#222">'
           f'CPU time per request, {names[-1]} = 1 (less is better)</text>']
    for i, name in enumerate(names):
        x = left + i * 110
        out.append(f'<rect x="{x}" y="30" width="12" height="12" fill="{colours[i % 4]}"/>'
                   f'<text x="{x + 18}" y="40" fill="#222">{name}</text>')
    longest = max(v / list(row.values())[-1] for row in results.values() for v in row.values())
    y = 60
    for label, row in results.items():
        reference = list(row.values())[-1]
        out.append(f'<text x="10" y="{y + len(names) * bar / 2 + 4}" fill="#222">{label}</text>')
        for i, value in enumerate(row.values()):
            length = value / reference / longest * width
            unit = "s" if label == LOAD[1] else "us"
            out.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 2}" fill="{colours[i % 4]}"/>'
                       f'<text x="{left + length + 6:.1f}" y="{y + bar - 4}" fill="#444">{value:.2f} {unit}</text>')
            y += bar
        y += gap
    out.append("</svg>")
    Path(path).write_text("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--work", default=",".join([*WORK, "load"]))
    parser.add_argument("--svg")
    parser.add_argument("--json")
    parser.add_argument("servers", nargs="+")
    args = parser.parse_args()
    commands = dict(s.split("=", 1) for s in args.servers)
    names = args.work.split(",")
    results = {}
    with tempfile.TemporaryDirectory() as top:
        directory = Path(top) / "data"
        directory.mkdir()
        print(f"{'':12}" + "".join(f"{n + ': req/s, CPU us/req, ratio':>28}" for n in commands))
        servers = [Server(n, c, directory) for n, c in commands.items()]
        try:
            for s in servers:
                fill(s.port)
            for work, row in measure(servers, [w for w in names if w in WORK], args.rounds, args.scale).items():
                results[WORK[work][0]] = {n: cpu for n, (_, cpu) in row.items()}
        finally:
            for s in servers:
                s.stop()
        if "load" in names and make_rdb(list(commands.values())[-1], directory):
            results[LOAD[1]] = measure_load(commands, directory, args.rounds)
    if args.svg:
        svg(results, list(commands), args.svg)
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks share: a small client, a probe (how long others wait meanwhile), their command
lines and where the servers have their data."""
import argparse
import contextlib
import socket
import tempfile
import threading
import time
from pathlib import Path


def arguments(doc, **options):
    """The options, each of the type of its default, and SERVERS: pairs of name and command."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    for name, default in options.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("servers", nargs="+", metavar="NAME=COMMAND", type=named_command)
    return parser.parse_args()


def named_command(text):
    name, equal, command = text.partition("=")
    if not equal:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=COMMAND")
    return name, command


@contextlib.contextmanager
def data_directory():
    with tempfile.TemporaryDirectory() as top:
        directory = Path(top) / "data"
        directory.mkdir()
        yield directory


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def send(self, *args):
        self.send_all([args])

    def send_all(self, commands):
        self.socket.sendall(b"".join(map(encode, commands)))

    def reply(self):
        line = self.file.readline()
        if line[:1] == b"$":
            length = int(line[1:])
            return self.file.read(length + 2)[:-2] if length >= 0 else None
        if line[:1] == b"*":
            return [self.reply() for _ in range(int(line[1:]))]
        return line[:-2] if line[:1] == b"-" else line[1:-2]

    def ask(self, *args):
        self.send(*args)
        return self.reply()

    def info(self, section):
        return dict(line.split(":", 1) for line in self.ask("INFO", section).decode().splitlines() if ":" in line)

    def pipeline(self, commands, batch=1000):
        """Sends encoded COMMANDS, an iterable of bytes; replies are read and dropped."""
        waiting = []
        for command in commands:
            waiting.append(command)
            if len(waiting) == batch:
                self._flush(waiting)
                waiting = []
        self._flush(waiting)

    def _flush(self, waiting):
        self.socket.sendall(b"".join(waiting))
        for _ in waiting:
            self.reply()


def encode(args):
    args = [a if isinstance(a, bytes) else str(a).encode() for a in args]
    return b"*%d\r\n" % len(args) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a) for a in args)


class Meanwhile:
    """Calls look() every PERIOD seconds from a thread of its own while it is entered; LOOKS is what came."""

    def __init__(self, look, period):
        self.look, self.period, self.looks, self.over = look, period, [], False
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        due = time.monotonic()
        while not self.over:
            self.looks.append(self.look())
            due = max(due + self.period, time.monotonic() - 10 * self.period)
            time.sleep(max(0, due - time.monotonic()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        self.looks.sort()


class Probe(Meanwhile):
    """How long a PING takes."""

    def __init__(self, port, period=0.0005):
        super().__init__(self._ping, period)
        self.client = Client(port)
        self.client.ask("PING")

    def _ping(self):
        before = time.monotonic()
        self.client.ask("PING")
        return time.monotonic() - before

    def share(self, part):
        """Milliseconds that this part of the answers came within."""
        return self.looks[min(len(self.looks) - 1, int(len(self.looks) * part))] * 1000

    def __str__(self):
        return (f"p50 {self.share(.5):.3f} p99 {self.share(.99):.3f} p99.9 {self.share(.999):.3f} "
                f"max {self.share(1):.3f} ms of {len(self.looks)}")

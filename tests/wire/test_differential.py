# SPDX-License-Identifier: BSD-3-Clause
"""The same requests to miniredis and to the real redis-server: equal replies, byte for
byte, in RESP2 and RESP3. What is asked stands in table_*.txt."""
import re
from pathlib import Path

import pytest
import table
from conftest import encode
from oracle import oracle, start_oracle  # noqa: F401

TABLES = sorted(Path(__file__).parent.glob("table_*.txt"))
NOTES = re.compile(rb"(\$5\r\nnotes\r\n)\$\d+\r\n[^\r]+\r\n")
NUMBER = re.compile(rb"\d+")
SHOWN = 10  # faults told in one report


def elements(reply):
    """A reply's parts in an order of their own: an aggregate's elements sorted."""
    head, _, rest = reply.partition(b"\r\n")
    if head[:1] not in (b"*", b"~", b"%", b">"):
        return [reply]
    parts = []
    step = 2 if head[:1] == b"%" else 1
    for _ in range(int(head[1:])):
        part = b""
        for _ in range(step):
            one, rest = take(rest)
            part += one
        parts.append(b"".join(elements(part)) if step == 1 else part)
    return [head, *sorted(parts)]


def take(data):
    """The first reply of DATA, and what is behind it."""
    head, _, rest = data.partition(b"\r\n")
    out = head + b"\r\n"
    if head[:1] in b"$=!" and int(head[1:]) >= 0:
        n = int(head[1:]) + 2
        return out + rest[:n], rest[n:]
    if head[:1] in b"*~>%":
        for _ in range(int(head[1:]) * (2 if head[:1] == b"%" else 1)):
            one, rest = take(rest)
            out += one
    return out, rest


def near(a, b):
    """Equal but for numbers that are a little apart."""
    x, y = NUMBER.findall(a), NUMBER.findall(b)
    return len(x) == len(y) and NUMBER.sub(b"#", re.sub(rb"\$\d+", b"$", a)) == NUMBER.sub(
        b"#", re.sub(rb"\$\d+", b"$", b)) and all(
            abs(int(m) - int(n)) <= max(1000, int(n) // 100) for m, n in zip(x, y))


def same_time(a, b):
    """Replies of TIME, whose microseconds run over."""
    x, y = (list(map(int, NUMBER.findall(r))) for r in (a, b))
    return len(x) == len(y) == 5 and abs((x[2] - y[2]) * 1000000 + x[4] - y[4]) < 5000000


def agrees(request, version, ours, theirs):
    if request.differs:
        return ours == request.reply[version]
    if request.unordered:
        return elements(ours) == elements(theirs)
    if request.prose:
        return NOTES.sub(rb"\1", ours) == NOTES.sub(rb"\1", theirs)
    if request.about and request.words[0].upper() == b"TIME":
        return same_time(ours, theirs)
    if request.about:
        return near(ours, theirs)
    return ours == theirs


class Pair:
    """Connections of the same history to both servers."""

    def __init__(self, server, oracle, version):
        self.servers, self.version = (server, oracle), version
        self.clients = []
        self.connect()

    def connect(self):
        for c in self.clients:
            c.close()
        self.clients = [s.client() for s in self.servers]
        if self.version == 3:
            for c in self.clients:
                assert isinstance(c("HELLO", "3"), dict)

    def reset(self):
        self.connect()
        for c in self.clients:
            c("CONFIG", "SET", "requirepass", "")
            c("FLUSHALL")
        self.connect()

    def ask(self, words):
        """Both replies; None where the connection was closed instead."""
        replies = []
        for c in self.clients:
            try:
                c.send(encode(*words))
                replies.append(c.raw())
            except (EOFError, ConnectionError):
                replies.append(None)
        if None in replies:
            self.connect()
        return replies


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("path", TABLES, ids=lambda p: p.stem[6:])
def test_replies_equal(path, version, start_server, oracle):
    server = start_server("--enable-debug-command", "yes")
    pair = Pair(server, oracle, version)
    faults = []
    for request in table.read(path):
        if request.reset:
            pair.reset()
        ours, theirs = pair.ask(request.words)
        if not agrees(request, version, ours, theirs):
            expected = request.reply[version] if request.differs else theirs
            faults.append(f"{path.name}:{request.number}: {request.words}\n  ours {ours!r}\n  want {expected!r}")
    assert not faults, f"{len(faults)} differ\n" + "\n".join(faults[:SHOWN])

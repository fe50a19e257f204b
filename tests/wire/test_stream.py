# SPDX-License-Identifier: BSD-3-Clause
"""Streams beside the real redis-server: long runs of random commands with nodes of all sizes, payloads
byte by byte and in both directions, ids that the clock gives, events, what big streams cost."""
import random
import time

import pytest
from conftest import Error, wait_until
from oracle import oracle, start_oracle  # noqa: F401

SHAPES = [(4096, 100), (4096, 3), (60, 0), (0, 7), (200, 1)]
SEED = random.randrange(1 << 32)
TOP = (1 << 64) - 1


class Player:
    """Draws commands on two streams whose ids mostly rise."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.ms = 0

    def id(self):
        rng = self.rng
        if rng.randrange(40) == 0:
            return rng.choice(["0-0", "0", "-", "+", f"{TOP}-{TOP}", f"{TOP}", "x", "1-x", "(1-1", "-1", "1-", ""])
        ms = rng.randrange(self.ms + 2)
        return rng.choice([f"{ms}-{rng.randrange(3)}", str(ms), f"{ms}-{rng.randrange(1000)}"])

    def new_id(self):
        rng = self.rng
        self.ms += rng.choice([0, 0, 0, 1, 1, 2, 3, 60, 5000, 70000, 1 << 33]) if rng.randrange(50) else 0
        return rng.choice([f"{self.ms}-*", f"{self.ms}-*", f"{self.ms}-{rng.randrange(400)}", f"{self.ms}"])

    def high_id(self):
        """For XSETID: one below that of a deleted entry makes no difference but to payloads."""
        return f"{self.ms}-{self.rng.choice([10000, 400, 1000, 20000])}"

    def fields(self):
        rng = self.rng
        kind = rng.randrange(12)
        if kind < 5:
            return ["f", rng.choice(["v", "1", "-5000", "value:0000001", "0123", ""])]
        if kind < 8:
            return ["name", "x" * rng.randrange(70), "7", rng.randrange(-1 << 40, 1 << 40)]
        if kind == 8:
            return [x for i in range(rng.randrange(1, 30)) for x in (f"f{i}", rng.randrange(1 << rng.randrange(1, 63)))]
        if kind == 9:
            return [rng.randbytes(rng.randrange(9)), b"y" * rng.choice([63, 64, 65, 127, 128, 200, 247, 248, 4095, 4096, 5000])]
        return [rng.choice(["f", "name"]), rng.randbytes(rng.randrange(20))]

    def trim(self):
        rng = self.rng
        what = rng.choice([["MAXLEN"], ["MINID"]])
        what += rng.choice([[], ["="], ["~"], ["~"]])
        what.append(rng.choice([rng.randrange(400), rng.randrange(20)]) if what[0] == "MAXLEN" else self.id())
        return what + (["LIMIT", rng.randrange(200)] if what[1] == "~" and rng.randrange(3) == 0 else [])

    def command(self):
        rng = self.rng
        key = rng.choice(["k", "k", "k", "l"])
        add = ["XADD", key, self.new_id(), *self.fields()]
        return rng.choice([
            add, add, add, add, add, add, add, add, add,
            ["XADD", key, *self.trim(), self.new_id(), *self.fields()] if rng.randrange(3) == 0 else add,
            ["XTRIM", key, *self.trim()] if rng.randrange(6) == 0 else add,
            ["XDEL", key, *(self.id() for _ in range(rng.randrange(1, 4)))],
            ["XRANGE", key, self.id(), self.id(), "COUNT", rng.randrange(-1, 30)],
            ["XREVRANGE", key, self.id(), self.id(), "COUNT", rng.randrange(-1, 90)],
            ["XRANGE", key, "(" + self.id(), "+"], ["XREVRANGE", key, "+", "(" + self.id()],
            ["XLEN", key], ["XREVRANGE", key, "+", "-"], ["XREAD", "COUNT", "5", "STREAMS", key, self.ms],
            ["XSETID", key, self.high_id()], ["XSETID", key, self.high_id(), "ENTRIESADDED", rng.randrange(3000)],
            ["XSETID", key, self.high_id(), "MAXDELETEDID", self.id()] if rng.randrange(3) == 0 else add,
            ["DEL", key] if rng.randrange(20) == 0 else add])


def info(reply):
    """XINFO STREAM without what newer servers add."""
    if isinstance(reply, Error):
        return str(reply)
    pairs = list(zip(reply[::2], reply[1::2]))
    return [p for p in pairs if not p[0].startswith((b"idmp-", b"pids-", b"iids-"))]


def same(a, b, why):
    assert str(a) == str(b) if isinstance(a, Error) else a == b, why


@pytest.mark.parametrize("size, entries", SHAPES)
def test_random_commands(server, oracle, size, entries):
    print("seed", SEED)
    player = Player(SEED)
    with server.client() as ours, oracle.client() as theirs:
        for c in (ours, theirs):
            c("FLUSHALL")
            assert c("CONFIG", "SET", "stream-node-max-bytes", size) == "OK"
            c("CONFIG", "SET", "stream-node-max-entries", entries)
        for _ in range(30):
            commands = [player.command() for _ in range(100)]
            for words, a, b in zip(commands, ours.pipeline(commands), theirs.pipeline(commands)):
                same(a, b, words)
            for key in ("k", "l"):
                assert info(ours("XINFO", "STREAM", key)) == info(theirs("XINFO", "STREAM", key))
                yours = theirs("DUMP", key)
                if yours is None:
                    assert ours("DUMP", key) is None
                    continue
                # What it has of a node is what it was given, so its own payloads tell that of ours.
                assert ours("RESTORE", "copy", 0, yours, "REPLACE") == "OK"
                assert ours("COPY", key, "other", "REPLACE") == 1
                for copy in (key, "copy", "other"):
                    assert theirs("RESTORE", "copy", 0, ours("DUMP", copy), "REPLACE") == "OK"
                    assert theirs("DUMP", "copy") == yours
                assert info(ours("XINFO", "STREAM", "copy", "FULL", "COUNT", "0")) == \
                    info(theirs("XINFO", "STREAM", "copy", "FULL", "COUNT", "0"))


@pytest.mark.parametrize("entries", [1, 3, 100])
def test_many_nodes_are_trimmed_at_once(server, oracle, entries):
    """Whatever goes in one go: the same replies, and the same is left."""
    rng = random.Random(SEED)
    print("seed", SEED)
    last = 0
    with server.client() as ours, oracle.client() as theirs:
        for c in (ours, theirs):
            c("FLUSHALL")
            assert c("CONFIG", "SET", "stream-node-max-bytes", 4096) == "OK"
            assert c("CONFIG", "SET", "stream-node-max-entries", entries) == "OK"
        for _ in range(25):
            commands = []
            for _ in range(rng.choice([200, 1500, 6000])):
                last += rng.choice([1, 1, 1, 2, 50])
                commands.append(["XADD", "k", f"{last}-{rng.randrange(3)}", "f", "v"])
            commands += [["XDEL", "k", f"{rng.randrange(last)}-1"] for _ in range(rng.choice([0, 0, 500]))]
            for _ in range(rng.randrange(3)):
                what = rng.choice([["MAXLEN", rng.randrange(6000)], ["MAXLEN", 0], ["MINID", rng.randrange(last + 9)]])
                how = rng.choice([[], ["~"]])
                limit = ["LIMIT", rng.choice([0, 100, 5000])] if how else []
                trim = [what[0], *how, what[1], *limit]
                last += 1
                commands += rng.choice([[["XTRIM", "k", *trim]], [["XADD", "k", *trim, f"{last}-0", "f", "v"]]])
                commands += [["XLEN", "k"], ["XRANGE", "k", "-", "+", "COUNT", 3]]
            for words, a, b in zip(commands, ours.pipeline(commands), theirs.pipeline(commands)):
                same(a, b, words)
            # Of so many nodes the server estimates that figure.
            a, b = ([p for p in info(c("XINFO", "STREAM", "k")) if p[0] != b"radix-tree-nodes"] for c in (ours, theirs))
            assert a == b
            assert theirs("RESTORE", "copy", 0, ours("DUMP", "k"), "REPLACE") == "OK"
            assert theirs("DUMP", "copy") == theirs("DUMP", "k")


@pytest.mark.parametrize("after", [["DEL", "k"], ["FLUSHALL"], ["XTRIM", "k", "MAXLEN", "0"], ["PING"]])
def test_what_was_cut_off_goes_by_and_by(start_server, after):
    n, left = 60000, 500
    with start_server().client() as c:
        assert c("CONFIG", "SET", "stream-node-max-entries", "1") == "OK"

        def used():
            return int(dict(line.split(":") for line in c("INFO", "memory").decode().split("\r\n")
                            if ":" in line)["used_memory"])
        for i in range(0, n, 10000):
            c.pipeline([["XADD", "k", f"{j + 1}-1", "f", "v"] for j in range(i, i + 10000)])
        usage, whole = c("MEMORY", "USAGE", "k", "SAMPLES", "0"), used()
        replies = c.pipeline([["XTRIM", "k", "MAXLEN", left], ["XLEN", "k"], ["MEMORY", "USAGE", "k", "SAMPLES", "0"],
                              after, ["XADD", "k", f"{n + 1}-1", "f", "v"], ["XRANGE", "k", "-", "+", "COUNT", "1"]])
        assert replies[:2] == [n - left, left] and replies[2] < usage * left / n * 1.2
        first = n - left + 1 if after == ["PING"] else n + 1
        assert replies[-1] == [[b"%d-1" % first, [b"f", b"v"]]]
        assert wait_until(lambda: used() < whole - usage * 0.9)


FAR = ["9223372036854775908-1", "9223372036854775909-1", "18446744073709551615-0", "18446744073709551615-18446744073709551615"]


@pytest.mark.parametrize("last", FAR)
def test_ids_may_be_as_far_apart_as_numbers_are(server, oracle, last):
    """In one node; a file counts from its first id, by numbers with a sign."""
    with server.client() as ours, oracle.client() as theirs:
        for c in (ours, theirs):
            c("DEL", "k", "copy")
            assert c("XADD", "k", "100-1", "f", "v") == b"100-1"
            assert c("XADD", "k", last, "f", "v") == last.encode()
        payload = theirs("DUMP", "k")
        assert ours("DUMP", "k") == payload
        for c in (ours, theirs):
            assert c("RESTORE", "copy", 0, payload) == "OK"
            assert c("XRANGE", "copy", "-", "+") == [[b"100-1", [b"f", b"v"]], [last.encode(), [b"f", b"v"]]]
        assert ours("DUMP", "copy") == payload

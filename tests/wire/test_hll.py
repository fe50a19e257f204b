# SPDX-License-Identifier: BSD-3-Clause
"""HyperLogLogs beside the real redis-server: the strings are a format, so after the same
random commands both servers have the same bytes at each key, and the same counts."""
import os
import random

import pytest
from conftest import encode
from oracle import oracle, start_oracle  # noqa: F401

SEED = int(os.environ.get("MINIREDIS_RANDOM_SEED", "0"))
HEAD = b"HYLL\x01" + bytes(10) + b"\x80"
REGISTERS = 16384


class Both:
    """The same commands to both servers; their replies must be equal."""

    def __init__(self, server, oracle):
        self.ours, self.theirs = server.client(), oracle.client()

    def ask(self, commands):
        data = b"".join(encode(*c) for c in commands)
        self.ours.send(data)
        self.theirs.send(data)
        for c in commands:
            ours, theirs = self.ours.raw(), self.theirs.raw()
            assert ours == theirs, f"{c!r}\n  ours {ours!r}\n  want {theirs!r}"

    def refused(self, *words):
        """Ours is an error, whatever theirs is."""
        reply = self.ours(*words)
        assert str(reply).startswith("INVALIDOBJ "), f"{words!r}: {reply!r}"

    def get(self, key):
        return self.ours("GET", key)


@pytest.fixture
def both(server, oracle):
    return Both(server, oracle)


def test_streams(both):
    """From the first element to a dense sketch of many, one element or many at a time."""
    rng = random.Random(SEED)
    for key, elements, many in (("one", 2200, 1), ("few", 4000, 5), ("many", 60000, 700)):
        done = 0
        while done < elements:
            commands = []
            for _ in range(40):
                words = [rng.randbytes(rng.randrange(24)) for _ in range(rng.randrange(1, many + 1))]
                done += len(words)
                commands.append(("PFADD", key, *words))
                if rng.random() < 0.1:
                    commands += [("PFCOUNT", key), ("GET", key)]
            both.ask([*commands, ("GET", key), ("PFDEBUG", "ENCODING", key), ("STRLEN", key)])
        both.ask([("PFDEBUG", "GETREG", key), ("GET", key)])


@pytest.mark.parametrize("limit", [0, 15, 18, 20, 21, 30, 100, 1000, 12304, 20000])
def test_where_it_becomes_dense(both, limit):
    rng = random.Random(f"{SEED} {limit}")
    both.ask([("CONFIG", "SET", "hll-sparse-max-bytes", limit), ("PFADD", "k"), ("GET", "k")])
    for _ in range(60):
        count = rng.choice((1, 1, 3, 1 + limit // 30))
        words = [rng.randbytes(8) for _ in range(count)]
        both.ask([("PFADD", "k", *words), ("GET", "k"), ("PFCOUNT", "k"), ("GET", "k")])
    # A limit that is lower than what there is holds for what grows only.
    both.ask([("CONFIG", "SET", "hll-sparse-max-bytes", 40)])
    for i in range(50):
        both.ask([("PFADD", "k", f"later{i}"), ("GET", "k")])


def xzero(count):
    return bytes([0x40 | (count - 1) >> 8, (count - 1) & 255])


def random_sparse(rng, dull):
    """A sparse sketch such as none that PFADD makes: all lengths of runs, forms that are longer
    than they need be, neighbours of one value."""
    out, left = bytearray(HEAD), REGISTERS
    while left > 0:
        kind = rng.random()
        if kind < 0.45:
            count = min(left, rng.randrange(1, 5))
            out.append(0x80 | rng.choice((0, 1, 2, 31)) << 2 | count - 1)
        elif kind < 0.9:
            count = min(left, rng.choice((1, 2, 3, 64, rng.randrange(1, 65))))
            out.append(count - 1)
        else:
            count = min(left, rng.choice((1, 63, 64, 65, 66, rng.randrange(1, dull))))
            out += xzero(count)
        left -= count
    return bytes(out)


def test_odd_sketches(both):
    """Sparse sketches made by hand, and what PFADD makes of them."""
    rng = random.Random(SEED + 1)
    both.ask([("CONFIG", "SET", "hll-sparse-max-bytes", 40000)])
    for _ in range(60):
        text = random_sparse(rng, rng.choice((2, 70, 300, 16384)))
        both.ask([("SET", "k", text), ("PFCOUNT", "k"), ("PFDEBUG", "DECODE", "k")])
        for _ in range(12):
            both.ask([("PFADD", "k", rng.randbytes(6)), ("GET", "k")])
        both.ask([("PFCOUNT", "k"), ("PFDEBUG", "GETREG", "k"), ("GET", "k")])


def test_merges(both):
    """Random sketches, sparse and dense, merged into one another in any way."""
    rng = random.Random(SEED + 2)
    keys = [f"k{i}" for i in range(8)]
    for turn in range(250):
        key, others = rng.choice(keys), rng.choices(keys, k=rng.randrange(4))
        kind = rng.random()
        if kind < 0.05:
            command = ("DEL", key)
        elif kind < 0.08:
            command = ("SET", key, random_sparse(rng, 16384))
        elif kind < 0.1:
            command = ("CONFIG", "SET", "hll-sparse-max-bytes", rng.choice((50, 1000, 3000, 15000)))
        elif kind < 0.4:
            command = ("PFMERGE", key, *others)
        elif kind < 0.6:
            command = ("PFCOUNT", key, *others)
        elif kind < 0.62:
            command = ("PFDEBUG", "TODENSE", key)
        else:
            command = ("PFADD", key, *(rng.randbytes(3) for _ in range(rng.choice((1, 3, 50, 400)))))
        both.ask([command, ("GET", key)])
        if turn % 10 == 0:
            both.ask([(name, k) for k in keys for name in ("PFCOUNT", "GET")])
    both.ask([("GET", k) for k in keys])


def test_dense_by_hand(both):
    """Registers of any value, also those that no element makes."""
    rng = random.Random(SEED + 3)
    head = b"HYLL\x00\x01\x02\x03" + bytes(7) + b"\x80"
    bodies = [bytes(12288), b"\xff" * 12288, rng.randbytes(12288), b"\xff" * 12287 + b"\x7f",
              bytes(12287) + b"\x80", b"\xcf\x3c\xf3" * 4096]
    for body in bodies:
        both.ask([("SET", "k", head + body), ("PFCOUNT", "k"), ("GET", "k"), ("PFADD", "k", "a", "b", "c"),
                  ("GET", "k"), ("PFCOUNT", "k"), ("PFDEBUG", "GETREG", "k"), ("PFMERGE", "m", "k"), ("GET", "m"),
                  ("PFCOUNT", "m", "k"), ("PFMERGE", "k"), ("GET", "k"), ("DEL", "m")])


def test_writes_only_what_changes(both):
    """Changes since the last save count what was written, PFCOUNT's keeping of the count too."""
    def changes():
        return int(both.ours.info("persistence")["rdb_changes_since_last_save"])

    both.ask([("PFADD", "k", "a")])
    before = changes()
    both.ask([("PFADD", "k", "a"), ("PFADD", "k"), ("PFDEBUG", "ENCODING", "k"), ("PFDEBUG", "DECODE", "k")])
    assert changes() == before
    both.ask([("PFCOUNT", "k")])
    assert changes() == before + 1
    both.ask([("PFCOUNT", "k"), ("PFCOUNT", "k", "k"), ("PFADD", "k", "a")])
    assert changes() == before + 1
    both.ask([("EXPIRE", "k", "1000"), ("PFADD", "k", "b", "c"), ("TTL", "k"), ("PFMERGE", "k"), ("TTL", "k"),
              ("PFCOUNT", "k"), ("TTL", "k"), ("PFDEBUG", "TODENSE", "k"), ("TTL", "k")])


CORRUPT = [
    b"", b"\x7f", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f\xff\x80", b"\x7f\xff\x7f\xff", b"\x7f\xff\x7f",
    b"\x00" * 16383, b"\x00" * 255, b"\x3f" * 257, b"\x83" * 4097, b"\x7f\xff" * 3, b"\x40" * 33, b"\x40" * 64,
    b"\x00" * 40000,
    b"\x3f" * 255 + b"\x3e\x83", b"\x80" * 16385, b"\x7f\xff" * 8192, b"\xff" * 100000, b"\x40\x00" * 16384 + b"\x00",
]


@pytest.mark.parametrize("body", CORRUPT, ids=lambda b: f"{b[:3].hex()}-{len(b)}")
def test_corrupt(both, body):
    """Runs that end too early or too late are refused by all, and nothing is changed."""
    for count in (0x80, 0):
        text = HEAD[:-1] + bytes([count]) + body
        both.ours("SET", "good", HEAD + b"\x7f\xff")
        both.ours("SET", "k", text)
        if count:
            both.refused("PFCOUNT", "k")
        else:
            assert both.ours("PFCOUNT", "k") == 0
        for words in (("PFADD", "k", "a"), ("PFADD", "k", "a", "b"), ("PFMERGE", "k"), ("PFMERGE", "new", "k"),
                      ("PFMERGE", "k", "good"), ("PFCOUNT", "k", "good"), ("PFCOUNT", "good", "k"),
                      ("PFDEBUG", "DECODE", "k"), ("PFDEBUG", "TODENSE", "k"), ("PFDEBUG", "GETREG", "k")):
            both.refused(*words)
        assert both.get("k") == text
        assert both.get("new") is None


def test_corrupt_as_the_others_say(both):
    """Where redis-server refuses without reading on."""
    for body in (b"", b"\x7f\xff\x00", b"\x7f\xfe", b"\x00" * 255):
        both.ask([("SET", "k", HEAD + body), ("PFCOUNT", "k"), ("PFMERGE", "k"), ("PFMERGE", "new", "k"),
                  ("PFCOUNT", "k", "none"), ("PFDEBUG", "TODENSE", "k"), ("GET", "k")])

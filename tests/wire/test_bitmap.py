# SPDX-License-Identifier: BSD-3-Clause
"""Random bitmap requests to miniredis and to the real redis-server: equal replies, and equal
strings afterwards. What is meant to differ (table_bitmap*.txt) is not asked here.

MINIREDIS_RANDOM_ROUNDS runs more of them, MINIREDIS_RANDOM_SEED others."""
import os
import random

import pytest
from conftest import encode
from oracle import oracle, start_oracle  # noqa: F401

ROUNDS = int(os.environ.get("MINIREDIS_RANDOM_ROUNDS", "300"))
SEED = os.environ.get("MINIREDIS_RANDOM_SEED", "0")
WORDS = ["x", "", "1.5", " 1", "01", "9223372036854775808", "-9223372036854775809"]
EDGES = [0, 1, 7, 8, 9, 15, 16, 63, 64, 1023, 1024, 1025]


class Requests:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.keys = ["a", "b", "c", "d", "e", "nosuch"]

    def key(self):
        return self.rng.choice(self.keys[:-1]) if self.rng.random() < 0.9 else self.keys[-1]

    def bad(self, word, chance=0.01):
        return self.rng.choice(WORDS) if self.rng.random() < chance else word

    def offset(self):
        rng = self.rng
        return self.bad(rng.choice((rng.randrange(64), rng.randrange(400), rng.randrange(20000), rng.choice(EDGES))))

    def index(self):
        rng = self.rng
        return self.bad(rng.choice((rng.randrange(-12, 12), rng.randrange(-700, 700), rng.choice(EDGES),
                                    -rng.choice(EDGES), rng.randrange(-1 << 63, 1 << 63))))

    def set(self):
        rng = self.rng
        kinds = (lambda: rng.randbytes(rng.choice((0, 1, 8, 44, 500, 1500))), lambda: str(rng.randrange(-1 << 63, 1 << 63)),
                 lambda: str(rng.randrange(200)), lambda: b"\xff" * rng.choice((1, 30, 300, 1100)),
                 lambda: b"\x00" * rng.choice((1, 30, 300, 1100)))
        # "nosuch" stays missing.
        return ["SET", rng.choice(self.keys[:-1]), rng.choice(kinds)()]

    def count(self):
        words = ["BITCOUNT", self.key()]
        if self.rng.random() < 0.8:
            words += [self.index(), self.index()]
            if self.rng.random() < 0.6:
                words.append(self.bad(self.rng.choice(("BIT", "bit", "BYTE", "byte"))))
        return words

    def find(self):
        rng = self.rng
        words = ["BITPOS", self.key(), self.bad(rng.choice("01"))]
        more = [self.index(), self.index(), self.bad(rng.choice(("BIT", "bit", "BYTE", "byte")))]
        return words + more[:rng.randrange(4)]

    def combine(self):
        rng = self.rng
        name = rng.choice(("AND", "OR", "XOR", "NOT", "and", "Not"))
        count = 1 if name.upper() == "NOT" and rng.random() < 0.95 else rng.choice((1, 2, 2, 3, 5, 12))
        return ["BITOP", self.bad(name), rng.choice(self.keys[:-1]), *[self.key() for _ in range(count)]]

    def operation(self, kinds):
        rng = self.rng
        kind = rng.choice(kinds)
        if kind == "OVERFLOW":
            return [kind, self.bad(rng.choice(("WRAP", "SAT", "FAIL", "wrap", "sat", "fail")))]
        signed = rng.random() < 0.5
        width = rng.choice((1, 2, 7, 8, 9, 16, 31, 32, 33, 62, 63, 64 if signed else 5, rng.randrange(1, 64)))
        offset = self.offset()
        if isinstance(offset, int) and rng.random() < 0.3:
            offset = f"#{offset % 40}"
        words = [kind, self.bad(f"{'i' if signed else 'u'}{width}"), offset]
        if kind != "GET":
            edge = 1 << rng.randrange(width)
            value = rng.choice((edge, -edge, edge - 1, 1 - edge, rng.randrange(300), rng.randrange(-1 << 62, 1 << 62)))
            words.append(self.bad(value))
        return words

    def field(self):
        rng = self.rng
        name = rng.choice(("BITFIELD", "BITFIELD", "BITFIELD", "BITFIELD_RO"))
        kinds = ("GET",) if name == "BITFIELD_RO" and rng.random() < 0.9 else ("GET", "SET", "INCRBY", "INCRBY", "OVERFLOW")
        words = [name, self.key() if kinds == ("GET",) else rng.choice(self.keys[:-1])]
        for _ in range(rng.choice((0, 1, 1, 2, 3, 6, 20))):
            words += self.operation(kinds)
        if rng.random() < 0.03:
            words.pop()
        return words if len(words) > 1 else words + ["a"]

    def one(self):
        rng = self.rng
        return rng.choice((
            self.set, self.count, self.count, self.find, self.find, self.combine, self.combine, self.field, self.field,
            lambda: ["SETBIT", rng.choice(self.keys[:-1]), self.offset(), self.bad(rng.choice("01"))],
            lambda: ["SETBIT", rng.choice(self.keys[:-1]), self.offset(), self.bad(rng.choice("01"))],
            lambda: ["GETBIT", self.key(), self.offset()],
            lambda: ["GET", self.key()], lambda: ["OBJECT", "ENCODING", self.key()]))()


@pytest.mark.parametrize("seed", range(3))
def test_random_bitmaps(start_server, oracle, seed):
    requests = Requests(f"{SEED}.{seed}")
    server = start_server()
    with server.client() as a, oracle.client() as b:
        for _ in range(ROUNDS):
            batch = [requests.one() for _ in range(50)]
            data = b"".join(encode(*words) for words in batch)
            a.send(data)
            b.send(data)
            for words in batch:
                ours, theirs = a.raw(), b.raw()
                assert ours == theirs, words
        changes = [next(line for line in c("INFO", "persistence").splitlines() if b"rdb_changes" in line)
                   for c in (a, b)]
        assert changes[0] == changes[1]

# SPDX-License-Identifier: BSD-3-Clause
"""Lists beside the real redis-server: long runs of random commands with nodes of all sizes, payloads in
both directions, the encodings of old files, blocked clients, and what big lists cost."""
import random
import struct
import time

import pytest
from conftest import Error, encode, wait_until
from oracle import oracle, start_oracle  # noqa: F401

SHAPES = [(-2, 0), (-1, 1), (3, 0), (5, 2), (1, 0)]
SEED = random.randrange(1 << 32)


class Player:
    """Draws commands on a few keys, whose lists grow long now and then."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def element(self):
        rng = self.rng
        kind = rng.randrange(30)
        if kind < 12:
            return rng.choice([b"a", b"b", b"", b"7", b"-3000", b"070", b"9223372036854775808"])
        if kind == 29:
            return b"x" * rng.choice([3000, 4090, 8180, 9000, 20000])
        return rng.randbytes(rng.randrange(80)) if kind > 20 else b"%d" % rng.randrange(-(1 << kind), 1 << kind)

    def index(self):
        return self.rng.choice([0, 1, -1, -2, self.rng.randrange(-400, 400)])

    def command(self):
        rng = self.rng
        key = rng.choice(["k", "k", "k", "l"])
        side = rng.choice(["LEFT", "RIGHT"])
        push = [rng.choice(["LPUSH", "RPUSH", "RPUSHX"]), key, *(self.element() for _ in range(rng.randrange(1, 9)))]
        return rng.choice([
            push, push, push, push,
            [rng.choice(["LPOP", "RPOP"]), key], [rng.choice(["LPOP", "RPOP"]), key, rng.randrange(6)],
            ["LINSERT", key, rng.choice(["BEFORE", "AFTER"]), self.element(), self.element()],
            ["LSET", key, self.index(), self.element()], ["LINDEX", key, self.index()],
            ["LRANGE", key, self.index(), self.index()], ["LREM", key, rng.randrange(-3, 4), self.element()],
            ["LPOS", key, self.element(), "RANK", rng.choice([1, 2, -1]), "COUNT", rng.randrange(3)],
            ["LMOVE", key, rng.choice(["k", "l"]), side, rng.choice(["LEFT", "RIGHT"])],
            ["LMPOP", 2, "l", key, side, "COUNT", rng.randrange(1, 4)], ["LLEN", key],
            ["LTRIM", key, rng.randrange(3), -1 - rng.randrange(3)] if rng.randrange(12) else
            ["LTRIM", key, self.index(), self.index()]])


@pytest.mark.parametrize("size, depth", SHAPES)
def test_random_commands(server, oracle, size, depth):
    print("seed", SEED)
    player = Player(SEED)
    with server.client() as ours, oracle.client() as theirs:
        for c in (ours, theirs):
            c("FLUSHALL")
            c("CONFIG", "SET", "list-max-listpack-size", size)
            c("CONFIG", "SET", "list-compress-depth", depth)
        for _ in range(60):
            commands = [player.command() for _ in range(50)]
            for words, a, b in zip(commands, ours.pipeline(commands), theirs.pipeline(commands)):
                assert str(a) == str(b) if isinstance(a, Error) else a == b, words
            for key in ("k", "l"):
                assert ours("LRANGE", key, 0, -1) == theirs("LRANGE", key, 0, -1)
                mine, yours = ours("DUMP", key), theirs("DUMP", key)
                if mine is None:
                    continue
                assert theirs("RESTORE", "copy", 0, mine, "REPLACE") == "OK"
                assert ours("RESTORE", "copy", 0, yours, "REPLACE") == "OK"
                assert ours("LRANGE", "copy", 0, -1) == theirs("LRANGE", "copy", 0, -1) == ours("LRANGE", key, 0, -1)
                assert ours("OBJECT", "ENCODING", key) == b"quicklist"


def ziplist(*entries):
    body, before, last = b"", 0, 10
    for e in entries:
        one = bytes([before]) + (bytes([0xc0]) + struct.pack("<h", e) if isinstance(e, int) else bytes([len(e)]) + e)
        last = 10 + len(body)
        body, before = body + one, len(one)
    return struct.pack("<IIH", 10 + len(body) + 1, last, len(entries)) + body + b"\xff"


def string(data):
    return struct.pack(">BI", 0x80, len(data)) + data


OLD = {
    "linked": b"\x01\x03" + string(b"a") + string(b"") + b"\xc0\x07",
    "ziplist": b"\x0a" + string(ziplist(b"a", b"", 7)),
    "ziplists": b"\x0e\x02" + string(ziplist(b"a")) + string(ziplist(b"", 7)),
}


def crc64(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95ac9329ac4bc9b5 if crc & 1 else 0)
    return crc


@pytest.mark.parametrize("name", OLD)
def test_old_encodings(server, oracle, name):
    payload = OLD[name] + b"\x06\x00"
    payload += struct.pack("<Q", crc64(payload))
    for s in (server, oracle):
        with s.client() as c:
            assert c("RESTORE", "old", 0, payload, "REPLACE") == "OK"
            assert c("LRANGE", "old", 0, -1) == [b"a", b"", b"7"]


def test_corrupt_payloads(server):
    """Whatever one byte is changed to, the server stays, and tells either an error or a list."""
    rng = random.Random(3)
    with server.client() as c:
        c("CONFIG", "SET", "list-compress-depth", "1")
        c("RPUSH", "k", *(b"element %d" % (i % 50) for i in range(2000)))
        for key, count in (("k", 200), ("s", 400)):
            c("RPUSH", "s", "a", "b", "17", "-3000")
            good = c("DUMP", key)[:-8]
            for _ in range(count):
                bad = bytearray(good)
                for _ in range(rng.randrange(1, 4)):
                    bad[rng.randrange(len(bad) - 2)] = rng.randrange(256)
                bad[0] = rng.choice([1, 10, 14, 18])
                answer = c("RESTORE", "bad", 0, bytes(bad) + struct.pack("<Q", crc64(bytes(bad))), "REPLACE")
                if answer == "OK":
                    assert c("LLEN", "bad") == len(c("LRANGE", "bad", 0, -1))
                    c("RPUSH", "bad", "x")
                    c("LREM", "bad", 0, "a")
        assert c("PING") == "PONG"


def test_what_waits(server):
    with server.client() as c, server.client() as a, server.client() as b:
        for n, (waiting, words) in enumerate(((a, ("BLMOVE", "k", "d", "LEFT", "RIGHT", "0")),
                                              (b, ("BLMOVEM", "k", "d", "LEFT", "LEFT", "0", "EXACTLY", "3", "BULK")))):
            waiting.send(encode(*words))
            assert wait_until(lambda: c.info("clients")["blocked_clients"] == str(n + 1))
        c("RPUSH", "k", "1", "2", "3")
        assert a.reply() == b"1"
        assert c("LRANGE", "k", 0, -1) == [b"2", b"3"]
        c("LINSERT", "k", "AFTER", "3", "4")
        assert b.reply() == [b"2", b"3", b"4"]
        assert c("LRANGE", "d", 0, -1) == [b"2", b"3", b"4", b"1"]
        assert c("EXISTS", "k") == 0


def test_big_lists_are_quick(server):
    """No command on one element of a million takes long, wherever that is."""
    with server.client() as c:
        for i in range(0, 1000000, 50000):
            c("RPUSH", "k", *range(i, i + 50000))
        c("CONFIG", "RESETSTAT")
        for i in range(0, 1000000, 5003):
            assert c("LINDEX", "k", i) == b"%d" % i
            c("LSET", "k", i, "x%d" % i)
            c("RPOP", "k")
            c("LPUSH", "k", "new")
            c("LPOP", "k")
        stats = c.info("commandstats")
        for name in ("lindex", "lset", "rpop", "lpush", "lpop"):
            row = str(stats["cmdstat_" + name])
            assert float(row.split("usec_per_call=")[1].split(",")[0]) < 100, row
        begin = time.monotonic()
        c("LTRIM", "k", 500000, 500009)
        assert c("LLEN", "k") == 10
        assert time.monotonic() - begin < 0.5

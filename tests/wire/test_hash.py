# SPDX-License-Identifier: BSD-3-Clause
"""Hashes beside the real redis-server: random sequences of commands, payloads and files in
both directions, the packed forms of old files, walks while the table changes, and draws."""
import collections
import random
import struct

import pytest
from conftest import Error
from oracle import oracle, start_oracle  # noqa: F401

SEED = random.SystemRandom().randrange(1 << 32)


def pairs(flat):
    """A reply of fields and values as a dict; RESP2."""
    assert len(set(flat[::2])) == len(flat) // 2
    return dict(zip(flat[::2], flat[1::2]))


def limits(c, entries, value):
    assert c("CONFIG", "SET", "hash-max-listpack-entries", entries, "hash-max-listpack-value", value) == "OK"


# --- random sequences ---

def some_field(rng):
    return rng.choice((b"f%d" % rng.randrange(40), b"%d" % rng.randrange(-20, 20), b"", b"long" * 20))


def some_value(rng):
    return rng.choice((b"%d" % rng.randrange(-100, 100), b"%d" % rng.getrandbits(62), b"1.5", b"", b"x" * rng.randrange(100),
                       rng.randbytes(rng.randrange(70)), b"y" * 300))


def some_request(rng):
    key = b"h%d" % rng.randrange(4)
    name = rng.choice(("HSET", "HSET", "HSET", "HMSET", "HSETNX", "HGET", "HMGET", "HGETALL", "HKEYS", "HVALS", "HDEL", "HDEL",
                       "HLEN", "HEXISTS", "HSTRLEN", "HINCRBY", "HINCRBYFLOAT", "HSCAN", "DUMP", "OBJECT", "COPY", "DEL",
                       "RENAME", "SORT", "TYPE"))
    field, value = some_field(rng), some_value(rng)
    if name in ("HSET", "HMSET"):
        n = rng.choice((1, 1, 1, 2, 5, 30))
        return [name, key, *(w for _ in range(n) for w in (some_field(rng), some_value(rng)))]
    if name in ("HMGET", "HDEL"):
        return [name, key, *(some_field(rng) for _ in range(rng.choice((1, 2, 20))))]
    return {"HSETNX": [name, key, field, value], "HGET": [name, key, field], "HEXISTS": [name, key, field],
            "HSTRLEN": [name, key, field], "HINCRBY": [name, key, field, b"%d" % rng.randrange(-50, 50)],
            "HINCRBYFLOAT": [name, key, field, b"%g" % rng.uniform(-5, 5)], "HSCAN": [name, key, "0", "COUNT", "10000"],
            "OBJECT": [name, "ENCODING", key], "COPY": [name, key, b"h%d" % rng.randrange(4), "REPLACE"],
            "RENAME": [name, key, b"h%d" % rng.randrange(4)],
            "SORT": [name, b"list", "BY", b"nosort", "GET", key + b"->" + field]}.get(name, [name, key])


def normal(request, answer):
    """What must be equal whatever order the fields of a table are in."""
    if isinstance(answer, Error):
        return str(answer)
    name = request[0]
    if name == "HGETALL":
        return pairs(answer)
    if name == "HSCAN":
        return answer[0], pairs(answer[1])
    if name in ("HKEYS", "HVALS"):
        return sorted(answer)
    return answer


@pytest.mark.parametrize("entries,value", [(512, 64), (8, 64), (30, 20), (0, 64)])
def test_random_sequences(server, oracle, entries, value):
    rng = random.Random(f"{SEED} {entries} {value}")
    with server.client() as ours, oracle.client() as theirs:
        for c in (ours, theirs):
            limits(c, entries, value)
        for step in range(5000):
            request = some_request(rng)
            mine, yours = ours(*request), theirs(*request)
            if request[0] == "DUMP" and mine is not None:
                if theirs("OBJECT", "ENCODING", request[1]) == b"hashtable" or len(mine) > 30:
                    # Order and compression are free.
                    assert theirs("RESTORE", "copy", "0", mine, "REPLACE") == "OK"
                    assert ours("RESTORE", "copy", "0", yours, "REPLACE") == "OK"
                    mine, yours = pairs(theirs("HGETALL", "copy")), pairs(theirs("HGETALL", request[1]))
                    assert pairs(ours("HGETALL", "copy")) == yours
                    assert ours("OBJECT", "ENCODING", "copy") == theirs("OBJECT", "ENCODING", "copy")
            assert normal(request, mine) == normal(request, yours), f"seed {SEED}, step {step}: {request}"


# --- payloads ---

def crc64(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95AC9329AC4BC9B5 if crc & 1 else 0)
    return crc


def payload(kind, value, version=9):
    data = bytes([kind]) + value + struct.pack("<H", version)
    return data + struct.pack("<Q", crc64(data))


def string(data):
    return (bytes([len(data)]) if len(data) < 64 else struct.pack(">H", 0x4000 | len(data))) + data


def ziplist(items, wide=False):
    out, before, last = b"", 0, 10
    for item in items:
        last = 10 + len(out)
        entry = b"\xfe" + struct.pack("<I", before) if wide or before >= 254 else bytes([before])
        if isinstance(item, bytes):
            n = len(item)
            entry += bytes([n]) if n < 64 else struct.pack(">H", 0x4000 | n) if n < 16384 else b"\x80" + struct.pack(">I", n)
            entry += item
        elif 0 <= item <= 12:
            entry += bytes([0xF1 + item])
        elif -128 <= item <= 127:
            entry += b"\xfe" + struct.pack("<b", item)
        elif -32768 <= item <= 32767:
            entry += b"\xc0" + struct.pack("<h", item)
        elif -(1 << 23) <= item < 1 << 23:
            entry += b"\xf0" + struct.pack("<i", item)[:3]
        elif -(1 << 31) <= item < 1 << 31:
            entry += b"\xd0" + struct.pack("<i", item)
        else:
            entry += b"\xe0" + struct.pack("<q", item)
        out += entry
        before = len(entry)
    return struct.pack("<IIH", 11 + len(out), last, len(items)) + out + b"\xff"


def zipmap(items, unused=0):
    def length(n):
        return bytes([n]) if n < 254 else b"\xfe" + struct.pack("<I", n)
    out = b""
    for i, item in enumerate(items):
        out += length(len(item)) + (bytes([unused]) if i % 2 else b"") + item + (b"\0" * unused if i % 2 else b"")
    return bytes([min(len(items) // 2, 254)]) + out + b"\xff"


OLD = [
    (13, ziplist([b"a", b"1", b"b", b"two"])), (13, ziplist([b"a", 1, 2, b"two", -5, 12])),
    (13, ziplist([b"a", 13, b"b", -128, b"c", 127, b"d", -129, b"e", 32767, b"f", -32769, b"g", 8388607, b"h", -8388609, b"i",
                  2147483647, b"j", -2147483649, b"k", 9223372036854775807, b"l", -9223372036854775808])),
    (13, ziplist([b"a", b"x" * 63, b"b", b"x" * 64, b"c", b"x" * 253, b"d", b"x" * 254, b"e", b"x" * 300])),
    (13, ziplist([b"a", b"1", b"b", b"two"], wide=True)), (13, ziplist([b"%d" % i for i in range(200)])),
    (13, ziplist([b"a", b"1", b"a", b"2"])), (13, ziplist([5, b"1", b"5", b"2"])), (13, ziplist([b"a"])), (13, ziplist([])),
    (13, ziplist([b"a", b"1"])[:-1] + b"\x00"), (13, b"\x20" + ziplist([b"a", b"1"])[1:]), (13, b""), (13, b"\xff"),
    (9, zipmap([b"a", b"1", b"b", b"two"])), (9, zipmap([b"a", b"1", b"b", b"two"], unused=3)),
    (9, zipmap([b"a", b"x" * 64])), (9, zipmap([b"a", b"x" * 65])), (9, zipmap([b"k" * 300, b"x" * 253])),
    (9, zipmap([b"a", b"1", b"a", b"2"])), (9, zipmap([])), (9, b"\x02" + zipmap([b"a", b"1"])[1:]), (9, b"\xff"), (9, b""),
    (9, zipmap([b"%d" % i for i in range(600)])),
]


@pytest.mark.parametrize("entries", [512, 3])
def test_old_forms(server, oracle, entries):
    with server.client() as ours, oracle.client() as theirs:
        for c in (ours, theirs):
            limits(c, entries, 64)
        theirs("CONFIG", "SET", "sanitize-dump-payload", "yes")
        for i, (kind, blob) in enumerate(OLD):
            value = b"\x80" + struct.pack(">I", len(blob)) + blob
            mine, yours = (c("RESTORE", f"k{i}", "0", payload(kind, value)) for c in (ours, theirs))
            assert str(mine) == str(yours), (kind, blob)
            if mine == "OK":
                assert pairs(ours("HGETALL", f"k{i}")) == pairs(theirs("HGETALL", f"k{i}"))
                assert ours("OBJECT", "ENCODING", f"k{i}") == theirs("OBJECT", "ENCODING", f"k{i}"), (kind, blob)
        assert ours("DBSIZE") == theirs("DBSIZE") > 5


def test_big_ones_both_ways(server, oracle):
    rng = random.Random(SEED)
    wanted = {b"field:%d" % i: rng.choice((b"%d" % i, rng.randbytes(rng.randrange(300)), b"z" * 5000)) for i in range(3000)}
    flat = [w for pair in wanted.items() for w in pair]
    with server.client() as ours, oracle.client() as theirs:
        for c in (ours, theirs):
            assert c("HSET", "h", *flat) == 3000
            assert c("OBJECT", "ENCODING", "h") == b"hashtable"
        assert theirs("RESTORE", "r", "0", ours("DUMP", "h")) == "OK"
        assert ours("RESTORE", "r", "0", theirs("DUMP", "h")) == "OK"
        for c in (ours, theirs):
            assert pairs(c("HGETALL", "r")) == wanted


def test_a_file_of_the_oracle(start_server, oracle):
    rng = random.Random(SEED)
    wanted = {}
    with oracle.client() as c:
        for i in range(300):
            n = rng.choice((1, 3, 10, 100, 700))
            wanted[b"h%d" % i] = {b"f%d" % j: some_value(rng) for j in range(n)}
            c("HSET", "h%d" % i, *(w for pair in wanted[b"h%d" % i].items() for w in pair))
        assert c("SAVE") == "OK"
        encodings = {k: c("OBJECT", "ENCODING", k) for k in wanted}
    with start_server("--dir", oracle.directory).client() as c:
        assert c("DBSIZE") == len(wanted)
        for key, value in wanted.items():
            assert pairs(c("HGETALL", key)) == value
            assert c("OBJECT", "ENCODING", key) == encodings[key]


UNTIMED = [
    (16, "1111000000040081610201018162020201ff", 80),
    (24, "000000000000000002000161c001000162c002", 12),
    (22, "020161c001ffffffffffffffff0162c002ffffffffffffffff", 80),
    (22, "02000161c001000162c002", 11),
    (25, "0000000000000000" + "15" + "150000000600816102010100018162020201000" + "1ff", 12),
]


def test_types_with_times_without_any(server):
    """With them: test_hash_expiry.py."""
    with server.client() as c:
        for kind, value, version in UNTIMED:
            assert c("RESTORE", "k", "0", payload(kind, bytes.fromhex(value), version), "REPLACE") == "OK", kind
            assert pairs(c("HGETALL", "k")) == {b"a": b"1", b"b": b"2"}
            assert c("OBJECT", "ENCODING", "k") == b"listpack"


# --- walks and draws ---

def walk(c, key, step=lambda: None, *options):
    seen, cursor = collections.Counter(), b"0"
    while True:
        cursor, page = c("HSCAN", key, cursor, *options)
        seen.update(page[::2])
        if cursor == b"0":
            return seen
        step()


def test_walks_miss_nothing(server):
    rng = random.Random(SEED)
    with server.client() as c:
        stay = {b"stay:%d" % i for i in range(2000)}
        c("HSET", "h", *(w for f in stay for w in (f, b"v")))
        assert set(walk(c, "h")) == stay and max(walk(c, "h").values()) == 1
        extra = 0

        def change():
            nonlocal extra
            grow = rng.random() < 0.5
            for _ in range(rng.choice((1, 500, 3000))):
                extra += 1 if grow else -1
                extra = max(extra, 0)
                c("HSET" if grow else "HDEL", "h", b"extra:%d" % extra, *([b"v"] if grow else []))

        for _ in range(3):
            seen = walk(c, "h", change, "COUNT", "200")
            assert stay <= set(seen)


def test_draws(server):
    with server.client() as c:
        for size in (1, 7, 300, 2000):
            fields = {b"f%d" % i: b"v%d" % i for i in range(size)}
            c("DEL", "h")
            c("HSET", "h", *(w for pair in fields.items() for w in pair))
            for count in (1, size // 7, size // 2, size - 1, size, size + 5):
                drawn = c("HRANDFIELD", "h", count)
                assert len(drawn) == len(set(drawn)) == min(count, size) and set(drawn) <= set(fields)
                both = pairs(c("HRANDFIELD", "h", count, "WITHVALUES"))
                assert len(both) == min(count, size) and both.items() <= fields.items()
            many = collections.Counter(c("HRANDFIELD", "h", -200 * size))
            assert set(many) == set(fields) and sum(many.values()) == 200 * size
            assert max(many.values()) < 200 * 3 and min(many.values()) > 200 / 3
            some = collections.Counter(f for _ in range(60) for f in c("HRANDFIELD", "h", max(size // 4, 1)))
            assert len(some) > size * 0.9
            alone = collections.Counter(c.pipeline([("HRANDFIELD", "h")] * 20 * size))
            assert len(alone) > size * 0.9

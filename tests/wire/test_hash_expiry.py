# SPDX-License-Identifier: BSD-3-Clause
"""Fields of hashes go at their time, whether somebody asks or not, from whatever the hash came."""
import struct
import time

import pytest
from conftest import encode, wait_until
from test_hash import crc64, pairs, payload, string

LATE = 0.5  # s; the aim of the server itself is 0.01, and the rest is for the machine that runs this
FAR = 4102444800000


def now_ms(client):
    seconds, micros = client("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


def test_active(client):
    """Nobody names the hashes; DBSIZE counts what is really there."""
    base = now_ms(client) + 60
    client.pipeline([("HSETEX", f"h{i}", "PXAT", base + i, "FIELDS", "1", "f", "v") for i in range(101)])
    assert client("DBSIZE") == 101 or now_ms(client) >= base
    while True:
        before = now_ms(client)
        size = client("DBSIZE")
        after = now_ms(client)
        assert size >= sum(base + i > after for i in range(101)), "a field went before its time"
        assert size <= sum(base + i > before - LATE * 1000 for i in range(101)), "a field is overdue"
        if size == 0:
            break
    assert now_ms(client) >= base + 100
    stats = client.info("stats")
    assert int(stats["expired_subkeys"]) == 101 and int(stats["expired_keys"]) == 0
    # Most at least at once, whatever else this machine does.
    assert int(stats["expired_lag_ms_p50"]) <= 10


def test_many_of_one_hash(client):
    """A table of 20000, half of which goes at its own times while the other half stays."""
    base = now_ms(client) + 400
    client.pipeline([("HSETEX", "h", "PXAT", base + i // 100, "FIELDS", "1", f"f{i}", "v") for i in range(10000)])
    client.pipeline([("HSET", "h", f"s{i}", "v") for i in range(10000)])
    assert client.info("keyspace")["db0"].endswith(",subexpiry=1") or now_ms(client) >= base + 99
    while (length := client("HLEN", "h")) > 10000:
        after = now_ms(client)
        assert length >= 10000 + 100 * max(0, min(100, base + 99 - after)), "a field went before its time"
        assert after < base + 100 + LATE * 1000
    assert wait_until(lambda: client.info("keyspace")["db0"].endswith(",subexpiry=0"))
    assert int(client.info("stats")["expired_subkeys"]) == 10000
    assert sorted(client("HKEYS", "h")) == sorted(b"s%d" % i for i in range(10000))


@pytest.mark.parametrize("then", ["COPY h x", "RENAME h x", "MOVE h 1", "SWAPDB 0 1", "DUMP", "FLUSHALL", "FLUSHDB ASYNC"])
def test_times_go_along(client, then):
    base = now_ms(client) + 150
    client("HSETEX", "h", "PXAT", base, "FIELDS", "2", "a", "1", "b", "2")
    client("HSET", "h", "c", "3")
    if then == "DUMP":
        assert client("RESTORE", "x", "0", client("DUMP", "h")) == "OK"
    else:
        assert client(*then.split()) in (1, "OK")
    expected = {"COPY h x": 4, "DUMP": 4, "FLUSHALL": 0, "FLUSHDB ASYNC": 0}.get(then, 2)
    assert wait_until(lambda: int(client.info("stats")["expired_subkeys"]) == expected)
    assert now_ms(client) >= base or expected == 0
    if expected:
        client("SELECT", "1" if then in ("MOVE h 1", "SWAPDB 0 1") else "0")
        assert client("HGETALL", "x" if then not in ("MOVE h 1", "SWAPDB 0 1") else "h") == [b"c", b"3"]


# --- files ---

def length(n):
    return b"\x81" + struct.pack(">Q", n)


def listpack_ex(fields):
    """Type 25's string; short texts only."""
    entries = []
    for name, value, at in fields:
        entries += [bytes([0x80 + len(name)]) + name, bytes([0x80 + len(value)]) + value]
        entries.append(b"\xf4" + struct.pack("<q", at) if at else b"\x00")
    body = b"".join(e + bytes([len(e)]) for e in entries)
    return struct.pack("<IH", len(body) + 7, len(entries)) + body + b"\xff"


def forms(fields):
    """FIELDS, of (name, value, time or 0), as each type has them: type, magic, bytes."""
    least = min(at for _, _, at in fields if at)
    count = bytes([len(fields)])
    yield 22, b"REDIS0012", count + b"".join((length(at) if at else b"\0") + string(n) + string(v) for n, v, at in fields)
    yield 23, b"REDIS0012", string(listpack_ex(fields))
    yield 24, b"REDIS0012", struct.pack("<Q", least) + count + b"".join(
        (length(at - least + 1) if at else b"\0") + string(n) + string(v) for n, v, at in fields)
    yield 25, b"REDIS0012", struct.pack("<Q", least) + string(listpack_ex(fields))
    yield 22, b"VALKEY080", count + b"".join(string(n) + string(v) + struct.pack("<q", at or -1) for n, v, at in fields)


def file_of(kind, magic, value):
    data = magic + b"\xfe\x00" + bytes([kind]) + string(b"h") + value + b"\xff"
    return data + struct.pack("<Q", crc64(data))


FIELDS = [(b"a", b"1", FAR), (b"b", b"two", 0), (b"c", b"3", FAR + 500), (b"past", b"4", 1000)]


@pytest.mark.parametrize("kind, magic, value", forms(FIELDS), ids=lambda w: w.decode() if isinstance(w, bytes) and w.isalnum() else "")
def test_a_file(start_server, tmp_path, kind, magic, value):
    (tmp_path / "dump.rdb").write_bytes(file_of(kind, magic, value))
    with start_server("--dir", tmp_path).client() as c:
        assert pairs(c("HGETALL", "h")) == {b"a": b"1", b"b": b"two", b"c": b"3"}
        assert c("HPEXPIRETIME", "h", "FIELDS", "4", "a", "b", "c", "past") == [FAR, -1, FAR + 500, -2]
        assert int(c.info("stats")["expired_subkeys"]) == 1
        dump = c("DUMP", "h")
        assert dump[0] == 24 and dump[-10:-8] == b"\x0c\x00"
        assert c("RESTORE", "r", "0", dump) == "OK"
        assert c("HPEXPIRETIME", "r", "FIELDS", "3", "a", "b", "c") == [FAR, -1, FAR + 500]


@pytest.mark.parametrize("kind, magic, value", forms(FIELDS), ids=lambda w: w.decode() if isinstance(w, bytes) and w.isalnum() else "")
def test_a_payload_that_is_cut_off_or_changed(client, kind, magic, value):
    version = 80 if magic.startswith(b"VALKEY") else 12
    assert client("RESTORE", "h", "0", payload(kind, value, version)) == "OK"
    assert client("DEL", "h") == 1
    for n in range(len(value)):
        assert str(client("RESTORE", "h", "0", payload(kind, value[:n], version))).startswith("ERR Bad data format"), n
    for n in range(len(value)):
        for bit in (0, 7):
            changed = bytearray(value)
            changed[n] ^= 1 << bit
            answer = client("RESTORE", "h", "0", payload(kind, bytes(changed), version), "REPLACE")
            assert answer == "OK" or str(answer).startswith("ERR Bad data format")
    assert client("PING") == "PONG"


def test_all_past(start_server, tmp_path):
    """A hash of which nothing is left is read all the same, and goes at once."""
    for kind, magic, value in forms([(b"a", b"1", 5), (b"b", b"2", 6)]):
        (tmp_path / "dump.rdb").write_bytes(file_of(kind, magic, value))
        server = start_server("--dir", tmp_path)
        with server.client() as c:
            assert wait_until(lambda: c("DBSIZE") == 0)
            assert int(c.info("stats")["expired_subkeys"]) == 2
        server.stop()


def test_within_a_turn(start_server):
    """Nothing else could have removed it."""
    server = start_server("--enable-debug-command", "yes")
    with server.client() as c:
        c.send(encode("HSETEX", "h", "PX", "2", "FIELDS", "1", "f", "v") + encode("HGET", "h", "f") + encode("DEBUG", "SLEEP", "0.01") +
               encode("HGET", "h", "f") + encode("EXISTS", "h") + encode("INFO", "stats"))
        assert [c.reply() for _ in range(5)] == [1, b"v", "OK", None, 0]
        assert b"\r\nexpired_subkeys:1\r\n" in c.reply()


def test_memory_comes_back(client):
    """What is told of a hash with expiries is what goes with it."""
    def used():
        client("MEMORY", "PURGE")
        return int(client.info("memory")["used_memory_dataset"])
    client("HSET", "other", "a", "1")
    before = used()
    for i in range(0, 3000, 300):
        client("HSETEX", "h", "PXAT", FAR, "FIELDS", "300", *(w for j in range(i, i + 300) for w in (f"field:{j}", "v" * 20)))
    told, took = client("MEMORY", "USAGE", "h"), used() - before
    assert abs(told - took) < 0.2 * told
    client("HPERSIST", "h", "FIELDS", "3000", *(f"field:{j}" for j in range(3000)))
    assert client("MEMORY", "USAGE", "h") < told - 3000 * 16
    client("DEL", "h")
    deadline = time.monotonic() + 10
    while used() > before + 20000:
        assert time.monotonic() < deadline

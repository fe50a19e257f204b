# SPDX-License-Identifier: BSD-3-Clause
"""Payloads go both ways between miniredis and the real redis-server."""
import random

import pytest
from conftest import Error, wait_until
from oracle import oracle, start_oracle  # noqa: F401

PLAIN_MAX = 20  # longer ones may be compressed, which can be done in more than one way


def values():
    rng = random.Random(7)
    for bits in range(64):
        for step in (-1, 0, 1):
            for sign in (1, -1):
                yield b"%d" % (sign * ((1 << bits) + step))
    yield from (b"", b"-0", b"01", b"+1", b" 1", b"1.0", b"\0", b"\xff" * 20, b"nan")
    for length in (1, 11, 12, 19, 20, 21, 22, 44, 45, 63, 64, 1023, 1024, 1025, 16383, 16384, 70000, 300000):
        yield b"a" * length
        yield bytes(rng.choices(b"ab", k=length))
        yield bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz ", k=length))
        yield rng.randbytes(length)
    for _ in range(300):
        yield rng.randbytes(rng.randrange(400)) * rng.randrange(4)


def test_both_ways(server, oracle):
    with server.client() as ours, oracle.client() as theirs:
        for i, value in enumerate(values()):
            for c in (ours, theirs):
                c("SET", "k", value)
            mine, yours = ours("DUMP", "k"), theirs("DUMP", "k")
            if len(value) <= PLAIN_MAX:
                assert mine == yours
            assert theirs("RESTORE", f"r{i}", "0", mine) == "OK"
            assert ours("RESTORE", f"r{i}", "0", yours) == "OK"
            assert ours("GET", f"r{i}") == theirs("GET", f"r{i}") == value
            assert ours("OBJECT", "ENCODING", f"r{i}") == theirs("OBJECT", "ENCODING", f"r{i}")


@pytest.mark.parametrize("edit", [("APPEND", "k", "x"), ("SETRANGE", "k", "0", "9"), ("INCR", "k")])
def test_edited_values(server, oracle, edit):
    with server.client() as ours, oracle.client() as theirs:
        for c in (ours, theirs):
            c("SET", "k", "12345")
            c(*edit)
        assert ours("DUMP", "k") == theirs("DUMP", "k")


def test_long_values_are_compressed(server):
    with server.client() as c:
        c("SET", "k", "x" * 100000)
        assert len(c("DUMP", "k")) < 2000
        c("RESTORE", "copy", "0", c("DUMP", "k"))
        assert c("GET", "copy") == b"x" * 100000


def test_a_refused_payload_changes_nothing(server):
    with server.client() as c:
        c("SET", "k", "old")
        payload = bytearray(c("DUMP", "k"))
        before = c("INFO", "keyspace")
        for i in range(len(payload)):
            payload[i] ^= 1
            answer = c("RESTORE", "k", "0", bytes(payload), "REPLACE")
            assert isinstance(answer, Error) and "checksum" in str(answer)
            payload[i] ^= 1
        assert c("GET", "k") == b"old"
        assert c("INFO", "keyspace") == before


def test_validations_are_counted(server):
    def count(c):
        info = c("INFO", "stats")
        return int(info.split(b"dump_payload_sanitizations:")[1].split(b"\r\n")[0])

    with server.client() as c:
        c("SET", "k", "v")
        payload = c("DUMP", "k")
        assert count(c) == 0
        c("RESTORE", "a", "0", payload)
        c("RESTORE", "a", "0", payload)
        c("RESTORE", "a", "0", b"bad", "REPLACE")
        assert count(c) == 1
        c("RESTORE", "a", "0", payload, "REPLACE")
        assert count(c) == 2
        c("CONFIG", "RESETSTAT")
        assert count(c) == 0


def test_restored_keys_expire(server):
    with server.client() as c:
        c("SET", "k", "v")
        payload = c("DUMP", "k")
        c("SELECT", "5")
        c("RESTORE", "soon", "5", payload)
        c("RESTORE", "later", "100000", payload)
        assert wait_until(lambda: c("EXISTS", "soon") == 0)
        assert 0 < c("PTTL", "later") <= 100000

# SPDX-License-Identifier: BSD-3-Clause
"""Sets beside the real redis-server: random commands with the limits of the encodings set low and
high, payloads and files in both directions; and what a walk by SSCAN promises.

MINIREDIS_RANDOM_ROUNDS runs more of them, MINIREDIS_RANDOM_SEED others."""
import os
import random
import time

import pytest
from conftest import Error
from oracle import oracle, start_oracle  # noqa: F401

ROUNDS = int(os.environ.get("MINIREDIS_RANDOM_ROUNDS", "2000"))
SEED = int(os.environ.get("MINIREDIS_RANDOM_SEED", "0"))
KEYS = ["a", "b", "c", "d", "e"]
TEXT = "CONFIG", "SET", "set-max-listpack-entries"


def member(rng, wide):
    n = rng.randrange(2000 if wide else 30)
    return rng.choice((str(n), str(n), str(-n * 1000003), f"m{n}", f"m{n}" * 20 if n % 5 == 0 else f"x{n}"))


def request(rng):
    wide = rng.random() < 0.5
    keys = [rng.choice(KEYS) for _ in range(rng.choice((1, 2, 2, 3, 4)))]
    members = [member(rng, wide) for _ in range(rng.choice((1, 1, 2, 5, 100)))]
    return rng.choice([
        lambda: ["SADD", keys[0], *members], lambda: ["SADD", keys[0], *members], lambda: ["SADD", keys[0], *members],
        lambda: ["SREM", keys[0], *members], lambda: ["SMOVE", keys[0], keys[-1], members[0]],
        lambda: ["SMISMEMBER", keys[0], *members], lambda: ["SCARD", keys[0]], lambda: ["SMEMBERS", keys[0]],
        lambda: [rng.choice(("SINTER", "SUNION", "SDIFF")), *keys],
        lambda: [rng.choice(("SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE")), rng.choice(KEYS), *keys],
        lambda: ["SINTERCARD", str(len(keys)), *keys, "LIMIT", str(rng.randrange(5))],
        lambda: ["SRANDMEMBER", keys[0], "100000"], lambda: ["SPOP", keys[0], "100000"],
        lambda: ["SSCAN", keys[0], "0", "COUNT", "100000", "MATCH", rng.choice(("*", "*1*", "m?"))],
        lambda: ["COPY", keys[0], keys[-1], "REPLACE"], lambda: ["DEL", keys[0]],
        lambda: ["SORT", keys[0], "ALPHA", "LIMIT", "0", "10"],
    ])()


def canonical(reply):
    """Parts in an order of their own."""
    if isinstance(reply, (list, set, tuple)):
        return sorted((canonical(x) for x in reply), key=repr)
    return str(reply) if isinstance(reply, Error) else reply


def same_form(ours, theirs):
    """Newer servers have listpacks where 7.0 has tables."""
    return ours == theirs or (ours == b"listpack" and theirs == b"hashtable")


def check_all(a, b):
    for key in KEYS:
        assert same_form(a("OBJECT", "ENCODING", key), b("OBJECT", "ENCODING", key)), key
        mine, yours = a("SMEMBERS", key), b("SMEMBERS", key)
        assert canonical(mine) == canonical(yours), key
        if a("OBJECT", "ENCODING", key) == b"intset":
            assert mine == yours and a("DUMP", key) == b("DUMP", key), key


@pytest.mark.parametrize("intset,listpack,value", [(512, 128, 64), (8, 4, 10), (0, 0, 0), (100000, 100000, 100000)])
def test_random_commands(server, oracle, intset, listpack, value):
    rng = random.Random(SEED * 1000 + intset)
    with server.client() as a, oracle.client() as b:
        for c in (a, b):
            assert c("CONFIG", "SET", "set-max-intset-entries", str(intset)) == "OK"
        assert a(*TEXT, str(listpack), "set-max-listpack-value", str(value)) == "OK"
        for i in range(ROUNDS):
            words = request(rng)
            mine, yours = a(*words), b(*words)
            assert canonical(mine) == canonical(yours), (SEED, i, words)
            # Integers may be a listpack, or come from one, where no intset is allowed.
            if i % 100 == 0 and intset > 0:
                check_all(a, b)


def fill(c):
    rng = random.Random(3)
    for key, count, make in (("ints", 300, str), ("wide", 200, lambda n: str(n << 40)), ("words", 100, lambda n: f"w{n}"),
                             ("many", 5000, str), ("mixed", 5000, lambda n: str(n) if n % 2 else f"member:{n}"),
                             ("long", 40, lambda n: f"{n}" * 300), ("one", 1, lambda n: "")):
        members = [make(n) for n in range(count)]
        rng.shuffle(members)
        c("SADD", key, *members)
    return "ints", "wide", "words", "many", "mixed", "long", "one"


def test_payloads_go_both_ways(server, oracle):
    with server.client() as a, oracle.client() as b:
        keys = fill(a)
        fill(b)
        for key in keys:
            assert b("RESTORE", "r" + key, "0", a("DUMP", key)) == "OK"
            assert a("RESTORE", "r" + key, "0", b("DUMP", key)) == "OK"
            for c in (a, b):
                assert c("SDIFF", key, "r" + key) == c("SDIFF", "r" + key, key) == []
            assert a("OBJECT", "ENCODING", key) == a("OBJECT", "ENCODING", "r" + key)
            assert b("OBJECT", "ENCODING", key) == b("OBJECT", "ENCODING", "r" + key)


def test_a_file_of_the_oracle(start_server, start_oracle, tmp_path):
    writer = start_oracle(directory=tmp_path)
    with writer.client() as b:
        keys = fill(b)
        want = {key: canonical(b("SMEMBERS", key)) for key in keys}
        assert b("SAVE") == "OK"
    server = start_server("--dir", str(tmp_path), "--dbfilename", "dump.rdb")
    with server.client() as a:
        assert a("DBSIZE") == len(keys)
        for key in keys:
            assert canonical(a("SMEMBERS", key)) == want[key]
        assert [a("OBJECT", "ENCODING", key) for key in keys] == [
            b"intset", b"intset", b"listpack", b"hashtable", b"hashtable", b"hashtable", b"listpack"]


def test_changed_payloads_are_refused_or_right(server):
    """Whatever one byte becomes, the answer is an error or a set that can be read whole."""
    rng = random.Random(5)
    taken = 0
    with server.client() as a:
        for key in fill(a)[:3]:
            payload = a("DUMP", key)
            for _ in range(300):
                bad = bytearray(payload[:-8])
                bad[rng.randrange(len(bad) - 2)] = rng.randrange(256)
                answer = a("RESTORE", "x", "0", bytes(bad) + crc64(bytes(bad)).to_bytes(8, "little"), "REPLACE")
                if answer == "OK" and a("TYPE", "x") == "set":
                    taken += 1
                    members = a("SMEMBERS", "x")
                    assert len(members) == a("SCARD", "x") == len(set(members))
                    assert set(a("SMISMEMBER", "x", *members)) == {1}
        assert taken > 100


def crc64(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95AC9329AC4BC9B5 if crc & 1 else 0)
    return crc


def test_a_walk_tells_all_that_stays(server):
    stay = {b"stay:%d" % i for i in range(500)}
    with server.client() as a:
        a("SADD", "k", *stay)
        seen, cursor, i = set(), b"0", 0
        while True:
            cursor, page = a("SSCAN", "k", cursor, "COUNT", "7")
            seen.update(page)
            if cursor == b"0":
                break
            i += 1
            a("SADD" if i % 60 < 40 else "SREM", "k", *[f"go:{n}" for n in range(i % 60 * 50, i % 60 * 50 + 50)])
        assert stay <= seen


def test_a_big_set_is_deleted_in_slices(server):
    with server.client() as a, server.client() as b:
        for i in range(0, 300000, 1000):
            a("SADD", "k", *[f"member:{n}" for n in range(i, i + 1000)])
        before = time.monotonic()
        assert a("DEL", "k") == 1
        assert b("PING") == "PONG"
        assert time.monotonic() - before < 1
        assert a("SADD", "k", "x") == 1 and a("SMEMBERS", "k") == [b"x"]


def test_sort_stores_what_a_set_has(server, oracle):
    with server.client() as a, oracle.client() as b:
        for c in (a, b):
            c("SADD", "ints", *[str(n * 37 % 101) for n in range(101)])
            c("SADD", "words", *[f"w{n}" for n in range(200)])
            c("MSET", *[x for n in range(101) for x in (f"weight_{n}", str(n * 53 % 103))])
        for words in (["ints"], ["ints", "DESC", "LIMIT", "5", "20"], ["words", "ALPHA"], ["ints", "BY", "weight_*"],
                      ["ints", "BY", "nosort"], ["words", "BY", "nosort"], ["words", "BY", "nosort", "LIMIT", "3", "4"],
                      ["ints", "GET", "weight_*", "GET", "#"]):
            mine, yours = (c("SORT", *words, "STORE", "out") for c in (a, b))
            assert mine == yours, words
            assert a("LRANGE", "out", "0", "-1") == b("LRANGE", "out", "0", "-1"), words
            assert a("TYPE", "out") == "list"

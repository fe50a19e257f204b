# SPDX-License-Identifier: BSD-3-Clause
"""Commands whose result cannot be had: they say so, nothing is changed, nothing is lost, and the
server goes on. The kernel is told to give it no more than some hundreds of megabytes."""
import resource
import subprocess

import pytest
from conftest import Error

LIMIT = 400 << 20
BIG = 100 << 20
NO_MEMORY = "ERR not enough memory"


def is_sanitized(program):
    """A sanitizer takes all addresses that there are."""
    return subprocess.run(["grep", "-q", "-a", "__asan_init", program], check=False).returncode == 0


@pytest.fixture
def client(start_server, program):
    if is_sanitized(program):
        pytest.skip("a sanitizer's memory is its own")
    server = start_server()
    resource.prlimit(server.pid, resource.RLIMIT_DATA, (LIMIT, LIMIT))
    with server.client() as c:
        yield c


def used(client):
    return int(client.info("memory")["used_memory"])


def until_refused(client, *words, most=20):
    """Names of keys that the command has made until there was no memory: {} in WORDS is their place."""
    for i in range(most):
        key = f"copy{i}"
        reply = client(*(key if w == "{}" else w for w in words))
        if isinstance(reply, Error):
            assert reply == NO_MEMORY
            assert client("EXISTS", key) == 0
            return [f"copy{n}" for n in range(i)], key
    raise AssertionError(f"{words} went on and on")


def test_bitop(client):
    assert client("SETBIT", "a", BIG * 8 - 1, 1) == 0
    made, key = until_refused(client, "BITOP", "NOT", "{}", "a")
    assert made
    for operation in ("AND", "OR", "XOR"):
        assert client("BITOP", operation, key, "a", made[0]) == NO_MEMORY
    # what is in the way of a result that cannot be had stays
    assert client("SET", key, "old") == "OK"
    assert client("BITOP", "OR", key, "a", "a") == NO_MEMORY
    assert client("GET", key) == b"old"
    assert client("BITOP", "NOT", "a", "a") == NO_MEMORY
    assert client("BITCOUNT", "a") == 1
    assert [client("STRLEN", m) for m in made] == [BIG] * len(made)
    assert client("DBSIZE") == 2 + len(made)
    before = used(client)
    for _ in range(30):
        assert client("BITOP", "OR", key, "a") == NO_MEMORY
    assert abs(used(client) - before) < 1 << 20
    client("DEL", *made)
    assert client("BITOP", "OR", key, "a", "nosuch") == BIG
    assert client("BITCOUNT", key) == 1


def fill(client, kind, elements=100000, size=900):
    """About BIG bytes."""
    text = "x" * size
    for first in range(0, elements, 1000):
        names = [f"{i}:{text}" for i in range(first, first + 1000)]
        if kind == "stream":
            client.pipeline([("XADD", "a", f"{first + i + 1}-0", "f", n) for i, n in enumerate(names)])
        else:
            client("RPUSH", "a", *names)


LENGTH = {"string": "STRLEN", "list": "LLEN", "stream": "XLEN"}


@pytest.mark.parametrize("kind", LENGTH)
def test_copy(client, kind):
    if kind == "string":
        client("SETRANGE", "a", BIG - 1, "x")
    else:
        fill(client, kind)
    length = client(LENGTH[kind], "a")
    assert length == (BIG if kind == "string" else 100000)
    made, key = until_refused(client, "COPY", "a", "{}")
    assert made
    assert client("SET", key, "old", "EX", "1000") == "OK"
    assert client("COPY", "a", key, "REPLACE") == NO_MEMORY
    assert client("GET", key) == b"old" and client("TTL", key) > 900
    before = used(client)
    for _ in range(5):
        assert client("COPY", "a", key, "REPLACE") == NO_MEMORY
        assert client("COPY", "a", "b", "DB", 1) == NO_MEMORY
    assert abs(used(client) - before) < BIG // 50
    assert [client(LENGTH[kind], k) for k in ("a", *made)] == [length] * (1 + len(made))
    assert client("DBSIZE") == 2 + len(made)
    for k in made:
        assert client("DEL", k) == 1
    assert until_copied(client, key)
    assert client(LENGTH[kind], key) == client(LENGTH[kind], "a") == length
    assert client("TTL", key) == -1


def until_copied(client, key):
    """What was deleted is freed in the background, piece by piece."""
    return any(client("COPY", "a", key, "REPLACE") == 1 for _ in range(10000))


# Collections each of whose elements is an allocation of its own: what adds one, how many there are,
# and what makes the union of one with itself
ELEMENTS = 200000
COLLECTIONS = {"hash": ("HSET", "HLEN", None), "set": ("SADD", "SCARD", ("SUNIONSTORE", "{}", "a")),
               "zset": ("ZADD", "ZCARD", ("ZUNIONSTORE", "{}", "1", "a"))}


def fill_collection(client, kind):
    text = "x" * 180
    for first in range(0, ELEMENTS, 1000):
        words = []
        for i in range(first, first + 1000):
            words += {"hash": [f"f{i}", f"{i}:{text}"], "set": [f"{i}:{text}"], "zset": [str(i), f"{i}:{text}"]}[kind]
        client(COLLECTIONS[kind][0], "a", *words)


@pytest.mark.parametrize("kind,stores", [("hash", False), ("set", False), ("zset", False), ("set", True),
                                         ("zset", True)])
def test_small_elements(client, kind, stores):
    fill_collection(client, kind)
    length = COLLECTIONS[kind][1]
    words = COLLECTIONS[kind][2] if stores else ("COPY", "a", "{}")
    digest = client("DEBUG", "DIGEST-VALUE", "a")
    assert client(length, "a") == ELEMENTS
    made, key = until_refused(client, *words)
    assert made
    # what is in the way of a result that cannot be had stays
    assert client("SET", key, "old", "EX", "1000") == "OK"
    again = [key if w == "{}" else w for w in words] + ([] if stores else ["REPLACE"])
    before = used(client)
    for _ in range(3):
        assert client(*again) == NO_MEMORY
    assert client("GET", key) == b"old" and client("TTL", key) > 900
    assert abs(used(client) - before) < BIG // 50
    for k in ("a", *made):
        assert client("DEBUG", "DIGEST-VALUE", k) == digest
        assert client(length, k) == ELEMENTS
    assert client("DBSIZE") == 2 + len(made)
    for k in made:
        assert client("DEL", k) == 1
    assert any(client(*again) == (ELEMENTS if stores else 1) for _ in range(10000))
    assert client("DEBUG", "DIGEST-VALUE", key) == digest == client("DEBUG", "DIGEST-VALUE", "a")

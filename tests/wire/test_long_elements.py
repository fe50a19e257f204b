# SPDX-License-Identifier: BSD-3-Clause
"""Elements too long for the memory that can be had: the command says so, nothing of it is done, and the
server goes on. The kernel is told to give it no more than some hundreds of megabytes."""
import resource
import subprocess

import pytest
from conftest import Error, loops

LIMIT = 400 << 20
LONG = 50 << 20
NO_MEMORY = "ERR not enough memory"
LENGTH = {"list": "LLEN", "hash": "HLEN", "set": "SCARD", "zset": "ZCARD"}


@pytest.fixture(params=loops()[-1:])
def loop_backend(request):
    """One is enough: memory knows nothing of it."""
    return request.param


@pytest.fixture
def client(start_server, program):
    # a sanitizer takes all addresses that there are
    if subprocess.run(["grep", "-q", "-a", "__asan_init", program], check=False).returncode == 0:
        pytest.skip("a sanitizer's memory is its own")
    server = start_server()
    resource.prlimit(server.pid, resource.RLIMIT_DATA, (LIMIT, LIMIT))
    with server.client() as c:
        yield c


def used(client):
    return int(client.info("memory")["used_memory"])


# One command that adds two elements, {} and what depends on it
ADDS = {"list": ["RPUSH", "a", "short{}", "{}"], "hash": ["HSET", "a", "short{}", "1", "long{}", "{}"],
        "set": ["SADD", "a", "short{}", "{}"], "zset": ["ZADD", "a", "1", "short{}", "2", "{}"]}


@pytest.mark.parametrize("kind", ADDS)
@pytest.mark.parametrize("few", [True, False])
def test_long_elements(client, kind, few):
    """All of what is added, or nothing."""
    def add(i):
        words = [w.format(i) for w in ADDS[kind]]
        return client(*words[:-1], words[-1] + "x" * LONG)

    if not few:
        for i in range(1000):
            client(*(w.format(f"few{i}") for w in ADDS[kind]))
    had = client(LENGTH[kind], "a")
    made = 0
    while not isinstance(reply := add(made), Error):
        made += 1
        assert made < 10
    assert reply == NO_MEMORY
    assert client(LENGTH[kind], "a") == had + 2 * made
    before = used(client)
    for i in range(5):
        assert add(100 + i) == NO_MEMORY
    assert abs(used(client) - before) < 1 << 20
    assert client(LENGTH[kind], "a") == had + 2 * made
    if kind == "zset" and made > 0:
        assert client("ZINCRBY", "a", "0.5", "0" + "x" * LONG) in (2.5, "2.5", b"2.5", NO_MEMORY)
    assert client("DEL", "a") == (had + made > 0)
    assert client("PING") == "PONG"


def test_long_key_of_a_waiter(client):
    replies = []
    for size in range(60 << 20, 200 << 20, 20 << 20):
        replies.append(client("BLPOP", "k", "k" * size, "0.01"))
        assert client.info("clients")["blocked_clients"] == "0"
        assert client.info("clients")["total_blocking_keys"] == "0"
    assert replies[0] is None and replies[-1] == NO_MEMORY
    assert all(r in (None, NO_MEMORY) for r in replies)
    assert client("LPUSH", "k", "v") == 1
    assert client("BLPOP", "k", "0.01") == [b"k", b"v"]

# SPDX-License-Identifier: BSD-3-Clause
"""Commands whose result cannot be had: they say so, nothing is changed, nothing is lost, and the
server goes on. The kernel is told to give it no more than some hundreds of megabytes."""
import resource
import subprocess

import pytest
from conftest import Error, loops

LIMIT = 400 << 20
BIG = 100 << 20
NO_MEMORY = "ERR not enough memory"


@pytest.fixture(params=loops()[-1:])
def loop_backend(request):
    """One is enough: memory knows nothing of it."""
    return request.param


def is_sanitized(program):
    """A sanitizer takes all addresses that there are."""
    return subprocess.run(["grep", "-q", "-a", "__asan_init", program], check=False).returncode == 0


@pytest.fixture
def client(start_server, program):
    if is_sanitized(program):
        pytest.skip("a sanitizer's memory is its own")
    server = start_server("--enable-debug-command", "local")
    resource.prlimit(server.pid, resource.RLIMIT_DATA, (LIMIT, resource.RLIM_INFINITY))
    with server.client() as c:
        c.pid = server.pid
        yield c


def digests(client, *keys):
    """They take memory as well."""
    resource.prlimit(client.pid, resource.RLIMIT_DATA, (LIMIT * 2, resource.RLIM_INFINITY))
    ret = client("DEBUG", "DIGEST-VALUE", *keys)
    resource.prlimit(client.pid, resource.RLIMIT_DATA, (LIMIT, resource.RLIM_INFINITY))
    return ret


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
    digest = digests(client, "a")
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
    assert [client(length, k) for k in ("a", *made)] == [ELEMENTS] * (1 + len(made))
    assert client("DBSIZE") == 2 + len(made)
    assert digests(client, "a", *made) == digest * (1 + len(made))
    for k in made:
        assert client("DEL", k) == 1
    assert any(client(*again) == (ELEMENTS if stores else 1) for _ in range(10000))
    assert digests(client, key, "a") == digest * 2


# --- commands with very many arguments ---

MANY = 200000
TEXT = "x" * 90


def members(first, count):
    return [f"{i}:{TEXT}" for i in range(first, first + count)]


def pairs(names):
    return [w for name in names for w in (name[:20], name)]


def scored(names):
    return [w for i, name in enumerate(names) for w in (str(i % 977), name)]


# what gives elements of these names, what counts them, and what tells about each of these
ADDITIONS = {
    "HSET": (lambda n: ["HSET", "a", *pairs(n)], "HLEN"),
    "HMSET": (lambda n: ["HMSET", "a", *pairs(n)], "HLEN"),
    "HSETEX": (lambda n: ["HSETEX", "a", "EX", "1000", "FIELDS", str(len(n)), *pairs(n)], "HLEN"),
    "SADD": (lambda n: ["SADD", "a", *n], "SCARD"),
    "SADDEX": (lambda n: ["SADDEX", "a", "EX", "1000", "MEMBERS", str(len(n)), *n], "SCARD"),
    "ZADD": (lambda n: ["ZADD", "a", *scored(n)], "ZCARD"),
    "GEOADD": (lambda n: ["GEOADD", "a", *(w for x in n for w in ("10", "10", x))], "ZCARD"),
    "RPUSH": (lambda n: ["RPUSH", "a", *n], "LLEN"),
    "LPUSH": (lambda n: ["LPUSH", "a", *n], "LLEN"),
}
# elements that are there take more, or other memory
CHANGES = {
    "HEXPIRE": ("HSET", lambda n: ["HEXPIRE", "a", "1000", "FIELDS", str(len(n)), *(x[:20] for x in n)]),
    "HPERSIST": ("HSETEX", lambda n: ["HPERSIST", "a", "FIELDS", str(len(n)), *(x[:20] for x in n)]),
    "SEXPIRE": ("SADD", lambda n: ["SEXPIRE", "a", "1000", "MEMBERS", str(len(n)), *n]),
    "SPERSIST": ("SADDEX", lambda n: ["SPERSIST", "a", "MEMBERS", str(len(n)), *n]),
    "ZADD CH": ("ZADD", lambda n: ["ZADD", "a", "CH", *(w for x in n for w in ("0.5", x))]),
}


def limit_data(server, more):
    """The server gets no more than MORE bytes beyond what it has; None: as many as there are."""
    limit = resource.RLIM_INFINITY
    if more is not None:
        with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
            limit = more + next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData"))
    resource.prlimit(server.pid, resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))


def state(client, length):
    return [client("DEBUG", "DIGEST-VALUE", "a"), client(length, "a"),
            client.info("persistence")["rdb_changes_since_last_save"]]


def refuse_many(start_server, program, made, words, length):
    """Sends WORDS to a server with more and more memory, until it does what they ask for; before, there
    is memory for the request, but not for that."""
    if is_sanitized(program):
        pytest.skip("a sanitizer's memory is its own")
    refused = 0
    for megabytes in range(12, 200, 8):
        server = start_server("--enable-debug-command", "local")
        with server.client() as c:
            for command in made:
                assert not isinstance(c(*command), Error)
            before = state(c, length)
        limit_data(server, megabytes << 20)
        try:
            with server.client() as c:
                reply = c(*words)
        except (OSError, EOFError):
            reply = None
        limit_data(server, None)
        with server.client() as c:
            after = state(c, length)
            if isinstance(reply, Error) or reply is None:
                assert reply is None or reply.startswith("ERR Protocol error") or reply == NO_MEMORY
                refused += reply == NO_MEMORY
                assert after == before
            else:
                assert refused > 0
                return
            if refused == 1:
                # with memory it is done after all
                assert not isinstance(c(*words), Error)
                assert c("DEBUG", "DIGEST-VALUE", "a") != before[0]
        server.stop()
    raise AssertionError("it was never done")


@pytest.mark.parametrize("command", ADDITIONS)
def test_many_arguments(start_server, program, command):
    words, length = ADDITIONS[command]
    refuse_many(start_server, program, [words(members(0, 1000))], words(members(5000, MANY)), length)


@pytest.mark.parametrize("command", CHANGES)
def test_many_changes(start_server, program, command):
    adding, words = CHANGES[command]
    add, length = ADDITIONS[adding]
    made = [add(members(first, 1000)) for first in range(0, MANY, 1000)]
    refuse_many(start_server, program, made, words(members(0, MANY)), length)


def test_compressed_element_at_an_end(start_server, program):
    """What comes to an end is decompressed there; it stays as it is where there is no memory for that."""
    if is_sanitized(program):
        pytest.skip("a sanitizer's memory is its own")
    server = start_server("--list-compress-depth", "1")
    texts = [str(i) * (30 << 20) for i in range(6)]
    with server.client() as c:
        for text in texts:
            c("RPUSH", "a", text)
        limit_data(server, 8 << 20)
        assert c("LTRIM", "a", 1, -2) == "OK"
        assert c("LTRIM", "a", 1, -1) == "OK"
        assert c("LLEN", "a") == 3
        # beside such an end a list grows as beside any other
        assert c("LPUSH", "a", "x", "y") == 5 and c("RPUSH", "a", "z") == 6
        assert c("LRANGE", "a", 0, 1) == [b"y", b"x"]
        assert c("LTRIM", "a", 2, -2) == "OK"
        limit_data(server, None)
        assert [c("LINDEX", "a", i) for i in range(3)] == [text.encode() for text in texts[2:5]]
        assert c("LINSERT", "a", "BEFORE", texts[2], "before") == 4
        assert c("LPOP", "a") == b"before"
        assert c("LPOP", "a") == texts[2].encode() and c("RPOP", "a") == texts[4].encode()
        assert c("LSET", "a", 0, "new") == "OK" and c("LRANGE", "a", 0, -1) == [b"new"]

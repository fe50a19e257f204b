# SPDX-License-Identifier: BSD-3-Clause
"""DEBUG DIGEST and DIGEST-VALUE: the same for equal content, whatever way it took: other encodings,
another order, DUMP and RESTORE between both servers, COPY, a file that the real server wrote."""
import random
import re

import pytest
from conftest import Error
from oracle import oracle, start_oracle  # noqa: F401
from random_commands import THRESHOLDS

NOTHING = "0" * 40
LONG = "x" * 100


def values():
    """Commands for values of each type, small and big: key and commands."""
    rng = random.Random(5)
    numbers = [str(rng.randrange(-1 << 40, 1 << 40)) for _ in range(300)]
    out = {"string": [("SET", "k", "hello")], "number": [("SET", "k", "12345")], "long": [("SET", "k", LONG * 50)]}
    for size in (3, 300):
        few = numbers[:size]
        out |= {
            f"list {size}": [("RPUSH", "k", *few), ("RPUSH", "k", LONG, "a")],
            f"ints {size}": [("SADD", "k", *few)], f"set {size}": [("SADD", "k", *few, "a", LONG)],
            f"hash {size}": [("HSET", "k", *(w for n in few for w in (n, n[::-1])))],
            f"zset {size}": [("ZADD", "k", *(w for i, n in enumerate(few) for w in (i / 2 - 3, n)))],
            f"geo {size}": [("GEOADD", "k", *(w for i, n in enumerate(few) for w in (i / 3, i / 5, n)))],
            f"stream {size}": [*(("XADD", "k", f"{i + 1}-1", "f", n, *(("g", n) if i % 7 == 0 else ()))
                                 for i, n in enumerate(few)), ("XDEL", "k", "2-1"),
                               ("XGROUP", "CREATE", "k", "g", "0"),
                               ("XREADGROUP", "GROUP", "g", "alice", "COUNT", "2", "STREAMS", "k", ">")],
        }
    return out


VALUES = values()


@pytest.fixture
def client(start_server):
    with start_server("--enable-debug-command", "yes").client() as c:
        yield c


def thresholds(client, which):
    for name, choices in THRESHOLDS.items():
        if not isinstance(client("CONFIG", "GET", name), Error):
            client("CONFIG", "SET", name, choices[which])


def run(client, commands, key="k"):
    for name, old, *words in commands:
        swap = [key if w == old == "k" else w for w in (old, *words)]
        assert not isinstance(client(name, *swap), Error), (name, swap)


def digest(client, *keys):
    found = client("DEBUG", "DIGEST-VALUE", *keys)
    assert all(re.fullmatch("[0-9a-f]{40}", d) for d in found)
    return found


@pytest.mark.parametrize("name", VALUES)
def test_values(client, oracle, name):
    client("CONFIG", "SET", "list-compress-depth", 1)
    run(client, VALUES[name])
    first, = digest(client, "k")
    assert first != NOTHING
    for which in (0, 1, -1):
        thresholds(client, which)
        client("COPY", "k", f"copy {which}", "REPLACE")
        assert client("RESTORE", f"restored {which}", 0, client("DUMP", "k")) == "OK"
        if name[:6] != "stream":  # a group that is made again has other times
            run(client, VALUES[name][::-1] if name[:4] != "list" else VALUES[name], f"again {which}")
    keys = client("KEYS", "*")
    assert len(keys) >= 7
    assert set(digest(client, *keys)) == {first}
    # and by way of the real server, in its encodings
    with oracle.client() as theirs:
        for which in (0, -1):
            thresholds(theirs, which)
            dump = client("DUMP", "k")
            assert theirs("RESTORE", "k", 0, dump, "REPLACE") == "OK"
            back = theirs("DUMP", "k")
            assert client("RESTORE", "back", 0, back, "REPLACE") == "OK"
            assert digest(client, "back") == [first]


@pytest.mark.parametrize("change", [
    ("APPEND", "s", "x"), ("RPUSH", "l", "1"), ("LSET", "l", 0, "b"), ("LMOVE", "l", "l", "LEFT", "RIGHT"),
    ("HSET", "h", "a", "2"), ("HSET", "h", "c", "1"), ("HDEL", "h", "a"), ("HEXPIRE", "h", 1000, "FIELDS", 1, "a"),
    ("SADD", "e", "x"), ("SREM", "e", "a"), ("ZADD", "z", "1.5", "a"), ("ZADD", "z", "3", "c"), ("ZREM", "z", "a"),
    ("XADD", "x", "9-9", "f", "v"), ("XDEL", "x", "1-1"), ("XGROUP", "CREATE", "x", "g", "0"), ("XSETID", "x", "100-1"),
], ids=lambda w: "-".join(map(str, w[:2])))
def test_what_is_changed_is_seen(client, change):
    for words in (("SET", "s", "a"), ("RPUSH", "l", "a", "b"), ("HSET", "h", "a", "1", "b", "2"), ("SADD", "e", "a", "b"),
                  ("ZADD", "z", "1", "a", "2", "b"), ("XADD", "x", "1-1", "f", "v"), ("XADD", "x", "1-2", "f", "v")):
        client(*words)
    key = change[2] if change[0] == "XGROUP" else change[1]
    whole, before = client("DEBUG", "DIGEST"), digest(client, key)
    assert not isinstance(client(*change), Error)
    assert client("DEBUG", "DIGEST") != whole
    assert digest(client, key) != before


def test_of_all(client):
    assert client("DEBUG", "DIGEST") == NOTHING
    assert client("DEBUG", "DIGEST-VALUE") == []
    client("SET", "a", "1")
    client("SET", "b", "2")
    both = client("DEBUG", "DIGEST")
    client("SWAPDB", 0, 1)
    assert client("DEBUG", "DIGEST") not in (both, NOTHING)
    client("SWAPDB", 0, 1)
    assert client("DEBUG", "DIGEST") == both
    client("FLUSHALL")
    assert client("DEBUG", "DIGEST") == NOTHING
    client("SET", "b", "2")
    client("SET", "a", "1")
    assert client("DEBUG", "DIGEST") == both
    client("RENAME", "a", "c")
    renamed = client("DEBUG", "DIGEST")
    client("RENAME", "c", "a")
    client("EXPIRE", "a", 1000)
    assert len({both, renamed, client("DEBUG", "DIGEST")}) == 3
    assert digest(client, "a", "nosuch")[1] == NOTHING
    client("RPUSH", "l", "1")
    client("SADD", "e", "1")
    assert len(set(digest(client, "l", "e", "a"))) == 3


def test_a_file_of_the_real_server(client, start_server, oracle):
    """What it wrote, in any encoding, is what its commands make here."""
    with oracle.client() as theirs:
        for which in (0, -1):
            thresholds(theirs, which)
            for name, commands in VALUES.items():
                if name[:6] != "stream":
                    run(theirs, commands, f"{name} {which}")
                    run(client, commands, f"{name} {which}")
        assert theirs("SAVE") == "OK"
    with start_server("--dir", oracle.directory, "--enable-debug-command", "yes").client() as loaded:
        assert loaded("DBSIZE") == client("DBSIZE") == 2 * sum(name[:6] != "stream" for name in VALUES)
        assert loaded("DEBUG", "DIGEST") == client("DEBUG", "DIGEST") != NOTHING

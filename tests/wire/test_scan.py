# SPDX-License-Identifier: BSD-3-Clause
"""SCAN's promise: what is there from the first call to the last is returned, however the
table grows and shrinks meanwhile; and it ends."""
import random

import pytest
from conftest import Error


def fill(client, names):
    names = list(names)
    for i in range(0, len(names), 1000):
        client.pipeline([("SET", n, "v") for n in names[i:i + 1000]])


def drop(client, names):
    names = list(names)
    for i in range(0, len(names), 1000):
        client("DEL", *names[i:i + 1000])


def scan(client, *options, between=None, most=200000):
    """All that a full scan returns, with repetitions. BETWEEN(n) is called after each call."""
    found, cursor, calls = [], b"0", 0
    while True:
        reply = client("SCAN", cursor, *options)
        assert not isinstance(reply, Error), reply
        cursor, page = reply
        found += page
        calls += 1
        assert calls < most, "it does not end"
        if cursor == b"0":
            return found
        if between:
            between(calls)


def names(prefix, count):
    return [f"{prefix}:{i}".encode() for i in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100, 5000])
@pytest.mark.parametrize("page", [1, 10, 1000])
def test_quiet(client, count, page):
    """Nothing changes: each key once."""
    fill(client, names("k", count))
    assert sorted(scan(client, "COUNT", page)) == sorted(names("k", count))


def test_grows(client):
    """From some keys to a hundred times as many."""
    stay = names("stay", 500)
    fill(client, stay)
    rounds = []

    def grow(n):
        if n <= 100:
            fill(client, names(f"new{n}", 500))
            rounds.append(n)

    found = scan(client, "COUNT", "3", between=grow)
    assert set(stay) <= set(found)
    assert len(rounds) == 100
    assert client("DBSIZE") == 500 + 100 * 500


def test_shrinks(client):
    stay, go = names("stay", 300), names("go", 50000)
    fill(client, stay + go)
    left = list(go)
    random.Random(1).shuffle(left)

    def shrink(_):
        drop(client, left[:1500])
        del left[:1500]

    found = scan(client, "COUNT", "30", between=shrink)
    assert set(stay) <= set(found)
    assert not left
    assert set(found) <= set(stay) | set(go)


@pytest.mark.parametrize("seed", range(4))
def test_grows_and_shrinks(client, seed):
    """Both, many times over, in one scan."""
    rng = random.Random(seed)
    stay = names("stay", 1000)
    fill(client, stay)
    others, serial = [], 0

    def change(n):
        nonlocal serial
        if n % 2 and n < 400:
            if rng.random() < 0.5 or not others:
                more = names(f"other{serial}", rng.choice((10, 200, 3000)))
                serial += 1
                fill(client, more)
                others.extend(more)
            else:
                rng.shuffle(others)
                count = rng.randrange(1, len(others) + 1)
                drop(client, others[:count])
                del others[:count]

    found = scan(client, "COUNT", "7", between=change)
    missing = set(stay) - set(found)
    assert not missing, f"{len(missing)} of {len(stay)} were never returned"


def test_flush_in_between(client):
    """After FLUSHALL an old cursor is still one: it goes on with what is there now, and ends."""
    fill(client, names("old", 5000))

    def flush(n):
        if n == 5:
            client("FLUSHALL")
            fill(client, names("new", 10))

    found = scan(client, "COUNT", "10", between=flush)
    assert set(found) <= set(names("old", 5000)) | set(names("new", 10))


def test_expiry_in_between(client):
    """What expires meanwhile may be left out, what stays may not."""
    stay = names("stay", 500)
    fill(client, stay)
    for n in names("gone", 3000):
        client.send(b"*5\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$1\r\nv\r\n$2\r\nPX\r\n$2\r\n20\r\n" % (len(n), n))
    for _ in range(3000):
        client.reply()
    found = scan(client, "COUNT", "5", between=lambda n: client("PING"))
    assert set(stay) <= set(found)


def test_two_scans_at_once(server):
    with server.client() as a, server.client() as b:
        fill(a, names("k", 3000))
        found = []
        scan(a, "COUNT", "50", between=lambda n: found.extend(b("SCAN", "0", "COUNT", "20")[1]))
        assert set(scan(b)) == set(names("k", 3000))
        assert set(found) <= set(names("k", 3000))


def test_filters_do_not_break_the_promise(client):
    fill(client, names("a", 1000) + names("b", 1000))
    assert sorted(scan(client, "MATCH", "a:*", "COUNT", "10")) == sorted(names("a", 1000))
    assert sorted(scan(client, "MATCH", "a:*", "TYPE", "string")) == sorted(names("a", 1000))
    assert scan(client, "TYPE", "zset") == []
    assert scan(client, "MATCH", "c:*") == []


@pytest.mark.parametrize("cursor", ["1", "12345", "18446744073709551615", "9223372036854775808"])
def test_any_cursor_is_taken(client, cursor):
    """Also one that was never given out."""
    fill(client, names("k", 100))
    for _ in range(10000):
        reply = client("SCAN", cursor)
        assert not isinstance(reply, Error)
        cursor, page = reply
        assert set(page) <= set(names("k", 100))
        if cursor == b"0":
            return
    raise AssertionError("it does not end")


def test_count_is_about_kept(client):
    """A page is about as long as asked for, so that one call costs about the same."""
    fill(client, names("k", 20000))
    cursor, sizes = b"0", []
    while True:
        cursor, page = client("SCAN", cursor, "COUNT", "100")
        if cursor == b"0":
            break
        sizes.append(len(page))
    assert max(sizes) < 300
    assert 60 < sum(sizes) / len(sizes) < 200


def test_order_is_of_the_server(servers):
    """The same keys come in another order from another server: a client cannot foresee it."""
    orders = []
    for _ in range(2):
        with servers.start().client() as c:
            fill(c, names("k", 200))
            orders.append(scan(c))
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]


def test_keys_and_randomkey_see_the_same(client):
    fill(client, names("k", 3000))
    drop(client, names("k", 2000))
    left = set(names("k", 3000)[2000:])
    assert set(client("KEYS", "*")) == left
    picked = set(client.pipeline([("RANDOMKEY",)] * 3000))
    assert picked <= left
    assert len(picked) > 700

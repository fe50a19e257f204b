# SPDX-License-Identifier: BSD-3-Clause
"""Members of sets go at their time, whether somebody asks or not; what is told and counted of it; and
that sets which have such members go through payloads."""
import random
import time

from conftest import encode, wait_until

LATE = 0.5  # s; the aim of the server itself is 0.01, and the rest is for the machine that runs this


def now_ms(client):
    seconds, micros = client("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


def expired(client):
    return int(client.info("stats")["expired_subkeys"])


def test_nobody_asks(client):
    """SCARD counts what is really there, so that it shows when members went."""
    base = now_ms(client) + 60
    client.pipeline([("SADDEX", "s", "PXAT", base + i, "MEMBERS", "1", f"m{i}") for i in range(101)])
    client("SADD", "s", "stays")
    while True:
        before = now_ms(client)
        size = client("SCARD", "s")
        after = now_ms(client)
        assert size >= 1 + sum(base + i > after for i in range(101)), "a member went before its time"
        assert size <= 1 + sum(base + i > before - LATE * 1000 for i in range(101)), "a member is overdue"
        if size == 1:
            break
    assert expired(client) == 101
    assert client("SMEMBERS", "s") == [b"stays"]


def test_many_sets(client):
    """Sets in two databases, moved and renamed, with one member each that goes: nothing is left."""
    client.pipeline([("SADDEX", f"s{i}", "PX", 150 + i % 50, "MEMBERS", "2", "a", f"b{i}") for i in range(500)])
    client.pipeline([("RENAME", f"s{i}", f"t{i}") for i in range(0, 500, 5)])
    client.pipeline([("COPY", f"s{i}", f"u{i}") for i in range(1, 500, 5)])
    client.pipeline([("MOVE", f"s{i}", "1") for i in range(2, 500, 5)])
    assert b"subexpiry=" in client("INFO", "keyspace")
    client("SWAPDB", "0", "1")
    assert wait_until(lambda: b"db" not in client("INFO", "keyspace").replace(b"# Keyspace", b""))
    assert expired(client) == 2 * 600


def test_what_is_overdue_is_not_seen(start_server):
    """Within one turn nothing else could have removed it."""
    server = start_server("--enable-debug-command", "yes")
    asked = [(("SISMEMBER", "s", "m1"), 0), (("SMISMEMBER", "s", "m1", "stays"), [0, 1]), (("SMEMBERS", "s"), [b"stays"]),
             (("SRANDMEMBER", "s"), b"stays"), (("SRANDMEMBER", "s", "5"), [b"stays"]),
             (("SRANDMEMBER", "s", "-2"), [b"stays", b"stays"]), (("SSCAN", "s", "0", "COUNT", "1000"), [b"0", [b"stays"]]),
             (("SINTER", "s", "s"), [b"stays"]), (("SUNION", "s", "s"), [b"stays"]), (("SDIFF", "s", "none"), [b"stays"]),
             (("SINTERCARD", "1", "s"), 1), (("SUNIONCARD", "2", "s", "s"), 1), (("SDIFFCARD", "1", "s"), 1),
             (("SINTERSTORE", "d", "s", "s"), 1), (("STTL", "s", "MEMBERS", "1", "m1"), [-2]),
             (("SEXPIRE", "s", "9", "MEMBERS", "1", "m1"), [-2]), (("SPERSIST", "s", "MEMBERS", "1", "m1"), [-2]),
             (("SADDEX", "s", "MXX", "MEMBERS", "1", "m1"), 0), (("SMOVE", "s", "d", "m1"), 0), (("SREM", "s", "m1"), 0),
             (("SADD", "s", "m1"), 1), (("SORT", "s", "ALPHA"), [b"stays"]), (("SPOP", "s"), b"stays"),
             (("SPOP", "s", "5"), [b"stays"])]
    with server.client() as c:
        for request, reply in asked:
            # So many that one look does not remove them all.
            c.send(encode("DEL", "s", "d") + encode("SADD", "s", "stays") +
                   encode("SADDEX", "s", "PX", "2", "MEMBERS", "1000", *(f"m{i}" for i in range(1000))) +
                   encode("DEBUG", "SLEEP", "0.01") + encode(*request))
            replies = [c.reply() for _ in range(5)]
            assert replies[-1] == reply, (request, replies[-1])


def test_payloads(client):
    """Members and their times come back from RESTORE, also of a set that is large, and of one whose
    members have gone in between."""
    rng = random.Random(3)
    base = now_ms(client)
    want = {}
    for i in range(20000):
        name, at = f"m{i * 7919 % 100003}", base + rng.randrange(100000, 10 ** 9) if i % 3 else None
        want[name] = at
    client("SADD", "s", *(n for n in want))
    client.pipeline([("SPEXPIREAT", "s", at, "MEMBERS", "1", n) for n, at in want.items() if at])
    payload = client("DUMP", "s")
    assert payload[0] == 35
    assert client("RESTORE", "t", "0", payload) == "OK"
    names = list(want)
    assert client("SPEXPIRETIME", "t", "MEMBERS", len(names), *names) == [want[n] or -1 for n in names]
    assert client("SCARD", "t") == len(want)
    client("SADDEX", "u", "PX", "20", "MEMBERS", "2", "a", "b")
    payload = client("DUMP", "u")
    time.sleep(0.05)
    assert client("RESTORE", "u", "0", payload) == "OK"
    assert wait_until(lambda: client("EXISTS", "u") == 0)
    client("SADD", "v", "a")
    payload = client("DUMP", "v")
    assert payload[0] == 2


def test_memory_comes_back(client):
    client("SADD", "warm", *range(1000))
    client("DEL", "warm")
    before = int(client.info("memory")["used_memory"])
    for i in range(0, 20000, 1000):
        client("SADDEX", "s", "PX", "300", "MEMBERS", "1000", *(f"member:{i + k}" for k in range(1000)))
    assert int(client.info("memory")["used_memory"]) > before + 20000 * 20
    assert wait_until(lambda: client("EXISTS", "s") == 0)
    assert wait_until(lambda: int(client.info("memory")["used_memory"]) < before + 100000)


def length(n):
    if n < 64:
        return bytes([n])
    return (0x4000 | n).to_bytes(2, "big") if n < 16384 else b"\x80" + n.to_bytes(4, "big")


def string(text):
    return length(len(text)) + text


def file_of(directory, kind, body):
    """An RDB file with one set, of RDB type KIND; a checksum of zeros says that there is none."""
    (directory / "dump.rdb").write_bytes(b"REDIS0017\xfe\x00" + bytes([kind]) + string(b"s") + body + b"\xff" + bytes(8))


def test_files(start_server, tmp_path):
    """Sets that are far longer than what is read at a time; half of the members have an expiry."""
    count, base = 100000, int(time.time() * 1000) + 3600000
    rng = random.Random(4)
    times = {b"member:%d" % n: base + rng.randrange(10 ** 9) if n % 2 else None for n in range(count)}
    least = min(t for t in times.values() if t)
    body = least.to_bytes(8, "little") + length(count) + b"".join(
        (length(t - least + 1) if t and t - least + 1 < 1 << 32 else b"\0") + string(name)
        for name, t in times.items())
    plain = length(count) + b"".join(string(name) for name in times)
    for kind, what in ((35, body), (2, plain)):
        file_of(tmp_path, kind, what)
        server = start_server("--dir", str(tmp_path), "--dbfilename", "dump.rdb")
        with server.client() as c:
            assert c("SCARD", "s") == count
            names = list(times)
            for i in range(0, count, 5000):
                part = names[i:i + 5000]
                want = [(times[n] or -1) if kind == 35 else -1 for n in part]
                assert c("SPEXPIRETIME", "s", "MEMBERS", len(part), *part) == want
            assert (b"subexpiry=1" in c("INFO", "keyspace")) == (kind == 35)
        server.stop()


def test_a_listpack_of_a_file(start_server, tmp_path):
    """Type 34: a member whose time has come goes, and is told to nobody."""
    at = int(time.time() * 1000) + 3600000
    pairs = b"\x81a\x02" + b"\xf4" + at.to_bytes(8, "little") + b"\x09" + b"\x81b\x02" + b"\x01\x01" + \
        b"\x81c\x02" + b"\x00\x01"
    listpack = (len(pairs) + 7).to_bytes(4, "little") + b"\x06\x00" + pairs + b"\xff"
    file_of(tmp_path, 34, (1).to_bytes(8, "little") + string(listpack))
    server = start_server("--dir", str(tmp_path), "--dbfilename", "dump.rdb")
    with server.client() as c:
        assert c("SPEXPIRETIME", "s", "MEMBERS", "3", "a", "b", "c") == [at, -2, -1]
        assert sorted(c("SMEMBERS", "s")) == [b"a", b"c"]
        assert wait_until(lambda: c("SCARD", "s") == 2)


def changes(client):
    return int(client.info("persistence")["rdb_changes_since_last_save"])


def test_move_counts_as_any_move(client):
    """One change where a member goes and one where it comes, whatever form a set takes for its expiry."""
    client("SADDEX", "a", "EX", "100", "MEMBERS", "4", "m", "n", "o", "p")
    client("SADD", "packed", "1", "2")
    client("SADD", "has", "o")
    before = changes(client)
    for to, member, more in (("new", "m", 2), ("packed", "n", 2), ("has", "o", 1), ("new", "p", 2), ("new", "x", 0)):
        assert client("SMOVE", "a", to, member) == (1 if more else 0)
        now = changes(client)
        assert now - before == more, (to, member)
        before = now
    assert client("STTL", "new", "MEMBERS", "2", "m", "p") == [100, 100]


def test_store_without_expiring_members_stays_packed(client):
    client("SADD", "ints", "1", "2", "3")
    client("SADD", "texts", "a", "1")
    client("SADDEX", "t", "EX", "100", "MEMBERS", "2", "x", "1")
    for command, first, encoding in (("SDIFFSTORE", "ints", "intset"), ("SUNIONSTORE", "ints", "hashtable"),
                                     ("SINTERSTORE", "ints", "hashtable"), ("SDIFFSTORE", "texts", "listpack")):
        client(command, "r", first, "t")
        assert client("OBJECT", "ENCODING", "r") == encoding.encode(), command
    client("SREM", "t", "x")
    client("SADD", "t", "y")
    assert client("SINTERSTORE", "r", "texts", "ints") == 1
    client("SREM", "texts", "1")
    assert client("SUNIONSTORE", "r", "texts", "nosuch") == 1 and client("OBJECT", "ENCODING", "r") != b"hashtable"
    client("SADD", "texts", "y")
    assert client("SINTERSTORE", "r", "texts", "t") == 1
    assert client("OBJECT", "ENCODING", "r") != b"hashtable" and client("STTL", "r", "MEMBERS", "1", "y") == [-1]

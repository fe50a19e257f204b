# SPDX-License-Identifier: BSD-3-Clause
"""MEMORY: what its figures say, and that they are true."""
import re

import pytest
from conftest import Verbatim, wait_until
from oracle import oracle, start_oracle  # noqa: F401

OWN = ["arena.allocated", "arena.active", "arena.dirty", "arena.reserved", "heap.allocated", "heap.active",
       "swapped.bytes"]


def pairs(reply):
    """A map as a list of pairs, in whichever protocol."""
    return list(reply.items()) if isinstance(reply, dict) else list(zip(reply[::2], reply[1::2]))


def stats(client):
    return {k.decode(): v for k, v in pairs(client("MEMORY", "STATS"))}


@pytest.mark.parametrize("version", ["2", "3"])
def test_names_and_types_are_those_of_redis(client, oracle, version):  # noqa: F811
    with oracle.client() as other:
        for c in (client, other):
            c("HELLO", version)
            c("FLUSHALL")
            for db in ("0", "1", "11"):
                c("SELECT", db)
                c("SET", "k", "v")
            c("SELECT", "1")
            c("DEL", "k")
        ours, theirs = (pairs(c("MEMORY", "STATS")) for c in (client, other))
        other("FLUSHALL")

    def shape(items):
        return [(k, type(v) if not isinstance(v, (list, dict)) else [(n, type(x)) for n, x in pairs(v)])
                for k, v in items]
    assert shape(ours[:-len(OWN)]) == shape(theirs)
    assert [k.decode() for k, _ in ours[-len(OWN):]] == OWN
    assert all(isinstance(v, int) for _, v in ours[-len(OWN):])
    assert [k for k, _ in ours if k.startswith(b"db.")] == [b"db.0", b"db.11"]


def test_the_figures_add_up(client):
    client("HELLO", "3")
    client.pipeline([("SET", f"key:{i}", "v" * (i % 500)) for i in range(5000)])
    client.pipeline([("SET", f"short:{i}", "v", "EX", "1000") for i in range(5000)])
    client.pipeline([("DEL", f"key:{i}") for i in range(0, 5000, 3)])
    s = stats(client)
    info = client.info("memory")
    assert s["total.allocated"] == s["arena.allocated"] + s["heap.allocated"] == s["allocator.allocated"]
    assert s["overhead.total"] + s["dataset.bytes"] == s["total.allocated"]
    assert s["peak.allocated"] >= s["total.allocated"] > s["startup.allocated"]
    assert s["keys.count"] == client("DBSIZE")
    assert s["keys.bytes-per-key"] == (s["total.allocated"] - s["startup.allocated"]) // s["keys.count"]
    db = {k.decode(): v for k, v in s["db.0"].items()}
    index = db["overhead.hashtable.main"] + db["overhead.hashtable.expires"]
    assert s["dataset.bytes"] == s["arena.allocated"] - index
    assert db["overhead.hashtable.main"] >= s["keys.count"] * 5
    assert 5000 * 18 <= db["overhead.hashtable.expires"] <= 5000 * 18 + 20000
    assert s["allocator.active"] == s["arena.active"] + s["heap.active"]
    assert s["allocator.resident"] == s["allocator.active"] + s["arena.dirty"]
    assert s["allocator-fragmentation.bytes"] == s["allocator.active"] - s["total.allocated"]
    assert s["allocator-fragmentation.ratio"] == pytest.approx(s["allocator.active"] / s["total.allocated"])
    assert s["allocator-rss.bytes"] == s["arena.dirty"]
    resident = s["allocator.resident"] + s["rss-overhead.bytes"]
    assert s["fragmentation.bytes"] == resident - s["total.allocated"]
    assert s["fragmentation"] == pytest.approx(resident / s["total.allocated"])
    assert abs(resident - int(info["used_memory_rss"])) < 4 << 20
    assert 0 < s["dataset.percentage"] <= 100 and 0 < s["peak.percentage"] <= 100
    assert s["clients.normal"] == int(info["mem_clients_normal"]) > 0
    assert s["startup.allocated"] == int(info["used_memory_startup"])


def test_malloc_stats_add_up(client):
    client("HELLO", "3")
    for size in (1, 100, 1000, 10000, 100000, 1000000):
        client.pipeline([("SET", f"{size}:{i}", b"v" * size) for i in range(3)])
    text = client("MEMORY", "MALLOC-STATS")
    assert isinstance(text, Verbatim) and text.format == "txt"
    rows = [re.fullmatch(r" *(\w+) +(\d+) +(\d+) +(\d+) +(\d+) +([\d.]+)%", line)
            for line in text.decode().splitlines()]
    rows = [[m[1], *map(int, m.groups()[1:5])] for m in rows if m]
    assert rows[-1][0] == "all" and rows[-2][0] == "runs"
    for column in range(1, 5):
        assert sum(row[column] for row in rows[:-1]) == rows[-1][column]
    sizes = [int(row[0]) for row in rows[:-2]]
    assert sizes == sorted(set(sizes))
    s = stats(client)
    assert rows[-1][2] == s["arena.allocated"]
    assert f"{s['arena.reserved']}\n" in text.decode()


def test_usage_is_what_the_arena_gave(client):
    for key, value in (("n", "12345"), ("short", "v" * 20), ("long", "v" * 5000), ("big", "v" * 5000000)):
        client("SET", key, value)
        usage = client("MEMORY", "USAGE", key)
        before = stats(client)["arena.allocated"]
        client("DEL", key)
        # A big one is freed behind the reply.
        assert wait_until(lambda: stats(client)["arena.allocated"] <= before - len(value) or len(value) < 6)
        freed = before - stats(client)["arena.allocated"]
        assert freed <= usage <= freed + 1024, key  # and its share of the table
        client("SET", key, value)
        client("EXPIRE", key, "1000")
        assert usage <= client("MEMORY", "USAGE", key) <= usage + 32
        assert client("MEMORY", "USAGE", key, "SAMPLES", "0") == client("MEMORY", "USAGE", key)
        client("FLUSHALL")


def test_usage_does_not_touch(client):
    before = client.info("stats")
    client("SET", "k", "v")
    client("MEMORY", "USAGE", "k")
    client("MEMORY", "USAGE", "none")
    after = client.info("stats")
    assert [after[k] for k in ("keyspace_hits", "keyspace_misses")] == \
        [before[k] for k in ("keyspace_hits", "keyspace_misses")]
    client("SET", "due", "v", "PX", "1")
    assert wait_until(lambda: client("MEMORY", "USAGE", "due") is None)


def test_purge_gives_back(client):
    value = b"v" * 1000
    client.pipeline([("SET", f"k:{i}", value) for i in range(60000)])
    full = int(client.info("memory")["used_memory_rss"])
    client("FLUSHALL")
    assert client("MEMORY", "PURGE") == "OK"
    assert wait_until(lambda: int(client.info("memory")["used_memory_rss"]) < full - (40 << 20))
    assert wait_until(lambda: stats(client)["arena.dirty"] < 1 << 20)
    # Nobody was short of memory.
    assert client.info("memory")["memory_pressure_rounds"] == "0"


def test_the_doctor(client):
    text = client("MEMORY", "DOCTOR")
    assert re.fullmatch(rb"Nothing is unusual: \S+ in use, \S+ resident, for 0 keys\.\n", text) or b"* " in text
    client("SET", "k", "v" * 100000)
    client("CONFIG", "SET", "maxmemory", "1")
    assert b"* Limit: " in client("MEMORY", "DOCTOR")
    client("CONFIG", "SET", "maxmemory", "0")
    client("HELLO", "3")
    assert client("MEMORY", "DOCTOR").format == "txt"
    # Eight of ten keys are deleted, between those that stay.
    client.pipeline([("SET", f"k:{i}", "v" * 500) for i in range(200000)])
    client("CONFIG", "SET", "activedefrag", "no")
    client.pipeline([("DEL", *(f"k:{j}" for j in range(i, i + 1000) if j % 10 > 1)) for i in range(0, 200000, 1000)])
    text = client("MEMORY", "DOCTOR").decode()
    assert re.search(r"^\* Peak: once \S+ were in use, now \S+\.", text, re.M), text
    assert re.search(r"^\* Fragmentation: the arena holds .* is room for objects of \d+ bytes", text, re.M), text

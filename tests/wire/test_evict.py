# SPDX-License-Identifier: BSD-3-Clause
"""Eviction and defragmentation: which keys go, who is refused, what INFO says, changes at run time."""
import os
import time
from pathlib import Path

import pytest
from conftest import wait_until
from oracle import start_oracle  # noqa: F401

OOM = "OOM command not allowed when used memory > 'maxmemory'."
POLICIES = ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "volatile-lrm",
            "allkeys-lru", "allkeys-lfu", "allkeys-random", "allkeys-lrm", "noeviction"]


def used(client):
    return int(client.info("memory")["used_memory"])


def config(client, *words):
    assert client("CONFIG", "SET", *words) == "OK"


def fill(client, keys, size=200, expire=None, prefix="key"):
    """The replies that are no OK."""
    bad = []
    for start in range(0, keys, 2000):
        bad += [r for r in client.pipeline([("SET", f"{prefix}:{n}", "x" * size, *(("EX", expire) if expire else ()))
                                            for n in range(start, min(start + 2000, keys))]) if r != "OK"]
    return bad


@pytest.mark.parametrize("policy", POLICIES[5:9])
def test_allkeys(client, policy):
    limit = used(client) + 3_000_000
    config(client, "maxmemory-policy", policy, "maxmemory", limit)
    assert fill(client, 50000) == []
    assert 8000 < client("DBSIZE") < 13500
    # The connection's own buffers come on top at the end of a pipeline.
    assert used(client) < limit + 1_500_000
    info = client.info("stats")
    assert int(info["evicted_keys"]) == 50000 - client("DBSIZE")
    assert client.info("memory")["maxmemory_policy"] == policy
    # Above the limit any command evicts, those that read too, and none is refused.
    assert client("SET", "big", "x" * 2_000_000) == "OK"
    assert client("GET", "no such key") is None
    wait_until(lambda: used(client) <= limit)


@pytest.mark.parametrize("policy", POLICIES[:5])
def test_volatile(client, policy):
    assert fill(client, 5000, prefix="keep") == []
    base = used(client)
    config(client, "maxmemory-policy", policy, "maxmemory", base + 3_000_000)
    assert fill(client, 50000, expire=1000) == []
    assert client("EXISTS", *[f"keep:{n}" for n in range(5000)]) == 5000
    assert 13000 < client("DBSIZE") < 19000
    # When all that have an expiry have gone, writers are refused and readers are not.
    config(client, "maxmemory", base // 2)
    wait_until(lambda: client("DBSIZE") == 5000)
    assert client("SET", "a", "b") == OOM
    assert client("GET", "keep:1") == b"x" * 200
    assert client("DEL", "keep:1") == 1


def test_refusals_are_the_real_servers(start_server, start_oracle):  # noqa: F811
    for policy in ("noeviction", "volatile-lru", "allkeys-lru"):
        ours = start_server("--maxmemory", "1", "--maxmemory-policy", policy)
        theirs = start_oracle("--maxmemory", "1", "--maxmemory-policy", policy)
        with ours.client() as a, theirs.client() as b:
            for words in (("SET", "a", "b"), ("GET", "a"), ("INCR", "a"), ("APPEND", "a", "b"), ("DEL", "a"),
                          ("EXPIRE", "a", "1"), ("MSET", "a", "1", "b", "2"), ("PING",), ("FLUSHALL",),
                          ("SETRANGE", "a", "0", "x"), ("GETDEL", "a"), ("DBSIZE",)):
                assert a(*words) == b(*words), (policy, words)


def test_lru_keeps_what_is_read(client):
    config(client, "maxmemory-policy", "allkeys-lru")
    assert fill(client, 10000) == []
    time.sleep(1.1)  # the access clock counts seconds
    client.pipeline([("GET", f"key:{n}") for n in range(3000)])
    config(client, "maxmemory", used(client) - 800_000)
    wait_until(lambda: client("DBSIZE") < 7600)
    assert client("EXISTS", *[f"key:{n}" for n in range(3000)]) == 3000


def test_a_lower_limit_evicts_behind_the_scenes(client, server):
    config(client, "maxmemory-policy", "allkeys-random")
    assert fill(client, 100000) == []
    limit = used(client) // 4
    config(client, "maxmemory", limit)
    with server.client() as other:
        worst = 0
        while used(other) > limit:
            replies, took = server.held(lambda: (other("PING"), other("SET", "a", "b")))
            assert replies == ("PONG", "OK")
            worst = max(worst, took)
    assert worst < 0.2
    assert int(client.info("stats")["total_eviction_exceeded_time"]) >= 0
    assert client.info("stats")["current_eviction_exceeded_time"] == "0"
    config(client, "maxmemory", 0)
    before = client("DBSIZE")
    assert fill(client, 1000, prefix="more") == []
    assert client("DBSIZE") == before + 1000


@pytest.mark.parametrize("size", ["1mb", "2mb", "5mb"])
def test_small_limits(start_server, size):
    """As clients' own tests have them."""
    with start_server("--maxmemory", size, "--maxmemory-policy", "allkeys-lru").client() as c:
        assert fill(c, 20000) == []
        assert c("DBSIZE") > int(size[0]) * 1500
        assert int(c.info("memory")["used_memory"]) < (int(size[0]) << 20) * 2


def test_resident_memory_stays_below_the_limit(start_server):
    server = start_server("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
    if b"__asan_init" in Path(f"/proc/{server.pid}/exe").read_bytes():
        pytest.skip("a sanitizer's memory is its own")
    page, top = os.sysconf("SC_PAGESIZE"), 0
    with server.client() as c:
        for start in range(0, 800000, 20000):
            replies = c.pipeline([("SET", f"key:{n}", "x" * (n * 7 % 150)) for n in range(start, start + 20000)])
            assert set(replies) == {"OK"}
            with open(f"/proc/{server.pid}/statm", encoding="ascii") as statm:
                top = max(top, int(statm.read().split()[1]) * page)
    assert top > 60 << 20
    # A pipeline of this length has buffers of a few megabytes for a moment.
    assert top < (64 << 20) * 1.08


def test_object(client):
    for policy in ("allkeys-lfu", "allkeys-lru", "volatile-lfu", "noeviction"):
        config(client, "maxmemory-policy", policy)
        wait_until(lambda: client("SET", "a", "b") == "OK")
        if "lfu" in policy:
            assert client("OBJECT", "FREQ", "a") in range(1, 8)
            assert client("OBJECT", "IDLETIME", "a").startswith("ERR An LFU maxmemory policy is selected")
        else:
            assert client("OBJECT", "IDLETIME", "a") in (0, 1)
            assert client("OBJECT", "FREQ", "a").startswith("ERR An LFU maxmemory policy is not selected")


def test_options(client, start_oracle):  # noqa: F811
    """Values and errors as the real server's; it knows neither lrm nor defragmentation in this build."""
    oracle = start_oracle().client()
    for words in (("maxmemory-samples", "0"), ("maxmemory-samples", "x"), ("maxmemory-samples", "7"),
                  ("maxmemory-eviction-tenacity", "101"), ("maxmemory-eviction-tenacity", "-1"),
                  ("maxmemory-eviction-tenacity", "100"), ("lfu-log-factor", "-1"), ("lfu-log-factor", "2147483648"),
                  ("lfu-decay-time", "-1"), ("lfu-decay-time", "0"), ("activedefrag", "x"), ("activedefrag", "no"),
                  ("active-defrag-ignore-bytes", "0"), ("active-defrag-ignore-bytes", "1mb"),
                  ("active-defrag-threshold-lower", "1001"), ("active-defrag-threshold-upper", "-1"),
                  ("active-defrag-cycle-min", "0"), ("active-defrag-cycle-max", "100"),
                  ("active-defrag-cycle-max", "50"), ("maxmemory-policy", "ALLKEYS-LRU"),
                  ("maxmemory-policy", "volatile-ttl")):
        assert client("CONFIG", "SET", *words) == oracle("CONFIG", "SET", *words), words
        if words[0] not in ("activedefrag", "active-defrag-ignore-bytes"):  # other defaults
            assert client("CONFIG", "GET", words[0]) == oracle("CONFIG", "GET", words[0]), words
    assert client("CONFIG", "GET", "active-defrag-ignore-bytes")[1] == b"1048576"
    for policy in POLICIES:
        config(client, "maxmemory-policy", policy)
        assert client("CONFIG", "GET", "maxmemory-policy")[1] == policy.encode()
    assert client("CONFIG", "SET", "maxmemory-policy", "any") == (
        "ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument(s) must be one of the "
        "following: " + ", ".join(POLICIES))


def test_memory_comes_back(client, server):
    def resident():
        return int(client.info("memory")["used_memory_rss"])

    base = resident()
    assert fill(client, 300000, size=60) == []
    full = resident()
    for start in range(0, 300000, 5000):
        client("DEL", *[f"key:{n}" for n in range(start, start + 5000) if n * 7919 % 10 != 0])
    assert client("DBSIZE") == 30000
    wait_until(lambda: resident() - base < (full - base) * 0.2, timeout=20)
    info = client.info("stats")
    assert int(info["active_defrag_key_hits"]) > 10000
    assert int(info["total_active_defrag_time"]) > 0
    wait_until(lambda: client.info("memory")["active_defrag_running"] == "0")
    values = client.pipeline([("GET", f"key:{n}") for n in range(0, 300000) if n * 7919 % 10 == 0])
    assert set(values) == {b"x" * 60}


def test_without_defragmentation_it_stays(start_server):
    server = start_server("--activedefrag", "no")
    with server.client() as client:
        assert fill(client, 200000, size=60) == []
        client.pipeline([("DEL", f"key:{n}") for n in range(200000) if n * 7919 % 10 != 0])
        info = client.info("stats")
        assert (info["active_defrag_key_hits"], info["active_defrag_misses"]) == ("0", "0")
        assert client.info("memory")["active_defrag_running"] == "0"
        # It can be had at any time.
        config(client, "activedefrag", "yes")
        wait_until(lambda: int(client.info("stats")["active_defrag_key_hits"]) > 1000, timeout=20)

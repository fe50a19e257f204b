# SPDX-License-Identifier: BSD-3-Clause
"""INFO: the oracle's sections, names and forms, and figures that are true."""
import os
import re

import pytest
from conftest import Error, encode, wait_until
from oracle import oracle, start_oracle  # noqa: F401
from wire import conversation

SECTIONS = ["Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules", "Commandstats",
            "Errorstats", "Latencystats", "Cluster", "Keyspace"]
DEFAULT = [s for s in SECTIONS if s not in ("Commandstats", "Latencystats")]
# What monitors read, and what has a meaning here; the rest of the oracle's names tell of what it has alone.
# What has no meaning here: details of redis-server's build, its periodic work, its buffers.
LEFT_OUT = set("atomicvar_api configured_hz hz lazyfree_pending_objects lazyfreed_objects monotonic_clock "
               "redis_build_id redis_git_dirty redis_git_sha1 reply_buffer_expands reply_buffer_shrinks "
               "rss_overhead_bytes rss_overhead_ratio unexpected_error_replies".split())


def info(client, *sections):
    """By section, the names with their values, in their order."""
    text = client("INFO", *sections)
    assert not isinstance(text, Error), text
    out, current = {}, None
    for line in text.decode().split("\r\n"):
        if line.startswith("# "):
            current = out.setdefault(line[2:], {})
        elif line:
            name, value = line.split(":", 1)
            assert name not in current
            current[name] = value
    return out


def work(client):
    """Something for the statistics."""
    client("SET", "a", "1", "PX", "100000")
    client("GET", "a")
    client("GET", "nosuch")
    client("NOSUCH")


def shape(value):
    if re.fullmatch(r"-?\d+", value):
        return "integer"
    if re.fullmatch(r"-?\d+\.\d+", value):
        return f"{len(value.split('.')[1])} decimals"
    if re.fullmatch(r"\d+(\.\d\d)?[BKMGT]", value):
        return "for people"
    if "=" in value:
        return re.sub(r"=[\w.]+", "=", value)
    return "text"


def test_sections(client):
    assert list(info(client)) == DEFAULT
    assert list(info(client, "default")) == DEFAULT
    work(client)
    assert list(info(client, "all")) == SECTIONS
    assert list(info(client, "everything")) == SECTIONS
    assert list(info(client, "stats", "CPU", "server")) == ["Server", "Stats", "CPU"]
    assert list(info(client, "commandstats", "default")) == [s for s in SECTIONS if s != "Latencystats"]
    assert client("INFO", "nosuch") == b""
    for name in SECTIONS:
        assert list(info(client, name.lower())) == [name]


def test_bytes_as_the_oracle(start_server, oracle):
    """The frame and what is the same on both, byte for byte."""
    server = start_server()
    for version in ("2", "3"):
        for words in (("INFO", "nosuch"), ("INFO", "cluster"), ("INFO", "modules"), ("INFO", "cluster", "modules"),
                      ("INFO", "modules", "nosuch", "cluster", "CLUSTER"), ("INFO", "keyspace")):
            replies = []
            for it in (server, oracle):
                with it.client() as c:
                    c("HELLO", version)
                    c("FLUSHALL")
                    c.send(encode(*words))
                    replies.append(c.raw())
            assert replies[0] == replies[1], words


def test_names_and_forms_as_the_oracle(server, oracle):
    with server.client() as a, oracle.client() as b:
        for c in (a, b):
            work(c)
            info(c, "everything")
        ours, theirs = info(a, "everything"), info(b, "everything")
    assert list(ours) == list(theirs)
    for section in theirs:
        assert not theirs[section].keys() - ours[section].keys() - LEFT_OUT, section
    where = {name: section for section, fields in ours.items() for name in fields}
    faults = []
    theirs["Keyspace"] = {db: value + ",subexpiry=0" for db, value in theirs["Keyspace"].items()}  # not in 7.0
    for section, fields in theirs.items():
        for name, value in fields.items():
            if name in where and where[name] != section:
                faults.append(f"{name} is in {where[name]}, theirs in {section}")
            elif name in where and shape(ours[section][name]) != shape(value):
                faults.append(f"{name}: ours {ours[section][name]}, theirs {value}")
    assert not faults, "\n".join(faults)
    assert set(ours["Commandstats"]) == set(theirs["Commandstats"])
    assert set(ours["Latencystats"]) == set(theirs["Latencystats"])
    assert ours["Errorstats"] == theirs["Errorstats"]


COUNTED = ["total_connections_received", "total_commands_processed", "total_net_input_bytes", "total_error_replies",
           "keyspace_hits", "keyspace_misses", "expired_keys", "evicted_keys", "rejected_connections"]
COUNTED_REQUESTS = b"PING\r\n" + b"".join(encode(*line.split()) for line in """
SET a 1
GET a
GET x
EXISTS a x a
TTL x
TYPE x
DEL a x
NOSUCH
GET
SELECT 99
INCRS
SET a 1 NX XX
SET a 2 GET
SET a 3 GET
TOUCH a x
SCAN 0
RANDOMKEY
KEYS *
RENAME a b
RENAME x y
EXPIRE x 5
EXPIRE b 5
PERSIST b
PEXPIRETIME b
DBSIZE
UNLINK b
SET a 1 EX 0
CLIENT NOSUCH
CLIENT
COMMAND NOSUCH
CLIENT SETNAME
CONFIG SET nosuch x
HELLO 9
SWAPDB 0 1
""".strip().split("\n"))


def test_counters_as_the_oracle(server, oracle):
    """The same requests count the same."""
    counted = []
    for it in (server, oracle):
        with it.client() as c:
            assert c("CONFIG", "RESETSTAT") == "OK"
            conversation(it, COUNTED_REQUESTS)
            fields = info(c, "everything")
            calls = {n: re.sub(r"usec.*?,(?=rejected)", "", v) for n, v in fields["Commandstats"].items()}
            counted.append(({n: fields["Stats"][n] for n in COUNTED}, calls, fields["Errorstats"]))
    (stats, calls, errors), (their_stats, their_calls, their_errors) = counted
    assert calls == their_calls
    assert errors == their_errors
    assert stats == their_stats


def test_resetstat(client):
    work(client)
    before = info(client, "everything")
    assert before["Stats"]["keyspace_hits"] == "1" and before["Stats"]["keyspace_misses"] == "1"
    assert "cmdstat_set" in before["Commandstats"]
    assert before["Errorstats"] == {"errorstat_ERR": "count=1"}
    assert client("CONFIG", "RESETSTAT") == "OK"
    after = info(client, "everything")
    for name in COUNTED:
        assert int(after["Stats"][name]) <= (1 if name == "total_commands_processed" else
                                             200 if name.startswith("total_net") else 0), name
    assert set(after["Commandstats"]) <= {"cmdstat_config|resetstat"}
    assert after["Errorstats"] == {}
    assert after["Keyspace"] == {"db0": after["Keyspace"]["db0"]}  # the data are no statistics
    assert after["Clients"]["connected_clients"] == "1"
    client("GET", "a")
    assert info(client, "stats")["Stats"]["keyspace_hits"] == "1"


def test_commandstats(client):
    for i in range(10):
        client("SET", "k", i)
    client("SET", "k")
    client("SET", "k", "v", "NONSENSE")
    client("CONFIG", "GET", "timeout")
    found = info(client, "commandstats")["Commandstats"]
    match = re.fullmatch(r"calls=11,usec=(\d+),usec_per_call=(\d+\.\d\d),rejected_calls=1,failed_calls=1",
                         found["cmdstat_set"])
    assert match, found["cmdstat_set"]
    assert abs(int(match[1]) / 11 - float(match[2])) <= 0.2
    assert found["cmdstat_config|get"].startswith("calls=1,")
    assert "cmdstat_get" not in found


def test_errorstats(client):
    for words in (("NOSUCH",), ("GET",), ("AUTH", "default", "x", "y"), ("HELLO", "7"), ("HELLO", "x"),
                  ("RENAME", "nosuch", "x"), ("AUTH", "nobody", "x")):
        assert isinstance(client(*words), Error)
    found = info(client, "errorstats")["Errorstats"]
    assert found == {"errorstat_ERR": "count=5", "errorstat_NOPROTO": "count=1", "errorstat_WRONGPASS": "count=1"}
    assert info(client, "stats")["Stats"]["total_error_replies"] == "7"


def test_errorstats_count_what_nobody_sees(server):
    """Errors of a client without replies too."""
    conversation(server, encode("CLIENT", "REPLY", "OFF") + encode("NOSUCH") * 3)
    with server.client() as c:
        assert info(c, "errorstats")["Errorstats"] == {"errorstat_ERR": "count=3"}


def test_latencystats(start_server):
    server = start_server("--enable-debug-command", "yes")
    with server.client() as c:
        for _ in range(100):
            c("PING")
        c("DEBUG", "SLEEP", "0.02")
        found = info(c, "latencystats")["Latencystats"]
        numbers = {name: {k: float(v) for k, v in (pair.split("=") for pair in value.split(","))}
                   for name, value in found.items()}
        ping, debug = numbers["latency_percentiles_usec_ping"], numbers["latency_percentiles_usec_debug"]
        assert list(ping) == ["p50", "p99", "p99.9"]
        assert ping["p50"] <= ping["p99"] <= ping["p99.9"]
        assert 19000 < debug["p50"] < 2000000
        assert debug["p50"] == debug["p99"]


def test_traffic_is_counted(client):
    before = info(client, "stats")["Stats"]
    request = encode("ECHO", b"x" * 1000)
    count = 50
    client.send(request * count)
    for _ in range(count):
        client.reply()
    after = info(client, "stats")["Stats"]
    received = int(after["total_net_input_bytes"]) - int(before["total_net_input_bytes"])
    sent = int(after["total_net_output_bytes"]) - int(before["total_net_output_bytes"])
    assert 0 <= received - count * len(request) < 200
    assert 0 <= sent - count * 1009 < 4096
    assert int(after["total_commands_processed"]) - int(before["total_commands_processed"]) == count + 1
    assert int(after["total_reads_processed"]) > int(before["total_reads_processed"])
    assert int(after["total_writes_processed"]) > int(before["total_writes_processed"])
    assert int(after["instantaneous_ops_per_sec"]) >= 0


def test_facts(server, client):
    found = info(client)
    facts = found["Server"]
    assert facts["process_id"] == str(server.pid)
    assert facts["tcp_port"] == str(server.port)
    assert re.fullmatch("[0-9a-f]{40}", facts["run_id"])
    assert facts["executable"] == os.path.realpath(f"/proc/{server.pid}/exe")
    assert re.fullmatch(r"\d+\.\d+\.\d+", facts["redis_version"])
    assert 0 <= int(client("TIME")[0]) - int(facts["server_time_usec"]) // 1000000 < 100
    assert re.fullmatch("[0-9a-f]{40}", found["Replication"]["master_replid"])
    assert found["Replication"]["master_replid"] != facts["run_id"]
    resident = int(found["Memory"]["used_memory_rss"])
    pages = int(open(f"/proc/{server.pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert abs(resident - pages) < 1 << 20
    assert info(client, "replication")["Replication"] == found["Replication"]


def test_back_end_is_told(server, client, loop_backend):
    assert info(client, "server")["Server"]["multiplexing_api"] == loop_backend


def test_auto_moves_to_epoll(start_server):
    server = start_server("--event-loop", "auto")
    with server.client() as c:
        assert info(c, "server")["Server"]["multiplexing_api"] == "poll"
        many = [server.client() for _ in range(150)]
        assert all(m("PING") == "PONG" for m in many)
        assert wait_until(lambda: info(c, "server")["Server"]["multiplexing_api"] == "epoll")
        assert all(m("PING") == "PONG" for m in many)
        for m in many:
            m.close()
        assert c("PING") == "PONG"


def test_version_can_be_chosen(start_server):
    server = start_server("--compat-version", "7.0.15")
    with server.client() as c:
        assert info(c, "server")["Server"]["redis_version"] == "7.0.15"
        assert c("CONFIG", "SET", "compat-version", "8.0.1") == "OK"
        assert info(c, "server")["Server"]["redis_version"] == "8.0.1"
        assert c("HELLO", "3")[b"version"] == b"8.0.1"


def test_keyspace(client):
    assert info(client, "keyspace") == {"Keyspace": {}}
    client("SET", "a", "1")
    client("SET", "b", "1", "PX", "100000")
    client("SELECT", "9")
    client("SET", "c", "1", "PX", "100000")
    found = info(client, "keyspace")["Keyspace"]
    assert list(found) == ["db0", "db9"]
    assert re.fullmatch(r"keys=2,expires=1,avg_ttl=(9\d{4}|100000),subexpiry=0", found["db0"])
    assert re.fullmatch(r"keys=1,expires=1,avg_ttl=(9\d{4}|100000),subexpiry=0", found["db9"])
    client("SWAPDB", "0", "9")
    assert info(client, "keyspace")["Keyspace"]["db9"].startswith("keys=2,expires=1,")
    client("FLUSHALL")
    assert info(client, "keyspace") == {"Keyspace": {}}


def test_memory_follows_the_data(client):
    empty = int(info(client, "memory")["Memory"]["used_memory"])
    client("SET", "k", b"x" * (8 << 20))
    full = info(client, "memory")["Memory"]
    assert 8 << 20 <= int(full["used_memory"]) - empty < 12 << 20
    assert int(full["used_memory_dataset"]) >= 8 << 20
    assert int(full["used_memory_peak"]) >= int(full["used_memory"])
    assert re.fullmatch(r"(8|9|1\d)\.\d\dM", full["used_memory_human"])
    client("DEL", "k")
    after = info(client, "memory")["Memory"]
    assert int(after["used_memory"]) - empty < 4 << 20
    assert int(after["used_memory_peak"]) >= 8 << 20


def test_changes_since_save(client):
    def changes():
        return int(info(client, "persistence")["Persistence"]["rdb_changes_since_last_save"])

    assert changes() == 0
    for words, more in ((("SET", "a", "1"), 1), (("GET", "a"), 0), (("DEL", "nosuch"), 0), (("DEL", "a"), 1),
                        (("SET", "a", "1", "XX"), 0), (("PERSIST", "a"), 0)):
        before = changes()
        client(*words)
        assert changes() - before == more, words


@pytest.mark.parametrize("section", ["server", "clients"])
def test_in_resp3_it_is_a_verbatim_text(client, section):
    client("HELLO", "3")
    client.send(encode("INFO", section))
    reply = client.raw()
    assert re.match(rb"=\d+\r\ntxt:# [A-Z]", reply)

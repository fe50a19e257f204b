# SPDX-License-Identifier: BSD-3-Clause
"""maxmemory: what is refused and what is not, beside the real server; what is in use."""
import os
import re
import signal

import pytest
from conftest import TOP, Error, wait_until
from oracle import oracle, start_oracle  # noqa: F401

OOM = "OOM command not allowed when used memory > 'maxmemory'."
REFUSED = r"Commands that need memory are refused"


def settled(client):
    """used_memory once nothing is being freed any more."""
    last = [None]

    def same():
        now = int(client.info("memory")["used_memory"])
        if last[0] is not None and abs(now - last[0]) < 4096:
            return now
        last[0] = now
        return None

    return wait_until(same, step=0.02)


def denied(client):
    """Commands that the server itself says need memory, with their arity."""
    return {c[0].decode(): c[1] for c in client("COMMAND") if "denyoom" in c[2]}


def test_each_command_that_needs_memory_is_refused(start_server, start_oracle):  # noqa: F811
    ours, theirs = start_server("--maxmemory", "1"), start_oracle("--maxmemory", "1")
    with ours.client() as a, theirs.client() as b:
        commands = denied(a)
        assert "set" in commands
        known = {c[0].decode() for c in b("COMMAND")}
        assert commands.keys() & known <= denied(b).keys()
        for name, arity in sorted(commands.items()):
            words = [name, *["1"] * (abs(arity) - 1)]
            assert a(*words) == OOM, name
            if name in known:
                assert b(*words) == OOM, name
            if arity != -1:
                assert a(name) != OOM, name
                if name in known:
                    assert a(name) == b(name), name


def test_file_and_command_line(start_server, tmp_path):
    file = tmp_path / "conf"
    file.write_text("maxmemory = 1\n")
    with start_server("-c", file).client() as c:
        assert c("SET", "a", "b") == OOM
    with start_server("-c", file, "--maxmemory", "64mb").client() as c:
        assert c("SET", "a", "b") == "OK"
        assert c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"67108864"]
        info = c.info("memory")
        assert (info["maxmemory"], info["maxmemory_human"], info["maxmemory_policy"]) == (
            "67108864", "64.00M", "noeviction")


def test_the_limit_is_where_it_says(client, server):
    base = settled(client)
    limit = base + 20_000_000
    assert client("CONFIG", "SET", "maxmemory", limit) == "OK"
    for i in range(10000):
        if client("SET", f"key:{i}", "x" * 10000) != "OK":
            break
    assert 1800 < i < 2050
    info = client.info("memory")
    assert int(info["used_memory"]) > limit - 20_000
    assert int(info["used_memory"]) < limit + 200_000
    assert int(info["maxmemory_refused_commands"]) == 1
    assert client.info("errorstats")["errorstat_OOM"] == "count=1"
    assert "rejected_calls=1" in client.info("commandstats")["cmdstat_set"]
    assert client("SET", "more", "x" * 10000) == OOM
    assert client("GET", "key:0") == b"x" * 10000
    assert client("DEL", *[f"key:{n}" for n in range(100)]) == 100
    assert client("SET", "more", "x") == "OK"
    assert server.log.wait_for(REFUSED)
    # However many are refused, the log says so once a minute.
    assert len(re.findall(REFUSED, server.log.text())) == 1
    assert client("CONFIG", "RESETSTAT") == "OK"
    assert client.info("memory")["maxmemory_refused_commands"] == "0"


def test_a_write_waits_for_what_a_flush_frees(client, server):
    """What FLUSHALL dropped is freed behind the scenes; the next write is not refused because of that."""
    base = settled(client)
    for start in range(0, 200000, 10000):
        client.pipeline([("SET", f"key:{start + i}", "x" * 100) for i in range(10000)])
    assert client("CONFIG", "SET", "maxmemory", base + 2_000_000) == "OK"
    assert client("SET", "a", "b") == OOM
    with server.client() as other:
        replies = client.pipeline([("FLUSHALL",), ("SET", "a", "b"), ("GET", "a"), ("SET", "c", "d"), ("DBSIZE",)])
        assert replies == ["OK", "OK", b"b", "OK", 2]
        assert other("SET", "e", "f") == "OK"
    # Also one that is lifted while somebody waits.
    assert client.pipeline([("CONFIG", "SET", "maxmemory", "1"), ("FLUSHALL",), ("SET", "a", "b")]) == ["OK", "OK", OOM]


def test_peak(client):
    base = int(client.info("memory")["used_memory_peak"])
    client("SET", "a", "x" * 10_000_000)
    client("DEL", "a")
    info = client.info("memory")
    assert int(info["used_memory_peak"]) > base + 10_000_000
    assert int(info["used_memory"]) < base + 5_000_000
    assert float(info["used_memory_peak_perc"].rstrip("%")) < 60


def test_changes_at_run_time_are_told(client, server):
    assert client("CONFIG", "SET", "maxmemory", "100mb") == "OK"
    assert server.log.wait_for(r"Memory limit: 100.00M \(as maxmemory says\)")
    assert client("CONFIG", "SET", "maxmemory", "10kb") == "OK"
    assert server.log.wait_for("More memory than that is in use already")
    assert client("SET", "a", "b") == OOM
    assert client("CONFIG", "SET", "maxmemory", "0") == "OK"
    assert server.log.wait_for("Memory limit: none")
    assert client("SET", "a", "b") == "OK"


def test_data_beyond_the_limit_is_loaded(start_server):
    server = start_server("--maxmemory", "20kb", "--dir", TOP / "etc", "--dbfilename", "sample.rdb")
    assert server.log.wait_for("The data takes more memory than maxmemory allows")
    with server.client() as c:
        keys = sum(c("SELECT", db) == "OK" and c("DBSIZE") for db in range(16))
        assert keys > 0
        assert c("SET", "a", "b") == OOM


def test_auto(start_server, tmp_path):
    file = tmp_path / "conf"
    file.write_text("maxmemory = auto\n")
    server = start_server("-c", file)
    found = server.log.wait_for(r"Memory limit: (\S+) \(auto: .* less \S+ of headroom\)")
    assert found
    with server.client() as c:
        info = c.info("memory")
        limit = int(info["maxmemory"])
        assert info["maxmemory_human"] == found[1]
        assert 0 < limit < int(info["total_system_memory"])
        assert int(info["total_system_memory"]) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        assert c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"%d" % limit]
        assert c("SET", "a", "b") == "OK"
        lines = len(server.log.lines)
        server.signal(signal.SIGHUP)
        assert server.log.wait_for("nothing has changed", start=lines)
        assert "Memory limit" not in "\n".join(server.log.lines[lines:])
        file.write_text("maxmemory = 1\n")
        server.signal(signal.SIGHUP)
        assert server.log.wait_for("maxmemory: 'auto' is now '1'", start=lines)
        assert wait_until(lambda: c("SET", "a", "b") == OOM)
        file.write_text("maxmemory = autx\n")
        server.signal(signal.SIGHUP)
        assert server.log.wait_for("'autx' is not a size; allowed: auto, or bytes, or with a unit as in 64mb")
        assert isinstance(c("SET", "a", "b"), Error)


@pytest.mark.parametrize("value", ["auto", "AUTO"])
def test_print_config_shows_auto(servers, value):
    server = servers.launch("--print-config", "--maxmemory", value)
    assert server.wait() == 0
    assert "maxmemory = auto    # command line" in server.stdout.text()

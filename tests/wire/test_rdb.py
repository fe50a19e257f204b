# SPDX-License-Identifier: BSD-3-Clause
"""RDB files as the real server writes them: loaded whole, or refused with the reason and
left as they are."""
import os
import random
import shutil
import time

import pytest
from conftest import TOP, Error, Server, wait_until
from oracle import oracle, start_oracle  # noqa: F401


def fill(client, db):
    """Values of each encoding that strings have in a file, and of each length form."""
    rng = random.Random(db)
    numbers = [0, 1, -1, 12, 127, 128, -128, -129, 255, 32767, 32768, -32768, -32769, 65536, 2147483647, 2147483648,
               -2147483648, -2147483649, 9223372036854775807, -9223372036854775808]
    values = [*(str(n).encode() for n in numbers), b"9223372036854775808", b"007", b"-0", b" 1", b"1.5", b"", b"x",
              b"\x00", b"\xff" * 3, bytes(range(256)),
              *(rng.randbytes(n) for n in (1, 43, 44, 45, 62, 63, 64, 65, 255, 256, 16383, 16384, 70000)),
              *(b"a" * n for n in (19, 20, 21, 64, 100, 263, 264, 265, 1000, 16383, 16384, 100000)),
              *(b"row your boat, " * n for n in (2, 10, 1000, 20000)), (b"\x00" * 200 + rng.randbytes(60)) * 50]
    client.command("SELECT", db)
    for i, value in enumerate(values):
        assert client("SET", f"value:{i}", value) == "OK"
    for key in (b"", b"0", b"-5", b"70000", b"\x00\xff", b"k" * 63, b"k" * 64, b"k" * 300, b"k" * 17000,
                rng.randbytes(500), b"compressible " * 50):
        assert client("SET", key, b"of a key") == "OK"
    now = int(time.time() * 1000)
    for i, at in enumerate((now + 100000, now + 86400000, 4102444800000, 9007199254740993, 9223372036854775807)):
        assert client("SET", f"expires:{i}", i, "PXAT", at) == "OK"
    client("SET", "persisted", "v", "EX", "100")
    client("PERSIST", "persisted")


def content(it, databases=range(16)):
    """Every key of every database: its type, value and time."""
    out = {}
    with it.client() as c:
        for db in databases:
            assert c("SELECT", db) == "OK"
            for key in c("KEYS", "*"):
                out[db, key] = c.pipeline([("TYPE", key), ("GET", key), ("PEXPIRETIME", key)])
            assert c("DBSIZE") == sum(k[0] == db for k in out)
    return out


def same_values(ours, theirs):
    assert ours.keys() == theirs.keys()
    different = [k for k in ours if ours[k] != theirs[k]]
    assert not different, [(k, ours[k], theirs[k]) for k in different[:3]]


@pytest.mark.parametrize("options", [
    [], ["--rdbcompression", "no"], ["--rdbchecksum", "no"],
    ["--maxmemory-policy", "allkeys-lru", "--maxmemory", "1gb"],
    ["--maxmemory-policy", "allkeys-lfu", "--maxmemory", "1gb"],
], ids=["plain", "uncompressed", "unchecked", "lru", "lfu"])
def test_what_the_oracle_writes(start_server, start_oracle, tmp_path, options):
    oracle = start_oracle(*options)
    with oracle.client() as c:
        for db in (0, 1, 9, 15):
            fill(c, db)
        assert c("SAVE") == "OK"
    theirs = content(oracle)
    path = oracle.directory / "dump.rdb"
    before = path.read_bytes()
    if "lru" in str(options):
        assert b"\xf8" in before
    if "lfu" in str(options):
        assert b"\xf9" in before
    server = start_server("--dir", oracle.directory)
    same_values(content(server), theirs)
    with server.client() as c:
        found = c.info("persistence")
        assert found["rdb_last_load_keys_loaded"] == str(len(theirs))
        assert found["rdb_last_load_keys_expired"] == "0"
        assert found["loading"] == "0" and found["rdb_changes_since_last_save"] == "0"
        # what was loaded is as alive as what is set: it is changed, and expires
        c("SELECT", "9")
        assert c("PEXPIRE", "expires:1", "20") == 1
        assert wait_until(lambda: c("EXISTS", "expires:1") == 0)
        assert c("RENAME", "value:7", "moved") == "OK"
    assert server.stop() == 0
    assert path.read_bytes() == before


def test_expired_are_left_out(start_server, start_oracle):
    oracle = start_oracle("--enable-debug-command", "yes")
    with oracle.client() as c:
        c("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        c("SET", "stays", "v")
        for i in range(10):
            c("SET", f"goes:{i}", "v", "PX", "5")
        c("SELECT", "3")
        c("SET", "goes", "v", "PX", "5")
        c("SET", "later", "v", "EX", "1000")
        assert c("SAVE") == "OK"
        due = time.time() + 0.01
    assert wait_until(lambda: time.time() > due)
    server = start_server("--dir", oracle.directory)
    found = content(server)
    assert set(found) == {(0, b"stays"), (3, b"later")}
    with server.client() as c:
        info = c.info("persistence", "stats")
        assert info["rdb_last_load_keys_expired"] == "11"
        assert info["rdb_last_load_keys_loaded"] == "2"
        assert info["expired_keys"] == "0"


def test_functions_are_told_of(start_server, oracle):
    with oracle.client() as c:
        assert c("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)") == b"lib"
        c("SET", "k", "v")
        assert c("SAVE") == "OK"
    server = start_server("--dir", oracle.directory)
    with server.client() as c:
        assert c("GET", "k") == b"v"
    assert server.log.wait_for("1 function libraries are kept for the next save, but not executed", timeout=0)


def test_the_sample(start_server, tmp_path):
    """The file that "make run" serves."""
    sample = TOP / "etc" / "sample.rdb"
    shutil.copy(sample, tmp_path / "sample.rdb")
    server = start_server("--dir", tmp_path, "--dbfilename", "sample.rdb")
    with server.client() as c:
        assert c("GET", "greeting") == b"hello from a real RDB file"
        assert c("GET", "visits") == b"1024"
        assert c("GET", "balance") == b"-7"
        assert c("GET", "population") == b"8123456789"
        assert c("GET", "empty") == b""
        assert c("GET", "binary") == b"\x00\x01\xfe\xff"
        assert c("GET", "poem").startswith(b"row, row, row your boat, gently down the stream;\n" * 3)
        assert c("PEXPIRETIME", "session:42") == 4102444800000
        assert len(c("KEYS", "city:*")) == 6
        c("SELECT", "1")
        assert c("GET", "where") == b"database 1"
    assert server.log.wait_for(r"DB loaded from disk: \d+\.\d+ seconds", timeout=0)


def test_the_sample_as_the_oracle_reads_it(start_server, start_oracle, tmp_path):
    shutil.copy(TOP / "etc" / "sample.rdb", tmp_path / "dump.rdb")
    server, oracle = start_server("--dir", tmp_path), start_oracle(directory=tmp_path)
    same_values(content(server), content(oracle))


# --- refused ---


class Trial:
    """Starts a server on bytes; tells how it ended."""

    def __init__(self, program, tmp_path):
        self.program, self.directory = program, tmp_path / "trial"
        self.directory.mkdir()
        self.path = self.directory / "dump.rdb"

    def run(self, data, *options):
        """None when the server became ready, else its exit status and its log."""
        self.path.write_bytes(data)
        os.utime(self.path, (1000000000, 1000000000))
        server = Server(self.program, self.directory, ["--port", 0, "--unixsocket", self.directory / "s",
                                                       *options], port=0)
        try:
            if server.wait_ready():
                assert server.stop() == 0, server.report()
                return None
            status = server.wait()
        finally:
            server.kill()
        server.check_clean()
        assert self.path.read_bytes() == data
        assert self.path.stat().st_mtime == 1000000000
        assert set(os.listdir(self.directory)) <= {"dump.rdb", "s"}
        return status, server.log.text()


@pytest.fixture
def trial(program, tmp_path):
    return Trial(program, tmp_path)


@pytest.fixture
def small_file(oracle):
    """A file with a bit of everything, of some hundred bytes."""
    with oracle.client() as c:
        for key, value in (("short", "v"), ("int8", 5), ("int16", 500), ("int32", 70000), ("long", "x" * 100),
                           ("raw", bytes(range(100, 200))), ("number", 12345678901)):
            c("SET", key, value)
        c("SET", "expires", "v", "PXAT", 4102444800000)
        c("SELECT", "2")
        c("SET", "other database", "ab" * 40)
        assert c("SAVE") == "OK"
    data = (oracle.directory / "dump.rdb").read_bytes()
    assert 200 < len(data) < 1000
    return data


def test_truncated(trial, small_file):
    assert trial.run(small_file) is None
    for length in [*range(0, len(small_file), 7), len(small_file) - 1]:
        ended = trial.run(small_file[:length])
        assert ended is not None, f"{length} of {len(small_file)} bytes are taken"
        status, log = ended
        assert status == 1, f"{length} bytes: {log}"
        assert "dump.rdb" in log and ("offset" in log or length == 0), log


def test_each_byte_counts(trial, small_file):
    """With the checksum on no changed byte goes unnoticed."""
    rng = random.Random(len(small_file))
    for at in sorted({0, 5, 8, len(small_file) - 1, len(small_file) - 9, *rng.sample(range(len(small_file)), 70)}):
        changed = bytearray(small_file)
        changed[at] ^= 1 << rng.randrange(8)
        ended = trial.run(bytes(changed))
        assert ended is not None, f"a change at {at} is taken"
        status, log = ended
        assert status == 1, f"a change at {at}: {log}"
        assert "dump.rdb" in log, log


def test_damage_without_checksum(trial, small_file):
    """Where nobody checks, damage is found or served as it is; nothing falls over."""
    rng = random.Random(7)
    unchecked = small_file[:-8] + bytes(8)
    assert trial.run(unchecked) is None
    for _ in range(40):
        changed = bytearray(unchecked)
        for _ in range(rng.randrange(1, 4)):
            changed[rng.randrange(9, len(changed) - 8)] = rng.randrange(256)
        ended = trial.run(bytes(changed))
        assert ended is None or ended[0] == 1, ended
    assert trial.run(small_file[:-1] + bytes([small_file[-1] ^ 1]), "--rdbchecksum", "no") is None


@pytest.mark.parametrize("kind, name, version", [
    (28, "array", b"REDIS0012"), (33, "rate limit", b"REDIS0012"), (6, "module", b"REDIS0011"), (7, "module", b"REDIS0011"),
    (7, "module", b"VALKEY080"), (23, "path hash", b"VALKEY081"), (8, "type, 8,", b"REDIS0011"),
    (200, "type, 200,", b"REDIS0011"),
], ids=lambda w: str(w) if isinstance(w, int) else "")
def test_types_that_are_not_there(trial, kind, name, version):
    """Values of modules and of servers to come: refused by their names, whatever they hold."""
    before = b"\x00\x06before\x01v"
    body = b"\x07the key\x81" + b"\x07" * 64
    status, log = trial.run(version + before + bytes([kind]) + body + b"\xff" + bytes(8))
    assert status == 1
    assert name in log.lower(), log
    assert "the key" in log and "offset" in log, log


@pytest.mark.parametrize("data, word", [
    (b"", "empty"), (b"REDIS", "short"), (b"SREDI0011" + b"\xff" * 9, "REDIS"),
    (b"REDIS9999\xff" + bytes(8), "version 9999"),
    (b"REDIS0000\xff" + bytes(8), "version 0"), (b"VALKEY099\xff" + bytes(8), "version 99"),
    (b"REDIS0011\x00\x80\xff\xff\xff\xffkey", "key"), (b"REDIS0011\x00\x81" + b"\x7f" * 8, "offset"),
    (b"REDIS0011\x00\x01k\xc3\x05\x90\x00\x00\x00hello", "offset"),
    (b"REDIS0011\xfe\x10\x00\x01k\x01v\xff" + bytes(8), "databases"),
    (b"REDIS0011\x00\x01k\x01v\x00\x01k\x01w\xff" + bytes(8), "twice"), (b"REDIS0011\xee", "opcode"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_faults_by_hand(trial, data, word):
    status, log = trial.run(data)
    assert status == 1
    assert word in log, log


def test_unreadable(trial, tmp_path):
    trial.path.mkdir()
    server = Server(trial.program, trial.directory, ["--port", 0, "--unixsocket", trial.directory / "s"], port=0)
    assert not server.wait_ready()
    assert server.wait() == 1
    assert "dump.rdb" in server.log.text()


# --- while it loads ---


def make_big(path, count):
    """A file of COUNT keys, as an old server would have written it."""
    body = b"".join(b"\x00\x0bkey:%07d\x14the value of %07d" % (i, i) for i in range(count))
    path.write_bytes(b"REDIS0009\xfe\x00\xfb\x80%b\x00" % count.to_bytes(4, "big") + body + b"\xff" + bytes(8))


def test_served_while_loading(servers, tmp_path):
    count = 1500000
    make_big(tmp_path / "dump.rdb", count)
    server = servers.launch("--dir", tmp_path)
    port_is_there = wait_until(lambda: try_connect(server), step=0.0005)
    assert port_is_there, server.report()
    with server.client() as c:
        first = c("PING")
        refused = c.pipeline([("GET", "key:0000000"), ("SET", "a", "b"), ("DBSIZE",)])
        info = c.info("persistence")
        if info["loading"] == "1":
            assert first.startswith("LOADING ")
            assert all(isinstance(r, Error) and r.startswith("LOADING ") for r in refused)
            assert int(info["loading_total_bytes"]) == (tmp_path / "dump.rdb").stat().st_size
            assert 0 <= int(info["loading_loaded_bytes"]) <= int(info["loading_total_bytes"])
            assert 0 <= float(info["loading_loaded_perc"]) <= 100
            assert int(info["loading_eta_seconds"]) >= 0
            assert not isinstance(c("HELLO", "3"), Error) and not isinstance(c("INFO", "server"), Error)
            c("HELLO", "2")
            longest = 0
            while c.info("persistence")["loading"] == "1":
                longest = max(longest, server.held(lambda: c("PING"))[1])
            assert longest < 0.5
        else:
            pytest.skip("this machine loads faster than it connects")
        assert c("DBSIZE") == count
        assert c("GET", "key:0000077") == b"the value of 0000077"
        assert isinstance(first, Error)
    assert server.wait_ready()


def try_connect(server):
    try:
        server.client().close()
        return True
    except OSError:
        return False

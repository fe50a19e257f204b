# SPDX-License-Identifier: BSD-3-Clause
"""The file that is saved: the real server reads the same data out of it, so do we, and whatever
goes wrong leaves the old one. When it is saved, and when not."""
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import time

import pytest
from conftest import PATIENCE, TOP, Error, free_port, wait_until
from oracle import oracle, start_oracle  # noqa: F401
from test_rdb import fill
from test_rdb_types import pairs, stream, streams

SAVING = "dump.rdb.saving"


def fill_collections(c):
    """Small and large values of each type, packed and not."""
    rng = random.Random(1)
    words = [f"word:{i}" for i in range(3000)]
    long = [rng.randbytes(n) for n in (70, 300, 9000)] + [b"pressed together " * 800]
    for name, size in (("one", 1), ("few", 20), ("many", 3000)):
        c.pipeline([("RPUSH", f"list:{name}", *words[:size]), ("SADD", f"set:{name}", *words[:size]),
                    ("SADD", f"integers:{name}", *range(-size // 2, size // 2 + 1)),
                    ("HSET", f"hash:{name}", *(x for w in words[:size] for x in (w, w.encode().hex()))),
                    ("ZADD", f"zset:{name}", *(x for w in words[:size] for x in (rng.choice(
                        [rng.random(), rng.randrange(-9, 9), "-inf", "inf", 1e300, -0.0]), w)))])
    c.pipeline([("RPUSH", "list:long", *long), ("SADD", "set:long", *long), ("HSET", "hash:long", "f", long[2], long[1], "v"),
                ("ZADD", "zset:long", 1, long[1], 2, long[3]), ("RPUSH", "list:numbers", *range(-40000, 40000, 7)),
                ("PEXPIREAT", "hash:few", 4102444800000), ("PEXPIREAT", "list:many", 4102444800001)])
    replies = c.pipeline([*streams(rng), ("XTRIM", "stream:many", "MAXLEN", 7), ("XADD", "stream:gone", "1-1", "f", "v"),
                          ("XDEL", "stream:gone", "1-1"), ("PEXPIREAT", "stream:groups", 4102444800002)])
    # Elements that have a time no more: nothing of it is left in the file.
    replies += c.pipeline([("HSETEX", "hash:stays", "EX", 100, "FIELDS", 2, "f", "v", "g", "w"),
                           ("HPERSIST", "hash:stays", "FIELDS", 2, "f", "g"),
                           ("SADDEX", "set:stays", "EX", 100, "MEMBERS", 2, "a", "b"),
                           ("SPERSIST", "set:stays", "MEMBERS", 2, "a", "b")])
    assert not [r for r in replies if isinstance(r, Error)], replies


def scores(c, key):
    """As numbers: the two servers print them differently."""
    pairs = c("ZRANGE", key, 0, -1, "WITHSCORES")
    return [(member, float(score)) for member, score in zip(*[iter(pairs)] * 2)]


def whole_stream(c, key):
    """With the times at which entries were given to whom."""
    groups = pairs(c("XINFO", "STREAM", key, "FULL", "COUNT", 0))[b"groups"]
    seen = [[[pairs(w)[of] for of in (b"name", b"seen-time", b"pending")] for w in pairs(g)[b"consumers"]] for g in groups]
    return stream(c, key), [(pairs(g)[b"name"], pairs(g)[b"pending"]) for g in groups], seen


READ = {"string": lambda c, k: c("GET", k), "list": lambda c, k: c("LRANGE", k, 0, -1),
        "set": lambda c, k: sorted(c("SMEMBERS", k)), "zset": scores,
        "hash": lambda c, k: sorted(zip(*[iter(c("HGETALL", k))] * 2)),
        "stream": whole_stream}


def content(it):
    """Every key of every database: its type, value and time."""
    out = {}
    with it.client() as c:
        for db in range(16):
            assert c("SELECT", db) == "OK"
            for key in c("KEYS", "*"):
                kind = c("TYPE", key)
                out[db, key] = kind, READ[kind](c, key), c("PEXPIRETIME", key)
            assert c("DBSIZE") == sum(k[0] == db for k in out)
    return out


def same(ours, theirs):
    assert ours.keys() == theirs.keys()
    different = [k for k in ours if ours[k] != theirs[k]]
    assert not different, [(k, ours[k], theirs[k]) for k in different[:3]]


def check_rdb(path, tmp_path):
    tool = shutil.which("redis-check-rdb")
    if tool is None:
        pytest.skip("redis-check-rdb is not installed")
    done = subprocess.run([tool, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0 and "RDB looks OK" in done.stdout, done.stdout
    return dict(re.findall(r"AUX FIELD (\S+) = '(.*)'", done.stdout))


@pytest.mark.parametrize("options", [
    [], ["--rdbcompression", "no"], ["--rdbchecksum", "no"], ["--rdb-save-incremental-fsync", "no"],
    ["--maxmemory-policy", "allkeys-lru", "--maxmemory", "1gb"],
    ["--maxmemory-policy", "volatile-lfu", "--maxmemory", "1gb"],
], ids=["plain", "uncompressed", "unchecked", "unsynced", "lru", "lfu"])
def test_what_the_oracle_reads(start_server, start_oracle, tmp_path, options):
    home = tmp_path / "home"
    home.mkdir()
    server = start_server("--dir", home, *options)
    with server.client() as c:
        for db in (0, 3, 15):
            fill(c, db)
        fill_collections(c)
        began = int(time.time())
        assert c("SAVE") == "OK"
        assert began <= c("LASTSAVE") <= time.time()
    ours = content(server)
    aux = check_rdb(home / "dump.rdb", tmp_path)
    assert list(aux) == ["redis-ver", "miniredis-ver", "redis-bits", "ctime", "used-mem", "aof-base"]
    assert began <= int(aux["ctime"]) <= time.time() and int(aux["used-mem"]) > 100000
    data = (home / "dump.rdb").read_bytes()
    assert data.startswith(b"REDIS0010")
    assert (data[-8:] == bytes(8)) == ("--rdbchecksum" in options)
    size = len(data)
    assert (size > 1000000) == ("--rdbcompression" in options)
    again = start_server("--dir", home)
    same(content(again), ours)
    oracle = start_oracle(directory=home)
    same(ours, content(oracle))
    # And what it makes of that is as long as ours, but for the names of the versions.
    if "--maxmemory" not in options and "--rdb-save-incremental-fsync" not in options:
        oracle.stop()
        oracle = start_oracle(*options, directory=home)
        with oracle.client() as c:
            assert c("SAVE") == "OK"
        assert abs((home / "dump.rdb").stat().st_size - size) < 100 + size // 50


# --- what no redis-server of this version reads ---


def make_hash(c):
    c("HSET", "k", *(w for i in range(300) for w in (f"f{i}", f"v{i}")))
    for i in range(0, 300, 3):
        assert c("HPEXPIREAT", "k", LATER + i * i, "FIELDS", 1, f"f{i}") == [1]


def read_hash(c):
    names = [f"f{i}" for i in range(300)]
    return sorted(pairs(c("HGETALL", "k")).items()), c("HPEXPIRETIME", "k", "FIELDS", 300, *names)


def make_set(c):
    c("SADD", "k", *range(300))
    for i in range(0, 300, 3):
        assert c("SADDEX", "k", "PXAT", LATER + i * i, "MEMBERS", 1, i) == 1


def read_set(c):
    return sorted(c("SMEMBERS", "k")), c("SPEXPIRETIME", "k", "MEMBERS", 300, *range(300))


def make_idmp(c):
    for i in range(50):
        c("XADD", "k", "IDMP", f"p{i % 3}", f"i{i}", "*", "f", f"v{i}")


def read_idmp(c):
    return c("DUMP", "k"), c("XADD", "k", "IDMP", "p1", "i1", "*", "f", "v1"), c("XLEN", "k")


def make_nacked(c):
    c.pipeline([("XADD", "k", f"{i + 1}-0", "f", "v") for i in range(50)])
    assert c("XGROUP", "CREATE", "k", "g", "0") == "OK"
    assert len(c("XREADGROUP", "GROUP", "g", "me", "COUNT", 20, "STREAMS", "k", ">")[0][1]) == 20
    assert c("XNACK", "k", "g", "FAIL", "IDS", 2, "3-0", "5-0") == 2


def read_nacked(c):
    return c("DUMP", "k"), whole_stream(c, "k")


LATER = 4102444800000


@pytest.mark.parametrize("make, read, kind, version", [
    (make_hash, read_hash, 24, 12), (make_set, read_set, 35, 17), (make_idmp, read_idmp, 26, 13), (make_nacked, read_nacked, 27, 14),
], ids=["hash", "set", "idmp", "nacked"])
def test_what_is_newer(start_server, tmp_path, make, read, kind, version):
    server = start_server("--dir", tmp_path)
    with server.client() as c:
        c("SET", "a", "b")
        make(c)
        assert c("SAVE") == "OK"
        before = read(c)
    data = (tmp_path / "dump.rdb").read_bytes()
    assert data.startswith(b"REDIS%04d" % version) and bytes([kind]) + b"\x01k" in data
    again = start_server("--dir", tmp_path)
    with again.client() as c:
        assert read(c) == before
        assert c("GET", "a") == b"b"
        assert c.info("keyspace")["db0"].endswith(f",subexpiry={int(kind in (24, 35))}")
        # A file of the oldest version again once none of it is left.
        assert c("DEL", "k") == 1 and c("SAVE") == "OK"
    assert (tmp_path / "dump.rdb").read_bytes().startswith(b"REDIS0010")


# --- what is kept, though it is not used ---


LIBRARIES = ["#!lua name=%s\nredis.register_function('%s', function() return '%s' end)" % (name, name, text)
             for name, text in (("one", "1"), ("long", "pressed together " * 500), ("odd", "\u00e4"))]


def libraries(c):
    return sorted(map(str, c("FUNCTION", "LIST", "WITHCODE")))


def test_functions(start_server, start_oracle, tmp_path):
    oracle = start_oracle(directory=tmp_path)
    with oracle.client() as c:
        for code in LIBRARIES:
            assert isinstance(c("FUNCTION", "LOAD", code), bytes)
        assert c("SET", "k", "v") == c("SAVE") == "OK"
        before = libraries(c)
    assert len(before) == 3
    oracle.stop()
    server = start_server("--dir", tmp_path, "--save", "3600 1")
    assert server.log.wait_for("3 function libraries are kept for the next save, but not executed")
    with server.client() as c:
        assert c("SET", "l", "w") == c("SAVE") == "OK"
        (tmp_path / "dump.rdb").unlink()
        assert c("FLUSHALL") == "OK"
    # They alone are worth a save when the server ends.
    assert server.stop() == 0
    start_server("--dir", tmp_path).stop()
    oracle = start_oracle(directory=tmp_path)
    with oracle.client() as c:
        assert libraries(c) == before
        assert c("FCALL", "one", 0) == b"1"
        assert c("DBSIZE") == 0


def test_data_of_modules(start_server, tmp_path):
    module = b"\xf7\x81" + struct.pack(">Q", 0x1234567890abcdef) + b"\x02%b\x05\x05state\x02\x07\x00"
    before, behind = module % b"\x01", module % b"\x02"
    (tmp_path / "dump.rdb").write_bytes(b"REDIS0009" + before + b"\xfe\x00\x00\x01k\x01v" + behind + b"\xff" + bytes(8))
    server = start_server("--dir", tmp_path)
    assert server.log.wait_for("2 items of data of modules are kept for the next save, but not used")
    for _ in range(2):
        with server.client() as c:
            assert c("SAVE") == "OK"
        data = (tmp_path / "dump.rdb").read_bytes()
        assert before + b"\xfe\x00" in data and data[:-9].endswith(b"\x00\x01k\x01v" + behind)
        assert server.stop() == 0
        server = start_server("--dir", tmp_path)


def test_the_replies_and_info(start_server, tmp_path):
    server = start_server("--dir", tmp_path)
    with server.client() as c:
        began = c("LASTSAVE")
        assert began == int(c.info("persistence")["rdb_last_save_time"])
        c("SET", "a", "b")
        c("SET", "b", "c")
        info = c.info("persistence")
        assert info["rdb_changes_since_last_save"] == "2" and info["rdb_saves"] == "0"
        assert c("SAVE") == "OK"
        info = c.info("persistence")
        assert info["rdb_changes_since_last_save"] == "0" and info["rdb_saves"] == "1"
        assert info["rdb_last_bgsave_status"] == "ok" and info["rdb_bgsave_in_progress"] == "0"
    assert os.listdir(tmp_path).count("dump.rdb") == 1 and SAVING not in os.listdir(tmp_path)
    assert (tmp_path / "dump.rdb").stat().st_mode & 0o007 == 0
    assert server.log.wait_for(r"DB saved on disk: \d+\.\d+ seconds \(dump.rdb, version 10, 2 keys, ")


# --- faults ---


def small_files():
    """As if the disk were full behind the first 100000 bytes of a file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100000, resource.RLIM_INFINITY))


def test_a_full_disk(start_server, tmp_path):
    server = start_server("--dir", tmp_path, "--save", "3600 1", preexec=small_files)
    with server.client() as c:
        c("SET", "small", "1")
        assert c("SAVE") == "OK"
        before = (tmp_path / "dump.rdb").read_bytes()
        c("SET", "big", random.Random(1).randbytes(200000))
        assert c("SAVE") == ("ERR The data could not be saved: dump.rdb: dump.rdb.saving cannot be written: "
                             "File too large")
        info = c.info("persistence")
        assert info["rdb_changes_since_last_save"] == "1" and info["rdb_last_bgsave_status"] == "err"
        for words in ((), ("SAVE",)):
            assert c("SHUTDOWN", *words) == "ERR Errors trying to SHUTDOWN. Check logs."
        os.kill(server.pid, signal.SIGTERM)
        assert server.log.wait_for("The server goes on in spite of SIGTERM")
        assert c("GET", "small") == b"1"
        assert (tmp_path / "dump.rdb").read_bytes() == before and SAVING not in os.listdir(tmp_path)
        assert len(re.findall("The data could not be saved: .*File too large", server.log.text())) == 4
        # Once there is room, it can end.
        c("DEL", "big")
        os.kill(server.pid, signal.SIGTERM)
    assert server.wait() == 0
    assert (tmp_path / "dump.rdb").read_bytes() != before


def test_shutdown_force_ends_it_all_the_same(start_server, tmp_path):
    server = start_server("--dir", tmp_path, "--save", "3600 1", preexec=small_files)
    with server.client() as c:
        c("SET", "big", random.Random(1).randbytes(200000))
        with pytest.raises(EOFError):
            c("SHUTDOWN", "SAVE", "FORCE")
    assert server.wait() == 0
    assert server.log.wait_for("what has changed since the last save is lost")
    assert "dump.rdb" not in os.listdir(tmp_path)


def test_a_directory_that_cannot_be_written(start_server, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    server = start_server("--dir", home)
    home.rmdir()
    with server.client() as c:
        c("SET", "a", "b")
        reply = c("SAVE")
        assert isinstance(reply, Error) and "dump.rdb.saving cannot be made: No such file or directory" in reply


def test_killed_in_the_middle(start_server, tmp_path):
    server = start_server("--dir", tmp_path)
    with server.client() as c:
        c("SET", "old", "1")
        assert c("SAVE") == "OK"
        value = random.Random(1).randbytes(1 << 20)
        c.pipeline([("SET", f"k:{i}", value) for i in range(150)])
        before = (tmp_path / "dump.rdb").read_bytes()
        c.send(b"SAVE\r\n")
        assert wait_until(lambda: SAVING in os.listdir(tmp_path) and (tmp_path / SAVING).stat().st_size > 1 << 20,
                          step=0.0001)
        os.kill(server.pid, signal.SIGKILL)
    assert server.wait() == -signal.SIGKILL
    assert (tmp_path / "dump.rdb").read_bytes() == before
    assert SAVING in os.listdir(tmp_path)
    server = start_server("--dir", tmp_path)
    with server.client() as c:
        assert c("KEYS", "*") == [b"old"]
        assert c("SAVE") == "OK"
    assert SAVING not in os.listdir(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_forced_stop(start_server, tmp_path, number):
    """What a signal ends is told by an option; it may come at run time."""
    name = "shutdown-on-" + signal.Signals(number).name.lower()
    server = start_server("--dir", tmp_path, "--save", "3600 1", preexec=small_files)
    with server.client() as c:
        c("SET", "big", random.Random(1).randbytes(200000))
        server.signal(number)
        assert server.log.wait_for(f"The server goes on in spite of {signal.Signals(number).name}")
        assert c("CONFIG", "SET", name, "force") == "OK"
        server.signal(number)
    assert server.wait() == 0
    assert server.log.wait_for("what has changed since the last save is lost")
    assert "dump.rdb" not in os.listdir(tmp_path)


# --- when ---


def end_by_signal(server, c):
    os.kill(server.pid, signal.SIGTERM)


def end_by(*words):
    def end(server, c):
        with pytest.raises(EOFError):
            c(*words)
    return end


@pytest.mark.parametrize("points, end, saves", [
    ("3600 1", end_by_signal, True), ("3600 1", end_by("SHUTDOWN"), True), ("", end_by("SHUTDOWN", "SAVE"), True),
    ("3600 1", end_by("SHUTDOWN", "NOSAVE"), False), ("", end_by_signal, False), ("", end_by("SHUTDOWN"), False),
    ("3600 1", end_by("SHUTDOWN", "NOW"), True),
], ids=["signal", "shutdown", "save", "nosave", "signal-no-points", "shutdown-no-points", "now"])
def test_a_stop(start_server, tmp_path, points, end, saves):
    server = start_server("--dir", tmp_path, "--save", points)
    with server.client() as c:
        c("SET", "a", "b")
        end(server, c)
    assert server.wait() == 0
    assert ("dump.rdb" in os.listdir(tmp_path)) == saves
    if saves:
        with start_server("--dir", tmp_path).client() as c:
            assert c("GET", "a") == b"b"


STOPS = [("default", "3600 1", True), ("default", "", False), ("save", "", True), ("nosave", "3600 1", False),
         ("now", "3600 1", True), ("force", "", False), ("now save force", "", True), ("nosave now force", "3600 1", False)]


@pytest.mark.parametrize("words, points, saves", STOPS, ids=[f"{s[0]}-{s[1] or 'none'}".replace(" ", "-") for s in STOPS])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_by_signal(start_server, start_oracle, tmp_path, number, words, points, saves):
    """As the real server's; the other signal's words do not matter."""
    options = ["--save", points]
    for n in (signal.SIGTERM, signal.SIGINT):
        options += [f"--shutdown-on-{n.name.lower()}", *(words if n == number else "nosave" if saves else "save").split()]
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    server, oracle = start_server("--dir", ours, *options), start_oracle(*options, directory=theirs)
    for it in (server, oracle):
        with it.client() as c:
            assert c("SET", "a", "b") == "OK"
        os.kill(it.pid, number)
    assert server.wait() == oracle.process.wait(PATIENCE) == 0
    assert ((ours / "dump.rdb").exists(), (theirs / "dump.rdb").exists()) == (saves, saves)


def test_a_stop_without_changes_writes_nothing(start_server, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(TOP / "etc" / "sample.rdb", home / "dump.rdb")
    before = (home / "dump.rdb").stat()
    server = start_server("--dir", home, "--save", "3600 1")
    with server.client() as c:
        assert c("DBSIZE") > 0
    assert server.stop() == 0
    assert (home / "dump.rdb").stat().st_ino == before.st_ino
    # Nor where there is nothing at all.
    server = start_server("--dir", tmp_path, "--save", "3600 1")
    with server.client() as c:
        c("SET", "a", "b")
        c("DEL", "a")
    assert server.stop() == 0
    assert "dump.rdb" not in os.listdir(tmp_path)


@pytest.mark.parametrize("how", ["taken", "replaced", "renamed"])
def test_a_stop_without_changes_whose_file_is_another(start_server, tmp_path, how):
    server = start_server("--dir", tmp_path, "--save", "3600 1", "--enable-protected-configs", "yes")
    with server.client() as c:
        c("SET", "a", "b")
        assert c("SAVE") == "OK"
        if how == "taken":
            (tmp_path / "dump.rdb").unlink()
        elif how == "replaced":
            (tmp_path / "dump.rdb").write_bytes(b"something else")
        else:
            assert c("CONFIG", "SET", "dbfilename", "other.rdb") == "OK"
    assert server.stop() == 0
    name = "other.rdb" if how == "renamed" else "dump.rdb"
    with start_server("--dir", tmp_path, "--dbfilename", name).client() as c:
        assert c("GET", "a") == b"b"


def test_deleted_keys_do_not_come_back(start_server, tmp_path):
    server = start_server("--dir", tmp_path, "--save", "3600 1")
    with server.client() as c:
        c("SET", "a", "b")
        assert c("SAVE") == "OK"
        c("FLUSHALL")
    assert server.stop() == 0
    with start_server("--dir", tmp_path).client() as c:
        assert c("DBSIZE") == 0


# --- FLUSHALL ---


def dies(it):
    os.kill(it.pid, signal.SIGKILL)


EMPTIED = [("FLUSHALL",), ("FLUSHALL", "ASYNC"), ("FLUSHALL", "SYNC")]


@pytest.mark.parametrize("words", EMPTIED, ids=["_".join(w) for w in EMPTIED])
def test_flushed_keys_do_not_come_back_after_a_crash(start_server, start_oracle, tmp_path, words):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    options = "--save", "3600 100"
    server, oracle = start_server("--dir", ours, *options), start_oracle(*options, directory=theirs)
    for it in (server, oracle):
        with it.client() as c:
            assert c.pipeline([("SET", "a", "b"), ("SELECT", 3), ("SET", "c", "d"), ("SAVE",), words]) == ["OK"] * 5
            assert c.info("persistence")["rdb_changes_since_last_save"] == "0"
        dies(it)
    server.wait()
    oracle.process.wait(PATIENCE)
    for it in (start_server("--dir", ours), start_oracle(directory=theirs)):
        with it.client() as c:
            assert c.info("keyspace") == {}


def inode(path):
    return (path / "dump.rdb").stat().st_ino


def test_what_flushes_save(start_server, tmp_path):
    server = start_server("--dir", tmp_path, "--save", "3600 100")
    with server.client() as c:
        # Nothing would come back, so nothing is written.
        assert c.pipeline([("SET", "a", "b"), ("FLUSHALL",), ("FLUSHDB",)]) == ["OK"] * 3
        assert "dump.rdb" not in os.listdir(tmp_path)
        # A database among others is as any deletion; the last one is not.
        c.pipeline([("SET", "a", "b"), ("SELECT", 3), ("SET", "c", "d"), ("SAVE",)])
        before = inode(tmp_path)
        assert c("FLUSHDB") == "OK" and inode(tmp_path) == before
        assert c.pipeline([("SELECT", 0), ("FLUSHDB",)]) == ["OK"] * 2
        assert inode(tmp_path) != before
        assert c.info("persistence")["rdb_changes_since_last_save"] == "0"
        # It is saved already.
        before = inode(tmp_path)
        assert c.pipeline([("FLUSHDB",), ("FLUSHALL",), ("FLUSHALL", "x")])[:2] == ["OK"] * 2
        assert inode(tmp_path) == before
        # Each of a pipeline, at its place.
        assert c.pipeline([("SET", "a", "b"), ("SAVE",), ("FLUSHALL",), ("SET", "c", "d"), ("FLUSHALL",), ("SET", "e", "f")]) \
            == ["OK"] * 6
        dies(server)
    server.wait()
    with start_server("--dir", tmp_path).client() as c:
        assert c("DBSIZE") == 0


def test_flushes_without_points_save_nothing(start_server, start_oracle, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    for it, home in ((start_server("--dir", ours), ours), (start_oracle(directory=theirs), theirs)):
        with it.client() as c:
            assert c.pipeline([("SET", "a", "b"), ("SAVE",)]) == ["OK"] * 2
            before = inode(home)
            assert c("FLUSHALL") == "OK"
            assert inode(home) == before
            assert int(c.info("persistence")["rdb_changes_since_last_save"]) > 0


def test_a_flush_that_cannot_be_saved(start_server, start_oracle, tmp_path):
    """The keys are gone all the same, as from the real server; the log tells."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    server, oracle = start_server("--dir", ours, "--save", "3600 1"), start_oracle("--save", "3600 1", directory=theirs)
    for it, home in ((server, ours), (oracle, theirs)):
        with it.client() as c:
            assert c.pipeline([("SET", "a", "b"), ("SAVE",)]) == ["OK"] * 2
            in_the_way = home / (SAVING if it is server else f"temp-{it.pid}.rdb")
            in_the_way.mkdir()
            before = inode(home)
            assert c.pipeline([("FLUSHALL",), ("DBSIZE",), ("SET", "a", "c")]) == ["OK", 0, "OK"]
            assert c.info("persistence")["rdb_changes_since_last_save"] != "0"
            assert inode(home) == before
            in_the_way.rmdir()
    assert server.log.wait_for("The data could not be saved: dump.rdb: dump.rdb.saving cannot be made: File exists")
    assert server.stop() == 0
    with start_server("--dir", ours).client() as c:
        assert c("GET", "a") == b"c"


def test_a_stop_while_it_loads_saves_nothing(servers, tmp_path):
    """Half of the data is not what the file is to have."""
    count = 1500000
    body = b"".join(b"\x00\x0bkey:%07d\x14the value of %07d" % (i, i) for i in range(count))
    (tmp_path / "dump.rdb").write_bytes(b"REDIS0009\xfe\x00" + body + b"\xff" + bytes(8))
    before = (tmp_path / "dump.rdb").stat()
    server = servers.launch("--dir", tmp_path, "--save", "3600 1", port=free_port())
    assert server.log.wait_for("Listening on")
    assert server.stop() == 0
    if server.log.wait_for("Ready to accept", timeout=0):
        pytest.skip("this machine loads faster than it stops")
    after = (tmp_path / "dump.rdb").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

# SPDX-License-Identifier: BSD-3-Clause
"""Values of every type and every encoding: as the real redis-server writes them into files and
payloads, as its ancestors did (made here byte by byte), and as ours come back to it. Big ones load
in parts, while others are answered."""
import random
import struct
import time

import pytest
from conftest import Error, wait_until
from oracle import oracle, start_oracle  # noqa: F401

LATER = 4102444800000


# --- values by commands ---


def texts(rng, count, length):
    return [b"%d:" % i + bytes(rng.choices(b"abcdef \x00\xff", k=rng.randrange(length))) for i in range(count)]


INTEGERS = [0, 1, -1, 12, 13, 127, 128, -128, -129, 4095, -4096, 4096, 32767, -32768, 32768, 8388607, -8388608,
            8388608, 2147483647, -2147483648, 2147483648, 9223372036854775807, -9223372036854775808]
SCORES = ["0", "-0", "1", "-1", "1.5", "inf", "-inf", "3.141592653589793", "1e300", "-1e-300", "9007199254740993",
          "2147483648", "-2147483649", "0.1", "1e17", "1e21", "123456789012345"]


def commands(rng):
    """Commands that make values of all shapes, small and large, whatever the thresholds are."""
    many = texts(rng, 700, 30)
    yield "SET", "string:int", "12345"
    yield "SET", "string:text", "x" * 100
    for name, elements in (("ints", INTEGERS), ("texts", texts(rng, 40, 60)), ("many", many), ("one", [b""]),
                           ("long", [b"a", b"b" * 9000, rng.randbytes(70000), b"c"]),
                           ("numbers", range(3000)), ("lengths", [b"x" * n for n in (0, 63, 64, 4095, 4096, 300)])):
        yield ("RPUSH", f"list:{name}", *elements)
    for name, fields in (("ints", INTEGERS), ("texts", texts(rng, 40, 60)), ("many", many), ("one", [b""]),
                         ("long", [b"a" * 70, b"b" * 9000]), ("numbers", range(600))):
        yield ("HSET", f"hash:{name}", *(w for i, f in enumerate(fields) for w in (f, f if i % 3 else b"%d" % i)))
    for name, members in (("int16", range(-100, 100)), ("int32", [1, 70000, -70000]), ("int64", INTEGERS),
                          ("many ints", range(0, 6000, 7)), ("texts", texts(rng, 40, 60)), ("many", many),
                          ("one", [b""]), ("long", [b"a" * 70, b"b" * 9000]), ("mixed", [1, 2, b"x"])):
        yield ("SADD", f"set:{name}", *members)
    for name, members in (("scores", [(s, s) for s in SCORES]), ("equal", [(1, t) for t in texts(rng, 40, 60)]),
                          ("many", [(rng.choice(SCORES), t) for t in many]), ("one", [(7, b"")]),
                          ("numbers", [(i * i, i) for i in range(600)]), ("members", [(i, n) for i, n in enumerate(INTEGERS)]),
                          ("long", [(1, b"a" * 70), (2, b"b" * 9000)])):
        yield ("ZADD", f"zset:{name}", *(w for pair in members for w in pair))
    yield "GEOADD", "geo", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania"
    yield from streams(rng)
    yield "PEXPIREAT", "list:texts", LATER
    yield "PEXPIREAT", "zset:many", LATER + 1
    yield "PEXPIREAT", "stream:groups", LATER + 2


def streams(rng):
    for i in range(300):
        yield "XADD", "stream:many", f"{i + 1}-{i % 3}", "field", i, b"other", rng.randbytes(20)
    for i in range(50):
        yield ("XADD", "stream:shapes", f"5-{i + 1}", *(w for n in range(i % 4 + 1) for w in (f"f{n}", INTEGERS[i % 23])))
    for i in (1, 2, 3, 20, 49, 50):
        yield "XDEL", "stream:shapes", f"5-{i}"
    yield "XGROUP", "CREATE", "stream:empty", "g", "$", "MKSTREAM"
    for i in range(20):
        yield "XADD", "stream:groups", f"{i + 1}-1", "k", "v" * i
    yield "XGROUP", "CREATE", "stream:groups", "first", "0"
    yield "XGROUP", "CREATE", "stream:groups", "second", "5-1", "ENTRIESREAD", "5"
    yield "XGROUP", "CREATECONSUMER", "stream:groups", "second", "idle"
    for name, count in (("alice", 3), ("bob", 4), ("carol", 1)):
        yield "XREADGROUP", "GROUP", "first", name, "COUNT", count, "STREAMS", "stream:groups", ">"
    yield "XACK", "stream:groups", "first", "2-1", "4-1"
    yield "XCLAIM", "stream:groups", "first", "carol", "0", "1-1", "RETRYCOUNT", "9"
    yield "XDEL", "stream:groups", "3-1"


def fill(client):
    for reply in client.pipeline(list(commands(random.Random(3)))):
        assert not isinstance(reply, Error), reply


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


# What both tell of a group; XINFO may tell more in newer versions.
OF_STREAM = (b"length", b"last-generated-id", b"max-deleted-entry-id", b"entries-added", b"groups")
OF_GROUP = (b"name", b"consumers", b"pending", b"last-delivered-id", b"entries-read", b"lag")


def stream(c, key):
    info = pairs(c("XINFO", "STREAM", key))
    groups = [pairs(g) for g in c("XINFO", "GROUPS", key)]
    pending = [[(p[0], p[1], p[3]) for p in c("XPENDING", key, g[b"name"], "-", "+", "1000")] for g in groups]
    consumers = [[(pairs(w)[b"name"], pairs(w)[b"pending"]) for w in c("XINFO", "CONSUMERS", key, g[b"name"])]
                 for g in groups]
    return ([info[w] for w in OF_STREAM], [[g[w] for w in OF_GROUP] for g in groups], pending, consumers,
            c("XRANGE", key, "-", "+"))


def value(c, key):
    kind = c("TYPE", key)
    found = {"string": lambda: c("GET", key),
             "list": lambda: c("LRANGE", key, "0", "-1"),
             "hash": lambda: sorted(pairs(c("HGETALL", key)).items()),
             "set": lambda: sorted(c("SMEMBERS", key)),
             "zset": lambda: [(m, float(s)) for m, s in pairs(c("ZRANGE", key, "0", "-1", "WITHSCORES")).items()],
             "stream": lambda: stream(c, key)}[kind]()
    # A list or set that is small has an encoding of its own in newer servers.
    encoding = c("OBJECT", "ENCODING", key) if kind in ("hash", "zset", "stream") else None
    return kind, found, encoding, c("PEXPIRETIME", key)


def contents(client):
    return {key: value(client, key) for key in client("KEYS", "*")}


def same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for key in ours:
        assert ours[key] == theirs[key], key


LOW = ["--hash-max-listpack-entries", "2", "--hash-max-listpack-value", "4", "--set-max-intset-entries", "3",
       "--zset-max-listpack-entries", "2", "--zset-max-listpack-value", "4", "--list-max-listpack-size", "2",
       "--stream-node-max-entries", "3"]
HIGH = ["--hash-max-listpack-entries", "100000", "--hash-max-listpack-value", "100000",
        "--set-max-intset-entries", "100000", "--zset-max-listpack-entries", "100000",
        "--zset-max-listpack-value", "100000", "--list-max-listpack-size", "-5", "--stream-node-max-entries", "0"]


@pytest.mark.parametrize("options", [
    [], LOW, HIGH, ["--rdbcompression", "no"], ["--list-compress-depth", "1", "--list-max-listpack-size", "100"],
], ids=["default", "low", "high", "uncompressed", "compressed lists"])
def test_files_of_the_oracle(start_server, start_oracle, options):
    oracle = start_oracle(*options)
    with oracle.client() as theirs:
        fill(theirs)
        assert theirs("SAVE") == "OK"
        server = start_server("--dir", oracle.directory,
                              *(w for n, v in zip(options[::2], options[1::2]) if n != "--rdbcompression" for w in (n, v)))
        with server.client() as ours:
            same(contents(ours), contents(theirs))


def test_a_file_loaded_by_other_thresholds(start_server, start_oracle):
    """What one wrote packed, another one may keep as a table, and the other way round."""
    for wrote, read in ((LOW, HIGH), (HIGH, LOW)):
        oracle = start_oracle(*wrote)
        with oracle.client() as theirs:
            fill(theirs)
            assert theirs("SAVE") == "OK"
            server = start_server("--dir", oracle.directory, *read)
            with server.client() as ours:
                mine, yours = contents(ours), contents(theirs)
                assert mine.keys() == yours.keys()
                for key in mine:
                    assert (mine[key][:2], mine[key][3]) == (yours[key][:2], yours[key][3]), key


@pytest.mark.parametrize("options", [[], LOW, HIGH], ids=["default", "low", "high"])
def test_payloads_both_ways(start_server, start_oracle, options):
    server, oracle = start_server(*options), start_oracle(*options)
    with server.client() as ours, oracle.client() as theirs:
        fill(ours)
        fill(theirs)
        keys = theirs("KEYS", "*")
        assert sorted(keys) == sorted(ours("KEYS", "*"))
        for key in keys:
            payload = ours("DUMP", key), theirs("DUMP", key)
            for c, bytes_of_other in ((ours, payload[1]), (theirs, payload[0])):
                assert c("RESTORE", b"restored", "0", bytes_of_other) == "OK", (key, c is ours)
            mine, yours = value(ours, b"restored"), value(theirs, b"restored")
            assert mine == yours, key
            assert mine[:2] == value(ours, key)[:2], key
            ours("DEL", "restored"), theirs("DEL", "restored")


# --- what older servers wrote ---


def length(n):
    return bytes([n]) if n < 64 else bytes([0x40 | n >> 8, n & 255]) if n < 16384 else b"\x80" + struct.pack(">I", n)


def string(data):
    return length(len(data)) + data


def ziplist(values):
    body, before = b"", 0
    for v in values:
        if isinstance(v, int):
            entry = bytes([0xf1 + v]) if 0 <= v <= 12 else \
                b"\xfe" + struct.pack("<b", v) if -128 <= v < 128 else \
                b"\xc0" + struct.pack("<h", v) if -32768 <= v < 32768 else \
                b"\xf0" + struct.pack("<i", v)[:3] if -8388608 <= v < 8388608 else \
                b"\xd0" + struct.pack("<i", v) if -2147483648 <= v < 2147483648 else b"\xe0" + struct.pack("<q", v)
        else:
            n = len(v)
            entry = (bytes([n]) if n < 64 else bytes([0x40 | n >> 8, n & 255]) if n < 16384
                     else b"\x80" + struct.pack(">I", n)) + v
        entry = (bytes([before]) if before < 254 else b"\xfe" + struct.pack("<I", before)) + entry
        before = len(entry)
        body += entry
    tail = 10 + len(body) - before if values else 10
    return struct.pack("<IIH", 11 + len(body), tail, len(values)) + body + b"\xff"


def zipmap(fields):
    body = b""
    for name, text in fields:
        body += bytes([len(name)]) + name + bytes([len(text), 0]) + text
    return bytes([len(fields)]) + body + b"\xff"


def intset(width, members):
    return struct.pack("<II", width, len(members)) + b"".join(
        struct.pack("<" + {2: "h", 4: "i", 8: "q"}[width], m) for m in sorted(members))


def old_values():
    mixed = [b"text", *INTEGERS, b"x" * 63, b"y" * 64, b"z" * 300, b"", b"w" * 17000, b"end"]
    for count in (3, 300):
        names = [b"%d name" % i for i in range(count)]
        yield b"list %d" % count, 1, length(count) + b"".join(map(string, names))
        yield b"set %d" % count, 2, length(count) + b"".join(map(string, names))
        yield b"set of numbers %d" % count, 2, length(count) + b"".join(string(b"%d" % i) for i in range(count))
        yield b"hash %d" % count, 4, length(count) + b"".join(string(n) + string(n[::-1]) for n in names)
        yield (b"zset texts %d" % count, 3,
               length(count) + b"".join(string(n) + string(b"%d.5" % (i * 7 % 11)) for i, n in enumerate(names)))
        yield (b"zset doubles %d" % count, 5,
               length(count) + b"".join(string(n) + struct.pack("<d", i * 7 % 11) for i, n in enumerate(names)))
        yield b"hash ziplist %d" % count, 13, string(ziplist([w for n in names for w in (n, 5)]))
        yield b"list ziplist %d" % count, 10, string(ziplist(names))
    yield b"zset infinite", 3, length(3) + string(b"a") + b"\xfe" + string(b"b") + b"\xff" + string(b"c") + string(b"0")
    yield b"hash zipmap", 9, string(zipmap([(b"a", b"1"), (b"b" * 200, b"x" * 100), (b"", b"")]))
    yield b"list mixed", 10, string(ziplist(mixed))
    yield b"quicklist", 14, length(3) + string(ziplist(mixed)) + string(ziplist([1])) + string(ziplist([b"a", b"b"]))
    for width, members in ((2, range(-5, 5)), (4, [1, 2, -70000]), (8, [1, 1 << 40, -(1 << 62)]), (2, range(700))):
        yield b"intset %d %d" % (width, len(members)), 11, string(intset(width, members))
    yield (b"zset ziplist", 12,
           string(ziplist([b"low", b"-inf", b"a", -5, b"b", 1, b"c", b"1.5", b"d", 1 << 40, b"high", b"inf"])))


@pytest.mark.parametrize("options", [[], LOW], ids=["default", "low"])
def test_files_of_older_servers(start_server, start_oracle, tmp_path, options):
    body = b"".join(bytes([kind]) + string(key) + data for key, kind, data in old_values())
    for directory in ("mine", "yours"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "dump.rdb").write_bytes(b"REDIS0009\xfe\x00" + body + b"\xff" + bytes(8))
    server = start_server("--dir", tmp_path / "mine", *options)
    oracle = start_oracle(*options, directory=tmp_path / "yours")
    with server.client() as ours, oracle.client() as theirs:
        assert len(theirs("KEYS", "*")) == len(list(old_values()))
        same(contents(ours), contents(theirs))


# --- newer ones, by payloads that they have printed ---


@pytest.mark.parametrize("payload, check", [
    ("1900d8c32cbb0300001d1d00000006008161020101f400d8c32cbb0300000981620202010001ff0c0045a4795c939a9c04", 1),
    ("1900d8c32cbb0300001d1d00000006008161020101f400d8c32cbb0300000981620202010001ff0d002c7bc42f6e05758d", 1),
    ("16020161c00100d8c32cbb0300000162c002ffffffffffffffff50005f5f2bc0a7e3b8d3", 1),
    ("1800d8c32cbb03000003010161c001000162c00241f50163c0030c00a9d6fa725217988c", 2),
    ("1800d8c32cbb03000003010161c001000162c00241f50163c0030d00c0094701af887105", 2),
    ("16030161c00100d8c32cbb0300000162c002ffffffffffffffff0163c003f4d9c32cbb0300005000ce9745f688fe0237", 2),
    ("101111000000040081610201018162020201ff0c00f53657ac7577e8d3", 0),
    ("101111000000040081610201018162020201ff5000f16aaafd110f116e", 0),
], ids=["8.0 packed", "8.6 packed", "valkey 9", "8.0 table", "8.6 table", "valkey 9 of three", "8.0 plain", "valkey plain"])
def test_hashes_of_newer_servers(client, payload, check):
    assert client("RESTORE", "h", "0", bytes.fromhex(payload)) == "OK"
    found = pairs(client("HGETALL", "h"))
    assert {k: found[k] for k in (b"a", b"b")} == {b"a": b"1", b"b": b"2"} and len(found) == (3 if check == 2 else 2)
    times = client("HPEXPIRETIME", "h", "FIELDS", "3", "a", "b", "c")
    assert times == [LATER if check else -1, -1, LATER + 500 if check == 2 else -2]


@pytest.mark.parametrize("payload", [
    "140d0d0000000200816102816202ff0c00a84583074e16a194", "140d0d0000000200816102816202ff5000ac197e562a6e5829",
])
def test_sets_of_newer_servers(client, payload):
    assert client("RESTORE", "s", "0", bytes.fromhex(payload)) == "OK"
    assert sorted(client("SMEMBERS", "s")) == [b"a", b"b"]


@pytest.mark.parametrize("payload, group", [
    ("150110000000000000000100000000000000011c1c0000000a00010100010101816102000102010001000101010401ff01010101"
     "0100000101016701010101000000000000000100000000000000018b1b2305a2010000010101638b1b2305a20100008b1b2305a2"
     "01000001000000000000000100000000000000010c0099ff53f8ddb4c83c", True),
    ("1a0110000000000000000100000000000000011c1c0000000a00010100010101816102000102010001000101010401ff01010101"
     "010000010101670101010100000000000000010000000000000001851b2305a201000001010163851b2305a2010000851b2305a2"
     "0100000100000000000000010000000000000001406440640000000d00186619d13fd737d7", True),
    ("1a0110000000000000000100000000000000011d1d0000000a0001010001010181660200010201000100018176020401ff010101"
     "01010000010040644064010170010169010101000d00e62f731151f65ec4", False),
], ids=["8.0", "8.6", "8.6 idempotent"])
def test_streams_of_newer_servers(client, payload, group):
    assert client("RESTORE", "s", "0", bytes.fromhex(payload)) == "OK"
    assert client("XRANGE", "s", "-", "+") == [[b"1-1", [b"a", b"1"] if group else [b"f", b"v"]]]
    if group:
        assert [p[:2] + p[3:] for p in client("XPENDING", "s", "g", "-", "+", "9")] == [[b"1-1", b"c", 1]]


# --- big ones ---


def big_file(path, count):
    """One collection of each type that is read element by element, and strings around them."""
    names = [string(b"element:%07d" % i) for i in range(count)]
    n = length(count)
    parts = [(b"\x05" + string(b"zset") + n, (name + struct.pack("<d", count - i) for i, name in enumerate(names))),
             (b"\x04" + string(b"hash") + n, (name + name for name in names)),
             (b"\x02" + string(b"set") + n, names), (b"\x01" + string(b"list") + n, names)]
    with open(path, "wb") as f:
        f.write(b"REDIS0009\xfe\x00" + b"\x00" + string(b"first") + string(b"v"))
        for head, elements in parts:
            f.write(head)
            f.write(b"".join(elements))
        f.write(b"\x00" + string(b"last") + string(b"v") + b"\xff" + bytes(8))


def test_big_values_load_in_parts(servers, tmp_path):
    count = 300000
    big_file(tmp_path / "dump.rdb", count)
    server = servers.launch("--dir", tmp_path)

    def answers():
        try:
            server.client().close()
            return True
        except OSError:
            return False

    assert wait_until(answers, step=0.0005), server.report()
    times = []
    with server.client() as c:
        while isinstance(c("PING"), Error):
            began = time.monotonic()
            refused = c("GET", "first")
            times.append(time.monotonic() - began)
            assert refused == b"v" or refused.startswith("LOADING ")
        if len(times) > 20:
            # One collection alone takes several of these.
            assert sorted(times)[len(times) // 2] < 0.05, times
        assert [c("GET", k) for k in ("first", "last")] == [b"v", b"v"]
        assert [c(*w) for w in (("ZCARD", "zset"), ("HLEN", "hash"), ("SCARD", "set"), ("LLEN", "list"))] == [count] * 4
        assert c("ZRANK", "zset", "element:0000000") == count - 1
        assert c("ZSCORE", "zset", "element:0000007") == b"%d" % (count - 7)
        assert c("HGET", "hash", "element:0123456") == b"element:0123456"
        assert c("SISMEMBER", "set", "element:0299999") == 1
        assert c("LINDEX", "list", "150000") == b"element:0150000"
    assert server.wait_ready()

# SPDX-License-Identifier: BSD-3-Clause
"""DEBUG REWRITE: the commands that would make a key again. Replayed to an empty server they make the
same values, by their digests; replayed to the real server, what the first commands make there."""
import random

import pytest
from conftest import Error
from oracle import oracle, start_oracle  # noqa: F401
from random_commands import Commands

GROUP = 64  # elements of one command
FAR = 4102444800000  # a time that does not come during a test
BINARY = [b"", b"\x00", b"\r\n", b"$3\r\n", b"\xff\xfe" * 20, bytes(range(256)), b"-5", b"007", b" 1"]
SCORES = ["0", "-0", "inf", "-inf", "5e-324", "-5e-324", "1.7976931348623157e308", "-1.7976931348623157e308", "0.1",
          "3.3", "1e21", "9007199254740993", "2.2250738585072014e-308", "0.30000000000000004", "-12.5", "1e-7"]


def plain_values():
    """Commands that redis-server 7.0 knows too, by key; none of the keys depends on another one."""
    rng = random.Random(9)
    noise = [rng.randbytes(n) for n in (1, 63, 64, 65, 200, 4095, 4096, 4097, 16383, 16384, 40000)]
    numbers = [str(n) for n in (0, 1, -1, 255, 32767, -32769, 1 << 31, -(1 << 63), (1 << 63) - 1)]
    many = [f"e{i}" for i in range(700)]
    out = {}
    for i, value in enumerate([*numbers, *BINARY, *noise, "1" * 44, "short", b"z" * 300000]):
        out[b"string%d" % i] = [("SET", value)]
    out |= {
        b"hll": [("PFADD", *many)], b"hll few": [("PFADD", "a", "b")], b"bits": [("SETBIT", "100001", "1")],
        b"geo": [("GEOADD", *(w for i in range(70) for w in (i, i / 2, f"p{i}")))],
    }
    for size in (1, 3, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP, 400, 700):
        some, name = many[:size], b" %d" % size
        out |= {
            b"list" + name: [("RPUSH", *some)], b"hash" + name: [("HSET", *(w for e in some for w in (e, e * 2)))],
            b"set" + name: [("SADD", *some)], b"ints" + name: [("SADD", *range(-size, size))],
            b"zset" + name: [("ZADD", *(w for i, e in enumerate(some) for w in (i / 7, e)))],
        }
    strange = [*BINARY, *noise, *numbers]
    out |= {
        b"list strange": [("RPUSH", *strange), ("LPUSH", *strange)], b"set strange": [("SADD", *strange)],
        b"hash strange": [("HSET", *(w for i, e in enumerate(strange) for w in (e, strange[-i])))],
        b"hash small": [("HSET", *(w for i, e in enumerate(BINARY[:5]) for w in (e, BINARY[4 - i])))],
        b"set small": [("SADD", *BINARY[:5])],
        b"zset strange": [("ZADD", *(w for i, e in enumerate(strange) for w in (SCORES[i % len(SCORES)], e)))],
        b"zset scores": [("ZADD", *(w for i, s in enumerate(SCORES) for w in (s, f"m{i}")))],
    }
    for i, key in enumerate((b"", b"\x00\xff\r\n", b"k" * 5000)):
        out[key] = [("RPUSH", "of a key"), ("PEXPIREAT", FAR + i)]
    out[b"expiring string"] = [("SET", "v"), ("PEXPIREAT", FAR)]
    out[b"expiring zset"] = [("ZADD", "1", "a"), ("PEXPIREAT", (1 << 62) + 1)]
    return out


def stream_values():
    """The same of streams: whatever state entries, figures, groups and pending entries have."""
    rng = random.Random(3)

    def adds(ids, *fields):
        return [("XADD", i, *(fields or ("f", i))) for i in ids]

    def group(name, last="0", *options):
        return ("XGROUP", "CREATE", "?", name, last, *options)

    def claim(name, consumer, *ids, at=1000, count=3):
        return ("XCLAIM", name, consumer, "0", *ids, "TIME", at, "RETRYCOUNT", count, "FORCE", "JUSTID")

    ids = [f"{n}-{n % 3}" for n in range(1, 400)]
    mixed = [("XADD", i, *rng.choice([("a", "1", "b", "2"), ("a", i, "b", i), ("c", b"\x00" * rng.randrange(300)),
                                      ("", ""), ("a", "-7", "b", str(1 << 40))])) for i in ids]
    three = [*adds(["1-1", "2-1", "3-1", "4-1", "5-1"]), group("g"), claim("g", "c", "1-1", "3-1", "5-1")]
    return {
        b"one": adds(["5-5"]), b"long": adds(["5-5"], "f", "v" * 100000), b"mixed": mixed,
        b"last ids": adds(["18446744073709551614-0", "18446744073709551615-18446744073709551615"]),
        b"none left": [*adds(["3-0", "7-0"]), ("XDEL", "3-0", "7-0")], b"trimmed": [*adds(ids), ("XTRIM", "MAXLEN", 2)],
        b"never had any": [group("g", "0", "MKSTREAM"), ("XGROUP", "CREATECONSUMER", "?", "g", "c")],
        b"emptied": [*adds(["3-0"]), ("XTRIM", "MAXLEN", 0)],
        b"holes": [*mixed, ("XDEL", *rng.sample(ids, 150), ids[0], ids[-1])],
        b"set id": [*adds(["3-0"]), ("XSETID", "90-7", "ENTRIESADDED", 1 << 40, "MAXDELETEDID", "80-1")],
        b"set back": [*adds(["3-0", "9-0"]), ("XDEL", "9-0"), ("XSETID", "5-0")],
        b"emptied and set back": [*adds(["3-0", "9-0"]), ("XDEL", "3-0", "9-0"), ("XSETID", "0-0")],
        b"read more than there was": [*adds(["3-0", "4-0", "5-0"]), group("g", "4-0", "ENTRIESREAD", 3),
                                      ("XTRIM", "MAXLEN", 1), ("XSETID", "5-0", "ENTRIESADDED", 2)],
        b"first pending is gone": [*three, ("XDEL", "1-1")], b"some pending are gone": [*three, ("XDEL", "3-1", "5-1")],
        b"trimmed behind pending": [*three, ("XTRIM", "MINID", "4-0")], b"none left but pending": [
            *three, ("XTRIM", "MAXLEN", 0)],
        b"pending is gone and set back": [*three, ("XDEL", "1-1", "5-1"), ("XSETID", "4-2", "ENTRIESADDED", 4)],
        b"many pending are gone": [*adds(ids), group("g"), claim("g", "c", *ids), ("XDEL", *ids[1::2])],
        b"groups": [*adds(ids), group("g1"), group("g2", "7-3", "ENTRIESREAD", 7), group(b"\x00 \r\n", "399-0"),
                    group("", "0", "ENTRIESREAD", 399), ("XGROUP", "CREATECONSUMER", "?", "g1", "idle"),
                    ("XGROUP", "CREATECONSUMER", "?", "g2", b"\xff\x00"), claim("g1", "", "3-0", at=7),
                    claim("g1", "c1", *ids[10:200]), claim("g1", "c2", *ids[50:60], at=500, count=0),
                    claim("g1", "c1", *ids[55:57], at=100, count=1 << 40), claim("g2", "c1", *ids[:GROUP], count=1),
                    claim("g2", "c2", *ids[100:101 + GROUP]), ("XACK", "g1", *ids[100:110]), ("XDEL", ids[20])],
        b"expiring stream": [*adds(["3-0"]), ("PEXPIREAT", FAR)],
    }


def newer_values():
    """What redis-server 7.0 does not know."""
    many = [f"e{i}" for i in range(300)]
    stream = [("XADD", f"{n}-0", "f", n) for n in range(1, 200)]
    ids = [f"{n}-0" for n in range(1, 200)]
    claim = ("XCLAIM", "g", "c", "0", *ids, "TIME", "1000", "RETRYCOUNT", "2", "FORCE", "JUSTID")
    create = ("XGROUP", "CREATE", "?", "g", "0")
    return {
        b"fields 1": [("HSET", "a", "1", "b", "2"), ("HPEXPIREAT", FAR, "FIELDS", 1, "a")],
        b"fields 300": [("HSET", *(w for e in many for w in (e, e))),
                        ("HPEXPIREAT", FAR, "FIELDS", 200, *many[:200]),
                        *(("HPEXPIREAT", FAR + i, "FIELDS", 1, many[i]) for i in range(150, 170))],
        b"fields all": [("HSET", *(w for e in BINARY for w in (e, ""))),
                        ("HPEXPIREAT", FAR, "FIELDS", len(BINARY), *BINARY), ("PEXPIREAT", FAR + 1)],
        b"members 1": [("SADD", "a", "b", "7"), ("SPEXPIREAT", FAR, "MEMBERS", 2, "a", "7")],
        b"members 300": [("SADD", *many), ("SPEXPIREAT", FAR, "MEMBERS", 200, *many[:200])],
        b"given back": [*stream, create, claim, ("XNACK", "g", "FAIL", "IDS", 100, *ids[100:0:-1]),
                        ("XNACK", "g", "FATAL", "IDS", 2, "150-0", "140-0"),
                        ("XNACK", "g", "SILENT", "IDS", 2, "3-0", "170-0")],
        b"given back and gone": [*stream, create, claim, ("XNACK", "g", "FAIL", "IDS", 3, "9-0", "3-0", "4-0"),
                                 ("XDEL", "3-0", "170-0")],
        b"trimmed amid": [*stream, create, claim, ("XADD", "200-0", "f", "v"), ("XACK", "g", *ids[50:60]),
                          ("XTRIM", "MAXLEN", 150, "KEEPREF")],
    }


def with_key(key, command):
    """COMMAND, which has no key yet, of KEY."""
    return [key if w == "?" else w for w in command] if command[0] == "XGROUP" else [command[0], key, *command[1:]]


def run(client, commands):
    for command, reply in zip(commands, client.pipeline(commands), strict=True):
        assert not isinstance(reply, Error), (reply, command[:12])


def make(client, values):
    run(client, [with_key(key, command) for key, commands in values.items() for command in commands])


def rewrite(client, keys):
    """The commands of each key."""
    found = dict(zip(keys, client.pipeline([("DEBUG", "REWRITE", key) for key in keys]), strict=True))
    for key, commands in found.items():
        assert isinstance(commands, list) and commands, (key, commands)
        assert all(isinstance(w, bytes) for command in commands for w in command)
    return found


def state(client, keys):
    """Type, time and digest of each key, in short."""
    values = client("DEBUG", "DIGEST-VALUE", *keys)
    return {key: (client("TYPE", key), client("PEXPIRETIME", key), value)
            for key, value in zip(keys, values, strict=True)}


def check_same(found, expected, commands):
    wrong = [key for key in expected if found[key] != expected[key]]
    assert not wrong, [(key, found[key], expected[key], commands[key][-8:]) for key in wrong[:3]]


@pytest.fixture
def client(start_server):
    with start_server("--enable-debug-command", "yes").client() as c:
        yield c


def in_order(client, key):
    """Whether its elements come in an order of their own, not in one that the encoding has."""
    return client("TYPE", key) in ("string", "list", "zset", "stream")


ALL = {"plain": plain_values(), "streams": stream_values(), "newer": newer_values()}


@pytest.mark.parametrize("resp", (2, 3))
@pytest.mark.parametrize("which", ALL)
def test_replayed_it_is_the_same(client, which, resp):
    values = ALL[which]
    client("HELLO", resp)
    make(client, values)
    before, whole = state(client, values), client("DEBUG", "DIGEST")
    commands = rewrite(client, values)
    assert client("DEBUG", "DIGEST") == whole  # looking changes nothing
    client("FLUSHALL")
    for key in values:
        run(client, commands[key])
    check_same(state(client, values), before, commands)
    assert client("DEBUG", "DIGEST") == whole
    # Where order is kept, and that of deliveries is, the same commands come again.
    ordered = [key for key in values if in_order(client, key)]
    again = rewrite(client, ordered)
    check_same(again, {key: commands[key] for key in ordered}, commands)


@pytest.mark.parametrize("seed", range(4))
def test_what_random_commands_made(client, seed):
    """States that nobody thought of: most of all those of streams and their groups."""
    some = Commands(f"rewrite {seed}")
    families = [some.string, some.bits, some.hll, some.list, some.hash, some.set, some.zset, some.geo,
                *[some.stream_group] * 12, *[some.stream] * 8]
    seen = set()
    for _ in range(20):
        steps = [some.rng.choice(families)() for _ in range(300)]
        client.pipeline([s for s in steps if s[0][0] not in "@B" and "BLOCK" not in s])
        keys = sorted(client("KEYS", "*"))
        before, commands = state(client, keys), rewrite(client, keys)
        client("FLUSHALL")
        for key in keys:
            run(client, commands[key])
        check_same(state(client, keys), before, commands)
        ordered = [key for key in keys if in_order(client, key)]
        check_same(rewrite(client, ordered), {key: commands[key] for key in ordered}, commands)
        seen |= {str(kind) for kind, _, _ in before.values()}
        seen |= {str(c[0].decode()) for key in keys for c in commands[key]}
    assert seen >= {"string", "list", "hash", "set", "zset", "stream", "XGROUP", "XCLAIM", "XDEL"}


def test_every_encoding_is_there(client):
    seen = set()
    for values in ALL.values():
        client("FLUSHALL")
        make(client, values)
        seen |= {f"{client('TYPE', key)} {client('OBJECT', 'ENCODING', key).decode()}" for key in values}
    assert seen >= {"string int", "string embstr", "string raw", "list quicklist", "hash listpack", "hash hashtable",
                    "set intset", "set listpack", "set hashtable", "zset listpack", "zset skiplist", "stream stream"}


def test_no_command_is_longer_than_a_group(client):
    for values in ALL.values():
        client("FLUSHALL")
        make(client, values)
        for key, commands in rewrite(client, values).items():
            for command in commands:
                assert len(command) <= 2 * GROUP + 10, (key, command[:8])


# --- the real server ---


def full(client, key):
    """What XINFO STREAM FULL tells, without what differs by the way it came about."""
    found = client("XINFO", "STREAM", key, "FULL", "COUNT", "0")
    pairs = dict(zip(found[::2], found[1::2], strict=True))
    del pairs[b"radix-tree-keys"], pairs[b"radix-tree-nodes"]
    for group in pairs[b"groups"]:
        for consumer in group[group.index(b"consumers") + 1]:
            del consumer[consumer.index(b"seen-time") + 1]
    return pairs


@pytest.mark.parametrize("which", ("plain", "streams"))
def test_the_real_server_makes_the_same_of_it(client, oracle, which):  # noqa: F811
    values = ALL[which]
    make(client, values)
    commands = rewrite(client, values)
    with oracle.client() as c:
        make(c, values)
        before = state(c, values)
        streams = {key: full(c, key) for key in values if before[key][0] == "stream"}
        c("FLUSHALL")
        for key in values:
            run(c, commands[key])
        check_same(state(c, values), before, commands)
        check_same({key: full(c, key) for key in streams}, streams, commands)


# --- what needs a look of its own ---


def test_a_key_that_is_not_there(client):
    assert client("DEBUG", "REWRITE", "k") == client("DEBUG", "OBJECT", "k") == Error("ERR no such key")
    assert isinstance(client("DEBUG", "REWRITE"), Error)
    client("SET", "k", "v")
    assert isinstance(client("DEBUG", "REWRITE", "k", "k"), Error)
    assert "REWRITE <key>" in client("DEBUG", "HELP")


def test_idempotent_additions_are_remembered(client):
    client("XADD", "s", "IDMP", "first", "gone", "*", "f", "0")
    assert client("XCFGSET", "s", "IDMP-DURATION", "3000", "IDMP-MAXSIZE", "200") == "OK"
    ids = {(p, b"i\x00%d" % i): client("XADD", "s", "IDMP", p, b"i\x00%d" % i, "*", "f", i)
           for i in range(150) for p in ("first", b"\xff", "third")}
    gone = [*list(ids.values())[:5], *list(ids.values())[80:100]]
    assert client("XDEL", "s", *gone) == len(gone)
    tracked = ("idmp-duration", "idmp-maxsize", "pids-tracked", "iids-tracked", "length", "last-generated-id",
               "max-deleted-entry-id", "entries-added", "first-entry")

    def told():
        found = client("XINFO", "STREAM", "s")
        return {name: found[found.index(name.encode()) + 1] for name in tracked}

    before, entries = told(), client("XRANGE", "s", "-", "+")
    assert before["iids-tracked"] == len(ids)
    commands = client("DEBUG", "REWRITE", "s")
    client("FLUSHALL")
    run(client, commands)
    assert told() == before and client("XRANGE", "s", "-", "+") == entries
    for (producer, iid), entry in ids.items():
        assert client("XADD", "s", "IDMP", producer, iid, "*", "f", "v") == entry
    assert client("XLEN", "s") == len(entries)

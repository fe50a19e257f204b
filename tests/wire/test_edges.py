# SPDX-License-Identifier: BSD-3-Clause
"""Edge cases made by the hundred: each argument of a string, bitmap or key command that is a
number, a range, an offset, a time or a cursor gets every text of a list of nasty ones, pairs
of them where two go together. Replies must be equal to redis-server's byte for byte in RESP2
and RESP3, and so must be what is at the key afterwards: value, encoding and expiry.

MINIREDIS_RANDOM_SEED draws other ones, MINIREDIS_RANDOM_ROUNDS more (in hundreds)."""
import itertools
import os
import random
import re

import pytest
from conftest import encode, loops
from oracle import oracle, start_oracle  # noqa: F401

# Nothing here depends on the loop's back end.
pytestmark = pytest.mark.parametrize("loop_backend", loops()[:1])

SEED = int(os.environ.get("MINIREDIS_RANDOM_SEED", "0"))
PAIRS = int(os.environ.get("MINIREDIS_RANDOM_ROUNDS", "0")) * 100 or 150
SHOWN = 20      # faults told in one report
CHUNK = 50      # cases that go out together
LONG = 1 << 23  # bits that a string may get here; more is for test_longest
NEAR_MS = 2000  # how far apart expiries may be

WHOLE = [str(n) for p in (7, 8, 15, 16, 24, 29, 31, 32, 62, 63, 64) for n in (2**p - 1, 2**p, -2**p, -2**p - 1)]
INTEGERS = ["0", "1", "-1", "2", "3", "5", "6", "9", "-2", "-5", "-6", "-9", "10", "64", "100", "9223372036854775",
            "9223372036854775000", "9223372036854776", "-9223372036854775", "999999999999999999", *WHOLE]
ODD = ["", "-", "+", " ", "-0", "+0", "+1", "00", "01", "-01", " 1", "1 ", "\t1", "1\n", "1\r\n", "\x00", "1\x00",
       "\x001", "1\x002", "1_000", "1,5", "--1", "+-1", "0x10", "0b1", "0o7", "1L", "\u0661", "ten", "#1", "\xff"]
FLOATS = ["1.5", "-1.5", ".5", "-.5", "5.", "-5.", ".", "-.", "1.0", "0.0", "-0.0", "3.0e3", "1e1", "1E1", "1e+1",
          "1e-1", "1e", "e1", "1e1.5", "1e 1", "1e17", "1e18", "1e19", "1e-17", "1e-18", "1e300", "1e308", "1e309",
          "1e400", "-1e400", "1e4932", "1e4933", "1e5000", "-1e5000", "1e-308", "4.9e-324", "1e-400", "1e-5000",
          "nan", "NaN", "-nan", "nan(1)", "inf", "+inf", "-inf", "Inf", "INF", "infinity", "-infinity", "Infinity",
          "infi", "0x1p3", "0x.8", "1d", "1f", "0.1", "0.2", "0.3", "1.7", "17.000000000000000001",
          "0.000000000000000001", "99999999999999999.9"]
DIGITS = ["1234567890" * 4, "-" + "9" * 40, "0." + "3" * 40, "0" * 40, "1" + "0" * 39, "9" * 19, "1" * 300,
          "9" * 5000, "0." + "0" * 5000 + "1"]
TEXTS = INTEGERS + ODD + FLOATS + DIGITS
STORED = [None, "", "10", "3.0e3", "9223372036854775807", "-9223372036854775808", "9223372036854775800", "1.5",
          "abc", " 1"]
EMPTY = ()  # in place of a value: nothing at any key
RFC = "The quick brown fox jumps over the lazy dog"
TYPES = ["u1", "i1", "u8", "i8", "u7", "i13", "u32", "i32", "u62", "u63", "i63", "i64"]
BAD_TYPES = ["u0", "i0", "u64", "i65", "u65", "U8", "I8", "u", "8", "u08", "u 8", "u8 ", "u-8", "u+8", "s8", "",
             "u1e1", "u99999999999"]


def number(text):
    """The integer that TEXT is as the protocol has it; None if it is none."""
    if re.fullmatch(r"0|-?[1-9]\d{0,18}", text) and -2**63 <= int(text) < 2**63:
        return int(text)
    return None


def is_far(text, unit=1):
    """Whether a bit at TEXT, in units of up to UNIT bits, may make a string long."""
    n = number(text.removeprefix("#"))
    return n is not None and LONG <= n * unit and n < 2**32


def is_soon(text, unit):
    """Whether so many milliseconds times UNIT are over while one looks."""
    n = number(text)
    return n is not None and 0 < n * unit <= 20 * NEAR_MS


class Cases:
    """What there is to ask: pairs of what is at "k" before and a command."""

    def __init__(self, family):
        self.rng = random.Random(f"{SEED} {family}")
        self.list = []

    def add(self, stored, *words, like=None):
        """LIKE is what the oracle, which knows less, is asked instead."""
        self.list.append((stored, words, like or words))

    def pairs(self, count=PAIRS, texts=TEXTS):
        """Pairs of texts, every second of which are numbers both."""
        for i in range(count):
            pool = texts if i % 2 else INTEGERS
            yield self.rng.choice(pool), self.rng.choice(pool)

    def some(self, texts, count):
        return self.rng.sample(texts, min(count, len(texts)))


def integers(c):
    for text in TEXTS:
        for command in ("INCR", "DECR"):
            c.add(text, command, "k")
        for command in ("INCRBY", "DECRBY"):
            for stored in (None, *c.some(STORED, 3)):
                c.add(stored, command, "k", text)
            c.add(text, command, "k", "1")
        c.add(None, "SET", "k", text)
        c.add("1", "APPEND", "k", text)
        c.add(text, "APPEND", "k", "1")
        c.add(text, "GETSET", "k", text)
        c.add(text, "STRLEN", "k")
        c.add(text, "GETDEL", "k")
        c.add(text, "SETRANGE", "k", "0", "")
        c.add(text, "SETRANGE", "k", "1", text)
    for a, b in c.pairs():
        c.add(a, c.rng.choice(("INCRBY", "DECRBY")), "k", b)


def random_float(rng):
    """Decimal numbers as people and programs write them."""
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, rng.choice((3, 8, 20, 30)))))
    at = rng.randrange(len(digits) + 1)
    text = digits[:at] + rng.choice(("", ".")) + digits[at:]
    return rng.choice(("", "-", "")) + text + rng.choice(("", "", "", f"e{rng.randrange(-25, 25)}"))


def floats(c):
    for text in TEXTS:
        for stored in (None, *c.some(STORED, 3)):
            c.add(stored, "INCRBYFLOAT", "k", text)
        c.add(text, "INCRBYFLOAT", "k", "0")
        c.add(text, "INCRBYFLOAT", "k", "1")
    for a, b in c.pairs(texts=FLOATS + DIGITS + INTEGERS):
        c.add(a, "INCRBYFLOAT", "k", b)
    for _ in range(2 * PAIRS):
        c.add(random_float(c.rng), "INCRBYFLOAT", "k", random_float(c.rng))


def ranges(c):
    values = ["hello", RFC, "12345", "", None, b"\x00\xff\x0f\xf0"]
    for command in ("GETRANGE", "SUBSTR"):
        for text in TEXTS:
            c.add("hello", command, "k", text, "2")
            c.add("hello", command, "k", "1", text)
        for a, b in c.pairs():
            c.add(c.rng.choice(values), command, "k", a, b)
    for text in TEXTS:
        if not is_far(text) or number(text) >= 2**29:
            for stored in (None, "hello"):
                c.add(stored, "SETRANGE", "k", text, "")
        if not is_far(text):
            for stored in (None, "hello", "12"):
                c.add(stored, "SETRANGE", "k", text, "xyz")
        for option in (("MINMATCHLEN",), ("IDX", "MINMATCHLEN"), ("IDX", "WITHMATCHLEN", "MINMATCHLEN")):
            c.add("ohmytext", "LCS", "k", "other", *option, text)
        c.add("a", "LCS", "k", "other", "LEN", "MINMATCHLEN", text)


def bits(c):
    values = ["hello", None, "", b"\xff\xff\xff", b"\x00\x00\x01", b"\x00\xff\x00", "7"]
    for text in TEXTS:
        c.add("hello", "GETBIT", "k", text)
        c.add(None, "SETBIT", "k", "3", text)
        c.add("hello", "BITPOS", "k", text)
        for unit in ((), ("BIT",), ("BYTE",), ("bits",)):
            c.add("hello", "BITCOUNT", "k", text, "-1", *unit)
            c.add("hello", "BITCOUNT", "k", "1", text, *unit)
            c.add("hello", "BITPOS", "k", "0", "0", text, *unit)
            c.add(b"\x00\xff", "BITPOS", "k", "1", text, "-1", *unit)
        c.add("hello", "BITCOUNT", "k", text, like=("BITCOUNT", "k", text, "-1"))
        c.add(b"\xff", "BITPOS", "k", "0", text)
        c.add(b"\xff", "BITPOS", "k", "0", "0", "-1", text)
        if not is_far(text):
            for stored in (None, "hello", "12"):
                c.add(stored, "SETBIT", "k", text, "1")
            c.add("hello", "SETBIT", "k", text, "0")
            c.add("hello", "SETBIT", "k", text, "2")
    for a, b in c.pairs():
        stored, unit = c.rng.choice(values), c.rng.choice(((), ("BIT",), ("BYTE",)))
        c.add(stored, "BITCOUNT", "k", a, b, *unit)
        c.add(c.rng.choice(values), "BITPOS", "k", c.rng.choice("0101012"), a, b, *unit)


def saturates_upwards(kind, text):
    """Whether the oracle, whose sum of both ends leaves 64 bits, makes the highest of a low number."""
    signed = re.fullmatch(r"i([1-9]\d?)", kind)
    return bool(signed) and 2**(int(signed[1]) - 1) - 1 - (number(text) or 0) >= 2**63


def bitfields(c):
    for text in TEXTS:
        for kind in c.some(TYPES, 3) + c.some(BAD_TYPES, 1):
            for offset in (text, "#" + text):
                # Where the product leaves 64 bits the oracle takes what is left of it for the offset.
                wraps = offset != text and abs(number(text) or 0) * 64 >= 2**63
                like = "#" if wraps else offset
                c.add(c.rng.choice((None, "hello")), "BITFIELD", "k", "GET", kind, offset,
                      like=("BITFIELD", "k", "GET", kind, like))
                c.add("hello", "BITFIELD_RO", "k", "GET", kind, offset, like=("BITFIELD_RO", "k", "GET", kind, like))
                if not is_far(offset, 64 if offset != text else 1):
                    c.add("hello", "BITFIELD", "k", "SET", kind, offset, "1",
                          like=("BITFIELD", "k", "SET", kind, like, "1"))
            for overflow in ("WRAP", "SAT", "FAIL"):
                if overflow != "SAT" or not saturates_upwards(kind, text):
                    c.add(None, "BITFIELD", "k", "OVERFLOW", overflow, "SET", kind, "0", text)
                c.add(b"\x7f" * 8, "BITFIELD", "k", "OVERFLOW", overflow, "INCRBY", kind, "0", text)
                c.add(b"\x80" + bytes(7), "BITFIELD", "k", "OVERFLOW", overflow, "INCRBY", kind, "0", text)
    for kind in TYPES + BAD_TYPES:
        for step in (("GET", kind, "0"), ("SET", kind, "0", "1"), ("SET", kind, "5", "-1"),
                     ("INCRBY", kind, "1", "3")):
            c.add(b"\xa5" * 9, "BITFIELD", "k", *step)
    for a, b in c.pairs(texts=INTEGERS):
        kind, overflow = c.rng.choice(TYPES), c.rng.choice(("wrap", "sat", "fail", "none"))
        if overflow == "sat" and saturates_upwards(kind, a):
            continue
        c.add(None, "BITFIELD", "k", "OVERFLOW", overflow, "SET", kind, "0", a, "INCRBY",
              kind, "0", b, "GET", "u8", "0")


MS = {"PX": 1, "PSETEX": 1, "PEXPIRE": 1, "EX": 1000, "SETEX": 1000, "EXPIRE": 1000}


def times(c):
    for text in TEXTS:
        for unit in ("EX", "PX", "EXAT", "PXAT"):
            if is_soon(text, MS.get(unit, 0)):
                continue
            for command in (("SET", "k", "v"), ("GETEX", "k")):
                for stored in (None, "12"):
                    c.add(stored, *command, unit, text)
            c.add("1", "SET", "k", "v", unit, text, "GET", "XX")
        for command in ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"):
            if is_soon(text, MS.get(command, 0)):
                continue
            for stored in (None, "v", ("v", "1000000")):
                for option in ((), ("NX",), ("XX",), ("GT",), ("LT",), ("XX", "GT")):
                    c.add(stored, command, "k", text, *option)
            c.add("v", command, "k", text, "what")
        for command in ("SETEX", "PSETEX"):
            if not is_soon(text, MS[command]):
                c.add(None, command, "k", text, "v")
                c.add(("v", "1000000"), command, "k", text, "v")


def keys(c):
    for text in TEXTS:
        c.add("v", "COPY", "k", "other", "DB", text, "REPLACE")
        c.add("v", "MOVE", "k", text)
        c.add("v", "SWAPDB", text, "0")
        c.add("v", "SWAPDB", "0", text)
        c.add("v", "SORT", "none", "LIMIT", text, "1")
        c.add("v", "SORT", "none", "LIMIT", "0", text)
        c.add("v", "SORT_RO", "none", "LIMIT", text, text)
        c.add("v", "WAIT", "0", text)
        if (number(text) or 0) <= 1:
            c.add("v", "WAIT", text, "1")
        c.add("v", "OBJECT", "ENCODING", "k", text)
        c.add(EMPTY, "SCAN", text)
        c.add(EMPTY, "SCAN", "0", "COUNT", text)
        c.add(EMPTY, "SCAN", text, "MATCH", "*", "COUNT", "5", "TYPE", "string")
        c.add("v", "SELECT", text if number(text) is None or not 0 < number(text) < 16 else "0")
        c.add(None, "PFADD", "k", text)
    for a, b in c.pairs(40):
        c.add("v", "SWAPDB", a, b)
        c.add("v", "SORT", "none", "LIMIT", a, b)


def restores(c, payload):
    for text in TEXTS:
        # A time after the last one: the oracle reckons beyond it, and the key is gone.
        is_late = (number(text) or 0) > 2**63 - 2**42
        if not is_soon(text, 1) and not is_late:
            c.add(None, "RESTORE", "k", text, payload)
            c.add("v", "RESTORE", "k", text, payload)
            c.add("v", "RESTORE", "k", text, payload, "REPLACE")
        c.add(None, "RESTORE", "k", text, payload, "ABSTTL")
        c.add(("v", "1000000"), "RESTORE", "k", text, payload, "ABSTTL", "REPLACE")
        c.add(None, "RESTORE", "k", "0", payload, "IDLETIME", text)
        c.add(None, "RESTORE", "k", "0", payload, "FREQ", text)
        c.add(None, "RESTORE", "k", "0", payload, "IDLETIME", text, "FREQ", text)
        c.add(None, "RESTORE", "k", "0", payload[:-1] + text.encode()[:1])


FAMILIES = {f.__name__: f for f in (integers, floats, ranges, bits, bitfields, times, keys, restores)}

def before(stored):
    """Commands that put STORED at "k"; a pair is a value and its seconds."""
    yield ("FLUSHALL",)
    if stored == EMPTY:
        return
    yield ("SET", "other", "mynewtext")
    if isinstance(stored, tuple):
        yield ("SET", "k", stored[0], "EX", stored[1])
    elif stored is not None:
        yield ("SET", "k", stored)


AFTER = [("STRLEN", "k"), ("GETRANGE", "k", "0", "300"), ("GETRANGE", "k", "-100", "-1"), ("BITCOUNT", "k"),
         ("OBJECT", "ENCODING", "k"), ("DBSIZE",), ("PEXPIRETIME", "k")]


class Pair:
    """Connections of the same history to both servers."""

    def __init__(self, server, oracle, version):
        self.clients = [server.client(), oracle.client()]
        for c in self.clients:
            if version == 3:
                assert isinstance(c("HELLO", "3"), dict)
            c("FLUSHALL")

    def ask(self, ours, theirs):
        for c, commands in zip(self.clients, (ours, theirs)):
            c.send(b"".join(encode(*words) for words in commands))
        return [[c.raw() for _ in commands] for c, commands in zip(self.clients, (ours, theirs))]


def is_meant(name, command, ours, theirs):
    """Whether two replies may differ as they do."""
    if command[0] == "PEXPIRETIME":
        # The clocks are not read at the same time.
        a, b = int(ours[1:]), int(theirs[1:])
        return a > 0 and b > 0 and abs(a - b) <= NEAR_MS
    # A sum that is whole is kept as an integer here, in fewer bytes and ready for INCR.
    return (name == "INCRBYFLOAT" and command[0] == "OBJECT" and ours == b"$3\r\nint\r\n" and
            theirs == b"$6\r\nembstr\r\n")


def shown(words):
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return " ".join(repr(w)[1:] if len(w) < 60 else f"{w[:20]!r}..({len(w)})" for w in words)


def compare(pair, cases):
    """The cases whose replies, or what they leave behind, differ."""
    faults = []
    for at in range(0, len(cases), CHUNK):
        chunk = cases[at:at + CHUNK]
        scripts = [[*before(stored), words, ("SELECT", "0"), *AFTER] for stored, words, _ in chunk]
        others = [[*before(stored), words, ("SELECT", "0"), *AFTER] for stored, _, words in chunk]
        replies = map(iter, pair.ask(list(itertools.chain(*scripts)), list(itertools.chain(*others))))
        ours, theirs = replies
        for (stored, words, _), script in zip(chunk, scripts):
            answers = [(command, next(ours), next(theirs)) for command in script]
            wrong = [a for a in answers if a[1] != a[2] and not is_meant(words[0], *a)]
            if wrong:
                command, x, y = wrong[0]
                faults.append(f"{stored!r:.60}: {shown(words)}\n  {shown(command)}\n"
                              f"  ours {x[:200]!r}\n  want {y[:200]!r}")
    return faults


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_edges(family, version, server, oracle):
    cases = Cases(family)
    if family == "restores":
        with oracle.client() as c:
            c("SET", "k", "a value")
            restores(cases, c("DUMP", "k"))
    else:
        FAMILIES[family](cases)
    faults = compare(Pair(server, oracle, version), cases.list)
    assert not faults, f"{len(faults)} of {len(cases.list)} differ\n" + "\n".join(faults[:SHOWN])


def test_time_beyond_the_last(server, oracle):
    """What redis-server makes a time in the past of, or none, is refused."""
    with server.client() as ours, oracle.client() as theirs:
        theirs("SET", "k", "a value")
        payload = theirs("DUMP", "k")
        ours("SET", "k", "v")
        for ttl in (2**63 - 1, 2**63 - 1000):
            assert str(ours("RESTORE", "new", ttl, payload)).startswith("ERR invalid expire time")
            assert str(ours("RESTORE", "k", ttl, payload, "REPLACE")).startswith("ERR invalid expire time")
        assert ours("EXISTS", "new") == 0
        assert ours("GET", "k") == b"v" and ours("PTTL", "k") == -1


def test_longest(server, oracle):
    """A string of 512 MiB, the longest there may be, and what would make it longer."""
    pair = Pair(server, oracle, 2)
    last = 2**32 - 1
    commands = [
        ("SETRANGE", "k", 2**29, "x"), ("SETRANGE", "k", 2**29 - 1, "xy"), ("SETRANGE", "k", 2**32, "x"),
        ("SETBIT", "k", 2**32, "1"), ("BITFIELD", "k", "SET", "u1", 2**32, "1"),
        ("BITFIELD", "k", "SET", "u8", last - 6, "1"), ("EXISTS", "k"), ("SETBIT", "k", last, "1"),
        ("STRLEN", "k"), ("GETBIT", "k", last), ("GETBIT", "k", last + 1), ("GETBIT", "k", last - 1),
        ("BITCOUNT", "k"), ("BITPOS", "k", "1"), ("BITPOS", "k", "0", -1), ("BITPOS", "k", "1", -1),
        ("BITCOUNT", "k", last, last, "BIT"), ("BITCOUNT", "k", -1, -1), ("APPEND", "k", "x"), ("STRLEN", "k"),
        ("SETRANGE", "k", 2**29 - 1, "ab"), ("SETRANGE", "k", 2**29 - 1, "a"), ("GETRANGE", "k", -3, -1),
        ("GETRANGE", "k", 2**29 - 2, 2**63 - 1), ("BITFIELD", "k", "GET", "u8", last - 7),
        ("BITFIELD", "k", "GET", "u8", last - 6), ("BITFIELD", "k", "GET", "i64", f"#{2**26 - 1}"),
        ("BITFIELD", "k", "INCRBY", "u8", f"#{2**29 - 1}", "5"),
        ("BITFIELD", "k", "SET", "u8", f"#{2**29}", "5"), ("SETRANGE", "k", 0, "begin"),
        ("GETRANGE", "k", 0, 5), ("DEL", "k"), ("BITFIELD", "k", "SET", "u8", last - 7, "255"), ("STRLEN", "k"),
        ("GETRANGE", "k", -2, -1), ("DEL", "k"),
    ]
    ours, theirs = pair.ask(commands, commands)
    faults = [f"{shown(c)}: ours {x[:200]!r}, want {y[:200]!r}"
              for c, x, y in zip(commands, ours, theirs) if x != y]
    assert not faults, "\n".join(faults)

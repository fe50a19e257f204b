# SPDX-License-Identifier: BSD-3-Clause
"""Plays steps (random_commands.py) on two servers, compares what they answer and what they hold in
the end, and finds the few steps that a difference needs.

Replies are equal byte for byte but where their order is nowhere defined, where scores are printed
in the newer servers' way, where times pass, and where chance has its part: then what they must
have in common is checked."""
import time

from conftest import Client, Error, encode
from random_commands import THRESHOLDS

BATCH = 64
TIMES = {"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"}
ANY_ORDER = {"SMEMBERS", "SINTER", "SUNION", "SDIFF", "KEYS", "HKEYS", "HVALS"}
# Where scores are, and RESP2 knows them as texts only.
SCORED = {"ZADD", "ZINCRBY", "ZSCORE", "ZMSCORE", "ZRANGE", "ZREVRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZPOPMIN",
          "ZPOPMAX", "ZMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "ZUNION", "ZINTER", "ZDIFF", "ZSCAN"}
# These take more words today than 7.0 knew.
MORE_WORDS = {"COMMAND", "ZRANK", "ZREVRANK", "GEOHASH", "GEOPOS", "PFMERGE", "XADD", "XTRIM", "XREAD", "XREADGROUP", "XGROUP"}
PASSING = {"idle", "inactive", "seen-time", "active-time", "radix-tree-keys", "radix-tree-nodes"}


def decode(data):
    """The reply that the bytes of DATA are."""
    reader = Client.__new__(Client)
    reader.pending = data
    return reader.reply()


def pairs(items):
    """A map, whichever way it came."""
    if isinstance(items, dict):
        return items
    return dict(zip(items[::2], items[1::2]))


def key_of(item):
    return repr(item)


def till_nul(text):
    return text and text.split(b"\0")[0]


def numbers_alike(a, b):
    """Equal, texts of numbers by what they are worth."""
    if a == b:
        return True
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(numbers_alike(x, y) for x, y in zip(a, b))
    try:
        return float(a) == float(b) if isinstance(a, (bytes, float)) and isinstance(b, (bytes, float)) else False
    except ValueError:
        return False


def plain(info):
    """What XINFO tells, as maps, without what passes and without what only one of the two tells of."""
    if isinstance(info, dict):
        info = [w for pair in info.items() for w in pair]
    if isinstance(info, list) and info and len(info) % 2 == 0 and info[0] in (b"name", b"length"):
        return {k: plain(v) for k, v in pairs(info).items() if k.decode() not in PASSING}
    if isinstance(info, list) and len(info) == 4 and isinstance(info[2], int) and info[2] > 1 << 40:
        return [info[0], info[1], info[3]]  # an entry that is pending, by when it was delivered
    if isinstance(info, list) and len(info) == 3 and isinstance(info[1], int) and info[1] > 1 << 40:
        return [info[0], info[2]]
    return [plain(i) for i in info] if isinstance(info, list) else info


def no_more_than(ours, theirs):
    """OURS without the fields that THEIRS does not know."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {k: no_more_than(ours[k], theirs[k]) for k in ours if k in theirs}
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [no_more_than(a, b) for a, b in zip(ours, theirs)]
    return ours


SHARED = 2147483647  # references to a number that many use; here nobody does
STRINGS = {b"int", b"embstr", b"raw"}


def places_alike(ours, theirs, counted):
    """Those that are equally far stand in no order; where only some are told, it may be any of them."""
    if counted:
        ours, theirs = ([i[1:] if isinstance(i, list) else None for i in some] for some in (ours, theirs))
    return sorted(ours, key=key_of) == sorted(theirs, key=key_of)


def encodings_alike(ours, theirs):
    """7.0 has no listpacks for sets. Strings are as short here as they can be, whatever made them."""
    return ours == theirs or (ours == b"listpack" and theirs == b"hashtable") or {ours, theirs} <= STRINGS


def sorted_alike(options, ours, theirs):
    """7.0 sees texts as strcoll does: those that are equal up to a NUL come in any order. LIMIT may cut among them."""
    return ((list(map(till_nul, ours)) == list(map(till_nul, theirs)))
            and ("LIMIT" in options or sorted(ours, key=key_of) == sorted(theirs, key=key_of)))


def sorted_scan(reply):
    cursor, items = reply
    return [cursor, sorted(items)]


def near(a, b):
    return isinstance(a, int) and isinstance(b, int) and abs(a - b) <= 20000


def alike(words, ours, theirs):
    """Whether two replies, as bytes, are the same answer to WORDS."""
    if ours == theirs:
        return True
    name = str(words[0]).upper() if not isinstance(words[0], bytes) else words[0].decode("latin1").upper()
    a, b = decode(ours), decode(theirs)
    if isinstance(a, Error) or isinstance(b, Error):
        return isinstance(a, Error) and isinstance(b, Error) and (name in MORE_WORDS and "wrong number" in b)
    if name in TIMES:
        return near(a, b)
    if name in ANY_ORDER:
        return sorted(a) == sorted(b)
    if name == "HGETALL":
        return pairs(a) == pairs(b) and len(a) == len(b)
    if name in ("HSCAN", "SCAN", "SSCAN"):  # a cursor in the middle is of one server
        return sorted_scan(a) == sorted_scan(b) or as_text(words[1 + (name != "SCAN")]) not in ("0", "-0")
    if name[:4] == "SORT" and "ALPHA" in (options := [as_text(w).upper() for w in words[2:]]):
        return sorted_alike(options, a, b)
    if name in SCORED:
        return numbers_alike(a, b)
    if name[:3] == "GEO" and isinstance(a, list) and isinstance(b, list):
        return places_alike(a, b, any(as_text(w).upper() == "COUNT" for w in words))
    if name == "OBJECT":
        about = str(words[1]).upper()
        return (about == "ENCODING" and encodings_alike(a, b)) or (about == "REFCOUNT" and b == SHARED)
    if name == "XINFO":
        b = plain(b)
        return no_more_than(plain(a), b) == b
    if name == "XPENDING" and isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [without_idle(i) for i in a] == [without_idle(i) for i in b]
    return name in ("CONFIG", "HELLO") and not isinstance(a, Error) and str(words[-1]).lower()[:3] in ("tcp", "tim")


def without_idle(entry):
    return [*entry[:2], entry[3]] if isinstance(entry, list) and len(entry) == 4 and isinstance(entry[2], int) else entry


def reply_mode(words):
    """ON or SKIP of a CLIENT REPLY; else nothing."""
    upper = [w.upper() if isinstance(w, str) else "" for w in words]
    return upper[2] if len(upper) == 3 and upper[:2] == ["CLIENT", "REPLY"] and upper[2] in ("ON", "SKIP") else ""


def answered(batch):
    """The requests of a batch that get replies."""
    out, skip = [], False
    for words in batch:
        said = reply_mode(words)
        if said == "ON" or not (skip or said):
            out.append(words)
        skip = said == "SKIP"
    return out


def apart(ours, theirs, path=""):
    """The first place in two big values where they differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        inner = [(f"{path}.{as_text(k)}", ours[k], theirs[k]) for k in ours]
    elif isinstance(ours, (list, tuple)) and isinstance(theirs, (list, tuple)) and len(ours) == len(theirs):
        inner = [(f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(ours, theirs))]
    else:
        return [f"\n    at {path}: {ours!r} and {theirs!r}"] if path else []
    return next((apart(a, b, p) for p, a, b in inner if a != b), [])


class Difference(Exception):
    """KEYS: what it is about; KIND: so that one is not taken for another one."""

    def __init__(self, words, ours, theirs):
        self.where = "".join(apart(ours, theirs))
        super().__init__(f"{line(words)}\n    ours   {ours!r}\n    theirs {theirs!r}{self.where}")
        self.keys = {as_text(w) for w in words[1:]}
        self.kind = as_text(words[0]).upper() + (f" {ours} {theirs}" if words[0] == "(encoding)" else "")


def as_text(word):
    return word.decode("latin1") if isinstance(word, bytes) else str(word)


def line(words):
    """A step as one would type it."""
    out = []
    for w in words:
        text = as_text(w)
        if not text or not all(33 <= ord(c) < 127 and c not in "\"'\\" for c in text):
            text = '"' + "".join(c if 32 <= ord(c) < 127 and c not in '"\\' else f"\\x{ord(c):02x}" for c in text) + '"'
        out.append(text if len(text) < 400 else text[:80] + f"..({len(text)} bytes)")
    return " ".join(out)


class Play:
    """Both servers, with a connection to each."""

    def __init__(self, ours, theirs, version):
        self.clients = (ours.client(), theirs.client())
        self.oracle = theirs
        self.version = version
        self.databases = 2
        self.asked = 0
        self.reset()

    def close(self):
        for c in self.clients:
            c.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def both(self, *words):
        """Replies of both, decoded."""
        data = encode(*words)
        for c in self.clients:
            c.send(data)
        return [c.reply() for c in self.clients]

    def reset(self):
        """Back to nothing, so that steps mean the same again."""
        self.both("RESET")
        self.both("HELLO", self.version)
        self.both("FLUSHALL")
        for name, values in THRESHOLDS.items():
            self.both("CONFIG", "SET", name, values[-1])

    # --- steps ---

    def batch(self, steps):
        if not steps:
            return
        mark = b"end of %d" % self.asked
        self.asked += len(steps)
        end = b"$%d\r\n%b\r\n" % (len(mark), mark)
        sent = []
        for words in steps:
            sent.append(words)
            if str(words[0]).upper() == "RESET":
                sent += [["HELLO", self.version], ["SELECT", "0"]]
        data = b"".join(encode(*w) for w in sent) + encode("CLIENT", "REPLY", "ON") + encode("ECHO", mark)
        answers = []
        for c in self.clients:
            c.send(data)
        for c in self.clients:
            replies = []
            while not replies or replies[-1] != end:
                replies.append(c.raw())
            answers.append(replies)
        ours, theirs = answers
        requests = answered(sent)
        for words, a, b in zip(requests, ours, theirs):
            if a != b and str(words[0]).upper() != "HELLO" and not alike(words, a, b):
                raise Difference(words, a, b)
        if not len(ours) == len(theirs) == len(requests) + 2:
            raise Difference(["(replies)"], len(ours), len(theirs))

    def run(self, steps):
        waiting = []
        for words in steps:
            if words[0][:1] != "@":
                waiting.append(words)
                if len(waiting) == BATCH:
                    self.batch(waiting)
                    waiting = []
                continue
            self.batch(waiting)
            waiting = []
            getattr(self, words[0][1:])(*words[1:])
            self.asked += 1
        self.batch(waiting)

    def same(self, words):
        self.batch([words])

    # --- steps of several commands ---

    def content(self, kind, key):
        """What is at KEY, told alike by both, and which type it has."""
        a, b = self.both(*{"SPOP": ["SMEMBERS"], "SRANDMEMBER": ["SMEMBERS"], "HRANDFIELD": ["HGETALL"]}.get(
            kind, ["ZRANGE"]), key, *([0, -1, "WITHSCORES"] if kind == "ZRANDMEMBER" else []))
        if isinstance(a, Error) or isinstance(b, Error):
            if str(a) != str(b):
                raise Difference([kind, key], a, b)
            return None
        if kind in ("SPOP", "SRANDMEMBER"):
            out = [{m: None for m in r} for r in (a, b)]
        else:
            out = [dict(r) if r and isinstance(r, list) and isinstance(r[0], list) else pairs(r) for r in (a, b)]
        if kind == "ZRANDMEMBER":
            out = [{m: float(s) for m, s in r.items()} for r in out]
        if out[0] != out[1]:
            raise Difference([kind, key], a, b)
        return out[0]

    def pop(self, name, key, *more):
        """SPOP, and back with what came out, which is not the same here and there."""
        before = self.content(name, key)
        a, b = self.both(name, key, *more)
        if isinstance(a, Error) or isinstance(b, Error) or not before:
            if a != b:
                raise Difference([name, key, *more], a, b)
            return
        replies = [[r] if isinstance(r, bytes) else r for r in (a, b)]
        if len(replies[0]) != len(replies[1]) or any(len(set(r)) != len(r) or not set(r) <= set(before) for r in replies):
            raise Difference([name, key, *more], a, b)
        for c, popped in zip(self.clients, replies):
            left = c("SMEMBERS", key)
            if set(left) != set(before) - set(popped) or len(left) + len(popped) != len(before):
                raise Difference([name, key, *more], popped, left)
            if popped:
                c("SADD", key, *popped)
        # 7.0 makes a new set of what is left where that is little, which may be an intset again.
        ours, theirs = self.both("OBJECT", "ENCODING", key)
        if theirs == b"intset" != ours:
            self.carry_over(1, key)

    def draw(self, name, *words):
        if name == "RANDOMKEY":
            keys, _ = (set(r) for r in self.both("KEYS", "*"))
            a, b = self.both(name)
            if (a in keys) != bool(keys) or (b in keys) != bool(keys):
                raise Difference([name], a, b)
            return
        key, more = words[0], words[1:]
        content = self.content(name, key)
        a, b = self.both(name, *words)
        if isinstance(a, Error) or isinstance(b, Error) or not content or a is None:
            if not (a == b or (not a and not b and type(a) is type(b))):
                raise Difference([name, *words], a, b)
            return
        for reply in (a, b):
            self.check_draw(name, words, more, content, reply)
        if isinstance(a, list) and len(a) != len(b):
            raise Difference([name, *words], a, b)

    @staticmethod
    def check_draw(name, words, more, content, reply):
        """Elements that are there, with what belongs to them; each once, where the count is not negative."""
        items = [reply] if not more else reply
        if len(more) == 2:
            if items and not isinstance(items[0], list):
                items = [list(p) for p in zip(items[::2], items[1::2])]
            values = [(m, float(v) if name[0] == "Z" else v) for m, v in items]
            if any(m not in content or content[m] != v for m, v in values):
                raise Difference([name, *words], reply, content)
            items = [m for m, _ in items]
        count = int(more[0]) if more else 1
        expected = min(count, len(content)) if count >= 0 else -count
        if any(i not in content for i in items) or len(items) != expected or (count >= 0 and len(set(items)) != expected):
            raise Difference([name, *words], reply, content)

    def scan(self, name, *words):
        """The whole of an iteration; equal, whatever the pages were."""
        key = [] if name == "SCAN" else [words[0]]
        options = words[len(key):]
        found = []
        for c in self.clients:
            cursor, seen = b"0", set()
            for _ in range(100000):
                reply = c(name, *key, cursor, *options)
                if isinstance(reply, Error):
                    seen = str(reply)
                    break
                cursor, items = reply
                seen |= set(items if name in ("SCAN", "SSCAN") else
                            [(m, float(v) if name == "ZSCAN" else v) for m, v in zip(items[::2], items[1::2])])
                if cursor == b"0":
                    break
            found.append(seen)
        if found[0] != found[1]:
            raise Difference([name, *words], found[0], found[1])

    def cross(self, key, to, ttl):
        """What one dumps the other restores."""
        dumps = self.both("DUMP", key)
        if (dumps[0] is None) != (dumps[1] is None):
            raise Difference(["DUMP", key], *dumps)
        if dumps[0] is None:
            return
        replies = []
        for c, dump in zip(self.clients, reversed(dumps)):
            replies.append(c("RESTORE", to, ttl, dump, "REPLACE"))
        if replies[0] != replies[1]:
            raise Difference(["RESTORE", to, ttl, dumps[1], "REPLACE"], *replies)

    def restore(self, key, to, *options):
        """Each its own."""
        dumps = self.both("DUMP", key)
        replies = [c("RESTORE", to, 0, dump or b"", *options) for c, dump in zip(self.clients, dumps)]
        if replies[0] != replies[1]:
            raise Difference(["RESTORE", to, 0, dumps[0], *options], *replies)

    def lex(self, *words):
        """By members, which means something only where all scores are equal."""
        key = words[2] if as_text(words[0]).upper() == "ZRANGESTORE" else words[1]
        contents = self.both("ZRANGE", key, 0, -1, "WITHSCORES")
        for reply in contents:
            if isinstance(reply, Error) or not reply:
                continue
            scores = [s for _, s in reply] if isinstance(reply[0], list) else [float(s) for s in reply[1::2]]
            if len(set(scores)) > 1:
                return
        self.same(list(words))

    def sort(self, *words):
        """7.0 makes a big sorted set of each that it sorts; it gets its own again."""
        theirs, key = self.clients[1], words[1]
        before = theirs("OBJECT", "ENCODING", key)
        try:
            self.same(list(words))
        except Difference:
            # 7.0 takes any number for one out of range where errno has been ERANGE since some other
            # command; it is something else once a client has been accepted.
            with self.oracle.client() as fresh:
                fresh("PING")
            self.same(list(words))
        if before == b"listpack" and theirs("OBJECT", "ENCODING", key) == b"skiplist":
            for c in self.clients:
                dump, expires = c("DUMP", key), max(0, c("PEXPIRETIME", key))
                c("RESTORE", key, expires, dump, "REPLACE", *(["ABSTTL"] if expires else []))

    def stored(self, key, *words):
        """What a search stores of places that are equally far, where COUNT cuts among them, may be any of them."""
        self.same(list(words))
        contents = []
        for c in self.clients:
            reply = c("ZRANGE", key, 0, -1, "WITHSCORES")
            if isinstance(reply, Error):
                return
            contents.append(canonical("zset", [reply, 0])[0])
        if contents[0] != contents[1]:
            if [score for _, score in contents[0]] != [score for _, score in contents[1]]:
                raise Difference(words, *contents)
            self.carry_over(1, key)

    def diff(self, *words):
        """7.0 may fill the result with what it takes out again, and then it is no intset; it gets ours."""
        self.same(list(words))
        encodings = self.both("OBJECT", "ENCODING", words[1])
        if encodings == [b"intset", b"hashtable"]:
            self.carry_over(0, words[1])

    def carry_over(self, which, key):
        """The other server's value at KEY becomes that of WHICH."""
        c, other = self.clients[which], self.clients[1 - which]
        assert other("RESTORE", key, max(0, c("PEXPIRETIME", key)), c("DUMP", key), "REPLACE", "ABSTTL") == "OK"

    def hll(self, *words):
        """A sketch that strings were put behind is none here, and one to 7.0."""
        a, b = self.both(*words)
        if isinstance(a, Error) and a.startswith("INVALIDOBJ"):
            self.both("DEL", *words[1:])
        elif a != b:
            raise Difference(words, a, b)

    def digest(self):
        """What is in the database at hand."""
        ours, theirs = (database(c) for c in self.clients)
        compare_databases(ours, theirs)

    def digest_all(self):
        for db in range(self.databases):
            self.both("SELECT", db)
            self.digest()


# --- what a server holds ---

def value_commands(kind, key):
    return {
        "string": [("GET", key)], "list": [("LRANGE", key, 0, -1)], "hash": [("HGETALL", key), ("HLEN", key)],
        "set": [("SMEMBERS", key), ("SCARD", key)], "zset": [("ZRANGE", key, 0, -1, "WITHSCORES"), ("ZCARD", key)],
        "stream": [("XRANGE", key, "-", "+"), ("XINFO", "STREAM", key, "FULL", "COUNT", 0)],
    }.get(kind, [])


def canonical(kind, replies):
    if kind == "hash":
        return pairs(replies[0]), replies[1]
    if kind == "set":
        return sorted(replies[0]), replies[1]
    if kind == "zset":
        flat = replies[0]
        if flat and not isinstance(flat[0], list):
            flat = list(zip(flat[::2], flat[1::2]))
        return [(m, float(s)) for m, s in flat], replies[1]
    if kind == "stream":
        return replies[0], plain(replies[1])
    return replies


def database(client):
    """Every key of the database at hand: type, encoding, time and value."""
    keys = sorted(client("KEYS", "*"))
    types = client.pipeline([("TYPE", k) for k in keys])
    out = {}
    for key, kind in zip(keys, types):
        encoding, expires, *replies = client.pipeline([("OBJECT", "ENCODING", key), ("PEXPIRETIME", key),
                                                       *value_commands(str(kind), key)])
        out[key] = (str(kind), encoding, expires, canonical(str(kind), replies))
    return out


def compare_databases(ours, theirs, encodings=True):
    if ours.keys() != theirs.keys():
        raise Difference(["(keys)"], sorted(ours.keys() - theirs.keys()), sorted(theirs.keys() - ours.keys()))
    for key, (kind, encoding, expires, value) in ours.items():
        other_kind, other_encoding, other_expires, other_value = theirs[key]
        if kind == "stream":
            value = (value[0], no_more_than(value[1], other_value[1]))
        if (kind, value) != (other_kind, other_value):
            raise Difference(["(value)", key], (kind, value), (other_kind, other_value))
        if encodings and not encodings_alike(encoding, other_encoding):
            raise Difference(["(encoding)", key], encoding, other_encoding)
        if abs(expires - other_expires) > 20000:
            raise Difference(["(expiry)", key], expires, other_expires)


# --- the few steps that a difference needs ---

SHOWN = 200
EVERYWHERE = {"CONFIG", "SELECT", "SWAPDB", "FLUSHDB", "FLUSHALL", "RESET"}


def about(steps, keys):
    """Those of the steps in which one of the keys is named, and those that are about all."""
    return [s for s in steps if as_text(s[0]).upper() in EVERYWHERE or any(as_text(w) in keys for w in s[1:])]


class Shortest:
    """Fewer and fewer steps that end in the same difference."""

    def __init__(self, play, difference, seconds):
        self.play, self.difference = play, difference
        self.deadline = time.monotonic() + seconds

    def is_time(self):
        return time.monotonic() < self.deadline

    def fails(self, steps):
        try:
            self.play.reset()
            self.play.run([*steps, ["@digest_all"]])
        except Difference as found:
            return found if found.kind == self.difference.kind else None
        return None

    def by_keys(self, steps):
        """Only what concerns the keys, and those that they came from, and so on."""
        keys = set(self.difference.keys)
        names = {as_text(w) for s in steps for w in s[1:] if len(as_text(w)) == 2 and as_text(w)[1] in "012"} | {"any", ""}
        keys &= names
        while self.is_time():
            some = about(steps, keys)
            if self.fails(some):
                return some
            more = keys | {as_text(w) for s in some for w in s[1:] if as_text(w) in names}
            if more == keys:
                break
            keys = more
        return steps

    def prefix(self, steps):
        low, high = 0, len(steps)  # the first LOW do not fail, the first HIGH do
        while low + 1 < high and self.is_time():
            middle = (low + high) // 2
            low, high = (low, middle) if self.fails(steps[:middle]) else (middle, high)
        return steps[:high]

    def find(self, steps):
        """None: they do not end in it again."""
        if not self.fails(steps):
            return None
        changing = [s for s in steps if s[0] not in ("@digest", "@draw", "@scan")]
        steps = self.prefix(self.by_keys(changing if self.fails(changing) else steps))
        size = max(1, len(steps) // 2)
        while self.is_time():
            at, before = 0, len(steps)
            while at < len(steps) and self.is_time():
                without = steps[:at] + steps[at + size:]
                if self.fails(without):
                    steps = without
                else:
                    at += size
            if size == 1 and len(steps) == before:
                break
            size = max(1, size // 2)
        return steps


def report(play, steps, seed, difference, seconds=20):
    """What to say of a difference behind STEPS."""
    search = Shortest(play, difference, seconds)
    few = search.find(steps)
    if few is None:
        few, why = steps[-40:], "(this does not happen again when all steps are repeated)"
    else:
        why = search.fails(few)
    text = "\n".join("  " + line(words)[:SHOWN] for words in few[-SHOWN:])
    return f"seed {seed}, RESP{play.version}: {difference}\n{len(few)} of {len(steps)} steps do:\n{text}\n  -> {why}"

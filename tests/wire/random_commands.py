# SPDX-License-Identifier: BSD-3-Clause
"""Commands at random, on all types of values: what is asked in test_random.py. Keys and values
are few, so that commands meet; options come in any order; types do not always fit; numbers
stand at the ends of their ranges. Everything comes out of the seed alone, and nothing out
of the replies, so that a sequence can be played again.

A step is a list of words. One whose first word begins with "@" is more than a command:
random_play.py knows what it means."""
import random

FAR = 4102444800  # a time that does not come during a test
NUMBERS = ["0", "1", "-1", "5", "100", "2147483648", "9223372036854775807", "-9223372036854775808",
           "9223372036854775808", "18446744073709551616", "1.5", "", " 1", "01", "+1", "-0", "abc", "1e3", "0x10"]
# As times these would be soon or just gone, and the answers a matter of luck.
NO_TIMES = ("1", "5", "100", "2147483648", "9223372036854775807")
LETTERS = "abAB*?[]^-\\."
SCORES = ["0", "1", "2", "3", "-1", "1.5", "-2.25", "0.1", "3.3", "1e5", "inf", "-inf", "+inf", "-0", "1e300", "-1e300",
          "1e-300", "4294967296", "9007199254740993", "12345678901234567890", "100000", "0.30000000000000004"]
BOUNDS = ["-inf", "+inf", "(0", "(1", "0", "1", "2", "(2", "-1", "3.3", "(3.3", "1e5", "(inf", "100"]
LEXES = ["-", "+", "[a", "(a", "[b", "(c", "[m", "[m1", "(m2", "[", "(", "[zz"]
PLACES = [("13.361389", "38.115556"), ("15.087269", "37.502669"), ("2.35", "48.85"), ("-0.1", "51.5"), ("0", "0"),
          ("179.9", "-10"), ("-179.9", "-10"), ("13.4", "38.1"), ("13.5", "38.0"), ("180", "85"), ("-180", "-85"),
          ("181", "0"), ("0", "86"), ("x", "1")]
NAMES = {"string": "s", "bits": "b", "hll": "p", "list": "l", "hash": "h", "set": "e", "zset": "z", "geo": "g",
         "stream": "x"}
THRESHOLDS = {
    "hash-max-listpack-entries": (0, 2, 5, 128, 512, 100000), "hash-max-listpack-value": (0, 3, 8, 64, 100000),
    "zset-max-listpack-entries": (0, 2, 5, 128, 100000), "zset-max-listpack-value": (0, 2, 8, 64, 100000),
    "set-max-intset-entries": (0, 2, 5, 512, 100000), "list-max-listpack-size": (1, 2, 5, 128, -1, -2, -5),
    "list-compress-depth": (0, 0, 1, 2, 5), "stream-node-max-entries": (0, 1, 3, 100),
    "stream-node-max-bytes": (0, 20, 200, 4096),
}


class Commands:
    """A stream of steps. KNOWN: the names of the commands that may come, in upper case."""

    def __init__(self, seed, known=None, databases=2):
        self.rng = random.Random(seed)
        self.known, self.databases = known, databases
        self.pools = {family: [f"{name}{i}" for i in range(3)] for family, name in NAMES.items()}
        self.every = [key for pool in self.pools.values() for key in pool] + ["any", "", "k" * 70]
        self.grown = 0
        self.families = [(weight, family) for weight, family in (
            (10, self.string), (6, self.bits), (3, self.hll), (16, self.list), (16, self.hash), (14, self.set),
            (20, self.zset), (5, self.geo), (12, self.stream), (16, self.keys), (2, self.connection), (1, self.server),
            (2, self.special)) if known is None or self.is_there(family)]

    def is_there(self, family):
        needs = {self.stream: "XADD"}
        return needs.get(family, "GET") in self.known

    # --- words ---

    def pick(self, *choices):
        return self.rng.choice(choices)

    def key(self, family=None):
        if family is None or self.rng.random() < 0.06:
            return self.rng.choice(self.every)
        return self.rng.choice(self.pools[family])

    def keys_of(self, family, most=3):
        return [self.key(family) for _ in range(self.rng.randint(1, most))]

    def small(self):
        rng = self.rng
        return rng.choice([lambda: str(rng.randrange(8)), lambda: rng.choice("abcdefgh"),
                           lambda: f"m{rng.randrange(10)}", lambda: str(rng.randrange(-300, 300))])()

    def member(self):
        rng = self.rng
        chance = rng.random()
        if chance < 0.75:
            return self.small()
        if chance < 0.85:
            return f"m{rng.randrange(600)}"
        if chance < 0.88:
            return str(rng.randrange(-1 << 63, 1 << 63))
        if chance < 0.94:
            return rng.choice(NUMBERS)
        return rng.choice([b"", b"\x00", b"\xff\xfe", b"x" * 64, b"y" * 65, b"long" * 50, "3.0", "1.50", "a b", "\r\n"])

    def members(self, most=5):
        """Now and then very many."""
        rng = self.rng
        if rng.random() < 0.02:
            low = rng.choice((0, 0, 100, 1 << 20, 1 << 40))
            return [str(low + i) if low else f"m{i}" for i in rng.sample(range(1000), rng.choice((50, 150, 300)))]
        return [self.member() for _ in range(rng.randint(1, rng.choice((1, 2, most))))]

    def value(self):
        rng = self.rng
        if rng.random() < 0.6:
            return self.member()
        return rng.choice([lambda: rng.choice(NUMBERS), lambda: rng.randbytes(rng.choice((0, 1, 8, 44, 45, 200))),
                           lambda: str(rng.randrange(-1 << 63, 1 << 63)), lambda: "v" * rng.choice((1, 100, 1000, 9000)),
                           lambda: f"{rng.uniform(-9, 9):.3f}"])()

    def index(self):
        rng = self.rng
        return rng.choice([lambda: rng.randrange(-4, 5), lambda: rng.randrange(-40, 40), lambda: rng.choice(NUMBERS)]
                          if rng.random() < 0.3 else [lambda: rng.randrange(-6, 8)])()

    def count(self):
        rng = self.rng
        return rng.choice(NUMBERS) if rng.random() < 0.08 else rng.choice((0, 1, 1, 2, 2, 3, 10, 1000))

    def few(self):
        """A count that does not make a big reply of a negative one."""
        return self.rng.choice((0, 1, 2, 3, 10, -1, -3, -10, "x", "", "9223372036854775807", "-9223372036854775808"))

    def score(self):
        rng = self.rng
        if rng.random() < 0.7:
            return str(rng.randrange(6))
        # No 1e400: SORT of 7.0 takes any number for one out of range when the one before was, even elsewhere.
        return rng.choice(SCORES) if rng.random() < 0.95 else rng.choice(("x", "", "nan", "0x10", " 1"))

    def options(self, *choices, most=None):
        """Some of the CHOICES, lists of words, in any order."""
        rng = self.rng
        count = min(rng.choice((0, 0, 1, 1, 2, 3) if most is None else range(most + 1)), len(choices))
        return [word for option in rng.sample(choices, count) for word in option]

    def pattern(self):
        if self.rng.random() < 0.5:
            return self.pick("*", "m*", "?", "[a-d]", "*1*", "m?", "\\m1", "[^a]", "-*")
        return "".join(self.rng.choice(LETTERS) for _ in range(self.rng.randrange(6)))

    def when(self, ahead):
        """A number for an expiry: far away, or no good."""
        rng = self.rng
        if rng.random() < 0.15:
            return rng.choice([n for n in NUMBERS if n not in NO_TIMES])
        return ahead + rng.randrange(ahead)

    def expiry_option(self):
        return self.pick(["EX", self.when(100000)], ["PX", self.when(100000000)], ["EXAT", self.when(FAR)],
                         ["PXAT", self.when(FAR * 1000)])

    # --- strings ---

    def string(self):
        key = self.key("string")
        return self.rng.choice((
            lambda: ["GET", key], lambda: ["SET", key, self.value(), *self.options(
                ["NX"], ["XX"], ["GET"], ["KEEPTTL"], self.expiry_option(), self.expiry_option(), ["nonsense"])],
            lambda: ["SET", key, self.value()], lambda: ["SETNX", key, self.value()],
            lambda: [*self.pick(("SETEX", self.when(100000)), ("PSETEX", self.when(100000000)))[:1], key,
                     self.when(100000000), self.value()],
            lambda: ["GETSET", key, self.value()], lambda: ["GETDEL", key],
            lambda: ["GETEX", key, *self.options(["PERSIST"], self.expiry_option())],
            lambda: ["APPEND", key, self.value()], lambda: ["STRLEN", key],
            lambda: ["SETRANGE", key, self.pick(0, 1, 5, 50, 300, -1, "x", "536870912"), self.value()],
            lambda: [self.pick("GETRANGE", "SUBSTR"), key, self.index(), self.index()],
            lambda: [self.pick("INCR", "DECR"), key],
            lambda: [self.pick("INCRBY", "DECRBY"), key, self.pick(*NUMBERS, "3", "-7")],
            lambda: ["INCRBYFLOAT", key, self.pick("0.1", "-2.5", "3", "1e5", "1e17", *SCORES, *NUMBERS)],
            lambda: ["MGET", *self.keys_of("string", 4)],
            lambda: [self.pick("MSET", "MSETNX"), *(w for k in self.keys_of("string", 3) for w in (k, self.value()))],
            lambda: ["LCS", key, self.key("string"), *self.options(
                ["LEN"], ["IDX"], ["MINMATCHLEN", self.pick(0, 1, 3, -1, "x")], ["WITHMATCHLEN"])],
        ))()

    def bit_offset(self):
        return self.pick(*range(20), 77, 300, 5000, "-1", "x", 6000, 70000,
                         "4294967296")

    def field_operation(self, read_only):
        rng = self.rng
        kind = f"{rng.choice('iu')}{rng.choice((1, 2, 5, 8, 16, 31, 32, 63))}" if rng.random() < 0.95 else self.pick(
            "i64", "u64", "i65", "u0", "x", "")
        at = self.pick(0, 1, 3, 8, 31, 100, "#0", "#1", "#5", "-1", "x", "#x")
        number = self.pick(0, 1, -1, 5, 100, -100, 255, 65536, "x", 4294967295)
        one = rng.choice((["GET", kind, at],) if read_only else (
            ["GET", kind, at], ["SET", kind, at, number], ["INCRBY", kind, at, number]))
        return [*(["OVERFLOW", self.pick("WRAP", "SAT", "FAIL", "x")] if rng.random() < 0.3 and not read_only else []),
                *one]

    def bits(self):
        key = self.key("bits")
        bit = self.pick(0, 1, 0, 1, 0, 1, 2, "x")
        both = [self.index(), self.index(), *self.options(["BYTE"], ["BIT"], most=1)]
        return self.rng.choice((
            lambda: ["SETBIT", key, self.bit_offset(), bit], lambda: ["GETBIT", key, self.bit_offset()],
            lambda: ["SETBIT", key, self.bit_offset(), bit], lambda: ["BITCOUNT", key, *self.pick([], both)],
            lambda: ["BITPOS", key, bit, *self.pick([], both[:1], both[:2], both)],
            lambda: ["BITOP", self.pick("AND", "OR", "XOR", "NOT", "xor", "x"), self.key("bits"),
                     *self.keys_of("bits", 4)],
            lambda: ["BITFIELD", key, *(w for _ in range(self.pick(1, 1, 2, 4)) for w in self.field_operation(False))],
            lambda: ["BITFIELD_RO", key, *(w for _ in range(self.pick(1, 2)) for w in self.field_operation(True))],
            lambda: [self.pick("GET", "STRLEN"), key],
        ))()

    def hll(self):
        key = self.key("hll")
        return self.rng.choice((
            lambda: ["PFADD", key, *self.members(10)], lambda: ["PFADD", key, *self.members(10)],
            lambda: ["PFCOUNT", *self.keys_of("hll")], lambda: ["PFMERGE", key, *self.keys_of("hll")],
            lambda: ["GET", key], lambda: ["PFADD", key],
        ))()

    # --- lists ---

    def end(self):
        return "x" if self.rng.random() < 0.02 else self.pick("LEFT", "RIGHT", "left")

    def soon(self):
        """A time to wait: hardly one, since the test waits as well."""
        return self.pick("0.001", "0.001", "0.0001", "-1", "x", "1e-9", "nan")

    def list(self):
        key, end = self.key("list"), self.end
        return self.rng.choice((
            lambda: [self.pick("LPUSH", "RPUSH"), key, *self.members()],
            lambda: [self.pick("LPUSH", "RPUSH"), key, *self.members()],
            lambda: [self.pick("LPUSHX", "RPUSHX"), key, *self.members()],
            lambda: [self.pick("LPOP", "RPOP"), key, *self.pick([], [self.count()])],
            lambda: ["LLEN", key], lambda: ["LINDEX", key, self.index()], lambda: ["LRANGE", key, self.index(), self.index()],
            lambda: ["LRANGE", key, 0, -1], lambda: ["LSET", key, self.index(), self.member()],
            lambda: ["LINSERT", key, self.pick("BEFORE", "AFTER", "after", "x"), self.member(), self.member()],
            lambda: ["LREM", key, self.pick(0, 1, -1, 2, -2, "x"), self.member()],
            lambda: ["LTRIM", key, self.pick(0, 0, 1, -5, -100, self.index()), self.pick(-1, -1, -2, 50, self.index())],
            lambda: ["LPOS", key, self.member(), *self.options(
                ["RANK", self.pick(1, -1, 2, -2, 0, "x")], ["COUNT", self.pick(0, 1, 2, -1)],
                ["MAXLEN", self.pick(0, 1, 5, -1)])],
            lambda: ["LMOVE", key, self.key("list"), end(), end()], lambda: ["RPOPLPUSH", key, self.key("list")],
            lambda: self.many_keys("LMPOP", "list", [end()]),
            lambda: [self.pick("BLPOP", "BRPOP"), *self.keys_of("list"), self.soon()],
            lambda: ["BLMOVE", key, self.key("list"), end(), end(), self.soon()],
            lambda: ["BRPOPLPUSH", key, self.key("list"), self.soon()],
            lambda: ["BLMPOP", self.soon(), *self.many_keys("", "list", [end()])[1:]],
        ))()

    def many_keys(self, name, family, behind, option="COUNT"):
        keys = self.keys_of(family)
        number = len(keys) if self.rng.random() < 0.95 else self.pick(0, -1, 5, "x")
        return [name, number, *keys, *behind, *([option, self.count()] if self.rng.random() < 0.5 else [])]

    # --- hashes ---

    def fields(self):
        return [w for m in self.members(4) for w in (m, self.value() if self.rng.random() < 0.3 else self.member())]

    def hash(self):
        key, field = self.key("hash"), self.member()
        return self.rng.choice((
            lambda: ["HSET", key, *self.fields()], lambda: ["HSET", key, *self.fields()],
            lambda: ["HMSET", key, *self.fields()], lambda: ["HGET", key, field], lambda: ["HMGET", key, *self.members()],
            lambda: [self.pick("HGETALL", "HKEYS", "HVALS", "HLEN"), key], lambda: ["HDEL", key, *self.members()],
            lambda: ["HDEL", key, *self.members()], lambda: ["HEXISTS", key, field],
            lambda: ["HSETNX", key, field, self.value()], lambda: ["HSTRLEN", key, field],
            lambda: ["HINCRBY", key, field, self.pick(1, -1, 5, *NUMBERS)],
            lambda: ["HINCRBYFLOAT", key, field, self.pick("0.1", "-2.5", "3", *SCORES)],
            lambda: ["@draw", "HRANDFIELD", key, *self.pick([], [self.few()], [self.few(), "WITHVALUES"])],
            lambda: ["@scan", "HSCAN", key, *self.options(["MATCH", self.pattern()], ["COUNT", self.pick(1, 3, 10, 500)])],
            lambda: ["HSCAN", key, 0, "COUNT", 100000],
        ))()

    # --- sets ---

    def set(self):
        key = self.key("set")
        return self.rng.choice((
            lambda: ["SADD", key, *self.members()], lambda: ["SADD", key, *self.members()],
            lambda: ["SADD", key, *(self.rng.randrange(40) for _ in range(3))], lambda: ["SREM", key, *self.members()],
            lambda: ["SMEMBERS", key], lambda: ["SISMEMBER", key, self.member()],
            lambda: ["SMISMEMBER", key, *self.members()], lambda: ["SCARD", key],
            lambda: ["SMOVE", key, self.key("set"), self.member()],
            lambda: ["@pop", "SPOP", key, *self.pick([], [self.pick(0, 1, 2, 5, 100, -1, "x")])],
            lambda: ["@draw", "SRANDMEMBER", key, *self.pick([], [self.few()])],
            lambda: [self.pick("SINTER", "SUNION", "SDIFF"), *self.keys_of("set")],
            lambda: [self.pick("SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"), self.key("set"), *self.keys_of("set")],
            lambda: self.many_keys("SINTERCARD", "set", [], "LIMIT"),
            lambda: ["@scan", "SSCAN", key, *self.options(["MATCH", self.pattern()], ["COUNT", self.pick(1, 3, 10, 500)])],
        ))()

    # --- sorted sets ---

    def scored(self):
        one = self.score() if self.rng.random() < 0.15 else None
        return [w for m in self.members(4) for w in (one or self.score(), m)]

    def zadd(self):
        return ["ZADD", self.key("zset"), *self.options(["NX"], ["XX"], ["GT"], ["LT"], ["CH"], ["INCR"]), *self.scored()]

    def limit(self):
        return ["LIMIT", self.pick(0, 0, 1, 3, -1, "x"), self.pick(1, 2, 10, -1, 0)]

    def zrange(self):
        rng = self.rng
        by = rng.choice((["BYSCORE"], ["BYLEX"], [], ["BYSCORE", "BYLEX"] if rng.random() < 0.1 else []))
        low, high = ([self.pick(*BOUNDS), self.pick(*BOUNDS)] if by == ["BYSCORE"] else
                     [self.pick(*LEXES), self.pick(*LEXES)] if by == ["BYLEX"] else [self.index(), self.index()])
        if rng.random() < 0.03:
            low = self.pick(*BOUNDS, *LEXES, "x", "nan", "(x")
        return low, high, by

    def zrange_command(self):
        low, high, by = self.zrange()
        options = [by, ["REV"] if self.rng.random() < 0.3 else [], self.limit() if self.rng.random() < 0.3 else [],
                   ["WITHSCORES"] if self.rng.random() < 0.4 else []]
        if self.rng.random() < 0.2:
            self.rng.shuffle(options[:3])
            return ["ZRANGESTORE", self.key("zset"), self.key("zset"), low, high, *(w for o in options[:3] for w in o)]
        self.rng.shuffle(options)
        return ["ZRANGE", self.key("zset"), low, high, *(w for o in options for w in o)]

    def zrange_old(self):
        name, bounds, scores = self.pick(("ZRANGEBYSCORE", BOUNDS, True), ("ZREVRANGEBYSCORE", BOUNDS, True),
                                         ("ZRANGEBYLEX", LEXES, False), ("ZREVRANGEBYLEX", LEXES, False))
        return [name, self.key("zset"), self.pick(*bounds), self.pick(*bounds), *self.options(
            self.limit(), ["WITHSCORES"] if scores else [], most=2)]

    def zcombine(self, family="zset"):
        rng = self.rng
        sources = [self.key(self.pick(family, family, family, "set")) for _ in range(rng.randint(1, 3))]
        number = len(sources) if rng.random() < 0.96 else self.pick(0, -1, 7, "x")
        weights = ["WEIGHTS", *(self.pick(1, 2, -1, "0.5", 0, "inf", "x" if rng.random() < 0.1 else 3)
                                for _ in sources)]
        options = [weights, ["AGGREGATE", self.pick("SUM", "MIN", "MAX", "x" if rng.random() < 0.1 else "sum")]]
        if rng.random() < 0.5:
            name = self.pick("ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE")
            return [name, self.key(family), number, *sources, *([] if name[:5] == "ZDIFF" else self.options(*options))]
        name = self.pick("ZUNION", "ZINTER", "ZDIFF")
        return [name, number, *sources, *self.options(["WITHSCORES"], *([] if name == "ZDIFF" else options))]

    def zset(self):
        key = self.key("zset")
        return self.rng.choice((
            self.zadd, self.zadd, lambda: ["ZADD", key, *self.scored()], self.zrange_command, self.zrange_command,
            self.zrange_old, self.zcombine, self.zcombine,
            lambda: ["ZINCRBY", key, self.score(), self.member()], lambda: ["ZREM", key, *self.members()],
            lambda: ["ZCARD", key], lambda: ["ZCOUNT", key, self.pick(*BOUNDS), self.pick(*BOUNDS)],
            lambda: ["ZLEXCOUNT", key, self.pick(*LEXES), self.pick(*LEXES)],
            lambda: [self.pick("ZRANK", "ZREVRANK", "ZSCORE"), key, self.member()],
            lambda: ["ZMSCORE", key, *self.members()],
            lambda: [self.pick("ZREVRANGE", "ZRANGE"), key, self.index(), self.index(), *self.options(["WITHSCORES"])],
            lambda: [self.pick("ZPOPMIN", "ZPOPMAX"), key, *self.pick([], [self.count()])],
            lambda: self.many_keys("ZMPOP", "zset", [self.pick("MIN", "MAX")]),
            lambda: [self.pick("BZPOPMIN", "BZPOPMAX"), *self.keys_of("zset"), self.soon()],
            lambda: ["BZMPOP", self.soon(), *self.many_keys("", "zset", [self.pick("MIN", "MAX")])[1:]],
            lambda: ["ZREMRANGEBYRANK", key, self.index(), self.index()],
            lambda: ["ZREMRANGEBYSCORE", key, self.pick(*BOUNDS), self.pick(*BOUNDS)],
            lambda: ["ZREMRANGEBYLEX", key, self.pick(*LEXES), self.pick(*LEXES)],
            lambda: self.many_keys("ZINTERCARD", "zset", [], "LIMIT"),
            lambda: ["@draw", "ZRANDMEMBER", key, *self.pick([], [self.few()], [self.few(), "WITHSCORES"])],
            lambda: ["@scan", "ZSCAN", key, *self.options(["MATCH", self.pattern()], ["COUNT", self.pick(1, 3, 10, 500)])],
        ))()

    def geo(self):
        rng, key, unit = self.rng, self.key("geo"), self.pick("m", "km", "ft", "mi", "KM")
        unit = unit if rng.random() < 0.98 else "x"
        name = lambda: f"p{rng.randrange(12)}"  # noqa: E731
        place = rng.choice(PLACES[:11] if rng.random() < 0.95 else PLACES)
        radius = self.pick(0, 1, 10, 100, 500, 5000, 30000, -1 if rng.random() < 0.1 else 50)
        spread = (rng.uniform(-180, 180), rng.uniform(-85, 85))
        near = (float(PLACES[0][0]) + rng.uniform(-1, 1), float(PLACES[0][1]) + rng.uniform(-1, 1))
        shape = self.pick(["BYRADIUS", radius, unit], ["BYBOX", radius, radius, unit])
        centre = self.pick(["FROMMEMBER", name()], ["FROMLONLAT", *place])
        told = [["WITHCOORD"], ["WITHDIST"], ["WITHHASH"]]
        some = [["ASC"], ["DESC"], ["COUNT", self.pick(1, 2, 5, 0)]]
        return rng.choice((
            lambda: ["GEOADD", key, *self.options(["NX"], ["XX"], ["CH"]),
                     *(str(w) for _ in range(rng.randint(1, 4)) for w in (*self.pick(spread, near, place), name()))],
            lambda: ["GEODIST", key, name(), name(), *self.pick([], [unit])],
            lambda: [self.pick("GEOHASH", "GEOPOS"), key, name(), name()],
            lambda: ["GEOSEARCH", key, *centre, *shape, *self.options(*told, *some)],
            lambda: ["GEOSEARCHSTORE", self.key("geo"), key, *centre, *shape, *self.options(*some, ["STOREDIST"])],
            lambda: [self.pick("GEORADIUS", "GEORADIUS_RO"), key, *place, radius, unit, *self.options(*told, *some)],
            lambda: ["GEORADIUSBYMEMBER", key, name(), radius, unit, *self.options(*told, *some)],
            lambda: ["GEORADIUS", key, *place, radius, unit, *self.options(*some), self.pick("STORE", "STOREDIST"),
                     self.key("geo")],
            lambda: ["ZREM", key, name()], lambda: ["ZRANGE", key, 0, -1, "WITHSCORES"],
        ))()

    # --- streams ---

    def id(self):
        rng = self.rng
        if rng.random() < 0.04:
            return self.pick("0", "0-0", "x", "1-x", "18446744073709551615-18446744073709551615", "18446744073709551616",
                             "1-18446744073709551615", "-1", "")
        return f"{rng.randrange(max(1, self.grown - 30), self.grown + 3)}-{rng.randrange(3)}"

    def trimming(self):
        if self.rng.random() < 0.5:
            what = ["MAXLEN", *self.pick(["~"], ["="], []), self.pick(0, 1, 3, 10, 30, "-1", "x" if self.rng.random() < 0.1 else 5)]
        else:
            what = ["MINID", *self.pick(["~"], ["="], []), self.id()]
        return [*what, *(["LIMIT", self.pick(0, 1, 5, 100, -1)] if self.rng.random() < 0.2 else [])]

    def xadd(self):
        rng = self.rng
        self.grown += rng.choice((0, 1, 1, 2))
        new = f"{self.grown}-{rng.choice(('*', '*', 0, 1, 2))}" if rng.random() < 0.9 else self.id()
        same = [["f", self.member()], ["a", self.member(), "b", self.member()]]
        fields = rng.choice(same) if rng.random() < 0.7 else self.fields()
        return ["XADD", self.key("stream"), *(["NOMKSTREAM"] if rng.random() < 0.1 else []),
                *(self.trimming() if rng.random() < 0.15 else []), new, *fields]

    def group(self):
        return self.pick("g1", "g1", "g1", "g2", "g2", "no")

    def consumer(self):
        return self.pick("alice", "bob", "carol")

    def span(self):
        low = self.pick("-", self.id(), "(" + self.id(), self.id().split("-", maxsplit=1)[0])
        high = self.pick("+", self.id(), "(" + self.id(), self.id().split("-", maxsplit=1)[0])
        return low, high

    def stream(self):
        rng, key = self.rng, self.key("stream")
        if rng.random() < 0.45:
            return self.stream_group()
        low, high = self.span()
        counted = self.pick([], ["COUNT", self.pick(1, 2, 5, 100, 0, -1)])
        return rng.choice((
            self.xadd, self.xadd, self.xadd, self.xadd, lambda: ["XLEN", key], lambda: ["XDEL", key, self.id(), self.id()],
            lambda: ["XTRIM", key, *self.trimming()], lambda: ["XRANGE", key, low, high, *counted],
            lambda: ["XREVRANGE", key, high, low, *counted],
            lambda: ["XREAD", *counted, "STREAMS", key, self.key("stream"), self.pick(self.id(), "0", "$"), self.id()],
            lambda: ["XREAD", *self.options(counted, ["BLOCK", self.pick(1, "x", -1)]), "STREAMS", key, self.id()],
            lambda: ["XSETID", key, f"{self.grown + rng.randrange(2)}-9", *self.options(
                ["ENTRIESADDED", rng.randrange(500)], ["MAXDELETEDID", self.id()])],
            lambda: ["XINFO", "STREAM", key, *self.pick([], ["FULL"], ["FULL", "COUNT", self.pick(0, 1, 5)])],
        ))()

    def stream_group(self):
        rng, key, group = self.rng, self.key("stream"), self.group()
        counted = self.pick([], ["COUNT", self.pick(1, 2, 5, 100)])
        ids = [self.id() for _ in range(self.pick(1, 2, 5, 12))]
        low, high = self.span()
        return rng.choice((
            lambda: ["XGROUP", "CREATE", key, group, self.pick("$", "0", self.id()),
                     *self.options(["MKSTREAM"], ["ENTRIESREAD", self.pick(0, -1, "x")])],
            lambda: ["XGROUP", "CREATE", key, group, "0", "MKSTREAM"],
            lambda: ["XGROUP", "SETID", key, group, self.pick("$", "0", self.id()),
                     *self.options(["ENTRIESREAD", self.pick(0, -1)])],
            lambda: ["XGROUP", "DESTROY", key, group] if rng.random() < 0.3 else ["XLEN", key],
            lambda: ["XGROUP", self.pick("CREATECONSUMER", "DELCONSUMER"), key, group, self.consumer()],
            *(lambda: ["XREADGROUP", "GROUP", group, self.consumer(), *self.options(counted, ["NOACK"]), "STREAMS", key,
                       self.pick(">", ">", ">", "0", self.id())] for _ in range(4)),
            lambda: ["XACK", key, group, *ids], lambda: ["XACK", key, group, *ids],
            lambda: ["XPENDING", key, group],
            lambda: ["XPENDING", key, group, *self.options(["IDLE", 0]), low, high, self.pick(1, 5, 100, 0, -1),
                     *self.pick([], [self.consumer()])],
            lambda: ["XCLAIM", key, group, self.consumer(), self.pick(0, 0, -1, "x", FAR * 1000), *ids, *self.options(
                ["IDLE", self.pick(0, 1000)], ["RETRYCOUNT", self.pick(0, 3, -1)], ["FORCE"], ["JUSTID"],
                ["LASTID", self.id()], ["TIME", 1000])],
            lambda: ["XAUTOCLAIM", key, group, self.consumer(), 0, self.pick("0", "0-0", self.id()),
                     *self.options(["COUNT", self.pick(1, 3, 10, 0)], ["JUSTID"])],
            lambda: ["XINFO", self.pick("GROUPS", "CONSUMERS"), key, *self.pick([], [group])],
        ))()

    # --- keys ---

    def sort(self):
        rng = self.rng
        key = self.key(self.pick("list", "list", "set", "zset"))
        sorted_how = self.options(
            ["BY", self.pick("s*", "nosuch*", "h*->f", "h0->*", "*")], ["GET", "#"], ["GET", self.pick("s*", "h*->m1", "*->f")],
            ["LIMIT", self.pick(0, 0, 1, 3, -1, "x"), self.pick(2, 10, -1, 0)], [self.pick("ASC", "DESC")],
            ["STORE", self.key("list")], most=4)
        # Where weights are texts and equal, which comes first is nowhere said.
        alpha = ["ALPHA"] if "BY" not in sorted_how and rng.random() < 0.7 else []
        name = self.pick("SORT", "SORT", "SORT", "SORT_RO")
        return [name, key, *self.pick([*alpha, *sorted_how], [*sorted_how, *alpha])]

    def expire(self):
        name, ahead = self.pick(("EXPIRE", 100000), ("PEXPIRE", 100000000), ("EXPIREAT", FAR), ("PEXPIREAT", FAR * 1000))
        conditions = self.rng.sample(("NX", "XX", "GT", "LT"), self.pick(0, 0, 0, 1, 1, 2))
        return [name, self.key(), self.when(ahead), *conditions]

    def scan(self):
        return self.options(["MATCH", self.pattern()], ["COUNT", self.pick(1, 3, 1000, 0, "x")],
                            ["TYPE", self.pick("string", "list", "hash", "set", "zset", "stream", "nosuch")])

    def keys(self):
        family = self.pick(*self.pools)
        key, other = self.key(family), self.key(self.pick(family, *self.pools))
        return self.rng.choice((
            lambda: ["DEL" if self.rng.random() < 0.7 else "UNLINK", *self.keys_of(family, 2)],
            lambda: [self.pick("EXISTS", "TOUCH"), *self.keys_of(family)], lambda: ["TYPE", key],
            lambda: [self.pick("RENAME", "RENAMENX"), key, other],
            lambda: ["COPY", key, other, *self.options(["REPLACE"], ["DB", self.pick(0, 1, 99, "x")])],
            lambda: ["COPY", key, other, "REPLACE"], lambda: ["MOVE", key, self.pick(0, 1, 1, "x", 99)],
            lambda: ["@cross", key, other, self.pick(0, 0, self.when(100000000))],
            lambda: ["@cross", key, key, 0], lambda: ["@restore", key, other, *self.options(
                ["REPLACE"], ["IDLETIME", self.pick(5, -1, "x")], ["FREQ", self.pick(5, 256, "x")], ["nonsense"])],
            self.expire, self.expire,
            lambda: [self.pick("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"), key],
            self.sort, self.sort, self.sort, lambda: ["OBJECT", "ENCODING", key], lambda: ["OBJECT", "ENCODING", key],
            lambda: ["OBJECT", self.pick("REFCOUNT", "FREQ"), key], lambda: ["KEYS", self.pattern()], lambda: ["DBSIZE"],
            lambda: ["@scan", "SCAN", *self.scan()], lambda: ["@draw", "RANDOMKEY"],
        ))()

    # --- connections ---

    def connection(self):
        db = str(self.rng.randrange(self.databases))
        return self.rng.choice((
            lambda: ["PING", *self.rng.sample([b"x", b"y"], self.pick(0, 1, 2))], lambda: ["ECHO", self.value()],
            lambda: ["SELECT", db], lambda: ["SELECT", "0"], lambda: ["SELECT", self.pick("99", "-1", "x", "")],
            lambda: ["SWAPDB", "0", self.pick("1", "99", "x")] if self.rng.random() < 0.2 else ["PING"],
            lambda: ["CLIENT", self.pick("GETNAME", "SETNAME", "NOSUCH"), *self.pick([], [self.key()])],
            lambda: ["CLIENT", "REPLY", self.pick("ON", "SKIP", "x")],
            lambda: ["CONFIG", "GET", self.pick("timeout", "nosuch", "TIMEOUT", "tcp-keep*")],
            lambda: ["AUTH", *self.rng.sample(("default", "x", "y"), self.rng.randrange(4))],
            lambda: ["COMMAND", "GETKEYS", *self.string()], lambda: ["COMMAND", "GETKEYS", *self.zcombine()],
            lambda: ["COMMAND", "GETKEYS", *self.sort()], lambda: ["WAIT", "0", self.pick(*NUMBERS)],
            lambda: ["RESET"], lambda: [self.value()],
        ))()

    def server(self):
        if self.rng.random() < 0.05:
            return [self.pick("FLUSHDB", "FLUSHALL"), *self.rng.sample(("ASYNC", "SYNC", "x"), self.pick(0, 0, 1, 2))]
        return self.threshold(self.pick(*(n for n in self.thresholds() if "-value" not in n)))

    def thresholds(self):
        return [n for n in THRESHOLDS if self.known is None or "XADD" in self.known or n[:6] != "stream"]

    def threshold(self, name):
        return ["CONFIG", "SET", name, str(self.pick(*THRESHOLDS[name]))]

    def first(self):
        """Thresholds to begin with. Those of lengths stay, since 7.0 does not look at them when it loads."""
        return [self.threshold(name) for name in self.thresholds()]

    def special(self):
        return self.pick(["@digest"], ["@digest"], ["@cross", self.key(), self.key(), 0])

    # --- all of it ---

    def mess(self, words):
        """Sometimes a word too many, too few, in another case, or another one."""
        rng = self.rng
        chance = rng.random()
        if chance > 0.12 or words[0][:1] in ("@", b"@") or words[0] in ("CONFIG", "RESET", "FLUSHALL"):
            return words
        words = list(words)
        if chance < 0.01:
            words.append(self.pick(self.key(), "EX", "NX", "0", "COUNT"))
        elif chance < 0.02 and len(words) > 1:
            words.pop()
        elif chance < 0.03:
            at = rng.randrange(len(words))
            words[at] = rng.choice([n for n in NUMBERS if n not in NO_TIMES]) if at else "no" + str(words[0])
        else:
            words = [w.swapcase() if i == 0 and isinstance(w, str) else w for i, w in enumerate(words)]
        return words

    def one(self):
        while True:
            family = self.rng.choices([f for _, f in self.families], [w for w, _ in self.families])[0]
            words = self.mess(family())
            if self.is_left_out(words):
                continue
            if str(words[0])[:3].upper() == "GEO" and "COUNT" in words and (to := self.stored_at(words)) is not None:
                return ["@stored", to, *words]
            if str(words[0]).upper() == "SDIFFSTORE":
                return ["@diff", *words]
            by_member = "LEX" in str(words[0]).upper() or any(str(w).upper() == "BYLEX" for w in words)
            if len(words) < 2:
                return words
            if str(words[0])[:2].upper() == "PF":
                return ["@hll", *words]
            return ["@lex", *words] if by_member and len(words) > 2 else ["@sort", *words] if str(words[0]).upper()[:4] == "SORT" else words

    @staticmethod
    def stored_at(words):
        """The key in which a search stores what it finds."""
        if str(words[0]).upper() == "GEOSEARCHSTORE":
            return words[1]
        at = [i + 1 for i, word in enumerate(words[:-1]) if word in ("STORE", "STOREDIST")]
        return words[at[-1]] if at else None

    @staticmethod
    def is_left_out(words):
        """What answers differently on purpose, as the tables say where; and what would take for ever."""
        name = str(words[0]).upper()
        number = str(words[-1])
        if name == "BITCOUNT" and len(words) == 3:
            return True  # a range without an end
        if name in ("BLPOP", "BRPOP", "BZPOPMIN", "BZPOPMAX", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZMPOP"):
            timeout = str(words[1] if name[2:] == "MPOP" and len(words) > 1 else number)
            return timeout not in ("0.001", "0.0001", "-1", "x", "1e-9", "nan", "abc", "")
        if name[:4] == "SORT" and "BY" in words and "*" not in str(words[words.index("BY") + 1:][:1]):
            return True  # as a set's members happen to lie
        if name == "COMMAND":  # 7.0 takes the first digits of what is no number for the number of keys
            return any(word in NUMBERS[NUMBERS.index("9223372036854775808"):] for word in words[3:5])
        if name == "LPOS":
            return "-9223372036854775808" in words[3:]  # 7.0 searches with a rank that cannot be negated
        if "BLOCK" in words:
            at = words.index("BLOCK") + 1
            return at < len(words) and words[at] not in (1, -1, "x")
        if name in ("SETBIT", "SETRANGE", "BITFIELD"):
            return "2147483648" in words  # 256 MiB, again and again
        return False

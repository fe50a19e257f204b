# SPDX-License-Identifier: BSD-3-Clause
"""Random requests in random pipelines to miniredis and to the real redis-server: equal
replies, byte for byte. The tables ask what somebody thought of; this asks the rest. And
many clients at once, whose bytes come in any pieces: each gets its own answers in order.

MINIREDIS_RANDOM_ROUNDS runs more of them, MINIREDIS_RANDOM_SEED others."""
import os
import random
import select

import pytest
from conftest import encode, wait_until
from oracle import oracle, start_oracle  # noqa: F401
from test_differential import take
from wire import conversation

ROUNDS = int(os.environ.get("MINIREDIS_RANDOM_ROUNDS", "600"))
SEED = int(os.environ.get("MINIREDIS_RANDOM_SEED", "0"))
FAR = 4102444800  # a time that does not come during a test
NUMBERS = ["0", "1", "-1", "5", "100", "2147483648", "9223372036854775807", "-9223372036854775808",
           "9223372036854775808", "18446744073709551616", "1.5", "", " 1", "01", "+1", "-0", "abc", "1e3", "0x10"]
# As times these would be soon or just gone, and the answers a matter of luck.
NO_TIMES = ("1", "5", "100", "2147483648")
PAYLOADS = [b"\x00\xc0\x01\x0a\x00\x26\x78\xe7\xb6\xd1\x01\x11\xfc", b"\x00\x03abc\x0a\x00\xd9\xac\x30\x3d\x41\x72\xa2\xe2",
            b"\x00\x00\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda", b"\x00\x00\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xdb", b""]
LETTERS = "abAB*?[]^-\\."


class Requests:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.keys = [b"a", b"b", b"c", b"ab", b"abc", b"a*c", b"", b"\x00", b"A", b"[x]", b"\xff\xfe", b"key:1",
                     b"key:2", b"1", b"k" * 70]

    def key(self):
        return self.rng.choice(self.keys)

    def value(self):
        rng = self.rng
        return rng.choice([lambda: rng.choice(NUMBERS), lambda: rng.randbytes(rng.choice((0, 1, 8, 44, 45, 200))),
                           lambda: str(rng.randrange(-1 << 63, 1 << 63)), lambda: "v" * rng.choice((1, 1000, 20000))])()

    def pattern(self):
        return "".join(self.rng.choice(LETTERS) for _ in range(self.rng.randrange(6)))

    def mess(self, words):
        """Sometimes a word too many, too few, in another case, or another one."""
        rng, words = self.rng, list(words)
        chance = rng.random()
        if chance < 0.03:
            words.append(rng.choice((self.key(), b"EX", b"NX", b"0")))
        elif chance < 0.06 and len(words) > 1:
            words.pop()
        elif chance < 0.09:
            at = rng.randrange(len(words))
            words[at] = rng.choice([n for n in NUMBERS if n not in NO_TIMES]) if at else "no" + str(words[0])
        elif chance < 0.3:
            words = [w.swapcase() if isinstance(w, str) and rng.random() < 0.5 else w for w in words]
        return words

    def when(self, ahead):
        """A number for an expiry: far away, or no good."""
        rng = self.rng
        if rng.random() < 0.25:
            return rng.choice([n for n in NUMBERS if n not in NO_TIMES])
        return ahead + rng.randrange(ahead)

    def set(self):
        rng = self.rng
        words = ["SET", self.key(), self.value()]
        choices = [["NX"], ["XX"], ["GET"], ["KEEPTTL"], ["EX", self.when(100000)], ["PX", self.when(100000000)],
                   ["EXAT", self.when(FAR)], ["PXAT", self.when(FAR * 1000)], ["nonsense"]]
        for option in rng.sample(choices, rng.choice((0, 0, 0, 1, 1, 2, 3))):
            words += option
        return words

    def expire(self):
        rng = self.rng
        name, ahead = rng.choice((("EXPIRE", 100000), ("PEXPIRE", 100000000), ("EXPIREAT", FAR),
                                  ("PEXPIREAT", FAR * 1000)))
        conditions = rng.sample(("NX", "XX", "GT", "LT"), rng.choice((0, 0, 1, 1, 2)))
        return [name, self.key(), self.when(ahead), *conditions]

    def copy(self):
        rng = self.rng
        options = [rng.choice((["REPLACE"], ["DB", rng.choice(("0", "1", "15", "16", "-1", "x"))], ["nonsense"], ["DB"]))
                   for _ in range(rng.choice((0, 0, 1, 1, 2)))]
        return ["COPY", self.key(), self.key(), *(word for option in options for word in option)]

    def restore(self):
        rng = self.rng
        words = ["RESTORE", self.key(), rng.choice((0, 0, 0, self.when(100000000), "x", "-1")), rng.choice(PAYLOADS)]
        choices = [["REPLACE"], ["REPLACE"], ["IDLETIME", rng.choice(("5", "-1", "x"))],
                   ["FREQ", rng.choice(("5", "256", "x"))], ["nonsense"]]
        if rng.random() < 0.2:
            words[2] = self.when(FAR * 1000)
            words.append("ABSTTL")
        for option in rng.sample(choices, rng.choice((0, 1, 1, 2))):
            words += option
        return words

    @staticmethod
    def without_overflow(words):
        """A time to live past the end of time is an error here, and a lost key there."""
        if len(words) > 2 and str(words[0]).upper() == "RESTORE" and words[2] == "9223372036854775807":
            words[2] = "0"
        return words

    def sort(self):
        rng = self.rng
        words = [rng.choice(("SORT", "SORT", "SORT_RO")), self.key()]
        choices = [["BY", "w_*"], ["BY", "STORE"], ["GET", "#"], ["GET", "x*->f"], ["LIMIT", "0", "-1"], ["LIMIT", "x", "1"],
                   ["LIMIT", "STORE", "1"], ["ASC"], ["DESC"], ["ALPHA"], ["STORE", self.key()], ["STORE", self.key()],
                   ["nonsense"]]
        for option in rng.sample(choices, rng.choice((0, 1, 1, 2, 3))):
            words += option
        return words

    def one(self):
        rng = self.rng
        keys = [self.key() for _ in range(rng.choice((1, 1, 2, 5)))]
        return self.without_overflow(self.mess(rng.choice([
            lambda: ["GET", self.key()], lambda: ["GET", self.key()], self.set, self.set, self.set,
            self.expire, self.expire,
            lambda: [rng.choice(("DEL", "UNLINK", "EXISTS", "TOUCH")), *keys],
            lambda: [rng.choice(("EXPIRETIME", "PEXPIRETIME", "PERSIST", "TYPE")), self.key()],
            lambda: [rng.choice(("RENAME", "RENAMENX")), self.key(), self.key()],
            self.copy, self.restore, self.sort, lambda: ["COMMAND", "GETKEYS", *self.sort()],
            lambda: ["MOVE", self.key(), rng.choice(("0", "1", "2", "16", "-1", "x"))],
            lambda: ["OBJECT", rng.choice(("ENCODING", "ENCODING", "FREQ", "NOSUCH")), *keys[:rng.choice((1, 1, 2))]],
            lambda: ["WAIT", "0", rng.choice(NUMBERS)],
            lambda: ["KEYS", self.pattern()], lambda: ["DBSIZE"], lambda: ["ECHO", self.value()],
            lambda: ["PING", *rng.sample([b"x", b"y"], rng.choice((0, 1, 2)))],
            lambda: ["SELECT", rng.choice(("0", "0", "1", "15", "16", "-1", "x"))],
            lambda: ["SWAPDB", rng.choice(("0", "1", "16", "x")), rng.choice(("0", "1", "-1"))],
            lambda: [rng.choice(("FLUSHDB", "FLUSHALL")),
                     *rng.sample(("ASYNC", "SYNC", "x"), rng.choice((0, 0, 1, 2)))],
            lambda: ["SCAN", "0", "COUNT", "100000", *rng.choice((["MATCH", self.pattern()], ["TYPE", "string"],
                                                                 ["TYPE", "list"], []))],
            lambda: ["SCAN", rng.choice(NUMBERS), "COUNT", "100000"],
            lambda: ["SCAN", "0", "COUNT", rng.choice(NUMBERS[10:] + ["0", "-1"])],
            lambda: ["COMMAND", rng.choice(("GETKEYS", "NOSUCH")), *self.set()][:rng.choice((3, 9))]
            if rng.random() < 0.5 else ["COMMAND", "GETKEYS", *self.set()],
            lambda: ["CLIENT", rng.choice(("GETNAME", "SETNAME", "NOSUCH")), *keys[:rng.randrange(2)]],
            lambda: ["CLIENT", "REPLY", rng.choice(("ON", "SKIP", "x"))],
            lambda: ["CONFIG", "GET", rng.choice(("timeout", "nosuch", "TIMEOUT", "tcp-keep*"))],
            lambda: ["AUTH", *rng.sample(("default", "x", "y"), rng.randrange(4))],
            lambda: ["RESET"], lambda: [self.value()],
        ])()))


ANY_ORDER = {b"KEYS", b"SCAN"}


def canonical(words, reply):
    """Where a reply has no order, a sorted one."""
    name = words[0].upper() if isinstance(words[0], bytes) else str(words[0]).upper().encode()
    if name not in ANY_ORDER or reply[:1] != b"*":
        return reply
    rest, prefix = reply, b""
    if name == b"SCAN":
        head, _, rest = reply.partition(b"\r\n")
        cursor, rest = take(rest)
        prefix = head + cursor
    head, _, rest = rest.partition(b"\r\n")
    items = []
    for _ in range(int(head[1:])):
        item, rest = take(rest)
        items.append(item)
    return prefix + head + b"".join(sorted(items))


def of_reply(words):
    """ON or SKIP of a CLIENT REPLY; else nothing."""
    upper = [w.upper() if isinstance(w, str) else "" for w in words]
    return upper[2] if len(upper) == 3 and upper[:2] == ["CLIENT", "REPLY"] and upper[2] in ("ON", "SKIP") else ""


def answered(batch):
    """The requests of a batch that get replies."""
    out, skip = [], False
    for words in batch:
        said = of_reply(words)
        if said == "ON" or not (skip or said):
            out.append(words)
        skip = said == "SKIP"
    return out


def comparable(words, ours, theirs):
    """HELLO names the server, CONFIG its options; a cursor in the middle is of one server; and a newer server than the
    oracle takes COMMAND GETKEYS with one word."""
    upper = [str(w).upper() for w in words]
    if upper[0] == "SCAN":
        return ours[:1] != theirs[:1] or upper[1] in ("0", "-0")
    if upper[0] in ("HELLO", "CONFIG"):
        return ours[:1] == b"-" and theirs[:1] == b"-"
    return not (upper[:2] == ["COMMAND", "GETKEYS"] and len(words) == 3)


@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize("seed", range(3))
def test_random_requests(start_server, oracle, seed, version):
    requests = Requests(f"{SEED}.{seed}.{version}")
    server = start_server()
    history = []
    with server.client() as a, oracle.client() as b:
        for c in (a, b):
            c("HELLO", version)
        for _ in range(ROUNDS):
            batch = [requests.one() for _ in range(requests.rng.choice((1, 3, 20, 100)))]
            if any(str(w[0]).upper() == "RESET" for w in batch):
                batch += [["HELLO", version]]
            mark = b"end of %d" % len(history)
            data = b"".join(encode(*w) for w in batch) + encode("CLIENT", "REPLY", "ON") + encode("ECHO", mark)
            history.append(batch)
            answers = []
            for c in (a, b):
                c.send(data)
                replies = []
                while True:
                    replies.append(c.raw())
                    if replies[-1] == b"$%d\r\n%b\r\n" % (len(mark), mark):
                        break
                answers.append(replies)
            compare(batch, *answers)
        # and what all that has left behind
        for db in range(16):
            for c in (a, b):
                c("SELECT", db)
            assert sorted(a("KEYS", "*")) == sorted(b("KEYS", "*"))


def near(ours, theirs):
    """Times that were given as so many seconds from now."""
    if ours[:1] != b":" or theirs[:1] != b":":
        return ours == theirs
    return abs(int(ours[1:]) - int(theirs[1:])) <= 10000


def compare(batch, ours, theirs):
    assert len(ours) == len(theirs), batch
    requests = answered(batch)
    assert len(ours) == len(requests) + 2
    for words, x, y in zip(requests, ours, theirs):
        if x == y or not comparable(words, x, y):
            continue
        if str(words[0]).upper() in ("EXPIRETIME", "PEXPIRETIME"):
            assert near(x, y), f"{words}: ours {x!r}, theirs {y!r}"
        else:
            assert canonical(words, x) == canonical(words, y), f"{words}: ours {x!r}, theirs {y!r}"


# --- many at once ---


class Talker:
    """A client with keys of its own; it knows what it is to be answered."""

    def __init__(self, server, rng, number):
        self.client, self.rng, self.prefix = server.client(), rng, f"{number}:"
        self.values, self.unsent, self.expected, self.seen = {}, b"", bytearray(), bytearray()

    def ask(self):
        rng, key = self.rng, f"{self.prefix}{self.rng.randrange(5)}"
        kind = rng.randrange(6)
        if kind == 0:
            value = b"%d" % rng.randrange(1000) * rng.choice((1, 1, 30, 3000))
            self.values[key] = value
            return encode("SET", key, value), b"+OK\r\n"
        if kind == 1:
            value = self.values.get(key)
            return encode("GET", key), b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)
        if kind == 2:
            return encode("DEL", key), b":%d\r\n" % (self.values.pop(key, None) is not None)
        if kind == 3:
            return f"EXISTS '{key}' {key}\r\n".encode(), b":%d\r\n" % (2 * (key in self.values))
        if kind == 4:
            return b"*0\r\n" + encode("PING"), b"+PONG\r\n"
        return b"NOSUCH\r\n", b"-ERR unknown command 'NOSUCH', with args beginning with: \r\n"

    def talk(self):
        """Sends some bytes of what it has to say, and reads what is there."""
        if len(self.unsent) < 100:
            for _ in range(self.rng.choice((1, 1, 5, 60))):
                request, reply = self.ask()
                self.unsent += request
                self.expected += reply
        count = self.rng.choice((1, 3, 17, 200, 5000, 1 << 20))
        self.client.send(self.unsent[:count])
        self.unsent = self.unsent[count:]
        self.read(wait=False)

    def read(self, wait):
        while len(self.seen) < len(self.expected) and (wait or self.is_readable()):
            data = self.client.socket.recv(1 << 16)
            assert data, "the server closed"
            self.seen += data
        assert self.expected.startswith(self.seen)

    def is_readable(self):
        return bool(select.select([self.client.socket], [], [], 0)[0])

    def end(self):
        self.client.send(self.unsent)
        self.read(wait=True)
        assert not self.is_readable()
        self.client.close()


def disturb(server, rng, master, others):
    """Whatever others may do meanwhile."""
    kind = rng.randrange(12)
    if kind == 0:
        master("CLIENT", "PAUSE", rng.choice((1, 5)), rng.choice(("WRITE", "ALL")))
    elif kind == 1:
        master("CLIENT", "UNPAUSE")
    elif kind < 5:
        other = server.client()
        other.send(encode("SET", "other", "x" * 100000) + encode("GET", "other") * 20 + b"*3\r\n$3\r\nSE")
        others.append(other)
    elif kind < 7 and others:
        others.pop(rng.randrange(len(others))).close()
    elif kind == 7 and others:
        master("CLIENT", "KILL", "ADDR", "%s:%d" % others.pop().socket.getsockname())
    elif kind == 8:
        conversation(server, rng.choice((b"*x\r\n", encode("QUIT") + b"PING\r\n", b"POST /\r\n", b"PING\r\n" * 100)))


@pytest.mark.parametrize("seed", range(2))
def test_many_at_once(server, seed):
    rng = random.Random(f"{SEED}.{seed}")
    talkers = [Talker(server, rng, n) for n in range(40)]
    others = []
    with server.client() as master:
        for _ in range(ROUNDS * 8):
            rng.choice(talkers).talk()
            if rng.random() < 0.05:
                disturb(server, rng, master, others)
        master("CLIENT", "UNPAUSE")
        for t in talkers:
            t.end()
        for c in others:
            c.close()
        assert wait_until(lambda: master.info("clients")["connected_clients"] == "1")

# SPDX-License-Identifier: BSD-3-Clause
"""Clients that wait for keys: played with several connections on miniredis and on the real
redis-server, what each connection is sent compared; and times, and many who wait."""
import random
import re
import resource
import select
import shlex
import time
from pathlib import Path

import pytest
from conftest import PATIENCE, best_of, encode, wait_until
from oracle import oracle, start_oracle  # noqa: F401
from wire import receive


def at_hand(client):
    """What has come, without waiting, and whether that was all there will ever be."""
    out = b""
    client.socket.setblocking(False)
    try:
        while data := client.socket.recv(65536):
            out += data
        return out, True
    except BlockingIOError:
        return out, False
    except ConnectionResetError:
        return out, True
    finally:
        client.socket.settimeout(PATIENCE)


# --- scenes: one line per command, "CLIENT: words"; @x is x's id, <k> what DUMP says of k ---


class Stage:
    """Named connections to one server; what each is sent after each step."""

    def __init__(self, server, protocol=2):
        self.server, self.protocol, self.clients = server, protocol, {}
        self.watcher = server.client()
        self.watcher("FLUSHALL")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for c in [self.watcher, *self.clients.values()]:
            c.close()

    def client(self, name):
        if name not in self.clients:
            c = self.clients[name] = self.server.client()
            c("HELLO", self.protocol)
            c.id = c("CLIENT", "ID")
        return self.clients[name]

    def settle(self):
        """What was sent before has been run, and what follows from it sent."""
        for _ in range(3):
            assert self.watcher("PING") == "PONG"

    def heard(self):
        out = {}
        for name, c in sorted(self.clients.items()):
            data, ended = at_hand(c)
            if data or ended:
                out[name] = data + (b"(closed)" if ended else b"")
            if ended:
                c.close()
                del self.clients[name]
        return out

    def word(self, w):
        if w.startswith("@"):
            return str(self.client(w[1:]).id)
        return self.watcher("DUMP", w[1:-1]) if w[0:1] == "<" and w[-1:] == ">" else w

    def step(self, line):
        name, words = line.split(": ", 1)
        if words == "(closes)":
            self.clients.pop(name).close()
        else:
            c = self.client(name)
            one = [self.word(w) for w in shlex.split(words)]
            commands, begin = [], 0
            for i, w in enumerate([*one, ";"]):
                if w == ";":
                    commands.append(one[begin:i])
                    begin = i + 1
            c.send(b"".join(encode(*c) for c in commands))
        self.settle()
        return line, self.heard()

    def play(self, scene):
        return [self.step(line.strip()) for line in scene.strip().splitlines()]


SCENES = {
    "in order of arrival": """
        a: BLPOP k j 0
        b: BRPOP j 0
        c: BLPOP k 0
        d: RPUSH j 1
        d: RPUSH j 2 3
        d: RPUSH k 4 5 6
        d: LRANGE k 0 -1
        d: LRANGE j 0 -1""",
    "at once": """
        d: RPUSH k 1 2
        a: BLPOP j k 0
        a: BRPOP k j 0
        d: EXISTS k""",
    "behind each command": """
        a: BLPOP k 0
        d: RPUSH k 1 ; LLEN k ; RPUSH k 2 ; LLEN k""",
    "what follows waits": """
        a: BLPOP k 0 ; ECHO x ; BLPOP k 0 ; ECHO y
        a: ECHO z
        d: RPUSH k 1
        d: RPUSH k 2""",
    "another type": """
        a: BLPOP k 0
        d: SET k v
        d: DEL k
        d: SADD k x
        d: DEL k
        d: RPUSH k 1""",
    "renamed, copied": """
        a: BLPOP k 0
        d: RPUSH j 1 2
        d: RENAME j k
        b: BLPOP i 0
        d: COPY k i
        d: LRANGE k 0 -1
        c: BLPOP h 0
        d: RENAMENX k h""",
    "moved between databases": """
        a: SELECT 1
        a: BLPOP k 0
        d: RPUSH k 1 2
        d: MOVE k 1
        b: BLPOP k 0
        d: SWAPDB 0 1
        d: EXISTS k""",
    "restored, sorted": """
        d: RPUSH j 3 1 2
        a: BLPOP k 0
        b: BRPOP k 0
        d: SORT j STORE k
        d: LRANGE k 0 -1""",
    "restored": """
        d: RPUSH j 1 2 3
        d: ZADD y 1 a 2 b
        a: BLPOP k 0
        b: BLMPOP 0 1 k RIGHT COUNT 5
        c: BZPOPMIN z 0
        d: RESTORE k 0 <y>
        d: RESTORE z 0 <j>
        d: RESTORE k 0 <j> REPLACE
        d: RESTORE z 0 <y> REPLACE
        d: EXISTS k
        d: ZRANGE z 0 -1""",
    "sorted sets, in order": """
        a: BZPOPMIN z y 0
        b: BZPOPMAX y z 0
        c: BZPOPMIN z 0
        e: BZMPOP 0 2 z y MAX COUNT 2
        d: ZADD y 1 one
        d: ZADD z 1 a 2 b 3 c
        d: ZADD z 4 d 5 e 6 f
        d: ZRANGE z 0 -1 WITHSCORES
        d: EXISTS y""",
    "sorted sets, by what makes them": """
        d: ZADD src 1 a 2 b
        d: SADD set x
        a: BZPOPMIN k 0
        d: ZUNIONSTORE k 2 src set
        a: BZPOPMAX k 0
        d: DEL k
        d: ZINTERSTORE k 1 src
        a: BZPOPMAX k 0
        d: ZDIFFSTORE k 1 src
        d: DEL k
        a: BZPOPMAX k 0
        d: ZRANGESTORE k src 0 0
        a: BZPOPMAX k 0
        d: ZINCRBY k 5 m
        a: BZPOPMAX k 0
        d: GEOADD k 13 38 p
        a: BZPOPMAX k 0
        d: GEOADD g 13 38 p
        d: GEOSEARCHSTORE k g FROMMEMBER p BYRADIUS 1 m STOREDIST
        a: BZPOPMAX k 0
        d: GEORADIUSBYMEMBER g p 1 m STORE k
        a: BZMPOP 0 1 k MIN COUNT 10
        d: COPY src k
        a: BZPOPMIN k 0
        d: RENAME src k""",
    "the wrong one passes by": """
        a: BZPOPMIN k 0
        b: BLPOP k 0
        c: BLPOP k 0
        d: RPUSH k 1
        d: ZADD k 1 m
        d: RPUSH k 2
        d: SADD k x
        d: DEL k
        d: HSET k f v
        d: RENAME k j
        d: ZADD k 1 m""",
    "between databases, for sorted sets": """
        a: SELECT 1
        a: BZPOPMIN k 0
        b: BZPOPMIN k 0
        d: ZADD j 1 a 2 b
        d: COPY j k DB 1
        d: RENAME j k
        d: MOVE k 1
        a: ZCARD k
        a: BZPOPMIN other 0
        d: ZADD other 1 m
        d: SWAPDB 0 1
        d: EXISTS other""",
    "made and taken away at once": """
        a: BLPOP k 0
        b: BLPOP k 0
        d: RPUSH k 1 ; LPOP k
        d: RPUSH k 1 ; DEL k ; RPUSH k 2 ; RENAME k j ; RPUSH k 3
        d: LRANGE j 0 -1""",
    "a chain to the end": """
        a: BRPOPLPUSH a b 0
        b: BRPOPLPUSH b c 0
        c: BRPOPLPUSH c d 0
        e: BLMOVE d a LEFT RIGHT 0
        f: BLPOP a 0
        z: RPUSH a x
        z: EXISTS a b c d""",
    "stored by SORT": """
        z: SADD s 3 1 2
        a: BLPOP k 0
        b: BLMPOP 0 1 k RIGHT COUNT 1
        c: BZPOPMIN k 0
        z: SORT s DESC STORE k
        z: LRANGE k 0 -1
        z: SORT nosuch STORE k
        z: EXISTS k""",
    "expired before it is served": """
        a: BLPOP k 0
        d: RPUSH j 1 ; PEXPIRE j 100000 ; RENAME j k
        d: EXISTS k
        a: BLPOP k 0
        d: RPUSH j 2 ; PEXPIREAT j 1 ; RENAME j k
        d: RPUSH k 3""",
    "unblocked, and who may be": """
        a: BZPOPMIN k 0
        b: BLMOVE k j LEFT LEFT 0
        c: BRPOPLPUSH k j 100
        e: BZMPOP 0 1 k MAX
        d: CLIENT UNBLOCK @a TIMEOUT
        d: CLIENT UNBLOCK @b
        d: CLIENT UNBLOCK @c ERROR
        d: CLIENT UNBLOCK @e error
        d: CLIENT UNBLOCK @e
        d: CLIENT UNBLOCK @d
        d: CLIENT UNBLOCK 0
        d: CLIENT UNBLOCK x
        d: CLIENT UNBLOCK @a NOW
        a: PING""",
    "killed and closed in the middle of the line": """
        a: BZPOPMIN k 0
        b: BZPOPMIN k j 0
        c: BZPOPMIN j k 0
        e: BLPOP k 0
        b: (closes)
        d: CLIENT KILL ID @a
        d: ZADD k 1 x 2 y
        d: ZRANGE k 0 -1
        d: DEL k
        d: RPUSH k v""",
    "passed on": """
        a: BLPOP c 0
        b: BLMOVE b c LEFT RIGHT 0
        d: BRPOPLPUSH a b 0
        e: RPUSH a 1
        e: EXISTS a b c
        a: BLMOVE a a LEFT RIGHT 0
        b: BLMOVE a a LEFT RIGHT 0
        e: RPUSH a 1 2
        e: LRANGE a 0 -1""",
    "passed to another type": """
        a: BLMOVE k j LEFT LEFT 0
        d: SET j v
        d: RPUSH k 1
        d: LRANGE k 0 -1""",
    "several at once": """
        a: BLMPOP 0 2 k j LEFT COUNT 2
        b: BLMPOP 0 2 j k RIGHT COUNT 5
        d: RPUSH k 1 2 3 4
        d: EXISTS k j""",
    "unblocked": """
        a: BLPOP k 0 ; ECHO x
        b: BLPOP k 100
        c: BLMPOP 100 1 k LEFT
        d: CLIENT UNBLOCK @a
        d: CLIENT UNBLOCK @b ERROR
        d: CLIENT UNBLOCK @c TIMEOUT
        d: CLIENT UNBLOCK @a
        d: RPUSH k 1
        d: LLEN k""",
    "gone": """
        a: BLPOP k 0
        b: BLPOP k 0
        c: BLPOP k 0 ; SET never v
        a: (closes)
        d: CLIENT KILL ID @b
        d: RPUSH k 1 2
        d: LRANGE k 0 -1
        d: EXISTS never""",
    "paused": """
        a: BLPOP k 0 ; SET x 1
        d: CLIENT PAUSE 100000 WRITE
        d: CLIENT UNBLOCK @a
        d: EXISTS x
        d: CLIENT UNPAUSE
        d: EXISTS x""",
    "not answered": """
        a: CLIENT REPLY SKIP ; BLPOP k 0 ; ECHO x
        d: RPUSH k 1
        a: CLIENT REPLY OFF ; BLPOP k 0 ; CLIENT REPLY ON
        d: RPUSH k 2
        d: EXISTS k""",
    "the same key twice": """
        a: BLPOP k k k 0
        d: RPUSH k 1 2
        d: LRANGE k 0 -1""",
    "flushed meanwhile": """
        a: BLPOP k 0
        d: FLUSHALL
        d: RPUSH j 1
        d: FLUSHDB
        d: RPUSH k 1""",
    "sorted sets: errors come first": """
        d: SET s v
        a: BZPOPMIN s 0
        a: BZPOPMIN k s 0
        a: BZPOPMAX s x
        a: BZPOPMAX k -1
        a: BZMPOP x 1 s MIN
        a: BZMPOP -1 0 k MIN
        a: BZMPOP -1 1 k UP
        a: BZMPOP nan 1 k MIN COUNT 0
        a: BLMPOP -1 0 k LEFT
        a: BLMPOP nan 1 k LEFT COUNT 0
        a: BLMPOP x 1 k UP
        a: BLMPOP -1 1 s LEFT
        d: ZADD z 1 m
        a: BZPOPMIN s z 0""",
    "errors come first": """
        d: SET s v
        a: BLPOP s 0
        a: BLPOP k s 0
        a: BLPOP k -1
        a: BLPOP k x
        a: BLPOP s x
        a: BLMOVE k j UP LEFT 0
        a: BLMOVE k j LEFT LEFT nan
        a: BLMPOP 0 0 k LEFT
        a: BLMPOP x 1 k LEFT
        a: BRPOPLPUSH s k 0""",
}


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("name", SCENES)
def test_scene(server, oracle, name, protocol):  # noqa: F811
    with Stage(oracle, protocol) as theirs:
        expected = theirs.play(SCENES[name])
    with Stage(server, protocol) as ours:
        for line, (said, heard) in zip(expected, ours.play(SCENES[name])):
            assert (said, heard) == line


WAITERS = "abcdef"
KEYS = "klmn"


def random_wait(r):
    keys = " ".join(r.sample(KEYS, r.randint(1, 3)))
    first = keys[0]
    return r.choice([f"BLPOP {keys} 0", f"BRPOP {keys} 0",
                     f"BLMOVE {first} {r.choice(KEYS)} {r.choice(['LEFT', 'RIGHT'])} LEFT 0",
                     f"BRPOPLPUSH {first} {r.choice(KEYS)} 0",
                     f"BLMPOP 0 {len(keys.split())} {keys} {r.choice(['LEFT', 'RIGHT'])} COUNT {r.randint(1, 3)}"])


def random_write(r, n):
    key, other = r.choice(KEYS), r.choice(KEYS)
    return r.choice([f"RPUSH {key} {n}", f"LPUSH {key} {n} {n}x", f"RPUSH {key} {n} ; LPUSH {other} {n}",
                     f"RPUSH j {n} ; RENAME j {key}", f"RPUSH {key} 1 2 3 4", f"DEL {key}", f"LPOP {key}",
                     f"LMOVE {key} {other} LEFT RIGHT", f"RPUSHX {key} {n}", f"RPUSH j {n} ; DEL {key} ; COPY j {key}",
                     f"SET {key} {n}", f"DEL {key} {other}", f"CLIENT UNBLOCK @{r.choice(WAITERS)}",
                     f"LTRIM {key} 1 -1", f"DEL {key} ; RPUSH j 1 2 ; SORT j STORE {key}"])


@pytest.mark.parametrize("seed", range(4))
def test_at_random(server, oracle, seed):  # noqa: F811
    r = random.Random(seed)
    with Stage(oracle) as theirs, Stage(server) as ours:
        waiting = {}
        served = 0
        for name in WAITERS:
            assert theirs.client(name) and ours.client(name)
        for n in range(300):
            name = r.choice(WAITERS)
            line = f"z: {random_write(r, n)}" if waiting.get(name) or r.random() < 0.5 else f"{name}: {random_wait(r)}"
            expected, got = theirs.step(line), ours.step(line)
            assert got == expected, f"seed {seed}, step {n}"
            if not line.startswith("z"):
                waiting[name] = True
            for heard in expected[1]:
                served += waiting.get(heard, False)
                waiting[heard] = False
        assert served > 40


# --- times ---


def blocked(client):
    return int(client.info("clients")["blocked_clients"])


def timed_out(c, words, seconds):
    """How late the end of SECONDS is told."""
    began = time.monotonic()
    assert c(*words) is None
    late = time.monotonic() - began - seconds
    assert late >= 0
    return late


@pytest.mark.parametrize("command", ["BLPOP k {}", "BRPOP k j {}", "BLMOVE k j LEFT LEFT {}", "BRPOPLPUSH k j {}",
                                     "BLMPOP {} 1 k LEFT"])
def test_timeouts(server, command):
    with server.client() as c:
        for seconds in (0.001, 0.03, 0.1):
            assert best_of(50, lambda s=seconds: timed_out(c, command.format(s).split(), s), 0.05)
        assert c("PING") == "PONG"


TIMEOUTS = ["-1", "-0.5", "-0.002", "nan", "-inf", "-1e400", "x", "", " 1", "1 ", "0x", "1e", "--1"]
# 7.0 overflows here, and says that the time is negative or waits; newer ones say what it is
TOO_FAR = ["1e400", "inf", "9223372036854775807", "9223372036854775808", "9223372036854775.807", "1e16", "1e18", "0x1p70",
           "922337203685477580"]
# All that rounds up to no millisecond at all, too.
FOR_EVER = ["0", "-0", "0.0", "-0.0", "-0.0001", "-1e-400", "1e15", "9007199254740", "+5", "0x10", "1e10"]
WITH_TIMEOUT = ["BLPOP k {}", "BRPOP k {}", "BLMOVE k j LEFT LEFT {}", "BRPOPLPUSH k j {}", "BLMPOP {} 1 k LEFT",
                "BZPOPMIN k {}", "BZPOPMAX k {}", "BZMPOP {} 1 k MIN"]


def with_timeout(command, text):
    return [text if w == "{}" else w for w in command.split()]


@pytest.mark.parametrize("command", WITH_TIMEOUT)
def test_texts_of_timeouts(server, oracle, command):  # noqa: F811
    with server.client() as ours, oracle.client() as theirs:
        for text in TIMEOUTS:
            answer = ours(*with_timeout(command, text))
            assert answer == theirs(*with_timeout(command, text)), text
            assert answer.startswith("ERR timeout is"), text
        for text in TOO_FAR:
            assert ours(*with_timeout(command, text)) == "ERR timeout is out of range", text
        for c in (ours, theirs):
            assert c(*with_timeout(command, "1e-400")) is None
    for it in (server, oracle):
        with it.client() as watcher:
            waiting = []
            for text in FOR_EVER:
                waiting.append(it.client())
                waiting[-1].send(encode(*with_timeout(command, text)))
            assert wait_until(lambda w=watcher: blocked(w) == len(FOR_EVER))
            for c in waiting:
                c.close()
            assert wait_until(lambda w=watcher: blocked(w) == 0)


@pytest.mark.parametrize("command", WITH_TIMEOUT)
def test_timeouts_are_exact(server, command):
    """Not before their time, and mostly within a few milliseconds of it."""
    with server.client() as c:
        def median():
            late = [timed_out(c, with_timeout(command, str(seconds)), seconds)
                    for seconds in (0.001, 0.002, 0.005, 0.01, 0.0123, 0.02)]
            return sorted(late)[len(late) // 2]

        assert best_of(50, median, 0.004)


def test_many_timeouts_in_order(server):
    """Each client at its own time, whatever order they came in."""
    r = random.Random(3)
    times = [0.05 + n / 500 for n in range(100)]
    with server.client() as watcher:
        assert best_of(20, lambda: median_of_many(server, r, times), 0.005)
        assert wait_until(lambda: blocked(watcher) == 0)


def median_of_many(server, r, times):
    """How late the middle one of those that wait for TIMES at once is told, by which none is too early."""
    r.shuffle(times)
    waiting = []
    for seconds in times:
        c = server.client()
        waiting.append((time.monotonic() + seconds, c))
        c.send(encode("BLPOP", "k", seconds))
    ended = []
    by_socket = {c.socket: (due, c) for due, c in waiting}
    while by_socket:
        for s in select.select(list(by_socket), [], [], PATIENCE)[0]:
            due, c = by_socket.pop(s)
            assert c.reply() is None
            ended.append(time.monotonic() - due)
            c.close()
    late = sorted(ended)
    assert late[0] >= 0, late
    return late[len(late) // 2]


def test_the_idle_limit_spares_those_who_wait(start_server):
    server = start_server("--timeout", "1")
    with server.client() as c, server.client() as idle, server.client() as d:
        c.send(encode("BLPOP", "k", "0"))
        assert wait_until(lambda: d("PING") == "PONG" and at_hand(idle) == (b"", True), timeout=10, step=0.05)
        assert d("RPUSH", "k", "v") == 1
        assert c.reply() == [b"k", b"v"]


def test_info_and_list(server):
    with server.client() as a, server.client() as b, server.client() as c:
        a.send(encode("BLPOP", "k", "j", "0"))
        assert wait_until(lambda: blocked(c) == 1)
        b.send(encode("BLPOP", "k", "100"))
        assert wait_until(lambda: blocked(c) == 2)
        info = c.info("clients")
        assert info["clients_in_timeout_table"] == "1"
        assert info["total_blocking_keys"] == "2"
        lines = c("CLIENT", "LIST").decode().splitlines()
        assert sorted(re.search(r"flags=(\w+)", line)[1] for line in lines) == ["N", "b", "b"]
        assert len(c("CLIENT", "LIST", "FLAGS", "b").splitlines()) == 2
        assert c("RPUSH", "k", "1", "2") == 2
        assert (a.reply(), b.reply()) == ([b"k", b"1"], [b"k", b"2"])
        assert blocked(c) == 0
        stats = c.info("commandstats")
        assert stats["cmdstat_blpop"].startswith("calls=2,")


# --- many ---


def test_two_thousand_wait(server):
    """Each has its turn, and one among them is found at once."""
    count = 2000
    many = []
    with server.client() as c:
        try:
            for i in range(count):
                w = server.client()
                w.send(encode("BLPOP", "k", f"own{i}", 0 if i % 2 else 1000 + i))
                many.append(w)
                if i % (count // 2) == 0:
                    assert wait_until(lambda: blocked(c) == len(many))
            assert wait_until(lambda: blocked(c) == count)
            assert c.info("clients")["total_blocking_keys"] == str(count + 1)
            for i in range(0, count, 100):
                assert c("RPUSH", f"own{i}", "v") == 1
                assert many[i].reply() == [b"own%d" % i, b"v"]
            assert c("RPUSH", "k", *range(count)) == count
            order = [int(many[i].reply()[1]) for i in range(count) if i % 100]
            half = len(order) // 2
            assert (sorted(order[:half]), sorted(order[half:])) == ([*range(half)], [*range(half, len(order))])
            assert c("LLEN", "k") == count - len(order)
            assert blocked(c) == 0
        finally:
            for w in many:
                w.close()


MANY = 10000


def requests_cost(server, client, count=4000, times=5):
    """The processor's time that the server takes for a request of others, at its best."""
    batch = b"".join(encode("RPUSH", f"list:{i % 100}", i) + encode("LPOP", f"list:{i % 100}") + encode("SET", f"s:{i}", i) +
                     encode("DEL", f"s:{i}") for i in range(25))
    replies = len(b":1\r\n$1\r\n0\r\n+OK\r\n:1\r\n") * 10 + len(b":1\r\n$2\r\n10\r\n+OK\r\n:1\r\n") * 15
    best = float("inf")
    for _ in range(times):
        before = time_spent(server.pid)
        for _ in range(count // 100):
            client.send(batch)
            receive(client, replies)
        best = min(best, (time_spent(server.pid) - before) / count)
    return best


def time_spent(pid):
    """Nanoseconds that the process has been running for."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def test_ten_thousand_cost_others_nothing(start_server, loop_backend):
    if loop_backend != "epoll":
        pytest.skip("poll looks at every descriptor each time")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MANY * 2 + 200:
        pytest.skip(f"no more than {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, MANY + 200), hard))
    many = []
    try:
        server = start_server("--maxclients", MANY + 100)
        with server.client() as c:
            alone = requests_cost(server, c)
            for i in range(MANY):
                w = server.client()
                w.send(encode("BLPOP", f"own:{i}", "shared", 0 if i % 2 else 1000 + i))
                many.append(w)
            assert wait_until(lambda: blocked(c) == MANY)
            among = requests_cost(server, c)
            # A look into a table that is not in the cache for each key that comes, and nothing else
            assert among < alone * 1.25 + 200, f"{alone} ns alone, {among} ns among {MANY}"
            for i in (0, MANY // 2, MANY - 1):
                assert c("RPUSH", f"own:{i}", "v") == 1
                assert many[i].reply() == [b"own:%d" % i, b"v"]
            assert c("RPUSH", "shared", *range(10)) == 10
            assert [int(many[i].reply()[1]) for i in range(1, 11)] == list(range(10))
            assert c("EXISTS", "shared") == 0
    finally:
        for w in many:
            w.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_reply_of_many_megabytes(server):
    with server.client() as a, server.client() as b:
        a.send(encode("BLPOP", "k", "0"))
        assert wait_until(lambda: blocked(b) == 1)
        big = b"v" * (20 << 20)
        assert b("RPUSH", "k", big) == 1
        head = b"*2\r\n$1\r\nk\r\n$%d\r\n" % len(big)
        assert receive(a, len(head) + len(big) + 2) == head + big + b"\r\n"

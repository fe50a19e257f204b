# SPDX-License-Identifier: BSD-3-Clause
"""Groups of consumers: random commands to miniredis and to the real redis-server, every reply and
what is known of the groups after each compared; and what XINFO tells beside what 7.0 does."""
import random
import time

import pytest
from oracle import oracle, start_oracle  # noqa: F401

COMMANDS = 6000
GROUPS = ("g", "h", "gg")
CONSUMERS = ("alice", "bob", "carol", "al")
# Pairs that 7.0 does not have.
NEWER = {"inactive", "active-time", "nacked-count", "idmp-duration", "idmp-maxsize", "pids-tracked",
         "iids-tracked", "iids-added", "iids-duplicates"}
# And such as tell how a stream is kept.
INNER = {"radix-tree-keys", "radix-tree-nodes"}
TIMES = {"idle", "seen-time"}


def either(client, *words):
    """The reply, or an error as what it says."""
    try:
        return client(*words)
    except Exception as e:
        if isinstance(e, (EOFError, OSError)):
            raise
        return type(e).__name__, str(e)


def text(reply):
    """The same of str."""
    if isinstance(reply, dict):
        return {text(k): text(v) for k, v in reply.items()}
    if isinstance(reply, list):
        return [text(r) for r in reply]
    return reply.decode() if isinstance(reply, bytes) else reply


def common(reply):
    """REPLY of XINFO as nested maps of what both servers tell, times left out."""
    if isinstance(reply, dict):
        return {k: common(v) for k, v in reply.items() if k not in NEWER | INNER | TIMES}
    if isinstance(reply, list):
        return [common(r) for r in reply]
    return reply


def blur(reply):
    """REPLY of XINFO STREAM FULL without the times of delivery."""
    for group in reply["groups"]:
        for entry in group["pending"]:
            del entry[2]
        for consumer in group["consumers"]:
            for entry in consumer["pending"]:
                del entry[1]
    return reply


class Draw:
    """Random commands on one stream of few ids."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.next = 1

    def id(self):
        r = self.r
        return f"{r.randint(0, self.next + 2)}-{r.randint(0, 2)}"

    def ids(self):
        return [self.id() for _ in range(self.r.randint(1, 4))]

    def new_id(self):
        self.next += self.r.choice((0, 1, 1, 2))
        return f"{self.next}-{self.r.randint(0, 3)}"

    def option(self, *words, chance=0.3):
        return [str(w) for w in words] if self.r.random() < chance else []

    def interval(self):
        r = self.r
        return [r.choice(("-", self.id(), f"({self.id()}", str(r.randint(0, self.next)))),
                r.choice(("+", self.id(), f"({self.id()}", str(r.randint(0, self.next)))), str(r.randint(0, 9))]

    def idle(self):
        return self.r.choice(("0", "0", "1000000"))

    def command(self):
        r = self.r
        g, c = r.choice(GROUPS), r.choice(CONSUMERS)
        kinds = {
            "add": 30, "read": 25, "history": 6, "ack": 12, "del": 5, "trim": 1, "setid": 2, "create": 4,
            "group-setid": 3, "destroy": 1, "consumer": 2, "drop": 1, "claim": 8, "autoclaim": 5,
            "pending": 6, "summary": 3, "delete": 0.2, "both": 3,
        }
        what = r.choices(list(kinds), list(kinds.values()))[0]
        if what == "add":
            return ["XADD", "s", self.new_id(), "field", str(r.randint(0, 99))]
        if what == "read":
            return ["XREADGROUP", "GROUP", g, c, *self.option("COUNT", r.randint(0, 3), chance=0.7),
                    *self.option("NOACK", chance=0.1), "STREAMS", "s", ">"]
        if what == "both":
            return ["XREADGROUP", "GROUP", g, c, "STREAMS", "s", "s", ">", self.id()]
        if what == "history":
            return ["XREADGROUP", "GROUP", g, c, *self.option("COUNT", r.randint(0, 3)), "STREAMS", "s", self.id()]
        if what == "ack":
            return ["XACK", "s", g, *self.ids()]
        if what == "del":
            return ["XDEL", "s", *self.ids()]
        if what == "trim":
            return ["XTRIM", "s", *r.choice((["MAXLEN", str(r.randint(0, 9))], ["MINID", self.id()]))]
        if what == "setid":
            return ["XSETID", "s", self.id(), *self.option("ENTRIESADDED", r.randint(0, 50), "MAXDELETEDID",
                                                           self.id(), chance=0.5)]
        if what == "create":
            return ["XGROUP", "CREATE", "s", g, r.choice(("0", "$", self.id())), *self.option("MKSTREAM"),
                    *self.option("ENTRIESREAD", r.randint(-1, 0))]
        if what == "group-setid":
            return ["XGROUP", "SETID", "s", g, r.choice(("0", "$", self.id())),
                    *self.option("ENTRIESREAD", r.randint(-1, 0))]
        if what == "destroy":
            return ["XGROUP", "DESTROY", "s", g]
        if what == "consumer":
            return ["XGROUP", "CREATECONSUMER", "s", g, c]
        if what == "drop":
            return ["XGROUP", "DELCONSUMER", "s", g, c]
        if what == "claim":
            return ["XCLAIM", "s", g, c, self.idle(), *self.ids(), *self.option("FORCE"), *self.option("JUSTID"),
                    *self.option("RETRYCOUNT", r.randint(0, 9)), *self.option("LASTID", self.id(), chance=0.1),
                    *r.choice(([], [], ["IDLE", str(r.randint(0, 1) * 2000000)], ["TIME", "1000"]))]
        if what == "autoclaim":
            return ["XAUTOCLAIM", "s", g, c, self.idle(), r.choice(("0", "-", self.id(), f"({self.id()}")),
                    *self.option("COUNT", r.randint(1, 4)), *self.option("JUSTID")]
        if what == "pending":
            return ["XPENDING", "s", g, *self.option("IDLE", r.choice((0, 1000000))), *self.interval(),
                    *self.option(c)]
        if what == "summary":
            return ["XPENDING", "s", g]
        self.next = 1
        return ["DEL", "s"]


def clear(words, reply):
    """Without what depends on the time."""
    if words[0] == "XPENDING" and len(words) > 3 and isinstance(reply, list):
        return [[e[0], e[1], e[2] // 500000, e[3]] for e in reply]
    return reply


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_commands_have_equal_replies(seed, version, start_server, oracle):
    server = start_server()
    draw = Draw(seed * 10 + version)
    with server.client() as ours, oracle.client() as theirs:
        for c in (ours, theirs):
            c("HELLO", "3")
            c("FLUSHALL")
            c("HELLO", str(version))
        history = []
        for i in range(COMMANDS):
            words = draw.command()
            history.append(" ".join(words))
            asked = [words, ["XINFO", "GROUPS", "s"], ["XLEN", "s"]]
            if i % 20 == 0:
                asked += [["XPENDING", "s", g, "-", "+", "1000"] for g in GROUPS]
            for words in asked:
                mine, other = (clear(words, either(c, *words)) for c in (ours, theirs))
                assert mine == other, (seed, i, words, history[-30:])
            if i % 200 == 0 and version == 3 and ours("EXISTS", "s"):
                for words in [["XINFO", "STREAM", "s", "FULL", "COUNT", "0"], ["XINFO", "STREAM", "s", "FULL"]]:
                    mine, other = (blur(common(text(c(*words)))) for c in (ours, theirs))
                    assert mine == other, (seed, i, words, history[-30:])
        theirs("FLUSHALL")


def test_consumers_tell_when_they_were_active(start_server):
    with start_server().client() as c:
        c("HELLO", "3")
        c("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        c("XGROUP", "CREATECONSUMER", "s", "g", "alice")
        time.sleep(0.05)
        [alice] = text(c("XINFO", "CONSUMERS", "s", "g"))
        assert list(alice) == ["name", "pending", "idle", "inactive"]
        assert alice["inactive"] == -1 and alice["idle"] >= 50
        assert c("XREADGROUP", "GROUP", "g", "alice", "STREAMS", "s", ">") is None
        [alice] = text(c("XINFO", "CONSUMERS", "s", "g"))
        assert alice["inactive"] == -1 and alice["idle"] < 50
        c("XADD", "s", "1-1", "f", "v")
        c("XREADGROUP", "GROUP", "g", "alice", "STREAMS", "s", ">")
        time.sleep(0.05)
        c("XREADGROUP", "GROUP", "g", "alice", "STREAMS", "s", ">")
        [alice] = text(c("XINFO", "CONSUMERS", "s", "g"))
        assert alice["inactive"] >= 50 > alice["idle"]
        [group] = text(c("XINFO", "STREAM", "s", "FULL"))["groups"]
        assert list(group) == ["name", "last-delivered-id", "entries-read", "lag", "pel-count", "nacked-count",
                               "pending", "consumers"]
        [alice] = group["consumers"]
        assert list(alice) == ["name", "seen-time", "active-time", "pel-count", "pending"]
        assert alice["seen-time"] - alice["active-time"] >= 50


def test_a_big_group_goes_in_slices(start_server):
    n = 300000
    with start_server().client() as c:
        c("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        for i in range(0, n, 1000):
            for j in range(i, i + 1000):
                c.send(b"XADD s %d-1 f v\r\n" % (j + 1))
            for _ in range(1000):
                c.raw()
        assert len(c("XREADGROUP", "GROUP", "g", "alice", "STREAMS", "s", ">")[0][1]) == n
        used = c("MEMORY", "USAGE", "s", "SAMPLES", "0")
        begun = time.monotonic()
        assert c("XGROUP", "DESTROY", "s", "g") == 1
        assert time.monotonic() - begun < 0.1
        assert c("MEMORY", "USAGE", "s", "SAMPLES", "0") < used - n * 48
        assert c("XINFO", "GROUPS", "s") == []


@pytest.mark.parametrize("odd", [False, True])
def test_consumers_with_much_pending_are_deleted(server, oracle, odd):
    """One that has a part of what is pending, with times in order and not, and one that has all of it."""
    n, consumers = 6000, ("alice", "bob", "carol", "dave")
    r = random.Random(n)
    owners = [r.choice(consumers[:3] if i % 8 else consumers) for i in range(n)]
    times = [r.randint(1, 10**6) if odd else 5 for _ in range(n)]
    acks = [["XACK", "s", "g", f"{r.randint(1, n)}-1"] for _ in range(n // 9)]
    with server.client() as ours, oracle.client() as theirs:
        def both(*words):
            a, b = either(ours, *words), either(theirs, *words)
            assert a == b, words
            return a

        for c in (ours, theirs):
            c("FLUSHALL")
            c("HELLO", "3")
            c.pipeline([["XADD", "s", f"{i + 1}-1", "f", "v"] for i in range(n)])
            c("XGROUP", "CREATE", "s", "g", "0")
            c.pipeline([["XREADGROUP", "GROUP", "g", owner, "COUNT", "1", "STREAMS", "s", ">"] for owner in owners])
            c.pipeline([["XCLAIM", "s", "g", owner, "0", f"{i + 1}-1", "TIME", t, "RETRYCOUNT", "1", "JUSTID"]
                        for i, (owner, t) in enumerate(zip(owners, times))])
            c.pipeline(acks)
        for consumer in consumers:
            assert both("XGROUP", "DELCONSUMER", "s", "g", consumer) > 64
            blurred = [[e[:2] + e[3:] for e in c("XPENDING", "s", "g", "-", "+", n)] for c in (ours, theirs)]
            assert blurred[0] == blurred[1]
            both("XPENDING", "s", "g")
            both("XAUTOCLAIM", "s", "g", "bob", "0", f"{n // 2}-1", "COUNT", "200", "JUSTID")
            both("XREADGROUP", "GROUP", "g", "carol", "COUNT", "300", "STREAMS", "s", f"{n // 3}")
            both("XACK", "s", "g", *(f"{i + 1}-1" for i in range(0, n, 17)))
            assert common(text(ours("XINFO", "GROUPS", "s"))) == common(text(theirs("XINFO", "GROUPS", "s")))
            assert ours("COPY", "s", "t", "REPLACE") == 1
            assert ours("XPENDING", "t", "g") == theirs("XPENDING", "s", "g")
        both("XGROUP", "DELCONSUMER", "s", "g", "bob")
        assert both("XPENDING", "s", "g") == [0, None, None, None]
        for c in (ours, theirs):
            c("FLUSHALL")

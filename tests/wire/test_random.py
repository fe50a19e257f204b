# SPDX-License-Identifier: BSD-3-Clause
"""Random requests in random pipelines to miniredis and to the real redis-server: equal
replies, byte for byte. The tables ask what somebody thought of; this asks the rest. And
many clients at once, whose bytes come in any pieces: each gets its own answers in order.

MINIREDIS_RANDOM_ROUNDS runs more of them, MINIREDIS_RANDOM_SEED others."""
import os
import random
import select

import pytest
import random_play
from conftest import Error, encode, wait_until
from oracle import start_oracle  # noqa: F401
from random_commands import Commands
from wire import conversation

ROUNDS = int(os.environ.get("MINIREDIS_RANDOM_ROUNDS", "600"))
SEED = int(os.environ.get("MINIREDIS_RANDOM_SEED", "0"))
PIECE = 1000  # steps between two looks at all that is there


# Steps of one sequence; each is played in RESP2 and in RESP3.
STEPS = ROUNDS * 4
SEQUENCES = 2


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("sequence", range(SEQUENCES))
def test_random_commands(start_server, start_oracle, sequence, version):
    """Equal replies, and in the end equal values; what the oracle has saved is the same when it is loaded."""
    seed = f"{SEED}.{sequence}.{version}"
    server, oracle = start_server("--enable-debug-command", "yes"), start_oracle()
    with random_play.Play(server, oracle, version) as play:
        known = {name.decode().upper() for name in play.clients[0]("COMMAND", "LIST")}
        assert {"GET", "ZADD", "LPUSH", "HSET", "SADD", "PFADD", "GEOADD"} <= known
        commands = Commands(seed, known)
        steps = commands.first()
        try:
            while len(steps) < STEPS:
                some = [commands.one() for _ in range(min(PIECE, STEPS - len(steps)))]
                steps += some
                play.run([*(steps if len(steps) == len(some) else some), ["@digest"]])
            play.digest_all()
        except random_play.Difference as difference:
            pytest.fail(random_play.report(play, steps, seed, difference), pytrace=False)
        play.both("SELECT", 0)
        ours, theirs = play.clients
        assert theirs("SAVE") == "OK"
        loaded = start_server("--dir", oracle.directory, "--enable-debug-command", "yes")
        same = True
        with loaded.client() as again:
            for db in range(2):
                assert ours("SELECT", db) == theirs("SELECT", db) == again("SELECT", db) == "OK"
                assert ours("DBSIZE") == again("DBSIZE")
                keys = sorted(ours("KEYS", "*"))
                digests = [c("DEBUG", "DIGEST-VALUE", *keys) for c in (ours, again)]
                # The two servers need not have read from a stream within the same millisecond.
                for key in [k for k, a, b in zip(keys, *digests) if a != b]:
                    assert ours("TYPE", key) == "stream", key
                    assert ours("RESTORE", "brought over", 0, theirs("DUMP", key)) == "OK"
                    assert ours("DEBUG", "DIGEST-VALUE", "brought over") == again("DEBUG", "DIGEST-VALUE", key), key
                    assert ours("DEL", "brought over") == 1
                    same = False
            assert not same or ours("DEBUG", "DIGEST") == again("DEBUG", "DIGEST")
        made_again(ours)


def made_again(client):
    """Everything comes out of the commands of DEBUG REWRITE as it was."""
    digest, contents = client("DEBUG", "DIGEST"), []
    for db in range(2):
        client("SELECT", db)
        keys = sorted(client("KEYS", "*"))
        contents.append((keys, client("DEBUG", "DIGEST-VALUE", *keys),
                         [words for k in keys for words in client("DEBUG", "REWRITE", k)]))
    client("FLUSHALL")
    for db, (keys, digests, commands) in enumerate(contents):
        client("SELECT", db)
        faults = [(words, r) for words, r in zip(commands, client.pipeline(commands)) if isinstance(r, Error)]
        assert faults == []
        other = [k for k, a, b in zip(keys, digests, client("DEBUG", "DIGEST-VALUE", *keys)) if a != b]
        assert other == []
    assert client("DEBUG", "DIGEST") == digest


def test_a_sequence_comes_again():
    """A seed is all that is needed to have the same steps once more."""
    one, same, other = (Commands(seed) for seed in ("7", "7", "8"))
    steps = [one.one() for _ in range(3000)]
    assert steps == [same.one() for _ in range(3000)]
    assert steps[:100] != [other.one() for _ in range(100)]
    names = {random_play.as_text(w).upper() for s in steps for w in s[:2]}
    assert len(names & {"ZADD", "XADD", "SORT", "RESTORE", "BLPOP", "GEOADD", "BITFIELD", "LMPOP", "HINCRBY", "COPY"}) >= 9


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

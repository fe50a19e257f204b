# SPDX-License-Identifier: BSD-3-Clause
"""What commands on keys count: hits, misses and changes, beside the real redis-server."""
import re

import pytest
from oracle import oracle, start_oracle  # noqa: F401

COMMANDS = [
    "DEL k", "DEL k k", "UNLINK k", "EXISTS k k", "TOUCH k", "TYPE k", "EXPIRE k 100", "EXPIRE k -1", "EXPIRE k 90 GT",
    "PERSIST k", "TTL k", "PTTL k", "EXPIRETIME k", "RENAME k z", "RENAME k k", "RENAMENX k z", "COPY k z",
    "COPY k z REPLACE", "COPY z k REPLACE", "MOVE k 1", "DUMP k", "RESTORE k 0 D", "RESTORE k 0 D REPLACE",
    "RESTORE k 1 D REPLACE ABSTTL", "RESTORE k 0 bad REPLACE", "OBJECT ENCODING k", "OBJECT IDLETIME k",
    "OBJECT REFCOUNT k", "SORT k", "SORT z STORE k", "SORT_RO k", "RANDOMKEY", "KEYS *", "KEYS k", "SCAN 0",
    "DEBUG OBJECT k", "FLUSHDB", "WAIT 0 0",
]
BEFORE = ["", "SET k v", "SET k v EX 100", "MSET k v z w"]
FIELDS = re.compile(rb"\r\n(keyspace_hits|keyspace_misses|rdb_changes_since_last_save|expired_keys):(\d+)")


def counts(c):
    return {name: int(value) for name, value in FIELDS.findall(c("INFO", "stats") + c("INFO", "persistence"))}


@pytest.mark.parametrize("before", BEFORE)
def test_counts(start_server, oracle, before):
    server = start_server("--enable-debug-command", "yes")
    with server.client() as ours, oracle.client() as theirs:
        theirs("SET", "k", "v")
        payload = theirs("DUMP", "k")
        for command in COMMANDS:
            found = []
            for c in (ours, theirs):
                c("FLUSHALL")
                if before:
                    c(*before.split())
                start = counts(c)
                c(*[payload if word == "D" else word for word in command.split()])
                found.append({name: value - start[name] for name, value in counts(c).items()})
            assert found[0] == found[1], command
            assert len(found[0]) == 4


OBJECT = re.compile(r"Value at:0x[0-9a-f]+ refcount:\d+ encoding:(\w+) serializedlength:(\d+) lru:(\d+) lru_seconds_idle:(\d+)")


@pytest.mark.parametrize("value", ["1", "-129", "2147483648", "v", "x" * 44, "x" * 45, "x" * 2000, "abc" * 5])
def test_debug_object(start_server, oracle, value):
    server = start_server("--enable-debug-command", "yes")
    found = []
    for it in (server, oracle):
        with it.client() as c:
            c("SET", "k", value)
            found.append(OBJECT.match(str(c("DEBUG", "OBJECT", "k"))).groups())
    (encoding, length, lru, idle), theirs = found
    assert (encoding, length) == theirs[:2]
    assert abs(int(lru) - int(theirs[2])) <= 2 and int(idle) <= 2

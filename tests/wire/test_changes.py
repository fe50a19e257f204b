# SPDX-License-Identifier: BSD-3-Clause
"""How many changes each command counts, beside the real redis-server: INFO's
rdb_changes_since_last_save, by which `save` rules and people go."""
from pathlib import Path

from conftest import Error
from oracle import oracle, start_oracle  # noqa: F401


def commands():
    for line in Path(__file__).with_name("changes.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            yield line


def changes(client):
    for line in client("INFO", "persistence").split(b"\r\n"):
        if line.startswith(b"rdb_changes_since_last_save:"):
            return int(line.split(b":")[1])
    raise AssertionError("no rdb_changes_since_last_save")


def test_changes_are_counted_as_redis_server_does(server, oracle):
    wrong = []
    with server.client() as a, oracle.client() as b:
        for c in (a, b):
            c("FLUSHALL")
        last = changes(a), changes(b)
        for line in commands():
            mine, yours = a(*line.split()), b(*line.split())
            now = changes(a), changes(b)
            grew = now[0] - last[0], now[1] - last[1]
            if grew[0] != grew[1] or isinstance(mine, Error) != isinstance(yours, Error):
                wrong.append(f"{line}: {grew[0]}, redis-server {grew[1]}")
            last = now
    assert not wrong, "\n".join(wrong)

# SPDX-License-Identifier: BSD-3-Clause
"""exit-on-idle: a server that a socket starts ends when nobody uses it."""
import shutil
import time

import pytest
from conftest import PATIENCE, TOP, free_port
from test_systemd import Manager, built_with_systemd  # noqa: F401

ENDS = r"No client for (\d+) s: ending, as exit-on-idle asks for"
STAYS = r"No client for \d+ s, but the server stays in spite of exit-on-idle: (\d+) changes would be lost"


@pytest.fixture
def activated(servers, tmp_path):
    """activated("--option", ...) -> Server, started by a first connection, which has ended."""
    activate = shutil.which("systemd-socket-activate")
    if activate is None:
        pytest.skip("systemd-socket-activate is not there")

    def start(*options, env=None):
        port = free_port()
        wrapper = [activate, *[f"-E{name}" for name in env or {}], "-l", f"127.0.0.1:{port}"]
        server = servers.launch(*options, port=port, wrapper=wrapper, env=env)
        assert server.log.wait_for("Listening on"), server.report()
        return server

    return start


def test_it_ends_when_the_last_client_has_gone(activated, tmp_path):
    manager = Manager(tmp_path / "notify")
    server = activated("--exit-on-idle", "1", env={"NOTIFY_SOCKET": manager.path})
    with server.client() as first, server.client() as second:
        assert first("PING") == "PONG"
        assert second("PING") == "PONG"
        first.close()
        # As long as one is there nothing happens, however long it is silent.
        assert not server.log.wait_for(ENDS, timeout=1.3)
        assert second("PING") == "PONG"
        gone = time.monotonic()
    assert server.wait() == 0
    assert 0.9 < time.monotonic() - gone < PATIENCE
    assert manager.wait_for("STOPPING=1")
    assert server.log.wait_for(ENDS)[1] == "1"


def test_it_ends_when_no_client_comes_at_all(servers, tmp_path):
    """The socket was passed, but the one who woke it has gone."""
    activate = shutil.which("systemd-socket-activate")
    if activate is None:
        pytest.skip("systemd-socket-activate is not there")
    port = free_port()
    server = servers.launch("--exit-on-idle", "1", port=port, wrapper=(activate, "-l", f"127.0.0.1:{port}"))
    assert server.log.wait_for("Listening on"), server.report()
    server.client().close()
    assert server.wait() == 0
    assert server.log.wait_for(ENDS)


def test_changed_keys_keep_it(activated):
    server = activated("--exit-on-idle", "1")
    with server.client() as c:
        assert c("SET", "a", "b") == "OK"
        assert c("SET", "c", "d") == "OK"
    assert server.log.wait_for(STAYS)[1] == "2"
    # Once is enough, and it goes on serving.
    seen = len(server.log.lines)
    assert not server.log.wait_for(STAYS, timeout=1.5, start=seen)
    with server.client() as c:
        assert c("GET", "a") == b"b"
        assert c("DEL", "a", "c") == 2
    # Nothing is left of what was never on disk.
    assert server.wait() == 0
    assert server.log.wait_for(ENDS)


@pytest.fixture
def sample(tmp_path):
    shutil.copy(TOP / "etc/sample.rdb", tmp_path / "dump.rdb")
    return tmp_path


def keys(client):
    return [key for db in range(16) if client("SELECT", db) == "OK" for key in client("KEYS", "*")]


def test_loaded_keys_that_were_not_changed_do_not(activated, sample):
    server = activated("--exit-on-idle", "1", "--dir", sample)
    with server.client() as c:
        assert keys(c)
    assert server.wait() == 0


def test_loaded_keys_that_were_deleted_do(activated, sample):
    """They would come back."""
    server = activated("--exit-on-idle", "1", "--dir", sample)
    with server.client() as c:
        assert keys(c)
        assert c("FLUSHALL") == "OK"
    assert server.log.wait_for(STAYS), server.report()
    assert server.stop() == 0


def test_at_run_time(activated):
    server = activated()
    with server.client() as c:
        assert c("CONFIG", "GET", "exit-on-idle") == [b"exit-on-idle", b"0"]
        assert c("CONFIG", "SET", "exit-on-idle", "1000") == "OK"
    with server.client() as c:
        assert c("CONFIG", "SET", "exit-on-idle", "0") == "OK"
    assert not server.log.wait_for(ENDS, timeout=0.3)
    with server.client() as c:
        assert c("CONFIG", "SET", "exit-on-idle", "1") == "OK"
    assert server.wait() == 0


def test_it_is_refused_without_passed_sockets(servers):
    server = servers.launch("--exit-on-idle", "5")
    assert server.wait() == 1
    assert "exit-on-idle is for a server whose sockets are passed at start" in server.log.text()
    server = servers.start()
    with server.client() as c:
        assert c("CONFIG", "SET", "exit-on-idle", "5") == (
            "ERR CONFIG SET failed (possibly related to argument 'exit-on-idle') - exit-on-idle is for a server whose "
            "sockets are passed at start, which the next client then starts again; this one was passed none")
        assert c("CONFIG", "GET", "exit-on-idle") == [b"exit-on-idle", b"0"]

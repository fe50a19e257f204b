# SPDX-License-Identifier: BSD-3-Clause
"""exit-on-idle: a server that a socket starts ends when nobody uses it, and saves before."""
import os
import resource
import shutil
import signal
import time

import pytest
from conftest import PATIENCE, TOP, free_port
from test_systemd import Manager, built_with_systemd  # noqa: F401

ENDS = r"No client for (\d+) s: ending, as exit-on-idle asks for"
STAYS = r"No client for 1 s, but the server stays in spite of exit-on-idle"


@pytest.fixture
def activated(servers, tmp_path):
    """activated("--option", ...) -> Server, started by a first connection, which has ended."""
    activate = shutil.which("systemd-socket-activate")
    if activate is None:
        pytest.skip("systemd-socket-activate is not there")

    def start(*options, env=None, preexec=None):
        port = free_port()
        wrapper = [activate, *[f"-E{name}" for name in env or {}], "-l", f"127.0.0.1:{port}"]
        server = servers.launch(*options, port=port, wrapper=wrapper, env=env, preexec=preexec)
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


def test_changed_keys_are_saved(activated, start_server, tmp_path):
    server = activated("--exit-on-idle", "1", "--dir", tmp_path)
    with server.client() as c:
        assert c("SET", "a", "b") == "OK"
        assert c("SET", "c", "d") == "OK"
    assert server.wait() == 0
    assert server.log.wait_for(r"DB saved on disk: .* 2 keys")
    assert server.log.wait_for(ENDS)
    with start_server("--dir", tmp_path).client() as c:
        assert c("GET", "a") == b"b" and c("DBSIZE") == 2


def test_keys_that_came_and_went_are_not(activated, tmp_path):
    server = activated("--exit-on-idle", "1", "--dir", tmp_path)
    with server.client() as c:
        assert c("SET", "a", "b") == "OK"
        assert c("DEL", "a") == 1
    assert server.wait() == 0
    assert "dump.rdb" not in os.listdir(tmp_path)


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))


def test_what_cannot_be_saved_keeps_it(activated, tmp_path):
    server = activated("--exit-on-idle", "1", "--dir", tmp_path, "--rdbcompression", "no", preexec=small_files)
    with server.client() as c:
        assert c("SET", "a", "x" * 2000) == "OK"
    assert server.log.wait_for(r"The data could not be saved: .*File too large")
    assert server.log.wait_for(STAYS)
    # It is not tried again every second, and it goes on serving.
    seen = len(server.log.lines)
    assert not server.log.wait_for("saved|stays", timeout=1.5, start=seen)
    with server.client() as c:
        assert c("SET", "a", "small") == "OK"
    assert server.wait() == 0
    assert "dump.rdb" in os.listdir(tmp_path)


@pytest.fixture
def sample(tmp_path):
    shutil.copy(TOP / "etc/sample.rdb", tmp_path / "dump.rdb")
    return tmp_path


def keys(client):
    return [key for db in range(16) if client("SELECT", db) == "OK" for key in client("KEYS", "*")]


def test_loaded_keys_that_were_not_changed_are_not_saved(activated, sample):
    server = activated("--exit-on-idle", "1", "--dir", sample)
    with server.client() as c:
        assert keys(c)
    before = os.stat(sample / "dump.rdb")
    assert server.wait() == 0
    assert os.stat(sample / "dump.rdb").st_ino == before.st_ino


def test_loaded_keys_that_were_deleted_do_not_come_back(activated, start_server, sample):
    server = activated("--exit-on-idle", "1", "--dir", sample)
    with server.client() as c:
        assert keys(c)
        assert c("FLUSHALL") == "OK"
    assert server.wait() == 0
    with start_server("--dir", sample).client() as c:
        assert not keys(c)


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

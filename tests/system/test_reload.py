# SPDX-License-Identifier: BSD-3-Clause
"""--reload: a reload that whoever asks for it waits for, as the unit's ExecReload= does."""
import contextlib
import os
import signal
import socket
import stat
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from conftest import PATIENCE, wait_until
from test_systemd import Manager


class Asked:
    """Runs of --reload, and the directory that they and a server share."""

    def __init__(self, program, directory):
        self.program, self.directory = program, Path(directory)
        self.environment = {"RUNTIME_DIRECTORY": str(directory)}
        self.path = self.directory / "reload.sock"

    def begin(self, **more):
        env = {**os.environ, **self.environment, **more.pop("env", {})}
        return subprocess.Popen([self.program, "--reload"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=env, **more)

    def __call__(self, **more):
        return self.end(self.begin(**more))

    @staticmethod
    def end(process):
        """The status and the lines on standard error."""
        out, err = process.communicate(timeout=PATIENCE)
        assert out == ""
        return process.returncode, err.splitlines()


@pytest.fixture
def ask(program, tmp_path):
    directory = tmp_path / "run"
    directory.mkdir()
    return Asked(program, directory)


@pytest.fixture
def conf(tmp_path):
    path = tmp_path / "m.conf"
    path.write_text("timeout = 5\n")
    return path


@pytest.fixture
def server(servers, conf, ask):
    return servers.start("-c", conf, env=ask.environment)


def timeout_of(server):
    with server.client() as c:
        return c("CONFIG", "GET", "timeout")[1]


def test_it_is_done_when_it_returns(server, ask, conf):
    for value in (b"6", b"7"):
        conf.write_bytes(b"timeout = %b\n" % value)
        assert ask() == (0, [])
        assert timeout_of(server) == value
    assert ask() == (0, [])  # nothing has changed


@pytest.mark.parametrize("text, reason", [
    ("timeout = never\n", "m.conf:1: timeout: 'never'"), ("timout = 6\n", "did you mean 'timeout'"),
    ("timeout = 6\ndatabases = 3\n", "databases: "), ("timeout = {\n", "m.conf:"),
], ids=["value", "name", "only-at-start", "syntax"])
def test_a_refused_one_fails_with_the_reason(server, ask, conf, text, reason):
    conf.write_text(text)
    status, said = ask()
    assert status == 1
    assert said[0] == "miniredis: the reload failed"
    assert len(said) == 2 and reason in said[1] and said[1].startswith("miniredis: "), said
    assert wait_until(lambda: said[1].removeprefix("miniredis: ") in server.log.text())
    assert timeout_of(server) == b"5"
    conf.write_text("timeout = 8\n")
    assert ask() == (0, [])
    assert timeout_of(server) == b"8"


def test_every_fault_is_named(server, ask, conf):
    conf.write_text("".join(f"no-such-option-{i} = 1\n" for i in range(3)))
    status, said = ask()
    assert status == 1 and len(said) == 4
    # More of them than fit into an answer: its end says so.
    conf.write_text("".join(f"no-such-option-{i} = 1\n" for i in range(1000)))
    status, said = ask()
    assert status == 1 and 10 < len(said) < 1000 and said[-1] == "miniredis: (and more)"
    assert server.log.wait_for("Reload: .*no-such-option-200")


def test_a_log_file_that_cannot_be_opened_again(servers, ask, conf):
    home = servers.tmp_path / "logs"
    home.mkdir()
    server = servers.launch("-c", conf, "--logfile", home / "log", env=ask.environment)
    assert server.wait_answering()
    home.rename(servers.tmp_path / "elsewhere")
    conf.write_text("timeout = 9\n")
    status, said = ask()
    assert status == 1 and len(said) == 2 and "the log file" in said[1] and "No such file" in said[1]
    assert timeout_of(server) == b"9"


def test_standard_input_cannot_be_read_again(servers, ask):
    read, write = os.pipe()
    os.write(write, b"timeout 5\n")
    os.close(write)
    servers.start("-", env=ask.environment, pass_stdin=read)
    os.close(read)
    status, said = ask()
    assert status == 1 and "standard input" in said[1]


def test_no_file_is_no_fault(servers, ask):
    servers.start(env=ask.environment)
    assert ask() == (0, [])


def test_many_at_once(server, ask, conf):
    for text, expected, lines in (("timeout = 11\n", 0, 0), ("timeout = 12\ndatabases = 2\n", 1, 2)):
        conf.write_text(text)
        answers = [ask.end(p) for p in [ask.begin() for _ in range(12)]]
        assert [(status, len(said)) for status, said in answers] == [(expected, lines)] * 12
    assert timeout_of(server) == b"11"


def test_each_gets_its_own_answer(server, ask, conf):
    """Those who ask while the server is stopped wait; what they hear is what it then finds."""
    server.signal(signal.SIGSTOP)
    conf.write_text("databases = 2\n")
    waiting = [ask.begin() for _ in range(3)]
    conf.write_text("timeout = 13\n")
    server.signal(signal.SIGCONT)
    assert [ask.end(p)[0] for p in waiting] == [0, 0, 0]
    assert timeout_of(server) == b"13"


def test_the_manager_hears_of_it_first(servers, ask, conf, tmp_path):
    if b"NOTIFY_SOCKET" not in Path(servers.program).read_bytes():
        pytest.skip("built without systemd")
    manager = Manager(tmp_path / "notify")
    servers.start("-c", conf, env={**ask.environment, **manager.environment})
    assert manager.wait_for("READY")
    for text, expected in (("timeout = 6\n", 0), ("nonsense = 6\n", 1)):
        start = len(manager.messages)
        conf.write_text(text)
        assert ask()[0] == expected
        # Sent before the answer, and so there when it is.
        assert wait_until(lambda: len(manager.messages) == start + 2)
        assert [next(iter(m)) for _, m in manager.messages[start:]] == ["RELOADING", "READY"]
        assert "MONOTONIC_USEC" in manager.messages[start][1]
    manager.socket.close()


# --- without an answer ---


def test_no_server(ask):
    status, said = ask()
    assert status == 1 and said == ["miniredis: the reload failed", f"miniredis: no server listens on {ask.path}"]


def test_no_directory(ask):
    for value in ("", None):
        ask.environment = {} if value is None else {"RUNTIME_DIRECTORY": value}
        status, said = ask()
        assert status == 1 and "RUNTIME_DIRECTORY" in said[1] and "not set" in said[1]
    ask.environment = {"RUNTIME_DIRECTORY": "/" + "x" * 200}
    status, said = ask()
    assert status == 1 and "too long" in said[1]


def test_a_server_that_is_killed(server, ask):
    server.signal(signal.SIGSTOP)
    process = ask.begin()
    # It waits: its connection is in the server's backlog.
    assert wait_until(lambda: connected(process.pid, ask.path))
    server.kill()
    status, said = ask.end(process)
    assert status == 1 and said[1] == "miniredis: the server ended before it had answered"
    assert ask()[1][1] == f"miniredis: no server listens on {ask.path}"


def connected(pid, path):
    """Whether process PID has a socket that is connected to the one at PATH."""
    try:
        links = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return False
    # The end that waits to be accepted is there too, without a descriptor: two that are connected.
    table = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    there = any(row[5] == "02" and row[7:] == [str(path)] for row in table)
    return there and any(f"socket:[{row[6]}]" in links and row[5] in ("02", "03") for row in table)


def test_one_who_listens_in_the_place_of_the_server(server, ask):
    ask.path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.bind(str(ask.path))
        other.listen()

        def answer():
            for _ in range(2):
                peer, _ = other.accept()
                with peer, contextlib.suppress(BrokenPipeError):
                    peer.send(b"+")
        thread = threading.Thread(target=answer)
        thread.start()
        status, said = ask(env={"MAINPID": str(server.pid)})
        assert status == 1 and "another one than the server" in said[1]
        # That is what it would have been taken for.
        assert ask(env={"MAINPID": str(os.getpid())}) == (0, [])
        thread.join()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to be somebody else")
def test_other_users_may_not_ask(servers, program, conf):
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        ask = Asked(program, directory)
        server = servers.start("-c", conf, env=ask.environment)
        assert stat.S_IMODE(ask.path.stat().st_mode) == 0o600
        conf.write_text("timeout = 20\n")

        def nobody():
            os.setgid(65534)
            os.setuid(65534)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            pid = os.fork()
            if pid == 0:
                nobody()
                try:
                    s.connect(str(ask.path))
                    os._exit(0)
                except PermissionError:
                    os._exit(7)
                finally:
                    os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        # Nor is one heard for whom the file is opened.
        os.chmod(ask.path, 0o777)
        pid = os.fork()
        if pid == 0:
            nobody()
            try:
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                s.connect(str(ask.path))
                os._exit(8 if s.recv(100) == b"" else 0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 8
        assert timeout_of(server) == b"5"
        server.stop()


# --- the file ---


def test_the_file_goes_with_the_server(server, ask):
    assert ask.path.is_socket() and stat.S_IMODE(ask.path.stat().st_mode) == 0o600
    assert server.stop() == 0
    assert not ask.path.exists()


def test_what_a_crash_has_left_is_replaced(servers, server, ask, conf):
    server.kill()
    assert ask.path.is_socket()
    servers.start("-c", conf, env=ask.environment)
    assert ask() == (0, [])


def test_the_socket_of_a_successor_stays(servers, server, ask, conf):
    second = servers.start("-c", conf, env=ask.environment)
    assert server.stop() == 0
    conf.write_text("timeout = 21\n")
    assert ask(env={"MAINPID": str(second.pid)}) == (0, [])
    assert timeout_of(second) == b"21"


def test_what_is_no_socket_is_left_alone(servers, ask, conf):
    ask.path.write_text("something")
    server = servers.start("-c", conf, env=ask.environment)
    assert f"{ask.path} cannot be listened on: Address already in use" in server.log.text()
    assert ask.path.read_text() == "something"
    assert timeout_of(server) == b"5"
    assert server.stop() == 0
    assert ask.path.read_text() == "something"


def test_a_directory_that_is_not_there(servers, ask, conf):
    ask.environment = {"RUNTIME_DIRECTORY": str(ask.directory / "none")}
    server = servers.start("-c", conf, env=ask.environment)
    assert "Nobody can wait for a reload" in server.log.text()
    assert ask()[0] == 1


def test_the_first_of_several_directories(servers, ask, conf):
    ask.environment = {"RUNTIME_DIRECTORY": f"{ask.directory}:/nowhere"}
    servers.start("-c", conf, env=ask.environment)
    assert ask.path.is_socket() and ask() == (0, [])

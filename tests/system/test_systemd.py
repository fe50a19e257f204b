# SPDX-License-Identifier: BSD-3-Clause
"""What is said to and taken from systemd, against stand-ins for it."""
import contextlib
import os
import re
import shutil
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from conftest import PATIENCE, Error, encode, free_port, wait_until
from test_daemon import namespaces, pair


@pytest.fixture(scope="module", autouse=True)
def built_with_systemd(program):
    if b"NOTIFY_SOCKET" not in Path(program).read_bytes() or b"libsystemd.so" not in Path(program).read_bytes():
        pytest.skip("built without systemd")


# --- the notify socket ---


class Manager:
    """The manager's end of NOTIFY_SOCKET: collects messages, with the time of each.

    One that does not listen yet, until begin(), has no room for messages either: who sends one waits for that."""

    FILLER = b"X_FILLER=1"

    def __init__(self, path, listens=True):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.messages = []
        self.changed = threading.Condition()
        if listens:
            self.begin()
        else:
            self.fill()

    def fill(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, contextlib.suppress(BlockingIOError):
            s.setblocking(False)
            while True:
                s.sendto(self.FILLER, self.path)

    def begin(self):
        threading.Thread(target=self.collect, daemon=True).start()

    def collect(self):
        while True:
            try:
                text = self.socket.recv(8192).decode()
            except OSError:
                return
            if text == self.FILLER.decode():
                continue
            with self.changed:
                self.messages.append((time.monotonic(), dict(line.split("=", 1) for line in text.split("\n"))))
                self.changed.notify_all()

    def wait_for(self, field, start=0, timeout=PATIENCE):
        """The first message from START on that has FIELD ("NAME" or "NAME=value"); None when time is up."""
        name, _, value = field.partition("=")
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                for _, message in self.messages[start:]:
                    if name in message and value in ("", message[name]):
                        return message
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self.changed.wait(left)

    def having(self, name):
        with self.changed:
            return [message for _, message in self.messages if name in message]

    @property
    def environment(self):
        return {"NOTIFY_SOCKET": self.path}


@pytest.fixture
def manager(tmp_path):
    m = Manager(tmp_path / "notify")
    yield m
    m.socket.close()


def test_ready_and_stopping(servers, manager):
    server = servers.start(env=manager.environment)
    ready = manager.wait_for("READY")
    assert ready["READY"] == "1" and "Ready" in ready["STATUS"]
    with server.client() as c:
        assert c("PING") == "PONG"
        assert c.info("server")["process_supervised"] == "systemd"
    assert server.stop() == 0
    assert manager.wait_for("STOPPING=1")
    assert len(manager.having("READY")) == 1


def test_not_ready_when_it_cannot_start(servers, manager, server):
    second = servers.launch(env=manager.environment, port=server.port)
    assert second.wait() == 1
    assert manager.having("READY") == []


def test_an_abstract_socket(servers, tmp_path):
    name = f"\0miniredis-test-{os.getpid()}-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(name)
        s.settimeout(PATIENCE)
        servers.start(env={"NOTIFY_SOCKET": "@" + name[1:]})
        assert s.recv(8192).startswith(b"READY=1")


def test_reloading(servers, manager):
    conf = servers.tmp_path / "m.conf"
    conf.write_text("timeout = 5\n")
    server = servers.start("-c", conf, env=manager.environment)
    assert manager.wait_for("READY")
    for text in ("timeout = 6\n", "nonsense = 6\n"):
        conf.write_text(text)
        start = len(manager.messages)
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        server.signal(signal.SIGHUP)
        message = manager.wait_for("RELOADING=1", start)
        assert message
        assert before <= int(message["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        # READY ends it also where the file was refused: the server serves on with what it had.
        assert manager.wait_for("READY=1", start)
        kinds = [next(iter(m)) for _, m in manager.messages[start:]]
        assert kinds == ["RELOADING", "READY"]


def test_daemonize_is_passed_over(servers, manager):
    server = servers.start("--daemonize", "yes", env=manager.environment)
    with server.client() as c:
        assert int(c.info("server")["process_id"]) == server.pid
    assert "daemonize" in server.log.text()


@pytest.mark.parametrize("value", ["no", "systemd", "auto", "upstart"])
def test_supervised_makes_no_difference(servers, manager, value):
    servers.start("--supervised", value, env=manager.environment)
    assert manager.wait_for("READY")


def test_watchdog(servers, manager):
    # For systemd WATCHDOG_PID is set by it; the server does not know its own before it starts.
    servers.start(env={**manager.environment, "WATCHDOG_USEC": "200000"})

    def well_within():
        times = [at for at, message in list(manager.messages) if "WATCHDOG" in message]
        return any(later - at < 3 * 0.2 for at, later in zip(times, times[3:]))
    # A machine that has a lot to do may be late at times, but not always.
    assert wait_until(well_within), "a ping in each period, and well within it"


def test_watchdog_of_somebody_else(servers, manager):
    server = servers.start(env={**manager.environment, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
    with server.client() as c:
        for _ in range(50):
            c("PING")
    server.stop()
    assert manager.having("WATCHDOG") == []


def test_watchdog_stops_when_the_loop_does(servers, manager):
    server = servers.start("--enable-debug-command", "yes", env={**manager.environment, "WATCHDOG_USEC": "40000"})
    assert manager.wait_for("WATCHDOG")
    with server.client() as c:
        began = time.monotonic()
        assert c("DEBUG", "SLEEP", "1") == "OK"
        ended = time.monotonic()
    # When within that it went to sleep is not known, nor when the last ping before was read: no ping for
    # most of the time that it slept, where there is one every 20 ms otherwise.
    times = [began, *(at for at, message in list(manager.messages) if "WATCHDOG" in message and began < at < ended), ended]
    assert max(b - a for a, b in zip(times, times[1:])) > 0.6, "pings come from the loop, not from beside it"
    count = len(manager.having("WATCHDOG"))
    assert wait_until(lambda: len(manager.having("WATCHDOG")) > count)


# --- a load that takes its time ---


@pytest.fixture
def patient(tmp_path):
    """A manager that a load waits for in the midst: behind its first slice the server tells how far it is."""
    m = Manager(tmp_path / "notify", listens=False)
    yield m
    m.socket.close()


@pytest.fixture(scope="module")
def big_file(tmp_path_factory):
    """A file that takes some hundred milliseconds to load: keys enough for many slices, and many more than one."""
    home = tmp_path_factory.mktemp("big")
    with open(home / "dump.rdb", "wb") as f:
        f.write(b"REDIS0011\xfe\x00\xfb\x80\x00\x0f\x42\x40\x00")
        for block in range(100):
            f.write(b"".join(pair(b"key:%08d" % i, b"v" * 40) for i in range(block * 10000, block * 10000 + 10000)))
        f.write(b"\xff" + b"\0" * 8)
    return home


def test_a_load_shows_and_answers(servers, patient, big_file):
    server = servers.launch("--dir", big_file, env=patient.environment)
    assert server.log.wait_for("Listening"), server.report()
    with server.client() as c, server.client() as info:
        # Both requests wait in the sockets before the loop goes on: it must answer them in the load.
        c.send(encode("GET", "key:00000001") + encode("PING"))
        info.send(encode("INFO", "persistence"))
        patient.begin()
        get, ping, text = c.reply(), c.reply(), info.reply().decode()
        assert isinstance(get, Error) and get.startswith("LOADING "), get
        assert isinstance(ping, Error) and ping.startswith("LOADING "), ping
        fields = dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)
        assert fields["loading"] == "1"
        total, loaded = int(fields["loading_total_bytes"]), int(fields["loading_loaded_bytes"])
        assert total == (big_file / "dump.rdb").stat().st_size and 0 < loaded < total
        assert server.wait_ready()
        assert c("GET", "key:00000001") == b"v" * 40
        assert c("DBSIZE") == 1000000
        assert c.info("persistence")["loading"] == "0"
    extend = patient.wait_for("EXTEND_TIMEOUT_USEC")
    assert patient.wait_for("READY")
    kinds = [set(message) for _, message in patient.messages]
    assert extend and int(extend["EXTEND_TIMEOUT_USEC"]) >= 10_000_000
    status = [m["STATUS"] for m in patient.having("STATUS")]
    assert re.search(r"\d+ %", status[0]), status
    assert "EXTEND_TIMEOUT_USEC" in kinds[0]


def test_progress_of_a_save(servers, manager, tmp_path):
    """By a client, and at the end: systemd hears how far it is, and the watchdog is fed meanwhile."""
    server = servers.start("--dir", tmp_path, "--save", "3600 1", "--rdbcompression", "no",
                           env={**manager.environment, "WATCHDOG_USEC": "600000000"})
    with server.client() as c:
        value = "x" * 100000
        c.pipeline([("SET", f"key:{i}", value) for i in range(500)])
        seen = len(manager.messages)
        assert c("SAVE") == "OK"
        c("DEL", "key:1")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert manager.wait_for("STOPPING")
    said = [message for _, message in manager.messages[seen:]]
    statuses = [m["STATUS"] for m in said if "STATUS" in m]
    # Each save begins and ends; how often it is told in between depends on the machine.
    saving = [i for i, s in enumerate(statuses) if re.fullmatch(r"Saving dump\.rdb: \d+ %(, \d+ s left)?", s)]
    assert len(saving) >= 2, statuses
    assert statuses[saving[0]] == "Saving dump.rdb: 0 %"
    assert statuses.count("Ready to accept connections") == 2
    assert statuses[-1] == "Shutting down"
    assert sum("EXTEND_TIMEOUT_USEC" in m for m in said) == len(saving) == sum("WATCHDOG" in m for m in said) - 2
    assert max(i for i, m in enumerate(said) if "EXTEND_TIMEOUT_USEC" in m) < [
        i for i, m in enumerate(said) if "STOPPING" in m][0]


def test_the_end_of_a_load_by_a_signal(servers, patient, big_file):
    server = servers.launch("--dir", big_file, env=patient.environment)
    assert server.log.wait_for("Listening"), server.report()
    server.signal(signal.SIGTERM)
    patient.begin()
    assert server.wait() == 0
    assert patient.wait_for("STOPPING=1")
    assert patient.having("READY") == []


def test_a_reload_within_a_load_does_not_say_ready(servers, patient, big_file):
    server = servers.launch("--dir", big_file, env=patient.environment)
    assert server.log.wait_for("Listening"), server.report()
    server.signal(signal.SIGHUP)
    patient.begin()
    assert server.log.wait_for("no configuration file"), server.report()
    assert server.wait_ready()
    assert patient.wait_for("READY")
    assert server.stop() == 0
    assert patient.having("RELOADING") == []
    assert len(patient.having("READY")) == 1


# --- passed sockets ---


class Passed:
    """Listening sockets that become the descriptors from 3 on of a server."""

    def __init__(self, *sockets, names=None):
        self.sockets = sockets
        self.environment = {"LISTEN_FDS": str(len(sockets))}
        if names is not None:
            self.environment["LISTEN_FDNAMES"] = ":".join(names)
        self.shell = ("sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh")

    def preexec(self):
        # Away from where they go first, so that none is overwritten before it has moved.
        high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(self.sockets)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)
            os.close(fd)


@pytest.fixture
def launch_passed(servers):
    """A server that is passed sockets. The shell in front of it knows the process id that it keeps."""
    def launch(*arguments, sockets, names=None, wait=True, port=None, **kwargs):
        passed = Passed(*sockets, names=names)
        address = sockets[0].getsockname()
        server = servers.launch(*arguments, port=port or free_port(), env=passed.environment, wrapper=passed.shell,
                                preexec=passed.preexec, close_fds=False, **kwargs)
        server.address = address
        if wait:
            assert server.wait_ready(), server.report()
        return server
    return launch


def listening(family=socket.AF_INET, address=("127.0.0.1", 0), kind=socket.SOCK_STREAM, listen=True):
    s = socket.socket(family, kind)
    s.bind(address)
    if listen:
        s.listen(16)
    return s


@pytest.mark.parametrize("name", [None, "miniredis", "miniredis-tcp", "miniredis.socket", "miniredis@x.socket"])
def test_a_passed_socket_is_served(launch_passed, name):
    with listening() as s:
        server = launch_passed(sockets=[s], names=[name] if name else None)
        with server.client() as c:
            assert c("PING") == "PONG"
        with pytest.raises(OSError):
            server.client(("127.0.0.1", server.port))
        assert "not opened" in server.log.text()
        assert server.stop() == 0


def test_several_kinds_of_passed_sockets(launch_passed, tmp_path):
    path = str(tmp_path / "passed.sock")
    own = str(tmp_path / "own.sock")
    with listening() as a, listening(socket.AF_UNIX, path) as b:
        server = launch_passed("--unixsocket", own, sockets=[a, b], names=["miniredis", "miniredis-unix"])
        for address in (a.getsockname(), path):
            with server.client(address) as c:
                assert c("PING") == "PONG"
        assert not os.path.exists(own)
        assert server.stop() == 0
        assert os.path.exists(path), "who made the socket removes it"


@pytest.mark.parametrize("names, word", [(["web"], "web"), (["miniredis", "web"], "web"), (["unknown", "miniredis"],
                                                                                          "unknown")])
def test_an_unknown_name_is_refused(launch_passed, names, word):
    sockets = [listening() for _ in names]
    server = launch_passed(sockets=sockets, names=names, wait=False)
    assert server.wait() == 1
    assert f'"{word}"' in server.log.text()
    for s in sockets:
        s.close()


@pytest.mark.parametrize("make", [
    lambda: listening(kind=socket.SOCK_DGRAM, listen=False), lambda: listening(listen=False),
    lambda: socket.socketpair()[0]], ids=["datagram", "not-listening", "connected"])
def test_a_descriptor_of_another_kind_is_refused(launch_passed, make):
    with make() as s:
        server = launch_passed(sockets=[s], names=["miniredis"], wait=False)
        assert server.wait() == 1
        assert "descriptor 3" in server.log.text() and "not a listening" in server.log.text()


def test_sockets_for_another_process_are_left_alone(servers):
    server = servers.start(env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    with server.client() as c:
        assert c("PING") == "PONG"


def test_bind_and_port_are_not_opened_by_a_reload_either(launch_passed, servers):
    conf = servers.tmp_path / "m.conf"
    first, second = free_port(), free_port()
    conf.write_text(f"port = {first}\n")
    with listening() as s:
        server = launch_passed("-c", conf, sockets=[s], name_port=False, port=first)
        conf.write_text(f"port = {second}\n")
        server.signal(signal.SIGHUP)
        assert server.log.wait_for(rf"port.*{second}"), server.report()
        with server.client() as c:
            assert c("PING") == "PONG"
        with pytest.raises(OSError):
            server.client(("127.0.0.1", second))


@pytest.mark.parametrize("name", [None, "miniredis"])
def test_systemd_socket_activate(servers, name):
    activate = shutil.which("systemd-socket-activate")
    if activate is None:
        pytest.skip("systemd-socket-activate is not there")
    port = free_port()
    names = [f"--fdname={name}"] if name else []
    server = servers.launch(port=port, wrapper=(activate, "-l", f"127.0.0.1:{port}", *names))
    assert server.log.wait_for("Listening on"), server.report()
    # The first connection starts the server, and is answered by it.
    with server.client() as c:
        assert c("PING") == "PONG"
        assert server.log.wait_for("not opened")
    assert server.stop() == 0


def test_systemd_socket_activate_with_an_unknown_name(servers):
    activate = shutil.which("systemd-socket-activate")
    if activate is None:
        pytest.skip("systemd-socket-activate is not there")
    port = free_port()
    server = servers.launch(port=port, wrapper=(activate, "-l", f"127.0.0.1:{port}", "--fdname=web"))
    assert server.log.wait_for("Listening on"), server.report()
    # It may be gone before the connection is whole.
    with contextlib.suppress(ConnectionResetError), server.client() as c:
        c.until_closed()
    assert server.wait() == 1
    assert '"web"' in server.log.text()


# --- the journal ---


class Journal:
    """/run/systemd/journal/socket in mounts of the server's own."""

    def __init__(self, tmp_path):
        self.directory = tmp_path / "journal"
        self.directory.mkdir()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.directory / "socket"))
        self.socket.settimeout(PATIENCE)
        self.wrapper = namespaces("set -e; mount -t tmpfs none /run; mkdir -p /run/systemd/journal; "
                                  f"mount --bind {self.directory} /run/systemd/journal; exec \"$@\"")

    def entry(self):
        """The fields of the next entry, decoded as journald decodes them."""
        data, fields = self.socket.recv(65536), {}
        while data:
            line, _, rest = data.partition(b"\n")
            if b"=" in line:
                name, _, value = line.partition(b"=")
            else:
                size = int.from_bytes(rest[:8], "little")
                name, value, rest = line, rest[8:8 + size], rest[8 + size + 1:]
            fields[name.decode()] = value.decode()
            data = rest
        return fields

    def until(self, text):
        while True:
            entry = self.entry()
            if text in entry["MESSAGE"]:
                return entry


@pytest.fixture
def journal(tmp_path):
    j = Journal(tmp_path)
    yield j
    j.socket.close()


def test_log_to_the_journal(servers, journal):
    server = servers.launch("--log-target", "journal", wrapper=journal.wrapper)
    entry = journal.until("Ready to accept")
    assert entry["PRIORITY"] == "5"
    assert entry["SYSLOG_IDENTIFIER"] == "miniredis"
    assert not re.search(r"\d\d:\d\d:\d\d", entry["MESSAGE"]), "text alone"
    assert server.wait_answering()
    assert server.stop() == 0
    assert server.log.text() == ""


def test_the_journal_by_itself(servers, journal):
    """Under systemd standard error is the journal, which JOURNAL_STREAM says by device and inode."""
    script = ('export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2); exec "$@"')
    server = servers.launch(wrapper=(*journal.wrapper, "sh", "-c", script, "sh"))
    assert journal.until("Ready to accept")
    assert server.stop() == 0
    assert server.log.text() == ""


def test_standard_error_that_is_not_the_journal(servers, journal):
    servers.start(env={"JOURNAL_STREAM": "1:2"}, wrapper=journal.wrapper)


def test_a_logfile_wins_over_the_journal(servers, journal):
    script = ('export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2); exec "$@"')
    server = servers.launch("--logfile", "my.log", wrapper=(*journal.wrapper, "sh", "-c", script, "sh"))
    assert server.wait_answering()
    assert "Ready" in (server.directory / "my.log").read_text()
    assert server.stop() == 0


def test_a_journal_that_is_not_there(servers):
    wrapper = namespaces('set -e; mount -t tmpfs none /run; exec "$@"')
    server = servers.launch("--log-target", "journal", wrapper=wrapper)
    assert server.wait() == 1
    assert "journal" in server.log.text()


# --- what it costs ---


def test_the_library_is_loaded_only_where_it_is_needed(servers, manager):
    plain = servers.start()
    assert "libsystemd" not in Path(f"/proc/{plain.pid}/maps").read_text()
    told = servers.start(env=manager.environment)
    assert "libsystemd" in Path(f"/proc/{told.pid}/maps").read_text()

# SPDX-License-Identifier: BSD-3-Clause
"""What the tests that run the real daemon share.

Environment:
  MINIREDIS       the program (default: miniredis in the build's or the tree's top)
  MINIREDIS_LOOP  "poll" or "epoll": only that back end; else each test runs under both

Fixtures:
  server          a running server without a data file, under the back end of the run
  start_server    start_server("--option", value, ...) -> Server; any number of them
  client          a connection of class Client to `server`
  loop_backend    the name of the back end

A server is ready when its log says so; nothing here sleeps for a guessed time. At
the end of a test every server still running is stopped with SIGTERM and must exit
with status 0 and without a word of a sanitizer; when a test fails the logs of its
servers are part of the report.
"""
import ctypes
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
# For what ought to take milliseconds; generous because sanitizers and small machines are slow.
PATIENCE = float(os.environ.get("MINIREDIS_TEST_PATIENCE", "30"))
READY = re.compile(r"Ready to accept connections")
# What a manager has told the service that this runs in is not for the programs of the tests.
for name in ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID",
             "JOURNAL_STREAM", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "MAINPID",
             "MEMORY_PRESSURE_WRITE"):
    os.environ.pop(name, None)
os.environ["MEMORY_PRESSURE_WATCH"] = "/dev/null"  # nor is what the machine is short of
SANITIZER = re.compile(r"(AddressSanitizer|LeakSanitizer|runtime error:|ThreadSanitizer)")


def find_program():
    named = os.environ.get("MINIREDIS")
    for path in [Path(named)] if named else [Path.cwd() / "miniredis", TOP / "miniredis"]:
        if os.access(path, os.X_OK):
            return str(path.resolve())
    pytest.exit("no miniredis to test: build it, or name it in MINIREDIS", returncode=2)


def ephemeral_ports():
    """The first of the ports that connections of whoever it is take at any time."""
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return 0


def free_port():
    """A port that nobody has now; who uses it must be ready to try another one. If the machine has such,
    it is none that becomes somebody's by chance."""
    below = ephemeral_ports()
    for _ in range(100):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", random.SystemRandom().randrange(10000, below) if below >= 20000 else 0))
                return s.getsockname()[1]
            except OSError:
                continue
    raise RuntimeError("no port is free")


# --- RESP ---


class Error(str):
    """An error reply, with its prefix and without the dash."""


class Simple(str):
    """A simple string reply."""


class Verbatim(bytes):
    """A RESP3 verbatim string; its format is in .format."""

    format = "txt"


class Push(list):
    """A RESP3 push message."""


class Attribute(dict):
    """RESP3 attributes, in front of a reply."""


def encode(*words):
    """A command as an array of bulk strings."""
    out = [b"*%d\r\n" % len(words)]
    for w in words:
        if isinstance(w, str):
            w = w.encode()
        elif not isinstance(w, (bytes, bytearray, memoryview)):
            w = str(w).encode()
        out.append(b"$%d\r\n%b\r\n" % (len(w), bytes(w)))
    return b"".join(out)


class Client:
    """A raw connection: bytes out, bytes or decoded replies in."""

    def __init__(self, address, timeout=PATIENCE):
        family = socket.AF_UNIX if isinstance(address, str) else (
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # bytes

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the server closed; unread: {self.pending!r}")
        self.pending += data

    def exactly(self, n):
        while len(self.pending) < n:
            self.more()
        out, self.pending = self.pending[:n], self.pending[n:]
        return out

    def line(self):
        """Bytes up to CRLF, without it."""
        while b"\r\n" not in self.pending:
            self.more()
        out, self.pending = self.pending.split(b"\r\n", 1)
        return out

    def until_closed(self):
        """All that comes until the server closes (also by a reset)."""
        try:
            while True:
                self.more()
        except (EOFError, ConnectionResetError):
            out, self.pending = self.pending, b""
            return out

    def raw(self):
        """The bytes of the next reply, whole and undecoded."""
        head = self.line()
        out = head + b"\r\n"
        kind = head[:1]
        if kind in b"$=!":
            n = int(head[1:])
            return out if n < 0 else out + self.exactly(n + 2)
        if kind in b"*~>%|":
            n = int(head[1:]) * (2 if kind in b"%|" else 1)
            for _ in range(n):
                out += self.raw()
            if kind == b"|":
                out += self.raw()
        return out

    def nothing(self, seconds=0.05):
        """Whether nothing at all comes for that long."""
        if self.pending:
            return False
        self.socket.settimeout(seconds)
        try:
            self.pending = self.socket.recv(1, socket.MSG_PEEK)
            self.pending = b""
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(PATIENCE)

    # replies

    def reply(self):
        head = self.line()
        kind, rest = head[:1], head[1:]
        if kind == b"+":
            return Simple(rest.decode("utf-8", "surrogateescape"))
        if kind == b"-":
            return Error(rest.decode("utf-8", "surrogateescape"))
        if kind == b":":
            return int(rest)
        if kind in b"$=!":
            n = int(rest)
            if n < 0:
                return None
            body = self.exactly(n + 2)[:-2]
            if kind == b"!":
                return Error(body.decode("utf-8", "surrogateescape"))
            if kind == b"=":
                text = Verbatim(body[4:])
                text.format = body[:3].decode()
                return text
            return body
        if kind in b"*~>":
            n = int(rest)
            if n < 0:
                return None
            items = [self.reply() for _ in range(n)]
            return Push(items) if kind == b">" else items
        if kind in b"%|":
            pairs = [(self.reply(), self.reply()) for _ in range(int(rest))]
            return (Attribute if kind == b"|" else dict)(pairs)
        if kind == b"_":
            return None
        if kind == b"#":
            return rest == b"t"
        if kind == b",":
            return float(rest)
        if kind == b"(":
            return int(rest)
        raise ValueError(f"not a reply: {head!r}")

    def command(self, *words):
        self.send(encode(*words))
        return self.reply()

    def __call__(self, *words):
        return self.command(*words)

    def pipeline(self, commands):
        """Sends all at once, returns all replies."""
        self.send(b"".join(encode(*c) for c in commands))
        return [self.reply() for _ in commands]

    def info(self, *sections):
        """INFO as a dict of texts."""
        text = self.command("INFO", *sections)
        assert not isinstance(text, Error), text
        lines = text.decode().split("\r\n")
        return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


# --- processes ---

_libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def with_our_end(then=None):
    """For preexec_fn: a server does not outlive a test run that is killed."""
    def prepare():
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if then is not None:
            then()
    return prepare


class Output:
    """Collects what a process writes into a pipe; wait_for() returns when a line is there."""

    def __init__(self, stream):
        self.stream = stream
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.collect, daemon=True)
        self.thread.start()

    def collect(self):
        for line in self.stream:
            with self.changed:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self.changed.notify_all()
        self.stream.close()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def text(self):
        with self.changed:
            return "\n".join(self.lines)

    def wait_for(self, pattern, timeout=PATIENCE, start=0):
        """The match of the first line from START on; None if the stream ends or time is up."""
        pattern = re.compile(pattern)
        deadline = time.monotonic() + timeout
        at = start
        with self.changed:
            while True:
                while at < len(self.lines):
                    found = pattern.search(self.lines[at])
                    if found:
                        return found
                    at += 1
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    return None
                self.changed.wait(left)

    def finish(self):
        self.thread.join(PATIENCE)
        return self.text()


class Server:
    """One daemon in a directory of its own."""

    def __init__(self, program, directory, arguments, port, env=None, wrapper=(), pass_stdin=None,
                 preexec=None, close_fds=True):
        self.directory, self.port = Path(directory), port
        self.arguments = [str(a) for a in arguments]
        self.stopped = False
        command = [*wrapper, program, *self.arguments]
        full = {**os.environ, **(env or {})}
        self.process = subprocess.Popen(
            command, cwd=directory, env=full, stdin=pass_stdin if pass_stdin is not None else
            subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=with_our_end(preexec), close_fds=close_fds)
        self.stdout = Output(self.process.stdout)
        self.log = Output(self.process.stderr)
        self.address = ("127.0.0.1", port) if port else None

    @property
    def pid(self):
        return self.process.pid

    def wait_ready(self, timeout=PATIENCE):
        """True when the log says that it is ready; False if the process ended before."""
        return self.log.wait_for(READY, timeout) is not None

    def wait_answering(self, timeout=PATIENCE):
        """For a server whose log does not come to standard error: until PING is answered."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with self.client() as c:
                    if c("PING") == "PONG":
                        return True
            except (OSError, EOFError):
                pass
            time.sleep(0.001)
        return False

    def client(self, address=None):
        return Client(address or self.address)

    def signal(self, number):
        self.process.send_signal(number)

    def processor_time(self):
        """Seconds that the process has been running for."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9

    def held(self, ask):
        """What ASK returns, and for how many seconds the server may have let it wait: those that it
        took, or only those of them that the server worked in, since the machine may have had others
        to do."""
        began, worked = time.monotonic(), self.processor_time()
        reply = ask()
        return reply, min(time.monotonic() - began, self.processor_time() - worked)

    def wait(self, timeout=PATIENCE):
        """The exit status; kills and fails when it does not come."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not end within {timeout} s") from None
        self.stdout.finish()
        self.log.finish()
        self.stopped = True
        return status

    def stop(self):
        """Orderly end; returns the exit status."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.wait()

    def report(self):
        return (f"--- {' '.join(map(str, self.process.args))}\n--- exit status: {self.process.poll()}\n"
                f"{self.log.text()}\n{self.stdout.text()}".rstrip())

    def check_clean(self):
        assert not SANITIZER.search(self.log.text()), self.report()


class Servers:
    """All servers of one test: starts them, ends them, judges them."""

    def __init__(self, program, tmp_path, loop):
        self.program, self.tmp_path, self.loop = program, tmp_path, loop
        self.all = []

    def launch(self, *arguments, port=None, directory=None, name_port=True, **kwargs):
        """Starts without waiting. NAME_PORT False: the port comes from the file that is named."""
        port = free_port() if port is None else port
        if directory is None:
            directory = self.tmp_path / f"server{len(self.all)}"
            directory.mkdir()
        arguments = [str(a) for a in arguments]
        files = []
        while arguments and not (arguments[0].startswith("--") and arguments[0] != "--redis-conf"):
            take = 2 if arguments[0] in ("-c", "--redis-conf") else 1
            files, arguments = files + arguments[:take], arguments[take:]
        arguments = (files + (["--port", str(port)] if name_port else []) + ["--event-loop", self.loop] +
                     arguments)
        server = Server(self.program, directory, arguments, port, **kwargs)
        self.all.append(server)
        return server

    def start(self, *arguments, port=None, **kwargs):
        """Starts and waits until it is ready; tries other ports when somebody was faster."""
        for _ in range(5):
            server = self.launch(*arguments, port=port, **kwargs)
            if server.wait_ready():
                return server
            if server.process.poll() is None:
                server.kill()
                raise AssertionError("the server did not become ready\n" + server.report())
            server.wait()
            if port is not None or not re.search(r"in use", server.log.text()):
                break
        raise AssertionError("the server did not start\n" + server.report())

    def finish(self):
        """Ends what still runs; the faults as texts."""
        faults = []
        for server in self.all:
            if server.stopped:
                ended_well = True
            elif server.process.poll() is None:
                try:
                    ended_well = server.stop() == 0
                except AssertionError:
                    ended_well = False
            else:
                server.wait()
                ended_well = False  # it ended while nobody was looking
            if not ended_well or SANITIZER.search(server.log.text()):
                faults.append(server.report())
        return faults


# --- fixtures ---

_running = pytest.StashKey[list]()


def loops():
    chosen = os.environ.get("MINIREDIS_LOOP")
    return [chosen] if chosen else ["poll", "epoll"]


@pytest.fixture(scope="session")
def program():
    return find_program()


@pytest.fixture(params=loops())
def loop_backend(request):
    return request.param


@pytest.fixture
def servers(request, program, tmp_path, loop_backend):
    group = Servers(program, tmp_path, loop_backend)
    request.node.stash[_running] = [group]
    yield group
    faults = group.finish()
    if faults:
        pytest.fail("a server did not end well:\n" + "\n".join(faults), pytrace=False)


@pytest.fixture
def start_server(servers):
    return servers.start


@pytest.fixture
def server(servers):
    return servers.start()


@pytest.fixture
def client(server):
    with server.client() as c:
        yield c


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for group in item.stash.get(_running, []):
            for server in group.all:
                report.sections.append(("log of a server", server.report()))


def best_of(tries, measure, enough):
    """Whether MEASURE comes to less than ENOUGH in one of so many tries: a machine that is busy spoils
    some of them, a server that is slow all."""
    return any(measure() < enough for _ in range(tries))


def wait_until(condition, timeout=PATIENCE, step=0.002):
    """For what can only be asked for: until CONDITION() is true; its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(step)

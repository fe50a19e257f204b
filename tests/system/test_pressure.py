# SPDX-License-Identifier: BSD-3-Clause
"""Memory pressure, said in each way that systemd knows; the limits of control groups."""
import base64
import os
import re
import socket
import time
from pathlib import Path

import pytest
from conftest import wait_until
from test_daemon import namespaces

GIVEN = r"Memory is short on this machine: \S+ given back, \S+ resident"


class Teller:
    """Who says that memory is short: the other end of a FIFO or of a socket."""

    def __init__(self, kind, directory):
        self.path = str(Path(directory) / "pressure")
        self.kind = kind
        if kind == "fifo":
            os.mkfifo(self.path)
        else:
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listener.bind(self.path)
            self.listener.listen(1)

    def begin(self):
        if self.kind == "fifo":
            self.fd = os.open(self.path, os.O_WRONLY)
        else:
            self.connection, _ = self.listener.accept()
            self.fd = self.connection.fileno()

    def say(self):
        os.write(self.fd, b"now")

    def end(self):
        if self.kind == "fifo":
            os.close(self.fd)
        else:
            self.connection.close()


def info(client, name):
    return client.info("memory")[f"memory_pressure_{name}"]


def fill_and_empty(client):
    """Leaves free pages in the arena that nothing has returned yet."""
    for start in range(0, 100000, 10000):
        client.pipeline([("SET", f"key:{start + i}", "x" * 40) for i in range(10000)])
    for start in range(0, 100000, 10000):
        client.pipeline([("DEL", f"key:{start + i}") for i in range(10000)])


@pytest.mark.parametrize("kind", ["fifo", "socket"])
def test_memory_is_given_back(servers, tmp_path, kind):
    teller = Teller(kind, tmp_path)
    server = servers.start(env={"MEMORY_PRESSURE_WATCH": teller.path})
    teller.begin()
    with server.client() as c:
        assert info(c, "source") == "manager"
        assert info(c, "events") == "0"
        rounds = 0
        # On a machine that has a lot to do the pages may have gone back by themselves before it was said.
        while int(info(c, "given_back")) == 0 and rounds < 10:
            fill_and_empty(c)
            teller.say()
            rounds += 1
            assert wait_until(lambda: info(c, "rounds") == str(rounds))
            assert info(c, "events") == str(rounds)
        assert int(info(c, "given_back")) > 0
        assert server.log.wait_for(GIVEN), server.report()
        # Again at once: it is heeded, but a second after the first, and not told again so soon.
        began, told = time.monotonic(), len(re.findall(GIVEN, server.log.text()))
        teller.say()
        assert wait_until(lambda: info(c, "rounds") == str(rounds + 1))
        assert int(info(c, "events")) >= rounds + 1
        assert len(re.findall(GIVEN, server.log.text())) == told or rounds > 1 or time.monotonic() - began > 8
        # A flood makes no flood of work.
        began = time.monotonic()
        for _ in range(100):
            teller.say()
            assert c("PING") == "PONG"
        # One that was going on, and one for each second since.
        assert int(info(c, "rounds")) <= rounds + 2 + time.monotonic() - began
        teller.end()
        if kind == "socket":
            assert server.log.wait_for("Nothing more will be heard of memory pressure")
            assert wait_until(lambda: info(c, "source") == "none")
        # No busy loop for a closed end.
        turns = int(c.info("stats")["eventloop_cycles"])
        for _ in range(20):
            assert c("PING") == "PONG"
        assert int(c.info("stats")["eventloop_cycles"]) < turns + 200


def test_the_trigger_is_written(servers, tmp_path):
    teller = Teller("socket", tmp_path)
    trigger = b"some 150000 2000000\x00"
    server = servers.start(env={"MEMORY_PRESSURE_WATCH": teller.path,
                                "MEMORY_PRESSURE_WRITE": base64.b64encode(trigger).decode()})
    teller.begin()
    assert teller.connection.recv(100) == trigger
    with server.client() as c:
        assert info(c, "source") == "manager"


@pytest.mark.parametrize("trigger", [b"a", b"ab", b"abc", b"\xff\x00\xfe+/"])
def test_each_length_of_the_trigger(servers, tmp_path, trigger):
    teller = Teller("socket", tmp_path)
    servers.start(env={"MEMORY_PRESSURE_WATCH": teller.path,
                       "MEMORY_PRESSURE_WRITE": base64.b64encode(trigger).decode()})
    teller.begin()
    assert teller.connection.recv(100) == trigger


@pytest.mark.parametrize("path, trigger, reason", [
    ("{}/nosuch", None, "No such file or directory"),
    ("relative", None, "Invalid argument"),
    ("{}/plain", None, "Bad file descriptor"),
    ("{}", None, "Bad file descriptor"),
    ("{}/nobody.sock", None, "Connection refused"),
    ("{}/fifo", "====", "Invalid argument"),
    ("{}/fifo", "YQ", "Invalid argument"),
    ("{}/fifo", "Y===", "Invalid argument"),
    ("{}/fifo", "YQ==YQ==", "Invalid argument"),
    ("{}/fifo", "Y*==", "Invalid argument"),
    ("{}/fifo", "YWJj" * 1000, "Invalid argument"),
    ("/proc/version", None, "Permission denied|Input/output error"),
])
def test_what_cannot_be_watched(servers, tmp_path, path, trigger, reason):
    (tmp_path / "plain").write_text("x")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.bind(str(tmp_path / "nobody.sock"))
    env = {"MEMORY_PRESSURE_WATCH": path.format(tmp_path)}
    if trigger is not None:
        env["MEMORY_PRESSURE_WRITE"] = trigger
    elif path == "/proc/version":
        env["MEMORY_PRESSURE_WRITE"] = "YWJj"
    server = servers.start(env=env)
    with server.client() as c:
        assert info(c, "source") == "none"
    assert server.log.wait_for(f"Memory pressure is not watched: .* cannot be used: ({reason})")


@pytest.mark.parametrize("env", [{"MEMORY_PRESSURE_WATCH": "/dev/null"}])
def test_it_can_be_turned_off(servers, env):
    server = servers.start(env=env)
    with server.client() as c:
        assert info(c, "source") == "none"
    assert "pressure" not in server.log.text()


def test_a_pressure_file_of_the_kernel(servers):
    """A trigger that every machine under load fires, and none does in a moment of quiet."""
    path = "/proc/pressure/memory"
    try:
        with open(path, "r+b", buffering=0) as f:
            f.write(b"some 200000 2000000\0")
    except OSError as e:
        pytest.skip(f"{path}: {e.strerror}")
    server = servers.start(env={"MEMORY_PRESSURE_WATCH": path, "MEMORY_PRESSURE_WRITE":
                                base64.b64encode(b"some 200000 2000000\0").decode()})
    with server.client() as c:
        assert info(c, "source") == "manager"
    assert "not watched" not in server.log.text()


def may_trigger(path):
    try:
        with open(path, "r+b", buffering=0) as f:
            f.write(b"some 200000 2000000\0")
        return True
    except OSError:
        return False


def own_group():
    return next((line.split(":", 2)[2].strip("/") for line in Path("/proc/self/cgroup").read_text().splitlines()
                 if line.startswith("0::")), None)


def test_by_itself(servers):
    """Its own group's file: watched where the machine lets it, else read; nothing is said where there is none."""
    group = own_group() or ""
    files = [Path(mount) / group / "memory.pressure" for mount in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")]
    allowed = any(map(may_trigger, files))
    kind = "cgroup" if allowed else "cgroup-read" if any(os.access(f, os.R_OK) for f in files) else None
    server = servers.start(env={"MEMORY_PRESSURE_WATCH": ""})
    with server.client() as c:
        assert info(c, "source") == "none"
        if kind is not None:
            assert wait_until(lambda: info(c, "source") == kind), server.report()
        else:
            assert not wait_until(lambda: info(c, "source") != "none", timeout=1.3)
    assert "pressure" not in server.log.text()


# --- the limit of a control group, on a tree of our own in place of /sys/fs/cgroup ---


def waited(fd, us):
    """What a file that cannot be watched says, as long as it was before."""
    os.pwrite(fd, b"some avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n"
                  b"full avg10=0.00 avg60=0.00 avg300=0.00 total=999999999\n" % us, 0)


def test_a_file_that_is_only_read(servers, tmp_path):
    tree = tmp_path / "cgroup"
    group = own_group()
    if group is None:
        pytest.skip("there is no unified hierarchy")
    path = tree / group / "memory.pressure"
    path.parent.mkdir(parents=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    waited(fd, 105000000)
    wrapper = namespaces(f"set -e; mount --bind {tree} /sys/fs/cgroup; exec \"$@\"")
    server = servers.start(wrapper=wrapper, env={"MEMORY_PRESSURE_WATCH": ""})
    with server.client() as c:
        assert wait_until(lambda: info(c, "source") == "cgroup-read"), server.report()
        fill_and_empty(c)
        waited(fd, 105199999)
        assert not server.log.wait_for(GIVEN, timeout=6)  # a look, and what there was is not enough
        waited(fd, 105399999)
        assert server.log.wait_for(GIVEN), server.report()
        assert wait_until(lambda: info(c, "rounds") == "1")
        assert info(c, "events") == "1"
        os.pwrite(fd, b"none", 0)
        assert server.log.wait_for("Memory pressure is not watched any more")
        assert info(c, "source") == "none"
    os.close(fd)


def test_auto_follows_the_group(servers, tmp_path):
    tree = tmp_path / "cgroup"
    group = own_group()
    if group is None:
        pytest.skip("there is no unified hierarchy")
    inside = tree / group
    inside.mkdir(parents=True)
    (inside / "memory.max").write_text("1073741824\n")
    wrapper = namespaces(f"set -e; mount --bind {tree} /sys/fs/cgroup; exec \"$@\"")
    file = tmp_path / "conf"
    file.write_text("maxmemory = auto\n")
    server = servers.start("-c", file, wrapper=wrapper)
    assert server.log.wait_for(r"Memory limit: 921.60M \(auto: 1.00G by /sys/fs/cgroup\S*/memory.max, less 102.40M of headroom\)"), \
        server.report()
    with server.client() as c:
        assert c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"966367642"]
        (tree / "memory.high").write_text("536870912\n")
        assert c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"966367642"]
        server.process.send_signal(1)
        assert server.log.wait_for(r"Memory limit: 448.00M \(auto: 512.00M by /sys/fs/cgroup/memory.high, less 64.00M of headroom\)"), \
            server.report()
        assert c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"469762048"]

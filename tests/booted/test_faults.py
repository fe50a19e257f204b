# SPDX-License-Identifier: BSD-3-Clause
"""What keeps the server from starting, or from doing what it was asked: one clear line of it in
systemctl status."""
import socket

import pytest
from booted import drop_in
from conftest import Error, wait_until
from machine import TCP4, TCP6
from rdb import strings

RDB = "/var/lib/miniredis/dump.rdb"


def broken_config(m):
    m.write("/etc/miniredis.conf", "timeout = 5\nprot = 6379\n", 0o640, "root:miniredis")


def unreadable_config(m):
    m.write("/etc/miniredis.conf", "timeout = 5\n", 0o600, "root:root")


def no_config(m):
    m.path("/etc/miniredis.conf").unlink()


def unreadable_data(m):
    m.write(RDB, strings(3), 0o600, "root:root")


def damaged_data(m):
    m.write(RDB, strings(3)[:-20], 0o640, "miniredis:miniredis")


def other_data(m):
    m.write(RDB, "not an RDB file\n", 0o640, "miniredis:miniredis")


def no_directory(m):
    m.write("/etc/miniredis.conf", 'dir = "/var/lib/elsewhere"\n', 0o640, "root:miniredis")


def a_place_that_is_closed(m):
    m.write("/etc/miniredis.conf", 'logfile = "/var/log/miniredis.log"\n', 0o640, "root:miniredis")


@pytest.mark.parametrize("spoil, words", [
    (broken_config, ["/etc/miniredis.conf:2", "prot", "did you mean 'port'"]),
    (unreadable_config, ["/etc/miniredis.conf", "Permission denied"]),
    (no_config, ["/etc/miniredis.conf", "No such file"]),
    (unreadable_data, ["dump.rdb", "Permission denied"]),
    (damaged_data, ["dump.rdb", "offset"]),
    (other_data, ["dump.rdb"]),
    (no_directory, ["/var/lib/elsewhere", "No such file"]),
    (a_place_that_is_closed, ["/var/log/miniredis.log", "Read-only file system"]),
], ids=lambda p: p.__name__ if callable(p) else "")
def test_it_does_not_start(service, spoil, words):
    spoil(service)
    assert service.systemctl("start", "miniredis.service", check=False).status != 0
    status = service.status("miniredis.service")
    lines = {line.partition("]: ")[2].removeprefix("miniredis: ") for line in status.splitlines()
             if all(w in line for w in words)}
    assert len(lines) == 1, status
    assert "failed" in status
    # Trying again by itself would not help.
    assert service.show("miniredis.service", "NRestarts") == "0"


def test_it_starts_once_the_fault_is_gone(service):
    """Also where clients have kept the socket busy until systemd gave it up."""
    broken_config(service)
    clients = []
    assert wait_until(lambda: knock(service, clients) is False or
                      service.show("miniredis.socket", "ActiveState") == "failed", 60, step=0.05)
    service.write("/etc/miniredis.conf", service.pristine, 0o640, "root:miniredis")
    service.systemctl("reset-failed", "miniredis.service", "miniredis.socket")
    service.systemctl("start", "miniredis.service")
    with service.client(TCP4) as c:
        assert c("PING") == "PONG"


def knock(m, clients):
    try:
        clients.append(m.client(TCP4))
        return True
    except OSError:
        return False


@pytest.mark.parametrize("address, name", [(TCP4, "127.0.0.1:6379"), (TCP6, "[::1]:6379")], ids=["ipv4", "ipv6"])
def test_the_port_is_taken(service, address, name):
    service.systemctl("stop", "miniredis.socket")
    with service.network():
        other = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    with other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(address)
        other.listen()
        assert service.systemctl("start", "miniredis.service", check=False).status != 0
        status = service.status("miniredis.socket")
        assert [line for line in status.splitlines() if f"listening socket ({name})" in line], status
        said = [line.partition("]: ")[2] for line in status.splitlines() if "miniredis[" in line]
        assert said == [f"cannot listen on {name}: Address already in use"], status
        assert "Dependency failed for miniredis" in service.status("miniredis.service")


def test_the_disk_is_full(service):
    service("mount", "-t", "tmpfs", "-o", "size=64k,mode=750,uid=miniredis,gid=miniredis", "tmpfs",
            "/var/lib/miniredis")
    service("sh", "-c", "cat /dev/zero >/var/lib/miniredis/ballast || :")
    service.systemctl("start", "miniredis.service")
    with service.client() as c:
        assert c("CONFIG", "SET", "timeout", "55") == "OK"
        reply = c("CONFIG", "REWRITE")
        assert isinstance(reply, Error) and "No space left on device" in reply
        status = service.status("miniredis.service")
        lines = [line for line in status.splitlines() if "No space left on device" in line]
        assert len(lines) == 1, status
        assert c("PING") == "PONG"
        assert c("SET", "key", "v" * 10) == "OK"
        reply = c("SAVE")
        assert isinstance(reply, Error) and "No space left on device" in reply
        # A stop goes no better: the server stays, as long as systemd bears it.
        drop_in(service, "[Service]\nTimeoutStopSec=100\n")
        stop = service.start("systemctl", "stop", "miniredis.service")
        assert wait_until(lambda: "The server goes on in spite of SIGTERM" in service.status("miniredis.service"))
        assert c("GET", "key") == b"v" * 10
        service.path("/var/lib/miniredis/ballast").unlink()
        assert c("CONFIG", "REWRITE") == "OK"
        service.systemctl("kill", "miniredis.service")
    assert stop.wait(60) == 0
    assert service.show("miniredis.service", "Result") == "success"
    with service.client() as c:
        assert c("GET", "key") == b"v" * 10
    service.systemctl("stop", "miniredis.service")

# SPDX-License-Identifier: BSD-3-Clause
"""The socket unit: the first client starts the server, and no client is ever refused."""
import threading
import time

import pytest
from conftest import Error, encode, wait_until
from booted import drop_in
from machine import TCP4, TCP6, UNIX
from rdb import strings


@pytest.mark.parametrize("address", [TCP4, TCP6, UNIX], ids=["ipv4", "ipv6", "unix"])
def test_the_first_client_starts_the_server(service, address):
    assert service.show("miniredis.service", "ActiveState") == "inactive"
    with service.client(address) as c:
        assert c("SET", "key", "value") == "OK"
        assert c("GET", "key") == b"value"
    assert service.show("miniredis.service", "ActiveState") == "active"
    assert service.show("miniredis.service", "NRestarts") == "0"


def test_what_is_listened_on(service):
    listens = service.systemctl("show", "-P", "Listen", "miniredis.socket").out.split("\n")
    assert [line.split()[0] for line in listens if line] == ["127.0.0.1:6379", "[::1]:6379", UNIX]
    assert service.show("miniredis.socket", "FileDescriptorName") == "miniredis"
    assert service("stat", "-c", "%a %U:%G %F", UNIX).out == "660 miniredis:miniredis socket\n"
    service.systemctl("start", "miniredis.service")
    served = [m for m in service.messages(service.cursor_at_start, "miniredis.service") if "passed socket" in m]
    assert len(served) == 3 and all("passed=miniredis" in m for m in served)


def test_only_the_group_may_use_the_unix_socket(service):
    ask = ["redis-cli", "-s", UNIX, "ping"]
    stranger = service("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *ask, check=False)
    assert "Permission denied" in stranger.text
    group = service("sh", "-c", "getent group miniredis | cut -d: -f3").out.strip()
    member = service("setpriv", "--reuid=65534", "--regid=65534", f"--groups={group}", *ask)
    assert member.out == "PONG\n"


def test_starting_the_service_starts_the_socket(service):
    service.systemctl("stop", "miniredis.socket")
    service.systemctl("start", "miniredis.service")
    assert service.show("miniredis.socket", "ActiveState") == "active"
    with service.client(TCP4) as c:
        assert c("PING") == "PONG"


def test_it_starts_at_boot(service):
    for unit in ("miniredis.socket", "miniredis.service"):
        assert service.systemctl("is-enabled", unit).out == "enabled\n"


class Caller(threading.Thread):
    """Connects, asks once, and never again after a refusal: there is no reconnecting."""

    def __init__(self, machine, address, calls):
        super().__init__(daemon=True)
        self.machine, self.address, self.calls = machine, address, calls
        self.over = False

    def run(self):
        while not self.over:
            began = time.monotonic()
            try:
                with self.machine.client(self.address, timeout=60) as c:
                    reply = c("PING")
                    # That it is still loading is an answer too.
                    outcome = "answered" if reply == "PONG" or reply.startswith("LOADING ") else f"told: {reply}"
            except (EOFError, ConnectionResetError, BrokenPipeError):
                outcome = "closed"
            except OSError as e:
                outcome = f"refused: {e}"
            self.calls.append((began, time.monotonic(), outcome))


def test_nobody_is_refused_while_it_restarts(service):
    service.write("/var/lib/miniredis/dump.rdb", strings(400000), 0o640, "miniredis:miniredis")
    service.systemctl("start", "miniredis.service")
    calls, restarts = [], []
    callers = [Caller(service, address, calls) for address in (TCP4, TCP6, UNIX) for _ in range(4)]
    for c in callers:
        c.start()
    for _ in range(3):
        old = service.main_pid()
        asked = len(calls)
        assert wait_until(lambda asked=asked: len(calls) > asked + 50)
        asked_at = time.monotonic()
        restart = service.start("systemctl", "restart", "miniredis.service")
        while old_runs(old):
            time.sleep(0.001)
        restarts.append((asked_at, time.monotonic()))
        assert restart.wait(60) == 0
    asked = len(calls)
    assert wait_until(lambda: len(calls) > asked + 50)
    for c in callers:
        c.over = True
    for c in callers:
        c.join(60)
        assert not c.is_alive()
    outcomes = {outcome for _, _, outcome in calls}
    assert outcomes <= {"answered", "closed"}
    # Whoever was with the old server while it ended may have lost his connection; whoever came
    # later has waited and was answered.
    for began, ended, outcome in calls:
        if outcome == "closed":
            assert any(began < gone and asked_at < ended for asked_at, gone in restarts)


def old_runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_waiting_clients_are_served_by_the_next_server(service):
    """Connected and asking while no server runs at all."""
    service.write("/var/lib/miniredis/dump.rdb", strings(1000), 0o640, "miniredis:miniredis")
    service.systemctl("start", "miniredis.service")
    # The start waits for a file, so that what follows happens while nobody accepts.
    service.write("/etc/systemd/system/test-gate.service",
                  "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'until test -e /run/gate; do sleep 0.02; done'\n")
    service.path("/run/gate").unlink(missing_ok=True)
    drop_in(service, "[Unit]\nRequires=test-gate.service\nAfter=test-gate.service\n")
    restart = service.start("systemctl", "restart", "miniredis.service")
    assert wait_until(lambda: service.main_pid() is None)
    waiting = [service.client(a) for a in (TCP4, TCP6, UNIX) * 30]
    for c in waiting:
        c.send(encode("GET", "key:0000999"))
    service.write("/run/gate", "")
    assert restart.wait(60) == 0
    for c in waiting:
        assert c.reply() == b"x" * 32
        c.close()


def test_what_changed_outlives_an_idle_end(service):
    """Also without points to save at."""
    service.write("/etc/miniredis.conf.d/idle.conf", 'exit-on-idle = 1\nsave = ""\n', 0o640, "root:miniredis")
    for count in (1, 2):
        with service.client() as c:
            assert c("INCR", "counter") == count
        assert wait_until(lambda: service.show("miniredis.service", "ActiveState") == "inactive", step=0.1)
        assert service.show("miniredis.service", "Result") == "success"
    assert service("stat", "-c", "%a %U:%G", "/var/lib/miniredis/dump.rdb").out == "600 miniredis:miniredis\n"


def test_exit_on_idle(service):
    service.write("/etc/miniredis.conf.d/idle.conf", "exit-on-idle = 1\n", 0o640, "root:miniredis")
    service.write("/var/lib/miniredis/dump.rdb", strings(10), 0o640, "miniredis:miniredis")
    for _ in range(2):
        with service.client() as c:
            assert c("GET", "key:0000003") == b"x" * 32
            assert c("CONFIG", "GET", "exit-on-idle") == [b"exit-on-idle", b"1"]
        assert wait_until(lambda: service.show("miniredis.service", "ActiveState") == "inactive", step=0.1)
        assert service.show("miniredis.service", "Result") == "success"
        assert service.show("miniredis.socket", "ActiveState") == "active"
    said = service.messages(service.cursor_at_start, "miniredis.service")
    assert len([m for m in said if "exit-on-idle" in m]) == 2
    with service.client(TCP4) as c:
        assert not isinstance(c("PING"), Error)

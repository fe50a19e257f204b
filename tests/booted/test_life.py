# SPDX-License-Identifier: BSD-3-Clause
"""What systemd does with a server that hangs, crashes or takes its time."""
import os
import signal
import threading
import time

from conftest import wait_until
from booted import drop_in
from rdb import strings


class Slowly(threading.Thread):
    """Lets a process run for a small part of the time, as on a machine that has none."""

    def __init__(self, find, share):
        super().__init__(daemon=True)
        self.find, self.share = find, share
        self.over = False

    def run(self):
        pid = None
        while not self.over:
            pid = pid or self.find()
            if pid is None:
                continue
            try:
                os.kill(pid, signal.SIGSTOP)
                time.sleep(0.1 * (1 - self.share))
                os.kill(pid, signal.SIGCONT)
                time.sleep(0.1 * self.share)
            except ProcessLookupError:
                return


def let_run(pid):
    """It may have ended meanwhile."""
    try:
        if pid is not None:
            os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def test_the_watchdog_ends_a_server_that_hangs(service):
    drop_in(service, "[Service]\nWatchdogSec=1\nTimeoutAbortSec=1\nRestartSec=100ms\n")
    service.systemctl("start", "miniredis.service")
    old = service.main_pid()
    os.kill(old, signal.SIGSTOP)
    with service.client() as c:  # waits in the backlog meanwhile
        assert c("PING") == "PONG"
    assert service.main_pid() not in (None, old)
    assert service.show("miniredis.service", "NRestarts") == "1"
    said = service.messages(service.cursor_at_start, "miniredis.service")
    assert [m for m in said if "Watchdog timeout" in m]


def test_a_server_that_crashes_comes_back(service):
    service.systemctl("start", "miniredis.service")
    for n in (1, 2):
        old = service.main_pid()
        os.kill(old, signal.SIGSEGV)
        assert wait_until(lambda old=old: service.main_pid() not in (None, old), step=0.05)
        with service.client() as c:
            assert c("PING") == "PONG"
        assert service.show("miniredis.service", "NRestarts") == str(n)


def test_a_load_that_advances_outlasts_the_timeout(service):
    service.write("/var/lib/miniredis/dump.rdb", strings(2000000), 0o640, "miniredis:miniredis")
    drop_in(service, "[Service]\nTimeoutStartSec=2\nWatchdogSec=0\n")
    began = time.monotonic()
    start = service.start("systemctl", "start", "miniredis.service")
    slowly = Slowly(service.main_pid, 0.05)
    slowly.start()
    try:
        status = wait_until(lambda: service.show("miniredis.service", "StatusText").startswith("Loading dump.rdb")
                            and service.status("miniredis.service"), step=0.05)
        assert "activating (start)" in status and " %," in status
        slowly.share = 0.01
        while time.monotonic() < began + 8 and start.poll() is None:
            time.sleep(0.1)
        took = time.monotonic() - began
    finally:
        slowly.over = True
        slowly.join()
        let_run(slowly.find())
    assert start.wait(60) == 0
    assert took > 6, "it was meant to be slower than three times the timeout"
    with service.client() as c:
        assert c("DBSIZE") == 2000000
    assert service.show("miniredis.service", "NRestarts") == "0"


def test_a_load_that_is_stuck_hits_the_timeout(service):
    service.write("/var/lib/miniredis/dump.rdb", strings(2000000), 0o640, "miniredis:miniredis")
    drop_in(service, "[Service]\nTimeoutStartSec=2\nTimeoutStopSec=1\nWatchdogSec=0\nRestart=no\n")
    start = service.start("systemctl", "start", "miniredis.service")
    assert wait_until(lambda: service.show("miniredis.service", "StatusText").startswith("Loading"), step=0.01)
    os.kill(service.main_pid(), signal.SIGSTOP)
    assert start.wait(60) != 0
    assert service.show("miniredis.service", "Result") == "timeout"
    assert "start operation timed out" in service.status("miniredis.service")


def test_the_data_outlives_restarts(service):
    with service.client() as c:
        assert c("SET", "key", "value") == "OK"
    service.systemctl("restart", "miniredis.service")
    with service.client() as c:
        assert c("GET", "key") == b"value"
        assert c("RPUSH", "list", "a", "b") == 2
    service.systemctl("stop", "miniredis.service")
    assert service.show("miniredis.service", "Result") == "success"
    with service.client() as c:
        assert c("LRANGE", "list", 0, -1) == [b"a", b"b"]
        assert c("SAVE") == "OK"
        os.kill(service.main_pid(), signal.SIGKILL)
    with service.client() as c:
        assert c("DBSIZE") == 2


def test_a_save_that_advances_outlasts_the_timeout(service):
    """STATUS tells of it, and neither TimeoutStopSec= nor the watchdog ends it."""
    service.write("/var/lib/miniredis/dump.rdb", strings(1000000), 0o640, "miniredis:miniredis")
    drop_in(service, "[Service]\nTimeoutStopSec=2\nWatchdogSec=2\nTimeoutAbortSec=1\n")
    service.systemctl("start", "miniredis.service")
    with service.client() as c:
        assert c("SET", "one", "more") == "OK"
    began = time.monotonic()
    slowly = Slowly(service.main_pid, 0.02)
    slowly.start()
    stop = service.start("systemctl", "stop", "miniredis.service")
    try:
        status = wait_until(lambda: service.show("miniredis.service", "StatusText").startswith("Saving dump.rdb")
                            and service.status("miniredis.service"), step=0.05)
        assert "deactivating (stop-sigterm)" in status and " %" in status
        while time.monotonic() < began + 8 and stop.poll() is None:
            time.sleep(0.1)
        took = time.monotonic() - began
    finally:
        slowly.over = True
        slowly.join()
        let_run(slowly.find())
    assert stop.wait(60) == 0
    assert took > 6, "it was meant to be slower than three times the timeout"
    assert service.show("miniredis.service", "Result") == "success"
    with service.client() as c:
        assert wait_until(lambda: c("PING") == "PONG")
        assert c("DBSIZE") == 1000001


def test_a_save_that_is_stuck_hits_the_timeout(service):
    service.write("/var/lib/miniredis/dump.rdb", strings(1000000), 0o640, "miniredis:miniredis")
    before = service("stat", "-c", "%i", "/var/lib/miniredis/dump.rdb").out
    drop_in(service, "[Service]\nTimeoutStopSec=2\nWatchdogSec=0\n")
    service.systemctl("start", "miniredis.service")
    with service.client() as c:
        assert c("SET", "one", "more") == "OK"
    pid = service.main_pid()
    slowly = Slowly(lambda: pid, 0.02)
    slowly.start()
    stop = service.start("systemctl", "stop", "miniredis.service")
    assert wait_until(lambda: service.path("/var/lib/miniredis/dump.rdb.saving").exists(), step=0.01)
    slowly.over = True
    slowly.join()
    os.kill(pid, signal.SIGSTOP)
    assert stop.wait(60) == 0
    assert service.show("miniredis.service", "Result") == "timeout"
    assert service("stat", "-c", "%i", "/var/lib/miniredis/dump.rdb").out == before
    with service.client() as c:
        assert wait_until(lambda: c("DBSIZE") == 1000000)


def test_stop_ends_in_time_and_well(service):
    with service.client() as c:
        c("PING")
        service.systemctl("stop", "miniredis.service", limit=10)
        assert service.show("miniredis.service", "Result") == "success"
        assert service.show("miniredis.socket", "ActiveState") == "active"

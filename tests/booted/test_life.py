# SPDX-License-Identifier: BSD-3-Clause
"""What systemd does with a server that hangs, crashes or takes its time."""
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from conftest import PATIENCE, wait_until
from booted import drop_in
from machine import libc
from rdb import strings

SAVING = "dump.rdb.saving"
LOADING = "dump.rdb"
ANY = os.urandom(32)  # nothing of it can be compressed: the file that is saved is as large as the one that was loaded


def at_work(machine, name):
    """The process of the service that has the file NAME open, and how far it has come in it; None without one.

    The numbers are this machine's, found without asking that system, which takes longer than some files do."""
    with contextlib.suppress(OSError):  # the service has ended
        for pid in (machine.cgroup / "system.slice/miniredis.service/cgroup.procs").read_text().split():
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):  # another file, which was closed meanwhile
                    if os.readlink(link).endswith("/" + name):
                        place = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text()
                        return int(pid), int(re.match(r"pos:\t(\d+)", place)[1])
    return None


def ptrace(request, pid, data=0):
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, pid, None, data) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Slowly(threading.Thread):
    """Lets the service get through the file NAME slowly, or not at all, however fast or loaded the machine is.

    From its first bytes on it is stopped for PAUSE seconds behind every megabyte or so, until `free` is set;
    without PAUSE it is stopped there for good. It is traced, and so never runs further than to its next system
    call before this has looked at it: nothing depends on who is given a processor when. A process PID that runs
    already is traced from now on; else one is as soon as it has the file open."""

    SEIZE, INTERRUPT, SYSCALL, DETACH = 0x4206, 0x4207, 24, 17
    TRACESYSGOOD, WALL = 1, 0x40000000
    STEP = 1 << 20

    def __init__(self, machine, name, pause, pid=None):
        super().__init__(daemon=True)
        self.machine, self.name, self.pause, self.pid = machine, name, pause, pid
        self.traced, self.free = threading.Event(), threading.Event()
        self.start()
        if pid is not None:
            assert self.traced.wait(PATIENCE)

    def run(self):
        with contextlib.suppress(OSError):  # not after those who load the machine
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -15)
        if self.pid is None:
            at = wait_until(lambda: at_work(self.machine, self.name), step=0.001)
            assert at, f"nobody begins with {self.name}, or too fast to be seen"
            self.pid = at[0]
        ptrace(self.SEIZE, self.pid, self.TRACESYSGOOD)
        ptrace(self.INTERRUPT, self.pid)
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            self.follow()

    def follow(self):
        place = 0
        while True:
            status = os.waitpid(self.pid, self.WALL)[1]
            if not os.WIFSTOPPED(status):
                return
            self.traced.set()
            number = os.WSTOPSIG(status)
            in_call = number == signal.SIGTRAP | 0x80
            at = at_work(self.machine, self.name) if in_call else None
            if at is not None and at[1] >= place + (self.STEP if place else 1):
                place = at[1]
                if self.pause is None:
                    os.kill(self.pid, signal.SIGSTOP)
                    self.free.set()
                self.free.wait(self.pause)
            if self.free.is_set() or (in_call and place and at is None):  # let go, or done
                ptrace(self.DETACH, self.pid)
                self.free.set()
                return
            ptrace(self.SYSCALL, self.pid, 0 if in_call or status >> 16 else number)


def outlast(machine, slowly, words, *command):
    """COMMAND succeeds though it takes more than twice the timeout of three seconds, because the service, whose
    status begins with WORDS, gets on SLOWLY. What systemctl status said meanwhile."""
    began = time.monotonic()
    job = machine.start(*command)
    try:
        assert slowly.traced.wait(PATIENCE)
        status = wait_until(lambda: machine.show("miniredis.service", "StatusText").startswith(words)
                            and machine.status("miniredis.service"), step=0.05)
        with contextlib.suppress(subprocess.TimeoutExpired):
            job.wait(began + 7 - time.monotonic())
        took = time.monotonic() - began
    finally:
        slowly.free.set()
        slowly.join(PATIENCE)
    assert job.wait(60) == 0
    assert took > 6, "it was meant to be slower than twice the timeout"
    return status


def test_the_watchdog_ends_a_server_that_hangs(service):
    drop_in(service, "[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\nRestartSec=100ms\n")
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
    drop_in(service, "[Service]\nTimeoutStartSec=3\nWatchdogSec=0\n")
    status = outlast(service, Slowly(service, LOADING, 0.4), "Loading dump.rdb", "systemctl", "start", "miniredis.service")
    assert "activating (start)" in status and " %," in status
    with service.client() as c:
        assert c("DBSIZE") == 2000000
    assert service.show("miniredis.service", "NRestarts") == "0"


def test_a_load_that_is_stuck_hits_the_timeout(service):
    service.write("/var/lib/miniredis/dump.rdb", strings(2000000), 0o640, "miniredis:miniredis")
    drop_in(service, "[Service]\nTimeoutStartSec=3\nTimeoutStopSec=1\nWatchdogSec=0\nRestart=no\n")
    stuck = Slowly(service, LOADING, None)
    start = service.start("systemctl", "start", "miniredis.service")
    assert stuck.free.wait(PATIENCE)
    assert start.wait(120) != 0
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
    service.write("/var/lib/miniredis/dump.rdb", strings(2000000, ANY), 0o640, "miniredis:miniredis")
    drop_in(service, "[Service]\nTimeoutStopSec=3\nWatchdogSec=3\nTimeoutAbortSec=1\n")
    service.systemctl("start", "miniredis.service")
    with service.client() as c:
        assert c("SET", "one", "more") == "OK"
    slowly = Slowly(service, SAVING, 0.4, service.main_pid())
    status = outlast(service, slowly, "Saving dump.rdb", "systemctl", "stop", "miniredis.service")
    assert "deactivating (stop-sigterm)" in status and " %" in status
    assert service.show("miniredis.service", "Result") == "success"
    with service.client() as c:
        assert wait_until(lambda: c("PING") == "PONG")
        assert c("DBSIZE") == 2000001


def test_a_save_that_is_stuck_hits_the_timeout(service):
    service.write("/var/lib/miniredis/dump.rdb", strings(1000000, ANY), 0o640, "miniredis:miniredis")
    before = service("stat", "-c", "%i", "/var/lib/miniredis/dump.rdb").out
    drop_in(service, "[Service]\nTimeoutStopSec=2\nWatchdogSec=0\n")
    service.systemctl("start", "miniredis.service")
    with service.client() as c:
        assert c("SET", "one", "more") == "OK"
    stuck = Slowly(service, SAVING, None, service.main_pid())
    stop = service.start("systemctl", "stop", "miniredis.service")
    assert stuck.free.wait(PATIENCE)
    assert stop.wait(120) == 0
    assert service.show("miniredis.service", "Result") == "timeout"
    assert service("stat", "-c", "%i", "/var/lib/miniredis/dump.rdb").out == before
    with service.client() as c:
        assert wait_until(lambda: c("DBSIZE") == 1000000)


def test_stop_ends_in_time_and_well(service):
    with service.client() as c:
        c("PING")
        service.systemctl("stop", "miniredis.service")  # which takes TimeoutStopSec= if it does not end
        assert service.show("miniredis.service", "Result") == "success"
        assert service.show("miniredis.socket", "ActiveState") == "active"

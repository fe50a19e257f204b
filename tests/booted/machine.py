# SPDX-License-Identifier: BSD-3-Clause
"""A system that is booted for the tests: a systemd in namespaces, over a root directory that
all of them share and none writes to.

Everything in here has a limit of time. Paths are those of the machine's root unless a
name says otherwise.
"""
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from conftest import PATIENCE, Client, wait_until, with_our_end

HERE = Path(__file__).resolve().parent
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

UNIX = "/run/miniredis/miniredis.sock"
TCP4 = ("127.0.0.1", 6379)
TCP6 = ("::1", 6379)


def cgroup2():
    """Where the version 2 hierarchy is mounted."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(where)
    raise RuntimeError("no cgroup2 is mounted")


def child_of(pid):
    """A child of process PID; None if it has none yet."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            return int(stat.parent.name)
    return None


class Result:
    """What a command in the machine came to."""

    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")

    @property
    def text(self):
        return self.out + self.err


class Machine:
    def __init__(self, base, wrapper=(), privileged=True):
        """PRIVILEGED False: as root of a user namespace only."""
        self.privileged = privileged
        if not privileged:
            wrapper = (*wrapper, HERE / "unprivileged")
        self.directory = Path(tempfile.mkdtemp(prefix="miniredis-booted-"))
        (self.directory / "root").mkdir()
        (self.directory / "run").mkdir()
        self.cgroup = cgroup2() / self.directory.name
        self.cgroup.mkdir()
        said = (self.directory / "start").open("wb")
        self.process = subprocess.Popen(
            [*map(str, wrapper), "unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork",
             "--kill-child", str(HERE / "boot"), base, str(self.directory)],
            stdin=subprocess.DEVNULL, stderr=said, start_new_session=True,
            preexec_fn=with_our_end(self.enter_cgroup))
        said.close()
        # What it was before it became that process may have had a child too.
        wait_until(lambda: (self.directory / "log").exists(), 300)  # where the root directory is copied it takes long
        self.pid = child_of(self.process.pid)
        self.wait_booted()

    def enter_cgroup(self):
        (self.cgroup / "cgroup.procs").write_text(str(os.getpid()))

    def wait_booted(self):
        deadline = time.monotonic() + 300
        state = None
        while time.monotonic() < deadline and self.process.poll() is None:
            state = self("systemctl", "is-system-running", check=False)
            if state.out.strip() == "running":
                return
            if state.out.strip() in ("degraded", "maintenance"):
                break
            time.sleep(0.05)
        failed = self("systemctl", "--failed", "--no-legend", check=False).text if state else ""
        log = "".join(f.read_text(errors="replace") for f in self.directory.glob("[sl]*") if f.is_file())
        self.end()
        raise RuntimeError(f"the system did not boot: {state.text if state else ''}\n{failed}\n{log}")

    def end(self):
        if self.process.poll() is None and self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)  # and with its first process all of a pid namespace ends
            except ProcessLookupError:
                pass
            self.process.wait(PATIENCE)
        for path, _, _ in os.walk(self.cgroup, topdown=False):
            wait_until(lambda path=path: self.remove_group(path), 5)
        shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def remove_group(path):
        try:
            os.rmdir(path)
            return True
        except OSError:
            return not os.path.exists(path)

    # --- commands ---

    def command(self, words):
        return ["nsenter", "-t", str(self.pid), *(() if self.privileged else ("-U",)), "-m", "-p", "-u", "-i",
                "-n", "-C", "env", "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0",
                "SYSTEMD_PAGER=", "DEBIAN_FRONTEND=noninteractive", *map(str, words)]

    def __call__(self, *words, check=True, limit=180, stdin=None):
        done = subprocess.run(self.command(words), stdin=subprocess.DEVNULL if stdin is None else None,
                              input=stdin, capture_output=True, timeout=limit)
        result = Result(done)
        assert not check or result.status == 0, f"{' '.join(map(str, words))}: {result.status}\n{result.text}"
        return result

    def start(self, *words):
        """In the background; a Popen."""
        return subprocess.Popen(self.command(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)

    def systemctl(self, *words, **kwargs):
        return self("systemctl", *words, **kwargs)

    def show(self, unit, name):
        return self("systemctl", "show", "-P", name, unit).out.strip()

    def version(self):
        """Of systemd."""
        return int(re.search(r"systemd (\d+)", self("systemctl", "--version").out)[1])

    def status(self, unit):
        """What systemctl status prints."""
        self("journalctl", "--sync")
        return self("systemctl", "status", "--no-pager", "--full", unit, check=False).out

    # --- files ---

    def path(self, name):
        """The path, for us, of a file of the machine's."""
        return Path(f"/proc/{self.pid}/root{name}")

    def write(self, name, text, mode=None, owner=None):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        if mode is not None:
            path.chmod(mode)
        if owner is not None:
            self("chown", owner, name)

    def install(self, deb, limit=300):
        shutil.copy(deb, self.path("/tmp/package.deb"))
        return self("dpkg", "-i", "/tmp/package.deb", limit=limit)

    # --- the journal ---

    def cursor(self):
        self("journalctl", "--sync")
        return re.search(r"-- cursor: (.*)", self("journalctl", "-n", "0", "--show-cursor").out)[1]

    def journal(self, cursor, *matches):
        """The entries since CURSOR, as dicts."""
        self("journalctl", "--sync")
        out = self("journalctl", "-o", "json", "--all", "--after-cursor", cursor, *matches).out
        return [json.loads(line) for line in out.splitlines()]

    def messages(self, cursor, unit):
        return [e["MESSAGE"] for e in self.journal(cursor, "-u", unit)]

    # --- clients ---

    @contextmanager
    def network(self):
        """Sockets that this thread makes in here are the machine's."""
        with open("/proc/thread-self/ns/net") as ours, open(f"/proc/{self.pid}/ns/net") as theirs:
            if libc.setns(theirs.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                if libc.setns(ours.fileno(), CLONE_NEWNET) != 0:
                    os._exit(3)  # every test to come would talk to the wrong machine

    def client(self, address=UNIX, timeout=PATIENCE):
        if isinstance(address, str):
            return Client(str(self.path(address)), timeout)
        with self.network():
            return Client(address, timeout)

    # --- processes ---

    def main_pid(self, unit="miniredis.service"):
        """Of the service, in this process's numbers; None if it does not run."""
        inner = int(self.show(unit, "MainPID") or 0)
        return self.outer_pid(inner) if inner else None

    def outer_pid(self, inner):
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
                found = re.search(r"^NSpid:\t(.*)$", text, re.M)[1].split()
                if (len(found) == 2 and int(found[1]) == inner and
                        os.readlink(status.parent / "ns/pid") == os.readlink(f"/proc/{self.pid}/ns/pid")):
                    return int(found[0])
            except (OSError, TypeError):
                continue
        return None

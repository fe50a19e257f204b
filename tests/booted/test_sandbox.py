# SPDX-License-Identifier: BSD-3-Clause
"""What the service may not do, and that it can do its work all the same.

Every test in this folder runs with a filter of system calls that kills; see booted.py.
"""
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from booted import drop_in, examples
from conftest import TOP, wait_until
from machine import HERE, TCP4, TCP6, UNIX

# What the score counts against the service, and cannot be had otherwise: systemd's own
# sockets are AF_UNIX, the clock's device comes with ProtectClock=.
KNOWN = {"RootDirectoryOrRootImage", "RestrictAddressFamilies_AF_UNIX", "DeviceAllow"}


@pytest.mark.parametrize("unit", ["miniredis.service", "miniredis@test.service"])
def test_the_security_score(service, unit):
    service.write("/etc/miniredis/test.conf", "", 0o640, "root:miniredis")
    rows = json.loads(service("systemd-analyze", "security", "--json=short", unit).out)
    against = {row["json_field"] for row in rows if row["set"] is False}
    assert {a for a in against if not any(k in a for k in KNOWN)} == set(), against
    text = service("systemd-analyze", "security", unit).out
    score = float(re.search(rf"Overall exposure level for {re.escape(unit)}: ([0-9.]+)", text)[1])
    print(f"\nexposure of {unit}: {score}")
    assert score <= 0.5
    assert service("systemd-analyze", "security", "--threshold=5", unit, check=False).status == 0


def test_the_units_are_well_formed(service):
    for unit in ("miniredis.service", "miniredis.socket", "miniredis@test.service", "miniredis@test.socket"):
        said = service("systemd-analyze", "verify", "--man=no", unit, check=False).text
        assert said.strip() == "", said


def facts(m):
    """Of the process itself, as the kernel sees it."""
    status = Path(f"/proc/{m.main_pid()}/status").read_text()
    return dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)


def test_what_the_process_may(service):
    service.systemctl("start", "miniredis.service")
    f = facts(service)
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(f[kind], 16) == 0, kind
    assert f["NoNewPrivs"] == "1" and f["Seccomp"] == "2"
    assert "0" not in f["Uid"].split()
    limit = Path(f"/proc/{service.main_pid()}/limits").read_text()
    soft = int(re.search(r"Max open files +(\d+)", limit)[1])
    assert soft >= 10000 + 32
    pid = service.main_pid()
    # No network of its own: the interfaces that it would see are those of an empty namespace.
    assert os.readlink(f"/proc/{pid}/ns/net") != os.readlink(f"/proc/{service.pid}/ns/net")
    assert os.readlink(f"/proc/{pid}/ns/user") != os.readlink(f"/proc/{service.pid}/ns/user")


def test_what_can_be_written_cannot_be_executed(service):
    service.systemctl("start", "miniredis.service")
    mounts = {}  # the last one at a place is the one that is seen
    for line in Path(f"/proc/{service.main_pid()}/mounts").read_text().splitlines():
        _, where, _, options, *_ = line.split()
        mounts[where] = options.split(",")
    writable = {where for where, options in mounts.items() if "rw" in options}
    # From 254 on the manager lets the service in here.
    writable.discard("/sys/fs/cgroup/system.slice/miniredis.service/memory.pressure")
    assert {"/var/lib/miniredis", "/run/miniredis"} <= writable
    assert writable <= {"/var/lib/miniredis", "/run/miniredis", "/tmp", "/var/tmp", "/proc", "/dev/shm", "/dev/pts",
                        "/dev/mqueue", "/dev/hugepages"}
    for where in writable:
        assert "noexec" in mounts[where], where
    assert "noexec" in mounts["/"] and "noexec" not in mounts["/usr/lib"]
    status = service("nsenter", "-m", "-t", service.show("miniredis.service", "MainPID"), "/bin/sh", "-c", ":",
                     check=False)
    assert status.status == 126 and "Permission denied" in status.err


def test_the_basics_inside(service):
    """All that a server does, small and large, one client and many, on each kind of socket."""
    with service.client(TCP4) as c:
        big = b"v" * (20 << 20)
        assert c("SET", "big", big) == "OK"
        assert c("GET", "big") == big
        assert c("SET", "short", "1", "PX", "20") == "OK"
        assert wait_until(lambda: c("EXISTS", "short") == 0)
        assert c.pipeline([("SET", "n", i) for i in range(5000)])[-1] == "OK"
        assert c("CONFIG", "SET", "loglevel", "debug") == "OK"
        for command in (("INFO", "everything"), ("COMMAND", "DOCS"), ("CLIENT", "LIST"), ("MEMORY", "USAGE", "n"),
                        ("DEBUG", "JMAP"), ("SAVE",), ("FLUSHALL",), ("CONFIG", "REWRITE"), ("CONFIG", "RESETSTAT")):
            c(*command)
        many = [service.client(a) for a in (TCP4, TCP6, UNIX) * 150]
        for i, other in enumerate(many):
            assert other("SET", f"key:{i}", i) == "OK"
        assert c("DBSIZE") == len(many)
        for other in many:
            other.close()
        assert c("PING") == "PONG"
    service.systemctl("reload", "miniredis.service")
    service.systemctl("stop", "miniredis.service")
    assert service.show("miniredis.service", "Result") == "success"


def unit_calls(m):
    """The system calls that the unit allows, by name."""
    text = m("systemctl", "cat", "miniredis.service").out
    names = " ".join(re.findall(r"^SystemCallFilter=(.*)$", text, re.M)).split()
    assert names and not any(n.startswith(("@", "~")) for n in names), "listed, one by one"
    default = m("systemd-analyze", "syscall-filter", "@default").out.splitlines()
    return names + [line.strip() for line in default if line.startswith(" ") and "#" not in line]


def test_the_wire_suite_under_the_filter(service, tmp_path):
    if "MINIREDIS_SUITE" in os.environ:
        pytest.skip("the program is for another release than this machine's")
    program = os.environ.get("MINIREDIS") or str(tmp_path / "miniredis")
    if "MINIREDIS" not in os.environ:
        Path(program).write_bytes(service.path("/usr/sbin/miniredis").read_bytes())
        os.chmod(program, 0o755)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    environment |= {"MINIREDIS": str(HERE / "filtered"), "FILTERED_PROGRAM": program,
                    "FILTERED_CALLS": " ".join(unit_calls(service))}
    parallel = ["-n", str(os.cpu_count())] if importlib.util.find_spec("xdist") else []
    done = subprocess.run([sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", *parallel,
                           f"--basetemp={tmp_path / 'wire'}", str(TOP / "tests/wire")], env=environment, cwd=TOP,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=3600)
    text = done.stdout.decode()
    # Whether its replies are right is that suite's own affair.
    killed = [at for at in re.finditer(r"exit status: -31\b", text)]
    assert not killed, text[max(0, killed[0].start() - 500):killed[0].end() + 3000]
    assert int(re.search(r"(\d+) passed", text)[1]) > 300, text[-6000:]


def test_the_filter_of_that_test_does_filter(service, tmp_path):
    environment = dict(os.environ, FILTERED_PROGRAM="/bin/true",
                       FILTERED_CALLS=" ".join(n for n in unit_calls(service) if n != "openat"))
    assert subprocess.run([str(HERE / "filtered")], env=environment, timeout=20).returncode == -31


@pytest.mark.parametrize("name", ["network.conf", "peer-users.conf", "container.conf"])
def test_a_drop_in(service, name):
    service.systemctl("start", "miniredis.service")
    drop_in(service, examples(service, name), name=name)
    service.systemctl("restart", "miniredis.service")
    for address in (TCP4, TCP6, UNIX):
        with service.client(address) as c:
            assert c("PING") == "PONG"
    said = service("systemd-analyze", "verify", "--man=no", "miniredis.service", check=False).text
    assert said.strip() == ""
    pid = service.main_pid()
    own = {kind: os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/{service.pid}/ns/{kind}")
           for kind in ("net", "user", "mnt", "ipc")}
    assert own == {"network.conf": {"net": False, "user": True, "mnt": True, "ipc": True},
                   "peer-users.conf": {"net": True, "user": False, "mnt": True, "ipc": True},
                   "container.conf": {"net": False, "user": False, "mnt": False, "ipc": False}}[name]


def test_without_privileges(boot, deb):
    """A system whose root is nobody to the kernel, as in a container: as installed, and with container.conf."""
    m = boot(privileged=False)
    m.install(deb)
    for name in (None, "container.conf"):
        if name is not None:
            drop_in(m, examples(m, name), name=name)
        m.systemctl("restart", "miniredis.service")
        for address in (TCP4, TCP6, UNIX):
            with m.client(address) as c:
                assert c("INCR", "asked") > 0
        m.systemctl("reload", "miniredis.service")
        m.systemctl("restart", "miniredis.service")
        with m.client() as c:
            assert int(c("GET", "asked")) == (3 if name is None else 6)
        assert int(facts(m)["CapEff"], 16) == 0
        m.systemctl("stop", "miniredis.service")
        assert m.show("miniredis.service", "Result") == "success"


def test_an_instance(service):
    service.write("/etc/miniredis/blue.conf", "databases = 3\n", 0o640, "root:miniredis")
    service.write("/etc/systemd/system/miniredis@blue.socket.d/port.conf",
                  "[Socket]\nListenStream=127.0.0.1:6400\n")
    service.systemctl("daemon-reload")
    service.systemctl("start", "miniredis@blue.socket")
    for address in ("/run/miniredis-blue/miniredis.sock", ("127.0.0.1", 6400)):
        with service.client(address) as c:
            assert c("CONFIG", "GET", "databases") == [b"databases", b"3"]
            assert c("SET", "who", "blue") == "OK"
            assert c("CONFIG", "SET", "timeout", "31") == "OK"
            assert c("CONFIG", "REWRITE") == "OK"
    assert service("stat", "-c", "%a %U:%G", "/var/lib/miniredis-blue").out == "750 miniredis:miniredis\n"
    assert service.path("/var/lib/miniredis-blue/overlay.conf").exists()
    assert not service.path("/var/lib/miniredis/overlay.conf").exists()
    with service.client() as c:
        assert c("GET", "who") is None
    service.systemctl("reload", "miniredis@blue.service")
    service.systemctl("restart", "miniredis@blue.service")
    with service.client("/run/miniredis-blue/miniredis.sock") as c:
        assert c("CONFIG", "GET", "timeout") == [b"timeout", b"31"]

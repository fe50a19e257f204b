# SPDX-License-Identifier: BSD-3-Clause
"""The package in a running system: installed, tested by its own tests, removed, purged."""
import io
import tarfile
from pathlib import Path

import pytest
from conftest import TOP
from machine import TCP4

# What installing anything leaves, and what logs and caches are for.
NOT_OURS = ("/dev/", "/proc/", "/sys/", "/run/", "/tmp/", "/var/tmp/", "/var/log/", "/var/cache/", "/var/lib/dpkg/",
            "/var/lib/systemd/catalog/", "/var/lib/systemd/timers/", "/var/lib/systemd/random-seed")
# The user stays: files elsewhere may belong to it.
USERS = {"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"}


def files(m):
    """Every file of the machine's: name, size, mode and owner."""
    out = m("find", "/", "-xdev", "-not", "-type", "d", "-printf", "%p %s %m %u:%g\n", "-or", "-type", "d", "-printf",
            "%p - %m %u:%g\n").out
    return {line for line in out.splitlines()
            if not line.startswith(NOT_OURS) and line.split()[0].rstrip("-") not in USERS}


def units(m):
    return m("systemctl", "list-units", "--all", "--no-legend", "--plain", "miniredis*").out


def test_the_life_of_the_package(boot, deb):
    m = boot()
    before = files(m)
    m.install(deb)
    # It serves from the installation on, and again after an upgrade, without closing its sockets.
    with m.client(TCP4) as c:
        assert c("SET", "key", "value") == "OK"
        assert c("CONFIG", "SET", "timeout", "19") == "OK"
        assert c("CONFIG", "REWRITE") == "OK"
    socket = m.show("miniredis.socket", "ActiveEnterTimestampMonotonic")
    server = m.main_pid()
    m.install(deb)
    assert m.show("miniredis.socket", "ActiveEnterTimestampMonotonic") == socket
    with m.client(TCP4) as c:
        assert c("CONFIG", "GET", "timeout") == [b"timeout", b"19"]
    assert m.main_pid() != server

    m.write("/etc/miniredis.conf", m.path("/etc/miniredis.conf").read_text() + "timeout = 23\n", 0o640,
            "root:miniredis")
    m("dpkg", "--remove", "miniredis")
    assert m.main_pid() is None
    with pytest.raises(OSError):
        m.client(TCP4)
    assert m.path("/var/lib/miniredis/overlay.conf").exists()
    assert "timeout = 23" in m.path("/etc/miniredis.conf").read_text()

    m.install(deb)
    with m.client(TCP4) as c:
        assert c("CONFIG", "GET", "timeout") == [b"timeout", b"19"]
    m.write("/etc/miniredis/blue.conf", "", 0o640, "root:miniredis")
    m.systemctl("start", "miniredis@blue.socket")
    with m.client("/run/miniredis-blue/miniredis.sock") as c:
        assert c("PING") == "PONG"
    m.systemctl("stop", "miniredis@blue.socket", "miniredis@blue.service")
    m.path("/etc/miniredis/blue.conf").unlink()

    m("dpkg", "--purge", "miniredis")
    assert "miniredis" not in units(m)
    left = files(m) - before
    assert not left, "\n".join(sorted(left))
    assert not before - files(m)
    assert not list(Path(m.path("/run")).glob("miniredis*"))


def copy_tree(m, *names):
    """Files of the source tree into /tmp/tree."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in names:
            tar.add(TOP / name, name)
    m("sh", "-c", "rm -rf /tmp/tree; mkdir /tmp/tree; tar -C /tmp/tree -xf -", stdin=packed.getvalue())


def autopkgtests():
    text = (TOP / "debian/tests/control").read_text()
    return [name for line in text.splitlines() if line.startswith("Tests:")
            for name in line.partition(":")[2].replace(",", " ").split()]


@pytest.mark.parametrize("name", autopkgtests())
def test_autopkgtest(boot, deb, name):
    m = boot()
    m.install(deb)
    copy_tree(m, "debian", "etc")
    done = m("sh", "-c", f"cd /tmp/tree && exec debian/tests/{name}", check=False, limit=600)
    assert done.status == 0, done.text

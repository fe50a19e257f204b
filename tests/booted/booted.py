# SPDX-License-Identifier: BSD-3-Clause
"""The fixtures of the tests in a booted system, a plugin of pytest's.

It is loaded before any conftest.py, and so imports what imports that only when it is used.

  deb        the package
  boot       boot() -> another booted system, without the package
  machine    a booted system with the package installed, shared by many tests
  service    the same as `machine`, with the service and all that belongs to it as installed: the socket
             is active, the service is not, there is no data. service.cursor_at_start: where the journal was
"""
import os
import re

import pytest

DROP_INS = "/etc/systemd/system"


@pytest.fixture(scope="session")
def deb():
    return os.environ["MINIREDIS_DEB"]


@pytest.fixture(scope="session")
def base():
    return os.environ["MINIREDIS_ROOT"]


def new_machine(base, **kwargs):
    from machine import Machine
    return Machine(base, **kwargs)


@pytest.fixture(scope="session")
def machine(base, deb):
    m = new_machine(base)
    try:
        m.install(deb)
        # A system call that the filter lacks is to be noticed, not got over.
        for unit in ("miniredis.service", "miniredis@.service"):
            m.write(f"/run/systemd/system/{unit}.d/kill.conf", "[Service]\nSystemCallErrorNumber=kill\n")
        m("systemctl", "daemon-reload")
        m.pristine = m.path("/etc/miniredis.conf").read_bytes()
        yield m
    finally:
        m.end()


@pytest.fixture
def boot(base):
    made = []

    def make(**kwargs):
        made.append(new_machine(base, **kwargs))
        return made[-1]
    yield make
    for m in made:
        m.end()


def reset(m):
    """As after the installation, but with only the socket active."""
    instances = re.findall(r"^(miniredis@\S+)", m("systemctl", "list-units", "--all", "--plain",
                                                  "--no-legend", "miniredis@*").out, re.M)
    m("systemctl", "kill", "-s", "KILL", "miniredis.service", *instances, check=False)
    m("systemctl", "stop", "miniredis.socket", "miniredis.service", *instances, check=False)
    m("sh", "-c", "umount -q /var/lib/miniredis || :; "
      f"rm -rf {DROP_INS}/miniredis* {DROP_INS}/test-* /etc/miniredis /etc/miniredis.conf.d/* /etc/miniredis.*pass* "
      "/var/lib/miniredis /var/lib/miniredis-* /run/miniredis-*")
    m.write("/etc/miniredis.conf", m.pristine, 0o640, "root:miniredis")
    m("systemd-tmpfiles", "--create", "miniredis.conf")
    m("systemctl", "daemon-reload")
    m("systemctl", "reset-failed")
    m("systemctl", "start", "miniredis.socket")


@pytest.fixture
def service(machine):
    reset(machine)
    machine.cursor_at_start = machine.cursor()
    return machine


def drop_in(m, text, unit="miniredis.service", name="test.conf"):
    m.write(f"{DROP_INS}/{unit}.d/{name}", text)
    m("systemctl", "daemon-reload")


def examples(m, name):
    """The text of a drop-in as the package brings it."""
    return m("cat", f"/usr/share/doc/miniredis/examples/{name}").out


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    m = item.funcargs.get("service") or item.funcargs.get("machine")
    if report.failed and m is not None:
        try:
            cursor = getattr(m, "cursor_at_start", None)
            since = ["--after-cursor", cursor] if cursor else []
            report.sections.append(("the journal", m("journalctl", "--no-pager", "-n", "80", *since).out))
        except Exception as e:  # the machine may be what failed
            report.sections.append(("the journal", repr(e)))

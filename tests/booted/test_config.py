# SPDX-License-Identifier: BSD-3-Clause
"""Reloads, what CONFIG REWRITE keeps, and secrets that come as credentials."""
import pytest
from conftest import Error, wait_until
from booted import drop_in, examples
from machine import UNIX

DROP_IN = "/etc/miniredis.conf.d/test.conf"
OVERLAY = "/var/lib/miniredis/overlay.conf"


def configure(m, text, name=DROP_IN):
    m.write(name, text, 0o640, "root:miniredis")


def timeout_of(client):
    return client("CONFIG", "GET", "timeout")[1]


def test_reload_takes_a_good_file(service):
    with service.client() as c:
        assert timeout_of(c) == b"0"
        pid = service.main_pid()
        configure(service, "timeout = 77\n")
        service.systemctl("reload", "miniredis.service")
        assert timeout_of(c) == b"77"
        service.path(DROP_IN).unlink()
        service.systemctl("reload", "miniredis.service")
        assert timeout_of(c) == b"0"
        assert service.main_pid() == pid
    # Once each, whatever the manager sends beside ExecReload=.
    read = [e for e in service.journal(service.cursor_at_start, "-u", "miniredis.service")
            if e.get("MINIREDIS_EVENT") in ("RELOADED", "RELOAD_NOTHING")]
    assert len(read) == 2, [e["MESSAGE"] for e in read]
    assert service.show("miniredis.service", "StatusText") == "Ready to accept connections"


@pytest.mark.parametrize("text, reason", [
    ("timeout = 78\ntimout = 1\n", r"test.conf:2: timout: unknown option; did you mean 'timeout'?"),
    ("timeout = -5\n", r"test.conf:1: timeout:"),
    ("timeout = 78\nbind = {\"127.0.0.1\"\n", r"test.conf:"),
], ids=["unknown", "value", "syntax"])
def test_reload_of_a_bad_file_fails_and_changes_nothing(service, text, reason):
    configure(service, "timeout = 76\n")
    with service.client() as c:
        assert timeout_of(c) == b"76"
        pid = service.main_pid()
        configure(service, text)
        cursor = service.cursor()
        reload = service.systemctl("reload", "miniredis.service", check=False)
        assert reload.status != 0
        assert [m for m in service.messages(cursor, "miniredis.service") if reason in m]
        assert reason in service.status("miniredis.service")
        assert timeout_of(c) == b"76"
        assert service.show("miniredis.service", "ActiveState") == "active"
        assert service.main_pid() == pid
        # And a good one again.
        configure(service, "timeout = 79\n")
        service.systemctl("reload", "miniredis.service")
        assert timeout_of(c) == b"79"


def test_what_cannot_change_while_it_runs_is_refused_by_the_server(service):
    configure(service, "timeout = 76\n")
    with service.client() as c:
        c("PING")
        configure(service, "timeout = 80\ndatabases = 3\n")
        cursor = service.cursor()
        assert service.systemctl("reload", "miniredis.service", check=False).status != 0
        assert timeout_of(c) == b"76"
        assert service.show("miniredis.service", "ActiveState") == "active"
        said = service.messages(cursor, "miniredis.service")
        # By the server itself, and by nobody else again.
        assert len([m for m in said if "databases" in m]) == 1, said
        assert "databases" in service.status("miniredis.service")
        configure(service, "timeout = 80\n")
        service.systemctl("reload", "miniredis.service")
        assert timeout_of(c) == b"80"


def test_a_reload_that_gets_no_answer_fails(service):
    """The file is right, but the server is stopped: the manager does not call it reloaded."""
    drop_in(service, "[Service]\nTimeoutStartSec=5\nWatchdogSec=0\n")
    with service.client() as c:
        c("PING")
        configure(service, "timeout = 81\n")
        service.systemctl("kill", "-s", "STOP", "miniredis.service")
        failed = service.systemctl("reload", "miniredis.service", check=False).status != 0
        # With the signal of Type=notify-reload the manager sends SIGCONT, and gets its answer.
        assert failed == (service.show("miniredis.service", "Type") == "notify")
        service.systemctl("kill", "-s", "CONT", "miniredis.service")
        assert c("PING") == "PONG"
        service.systemctl("reload", "miniredis.service")
        assert timeout_of(c) == b"81"


def test_config_rewrite_keeps_what_was_set(service):
    with service.client() as c:
        assert c("CONFIG", "SET", "timeout", "55") == "OK"
        assert c("CONFIG", "REWRITE") == "OK"
    assert "timeout" in service.path(OVERLAY).read_text()
    assert service("stat", "-c", "%a %U", OVERLAY).out == "600 miniredis\n"
    assert service.path("/etc/miniredis.conf").read_bytes() == service.pristine
    service.systemctl("restart", "miniredis.service")
    with service.client() as c:
        assert timeout_of(c) == b"55"
    service.path(OVERLAY).unlink()
    service.systemctl("restart", "miniredis.service")
    with service.client() as c:
        assert timeout_of(c) == b"0"


def test_a_password_from_a_credential(service):
    service.write("/etc/miniredis.pass", "first secret\n", 0o600, "root:root")
    drop_in(service, "[Service]\nLoadCredential=requirepass:/etc/miniredis.pass\n")
    configure(service, 'requirepass = "credential:requirepass"\n')
    service.systemctl("restart", "miniredis.service")
    with service.client() as c:
        assert c("PING").startswith("NOAUTH")
        assert isinstance(c("AUTH", "wrong"), Error)
        assert c("AUTH", "first secret") == "OK"
        assert c("PING") == "PONG"
    # A reload finds the file; systemd brings a new secret with the next start.
    service.systemctl("reload", "miniredis.service")
    service.write("/etc/miniredis.pass", "second secret\n", 0o600, "root:root")
    service.systemctl("restart", "miniredis.service")
    with service.client() as c:
        assert isinstance(c("AUTH", "first secret"), Error)
        assert c("AUTH", "second secret") == "OK"
    everything = str(service.journal(service.cursor_at_start))
    assert "first secret" not in everything and "second secret" not in everything


def test_a_credential_that_is_missing(service):
    configure(service, 'requirepass = "credential:nothing"\n')
    assert service.systemctl("start", "miniredis.service", check=False).status != 0
    assert "the credential 'nothing' cannot be read" in service.status("miniredis.service")


def test_a_peer_known_by_its_unit(service):
    configure(service, 'requirepass = "secret"\n'
              'user "job" {\n    peer-unit = "test-job.service"\n    access = read-only\n}\n')
    service.systemctl("start", "miniredis.service")

    def ask(unit, *words):
        return service("systemd-run", "--quiet", "--wait", "--pipe", "--unit", unit, "redis-cli", "-s", UNIX, *words,
                       check=False).out.strip()
    assert ask("test-job", "PING") == "PONG"
    assert ask("test-job", "SET", "key", "value").startswith("NOPERM")
    assert ask("test-other", "PING").startswith("NOAUTH")


def test_a_peer_known_by_its_user(service):
    configure(service, 'requirepass = "secret"\nuser "web" {\n    peer-uid = 65534\n}\n')
    group = service("sh", "-c", "getent group miniredis | cut -d: -f3").out.strip()

    def ask(uid):
        return service("setpriv", f"--reuid={uid}", "--regid=65534", f"--groups={group}", "redis-cli", "-s", UNIX,
                       "PING").out.strip()
    # In the private user namespace 65534 stands for everybody, so it stands for nobody.
    assert ask(65534).startswith("NOAUTH")
    assert ask(4242).startswith("NOAUTH")
    service.systemctl("stop", "miniredis.service")
    drop_in(service, examples(service, "peer-users.conf"))
    assert ask(65534) == "PONG"
    assert ask(4242).startswith("NOAUTH")


def test_a_limit_of_memory_by_itself(service):
    configure(service, "maxmemory = auto\n")
    with service.client() as c:
        limit = int(c.info("memory")["maxmemory"])
    assert limit > 1 << 20
    said = service.messages(service.cursor_at_start, "miniredis.service")
    assert [m for m in said if "auto: " in m]


def test_memory_pressure_is_watched_in_the_sandbox(service):
    """By what the manager says, or without that by reading the file, which nobody in there may write."""
    with service.client() as c:
        source = "cgroup-read" if service.version() < 254 else "manager"
        assert wait_until(lambda: c.info("memory")["memory_pressure_source"] == source)
    assert not [m for m in service.messages(service.cursor_at_start, "miniredis.service") if "pressure" in m]


def test_memory_pressure_is_heard(service):
    drop_in(service, "[Service]\nEnvironment=MEMORY_PRESSURE_WATCH=/run/miniredis/pressure\n")
    service("sh", "-c", "rm -f /run/miniredis/pressure; mkfifo -m 600 /run/miniredis/pressure; "
            "chown miniredis: /run/miniredis/pressure")
    with service.client() as c:
        assert c("PING") == "PONG"
        cursor = service.cursor()
        service("sh", "-c", "echo 1 >/run/miniredis/pressure")
        assert wait_until(lambda: [m for m in service.messages(cursor, "miniredis.service")
                                   if "Memory is short" in m], step=0.1)
        assert c("PING") == "PONG"

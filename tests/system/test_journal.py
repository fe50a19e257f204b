# SPDX-License-Identifier: BSD-3-Clause
"""What the journal gets: events with their ids and fields, limits, and nothing secret.

Every entry of every test here is held against the catalog: an entry with a MESSAGE_ID has
its text there, and a field for each of the text's placeholders.
"""
import os
import re
import resource
import signal
import socket
import threading
import time

import pytest
from conftest import PATIENCE, TOP, Client, Error, wait_until
from test_daemon import pair
from test_systemd import Journal, built_with_systemd, manager  # noqa: F401 (fixtures)

SECRET = "s3cr3t-b3y0nd-m34sur3"
MISTYPED = "h4lf-4-s3cr3t"


def outside_address():
    """An IPv4 address of this machine that is not the loopback's, or None. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = s.getsockname()[0]
    return None if address.startswith(("127.", "0.")) else address


def read_catalog():
    entries = {}
    for block in re.split(r"^-- ", (TOP / "systemd/miniredis.catalog").read_text(), flags=re.M)[1:]:
        head, _, text = block.partition("\n\n")
        entries[head[:32]] = text
    return entries


CATALOG = read_catalog()


class Collected(Journal):
    """All entries, read as they come, so that the server never waits for a reader."""

    def __init__(self, tmp_path):
        super().__init__(tmp_path)
        self.socket.settimeout(None)
        self.entries = []
        self.changed = threading.Condition()
        threading.Thread(target=self.collect, daemon=True).start()

    def collect(self):
        while True:
            try:
                entry = self.entry()
            except OSError:
                return
            with self.changed:
                self.entries.append(entry)
                self.changed.notify_all()

    def wait_for(self, event, count=1):
        """The entries of EVENT once there are COUNT."""
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while len(self.of(event)) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{count} of {event}: {[e['MESSAGE'] for e in self.entries]}"
                self.changed.wait(left)
            return self.of(event)

    def of(self, event):
        return [e for e in self.entries if e.get("MINIREDIS_EVENT") == event]

    def check(self):
        for entry in self.entries:
            for name, value in entry.items():
                assert re.fullmatch(r"[A-Z][A-Z_]*", name), name
                for secret in (SECRET, MISTYPED):
                    assert secret not in value, entry
            assert int(entry["PRIORITY"]) > 5 or "MESSAGE_ID" in entry, f"not in the catalog: {entry}"
            if "MESSAGE_ID" in entry:
                for field in re.findall(r"@(\w+)@", CATALOG[entry["MESSAGE_ID"]]):
                    assert entry.get(field), f"{field} of the catalog's text is missing: {entry}"


@pytest.fixture
def journal(tmp_path):
    j = Collected(tmp_path)
    yield j
    j.check()
    # Wakes the thread that reads; closing alone does not.
    j.socket.shutdown(socket.SHUT_RDWR)
    j.socket.close()


@pytest.fixture
def start(servers, journal):
    def start(*arguments, **kwargs):
        server = servers.launch(*arguments, "--log-target", "journal", wrapper=journal.wrapper, **kwargs)
        journal.wait_for("READY")
        return server
    return start


@pytest.fixture
def serve_as_unit(servers, journal):
    """A server whose standard error is the journal, as JOURNAL_STREAM tells it, also before the log is open."""
    script = 'export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2); exec "$@"'

    def launch(*arguments, **kwargs):
        return servers.launch(*arguments, wrapper=(*journal.wrapper, "sh", "-c", script, "sh"), **kwargs)
    return launch


def test_from_start_to_end(start, servers, journal):
    conf = servers.tmp_path / "m.conf"
    conf.write_text("timeout = 5\n")
    server = start("-c", conf)
    assert server.stop() == 0
    journal.wait_for("STOPPED")
    events = [e.get("MINIREDIS_EVENT") for e in journal.entries]
    assert events == ["STARTING", "CONFIG_READ", "LISTENING", "LOAD_EMPTY", "READY", "STOPPING", "STOPPED"]
    assert journal.of("CONFIG_READ")[0]["MINIREDIS_FILE"] == str(conf)
    assert str(server.port) in journal.of("LISTENING")[0]["MINIREDIS_ADDRESS"]
    assert journal.of("STOPPING")[0]["MINIREDIS_REASON"] == "SIGTERM"
    assert all(e["SYSLOG_IDENTIFIER"] == "miniredis" for e in journal.entries)
    assert len({e["MESSAGE_ID"] for e in journal.entries}) == len(events)


def test_failed_authentication(start, journal):
    server = start("--requirepass", SECRET)
    with server.client() as c:
        address = "{}:{}".format(*c.socket.getsockname())
        attempts = [("AUTH", MISTYPED), ("AUTH", "default", MISTYPED), ("AUTH", MISTYPED, "default"),
                    ("AUTH", SECRET, "default"), ("HELLO", "3", "AUTH", "default", MISTYPED)]
        for attempt in attempts:
            assert c(*attempt).startswith("WRONGPASS")
        assert c("AUTH", SECRET) == "OK"
        assert c("AUTH", MISTYPED).startswith("WRONGPASS")
        entries = journal.wait_for("AUTH_FAILED", len(attempts) + 1)
    assert {e["MINIREDIS_CLIENT"] for e in entries} == {address}
    assert [e.get("MINIREDIS_AUTH_USER") for e in entries] == ["default", "default", None, None, "default", "default"]
    assert [e.get("MINIREDIS_USER") for e in entries] == [None] * 5 + ["default"]
    assert [e["MINIREDIS_COMMAND"] for e in entries] == ["AUTH"] * 4 + ["HELLO", "AUTH"]
    assert entries[0]["PRIORITY"] == "4" and entries[0]["MINIREDIS_DB"] == "0" and entries[0]["MINIREDIS_CLIENT_ID"]


def test_a_name_is_told_if_there_is_such_a_user(start, servers, journal):
    conf = servers.tmp_path / "m.conf"
    conf.write_text(f'requirepass = "{SECRET}"\nuser "web" {{\n    peer-uid = 4242\n}}\n')
    server = start("-c", conf)
    with server.client() as c:
        for name in ("web", "wep", "web\0"):
            assert c("AUTH", name, "x").startswith("WRONGPASS")
    entries = journal.wait_for("AUTH_FAILED", 3)
    assert [e.get("MINIREDIS_AUTH_USER") for e in entries] == ["web", None, None]
    assert [e["MESSAGE"].partition(" as ")[2] for e in entries] == ["web"] + ["a user that does not exist"] * 2


def test_a_flood_is_held_back(start, journal):
    server = start("--requirepass", SECRET)
    with server.client() as c:
        assert all(r.startswith("WRONGPASS") for r in c.pipeline([("AUTH", "wrong")] * 500))
    assert server.stop() == 0
    journal.wait_for("STOPPED")
    told = sum(int(e["MINIREDIS_COUNT"]) for e in journal.of("SUPPRESSED"))
    assert len(journal.of("AUTH_FAILED")) + told == 500
    assert {e["MINIREDIS_SUPPRESSED"] for e in journal.of("SUPPRESSED")} == {"AUTH_FAILED"}
    # On a machine so slow that a window ends meanwhile there is one more burst.
    assert len(journal.of("AUTH_FAILED")) <= 30


def test_what_is_held_back_is_told_without_another_one(start, journal, loop_backend):
    if loop_backend != "poll":
        pytest.skip("takes the ten seconds of a window; once is enough")
    server = start("--requirepass", SECRET)
    with server.client() as c:
        c.pipeline([("AUTH", "wrong")] * 100)
        told = journal.wait_for("SUPPRESSED")[0]
        assert int(told["MINIREDIS_COUNT"]) + len(journal.of("AUTH_FAILED")) == 100
        assert told["PRIORITY"] == "4"


def test_a_client_from_another_machine(start, journal):
    address = outside_address()
    if address is None:
        pytest.skip("this machine has no address but the loopback's")
    server = start("--bind", address)
    with Client((address, server.port)) as c:
        assert c.until_closed().startswith(b"-DENIED")
        client = "{}:{}".format(*c.socket.getsockname())
    assert journal.wait_for("PROTECTED_MODE")[0]["MINIREDIS_CLIENT"] == client


def test_options_of_redis_that_hold_secrets(servers, journal):
    conf = servers.tmp_path / "redis.conf"
    conf.write_text(f"requirepass {SECRET}\nmasterauth {SECRET}\nuser default on >{SECRET}\n"
                    f"rename-command CONFIG {MISTYPED}\n")
    servers.launch("--redis-conf", conf, "--log-target", "journal", wrapper=journal.wrapper)
    entry, = journal.wait_for("CONFIG_IGNORED")
    assert "masterauth" in entry["MINIREDIS_OPTION"]
    journal.wait_for("READY")


def test_what_clients_do(start, journal):
    server = start("--databases", "4")
    with server.client() as c:
        assert c("SELECT", "3") == "OK"
        assert isinstance(c("DEBUG", "JMAP"), Error)
        entry, = journal.wait_for("DEBUG_REFUSED")
        assert entry["MINIREDIS_USER"] == "default" and entry["MINIREDIS_DB"] == "3"
        assert entry["MINIREDIS_COMMAND"].startswith("DEBUG")
        assert c("CONFIG", "SET", "timeout", "7", "requirepass", SECRET) == "OK"
        entry, = journal.wait_for("CONFIG_SET")
        assert entry["MINIREDIS_OPTION"] == "timeout, requirepass"
        assert entry["MINIREDIS_COMMAND"] == "CONFIG|SET"
        with pytest.raises(EOFError):
            c("SHUTDOWN", "NOSAVE")
    assert server.wait() == 0
    entry, = journal.wait_for("SHUTDOWN_ASKED")
    assert entry["MINIREDIS_USER"] == "default" and "default" in entry["MESSAGE"]


def test_text_of_a_client_does_not_forge_entries(start, journal):
    server = start("--requirepass", SECRET)
    with server.client() as c:
        c("AUTH", "root\nMESSAGE=forged\nPRIORITY=0", "x\n\n")
        assert c("AUTH", SECRET) == "OK"
        c("CLIENT", "SETNAME", "a\nb")
    journal.wait_for("AUTH_FAILED")
    assert all("\n" not in e["MESSAGE"] and "forged" not in str(e) for e in journal.entries)


def test_a_web_browser(start, journal):
    server = start()
    with server.client() as c:
        c.send(f"POST / HTTP/1.1\r\nHost: x\r\nCookie: {SECRET}\r\n\r\n")
        c.until_closed()
    assert journal.wait_for("HTTP_REQUEST")[0]["MINIREDIS_CLIENT"]


def test_clients_beyond_their_limits(start, journal):
    server = start("--maxclients", "2", "--client-query-buffer-limit", "1mb",
                   "--client-output-buffer-limit", "normal 1mb 0 0")
    with server.client() as a, server.client() as b:
        assert a("PING") == b("PING") == "PONG"
        with server.client() as third:
            assert b"max number of clients" in third.until_closed()
        assert journal.wait_for("MAXCLIENTS_REACHED")[0]["MINIREDIS_LIMIT"] == "2"
        try:
            a.send(b"*2\r\n$4\r\nECHO\r\n$500000000\r\n" + b"x" * (4 << 20))
        except OSError:
            pass
        a.until_closed()
        assert int(journal.wait_for("CLIENT_INPUT_LIMIT")[0]["MINIREDIS_BYTES"]) > 1 << 20
        assert b("SET", "k", b"v" * (1 << 19)) == "OK"
        try:
            b.send(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" * 200)
        except OSError:
            pass
        entry, = journal.wait_for("CLIENT_OUTPUT_LIMIT")
        assert entry["MINIREDIS_CLIENT"] == "{}:{}".format(*b.socket.getsockname())


def test_reload(start, servers, journal):
    conf = servers.tmp_path / "m.conf"
    conf.write_text("timeout = 5\n")
    server = start("-c", conf)
    conf.write_text(f'timeout = 6\nrequirepass = "{SECRET}"\n')
    server.signal(signal.SIGHUP)
    assert journal.wait_for("RELOADED")[0]["MINIREDIS_FILE"] == str(conf)
    changes = journal.of("RELOAD_CHANGE")
    assert sorted(e["MINIREDIS_OPTION"] for e in changes) == ["requirepass", "timeout"]
    bad = ['timeout = "none"', f'requirepass = {{"{SECRET}", "{MISTYPED}"}}', f"requirepass {SECRET}",
           f'requirepass = "{SECRET}', f'requirepas = "{SECRET}"', f"requirepass = {SECRET} {MISTYPED}"]
    for count, text in enumerate(bad, 1):
        conf.write_text(text + "\n")
        server.signal(signal.SIGHUP)
        assert journal.wait_for("RELOAD_REFUSED", count)[-1]["PRIORITY"] == "3"
    faults = journal.of("RELOAD_FAULT")
    assert len(faults) >= len(bad) and all(str(conf) in e["MESSAGE"] for e in faults)


def test_faults_of_a_service(serve_as_unit, servers, journal):
    conf = servers.tmp_path / "m.conf"
    conf.write_text("port = 1\nnonsense = 2\nmaxclients = none\n")
    server = serve_as_unit("-c", conf)
    assert server.wait() == 1
    faults = journal.wait_for("CONFIG_INVALID")
    assert all(e["PRIORITY"] == "3" and str(conf) in e["MESSAGE"] for e in faults)
    assert server.log.text() == ""


def test_faults_at_a_terminal(servers, journal):
    conf = servers.tmp_path / "m.conf"
    conf.write_text("nonsense = 2\n")
    server = servers.launch("-c", conf, wrapper=journal.wrapper)
    assert server.wait() == 1
    assert "nonsense" in server.log.text() and journal.entries == []


@pytest.mark.parametrize("event, make", [
    ("DIRECTORY_UNUSABLE", lambda home: ("--dir", home / "missing")),
    ("LOAD_FAILED", lambda home: ("--dir", home)),
    ("LISTEN_FAILED", lambda home: ("--bind", "192.0.2.1")),
    ("LOG_UNUSABLE", lambda home: ("--log-target", "file", "--logfile", home / "missing" / "log")),
], ids=lambda v: v if isinstance(v, str) else "")
def test_one_clear_line_for_each_failure(serve_as_unit, journal, tmp_path, event, make):
    home = tmp_path / "home"
    home.mkdir()
    (home / "dump.rdb").write_bytes(b"REDIS0011" + b"\xfe\x00" + b"damaged" * 20)
    server = serve_as_unit(*make(home))
    assert server.wait() == 1
    journal.wait_for(event)
    severe = [e for e in journal.entries if int(e["PRIORITY"]) <= 3]
    assert [e["MINIREDIS_EVENT"] for e in severe] == [event]
    assert severe[0]["MESSAGE"] == severe[0]["MINIREDIS_REASON"]


def test_a_port_that_is_taken(serve_as_unit, journal):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        assert serve_as_unit("--bind", "127.0.0.1", port=port).wait() == 1
    entry, = journal.wait_for("LISTEN_FAILED")
    assert str(port) in entry["MESSAGE"] and "in use" in entry["MESSAGE"]


def test_a_late_watchdog(start, journal, manager):  # noqa: F811
    server = start("--enable-debug-command", "yes",
                   env={**manager.environment, "WATCHDOG_USEC": "400000"})
    assert journal.wait_for("WATCHDOG")[0]["MINIREDIS_SECONDS"] == "0.4"
    with server.client() as c:
        assert c("DEBUG", "SLEEP", "0.35") == "OK"
        # A machine that has a lot to do may have been late before.
        assert wait_until(lambda: any(float(e["MINIREDIS_SECONDS"]) >= 0.35 for e in journal.of("WATCHDOG_LATE")))


def test_what_does_not_fit_the_machine(start, servers, journal, manager):  # noqa: F811
    start("--daemonize", "yes", "--pidfile", servers.tmp_path / "missing" / "pid", "--tcp-backlog", "2000000",
          "--maxclients", "10000000", env=manager.environment)
    assert journal.of("DAEMONIZE_IGNORED") and journal.of("BACKLOG_LOWERED")
    assert journal.of("PIDFILE_FAILED")[0]["MINIREDIS_FILE"].endswith("missing/pid")
    for entry in journal.of("MAXCLIENTS_LOWERED"):  # none where the kernel grants as many files as are asked for
        assert entry["MINIREDIS_WANTED"] == "10000000"


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))


def test_data_that_is_kept_or_not(start, journal, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    body = b"\xfe\x00" + pair(b"k", b"v") + b"\xfc" + (1).to_bytes(8, "little") + pair(b"old", b"v") + b"\xff"
    (home / "dump.rdb").write_bytes(b"REDIS0011" + body + b"\0" * 8)
    server = start("--dir", home, "--save", "1 1", "--enable-protected-configs", "no", preexec=small_files)
    loaded, = journal.of("LOADED")
    assert loaded["MINIREDIS_KEYS"] == "1" and loaded["MINIREDIS_FILE"] == "dump.rdb"
    assert journal.of("LOAD_EXPIRED")[0]["MINIREDIS_COUNT"] == "1"
    with server.client() as c:
        assert isinstance(c("CONFIG", "SET", "dir", "/"), Error)
        assert journal.wait_for("CONFIG_SET_REFUSED")[0]["MINIREDIS_OPTION"] == "dir"
        assert c("SET", "k", SECRET) == "OK"
        assert c("SAVE") == "OK"
        saved, = journal.wait_for("SAVED")
        assert saved["MINIREDIS_KEYS"] == "1" and saved["MINIREDIS_FILE"] == "dump.rdb"
        assert saved["MINIREDIS_BYTES"] == str((home / "dump.rdb").stat().st_size)
        assert c("SET", "big", os.urandom(5000)) == "OK"
        assert isinstance(c("SHUTDOWN"), Error)
        assert journal.wait_for("SHUTDOWN_REFUSED")[0]["MINIREDIS_COMMAND"] == "SHUTDOWN"
        assert "File too large" in journal.of("SAVE_FAILED")[0]["MINIREDIS_REASON"]
        server.signal(signal.SIGTERM)
        assert "File too large" in journal.wait_for("STOP_REFUSED")[0]["MINIREDIS_REASON"]
        with pytest.raises(EOFError):
            c("SHUTDOWN", "FORCE")
    assert server.wait() == 0
    assert journal.wait_for("CHANGES_LOST")


def test_levels(servers, journal):
    server = servers.launch("--log-target", "journal", "--loglevel", "warning", "--maxclients", "1",
                            wrapper=journal.wrapper)
    assert server.wait_answering()
    with server.client() as a, server.client() as b:
        a.send(b"PING\r\n")
        b.until_closed()
        journal.wait_for("MAXCLIENTS_REACHED")
    assert {e["PRIORITY"] for e in journal.entries} == {"4"}

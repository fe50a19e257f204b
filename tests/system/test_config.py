# SPDX-License-Identifier: BSD-3-Clause
"""The configuration as a whole: drop-ins, credentials, the overlay of CONFIG REWRITE, sections, and what
the log says of them."""
import os
import signal
import subprocess

import pytest
from conftest import PATIENCE, Client, Error, wait_until


def run(program, *arguments, **kwargs):
    """A run that ends by itself."""
    return subprocess.run([program, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, **kwargs)


def write(path, text, mode=0o640):
    path.write_text(text)
    path.chmod(mode)
    return path


def get(c, name):
    return c("CONFIG", "GET", name)[1].decode()


def reload(server):
    """The lines of one reload."""
    start = len(server.log.lines)
    server.signal(signal.SIGHUP)
    assert server.log.wait_for("Reloaded|Reload refused|Reload: there is no", start=start), server.log.text()
    return "\n".join(server.log.lines[start:])


def logged_in(server, password):
    c = Client(server.address)
    assert c("AUTH", password) == "OK"
    return c


# --- drop-ins ---


def test_drop_ins(program, servers, tmp_path):
    conf = write(tmp_path / "some.conf", "timeout = 1\nmaxclients = 50\n")
    (tmp_path / "some.conf.d").mkdir()
    write(tmp_path / "some.conf.d" / "20-b.conf", "timeout = 3\n")
    write(tmp_path / "some.conf.d" / "10-a.conf", "timeout = 2\ntcp-keepalive = 5\n")
    write(tmp_path / "some.conf.d" / "README", "not read")
    shown = run(program, "-c", conf, "--print-config").stdout
    assert f"timeout = 3    # {conf}.d/20-b.conf:1\n" in shown
    assert f"tcp-keepalive = 5    # {conf}.d/10-a.conf:2\n" in shown
    assert f"maxclients = 50    # {conf}:2\n" in shown
    server = servers.start("-c", conf)
    with server.client() as c:
        assert get(c, "timeout") == "3"
        write(tmp_path / "some.conf.d" / "30-c.conf", "timeout = never\n")
        assert "30-c.conf:1: timeout: 'never'" in reload(server)
        assert get(c, "timeout") == "3"
        write(tmp_path / "some.conf.d" / "30-c.conf", "timeout = 4\n")
        reload(server)
        assert get(c, "timeout") == "4"


def test_redis_conf_has_no_drop_ins(program, tmp_path):
    conf = write(tmp_path / "redis.conf", "timeout 1\n")
    (tmp_path / "redis.conf.d").mkdir()
    write(tmp_path / "redis.conf.d" / "a.conf", "timeout = 2\n")
    assert f"timeout = 1    # {conf}:1" in run(program, "--redis-conf", conf, "--print-config").stdout


# --- credentials ---


def test_a_credential_is_read_and_read_again(servers, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    write(credentials / "password", "geheim\n")
    conf = write(tmp_path / "x.conf", 'requirepass = "credential:password"\n', 0o644)
    server = servers.start("-c", conf, env={"CREDENTIALS_DIRECTORY": str(credentials)})
    with server.client() as c:
        assert c("PING").startswith("NOAUTH")
        assert c("AUTH", "credential:password").startswith("WRONGPASS")
    with logged_in(server, "geheim") as c:
        write(credentials / "password", "anders")
        log = reload(server)
        assert "requirepass: changed" in log
        assert c("CONFIG", "REWRITE") == "OK"
        assert not (server.directory / "overlay.conf").exists()
    logged_in(server, "anders").close()
    (credentials / "password").unlink()
    log = reload(server)
    assert "Reload refused" in log and "the credential 'password' cannot be read" in log
    logged_in(server, "anders").close()
    assert server.stop() == 0
    for secret in ("geheim", "anders"):
        assert secret not in server.log.text()
    assert "can be read by everybody" not in server.log.text()


def test_a_missing_credential_keeps_the_server_from_starting(program, servers, tmp_path):
    conf = write(tmp_path / "x.conf", 'port = 1\nrequirepass = "credential:password"\n')
    server = servers.launch("-c", conf)
    assert server.wait() == 1
    assert f"{conf}:2: requirepass: the credential 'password' cannot be read: $CREDENTIALS_DIRECTORY is not set" \
        in server.log.text()
    done = run(program, "-c", conf, "--check-config", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "OK\n")
    assert "requirepass: the credential was not looked at" in done.stderr
    done = run(program, "-c", conf, "--check-config", cwd=tmp_path,
               env={**os.environ, "CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert done.returncode == 1 and "No such file" in done.stderr


# --- the modes of files ---


@pytest.mark.parametrize("mode, told", [(0o640, False), (0o600, False), (0o644, True), (0o666, True)])
def test_a_secret_that_everybody_can_read(program, servers, tmp_path, mode, told):
    conf = write(tmp_path / "x.conf", 'requirepass = "geheim"\n', mode)
    done = run(program, "-c", conf, "--check-config", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "OK\n")
    server = servers.start("-c", conf)
    server.stop()
    for text in (done.stderr, server.log.text()):
        assert (f"{conf}:1: requirepass: the secret can be read by everybody (the file's mode is {mode:04o})"
                in text) == told
        assert "geheim" not in text


# --- the overlay ---


def overlay_of(server):
    return server.directory / "overlay.conf"


def test_rewrite_keeps_what_was_set(program, servers, tmp_path):
    conf = write(tmp_path / "x.conf", "timeout = 30\nmaxclients = 60\n")
    server = servers.start("-c", conf)
    with server.client() as c:
        assert c("CONFIG", "REWRITE") == "OK"
        assert not overlay_of(server).exists()
        assert c("CONFIG", "SET", "timeout", "7", "requirepass", 'a"b$c \\x', "save", "60 1 900 5") == "OK"
        assert c("CONFIG", "SET", "tcp-keepalive", "300") == "OK"
        assert c("CONFIG", "REWRITE") == "OK"
    text = overlay_of(server).read_text()
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "timeout = 7", 'requirepass = "a\\"b\\$c \\\\x"', 'save = {"60 1", "900 5"}']
    assert overlay_of(server).stat().st_mode & 0o7777 == 0o600
    assert sorted(p.name for p in server.directory.iterdir()) == ["overlay.conf"]
    assert conf.read_text() == "timeout = 30\nmaxclients = 60\n"
    assert str(overlay_of(server)) in server.log.text()
    server.stop()
    assert 'b$c' not in server.log.text()
    shown = run(program, "-c", conf, "--print-config", cwd=server.directory).stdout
    assert f"timeout = 7    # {overlay_of(server)}:3 (CONFIG REWRITE)\n" in shown
    assert f'requirepass = "(set)"    # {overlay_of(server)}:4 (CONFIG REWRITE)\n' in shown
    assert f"maxclients = 60    # {conf}:2\n" in shown
    server = servers.start("-c", conf, directory=server.directory)
    with logged_in(server, 'a"b$c \\x') as c:
        assert get(c, "timeout") == "7"
        assert get(c, "save") == "60 1 900 5"
        overlay_of(server).unlink()
        assert "timeout: '7' is now '30'" in reload(server)
        assert get(c, "timeout") == "30"
    with server.client() as c:
        assert c("PING") == "PONG"


def test_rewrite_keeps_sets_of_words(servers):
    server = servers.start("--shutdown-on-sigint", "now")
    with server.client() as c:
        assert c("CONFIG", "SET", "shutdown-on-sigterm", "force now nosave", "shutdown-on-sigint", "save") == "OK"
        assert c("CONFIG", "REWRITE") == "OK"
    assert [line for line in overlay_of(server).read_text().splitlines() if not line.startswith("#")] == [
        'shutdown-on-sigterm = {"nosave", "now", "force"}', "shutdown-on-sigint = save"]
    server.stop()
    server = servers.start(directory=server.directory)
    with server.client() as c:
        assert get(c, "shutdown-on-sigterm") == "nosave now force"
        assert get(c, "shutdown-on-sigint") == "save"


def test_the_overlay_lies_in_the_state_directory(servers, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    server = servers.start("--dir", tmp_path, env={"STATE_DIRECTORY": f"{state}:{tmp_path}"})
    with server.client() as c:
        assert c("CONFIG", "SET", "timeout", "7") == "OK"
        assert c("CONFIG", "REWRITE") == "OK"
    assert "timeout = 7" in (state / "overlay.conf").read_text()


def test_without_an_overlay(servers):
    server = servers.start("--overlay-file", "")
    with server.client() as c:
        assert c("CONFIG", "SET", "timeout", "7") == "OK"
        assert c("CONFIG", "REWRITE") == Error("ERR The server is running without an overlay file")
    assert not overlay_of(server).exists()


def test_a_reload_without_a_file_reads_the_overlay(servers):
    server = servers.start()
    with server.client() as c:
        assert "nothing has changed" in reload(server)
        write(overlay_of(server), "timeout = 9\n", 0o600)
        assert "timeout: '0' is now '9'" in reload(server)
        assert get(c, "timeout") == "9"


def test_lines_of_the_overlay_that_are_not_valid(servers, tmp_path):
    write(tmp_path / "overlay.conf", "nosuch = 1\ntimeout = soon\ndatabases = 3\ntcp-keepalive = 9\n", 0o600)
    server = servers.start("--dir", tmp_path)
    with server.client() as c:
        assert get(c, "tcp-keepalive") == "9"
        assert get(c, "timeout") == "0"
        assert get(c, "databases") == "16"
        for line, name in ((1, "nosuch"), (2, "timeout"), (3, "databases")):
            assert f"{tmp_path}/overlay.conf:{line}: {name}: " in server.log.text()
        assert c("CONFIG", "REWRITE") == "OK"
    assert [line for line in (tmp_path / "overlay.conf").read_text().splitlines() if line[0] != "#"] == \
        ["tcp-keepalive = 9"]


@pytest.mark.parametrize("text, mode, word", [("timeout = {", 0o600, "is not in order"),
                                              ("timeout = 1\n", 0o622, "can be written by others")])
def test_an_overlay_that_is_not_in_order(servers, tmp_path, text, mode, word):
    write(tmp_path / "overlay.conf", text, mode)
    server = servers.launch("--dir", tmp_path)
    assert server.wait() == 1
    assert f"{tmp_path}/overlay.conf: {word}" in server.log.text()
    assert "delete it to go back to the configuration files alone" in server.log.text()


def test_a_failed_rewrite_leaves_the_old_file(servers, tmp_path):
    write(tmp_path / "overlay.conf", "timeout = 1\n", 0o600)
    server = servers.start("--dir", tmp_path)
    (tmp_path / "overlay.conf.new").mkdir()
    with server.client() as c:
        assert c("CONFIG", "SET", "timeout", "2") == "OK"
        assert c("CONFIG", "REWRITE") == Error("ERR Rewriting config file: Is a directory")
        assert (tmp_path / "overlay.conf").read_text() == "timeout = 1\n"
        assert server.log.wait_for("overlay.conf cannot be rewritten: ")
        (tmp_path / "overlay.conf.new").rmdir()
        assert c("CONFIG", "REWRITE") == "OK"
    assert "timeout = 2\n" in (tmp_path / "overlay.conf").read_text()


def test_a_limit_that_the_machine_lowers_is_not_written(servers, tmp_path):
    server = servers.start("--maxclients", "100000000")
    with server.client() as c:
        assert int(get(c, "maxclients")) < 100000000
        assert c("CONFIG", "REWRITE") == "OK"
    assert not overlay_of(server).exists()


# --- who may set what ---

PROTECTED = {"dir": "/", "dbfilename": "other.rdb"}
IMMUTABLE = {"logfile": "/x", "unixsocket": "/x", "pidfile": "/x", "overlay-file": "/x",
             "enable-protected-configs": "yes"}


@pytest.mark.parametrize("allow", ["no", "local", "yes"])
def test_protected_options(servers, tmp_path, allow):
    server = servers.start("--enable-protected-configs", allow)
    with server.client() as c:
        for name, value in PROTECTED.items():
            reply = c("CONFIG", "SET", name, value)
            if allow == "no":
                assert reply == Error(f"ERR CONFIG SET failed (possibly related to argument '{name}') - "
                                      "can't set protected config")
            else:
                assert reply == "OK" and get(c, name) == value
        for name, value in IMMUTABLE.items():
            assert c("CONFIG", "SET", name, value) == Error(
                f"ERR CONFIG SET failed (possibly related to argument '{name}') - can't set immutable config")


def test_a_dir_that_was_set_does_not_move_the_overlay(servers, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    server = servers.start("--enable-protected-configs", "yes")
    with server.client() as c:
        assert c("CONFIG", "SET", "dir", elsewhere) == "OK"
        assert c("CONFIG", "REWRITE") == "OK"
    assert f'dir = "{elsewhere}"' in overlay_of(server).read_text()
    server.stop()
    server = servers.start(directory=server.directory)
    with server.client() as c:
        assert get(c, "dir") == str(elsewhere)
    assert wait_until(lambda: os.readlink(f"/proc/{server.pid}/cwd") == str(elsewhere))

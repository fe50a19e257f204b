# SPDX-License-Identifier: BSD-3-Clause
"""The life of the daemon: how it is started, told things and ended."""
import os
import re
import resource
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from conftest import PATIENCE, Error, encode, free_port, wait_until


def run(program, *arguments, **kwargs):
    """A run that ends by itself."""
    return subprocess.run([program, *map(str, arguments)], stdin=kwargs.pop("stdin", subprocess.DEVNULL),
                          capture_output=True, text=True, timeout=PATIENCE, **kwargs)


# --- switches ---


@pytest.mark.parametrize("word", ["--version", "-v"])
def test_version(program, word):
    done = run(program, word)
    assert done.returncode == 0
    assert re.fullmatch(r"miniredis \d+\.\d+\.\d+.*\n", done.stdout)


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_names_every_switch(program, word):
    done = run(program, word)
    assert done.returncode == 0
    for name in ("-c ", "--redis-conf", "--check-config", "--check-listen", "--print-config", "--import-redis-conf", "--reload",
                 "--version"):
        assert name in done.stdout


@pytest.mark.parametrize("arguments, word", [
    (["-x"], "-x"), (["-c"], "-c wants"), (["--redis-conf"], "--redis-conf wants"),
    (["-c", "a", "-c", "b"], "two configuration files"), (["a", "-c", "b"], "two configuration files"),
    (["--check-config", "--print-config"], "--print-config"), (["--reload", "--check-config"], "--check-config"),
    (["--reload", "-c", "x"], "--reload"), (["--reload", "--port", "1"], "--reload"),
    (["--port", "1", "--reload"], "--reload"), (["x.conf", "--reload"], "--reload"),
    (["x.conf", "--check-listen", "127.0.0.1:1"], "--check-listen"),
])
def test_bad_command_lines(program, tmp_path, arguments, word):
    done = run(program, *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert word in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("family, form", [(socket.AF_INET, "127.0.0.1:{}"), (socket.AF_INET6, "[::1]:{}")])
def test_check_listen(program, tmp_path, family, form):
    """As a unit's property Listen has the words: those that are no addresses of TCP do not matter."""
    path = tmp_path / "x.sock"
    with socket.socket(family) as other:
        try:
            other.bind(("" if family == socket.AF_INET else "::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        other.listen()
        taken = form.format(other.getsockname()[1])
        words = ["(Stream)", taken, "(Stream)", "192.0.2.1:1", str(path), "@x", "vsock:2:1", "", ":", "[]:1", "6379"]
        done = run(program, "--check-listen", *words)
        assert done.returncode == 1
        assert done.stderr == f"cannot listen on {taken}: Address already in use\n"
    done = run(program, "--check-listen", *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not path.exists()


def test_check_config_ok(program, tmp_path):
    conf = tmp_path / "x.conf"
    conf.write_text("port = 7001\nbind = {\"127.0.0.1\"}\n")
    for arguments in (["--check-config", "-c", conf], ["-c", conf, "--check-config"], ["--check-config", conf],
                      ["--check-config", "--port", "7000"], ["--port", "7000", "--check-config"]):
        done = run(program, *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, "OK\n", ""), arguments


def test_check_config_tells_every_fault(program, tmp_path):
    conf = tmp_path / "x.conf"
    conf.write_text("port = 70000\nprot = 1\nloglevel = loud\n")
    done = run(program, "--check-config", "-c", conf, "--databases", "0")
    assert done.returncode == 1
    assert "OK" not in done.stdout
    for pattern in (rf"{conf}:1.*port", rf"{conf}:2.*prot.*port", rf"{conf}:3.*loglevel.*verbose", r"databases"):
        assert re.search(pattern, done.stderr), (pattern, done.stderr)


def test_print_config_says_where_values_come_from(program, tmp_path):
    conf = tmp_path / "x.conf"
    conf.write_text("\nport = 7001\nrequirepass = \"hunter2\"\n")
    done = run(program, "--print-config", "-c", conf, "--databases", "4")
    assert done.returncode == 0
    assert re.search(rf"^port\s*=\s*7001\s*# .*{conf}:2", done.stdout, re.M)
    assert re.search(r"^databases\s*=\s*4\s*# command line", done.stdout, re.M)
    assert re.search(r"^event-loop\s*=\s*\S*auto\S*\s*# default", done.stdout, re.M)
    assert "hunter2" not in done.stdout


def test_a_named_file_that_is_missing_is_fatal(program, tmp_path):
    for arguments in (["-c", "none.conf"], ["none.conf"], ["--redis-conf", "none.conf"],
                      ["--check-config", "-c", "none.conf"], ["--import-redis-conf", "none.conf"]):
        done = run(program, *arguments, cwd=tmp_path)
        assert done.returncode == 1, arguments
        assert "none.conf" in done.stderr and "No such file" in done.stderr


def test_import_redis_conf(program, tmp_path):
    (tmp_path / "redis.conf").write_text("port 7003\nsave 900 1\nsave 60 10\ntcp-backlog 17\nhz 10\n")
    done = run(program, "--import-redis-conf", "redis.conf", cwd=tmp_path)
    assert done.returncode == 0
    made = tmp_path / "made.conf"
    made.write_text(done.stdout)
    again = run(program, "--print-config", "-c", made)
    assert again.returncode == 0, again.stderr
    assert re.search(rf"^port\s*=\s*7003\s*# .*{made}", again.stdout, re.M)
    assert re.search(r"^tcp-backlog\s*=\s*17", again.stdout, re.M)
    assert re.search(r"^save\s*=.*900 1.*60 10", again.stdout, re.M)


# --- configuration of a running server ---


@pytest.mark.parametrize("how", ["bare", "switch", "input"])
def test_redis_conf(servers, how):
    port = free_port()
    text = f"port {port}\nbind 127.0.0.1\ndatabases 3\nhz 10\nactiverehashing yes\n"
    conf = servers.tmp_path / "redis.conf"
    conf.write_text(text)
    if how == "input":
        with open(conf, "rb") as given:
            server = servers.start("-", port=port, pass_stdin=given)
    else:
        server = servers.start(*{"bare": [conf], "switch": ["--redis-conf", conf]}[how], port=port)
    with server.client() as c:
        assert c("CONFIG", "GET", "databases") == [b"databases", b"3"]
        assert isinstance(c("SELECT", 3), Error)
    passed_over = [line for line in server.log.text().splitlines() if "hz" in line]
    assert len(passed_over) == 1 and "hz, activerehashing" in passed_over[0], server.log.text()


def test_the_installed_file(servers):
    """Read when no file is named; it is put into a directory in mounts of the server's own."""
    path = Path(re.search(r"(\S+/miniredis\.conf) is read", run(servers.program, "--help").stdout).group(1))
    if not path.parent.is_dir():
        pytest.skip(f"{path.parent} is not there")
    given = servers.tmp_path / "given.conf"
    given.write_text("databases = 7\n")
    wrapper = namespaces(f'set -e; mount -t tmpfs none {path.parent}; cp {given} {path}; exec "$@"')
    server = servers.start(wrapper=wrapper)
    with server.client() as c:
        assert c("CONFIG", "GET", "databases") == [b"databases", b"7"]
    given.write_text("databases = none\n")
    broken = servers.launch(wrapper=wrapper)
    assert broken.wait() == 1
    assert f"{path}:1" in broken.log.text()


def test_native_conf_and_precedence(servers):
    conf = servers.tmp_path / "m.conf"
    conf.write_text("databases = 3\nmaxclients = 50\n")
    server = servers.start(conf, "--maxclients", "60")
    with server.client() as c:
        assert c("CONFIG", "GET", "databases") == [b"databases", b"3"]
        assert c("CONFIG", "GET", "maxclients") == [b"maxclients", b"60"]


def test_dir_is_entered_and_the_files_are_relative_to_it(servers):
    home = servers.tmp_path / "home"
    home.mkdir()
    server = servers.launch("--dir", home, "--logfile", "my.log", "--pidfile", "my.pid")
    assert server.wait_answering()
    assert (home / "my.pid").read_text() == f"{server.pid}\n"
    assert "Ready to accept connections" in (home / "my.log").read_text()


def test_a_dir_that_is_not_there(servers):
    server = servers.launch("--dir", "/nowhere/at/all")
    assert server.wait() == 1
    assert "/nowhere/at/all" in server.log.text()


# --- ready, and what it costs ---


def test_ready_soon_and_small(servers):
    server = servers.start()
    memory = dict(re.findall(r"^(VmRSS|RssAnon):\s+(\d+) kB", Path(f"/proc/{server.pid}/status").read_text(), re.M))
    if b"__asan_init" in Path(servers.program).read_bytes():
        pytest.skip("a sanitizer's memory and time are its own")
    assert int(memory["VmRSS"]) <= 5 * 1024, memory
    assert int(memory["RssAnon"]) <= 1024, memory
    # Time on a processor, less sensitive to other work than the clock; the bound leaves room for a
    # machine that is busy all the same (it takes about one millisecond).
    times = []
    for _ in range(5):
        server.stop()
        server = servers.start()
        times.append(int(Path(f"/proc/{server.pid}/schedstat").read_text().split()[0]) / 1e9)
    assert min(times) < 0.02, times


# --- ends ---


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_orderly_end(servers, number):
    path = servers.tmp_path / "s.sock"
    server = servers.start("--unixsocket", path, "--pidfile", "pid")
    pid_path = server.directory / "pid"
    assert path.is_socket() and pid_path.exists()
    with server.client() as c, server.client(str(path)) as u:
        assert c("PING") == "PONG" and u("PING") == "PONG"
        server.signal(number)
        assert server.wait() == 0
        assert c.until_closed() == b"" and u.until_closed() == b""
    assert not path.exists() and not pid_path.exists()
    assert signal.Signals(number).name in server.log.text()
    with pytest.raises(OSError):
        server.client()


def test_replies_are_flushed_at_the_end(servers):
    server = servers.start()
    with server.client() as c:
        # The signal is taken in the same turn as the requests, or in the one behind.
        c("SET", "k", "v" * 50000)
        server.signal(signal.SIGSTOP)
        c.send(encode("GET", "k") * 3)
        server.signal(signal.SIGTERM)
        server.signal(signal.SIGCONT)
        said = c.until_closed()
    assert server.wait() == 0
    reply = b"$50000\r\n" + b"v" * 50000 + b"\r\n"
    assert said in (b"", reply * 3), len(said)


def test_a_second_signal_ends_at_once(servers):
    server = servers.start("--pidfile", "pid")
    server.signal(signal.SIGSTOP)
    server.signal(signal.SIGTERM)
    server.signal(signal.SIGINT)
    server.signal(signal.SIGCONT)
    assert server.wait() == 1
    assert not (server.directory / "pid").exists()


def test_shutdown_command(servers):
    server = servers.start()
    with server.client() as c:
        c.send(encode("PING") + encode("SHUTDOWN", "NOSAVE"))
        assert c.reply() == "PONG"
        assert c.until_closed() == b""
    assert server.wait() == 0


def test_a_reader_that_is_gone_does_not_kill(servers):
    server = servers.start()
    with server.client() as c:
        c("SET", "k", "v" * 100000)
        for _ in range(20):
            with server.client() as gone:
                gone.send(encode("GET", "k") * 50)
                gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert c("PING") == "PONG"


# --- the pidfile ---


def test_a_foreign_pidfile_stays(servers):
    server = servers.start("--pidfile", "pid")
    path = server.directory / "pid"
    assert path.read_text() == f"{server.pid}\n"
    assert stat.S_IMODE(path.stat().st_mode) & 0o022 == 0
    path.write_text("1\n")
    assert server.stop() == 0
    assert path.read_text() == "1\n"


def test_a_pidfile_that_cannot_be_written_is_told(servers):
    server = servers.start("--pidfile", "/nowhere/at/all.pid")
    assert "/nowhere/at/all.pid" in server.log.text()


# --- starting in the background ---


@pytest.fixture
def background(servers):
    """Starts in the background; what it returns has .pid of the server, which is ended afterwards."""
    pids = []

    def start(*arguments, **kwargs):
        starter = servers.launch("--daemonize", "yes", "--pidfile", "pid", *arguments, **kwargs)
        starter.status = starter.wait()
        path = starter.directory / "pid"
        starter.server_pid = int(path.read_text()) if path.exists() else None
        if starter.server_pid:
            pids.append(starter.server_pid)
        return starter

    yield start
    for pid in pids:
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not running(pid))


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_daemonize(background):
    b = background("--logfile", "log")
    assert b.status == 0, b.report()
    assert b.log.text() == "" and b.stdout.text() == ""
    assert b.server_pid != b.pid
    # It is ready already: no second try.
    with b.client() as c:
        assert c("PING") == "PONG"
        assert int(c.info("server")["process_id"]) == b.server_pid
    session = int(Path(f"/proc/{b.server_pid}/stat").read_text().rsplit(")", 1)[1].split()[3])
    assert session not in (b.server_pid, os.getsid(0), b.pid), "a session of its own that it does not lead"
    for fd in range(3):
        assert os.readlink(f"/proc/{b.server_pid}/fd/{fd}") == "/dev/null"
    os.kill(b.server_pid, signal.SIGTERM)
    assert wait_until(lambda: not running(b.server_pid))
    assert not (b.directory / "pid").exists()
    log = (b.directory / "log").read_text()
    assert f"{b.server_pid}:M " in log and "Sanitizer" not in log


def test_daemonize_tells_why_it_failed(background):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        b = background("--bind", "127.0.0.1", "--logfile", "log", port=port)
    assert b.status == 1
    assert str(port) in b.log.text() and "in use" in b.log.text()
    assert len(b.log.text().splitlines()) == 1
    assert "in use" in (b.directory / "log").read_text()
    assert b.server_pid is None


def test_daemonize_waits_for_the_load_and_tells_its_failure(background, servers):
    home = servers.tmp_path / "home"
    home.mkdir()
    (home / "dump.rdb").write_bytes(b"REDIS0011\xfe\x00\x00\x01k")
    b = background("--dir", home)
    assert b.status == 1
    assert "dump.rdb" in b.log.text()


def test_daemonize_with_a_bad_option_fails_in_the_foreground(background):
    b = background("--maxclients", "many")
    assert b.status == 1
    assert "maxclients" in b.log.text()


# --- starts that fail ---


def one_line(server, *words):
    lines = [line for line in server.log.text().splitlines() if " # " in line]
    assert len(lines) == 1, server.log.text()
    for word in words:
        assert word in lines[0], lines[0]


def test_port_taken(servers):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = servers.launch("--bind", "127.0.0.1", port=port)
        assert server.wait() == 1
    one_line(server, "127.0.0.1", str(port), "in use")


def test_port_taken_by_another_server(servers, server):
    second = servers.launch("--bind", "127.0.0.1", port=server.port)
    assert second.wait() == 1
    one_line(second, str(server.port))
    with server.client() as c:
        assert c("PING") == "PONG"


def test_a_log_file_that_cannot_be_opened(servers):
    server = servers.launch("--logfile", "/nowhere/at/all.log")
    assert server.wait() == 1
    one_line(server, "/nowhere/at/all.log", "No such file")
    assert server.log.text().count("/nowhere") == 1


def test_a_directory_that_cannot_be_entered(servers):
    server = servers.launch("--dir", "/nowhere/at/all", "--logfile", "my.log")
    assert server.wait() == 1
    one_line(server, "/nowhere/at/all", "No such file")
    assert server.log.text().count("/nowhere") == 1


def test_an_address_that_is_not_ours(servers):
    server = servers.launch("--bind", "192.0.2.1")
    assert server.wait() == 1
    one_line(server, "192.0.2.1")


# --- descriptors ---


def limit(soft, hard):
    def set_it():
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return set_it


def test_descriptor_limit_is_raised(servers):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 600:
        pytest.skip("the limit of open files is too low to try")
    server = servers.start("--maxclients", "500", preexec=limit(100, hard))
    limits = Path(f"/proc/{server.pid}/limits").read_text()
    assert int(re.search(r"Max open files\s+(\d+)", limits).group(1)) == 532
    with server.client() as c:
        assert c("CONFIG", "GET", "maxclients") == [b"maxclients", b"500"]


def unprivileged(program):
    """The words in front of a command that take away the right to raise a hard limit."""
    if os.geteuid() != 0:
        return ()
    wrapper = ("setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource")
    try:
        subprocess.run([*wrapper, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("privileges cannot be dropped here")
    return wrapper


def test_maxclients_is_lowered_where_the_limit_stays(servers):
    server = servers.start("--maxclients", "500", preexec=limit(100, 200), wrapper=unprivileged(servers.program))
    assert server.log.wait_for(r"maxclients is 168 instead of 500")
    with server.client() as c:
        assert c("CONFIG", "GET", "maxclients") == [b"maxclients", b"168"]
        refused = c("CONFIG", "SET", "maxclients", "300")
        assert isinstance(refused, Error) and "168" in refused
        assert c("CONFIG", "GET", "maxclients") == [b"maxclients", b"168"]
        assert c("CONFIG", "SET", "maxclients", "120") == "OK"


def test_a_limit_without_room_for_clients(servers):
    server = servers.launch("--maxclients", "500", preexec=limit(20, 20), wrapper=unprivileged(servers.program))
    assert server.wait() == 1
    one_line(server, "open files", "20")


# --- reload ---


def reload(server, pattern):
    """The lines of one reload, of which one must match PATTERN."""
    start = len(server.log.lines)
    server.signal(signal.SIGHUP)
    assert server.log.wait_for("Reloaded|Reload refused|no configuration file", start=start), server.log.text()
    said = "\n".join(server.log.lines[start:])
    assert re.search(pattern, said), said
    return said


def test_reload(servers):
    conf = servers.tmp_path / "m.conf"
    conf.write_text("maxclients = 50\ntimeout = 100\n")
    server = servers.start("-c", conf, "--tcp-keepalive", "77")
    with server.client() as c:
        conf.write_text("maxclients = 60\ntcp-keepalive = 5\n")
        log = reload(server, "timeout")
        assert re.search(r"maxclients.*50.*60", log) and re.search(r"timeout.*100.*0", log)
        assert c("CONFIG", "GET", "maxclients") == [b"maxclients", b"60"]
        assert c("CONFIG", "GET", "timeout") == [b"timeout", b"0"]
        assert c("CONFIG", "GET", "tcp-keepalive") == [b"tcp-keepalive", b"77"], "the command line wins"
        reload(server, "nothing has changed")


def test_reload_is_all_or_nothing(servers):
    conf = servers.tmp_path / "m.conf"
    conf.write_text("maxclients = 50\n")
    server = servers.start("-c", conf)
    with server.client() as c:
        for text, reason in (("maxclients = 60\nprot = 1\n", "prot"), ("maxclients = 60\ntimeout = -1\n", "timeout"),
                             ("maxclients = 60\ndatabases = 5\n", "databases"), ("maxclients = 60\nbind = {\n", "m.conf")):
            conf.write_text(text)
            log = reload(server, reason)
            assert "refused" in log
            assert c("CONFIG", "GET", "maxclients") == [b"maxclients", b"50"], text
        conf.unlink()
        reload(server, "No such file")
        assert c("CONFIG", "GET", "maxclients") == [b"maxclients", b"50"]
        conf.write_text("maxclients = 60\n")
        reload(server, "maxclients")
        assert c("CONFIG", "GET", "maxclients") == [b"maxclients", b"60"]


def test_reload_moves_the_listener(servers):
    conf = servers.tmp_path / "m.conf"
    first, second = free_port(), free_port()
    conf.write_text(f"port = {first}\n")
    server = servers.start("-c", conf, port=first, name_port=False)
    with server.client() as old:
        assert old("PING") == "PONG"
        conf.write_text(f"port = {second}\n")
        reload(server, rf"port.*{second}")
        with server.client(("127.0.0.1", second)) as c:
            assert c("PING") == "PONG"
        assert old("PING") == "PONG", "connections go on"
        with pytest.raises(OSError):
            server.client(("127.0.0.1", first))


def test_reload_without_a_file(server):
    reload(server, "no configuration file")
    with server.client() as c:
        assert c("PING") == "PONG"


def test_reload_of_the_log_level(servers):
    conf = servers.tmp_path / "m.conf"
    conf.write_text("")
    server = servers.start("-c", conf)
    conf.write_text("loglevel = debug\n")
    reload(server, "loglevel")
    with server.client() as c:
        assert c("CONFIG", "GET", "loglevel") == [b"loglevel", b"debug"]
        assert c("CONFIG", "SET", "loglevel", "notice") == "OK"


# --- the log ---


def test_log_to_a_file_and_rotation(servers):
    server = servers.launch("--logfile", "my.log")
    assert server.wait_answering()
    log = server.directory / "my.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o640 & ~0o022
    log.rename(server.directory / "my.log.1")
    server.signal(signal.SIGHUP)
    assert wait_until(lambda: log.exists() and "no configuration file" in log.read_text())
    assert "Ready" not in log.read_text()
    assert "Ready" in (server.directory / "my.log.1").read_text()
    assert server.stop() == 0
    assert "SIGTERM" in log.read_text()
    assert server.log.text() == ""


def test_log_lines_and_levels(servers):
    server = servers.start("--loglevel", "verbose")
    form = re.compile(rf"{server.pid}:M \d\d [A-Z][a-z][a-z] \d{{4}} \d\d:\d\d:\d\d\.\d{{3}} [.\-*#] \S")
    for line in server.log.lines:
        assert form.match(line), line
    quiet = servers.launch("--loglevel", "warning")
    assert quiet.wait_answering()
    assert quiet.stop() == 0
    assert " * " not in quiet.log.text() and " - " not in quiet.log.text()


def test_log_to_syslog(servers, tmp_path):
    """/dev/log is faked in a mount namespace of the server's own."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        path = tmp_path / "log"
        log.bind(str(path))
        log.settimeout(PATIENCE)
        script = f"set -e; mount -t tmpfs none /dev/shm; touch /dev/shm/x; mount --bind {path} /dev/log; exec \"$@\""
        if not Path("/dev/log").exists():
            script = ("set -e; mkdir -p /tmp; mount -t tmpfs none /mnt; mkdir /mnt/dev; mount --rbind /dev /mnt/dev; "
                      f"mount -t tmpfs none /dev; cp -a /mnt/dev/null /mnt/dev/urandom /dev/ ; ln -s {path} /dev/log; "
                      "exec \"$@\"")
        wrapper = namespaces(script)
        server = servers.launch("--syslog-enabled", "yes", "--syslog-ident", "mini-test", "--syslog-facility", "local3",
                                wrapper=wrapper)
        assert server.wait_answering(), server.report()
        said = [log.recv(8192).decode()]
        while "Ready" not in said[-1]:
            said.append(log.recv(8192).decode())
        # local3 is 19, notice 5
        assert re.match(rf"<{19 * 8 + 5}>.*mini-test\[{server.pid}\]: Ready", said[-1])
        assert server.stop() == 0


def namespaces(script):
    """The words in front of a command that run it behind SCRIPT in mounts of its own."""
    wrapper = ("unshare", "--mount") + (() if os.geteuid() == 0 else ("--map-root-user",))
    try:
        subprocess.run([*wrapper, "sh", "-c", "mount -t tmpfs none /mnt"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no mount namespace can be made here")
    return (*wrapper, "sh", "-c", script, "sh")


# --- a data file ---


def rdb(*parts, version=b"0011"):
    return b"REDIS" + version + b"".join(parts) + b"\xff" + b"\0" * 8


def pair(key, value):
    def string(s):
        assert len(s) < 1 << 14
        return (bytes([len(s)]) if len(s) < 64 else bytes([0x40 | len(s) >> 8, len(s) & 255])) + s
    return b"\0" + string(key) + string(value)


@pytest.mark.parametrize("content, reason", [
    (b"", ""), (b"NOT AN RDB FILE AT ALL", ""), (rdb(version=b"0099"), "99"),
    (rdb(pair(b"a", b"1"))[:-12], ""), (rdb(b"\0\x01k\xc3\xff"), ""),
    (rdb(pair(b"a", b"1"), b"\x1c\x05items\x01\x01x"), "array"),
    (b"REDIS0011" + pair(b"a", b"1") + b"\xff" + b"\1" * 8, ""),
], ids=["empty", "foreign", "newer", "truncated", "bad-string", "unknown-type", "checksum"])
def test_a_bad_data_file_is_refused(servers, content, reason):
    home = servers.tmp_path / "home"
    home.mkdir()
    (home / "dump.rdb").write_bytes(content)
    server = servers.launch("--dir", home)
    assert server.wait() == 1
    one_line(server, "dump.rdb", reason)
    assert (home / "dump.rdb").read_bytes() == content
    assert "Ready" not in server.log.text()


def test_a_data_file_is_served(servers):
    home = servers.tmp_path / "home"
    home.mkdir()
    (home / "mine.rdb").write_bytes(rdb(b"\xfe\0", pair(b"hello", b"world"), b"\xfe\x02", pair(b"n", b"\xff" * 100)))
    server = servers.start("--dir", home, "--dbfilename", "mine.rdb")
    with server.client() as c:
        assert c("GET", "hello") == b"world"
        assert c("DBSIZE") == 1
        c("SELECT", 2)
        assert c("GET", "n") == b"\xff" * 100


# --- expiry by the clock ---


def test_keys_go_at_their_time_without_being_looked_at(server):
    with server.client() as c:
        replies = c.pipeline([("SET", f"k{i}", "v", "PX", 30 + i % 40) for i in range(2000)] + [("SET", "stays", "v")])
        assert set(replies) == {"OK"}
        assert wait_until(lambda: c("DBSIZE") == 1, timeout=PATIENCE)
        assert c.info("stats")["expired_keys"] == "2000"
        # An earlier time behind a later one moves the timer.
        c("SET", "late", "v", "EX", 100)
        c("SET", "soon", "v", "PX", 20)
        assert wait_until(lambda: c("DBSIZE") == 2)

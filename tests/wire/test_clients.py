# SPDX-License-Identifier: BSD-3-Clause
"""The clients that people have: redis-py, redis-cli at a terminal and in a pipe,
redis-benchmark."""
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import threading
import time

import pytest
from conftest import PATIENCE

redis = pytest.importorskip("redis")


def tool(name):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


# --- redis-py ---


@pytest.fixture
def py(server):
    with redis.Redis(port=server.port) as r:
        yield r


def test_redis_py_strings(py):
    assert py.ping() is True
    assert py.set("k", "v") is True
    assert py.get("k") == b"v"
    assert py.set("k", "w", nx=True) is None
    assert py.set("k", "w", get=True) == b"v"
    assert py.set("k", b"\x00\xff\r\n", xx=True) is True
    assert py["k"] == b"\x00\xff\r\n"
    assert "k" in py
    assert py.delete("k", "nosuch") == 1
    assert py.exists("k") == 0
    with pytest.raises(KeyError):
        py["k"]
    assert py.echo("x") == b"x"
    assert py.type("k") == b"none"


def test_redis_py_decoding(server):
    with redis.Redis(port=server.port, decode_responses=True) as r:
        r.set("ключ", "значение")
        assert r.get("ключ") == "значение"
        assert r.keys("*") == ["ключ"]
        assert r.config_get("maxclients") == {"maxclients": "10000"}
        r.client_setname("me")
        assert r.client_getname() == "me"
        assert [c["name"] for c in r.client_list()] == ["me"]


def test_redis_py_expiry(py):
    assert py.set("k", "v", ex=100)
    assert 95 < py.ttl("k") <= 100
    assert py.expire("k", 50)
    assert py.expire("k", 100, gt=True)
    assert not py.expire("k", 50, gt=True)
    assert 95000 < py.pttl("k") <= 100000
    at = int(time.time()) + 1000
    assert py.expireat("k", at)
    assert py.expiretime("k") == at
    assert py.persist("k")
    assert py.ttl("k") == -1
    assert py.ttl("nosuch") == -2
    assert py.set("k", "w", pxat=(at * 1000), get=True) == b"v"
    assert py.set("k", "x", keepttl=True)
    assert py.pexpiretime("k") == at * 1000


def test_redis_py_pipeline(py):
    """Without MULTI, which comes with the transactions."""
    with py.pipeline(transaction=False) as p:
        for i in range(1000):
            p.set(f"k{i}", i).get(f"k{i}")
        replies = p.execute()
    assert replies[::2] == [True] * 1000
    assert replies[1::2] == [b"%d" % i for i in range(1000)]
    with py.pipeline(transaction=False) as p:
        p.set("a", 1).execute_command("NOSUCH").get("a")
        replies = p.execute(raise_on_error=False)
    assert replies[0] is True and replies[2] == b"1"
    assert isinstance(replies[1], redis.ResponseError)


def test_redis_py_scan_iter(py):
    with py.pipeline(transaction=False) as p:
        for i in range(2500):
            p.set(f"{'odd' if i % 2 else 'even'}:{i}", i)
        p.execute()
    assert set(py.scan_iter()) == {f"{'odd' if i % 2 else 'even'}:{i}".encode() for i in range(2500)}
    assert len(set(py.scan_iter(match="odd:*", count=100))) == 1250
    assert len(set(py.scan_iter(match="odd:*", _type="string"))) == 1250
    assert list(py.scan_iter(_type="list")) == []
    assert py.dbsize() == 2500
    assert py.flushdb()
    assert list(py.scan_iter()) == []


def test_redis_py_errors(py):
    with pytest.raises(redis.ResponseError, match="unknown command 'NOSUCH'"):
        py.execute_command("NOSUCH")
    with pytest.raises(redis.ResponseError, match="wrong number of arguments for 'get' command"):
        py.execute_command("GET")
    with pytest.raises(redis.ResponseError, match="DB index is out of range"):
        py.select(16)
    with pytest.raises(redis.ResponseError, match="no such key"):
        py.rename("nosuch", "x")
    with pytest.raises(redis.ResponseError, match="Unknown option"):
        py.config_set("nosuch", 1)
    assert py.ping()


def test_redis_py_admin(py):
    info = py.info()
    assert info["connected_clients"] >= 1
    assert info["role"] == "master"
    assert py.info("keyspace") == {}
    py.set("k", "v", px=100000)
    assert py.info("keyspace")["db0"]["expires"] == 1
    assert py.config_set("timeout", 5)
    assert py.config_get("time*") == {"timeout": "5"}
    assert py.config_resetstat()
    assert {"get", "set", "config"} <= set(py.command())
    assert py.command_count() == len(py.command())
    assert py.command_getkeys("SET", "k", "v") == ["k"]
    assert py.client_id() > 0
    assert py.time()[0] > 1600000000
    assert py.client_pause(1)
    assert py.swapdb(0, 1)
    assert py.dbsize() == 0
    assert py.flushall()
    assert isinstance(py.lolwut(), bytes)


def test_redis_py_handshake(start_server):
    """AUTH, SELECT, SETNAME and the health check before the first request."""
    server = start_server("--requirepass", "secret")
    for kwargs in ({"password": "secret"}, {"username": "default", "password": "secret"}):
        with redis.Redis(port=server.port, db=3, client_name="app", health_check_interval=1, **kwargs) as r:
            assert r.set("k", "v")
            mine = r.client_info()
            assert (mine["name"], mine["db"]) == ("app", 3) if isinstance(mine["db"], int) else ("app", "3")
    with redis.Redis(port=server.port, password="wrong") as r:
        with pytest.raises(redis.RedisError, match="WRONGPASS|invalid username-password pair"):
            r.ping()
    with redis.Redis(port=server.port) as r:
        with pytest.raises(redis.AuthenticationError):
            r.ping()


def test_redis_py_unix_socket(start_server, tmp_path):
    path = str(tmp_path / "s")
    start_server("--unixsocket", path)
    with redis.Redis(unix_socket_path=path) as r:
        assert r.set("k", "v") and r.get("k") == b"v"


def test_redis_py_threads(server):
    """A pool of connections under several threads."""
    with redis.Redis(port=server.port) as r:
        failed = []

        def work(n):
            try:
                for i in range(100):
                    r.set(f"k{n}", i)
                    assert r.get(f"k{n}") == b"%d" % i
            except Exception as error:  # noqa: BLE001
                failed.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not failed
        assert r.dbsize() == 8


def test_redis_py_loses_and_finds_its_server(servers):
    """Told to retry, it goes on when the server was restarted."""
    first = servers.start()
    with redis.Redis(port=first.port, retry_on_error=[redis.ConnectionError]) as r:
        assert r.ping()
        assert first.stop() == 0
        with pytest.raises(redis.ConnectionError):
            r.ping()
        servers.start(port=first.port)
        assert r.ping()


def test_shutdown_by_command(start_server):
    server = start_server()
    with redis.Redis(port=server.port) as r:
        r.shutdown(nosave=True)
    assert server.wait() == 0


# --- redis-cli ---


def cli(server, *arguments, **kwargs):
    return subprocess.run([tool("redis-cli"), "-p", str(server.port), *arguments], capture_output=True, text=True,
                          timeout=PATIENCE, **kwargs)


def test_cli_one_command(server):
    assert cli(server, "SET", "k", "v").stdout == "OK\n"
    assert cli(server, "GET", "k").stdout == "v\n"
    assert cli(server, "--no-raw", "GET", "nosuch").stdout == "(nil)\n"
    assert cli(server, "-n", "3", "--no-raw", "DBSIZE").stdout == "(integer) 0\n"
    assert cli(server, "-3", "--no-raw", "CONFIG", "GET", "timeout").stdout == '1# "timeout" => "0"\n'
    done = cli(server, "-e", "NOSUCH")
    assert done.returncode == 1 and "unknown command 'NOSUCH'" in done.stderr


def test_cli_standard_input(server):
    done = cli(server, input="SET a 1\nGET a\nSELECT 2\nGET a\n\nNOSUCH\nGET 'a b'\n")
    assert done.stdout.split("\n")[:4] == ["OK", "1", "OK", ""]
    assert "unknown command" in done.stdout
    assert cli(server, "-x", "SET", "stdin", input="value").stdout == "OK\n"
    assert cli(server, "GET", "stdin").stdout == "value\n"


def test_cli_pipe_mode(server):
    count = 2000
    commands = "".join(f"SET k{i} {i}\r\n" for i in range(count))
    done = cli(server, "--pipe", input=commands)
    assert done.returncode == 0
    assert re.search(rf"errors: 0, replies: {count}", done.stdout)
    assert cli(server, "DBSIZE").stdout == f"{count}\n"


def test_cli_scan_and_stat(server):
    cli(server, input="".join(f"SET k{i} {i}\n" for i in range(100)))
    assert len(cli(server, "--scan", "--pattern", "k1*").stdout.split()) == 11
    done = cli(server, "-r", "3", "-i", "0", "PING")
    assert done.stdout == "PONG\n" * 3
    with subprocess.Popen([tool("redis-cli"), "-p", str(server.port), "--stat", "-i", "0.01"],
                          stdout=subprocess.PIPE, text=True) as stat:
        lines = [stat.stdout.readline() for _ in range(4)]
        stat.kill()
    assert re.match(r"100 +\S+ +1 +0 +\d+ \(\+\d+\) +\d+", lines[3]), lines


def test_cli_password(start_server):
    server = start_server("--requirepass", "secret")
    assert "NOAUTH" in cli(server, "PING").stdout
    assert cli(server, "-a", "secret", "--no-auth-warning", "PING").stdout == "PONG\n"
    assert cli(server, "PING", env={**os.environ, "REDISCLI_AUTH": "secret"}).stdout == "PONG\n"
    done = cli(server, "-a", "wrong", "PING")
    assert "AUTH failed: WRONGPASS" in done.stderr


class Terminal:
    """redis-cli at a terminal of its own."""

    def __init__(self, server, home, *arguments):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        env = {**os.environ, "TERM": "xterm", "HOME": str(home), "REDISCLI_HISTFILE": "/dev/null"}
        self.process = subprocess.Popen([tool("redis-cli"), "-p", str(server.port), *arguments], stdin=slave,
                                        stdout=slave, stderr=slave, env=env, start_new_session=True)
        os.close(slave)
        self.seen = ""
        self.wait_for_prompt()

    def wait_for_prompt(self):
        """What is typed before it is thrown away."""
        self.wait_for(r"127\.0\.0\.1:\d+(\[\d+\])?> $")

    def wait_for(self, pattern):
        """Reads on until PATTERN is there; returns what came up to its end."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.seen, re.S)):
            ready = select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]
            assert ready, f"{pattern!r} does not come; there is {self.seen!r}"
            try:
                self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
                self.seen = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.seen)  # colours and the cursor's way
            except OSError:
                raise AssertionError(f"redis-cli ended; there is {self.seen!r}") from None
        out, self.seen = self.seen[:found.end()], self.seen[found.end():]
        return out

    def type(self, text):
        os.write(self.master, text.encode())

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal(server, tmp_path):
    it = Terminal(server, tmp_path)
    yield it
    it.close()


def test_cli_hints(terminal):
    """They come from COMMAND DOCS: one of a command that this redis-cli itself has never heard of."""
    terminal.type("set ")
    terminal.wait_for(r"key value \[NX\|XX\|IFEQ ifeq-value")
    terminal.type("k v\r")
    terminal.wait_for(r"OK\r\n")
    terminal.wait_for_prompt()
    terminal.type("client no-touch ")
    terminal.wait_for(r"ON\|OFF")
    terminal.type("on\r")
    terminal.wait_for(r"OK\r\n")
    terminal.wait_for_prompt()
    terminal.type("client setinfo ")
    terminal.wait_for(r"LIB-NAME libname\|LIB-VER libver")


def test_cli_help_and_completion(terminal):
    terminal.type("help expire\r")
    text = terminal.wait_for(r"group: generic")
    assert re.search(r"  EXPIRE key seconds \[NX\|XX\|GT\|LT\]", text)
    assert re.search(r"summary: \w+", text) and re.search(r"since: 1\.0\.0", text)
    terminal.wait_for_prompt()
    terminal.type("help @connection\r")
    assert "CLIENT GETNAME" in terminal.wait_for("SELECT index")
    terminal.wait_for_prompt()
    terminal.type("randomk\t\r")
    terminal.wait_for(r"\(nil\)")


def test_cli_shows_replies(terminal):
    for line, pattern in (("ping", "PONG"), ("get nosuch", r"\(nil\)"), ("incrs", r"\(error\) ERR unknown command"),
                          ("dbsize", r"\(integer\) 0"), ("hello 3", r"\d# \"server\" => "),
                          ("get nosuch", r"\(nil\)"), ("client list", "id="), ("info server", "# Server"),
                          ("select 2", r"OK"), ("debug sleep 0", r"\(error\) ERR DEBUG command not allowed")):
        terminal.type(line + "\r")
        terminal.wait_for(pattern)
        terminal.wait_for_prompt()


# --- redis-benchmark ---


@pytest.mark.parametrize("options", [[], ["-P", "16"], ["--threads", "2"], ["-3"], ["-k", "0"], ["-r", "1000"]],
                         ids=lambda o: "".join(o[:1]) or "plain")
def test_benchmark(server, options):
    if "-k" in options:
        options = options + ["-c", "10"]
    done = subprocess.run([tool("redis-benchmark"), "-p", str(server.port), "-q", "-n", "1000", "-t",
                           "ping_inline,ping_mbulk,set,get", *options], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 0
    assert "Error" not in done.stdout + done.stderr
    rates = re.findall(r"(PING_INLINE|PING_MBULK|PING|SET|GET): ([\d.]+|inf) requests per second", done.stdout)
    assert len({name for name, _ in rates}) == 4, done.stdout
    with server.client() as c:
        assert int(re.match(r"calls=(\d+),", c.info("commandstats")["cmdstat_get"])[1]) >= 1000


def test_benchmark_own_command(server):
    done = subprocess.run([tool("redis-benchmark"), "-p", str(server.port), "-n", "1000", "--csv", "SET",
                           "k:__rand_int__", "v"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0
    assert '"SET k:__rand_int__ v"' in done.stdout

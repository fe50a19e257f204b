# SPDX-License-Identifier: BSD-3-Clause
"""Users that are known by the process at the other end of a unix socket."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import PATIENCE, Client, Error

UID, GID, EXTRA = 4242, 4343, 4444
OTHER = 4300

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

CONNECT = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
socket.send_fds(socket.socket(fileno=int(sys.argv[2])), [b"x"], [s.fileno()])
sys.stdin.read()
"""


class Peer(Client):
    """A connection that another process has made, which lives as long as this one."""

    def __init__(self, path, uid=None, gid=None, groups=(), group_file=None):
        def enter():
            if group_file is not None:
                group_file.write_text(str(os.getpid()))
            if uid is not None:
                os.setgroups(groups)
                os.setresgid(gid, gid, gid)
                os.setresuid(uid, uid, uid)

        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", CONNECT, str(path), str(theirs.fileno())], stdin=subprocess.PIPE,
            pass_fds=[theirs.fileno()], preexec_fn=enter, cwd="/")
        theirs.close()
        ours.settimeout(PATIENCE)
        try:
            _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        finally:
            ours.close()
        self.socket = socket.socket(fileno=fds[0])
        self.socket.settimeout(PATIENCE)
        self.pending = b""

    def close(self):
        super().close()
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0


@pytest.fixture
def place():
    """A directory that everybody may enter."""
    path = tempfile.mkdtemp(prefix="mr-users-")
    os.chmod(path, 0o755)
    yield Path(path)
    shutil.rmtree(path)


@pytest.fixture
def serve(servers, place):
    """Starts a server with TEXT in its file; its .path is the unix socket."""
    def start(text, **kwargs):
        conf = place / "m.conf"
        conf.write_text(f'unixsocket = "{place}/s"\nunixsocketperm = 777\n{text}')
        server = servers.start("-c", conf, **kwargs)
        server.path, server.conf = str(place / "s"), conf
        return server
    return start


def own_user(client):
    text = client("CLIENT", "INFO")
    assert not isinstance(text, Error), text
    return dict(word.split("=", 1) for word in text.decode().split())["user"]


SELF = f'user "me" {{ peer-uid = {os.geteuid()} }}\n'
SELF_READ_ONLY = f'user "me" {{ peer-uid = {os.geteuid()}\n access = read-only }}\n'


# --- who it is ---


def test_at_once(serve):
    server = serve('requirepass = "secret"\n' + SELF)
    with server.client() as c:
        assert c("PING").startswith("NOAUTH")
    with server.client(server.path) as c:
        assert c("SET", "a", "1") == "OK"
        assert own_user(c) == "me"
        assert b" user=me " in c("CLIENT", "LIST")
        assert c("HELLO", "3")[b"proto"] == 3


def test_only_on_a_unix_socket(serve):
    server = serve(SELF)
    with server.client() as c:
        assert own_user(c) == "default"


def test_without_sections(serve):
    server = serve('requirepass = "secret"\n')
    with server.client(server.path) as c:
        assert c("PING").startswith("NOAUTH")


@root
def test_by_user_and_groups(serve):
    server = serve(f"""requirepass = "secret"
user "both" {{
    peer-uid = {UID}
    peer-gid = {GID}
}}
user "supplementary" {{
    peer-gid = {EXTRA}
    access = read-only
}}
user "first" {{ peer-uid = {{"{OTHER}", "7"}} }}
user "second" {{ peer-uid = {OTHER} }}
""")
    for uid, gid, groups, user in [(UID, GID, [], "both"), (UID, GID, [EXTRA], "both"),
                                   (UID, OTHER, [EXTRA], "supplementary"), (OTHER, GID, [], "first"),
                                   (7, OTHER, [1, 2, 3], "first")]:
        with Peer(server.path, uid, gid, groups) as c:
            assert own_user(c) == user
    for uid, gid, groups in [(UID, OTHER, []), (OTHER + 1, GID, [5]), (0, 0, [])]:
        with Peer(server.path, uid, gid, groups) as c:
            assert c("PING").startswith("NOAUTH")


@root
def test_by_name(serve):
    import grp
    import pwd
    user, group = pwd.getpwnam("nobody"), grp.getgrnam("daemon")
    server = serve('user "n" { peer-uid = "nobody"\n peer-gid = "daemon" }\n')
    with Peer(server.path, user.pw_uid, group.gr_gid) as c:
        assert own_user(c) == "n"
    with Peer(server.path, user.pw_uid, GID) as c:
        assert own_user(c) == "default"


def test_auth_and_reset(serve):
    server = serve('requirepass = "secret"\n' + SELF_READ_ONLY)
    with server.client(server.path) as c:
        assert c("AUTH", "wrong").startswith("WRONGPASS")
        assert c("AUTH", "me", "").startswith("WRONGPASS")
        assert own_user(c) == "me"
        assert c("SET", "a", "1").startswith("NOPERM")
        assert c("AUTH", "secret") == "OK"
        assert own_user(c) == "default"
        assert c("SET", "a", "1") == "OK"
        assert c("RESET") == "RESET"
        assert own_user(c) == "me"
        assert c("SET", "a", "1").startswith("NOPERM")
        assert c("HELLO", "3", "AUTH", "default", "secret")[b"proto"] == 3
        assert c("SET", "a", "1") == "OK"
        # At once, also for what comes in the same packet.
        replies = c.pipeline([("RESET",), ("SET", "a", "2"), ("GET", "a"), ("AUTH", "secret"), ("SET", "a", "3")])
        assert replies[0] == "RESET" and replies[1].startswith("NOPERM") and replies[2:] == [b"1", "OK", "OK"]
    with server.client() as c:
        assert c("AUTH", "me", "secret").startswith("WRONGPASS")
        assert c("AUTH", "secret") == "OK"
        assert c("RESET") == "RESET"
        assert c("PING").startswith("NOAUTH")


# --- what it may do ---


def test_read_only(serve):
    server = serve('requirepass = "secret"\n' + SELF_READ_ONLY)
    with server.client() as admin, server.client(server.path) as c:
        assert admin("AUTH", "secret") == "OK"
        assert admin("SET", "a", "1") == "OK"
        for words, name in [(("set", "a", "2"), "set"), (("FLUSHALL",), "flushall"), (("Del", "a"), "del"),
                            (("CONFIG", "GET", "port"), "config|get"), (("CLIENT", "LIST"), "client|list"),
                            (("CLIENT", "KILL", "ID", "1"), "client|kill"), (("SHUTDOWN",), "shutdown"),
                            (("EXPIRE", "a", "1"), "expire")]:
            assert c(*words) == f"NOPERM User me has no permissions to run the '{name}' command"
        assert isinstance(c("SET", "a"), Error) and "NOPERM" not in c("SET", "a")
        assert c("GET", "a") == b"1"
        assert c("TTL", "a") == -1
        assert c("CLIENT", "SETNAME", "x") == "OK"
        assert c("SELECT", "1") == "OK"
        assert c("DBSIZE") == 0
        assert admin.info("stats")["acl_access_denied_cmd"] == "8"
        assert admin.info("errorstats")["errorstat_NOPERM"] == "count=8"
        assert admin("GET", "a") == b"1"


def test_filters_know_it(serve):
    server = serve(SELF + 'user "idle" { peer-uid = 4242 }\n')
    with server.client() as admin, server.client(server.path) as c:
        assert c("PING") == "PONG"
        assert admin("CLIENT", "LIST", "USER", "me").count(b"\n") == 1
        assert admin("CLIENT", "LIST", "USER", "idle") == b""
        assert admin("CLIENT", "LIST", "USER", "nobody").startswith("ERR No such user")
        assert admin("CLIENT", "KILL", "USER", "me") == 1
        assert c.until_closed() == b""


# --- reload ---


def reload(server):
    start = len(server.log.lines)
    server.signal(signal.SIGHUP)
    found = server.log.wait_for(r"Reloaded|Reload refused", start=start)
    assert found, server.log.text()
    return found[0] == "Reloaded"


def test_reload(serve):
    server = serve('requirepass = "secret"\n' + SELF)
    text = server.conf.read_text()
    with server.client(server.path) as old:
        assert own_user(old) == "me"
        server.conf.write_text(text.replace('"me"', '"you"').replace("}", "\n access = read-only }"))
        assert reload(server)
        with server.client(server.path) as new:
            assert own_user(new) == "you"
            assert new("SET", "a", "1").startswith("NOPERM")
        server.conf.write_text(text.replace(SELF, 'user "broken" { access = full }\n'))
        assert not reload(server)
        with server.client(server.path) as new:
            assert own_user(new) == "you"
        server.conf.write_text(text.replace(SELF, ""))
        assert reload(server)
        with server.client(server.path) as new:
            assert new("PING").startswith("NOAUTH")
        # What was open stays what it was.
        assert own_user(old) == "me"
        assert old("SET", "a", "1") == "OK"
        assert old("RESET") == "RESET"
        assert own_user(old) == "me"


@pytest.mark.parametrize("text, word", [
    ('user "x" { access = full }\n', "says nothing about who this is"),
    ('user "x" { peer-uid = "no-such-user" }\n', "there is no user called"),
    ('user "x" { peer-unit = "nginx" }\n', "nginx.service"),
    ('user "x" { peer-pid = 1 }\n', "peer-pid"),
])
def test_faults(program, tmp_path, text, word):
    conf = tmp_path / "m.conf"
    conf.write_text(text)
    done = subprocess.run([program, "--check-config", "-c", str(conf)], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 1
    assert word in done.stderr and "m.conf:1" in done.stderr


# --- units ---


@pytest.fixture
def groups():
    """Control groups of two units of the system's and of one that a user could have made."""
    base = Path("/sys/fs/cgroup")
    top = f"mrtest{os.getpid()}.slice"
    made = []

    def remove():
        for path in reversed(made):
            path.rmdir()

    trees = [base] if (base / "cgroup.controllers").exists() else [base / "unified", base / "systemd"]
    for tree in trees:
        try:
            for name in ["", "mrtest-a.service", "mrtest-a.service/inner", "mrtest-b.service",
                         "mrtest-b.service/mrtest-a.service"]:
                (tree / top / name).mkdir()
                made.append(tree / top / name)
            break
        except OSError:
            remove()
            made.clear()
    if not made:
        pytest.skip("control groups cannot be made here")
    yield made[0]
    remove()


UNIT_TEXT = """requirepass = "secret"
user "a" { peer-unit = "mrtest-a.service" }
user "b" {
    peer-uid = %d
    peer-unit = {"mrtest-x.service", "mrtest-b.service"}
}
user "c" { peer-unit = "mrtest-b.service/mrtest-a.service" }
""" % UID


def check_units(server, groups):
    for group, uid, user in [("mrtest-a.service", UID, "a"), ("mrtest-a.service/inner", OTHER, "a"),
                             ("mrtest-b.service", UID, "b"), ("mrtest-b.service/mrtest-a.service", UID, "b"),
                             ("mrtest-b.service/mrtest-a.service", OTHER, "c")]:
        with Peer(server.path, uid, GID, group_file=groups / group / "cgroup.procs") as c:
            assert own_user(c) == user, group
    for group in ["mrtest-b.service", None]:
        with Peer(server.path, OTHER, GID, group_file=groups / group / "cgroup.procs" if group else None) as c:
            assert c("PING").startswith("NOAUTH"), group


@root
def test_units(serve, groups):
    check_units(serve(UNIT_TEXT), groups)


def in_namespaces(*command):
    """A wrapper for a server, which skips the test where it does not work."""
    wrapper = ["unshare", *command]
    if shutil.which("unshare") is None or subprocess.run([*wrapper, "true"], capture_output=True,
                                                         timeout=PATIENCE).returncode != 0:
        pytest.skip("namespaces cannot be made here")
    return wrapper


@root
def test_units_where_processes_are_hidden(serve, servers, groups, place):
    os.chown(place, 4999, 4999)
    servers.program = shutil.copy(servers.program, place)
    wrapper = in_namespaces(
        "--mount", "sh", "-c", 'mount -t proc -o hidepid=invisible,subset=pid proc /proc && exec "$@"', "sh",
        "setpriv", "--reuid=4999", "--regid=4999", "--clear-groups")
    server = serve(UNIT_TEXT, wrapper=wrapper, directory=place)
    # What the test is about: the server's /proc does not show other users' processes.
    with Peer(server.path, UID, GID) as c:
        hidden = subprocess.run(["nsenter", "--mount", f"--target={server.pid}", "setpriv", "--reuid=4999",
                                 "--regid=4999", "--clear-groups", "test", "-e", f"/proc/{c.process.pid}"])
        assert hidden.returncode == 1
    check_units(server, groups)


@root
def test_a_process_that_is_gone_has_no_unit(serve, groups):
    server = serve(UNIT_TEXT)
    server.signal(signal.SIGSTOP)
    c = Peer(server.path, UID, GID, group_file=groups / "mrtest-a.service" / "cgroup.procs")
    c.process.stdin.close()
    assert c.process.wait(PATIENCE) == 0
    server.signal(signal.SIGCONT)
    assert c("PING").startswith("NOAUTH")
    c.socket.close()


@root
def test_ids_that_a_private_user_namespace_does_not_have(serve):
    wrapper = in_namespaces("--user", "--map-root-user")
    server = serve(f"""requirepass = "secret"
user "nobody" {{ peer-uid = 65534 }}
user "other" {{ peer-uid = {UID} }}
user "root" {{ peer-uid = 0 }}
""", wrapper=wrapper)
    assert server.log.wait_for(rf"User other: peer-uid {UID} fits nobody")
    with Peer(server.path, UID, GID) as c:
        assert c("PING").startswith("NOAUTH")
    with Peer(server.path, 0, 0) as c:
        assert own_user(c) == "root"

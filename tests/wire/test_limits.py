# SPDX-License-Identifier: BSD-3-Clause
"""The limits on connections and on what they may cost, and the kinds of sockets."""
import contextlib
import os
import re
import resource
import socket
import stat
import time

import pytest
from conftest import Client, Error, encode, wait_until
from oracle import start_oracle  # noqa: F401
from wire import Sender, conversation, receive, settled

MIB = 1 << 20
SLOW = os.environ.get("MINIREDIS_SLOW") == "1"


def stats(client, *names):
    info = client.info("stats", "clients")
    return [int(info[n]) for n in names]


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- how many ---


def test_maxclients(start_server, start_oracle):
    server, oracle = start_server("--maxclients", 3), start_oracle("--maxclients", "3")
    for it in (server, oracle):
        with contextlib.ExitStack() as stack:
            inside = [stack.enter_context(it.client()) for _ in range(3)]
            assert [c("PING") for c in inside] == ["PONG"] * 3
            with it.client() as refused:
                assert refused.until_closed() == b"-ERR max number of clients reached\r\n"
            with it.client() as refused:
                refused.send(encode("PING"))
                assert refused.until_closed() == b"-ERR max number of clients reached\r\n"
            before = stats(inside[0], "rejected_connections")[0]
            assert stats(inside[0], "connected_clients", "maxclients") == [3, 3]
            assert before >= 2
            assert inside[0]("CONFIG", "SET", "maxclients", "4") == "OK"
            with it.client() as fourth:
                assert fourth("PING") == "PONG"
            assert inside[0]("CONFIG", "SET", "maxclients", "2") == "OK"  # those who are in stay
            assert [c("PING") for c in inside] == ["PONG"] * 3
            inside[2].close()
            assert wait_until(lambda: stats(inside[0], "connected_clients") == [2])
            with it.client() as refused:
                assert refused.until_closed() == b"-ERR max number of clients reached\r\n"
            assert stats(inside[0], "rejected_connections") == [before + 1]
            inside[1].close()
            assert wait_until(lambda: stats(inside[0], "connected_clients") == [1])
            with it.client() as again:
                assert again("PING") == "PONG"


def test_a_place_is_free_as_soon_as_one_went(start_server):
    server = start_server("--maxclients", 1)
    for _ in range(50):
        with server.client() as c:
            assert c("QUIT") == "OK"
            assert c.until_closed() == b""


def test_many_come_at_once(server):
    """More than are accepted in one turn."""
    clients = [server.client() for _ in range(300)]
    for c in clients:
        c.send(encode("PING"))
    assert [c.reply() for c in clients] == ["PONG"] * 300
    assert stats(clients[0], "connected_clients", "total_connections_received") == [300, 300]
    for c in clients[1:]:
        c.close()
    assert wait_until(lambda: stats(clients[0], "connected_clients") == [1])
    clients[0].close()


def test_out_of_descriptors(start_server):
    """Who cannot be accepted waits, without the server turning in circles, and comes in when one is free."""
    server = start_server()
    with server.client() as c:
        assert c("PING") == "PONG"
        used = len(os.listdir(f"/proc/{server.pid}/fd"))
        limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used, limits[1]))
        with server.client() as waiting, server.client() as other:
            waiting.send(encode("PING"))
            other.send(encode("PING"))
            assert server.log.wait_for("cannot be accepted")
            began, turns = cpu_seconds(server.pid), stats(c, "eventloop_cycles")[0]
            assert waiting.nothing(0.4)
            assert cpu_seconds(server.pid) - began <= 0.05
            assert stats(c, "eventloop_cycles")[0] - turns < 200
            assert c("PING") == "PONG"
            c.close()  # one is free
            assert waiting.reply() == "PONG"
            assert other.nothing(0.02)
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
            assert other.reply() == "PONG"
            assert len(re.findall("cannot be accepted", server.log.text())) == 1


def test_maxclients_follows_the_descriptors(start_server):
    """Where no more descriptors are to be had, maxclients is lowered, and the log says so."""
    server = start_server(preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
    if resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[1] > 100:
        pytest.skip("this user may raise its hard limits")
    assert server.log.wait_for(r"maxclients")
    with server.client() as c:
        most = int(c("CONFIG", "GET", "maxclients")[1])
        assert 30 <= most < 100
        with contextlib.ExitStack() as stack:
            inside = [stack.enter_context(server.client()) for _ in range(most - 1)]
            assert all(i("PING") == "PONG" for i in inside)
            with server.client() as refused:
                assert refused.until_closed() == b"-ERR max number of clients reached\r\n"
        reply = c("CONFIG", "SET", "maxclients", "10000")
        assert isinstance(reply, Error) and f"try with {most}" in reply
        assert int(c("CONFIG", "GET", "maxclients")[1]) == most


@pytest.mark.skipif(not SLOW, reason="MINIREDIS_SLOW=1 is not set")
def test_ten_thousand_idle(start_server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 11000:
        pytest.skip(f"the limit of descriptors is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 11000), hard))
    try:
        server = start_server("--tcp-backlog", 4096)
        with contextlib.ExitStack() as stack:
            busy = stack.enter_context(server.client())
            before = int(busy.info("memory")["used_memory_rss"])
            idle = [stack.enter_context(server.client()) for _ in range(9990)]
            for c in idle:
                c.send(encode("PING"))
            assert all(c.reply() == "PONG" for c in idle)
            assert stats(busy, "connected_clients") == [9991]
            cost = (int(busy.info("memory")["used_memory_rss"]) - before) / len(idle)
            assert cost < 1000, f"{cost} bytes per connection"
            for _ in range(1000):
                assert busy("PING") == "PONG"
            assert all(c("PING") == "PONG" for c in idle[::97])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- how long ---


def until_timed_out(busy, *idle):
    """Keeps BUSY busy until the server has closed all of IDLE; the seconds that the first one took."""
    began, first, left = time.monotonic(), None, list(idle)
    for c in left:
        c.socket.settimeout(0.005)
    while left:
        assert busy("PING") == "PONG"
        assert time.monotonic() - began < 20
        for c in list(left):
            try:
                c.more()
            except TimeoutError:
                continue
            except EOFError:
                left.remove(c)
                first = first or time.monotonic() - began
    return first


def test_timeout(start_server):
    server = start_server("--timeout", 1)
    with server.client() as idle, server.client() as half, server.client() as busy:
        half.send(b"*1\r\n$4\r\nPI")
        assert 0.9 < until_timed_out(busy, idle, half) < 3
        assert stats(busy, "connected_clients") == [1]


def test_timeout_set_at_run_time(client, server):
    with server.client() as idle:
        assert idle("PING") == "PONG"
        assert client("CONFIG", "SET", "timeout", "1") == "OK"
        until_timed_out(client, idle)
        assert client("PING") == "PONG"


# --- how big ---


def test_query_buffer_limit(server):
    with server.client() as c:
        assert c("CONFIG", "SET", "client-query-buffer-limit", "1mb") == "OK"
        with server.client() as below:
            size = MIB - 4096
            assert below("SET", "k", b"x" * size) == "OK"
        with server.client() as over:
            before = stats(c, "client_query_buffer_limit_disconnections")[0]
            with Sender(over, encode("SET", "big", b"x" * (2 * MIB))):
                assert over.until_closed() == b""
        assert c("EXISTS", "big") == 0
        assert stats(c, "client_query_buffer_limit_disconnections") == [before + 1]
        # a pipeline of more than that, of small requests, is no long request
        with server.client() as many, Sender(many, encode("ECHO", "x" * 90) * 20000):
            assert len(receive(many, 97 * 20000)) == 97 * 20000
    assert server.log.wait_for("client-query-buffer-limit")


def test_proto_max_bulk_len(start_server, start_oracle):
    for it in (start_server("--proto-max-bulk-len", "1mb"), start_oracle("--proto-max-bulk-len", "1mb")):
        with it.client() as c:
            assert c("SET", "k", b"x" * MIB) == "OK"
            c.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % (MIB + 1))
            assert c.until_closed() == b"-ERR Protocol error: invalid bulk length\r\n"
        with it.client() as c:
            assert c("CONFIG", "SET", "proto-max-bulk-len", "2mb") == "OK"
            assert c("SET", "k", b"x" * (MIB + 1)) == "OK"
            reply = c("CONFIG", "SET", "proto-max-bulk-len", "1023")
            assert isinstance(reply, Error)


def start_slow_reader(server, megabytes):
    """A connection that has asked for so much and reads nothing; and its number."""
    with server.client() as c:
        assert c("SET", "mb", b"x" * MIB) == "OK"
    slow = server.client()
    number = slow("CLIENT", "ID")
    slow.send(encode("GET", "mb") * megabytes)
    return slow, number


def omem(client, number):
    """Bytes that wait to be sent to a connection; -1 when there is none."""
    line = client("CLIENT", "LIST", "ID", number).decode()
    return int(line.split(" omem=")[1].split()[0]) if line else -1


def test_slow_reader_is_waited_for(server):
    with server.client() as c:
        slow, number = start_slow_reader(server, 40)
        assert wait_until(lambda: omem(c, number) > 20 * MIB)
        for i in range(200):
            assert c("ECHO", i) == b"%d" % i
        one = b"$%d\r\n%b\r\n" % (MIB, b"x" * MIB)
        for _ in range(40):
            assert receive(slow, len(one)) == one
        assert wait_until(lambda: omem(c, number) == 0)
        assert slow("PING") == "PONG"
        slow.close()


def test_output_limit_hard(start_server):
    server = start_server("--client-output-buffer-limit", "normal", "8mb", "0", "0")
    with server.client() as c:
        slow, number = start_slow_reader(server, 100)
        assert wait_until(lambda: omem(c, number) == -1)
        assert stats(c, "client_output_buffer_limit_disconnections") == [1]
        assert c("GET", "mb") == b"x" * MIB
        got = len(slow.until_closed())
        assert got < 100 * MIB
        assert server.log.wait_for("client-output-buffer-limit")
        slow.close()


def test_output_limit_hard_stops_at_once(start_server):
    """A reply that is longer than the limit does not fill the memory first."""
    server = start_server("--client-output-buffer-limit", "normal", "4mb", "0", "0")
    with server.client() as c:
        slow, number = start_slow_reader(server, 3000)
        assert wait_until(lambda: omem(c, number) == -1)
        status = open(f"/proc/{server.pid}/status").read()
        assert int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10 < 200 * MIB
        slow.close()


def test_long_replies_leave_others_their_turn(server):
    """Someone's pipeline of gigabytes does not keep the others from being served in between."""
    with server.client() as c:
        slow, number = start_slow_reader(server, 2000)
        longest = 0
        for _ in range(20):
            reply, took = server.held(lambda: c("PING"))
            assert reply == "PONG"
            longest = max(longest, took)
        assert longest < 1.5
        assert c("CLIENT", "KILL", "ID", number) == 1
        slow.close()


def test_output_limit_soft(start_server):
    server = start_server("--client-output-buffer-limit", "normal", "0", "1mb", "1")
    with server.client() as c:
        slow, number = start_slow_reader(server, 40)
        assert wait_until(lambda: omem(c, number) > MIB)
        began = time.monotonic()
        # one that is above the limit for a moment only stays
        short, short_number = start_slow_reader(server, 40)
        receive(short, 40 * (MIB + 12))
        assert wait_until(lambda: omem(c, short_number) == 0)
        assert wait_until(lambda: omem(c, number) == -1)
        assert time.monotonic() - began > 0.9
        assert short("PING") == "PONG"
        assert stats(c, "client_output_buffer_limit_disconnections") == [1]
        slow.close()
        short.close()


# --- half-closed ---


@pytest.mark.parametrize("count", [1, 1000])
def test_half_closed_gets_its_replies(server, count):
    assert conversation(server, encode("PING") * count) == b"+PONG\r\n" * count


def test_half_closed_slow_reader_gets_its_replies(server):
    with server.client() as c:
        assert c("SET", "mb", b"x" * MIB) == "OK"
        with server.client() as half:
            half.send(encode("GET", "mb") * 30 + encode("PING"))
            half.half_close()
            settled(c)
            assert len(receive(half, 30 * (MIB + 12))) == 30 * (MIB + 12)
            assert half.until_closed() == b"+PONG\r\n"
        assert wait_until(lambda: stats(c, "connected_clients") == [1])


def test_half_closed_inside_of_a_request(server):
    assert conversation(server, encode("PING") + b"*2\r\n$4\r\nECHO\r\n$3\r\nab") == b"+PONG\r\n"
    with server.client() as c:
        assert wait_until(lambda: stats(c, "connected_clients") == [1])


def test_peers_that_break_off(server):
    """Resets, also with replies that wait, leave nothing behind."""
    with server.client() as c:
        c("SET", "mb", b"x" * MIB)
        for i in range(20):
            broken = server.client()
            broken.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            broken.send(encode("GET", "mb") * i + b"*1\r\n$4\r\nPI")
            if i % 2:
                settled(c)
            broken.close()
        assert wait_until(lambda: stats(c, "connected_clients") == [1])
        assert wait_until(lambda: int(c.info("memory")["used_memory"]) < 24 * MIB)


# --- sockets ---


@pytest.mark.parametrize("mode", ["700", "777", "0600"])
def test_unix_socket(start_server, tmp_path, mode):
    path = str(tmp_path / "s")
    server = start_server("--unixsocket", path, "--unixsocketperm", mode)
    found = os.stat(path)
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == int(mode, 8)
    with server.client(path) as c, server.client() as tcp:
        assert c("SET", "k", "v") == "OK"
        assert tcp("GET", "k") == b"v"
        line = c("CLIENT", "INFO").decode()
        assert f" addr={path}:0 laddr={path}:0 " in line
        assert " flags=U " in line
        assert c("CLIENT", "KILL", f"{path}:0") in (1, "OK")
    assert server.stop() == 0
    assert not os.path.exists(path)


def test_unix_socket_alone(servers, tmp_path):
    path = str(tmp_path / "s")
    server = servers.start("--unixsocket", path, port=0)
    assert not server.log.wait_for(r"port=[1-9]", timeout=0)
    with server.client(path) as c:
        assert c("PING") == "PONG"


def test_unix_socket_that_was_left(start_server, tmp_path):
    """A socket file without a server behind it is taken over; anything else is not touched."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    server = start_server("--unixsocket", path)
    with server.client(path) as c:
        assert c("PING") == "PONG"


def test_ipv6(start_server):
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no ::1")
    server = start_server("--bind", "127.0.0.1", "::1")
    with Client(("::1", server.port)) as six, server.client() as four:
        assert six("SET", "k", "v") == "OK"
        assert four("GET", "k") == b"v"
        line = six("CLIENT", "INFO").decode()
        local = six.socket.getsockname()
        assert f" addr=[::1]:{local[1]} laddr=[::1]:{server.port} " in line
        assert four("CLIENT", "KILL", "ADDR", f"[::1]:{local[1]}") == 1
        assert six.until_closed() == b""


def outside_address():
    """An address of this machine that is not a loopback one: a connection to it comes from it."""
    for family, far in ((socket.AF_INET, ("192.0.2.1", 9)), (socket.AF_INET6, ("2001:db8::1", 9))):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                s.connect(far)
                address = s.getsockname()[0]
            if not address.startswith(("127.", "::1", "0.", "fe80")):
                return address
        except OSError:
            continue
    return None


def test_protected_mode(start_server):
    address = outside_address()
    if address is None:
        pytest.skip("this machine has no address but the loopback's")
    server = start_server("--bind", address, "127.0.0.1")
    far = (address, server.port)
    with Client(far) as c:
        refused = c.until_closed()
    assert re.fullmatch(rb"-DENIED .*protected mode.*\r\n", refused)
    assert refused.count(b"\r\n") == 1
    with Client(far) as c:
        c.send(encode("SET", "k", "v"))
        assert c.until_closed() == refused
    with server.client() as near:
        assert near("EXISTS", "k") == 0
        assert near("CONFIG", "SET", "protected-mode", "no") == "OK"
        with Client(far) as c:
            assert c("PING") == "PONG"
        assert near("CONFIG", "SET", "protected-mode", "yes") == "OK"
        with Client(far) as c:
            assert c.until_closed() == refused
        assert near("CONFIG", "SET", "requirepass", "secret") == "OK"
        with Client(far) as c:
            assert c("PING") == "NOAUTH Authentication required."
            assert c("AUTH", "secret") == "OK"
            assert c("PING") == "PONG"
        assert int(near.info("stats")["rejected_connections"]) == 0


def keepalive_timer(server_port, client_port):
    """What /proc/net/tcp tells of the timer of the server's end: its kind and the seconds left."""
    for line in open("/proc/net/tcp").readlines()[1:]:
        fields = line.split()
        local, remote = (int(f.split(":")[1], 16) for f in fields[1:3])
        if (local, remote) == (server_port, client_port):
            kind, left = fields[5].split(":")
            return int(kind, 16), int(left, 16) / os.sysconf("SC_CLK_TCK")
    raise AssertionError("the connection is not in /proc/net/tcp")


@pytest.mark.parametrize("seconds", [300, 77, 0])
def test_tcp_keepalive(start_server, seconds):
    server = start_server("--tcp-keepalive", seconds)
    with server.client() as c:
        assert c("PING") == "PONG"

        def timer():
            return keepalive_timer(server.port, c.socket.getsockname()[1])

        # the timer of an unacknowledged reply, if there is one, goes first
        assert wait_until(lambda: timer()[0] == (2 if seconds else 0))
        if seconds:
            assert seconds - 10 < timer()[1] <= seconds + 1


def test_nodelay(server):
    """Replies are not held back: requests that come apart are answered apart, at once."""
    with server.client() as c:
        def pair():
            began = time.monotonic()
            c.send(encode("PING"))
            c.send(encode("PING"))
            assert c.reply() == "PONG"
            assert c.reply() == "PONG"
            return time.monotonic() - began

        # What is held back comes after 40 ms.
        assert sorted(pair() for _ in range(200))[50] < 0.04 / 2

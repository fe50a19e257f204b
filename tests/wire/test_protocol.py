# SPDX-License-Identifier: BSD-3-Clause
"""The bytes of the protocol: requests however cut, faulty, long or many, and what may
come in the middle of a pipeline. What redis-server does with the same bytes is asked
of it; the expected bytes stand here only where it is not to be imitated."""
import random

import pytest
from conftest import Error, encode, wait_until
from oracle import oracle, start_oracle  # noqa: F401
from wire import Sender, conversation, receive, settled

MANY = 100000


def bulk(data):
    return b"$%d\r\n%b\r\n" % (len(data), data)


# --- cut ---

MIXED = (encode("SET", "key", "a value\r\nof two lines") + b"PING\r\n" + encode("GET", "key") +
         b"SET inline 'it\\'s' \n" + b"\r\n" + b"GET \"inli\\x6ee\"\r\n" + b"*0\r\n*-5\r\n" +
         encode("NOSUCH", "x") + encode("HELLO", "3") + encode("GET", "missing") + encode("EXISTS", "key", "inline") +
         encode("ECHO", b"\x00\xff" * 20) + b"echo \"a\\n\\t\\x00b\" extra\r\n" + encode("HELLO", "2") +
         encode("GET", "missing") + encode("SET", "", "") + encode("GET", ""))


def without_id(data, client_id):
    """HELLO names the connection's number, which is another one each time."""
    return data.replace(b"$2\r\nid\r\n:%d\r\n" % client_id, b"$2\r\nid\r\n:N\r\n")


def test_cut_at_every_byte(server):
    with server.client() as watcher:
        with server.client() as c:
            number = c("CLIENT", "ID")
            c.send(MIXED)
            c.half_close()
            whole = without_id(c.until_closed(), number)
        assert whole.count(b"\r\n") > 20
        for at in range(1, len(MIXED)):
            with server.client() as c:
                number = c("CLIENT", "ID")
                c.send(MIXED[:at])
                settled(watcher)
                c.send(MIXED[at:])
                c.half_close()
                assert without_id(c.until_closed(), number) == whole, f"cut at {at}"


def test_byte_by_byte(server):
    with server.client() as watcher, server.client() as c:
        number = c("CLIENT", "ID")
        for at in range(len(MIXED)):
            c.send(MIXED[at:at + 1])
            settled(watcher)
        c.half_close()
        dripped = without_id(c.until_closed(), number)
        with server.client() as other:
            number = other("CLIENT", "ID")
            other.send(MIXED)
            other.half_close()
            assert dripped == without_id(other.until_closed(), number)


def test_mixed_as_the_oracle(server, oracle):
    """The stream of the cut tests, but for HELLO, whose reply names the server."""
    stream = MIXED.replace(encode("HELLO", "3"), b"").replace(encode("HELLO", "2"), b"")
    assert conversation(server, stream) == conversation(oracle, stream)


# --- faulty requests ---

LINE = 64 * 1024
FAULTY = {
    "count_word": b"*abc\r\n",
    "count_empty": b"*\r\n",
    "count_space": b"* 1\r\n",
    "count_plus": b"*+1\r\n",
    "count_leading_zero": b"*01\r\n$4\r\nPING\r\n",
    "count_too_big": b"*2147483648\r\n",
    "count_huge": b"*99999999999999999999999\r\n",
    "count_negative": b"*-1\r\nPING\r\n",
    "count_zero": b"*0\r\nPING\r\n",
    "count_trailing": b"*1x\r\n$4\r\nPING\r\n",
    "count_long_line": b"*" + b"1" * (LINE + 10),
    "count_line_below": b"*" + b"1" * (LINE - 10),
    "no_dollar": b"*1\r\nPING\r\n",
    "no_dollar_colon": b"*1\r\n:1\r\n",
    "no_dollar_quote": b"*1\r\n'\r\n",
    "no_dollar_cr": b"*1\r\n\r\n$4\r\nPING\r\n",
    "no_dollar_second": b"*2\r\n$4\r\nPING\r\n+x\r\n",
    "nested": b"*1\r\n*1\r\n$4\r\nPING\r\n",
    "bulk_word": b"*1\r\n$abc\r\n",
    "bulk_empty": b"*1\r\n$\r\n",
    "bulk_negative": b"*1\r\n$-1\r\n",
    "bulk_minus_zero": b"*1\r\n$-0\r\n",
    "bulk_space": b"*1\r\n$ 4\r\nPING\r\n",
    "bulk_trailing": b"*1\r\n$4 \r\nPING\r\n",
    "bulk_leading_zero": b"*1\r\n$04\r\nPING\r\n",
    "bulk_too_big": b"*1\r\n$536870913\r\n",
    "bulk_biggest": b"*1\r\n$536870912\r\n",
    "bulk_huge": b"*1\r\n$99999999999999999999\r\n",
    "bulk_long_line": b"*1\r\n$" + b"4" * (LINE + 10),
    "bulk_second": b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$x\r\n",
    "bulk_not_ended": b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n",
    "bulk_zero_name": b"*1\r\n$0\r\n\r\n",
    "bulk_zero": b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
    "good_then_bad": encode("SET", "k", "v") + encode("GET", "k") + b"*1\r\nbad\r\n" + encode("SET", "k", "w"),
    "inline_unbalanced_double": b'SET k "abc\r\n',
    "inline_unbalanced_single": b"SET k 'abc\r\n",
    "inline_quote_then_text": b'ECHO "a"b\r\n',
    "inline_single_then_text": b"ECHO 'a'b\r\n",
    "inline_too_long": b"P" * (LINE + 10),
    "inline_too_long_args": b"PING " * (LINE // 5 + 10),
    "inline_long": b"ECHO " + b"x" * (LINE - 100) + b"\r\n",
    "inline_dollar": b"$4\r\n",
    "inline_minus": b"-1\r\n",
    "inline_plus": b"+OK\r\n",
    "inline_tabs": b"ECHO\ta\t\r\nPING\r\n",
    "inline_spaces": b"   ECHO   a   \r\nPING\r\n",
    "inline_formfeed": b"\x0bECHO a\x0c\r\nPING\r\n",
    "inline_lf": b"PING\nECHO a\nPING\n",
    "inline_cr_only": b"PING\rECHO\r\n",
    "inline_cr_cr": b"PING\r\r\n",
    "inline_blank_lines": b"\r\n\r\n\n\n \r\nPING\r\n",
    "inline_no_end": b"PING",
    "inline_empty_quotes": b"ECHO \"\"\r\n''\r\n\"\"\r\n",
    "inline_escapes": b'ECHO "\\x41\\n\\r\\t\\b\\a\\\\\\"\\q\\x4"\r\n',
    "inline_single_escapes": b"ECHO 'a\\'b\\nc\"d'\r\n",
    "inline_quote_inside": b'ECHO a"b"\r\nPING\r\n',
    "inline_unknown": b"NOSUCH a 'b c'\r\n",
    "inline_high_bytes": b"ECHO \xff\xfe\r\n",
    "telnet": b"\xff\xf4\xff\xfd\x06\r\nPING\r\n",
    "http_get": b"GET / HTTP/1.1\r\nAccept: x\r\n\r\n",
    "http_post": b"POST / HTTP/1.1\r\nHost: x\r\n\r\nSET k v\r\n",
    "http_post_lower": b"post / HTTP/1.1\r\n\r\nPING\r\n",
    "http_host": b"PING\r\nHost: x\r\nPING\r\n",
    "http_host_array": encode("PING") + encode("host:", "x") + encode("PING"),
    "lf_only_array": b"*1\n$4\nPING\n",
    "cr_then_other": b"*1\rx$4\r\nPING\r\n",
    "incomplete_count": b"*1",
    "incomplete_bulk": b"*1\r\n$4\r\nPI",
    "incomplete_end": b"*1\r\n$4\r\nPING\r",
    "nothing": b"",
}


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_as_the_oracle(name, start_server, oracle):
    server = start_server()
    ours, theirs = conversation(server, FAULTY[name]), conversation(oracle, FAULTY[name])
    assert ours == theirs


PIECES = [b"\r\n", b"*1\r\n", b"$4\r\n", b"*2\r\n$4\r\nECHO\r\n", b'"', b"'", b"\n", b"$0\r\n\r\n", b"\\x41"]


def mutated(rng, streams):
    data = bytearray(b"".join(rng.choice(streams) for _ in range(rng.choice((1, 1, 2, 3)))))
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, chance = rng.randrange(len(data) + 1), rng.random()
        if chance < 0.4 and at < len(data):
            data[at] = rng.choice(b"*$\r\n 0123456789-+'\"\\xPINGabc\t\xff:")
        elif chance < 0.6:
            del data[at:at + rng.randrange(1, 6)]
        elif chance < 0.8:
            data[at:at] = rng.choice(PIECES)
        else:
            data[at:at] = data[max(0, at - 10):at]
    return bytes(data)


def test_mutated_as_the_oracle(server, oracle):
    """Bytes changed, lost, doubled and put in."""
    rng = random.Random(20)
    streams = [v for v in FAULTY.values() if len(v) < 300]
    for _ in range(500):
        data = mutated(rng, streams).replace(b"\0", b"")
        assert conversation(server, data) == conversation(oracle, data), data


# redis-server ends its search for the end of a line at a NUL and so never finds it; here a NUL hides
# the rest of an inline request, and is a byte like others elsewhere.
NUL_BYTES = {
    "inline": (b"ECHO a\x00b\r\nPING\r\n", b"$1\r\na\r\n+PONG\r\n"),
    "name": (b"P\x00NG\r\n", b"-ERR unknown command 'P', with args beginning with: \r\n"),
    "no_dollar": (b"*1\r\n\x00\r\n", b"-ERR Protocol error: expected '$', got ' '\r\n"),
    "tls_hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n",
                  b"-ERR unknown command '\x16\x03\x01\x02', with args beginning with: \r\n"),
}


@pytest.mark.parametrize("name", NUL_BYTES)
def test_nul_bytes(name, start_server):
    sent, expected = NUL_BYTES[name]
    assert conversation(start_server(), sent) == expected


def test_http_is_shut_out(server):
    """A page in a browser that posts commands to this port gets none of them run."""
    body = b"POST / HTTP/1.1\r\nHost: localhost:6379\r\nContent-Type: text/plain\r\n\r\nSET k v\r\n"
    assert conversation(server, body) == b""
    assert conversation(server, encode("SET", "k", "v") + b"Host: x\r\n" + encode("SET", "k2", "v")) == b""
    with server.client() as c:
        assert c("EXISTS", "k", "k2") == 1
        assert c("EXISTS", "k2") == 0
    assert wait_until(lambda: server.log.text().count("HTTP") == 2)
    for _ in range(20):
        conversation(server, body)
    assert server.log.text().count("HTTP") <= 20, "told of, but not without a limit"


UNAUTHENTICATED = {
    "many_args": b"*11\r\n",
    "ten_args": b"*10\r\n" + b"$1\r\na\r\n" * 10,
    "long_bulk": b"*1\r\n$16385\r\n",
    "longest_bulk": b"*2\r\n$4\r\nAUTH\r\n$16384\r\n" + b"x" * 16384 + b"\r\n",
    "inline": b"PING\r\n",
    "unknown": b"NOSUCH\r\n",
    "wrong_arity": b"GET\r\n",
    "hello": b"HELLO\r\n",
    "quit": b"QUIT\r\nPING\r\n",
    "reset": b"RESET\r\nPING\r\n",
    "failed_auth_then_many_args": encode("AUTH", "wrong") + b"*11\r\n",
    "auth_then_many_args": encode("AUTH", "secret") + encode("EXISTS", *"abcdefghijklm"),
    "auth_then_long_bulk": encode("AUTH", "secret") + encode("ECHO", "x" * 20000),
    "auth_wrong_then_right": encode("GET", "a") + encode("AUTH", "wrong") + encode("GET", "a") +
    encode("AUTH", "secret") + encode("SET", "a", "1") + encode("GET", "a"),
    "auth_then_wrong": encode("AUTH", "secret") + encode("AUTH", "wrong") + encode("GET", "a"),
    "auth_then_reset": encode("AUTH", "secret") + encode("SET", "a", "1") + encode("RESET") + encode("GET", "a") +
    b"*11\r\n",
    "auth_user": encode("AUTH", "default", "secret") + encode("GET", "a"),
    "auth_other_user": encode("AUTH", "nobody", "secret") + encode("GET", "a"),
    "auth_inline": b"AUTH secret\r\nGET a\r\n",
    "auth_without": b"AUTH\r\nAUTH a b c\r\n",
    "password_set_behind": encode("AUTH", "secret") + encode("CONFIG", "SET", "requirepass", "other") +
    encode("GET", "a") + encode("RESET") + encode("GET", "a"),
}


@pytest.mark.parametrize("name", UNAUTHENTICATED)
def test_unauthenticated_as_the_oracle(name, start_server, start_oracle):
    server = start_server("--requirepass", "secret")
    oracle = start_oracle("--requirepass", "secret")
    ours, theirs = conversation(server, UNAUTHENTICATED[name]), conversation(oracle, UNAUTHENTICATED[name])
    assert ours == theirs


def test_hello_with_auth_mid_pipeline(start_server):
    server = start_server("--requirepass", "secret")
    with server.client() as c:
        c.send(encode("HELLO", "3") + encode("HELLO", "3", "AUTH", "default", "no") + encode("GET", "a") +
               encode("HELLO", "3", "AUTH", "default", "secret", "SETNAME", "me") + encode("GET", "a") +
               encode("CLIENT", "GETNAME"))
        first, second = c.reply(), c.reply()
        assert isinstance(first, Error) and first.startswith("NOAUTH HELLO must be called")
        assert second == "WRONGPASS invalid username-password pair or user is disabled."
        assert c.reply() == "NOAUTH Authentication required."
        assert c.reply()[b"proto"] == 3
        assert c.raw() == b"_\r\n"
        assert c.reply() == b"me"


def test_faults_disturb_nobody(server):
    """Others keep their state while many are thrown out, and the server remembers only counts."""
    with server.client() as other:
        other("SELECT", "3")
        other("CLIENT", "SETNAME", "steady")
        other("SET", "k", "v")
        other.send(b"*2\r\n$3\r\nGET\r\n$1\r")
        for data in FAULTY.values():
            conversation(server, data)
        other.send(b"\nk\r\n")
        assert other.reply() == b"v"
        assert other("CLIENT", "GETNAME") == b"steady"
        assert wait_until(lambda: other.info("clients")["connected_clients"] == "1")
        assert int(other.info("stats")["total_connections_received"]) == len(FAULTY) + 1


# --- long ---


@pytest.mark.parametrize("count", [1, 1000, MANY])
def test_pipelines(server, count):
    with server.client() as c:
        with Sender(c, b"".join(encode("ECHO", str(i)) for i in range(count))):
            expected = b"".join(bulk(b"%d" % i) for i in range(count))
            assert receive(c, len(expected)) == expected
        with Sender(c, b"PING\r\n" * count):
            assert receive(c, 7 * count) == b"+PONG\r\n" * count
        assert c.info("commandstats")["cmdstat_echo"].startswith(f"calls={count},")


def test_pipeline_in_one_go_to_its_keys(client):
    """Writes and reads of the same keys in one pipeline see each other in order."""
    count = 5000
    requests, expected = [], []
    for i in range(count):
        key = f"k{i % 7}"
        requests += [encode("SET", key, i), encode("GET", key), encode("DEL", key), encode("GET", key)]
        expected += [b"+OK\r\n", bulk(b"%d" % i), b":1\r\n", b"$-1\r\n"]
    with Sender(client, b"".join(requests)):
        assert receive(client, len(b"".join(expected))) == b"".join(expected)


def test_value_of_64_mib(server):
    size = 64 << 20
    value = bytes(range(256)) * (size // 256)
    with server.client() as c, server.client() as other:
        head = b"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n" % size
        c.send(head)
        view = memoryview(value)
        pieces = 16
        for i in range(pieces):
            c.send(view[i * size // pieces:(i + 1) * size // pieces])
            assert other("GET", "big") is None  # served meanwhile, and nothing is there yet
        c.send(b"\r\n")
        assert c.reply() == "OK"
        with Sender(c, encode("GET", "big") + encode("PING")):
            assert receive(c, 11) == b"$67108864\r\n"
            assert receive(c, size) == value
            assert receive(c, 9) == b"\r\n+PONG\r\n"
        assert c("DEL", "big") == 1
        # none of it is kept
        assert wait_until(lambda: int(other.info("memory")["used_memory"]) < 16 << 20)


def test_many_arguments(client):
    keys = [f"key:{i}" for i in range(MANY)]
    with Sender(client, b"".join(encode("SET", k, "v") for k in keys[::2])):
        assert receive(client, 5 * len(keys[::2])) == b"+OK\r\n" * len(keys[::2])
    assert client("EXISTS", *keys) == len(keys[::2])
    assert client("EXISTS", *keys[::2]) == len(keys[::2])
    assert client("TOUCH", *keys) == len(keys[::2])
    assert client("DEL", *keys[:100]) == 50
    assert client("UNLINK", *keys) == len(keys[::2]) - 50
    assert client("DBSIZE") == 0


def test_many_arguments_cut(server):
    """A long request that comes in pieces of odd sizes."""
    request = encode("EXISTS", *(f"key:{i}" for i in range(MANY)))
    with server.client() as c, server.client() as watcher:
        c("SET", "key:77", "x")
        for at in range(0, len(request), 99991):
            c.send(request[at:at + 99991])
            settled(watcher)
        assert c.reply() == 1


def test_memory_is_not_reserved_on_trust(server):
    """Claimed lengths alone cost nothing."""
    with server.client() as c:
        before = int(c.info("memory")["used_memory_rss"])
        liars = [server.client() for _ in range(50)]
        for liar in liars:
            liar.send(b"*1000000000\r\n$500000000\r\nx")
        settled(c)
        assert int(c.info("memory")["used_memory_rss"]) - before < 16 << 20
        for liar in liars:
            liar.close()


# --- versions ---


def test_nulls_and_aggregates(client):
    client("SET", "k", "v")
    questions = [("GET", "missing"), ("GET", "k"), ("SET", "k", "w", "NX"), ("SET", "k", "w", "GET"), ("RANDOMKEY",),
                 ("SCAN", "0"), ("CONFIG", "GET", "timeout"), ("CONFIG", "GET", "nosuch"),
                 ("COMMAND", "INFO", "nosuch"), ("CLIENT", "GETNAME"), ("KEYS", "nosuch")]
    two = [b"$-1\r\n", b"$1\r\nv\r\n", b"$-1\r\n", b"$1\r\nv\r\n", b"$1\r\nk\r\n",
           b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n", b"*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n", b"*0\r\n", b"*1\r\n$-1\r\n",
           b"$-1\r\n", b"*0\r\n"]
    three = [b"_\r\n", b"$1\r\nv\r\n", b"_\r\n", b"$1\r\nv\r\n", b"$1\r\nk\r\n",
             b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n", b"%1\r\n$7\r\ntimeout\r\n$1\r\n0\r\n", b"%0\r\n", b"*1\r\n_\r\n",
             b"_\r\n", b"*0\r\n"]
    for hello, expected in ((None, two), ("3", three), ("2", two)):
        if hello:
            client("HELLO", hello)
        client("SET", "k", "v")
        client.send(b"".join(encode(*q) for q in questions))
        assert [client.raw() for _ in questions] == expected


def test_hello_switches_mid_pipeline(client):
    client.send(encode("GET", "x") + encode("HELLO", "3") + encode("GET", "x") + encode("INFO", "cluster") +
                encode("HELLO", "4") + encode("GET", "x") + encode("HELLO", "2") + encode("GET", "x"))
    assert client.raw() == b"$-1\r\n"
    assert client.raw().startswith(b"%7\r\n$6\r\nserver\r\n")
    assert client.raw() == b"_\r\n"
    assert client.raw().startswith(b"=")
    assert client.raw() == b"-NOPROTO unsupported protocol version\r\n"
    assert client.raw() == b"_\r\n"
    assert client.raw().startswith(b"*14\r\n$6\r\nserver\r\n")
    assert client.raw() == b"$-1\r\n"


# --- in the middle of a pipeline ---

MIDDLES = {
    "quit": encode("SET", "a", "1") + encode("QUIT") + encode("SET", "a", "2") + encode("GET", "a"),
    "quit_inline": b"PING\r\nQUIT now\r\nPING\r\n",
    "quit_then_rubbish": encode("QUIT") + b"*abc\r\n",
    "reset": encode("SELECT", "5") + encode("CLIENT", "SETNAME", "me") + encode("HELLO", "x") + encode("RESET") +
    encode("CLIENT", "GETNAME") + encode("SET", "zero", "1") + encode("SELECT", "5") + encode("GET", "zero") +
    encode("RESET") + encode("GET", "zero"),
    "select": encode("SET", "a", "0") + encode("SELECT", "1") + encode("SET", "a", "1") + encode("SELECT", "0") +
    encode("GET", "a") + encode("SELECT", "1") + encode("GET", "a") + encode("SELECT", "16") + encode("GET", "a") +
    encode("SWAPDB", "0", "1") + encode("GET", "a") + encode("FLUSHDB") + encode("SELECT", "0") + encode("GET", "a"),
    "reply_off": encode("PING") + encode("CLIENT", "REPLY", "OFF") + encode("PING") + encode("SET", "a", "1") +
    encode("NOSUCH") + encode("GET") + encode("CLIENT", "REPLY", "SKIP") + encode("CLIENT", "REPLY", "ON") +
    encode("GET", "a"),
    "reply_skip": encode("CLIENT", "REPLY", "SKIP") + encode("PING") + encode("ECHO", "b") +
    encode("CLIENT", "REPLY", "SKIP") + encode("CLIENT", "REPLY", "SKIP") + encode("ECHO", "c") + encode("ECHO", "d"),
    "reply_skip_error": encode("CLIENT", "REPLY", "SKIP") + encode("NOSUCH") + encode("ECHO", "b"),
    "reply_skip_on": encode("CLIENT", "REPLY", "SKIP") + encode("CLIENT", "REPLY", "ON") + encode("ECHO", "b") +
    encode("ECHO", "c"),
    "reply_wrong": encode("CLIENT", "REPLY", "SKIP") + encode("CLIENT", "REPLY", "MAYBE") + encode("ECHO", "b") +
    encode("CLIENT", "REPLY", "MAYBE") + encode("CLIENT", "REPLY"),
    "reply_off_quit": encode("CLIENT", "REPLY", "OFF") + encode("QUIT"),
    "reply_off_reset": encode("CLIENT", "REPLY", "OFF") + encode("RESET") + encode("PING"),
    "reply_off_fault": encode("CLIENT", "REPLY", "OFF") + encode("PING") + b"*x\r\n",
    "reply_skip_reset": encode("CLIENT", "REPLY", "SKIP") + encode("RESET") + encode("PING"),
    "reply_skip_fault": encode("CLIENT", "REPLY", "SKIP") + b"*x\r\n",
    "kill_self": encode("SET", "a", "1") + encode("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no") +
    encode("SET", "a", "2") + encode("GET", "a"),
    "kill_skips_self": encode("CLIENT", "KILL", "TYPE", "normal") + encode("PING"),
    "flushall": encode("SET", "a", "1") + encode("FLUSHALL") + encode("GET", "a") + encode("DBSIZE"),
}


@pytest.mark.parametrize("name", MIDDLES)
def test_middle_as_the_oracle(name, start_server, oracle):
    server = start_server()
    check = encode("GET", "a") + encode("GET", "k")
    answers = []
    for it in (server, oracle):
        answers.append((conversation(it, MIDDLES[name]), conversation(it, check)))
    assert answers[0] == answers[1]


def test_reset_goes_back_to_resp2(client):
    client("HELLO", "3")
    client.send(encode("GET", "x") + encode("RESET") + encode("GET", "x"))
    assert [client.raw() for _ in range(3)] == [b"_\r\n", b"+RESET\r\n", b"$-1\r\n"]


def test_select_is_of_one_connection(server):
    with server.client() as a, server.client() as b:
        a("SELECT", "4")
        a("SET", "k", "four")
        b("SET", "k", "zero")
        b.send(encode("GET", "k") + encode("SELECT", "4") + encode("GET", "k"))
        assert [b.reply() for _ in range(3)] == [b"zero", "OK", b"four"]
        assert a("GET", "k") == b"four"
        with server.client() as c:
            assert c("GET", "k") == b"zero"


def test_kill_of_another_mid_pipeline(server):
    with server.client() as killer, server.client() as victim, server.client() as third:
        number = victim("CLIENT", "ID")
        victim.send(b"*2\r\n$4\r\nECHO\r\n")
        settled(third)
        killer.send(encode("SET", "k", "1") + encode("CLIENT", "KILL", "ID", number) + encode("GET", "k") +
                    encode("CLIENT", "KILL", "ID", number))
        assert [killer.reply() for _ in range(4)] == ["OK", 1, b"1", 0]
        assert victim.until_closed() == b""
        assert third("PING") == "PONG"
        assert killer.info("clients")["connected_clients"] == "2"


def test_kill_with_output_unsent(server):
    """One that does not read is killed, with megabytes that wait for it."""
    with server.client() as killer, server.client() as victim:
        killer("SET", "big", b"x" * (1 << 20))
        number = victim("CLIENT", "ID")
        victim.send(encode("GET", "big") * 64)
        assert wait_until(lambda: re_omem(killer, number) > 8 << 20)
        assert killer("CLIENT", "KILL", "ID", number) == 1
        assert re_omem(killer, number) == 0
        assert killer("PING") == "PONG"


def re_omem(client, number):
    """Bytes of output that wait for a connection; 0 when there is no such connection."""
    line = client("CLIENT", "LIST", "ID", number).decode()
    return int(line.split(" omem=")[1].split()[0]) if line else 0


# --- pause ---


def test_pause_holds_until_unpause(server):
    with server.client() as c, server.client() as master:
        c("SET", "k", "0")
        assert master("CLIENT", "PAUSE", "100000", "WRITE") == "OK"
        c.send(encode("GET", "k") + encode("SET", "k", "1") + encode("GET", "k") + encode("SET", "k", "2") +
               encode("GET", "k"))
        assert c.reply() == b"0"  # a read in front of the write is answered
        settled(master)
        assert c.nothing(0.02)
        assert master("GET", "k") == b"0"
        c.send(encode("ECHO", "behind"))
        settled(master)
        assert c.nothing(0.02)
        assert master("CLIENT", "UNPAUSE") == "OK"
        assert [c.reply() for _ in range(5)] == ["OK", b"1", "OK", b"2", b"behind"]


def test_pause_ends_by_itself(server):
    with server.client() as c, server.client() as other:
        c.send(encode("CLIENT", "PAUSE", "60") + encode("ECHO", "1") + encode("ECHO", "2"))
        assert c.reply() == "OK"
        other.send(encode("ECHO", "3"))
        assert [c.reply(), c.reply(), other.reply()] == [b"1", b"2", b"3"]
        assert int(other.info("commandstats")["cmdstat_echo"].split(",")[0][6:]) == 3


def test_pause_and_the_end_of_who_waits(server):
    """Held clients that go, or have sent a fault, or are killed, while they are held."""
    with server.client() as master:
        gone, faulty, killed, half = (server.client() for _ in range(4))
        number = killed("CLIENT", "ID")
        master("CLIENT", "PAUSE", "100000", "WRITE")
        for i, c in enumerate((gone, faulty, killed, half)):
            c.send(encode("SET", f"k{i}", "v"))
        faulty.send(b"*abc\r\n")
        half.half_close()
        settled(master)
        gone.close()
        assert master("CLIENT", "KILL", "ID", number) == 1
        assert killed.until_closed() == b""
        settled(master)
        assert master("DBSIZE") == 0
        assert master("CLIENT", "UNPAUSE") == "OK"
        assert faulty.until_closed() == b"+OK\r\n-ERR Protocol error: invalid multibulk length\r\n"
        assert half.until_closed() == b"+OK\r\n"
        assert master("EXISTS", "k1", "k3") == 2
        assert master("EXISTS", "k2") == 0
        assert wait_until(lambda: master.info("clients")["connected_clients"] == "1")
        for c in (faulty, killed, half):
            c.close()


def test_pause_of_many(server):
    """Each of them gets its own answers in order when it is over."""
    with server.client() as master:
        held = [server.client() for _ in range(30)]
        master("CLIENT", "PAUSE", "100000", "WRITE")
        for i, c in enumerate(held):
            c.send(b"".join(encode("SET", f"k{i}", n) + encode("GET", f"k{i}") for n in range(50)))
        settled(master)
        assert master("DBSIZE") == 0
        master("CLIENT", "UNPAUSE")
        for c in held:
            assert [c.reply() for _ in range(100)] == [x for n in range(50) for x in ("OK", b"%d" % n)]
            c.close()

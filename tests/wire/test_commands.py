# SPDX-License-Identifier: BSD-3-Clause
"""What the command table tells of itself, beside the oracle's table: tools choose their
hints, routes and rights by it. The sentences are ours, the facts must agree."""
import re

import pytest
from conftest import Error, encode
from oracle import oracle, start_oracle  # noqa: F401

FIELDS = ["name", "arity", "flags", "first", "last", "step", "acl", "tips", "keys", "subcommands"]
# Where a newer server's row is ours.
INFO_DIFFERS = {("command|getkeys", "arity"): -3, ("command|getkeysandflags", "arity"): -3,
                ("zrank", "arity"): -3, ("zrevrank", "arity"): -3}
NEWER = {"client|no-touch": "7.2.0", "client|setinfo": "7.2.0", "delex": "8.4.0", "delifeq": "9.0.0", "digest": "8.4.0",
         "hgetdel": "8.0.0", "hgetex": "8.0.0", "hsetex": "8.0.0", "hexpire": "7.4.0", "hpexpire": "7.4.0",
         "hexpireat": "7.4.0", "hpexpireat": "7.4.0", "httl": "7.4.0", "hpttl": "7.4.0", "hexpiretime": "7.4.0",
         "hpexpiretime": "7.4.0", "hpersist": "7.4.0", "increx": "8.8.0", "lmovem": "8.10.0", "blmovem": "8.10.0", "msetex": "8.4.0",
         "sdiffcard": "8.10.0", "sunioncard": "8.10.0",
         "sexpire": "8.12.0", "spexpire": "8.12.0", "sexpireat": "8.12.0", "spexpireat": "8.12.0",
         "sttl": "8.12.0", "spttl": "8.12.0", "sexpiretime": "8.12.0", "spexpiretime": "8.12.0",
         "spersist": "8.12.0", "saddex": "8.12.0",
         "xdelex": "8.2.0", "xackdel": "8.2.0", "xcfgset": "8.6.0", "xidmprecord": "8.6.2", "xnack": "8.8.0",
         "waitaof": "7.2.0"}
PROSE = {b"summary", b"complexity", b"history", b"doc_flags"}
# Documented here, though 7.0 says nothing of them; or with newer options.
DOCS_DIFFER = {("geosearch", b"arguments"), ("geosearchstore", b"arguments"),
               ("zrank", b"arguments"), ("zrevrank", b"arguments"), ("zscan", b"arguments"),
               ("zunion", b"arguments"), ("zinter", b"arguments"), ("zunionstore", b"arguments"),
               ("zinterstore", b"arguments"), ("bitcount", b"arguments"), ("bitop", b"arguments"), ("command|getkeys", b"arguments"),
               ("command|getkeysandflags", b"arguments"), ("hscan", b"arguments"), ("pfmerge", b"arguments"), ("set", b"arguments"),
               ("xread", b"arguments"), ("xreadgroup", b"arguments"), ("xadd", b"arguments"), ("xtrim", b"arguments")}
GROUPS = {"generic", "string", "connection", "server", "list", "set", "sorted-set", "hash", "stream", "pubsub",
          "transactions", "scripting", "bitmap", "hyperloglog", "geo", "cluster"}
VERSION = re.compile(r"\d+\.\d+\.\d+")


def version(text):
    return tuple(map(int, text.split(b".")))


def info_table(it):
    """COMMAND's rows by full name, subcommands too."""
    rows = {}

    def add(row):
        rows[row[0].decode()] = row
        for child in row[9]:
            add(child)

    with it.client() as c:
        for row in c("COMMAND"):
            add(row)
    return rows


def docs_table(it):
    docs = {}

    def add(name, doc):
        docs[name.decode()] = doc
        for child, child_doc in doc.get(b"subcommands", {}).items():
            add(child, child_doc)

    with it.client() as c:
        c("HELLO", "3")
        for name, doc in c("COMMAND", "DOCS").items():
            add(name, doc)
    return docs


def without_notes(specs):
    out = []
    for spec in specs:
        pairs = dict(zip(spec[::2], spec[1::2]))
        pairs.pop(b"notes", None)
        out.append(pairs)
    return out


def test_info_as_the_oracle(server, oracle):
    ours, theirs = info_table(server), info_table(oracle)
    assert {n for n in ours if n not in theirs} == set(NEWER)
    faults = []
    for name in sorted(ours.keys() & theirs.keys()):
        mine, yours = ours[name], theirs[name]
        assert len(mine) == len(FIELDS)
        for i, field in enumerate(FIELDS[:-1]):
            a, b = mine[i], yours[i]
            if field == "keys":
                a, b = without_notes(a), without_notes(b)
            elif field in ("flags", "acl"):
                a, b = sorted(a), sorted(b)
            if a != INFO_DIFFERS.get((name, field), b):
                faults.append(f"{name} {field}: ours {a!r}, theirs {b!r}")
    assert not faults, "\n".join(faults)


def compare(path, mine, yours, faults):
    if isinstance(mine, dict) and isinstance(yours, dict):
        for key in mine.keys() | yours.keys():
            here = path + [key]
            if key in PROSE or key == b"subcommands" or (path[0], key) in DOCS_DIFFER:
                continue
            if key not in mine or key not in yours:
                faults.append(f"{here} is only in {'ours' if key in mine else 'theirs'}")
            else:
                compare(here, mine[key], yours[key], faults)
    elif isinstance(mine, list) and isinstance(yours, list) and len(mine) == len(yours):
        for i, (a, b) in enumerate(zip(mine, yours)):
            compare(path + [i], a, b, faults)
    elif mine != yours:
        faults.append(f"{path}: ours {mine!r}, theirs {yours!r}")


def test_docs_as_the_oracle(server, oracle):
    ours, theirs = docs_table(server), docs_table(oracle)
    faults = []
    for name in sorted(ours.keys() & theirs.keys()):
        compare([name], ours[name], theirs[name], faults)
        for key in (b"complexity",):
            if (key in theirs[name]) and key not in ours[name]:
                faults.append(f"{name} has no {key!r}")
        # of the history, the versions are facts
        mine = [line[0] for line in ours[name].get(b"history", [])]
        yours = [line[0] for line in theirs[name].get(b"history", [])]
        if [v for v in mine if version(v) <= (7, 0, 15)] != yours:
            faults.append(f"{name} history: ours {mine}, theirs {yours}")
    assert not faults, "\n".join(faults)


def test_every_row_is_documented(server):
    rows, docs = info_table(server), docs_table(server)
    assert rows.keys() == docs.keys()
    for name, doc in docs.items():
        assert re.fullmatch(rb"[A-Z].{8,120}\.", doc[b"summary"]), name
        assert VERSION.fullmatch(doc[b"since"].decode()), name
        assert doc[b"group"].decode() in GROUPS, name
        arity = rows[name][1]
        words = 1 + name.count("|")
        if b"subcommands" not in doc and abs(arity) > words and name != "debug":  # DEBUG HELP tells
            assert doc.get(b"arguments"), name
        for argument in doc.get(b"arguments", []):
            assert argument[b"name"] and argument[b"type"], name
    for name, since in NEWER.items():
        assert docs[name][b"since"].decode() == since


def test_docs_by_name(server):
    with server.client() as c:
        both = c("COMMAND", "DOCS", "get", "nosuch", "CONFIG|SET")
        assert both[::2] == [b"get", b"config|set"]
        assert c("COMMAND", "DOCS", "nosuch") == []
        everything = c("COMMAND", "DOCS")
        whole = dict(zip(everything[::2], everything[1::2]))
        assert whole[b"get"] == both[1]


def test_names_and_counts(server):
    rows = info_table(server)
    tops = [n for n in rows if "|" not in n]
    with server.client() as c:
        assert c("COMMAND", "COUNT") == len(tops)
        assert sorted(c("COMMAND", "LIST")) == sorted(n.encode() for n in tops)
        assert len(c("COMMAND", "INFO")) == len(tops)
        assert len(tops) == len(set(tops))


def test_acl_categories_as_the_oracle(server, oracle):
    ours = {n.encode() for n in info_table(server)} - {n.encode() for n in NEWER}
    with server.client() as a, oracle.client() as b:
        for category in ("keyspace", "read", "write", "string", "bitmap", "admin", "fast", "slow", "blocking",
                         "dangerous", "connection", "pubsub", "transaction", "scripting", "nosuch"):
            question = ("COMMAND", "LIST", "FILTERBY", "ACLCAT", category)
            assert set(a(*question)) - {n.encode() for n in NEWER} == set(b(*question)) & ours, category


def test_arity_is_what_the_row_says(server):
    """Too few and too many arguments of every command get the error, and do nothing."""
    rows = info_table(server)
    with server.client() as c:
        c("SET", "a", "v")
        for name, row in rows.items():
            arity, words = row[1], name.split("|")
            wrong = []
            if abs(arity) > len(words):
                wrong.append(abs(arity) - 1)
            if arity > 0:
                wrong += [arity + 1, arity + 7]
            for count in wrong:
                if name == "quit" or count < 1:
                    continue
                reply = c(*words, *["a"] * (count - len(words)))
                assert reply == f"ERR wrong number of arguments for '{name}' command", (name, count)
        assert c("GET", "a") == b"v"
        assert c("DBSIZE") == 1
        failed = [n for n, r in rows.items() if "|" not in n]
        assert failed


@pytest.mark.parametrize("container", ["CLIENT", "COMMAND", "CONFIG", "DEBUG"])
def test_help_names_every_subcommand(start_server, container):
    server = start_server("--enable-debug-command", "yes")
    rows = info_table(server)
    with server.client() as c:
        lines = [line.decode() if isinstance(line, bytes) else str(line) for line in c(container, "HELP")]
        assert lines[0] == f"{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
        assert lines[-2] == "HELP" and re.fullmatch(r"    \S.*", lines[-1])
        text = "\n".join(lines)
        for name in rows:
            if name.startswith(container.lower() + "|"):
                assert re.search(rf"^{name.split('|')[1].upper()}\b", text, re.M), name
        reply = c(container, "NOSUCH")
        assert isinstance(reply, Error) and f"Try {container} HELP." in reply
        assert c("PING") == "PONG"


def test_help_as_the_oracle(server, oracle):
    """The frame, though not the words, and its type."""
    for name in ("CLIENT", "COMMAND", "CONFIG"):
        frames = []
        for it in (server, oracle):
            with it.client() as c:
                c.send(encode(name, "HELP"))
                head = c.line()
                first = c.line()
                rest = [c.line() for _ in range(int(head[1:]) - 1)]
                frames.append((head[:1], first, {line[:1] for line in rest}, rest[-2]))
        assert frames[0] == frames[1], name

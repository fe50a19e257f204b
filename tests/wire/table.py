# SPDX-License-Identifier: BSD-3-Clause
"""The tables of the differential test.

A line is a request, its words quoted as for redis-cli. It is sent to miniredis and
to the real redis-server over connections of the same history, and the replies must
be equal byte for byte. Directives stand on lines of their own:

  !reset            FLUSHALL on both, and new connections
  !differs REASON   the next request's reply is meant to differ; ours is checked
  !reply TEXT       .. to be this: the reply's bytes with escapes (\\r\\n at the end is added)
  !reply3 TEXT      the same where it is another one in RESP3
  !unordered        the next reply's elements may come in any order
  !prose           notes in the next reply are in words of our own
  !about            numbers in the next reply may be a little apart (times)
"""
import re
from dataclasses import dataclass, field
from pathlib import Path

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "a": "\a"}


class TableError(Exception):
    pass


def unescape(text):
    """Bytes of TEXT with \\n, \\r, \\xHH and the like replaced."""
    out = bytearray()
    i = 0
    while i < len(text):
        if text[i] == "\\" and i + 1 < len(text):
            if text[i + 1] == "x" and re.match(r"[0-9a-fA-F]{2}", text[i + 2:i + 4]):
                out.append(int(text[i + 2:i + 4], 16))
                i += 4
                continue
            out += ESCAPES.get(text[i + 1], text[i + 1]).encode()
            i += 2
            continue
        out += text[i].encode()
        i += 1
    return bytes(out)


def split(line):
    """The words of a request."""
    words = []
    i = 0
    while True:
        while i < len(line) and line[i].isspace():
            i += 1
        if i == len(line):
            return words
        word = b""
        while i < len(line) and not line[i].isspace():
            if line[i] == '"':
                end = i + 1
                while end < len(line) and line[end] != '"':
                    end += 2 if line[end] == "\\" else 1
                if end >= len(line):
                    raise TableError("a quote does not close")
                word += unescape(line[i + 1:end])
                i = end + 1
            elif line[i] == "'":
                end = i + 1
                while end < len(line) and line[end] != "'":
                    end += 2 if line[end:end + 2] == "\\'" else 1
                if end >= len(line):
                    raise TableError("a quote does not close")
                word += line[i + 1:end].replace("\\'", "'").encode()
                i = end + 1
            else:
                word += line[i].encode()
                i += 1
        words.append(word)


@dataclass
class Request:
    number: int
    words: list = field(default_factory=list)
    reset: bool = False
    unordered: bool = False
    about: bool = False
    prose: bool = False
    differs: str = ""
    reply: dict = field(default_factory=dict)  # by RESP version


def read(path):
    """The requests of a table; one that only resets has no words."""
    requests = []
    pending = Request(0)
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        pending.number = number
        word, _, rest = line.partition(" ")
        if word == "!reset":
            pending.reset = True
        elif word == "!differs":
            pending.differs = rest
        elif word in ("!reply", "!reply3"):
            data = unescape(rest)
            data = data if data.endswith(b"\r\n") else data + b"\r\n"
            pending.reply[3] = data
            if word == "!reply":
                pending.reply[2] = data
        elif word == "!unordered":
            pending.unordered = True
        elif word == "!prose":
            pending.prose = True
        elif word == "!about":
            pending.about = True
        elif word.startswith("!"):
            raise TableError(f"{path}:{number}: {word} is no directive")
        else:
            pending.words = split(line)
            if pending.differs and 2 not in pending.reply:
                raise TableError(f"{path}:{number}: !differs without !reply")
            requests.append(pending)
            pending = Request(0)
    if not requests:
        raise TableError(f"{path}: there is no request in it")
    return requests

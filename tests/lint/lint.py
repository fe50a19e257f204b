#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the source tree against the rules of doc/architecture.md.

usage: lint.py CHECK [...]   (in the source tree's top; environment: CC, CLANG_FORMAT,
       CODESPELL, BUILDDIR with the built archives)
Each check prints what it finds as FILE:LINE: text; exit status 1 if anything was
found, 77 if the check's tool is not there.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SRC = TOP / "src"
BUILD = Path(os.environ.get("BUILDDIR", TOP))
FILE_MAX, FUNCTION_MAX, HEADER_MAX = 800, 80, 150
SKIP = 77


def sources(pattern, *roots):
    for root in roots or (SRC,):
        yield from sorted(p for p in root.rglob(pattern) if "corpus" not in p.parts)


def name(path):
    return path.relative_to(TOP).as_posix()


def exceptions(check):
    found = {}
    for line in (TOP / "tests/lint/exceptions.txt").read_text().splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[0] == check:
            found[words[1]] = words[2]
    return found


def ranks():
    table = {}
    for line in (TOP / "tests/lint/layers.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            rank, folder = line.split()
            table[folder] = int(rank)
    return table


def unit_of(path):
    """The folder that may not see its equals: types/string, features/keys, base."""
    parts = path.relative_to(SRC).parts
    return "/".join(parts[:2]) if parts[0] in ("types", "features") else parts[0]


def check_layers():
    rank = ranks()
    for path in sources("*.[ch]"):
        own = unit_of(path)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not m or m[1] == "config.h":
                continue
            other = SRC / m[1]
            if not other.exists():
                yield f"{name(path)}:{number}: {m[1]} is not under src/"
                continue
            theirs = unit_of(other)
            if theirs != own and rank[theirs.split("/")[0]] >= rank[own.split("/")[0]]:
                yield f"{name(path)}:{number}: {own} must not include {m[1]}"
            if theirs != own and m[1].endswith("_private.h"):
                yield f"{name(path)}:{number}: {m[1]} is private to its folder"


def check_headers():
    cc = os.environ.get("CC", "cc").split()
    flags = ["-std=gnu11", "-D_GNU_SOURCE", f"-I{SRC}", f"-I{TOP}/tests/unit", f"-I{BUILD}", "-Wall", "-Wextra", "-Werror",
             "-fsyntax-only", "-x", "c", "-"]
    for path in sources("*.h"):
        probe = f'#include "{path.relative_to(SRC).as_posix()}"\n'
        done = subprocess.run(cc + flags, input=probe, text=True, capture_output=True)
        if done.returncode != 0:
            yield f"{name(path)}:1: does not compile alone: {done.stderr.splitlines()[0]}"


def check_sizes():
    files, headers, functions = (exceptions(f"{k}-size") for k in ("file", "header", "function"))
    for path in sources("*.c", SRC, TOP / "tests"):
        lines = path.read_text().splitlines()
        if len(lines) > FILE_MAX and name(path) not in files:
            yield f"{name(path)}:{FILE_MAX}: the file has {len(lines)} lines"
        start = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start - 1 > FUNCTION_MAX:
                    head = " ".join(lines[max(0, start - 3):start - 1])
                    found = re.findall(r"(\w+)\(", head)
                    what = found[-1] if found else "?"
                    if what not in functions:
                        yield f"{name(path)}:{start}: {what} has {number - start - 1} lines"
                start = None
    for path in sources("*.h"):
        length = len(path.read_text().splitlines())
        if length > HEADER_MAX and name(path) not in headers:
            yield f"{name(path)}:{HEADER_MAX}: the header has {length} lines"


def check_symbols():
    allowed = exceptions("symbol")
    archives = sorted(BUILD.glob("lib*.a"))
    if not archives:
        yield "no archive is built"
    for archive in archives:
        listing = subprocess.run(["nm", "-g", "--defined-only", str(archive)], text=True, capture_output=True, check=True)
        member = ""
        for line in listing.stdout.splitlines():
            if line.endswith(".o:"):
                member = re.sub(r"^lib\w+_a-|\.o:$", "", line)
                continue
            words = line.split()
            if len(words) != 3 or words[2].startswith("__") or "asan" in words[2]:
                continue
            folder = archive.name[3:-2]
            if not any(words[2].startswith(p) for p in prefixes(folder, member)) and words[2] not in allowed:
                yield f"{archive.name}({member}.o): {words[2]} does not begin with its file's or folder's name"


def prefixes(folder, member):
    yield folder + "_"
    for path in (SRC / folder).rglob(f"{member}.c"):
        yield path.parent.name + "_"
    words = member.split("_")
    for n in range(1, len(words) + 1):
        yield "_".join(words[:n])


def check_types():
    allowed = exceptions("type-constant")
    for path in sources("*.[ch]"):
        if unit_of(path).startswith("types/") or unit_of(path) == "keyspace" or name(path) in allowed:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"\bOBJECT_(STRING|LIST|SET|ZSET|HASH|STREAM)\b", line):
                yield f"{name(path)}:{number}: a type constant outside types/ and keyspace/"


def check_text():
    for path in [*sources("*.[ch]", SRC, TOP / "tests"), *sources("*.py", TOP / "tests", TOP / "bench")]:
        head = path.read_text().splitlines()[:3]
        if not any("SPDX-License-Identifier: BSD-3-Clause" in line for line in head):
            yield f"{name(path)}:1: no SPDX line"
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line != line.rstrip():
                yield f"{name(path)}:{number}: blanks at the end"
            if re.search(r"\b(TODO|FIXME|XXX)\b", line) and path.name != "lint.py":
                yield f"{name(path)}:{number}: unfinished"


def check_listed():
    listed = "".join(p.read_text() for p in [TOP / "Makefile.am", *sources("local.mk", TOP)])
    tests = [p for end in ("*.[ch]", "*.py", "*.sh", "*.txt") for p in sources(end, TOP / "tests")]
    for path in [*sources("*.[ch]"), *sources("*.def"), *tests]:
        if name(path) not in listed:
            yield f"{name(path)}:1: is in no local.mk"


def check_format():
    tool = os.environ.get("CLANG_FORMAT") or shutil.which("clang-format")
    if not tool:
        print("clang-format is not installed")
        sys.exit(SKIP)
    files = [str(p) for p in sources("*.[ch]", SRC, TOP / "tests")]
    done = subprocess.run([tool, "--dry-run", *files], text=True, capture_output=True)
    for line in done.stderr.splitlines():
        if "warning:" in line:
            yield line.replace(f"{TOP}/", "")


def check_spelling():
    tool = os.environ.get("CODESPELL") or shutil.which("codespell")
    if not tool:
        print("codespell is not installed")
        sys.exit(SKIP)
    roots = [p for p in ("src", "tests", "doc", "man", "etc", "completions", "systemd", "bench", "README.md", "configure.ac", "Makefile.am")
             if (TOP / p).exists()]
    done = subprocess.run([tool, "--skip", "*/corpus/*,*.rdb,*.svg,__pycache__,table_*.txt", "--ignore-words",
                           str(TOP / "tests/lint/words.txt"), *roots], cwd=TOP, text=True, capture_output=True)
    yield from done.stdout.splitlines()


def check_catalog():
    """The journal's catalog against the events' table, and both against the rest of the source."""
    table = TOP / "src/base/log_event.def"
    path = TOP / "systemd/miniredis.catalog"
    made = subprocess.run([sys.executable, "-B", str(TOP / "systemd/make-catalog"), str(table)], text=True, capture_output=True)
    if made.returncode != 0:
        yield f"{name(table)}:1: {made.stderr.strip()}"
        return
    if path.read_text() != made.stdout:
        yield f"{name(path)}:1: is not what systemd/make-catalog makes of {name(table)}"
    rows = dict(re.findall(r"^EVENT\((\w+),(.*?)\)$", table.read_text(), re.M | re.S))
    of_clients = set(re.findall(r'"(MINIREDIS_\w+)"', (SRC / "command/command_log.c").read_text()))
    used = set()
    for source in sources("*.c"):
        text = source.read_text()
        here = set(re.findall(r"\bLOG_EVENT_(\w+)", text)) & set(rows)
        used |= here
        fields = set(re.findall(r'"(MINIREDIS_\w+)"', text)) | of_clients
        for event in sorted(here):
            for field in sorted(set(re.findall(r"@(\w+)@", rows[event])) - fields):
                yield f"{name(source)}:1: {event} goes out without {field}, which its text in the catalog shows"
        for m in re.finditer(r"\blog_write\(\s*LOG_LEVEL_(NOTICE|WARNING|ERROR)\b", text):
            yield f"{name(source)}:{text.count(chr(10), 0, m.start()) + 1}: a line that an admin sees and that is no event"
    for event in sorted(set(rows) - used):
        yield f"{name(table)}:1: {event} is used nowhere"
    tool = shutil.which("journalctl")
    if tool is None:
        return
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "usr/lib/systemd/catalog").mkdir(parents=True)
        (Path(root) / "var/lib/systemd/catalog").mkdir(parents=True)
        shutil.copy(path, Path(root) / "usr/lib/systemd/catalog")
        done = subprocess.run([tool, "--update-catalog", "--root", root], text=True, capture_output=True)
        if done.returncode != 0 or done.stderr:
            yield f"{name(path)}:1: journalctl does not take it: {done.stderr.strip()}"


def main():
    found = 0
    for check in sys.argv[1:]:
        for fault in globals()[f"check_{check}"]():
            print(fault)
            found += 1
    print(f"{' '.join(sys.argv[1:])}: {found} found")
    sys.exit(1 if found else 0)


main()

# SPDX-License-Identifier: BSD-3-Clause
"""What people read is true: the manual, the completion, /etc/miniredis.conf and the README
are compared with what the program itself says.

Environment: BUILDDIR, the build's top (default: the tree's), and what tests/conftest.py names.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import TOP, find_program

BUILD = Path(os.environ.get("BUILDDIR", TOP))
PAGES = ["miniredis.8", "miniredis.conf.5", "miniredis-commands.7"]
PIECES = {"options": "man/options.mdoc", "commands": "man/commands.mdoc", "completion": "completions/options.txt"}
# What a switch or an option is called: --like-this.
SWITCH = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")


def made(name):
    """A file that make makes; in a tarball it may stand beside its source."""
    for top in (BUILD, TOP):
        if (top / name).exists():
            return top / name
    pytest.fail(f"{name} is not made")


def page(name):
    return made(f"man/{name}").read_text()


def plain(text):
    """mdoc's escapes taken back, as far as the pages use them."""
    return text.replace("\\-", "-").replace("\\(dq", '"').replace("\\&", "").replace("\\e", "\\")


def run(*args, **more):
    return subprocess.run([find_program(), *map(str, args)], text=True, capture_output=True, timeout=60, **more)


def settings(*args):
    """name -> value, of --print-config."""
    done = run("--print-config", *args)
    assert done.returncode == 0, done.stderr
    lines = [line.rsplit("    # ", 1)[0] for line in done.stdout.splitlines()]
    return dict(line.split(" = ", 1) for line in lines if re.match(r"[a-z-]+ = ", line))


@pytest.fixture
def empty(tmp_path):
    path = tmp_path / "empty.conf"
    path.write_text("")
    return path


def check(path, *args):
    return run("--check-config", "-c", path, *args)


# --- the pages ---


@pytest.mark.parametrize("name", PIECES)
def test_pieces_are_those_of_the_tables(name):
    tool = BUILD / "src/tools/tablegen"
    if not tool.exists():
        pytest.skip("src/tools/tablegen is not built")
    said = subprocess.run([tool, name], text=True, capture_output=True, check=True, timeout=60).stdout
    assert said == made(PIECES[name]).read_text()


def test_generator_has_every_file_of_commands():
    generator = (TOP / "src/tools/tablegen_commands.c").read_text()
    for path in (TOP / "src").rglob("*.def"):
        if re.search(r"^COMMAND\(", path.read_text(), re.M):
            assert f'#include "{path.relative_to(TOP / "src")}"' in generator


@pytest.mark.parametrize("name", PAGES)
def test_mandoc_finds_no_fault(name):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-Tlint", made(f"man/{name}")], text=True, capture_output=True, timeout=60)
    # Pages of others need not be installed where this one is built.
    others = re.compile(r"referenced manual not found|mandoc\.db")
    assert [line for line in (done.stdout + done.stderr).splitlines() if not others.search(line)] == []


@pytest.mark.parametrize("name", PAGES)
def test_man_warns_of_nothing(name):
    if not shutil.which("man") or not shutil.which("groff"):
        pytest.skip("man or groff is not installed")
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", made(f"man/{name}")],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"})
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("name", PAGES)
def test_everything_is_filled_in(name):
    assert not re.search(r"@[A-Za-z]+@", page(name))


def test_commands_page_has_every_command(start_server):
    with start_server().client() as c:
        known = {name.decode() for name in c.command("COMMAND", "LIST")}
        for entry in c.command("COMMAND", "INFO"):
            known |= {sub[0].decode() for sub in entry[9]}
    shown = re.findall(r"^\.Bd -ragged -offset indent\n\.Ic (.+)$", page("miniredis-commands.7"), re.M)
    assert sorted(name.lower().replace(" ", "|") for name in shown) == sorted(known)


def documented():
    """name -> default, as miniredis.conf(5) has them."""
    text = page("miniredis.conf.5")
    options = text[text.index(".Sh OPTIONS"):text.index(".Sh FILES")]
    found = {}
    for item in re.split(r"^\.It Ic ", options, flags=re.M)[1:]:
        default = re.search(r"^Default:\n\.Cm (.*) \.$", item, re.M)
        if default and re.search(r"^(Can change at run time|Read at start only)", item, re.M):
            value = default[1]
            if value.startswith('"'):
                value = value[1:-1].replace('""', '"')
            found[plain(item.split(None, 1)[0])] = plain(value)
    return found


def test_options_page_has_every_option_with_its_default(tmp_path, empty):
    defaults = documented()
    known = settings("-c", empty)
    assert sorted(defaults) == sorted(known)
    path = tmp_path / "all.conf"
    path.write_text("".join(f"{name} = {value}\n" for name, value in defaults.items()))
    assert settings("-c", path) == known


def examples():
    for block in re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", page("miniredis.conf.5"), re.M | re.S):
        named = re.match(r"# example: (.*)\n", block)
        if named:
            yield named[1], plain(block)


EXAMPLES = dict(examples()) if (BUILD / "man/miniredis.conf.5").exists() else {"none": ""}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_right(name, tmp_path):
    (tmp_path / "extra.conf").write_text("maxclients = 5\n")
    path = tmp_path / "example.conf"
    path.write_text(EXAMPLES[name])
    assert "=" in EXAMPLES[name] or "include" in EXAMPLES[name], "an example that says nothing"
    done = check(path)
    assert (done.returncode, done.stdout) == (0, "OK\n"), done.stderr
    path.write_text(EXAMPLES[name] + "no-such-option = 1\n")
    assert check(path).returncode == 1


def own_switches():
    done = run("--help")
    assert done.returncode == 0
    return sorted({s for line in done.stdout.splitlines() if line.startswith("  ") for s in SWITCH.findall(line)})


def test_daemon_page_has_every_switch():
    shown = set(re.findall(r"Fl Fl ([a-z-]+)", page("miniredis.8")))
    assert len(own_switches()) >= 5
    assert {s[2:] for s in own_switches()} <= shown


# --- the completion ---


def complete(*words):
    """What bash offers behind these words, the last of which is being typed."""
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    script = '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _miniredis; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", made("completions/miniredis"), "miniredis", *words],
                          text=True, capture_output=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def test_completion_of_switches_and_options(empty):
    offered = complete("--")
    options = settings("-c", empty)
    assert sorted(offered) == sorted(own_switches() + [f"--{name}" for name in options])
    assert complete("--logl") == ["--loglevel"]


def test_completion_of_values():
    assert complete("--daemonize", "") == ["yes", "no"]
    assert complete("--port", "7000", "--event-loop", "e") == ["epoll"]
    assert complete("--event-loop", "=", "p") == ["poll"]
    assert complete("--loglevel", "=") == ["debug", "verbose", "notice", "warning", "nothing"]
    assert complete("--maxmemory", "a") == ["auto"]
    assert complete("--port", "") == [""]


def test_completion_of_files(tmp_path):
    (tmp_path / "two words.conf").write_text("")
    (tmp_path / "folder").mkdir()
    there = f"{tmp_path}/"
    for before in (["-c"], ["--redis-conf"], [], ["--logfile"], ["--check-config"]):
        assert sorted(complete(*before, there)) == [f"{there}folder", f"{there}two words.conf"]
    assert complete("--dir", there) == [f"{there}folder"]


# --- the installed file and the README ---

INSTALLED = TOP / "etc/miniredis.conf"


def test_installed_file_is_right():
    done = check(INSTALLED)
    assert (done.returncode, done.stdout) == (0, "OK\n"), done.stderr


def test_installed_file_shows_defaults(tmp_path, empty):
    shown = re.findall(r"^#([a-z-]+ = .*)$", INSTALLED.read_text(), re.M)
    assert len(shown) >= 5
    path = tmp_path / "shown.conf"
    path.write_text("\n".join(shown) + "\n")
    assert check(path).stdout == "OK\n"
    assert settings("-c", path) == settings("-c", empty)


def test_installed_file_explains_what_it_shows():
    lines = INSTALLED.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"#?[a-z-]+ = ", line):
            assert re.match(r"# |#?[a-z-]+ = ", lines[number - 1]), f"line {number + 1} is not explained"


def blocks(path):
    """The indented blocks of a Markdown file."""
    return re.findall(r"(?:^    .*\n)+", path.read_text(), re.M)


def test_readme_names_what_exists(empty):
    text = "".join(blocks(TOP / "README.md"))
    known = set(own_switches()) | {f"--{name}" for name in settings("-c", empty)}
    used = [s for line in text.splitlines() if line.strip().startswith("miniredis ") for s in SWITCH.findall(line)]
    assert len(used) >= 5
    assert set(used) <= known
    rules = (BUILD / "Makefile").read_text()
    targets = re.findall(r"(?:^|[\s`(])make ([a-z]+)", (TOP / "README.md").read_text())
    assert {"run", "check"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}(-am)?:", rules, re.M), f"make {target}"


def test_readme_configuration_is_right(tmp_path):
    samples = [b for b in blocks(TOP / "README.md") if re.match(r"    [a-z-]+ = ", b)]
    assert samples
    for sample in samples:
        path = tmp_path / "readme.conf"
        path.write_text("".join(line for line in sample.splitlines(True)))
        assert check(path).stdout == "OK\n"

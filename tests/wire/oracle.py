# SPDX-License-Identifier: BSD-3-Clause
"""The real redis-server, run beside ours. Debian's redis-tools has its program under
another name; a link gives it back the name that it looks at."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Client, free_port, wait_until


def find_program(directory):
    found = os.environ.get("REDIS_SERVER") or shutil.which("redis-server") or shutil.which("redis-check-rdb")
    if not found:
        return None
    link = Path(directory) / "redis-server"
    if not link.exists():
        link.symlink_to(Path(found).resolve())
    return link


class Oracle:
    def __init__(self, directory, *options):
        self.program = find_program(directory)
        self.directory = Path(directory)
        self.options = [str(o) for o in options]
        for _ in range(5):
            self.port = free_port()
            self.process = subprocess.Popen(
                [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir",
                 str(directory), *self.options],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            if wait_until(lambda: self.process.poll() is not None or self.is_up()) and self.process.poll() is None:
                return
            self.stop()
        raise AssertionError("the oracle does not start")

    @property
    def pid(self):
        return self.process.pid

    def is_up(self):
        """Whether it answers, and not somebody else who had the port first."""
        try:
            with self.client() as c:
                answer = c("INFO", "server")
                return b"process_id:%d\r\n" % self.pid in answer if isinstance(answer, bytes) else \
                    answer.startswith("NOAUTH")
        except (OSError, EOFError):
            return False

    def client(self):
        return Client(("127.0.0.1", self.port))

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def start_oracle(tmp_path):
    """start_oracle("--option", "value", ...) -> Oracle; any number of them."""
    running = []

    def start(*options, directory=None):
        directory = directory or tmp_path / f"oracle{len(running)}"
        directory.mkdir(exist_ok=True)
        if find_program(directory) is None:
            pytest.skip("redis-server is not installed")
        running.append(Oracle(directory, *options))
        return running[-1]

    yield start
    for it in running:
        it.stop()


@pytest.fixture
def oracle(start_oracle):
    return start_oracle("--enable-debug-command", "yes")

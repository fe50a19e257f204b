# SPDX-License-Identifier: BSD-3-Clause
"""Bytes to and from servers, for the tests that look at bytes."""
import threading


def receive(client, count):
    """COUNT bytes, also when they are many megabytes."""
    out = bytearray(count)
    view, have = memoryview(out), min(count, len(client.pending))
    view[:have] = client.pending[:have]
    client.pending = client.pending[have:]
    while have < count:
        n = client.socket.recv_into(view[have:])
        if n == 0:
            raise EOFError(f"the server closed after {have} of {count} bytes")
        have += n
    return bytes(out)


def receive_all(client):
    """Everything until the server closes."""
    parts = [client.pending]
    client.pending = b""
    try:
        while data := client.socket.recv(1 << 20):
            parts.append(data)
    except ConnectionResetError:
        pass
    return b"".join(parts)


class Sender:
    """Sends in a thread of its own, so that replies can be read meanwhile."""

    def __init__(self, client, data):
        self.client, self.data, self.failed = client, data, None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            self.client.socket.sendall(self.data)
        except OSError as error:
            self.failed = error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.thread.join()


def conversation(server, data):
    """All that is answered to DATA, with which the client ends its side."""
    with server.client() as c, Sender(c, data) as sender:
        sender.thread.join()
        try:
            c.half_close()
        except OSError:
            pass
        return receive_all(c)


def settled(*watchers):
    """After this the server has read all that was sent to it before: it has turned once more."""
    for c in watchers:
        assert c("PING") == "PONG"

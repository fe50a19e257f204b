# SPDX-License-Identifier: BSD-3-Clause
"""RDB files of any size, made quickly."""
import struct


def length(n):
    if n < 1 << 6:
        return bytes([n])
    if n < 1 << 14:
        return bytes([0x40 | n >> 8, n & 0xFF])
    return b"\x80" + struct.pack(">I", n)


def strings(count, value=b"x" * 32):
    """A file of COUNT keys "key:0000000" .. with that value each, without a checksum."""
    head = b"REDIS0010\xfe\x00\xfb" + length(count) + length(0)
    tail = length(len(value)) + value
    start = b"\x00" + length(len("key:0000000"))
    body = b"".join(b"%skey:%07d%s" % (start, i, tail) for i in range(count))
    return head + body + b"\xff" + bytes(8)

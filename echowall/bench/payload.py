"""The messages of a generator: each has its number, its connection and a checksum, padded to its size.

A text is the three as hexadecimal digits and then letters; a binary message is the three as integers in network order
and then bytes of every value. The checksum is CRC-32 over the padding, the number and the connection.
"""

from __future__ import annotations

import base64
import random
import struct
import zlib
from binascii import hexlify
from typing import NamedTuple

from echowall.bench.plan import LEAST

_BINARY = struct.Struct("!QII")
_NUMBERS = struct.Struct("!QI")


class Stamp(NamedTuple):
    """What a message says of itself."""

    number: int
    connection: int


class Payload:
    """The messages of one size and kind. They differ in their first bytes alone."""

    def __init__(self, size: int, *, binary: bool) -> None:
        """`size` is in bytes, and at least LEAST."""
        if size < LEAST:
            raise ValueError(f"a message has at least {LEAST} bytes")
        noise = random.Random(size).randbytes(size)  # noqa: S311 - it only has to be hard to compress
        self._binary, head = binary, _BINARY.size if binary else LEAST
        self._padding = (noise if binary else base64.b64encode(noise))[: size - head]
        self._checksum = zlib.crc32(self._padding)
        self._size = size

    def make(self, number: int, connection: int) -> bytes:
        """The message of that number, for that connection."""
        checksum = zlib.crc32(_NUMBERS.pack(number, connection), self._checksum)
        stamp = _BINARY.pack(number, connection, checksum)
        return (stamp if self._binary else hexlify(stamp)) + self._padding

    def read(self, message: bytes) -> Stamp | None:
        """What a message says of itself; None where it is none that was made here, or was altered."""
        if len(message) != self._size:
            return None
        try:
            if self._binary:
                stamp = Stamp(*_BINARY.unpack_from(message)[:2])
            else:
                stamp = Stamp(int(message[:16], 16), int(message[16:24], 16))
        except ValueError:
            return None
        return stamp if message == self.make(*stamp) else None

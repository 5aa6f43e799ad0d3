"""The messages of a generator: each has its number, its connection and a checksum, padded to its size.

A text is the three as hexadecimal digits and then letters; a binary message is the three as integers in network order
and then bytes of every value. The checksum is CRC-32 over the padding, the connection and the number.
"""

from __future__ import annotations

import base64
import random
import struct
from binascii import crc32, hexlify, unhexlify
from collections.abc import Callable
from typing import NamedTuple

from echowall.bench.plan import LEAST

_BINARY = struct.Struct("!QII")
_NUMBER = struct.Struct("!Q")


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
        self._checksum = crc32(self._padding)
        self._size = size

    def maker(self, connection: int) -> Callable[[int], bytes]:
        """What makes the message of a number for that connection. The generator's speed depends on it."""
        begun = crc32(connection.to_bytes(4), self._checksum)
        padding, pack, pack_number = self._padding, _BINARY.pack, _NUMBER.pack

        def binary(number: int) -> bytes:
            return pack(number, connection, crc32(pack_number(number), begun)) + padding

        def text(number: int) -> bytes:
            return hexlify(pack(number, connection, crc32(pack_number(number), begun))) + padding

        return binary if self._binary else text

    def read(self, message: bytes) -> Stamp | None:
        """What a message says of itself; None where it is none that was made here, or was altered."""
        if len(message) != self._size:
            return None
        try:
            stamp = Stamp(*_BINARY.unpack_from(message if self._binary else unhexlify(message[:LEAST]))[:2])
        except ValueError:
            return None
        return stamp if message == self.maker(stamp.connection)(stamp.number) else None

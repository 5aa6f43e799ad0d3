"""What goes over the wire: bytes of TCP's payload, by the kernel's own count for each socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
from typing import NamedTuple

#: In Linux's `struct tcp_info`, of include/uapi/linux/tcp.h: where `tcpi_bytes_received` and `tcpi_bytes_sent` are (the
#: latter since 4.19), and where `tcpi_bytes_retrans` ends.
_RECEIVED, _SENT, _END = 128, 200, 216
_TWO = struct.Struct("=QQ")
#: SO_LINGER with no time to linger: close() resets the connection.
_RESET = struct.pack("ii", 1, 0)


class Bytes(NamedTuple):
    """How many went either way."""

    down: int
    """To the client."""
    up: int
    """From it, but for what was sent again."""


class Wire:
    """All connections of a run."""

    def __init__(self) -> None:
        self.opened = 0
        """How many there have been."""
        self.counts = True
        """Whether the system counts their bytes."""
        self._taps: set[Tap] = set()
        self._ended = Bytes(0, 0)

    def tap(self, transport: asyncio.BaseTransport) -> Tap:
        """Count that connection's bytes, those before included. Close the tap when the connection has ended."""
        self.opened += 1
        tap = Tap(self, transport)
        self._taps.add(tap)
        return tap

    def total(self) -> Bytes:
        """Of all connections until now."""
        return _sum(self._ended, *(tap.read() for tap in self._taps))

    def _close(self, tap: Tap) -> None:
        if tap in self._taps:
            self._taps.remove(tap)
            self._ended = _sum(self._ended, tap.read())


class Tap:
    """A connection's socket, once more: it outlives the transport's own, so that it can tell the last bytes too."""

    def __init__(self, wire: Wire, transport: asyncio.BaseTransport) -> None:
        self._wire = wire
        self._socket = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))

    def read(self) -> Bytes:
        found = b""
        if sys.platform == "linux":
            found = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _END)
        if len(found) < _END:
            self._wire.counts = False
            return Bytes(0, 0)
        (received,) = struct.unpack_from("=Q", found, _RECEIVED)
        sent, again = _TWO.unpack_from(found, _SENT)
        return Bytes(received, sent - again)

    def reset(self) -> None:
        """Have the connection reset, and not ended, when it is closed: who writes to it then learns of that at once."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def close(self) -> None:
        """The connection has ended. It may be called more than once."""
        self._wire._close(self)
        self._socket.close()


def _sum(*several: Bytes) -> Bytes:
    return Bytes(sum(one.down for one in several), sum(one.up for one in several))

"""Bytes to and from a server over TCP or TLS, recorded in a transcript."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
from contextlib import suppress

from echowall.check.wire.target import Target
from echowall.check.wire.transcript import Direction, Where

_SO_ATTACH_FILTER = 26  # Linux; Python's socket module has no name for it

#: How many bytes of what was sent or received at once are kept in a transcript.
KEPT = 4096


class Stream:
    """An open TCP or TLS connection."""

    def __init__(self, target: Target, reader: LastingReader, writer: asyncio.StreamWriter) -> None:
        self.url = target.url
        """For error messages."""
        self.slack = target.slack
        """How many seconds longer than usual each answer may take."""
        self.reader = reader
        self._writer = writer
        self._transcript = target.transcript
        self._number = target.transcript.number()
        self._secrets = target.transcript.secrets = target.secrets

    @property
    def port(self) -> int:
        """Our own end's."""
        return int(self._writer.get_extra_info("sockname")[1])

    def record(self, direction: Direction, what: str, data: bytes = b"") -> None:
        """Write a line of the transcript; of `data` it keeps the beginning. What is secret is masked."""
        self._transcript.add(self._number, direction, self._secrets.hide(what), self._secrets.hide_bytes(data[:KEPT]))

    def record_head(self, direction: Direction, what: str, head: bytes) -> None:
        """The same of a head of HTTP."""
        self.record(direction, what, self._secrets.hide_head(head))

    def pass_over(self, what: str) -> None:
        """Write into the transcript that a message is passed over, because it is not ours."""
        self._transcript.passed_over += 1
        self.record("note", f"passed over, as it is not ours: {what}")

    def miss_greeting(self, what: str) -> None:
        """Write into the transcript that a greeting did not come as it was learnt."""
        self._transcript.ungreeted = True
        self.record("note", f"no greeting as before: {what}")

    def come_unprompted(self) -> None:
        """Write into the transcript that a message came although nothing had been said."""
        self._transcript.unprompted = True

    def turn_away(self) -> None:
        """Write into the transcript that the server was asked too much."""
        self._transcript.turned_away = True

    def breach(self, where: Where, what: str) -> None:
        """Write into the transcript that the server did what no server may do."""
        self._transcript.breaches.append((where, what))
        self.record("note", f"breach: {what}")

    # -- sending

    async def write(self, data: bytes, what: str) -> None:
        """Send these bytes, and wait until the server takes more. A connection that is gone swallows them."""
        self.write_without_waiting(data, what)
        await self._drain()

    async def write_head(self, head: bytes, what: str) -> None:
        """The same of a head of HTTP."""
        self.record_head("sent", what, head)
        self._hand_over(head)
        await self._drain()

    async def write_unrecorded(self, data: bytes) -> None:
        """The same of what is secret, of which no transcript has anything."""
        self._hand_over(data)
        await self._drain()

    def write_without_waiting(self, data: bytes, what: str) -> None:
        """Send these bytes as soon as the server takes them."""
        self.record("sent", what, data)
        self._hand_over(data)

    async def _drain(self) -> None:
        with suppress(OSError):
            async with asyncio.timeout(30):
                await self._writer.drain()

    def _hand_over(self, data: bytes) -> None:
        if not self._writer.transport.is_closing():
            with suppress(OSError):
                self._writer.write(data)

    async def finish(self) -> None:
        """End our half of the TCP connection (FIN), without a close frame."""
        self.record("note", "our half of the connection ends (FIN)")
        with suppress(OSError, NotImplementedError):
            self._writer.write_eof()

    def reset(self) -> None:
        """Break the TCP connection (RST)."""
        self.record("note", "we reset the connection (RST)")
        with suppress(OSError):
            raw = self._writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def vanish(self) -> None:
        """From now on our kernel drops what comes, unread and unacknowledged, as if this machine had lost power."""
        self.record("note", "we vanish: nothing that comes is acknowledged")
        program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0 bytes of the packet
        filter_ = struct.pack("HP", 1, ctypes.addressof(program))
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_)

    @property
    def gone(self) -> bool:
        """Whether what is written now is swallowed."""
        return self._writer.transport.is_closing()

    # -- receiving

    async def read(self) -> bytes:
        """What comes next, at most 64 KiB; nothing at the end, and then `broken` says which end it was."""
        return await self.reader.read(1 << 16)

    @property
    def broken(self) -> bool:
        """Whether the connection broke, where the server might have ended it."""
        return self.reader.broken

    async def discard(self, size: int) -> bool:
        """Read that many bytes and forget them; False where the stream ended before."""
        with suppress(OSError):
            while size > 0:
                if not (data := await self.reader.read(min(size, 1 << 16))):
                    return False
                size -= len(data)
            return True
        return False


class LastingReader(asyncio.StreamReader):
    """Gives all that came before the connection broke; asyncio's own would throw it away."""

    broken = False
    failure: Exception | None = None
    """What broke it."""

    def set_exception(self, exc: Exception) -> None:
        self.broken, self.failure = True, exc
        self.feed_eof()


class LastingProtocol(asyncio.StreamReaderProtocol):
    """Takes what the kernel still holds of a broken connection.

    A server that refuses a large message says why and closes, with much of it unread: that resets the connection
    and our writing fails, maybe before we have read its close frame.
    """

    def __init__(self, reader: asyncio.StreamReader, raw: socket.socket | None) -> None:
        super().__init__(reader)
        self._unread, self._raw = reader, raw

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None and self._raw is not None:
            with suppress(OSError):
                while data := self._raw.recv(1 << 16):
                    self._unread.feed_data(data)
        super().connection_lost(exc)

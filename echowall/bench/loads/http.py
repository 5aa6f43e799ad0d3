"""HTTP/1.1 as a client reads it (RFC 9112), and Server-Sent Events (HTML standard, 9.2), as a generator needs them.

One request is underway at a time. Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from typing import NamedTuple

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: |$)")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_LENGTH = re.compile(rb"[0-9]{1,9}")
#: The longest head, or line of a chunk, in bytes.
_LONGEST = 1 << 16
_BODILESS = (204, 304)


class MalformedError(ValueError):
    """What came is no response that a client could read. The message says what is wrong with it."""


class Answer(NamedTuple):
    """A whole response."""

    status: int
    fields: Mapping[bytes, bytes]
    """Its header, by lower-case names; of a field that came twice the last."""
    body: bytes


class Reader:
    """Reads responses out of what comes on a connection."""

    def __init__(self, piece: Callable[[bytes], None] | None = None) -> None:
        """`piece` is called with each part of the body of a response with status 200, as soon as it is there; its
        answer's body is empty then.
        """
        self.status = 0
        """Of the response that is being read; 0 until its head is there."""
        self.fields: dict[bytes, bytes] = {}
        self._piece = piece
        self._rest = b""
        self._body: list[bytes] = []
        self._left: int | None = 0
        """Bytes of the body, or of the chunk, that are still to come; None where the connection's end is the body's."""
        self._chunk: _Chunk | None = None

    def feed(self, data: bytes) -> Answer | None:
        """The response, once it is whole. Raises MalformedError."""
        self._rest = self._rest + data if self._rest else data
        if not self.status and not self._read_head():
            return None
        if not (self._read_chunks() if self._chunk else self._read_plain()):
            return None
        if self._rest:
            raise MalformedError(f"{len(self._rest)} bytes came after the end of a response")
        return self._whole()

    def end(self) -> Answer | None:
        """The response that is whole now that the connection has ended; None where there is none."""
        return self._whole() if self.status and not self._chunk and self._left is None else None

    def _whole(self) -> Answer:
        answer = Answer(self.status, self.fields, b"".join(self._body))
        self.status, self.fields, self._body = 0, {}, []
        return answer

    def _read_head(self) -> bool:
        while True:
            head = self._until(b"\r\n\r\n", "the head of a response")
            if head is None:
                return False
            first, *lines = head.split(b"\r\n")
            status = _STATUS.match(first)
            if not status:
                raise MalformedError(f"a response begins with {first[:50]!a}")
            if int(status[1]) >= 200:  # what comes before are interim responses
                break
        self.status = int(status[1])
        pairs = (line.partition(b":") for line in lines)
        self.fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self._chunk, self._left = None, None
        if self.status in _BODILESS:
            self._left = 0
        elif self.fields.get(b"transfer-encoding", b"").lower() == b"chunked":
            self._chunk = _Chunk.SIZE
        elif (length := self.fields.get(b"content-length")) is not None:
            if not _LENGTH.fullmatch(length):
                raise MalformedError(f"a Content-Length of {length[:50]!a}")
            self._left = int(length)
        return True

    def _read_plain(self) -> bool:
        if self._left is None:
            self._take(len(self._rest))
            return False
        self._left -= self._take(min(self._left, len(self._rest)))
        return not self._left

    def _read_chunks(self) -> bool:
        while True:
            if self._chunk is _Chunk.DATA:
                assert self._left is not None  # noqa: S101
                self._left -= self._take(min(self._left, len(self._rest)))
                if self._left or len(self._rest) < 2:
                    return False
                if self._rest[:2] != b"\r\n":
                    raise MalformedError(f"a chunk is followed by {self._rest[:2]!a}")
                self._rest, self._chunk = self._rest[2:], _Chunk.SIZE
            line = self._until(b"\r\n", "a line")
            if line is None:
                return False
            if self._chunk is _Chunk.TRAILERS:
                if not line:
                    return True
                continue
            size = line.partition(b";")[0].strip()
            if not _SIZE.fullmatch(size):
                raise MalformedError(f"a chunk's size is {line[:50]!a}")
            self._left = int(size, 16)
            self._chunk = _Chunk.DATA if self._left else _Chunk.TRAILERS

    def _until(self, end: bytes, what: str) -> bytes | None:
        """Take what comes before that end, and the end; None where it is not there yet."""
        before, found, rest = self._rest.partition(end)
        if found:
            self._rest = rest
            return before
        if len(before) > _LONGEST:
            raise MalformedError(f"{what} has no end within {_LONGEST} bytes")
        return None

    def _take(self, count: int) -> int:
        """Take so many bytes for the body; gives their number."""
        data, self._rest = self._rest[:count], self._rest[count:]
        if data and self._piece and self.status == 200:
            self._piece(data)
        elif data:
            self._body.append(data)
        return count


class _Chunk(Enum):
    """What comes next of a body in chunks."""

    SIZE = auto()
    DATA = auto()
    TRAILERS = auto()


class Events:
    """Reads the data of events out of a stream of them."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of those that are whole; comments have none."""
        *whole, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        for event in whole:
            lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
            if lines:
                yield b"\n".join(lines)

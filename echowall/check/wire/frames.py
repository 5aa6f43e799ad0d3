"""WebSocket frames (RFC 6455, section 5.2), written and read.

Here everything can be written that a library refuses to send: reserved bits, unmasked frames, wrong lengths.
"""

from __future__ import annotations

import os
import struct
from enum import IntEnum
from typing import NamedTuple


class Opcode(IntEnum):
    """What a frame is for (RFC 6455, section 11.8)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = Opcode

#: Bits of the first octet that only an extension gives a meaning; permessage-deflate takes RSV1.
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10


class Frame(NamedTuple):
    """A frame as it was received. `opcode` is any number, even of an opcode that does not exist."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    masked: bool = False
    shortest: bool = True
    """Whether the length takes as few bytes as it can."""


class FrameError(Exception):
    """What was received cannot be a server's frame."""


def encode(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    length: int | None = None,
    form: int | None = None,
    key: bytes | None = None,
) -> bytes:
    """The bytes of a frame. `key` masks it; by default a random one.

    `length` is announced in place of the payload's own length. `form` is how many bits it is written with (7, 16 or
    64); by default the fewest that hold it.
    """
    length = len(payload) if length is None else length
    form = form or (7 if length < 126 else 16 if length < 1 << 16 else 64)
    mask_bit = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | rsv | opcode])
    if form == 7:
        head += bytes([mask_bit | length])
    elif form == 16:
        head += struct.pack("!BH", mask_bit | 126, length)
    else:
        head += struct.pack("!BQ", mask_bit | 127, length)
    if not masked:
        return head + payload
    key = os.urandom(4) if key is None else key
    return head + key + mask(payload, key)


def mask(payload: bytes, key: bytes) -> bytes:
    """The payload XOR the key, which repeats (RFC 6455, section 5.3)."""
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def close_payload(code: int | None, reason: str | bytes = "") -> bytes:
    """What a close frame carries: nothing, or a code and a reason (RFC 6455, section 5.5.1)."""
    if code is None:
        return b""
    return struct.pack("!H", code) + (reason.encode() if isinstance(reason, str) else reason)


def close_code(payload: bytes) -> int | None:
    """The code in a close frame's payload; None where it has none."""
    return int.from_bytes(payload[:2], "big") if len(payload) >= 2 else None


class Reader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.raw = b""
        """The beginning of the last frame, as it was received."""

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def __iter__(self) -> Reader:
        return self

    def __next__(self) -> Frame:
        """The next whole frame; StopIteration where more bytes are needed."""
        frame = self._take()
        if frame is None:
            raise StopIteration
        return frame

    @property
    def rest(self) -> bytes:
        """What was received and is not a whole frame."""
        return bytes(self._buffer)

    def _take(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start, least = buffer[1] & 0x7F, 2, 0
        if length == 126:
            if len(buffer) < 4:
                return None
            length, start, least = struct.unpack_from("!H", buffer, 2)[0], 4, 126
        elif length == 127:
            if len(buffer) < 10:
                return None
            length, start, least = struct.unpack_from("!Q", buffer, 2)[0], 10, 1 << 16
        if length > 1 << 32:
            raise FrameError(f"a frame that announces {length} bytes")
        masked = bool(buffer[1] & 0x80)
        key = bytes(buffer[start : start + 4]) if masked else b""
        start += len(key)
        if len(buffer) < start + length:
            return None
        payload = bytes(buffer[start : start + length])
        first = buffer[0]
        self.raw = bytes(buffer[: min(start + length, 1 << 13)])
        del buffer[: start + length]
        return Frame(
            first & 0x0F,
            mask(payload, key) if masked else payload,
            bool(first & 0x80),
            first & 0x70,
            masked,
            length >= least,
        )


def describe(frame: Frame) -> str:
    """A frame in one line, as a person reads it: `text "hello" (5 bytes)`."""
    name = Opcode(frame.opcode).name.lower() if frame.opcode in set(Opcode) else f"opcode 0x{frame.opcode:X}"
    notes = [
        *(["not final"] if not frame.fin else []),
        *(f"RSV{number}" for number, bit in ((1, RSV1), (2, RSV2), (3, RSV3)) if frame.rsv & bit),
        f"{len(frame.payload)} bytes" if len(frame.payload) != 1 else "1 byte",
    ]
    if frame.opcode == CLOSE and (code := close_code(frame.payload)) is not None:
        what = f" {code}" + (f" {quote(frame.payload[2:])}" if frame.payload[2:] else "")
    else:
        what = f" {quote(frame.payload)}" if frame.payload else ""
    return f"{name}{what} ({', '.join(notes)})"


def quote(payload: bytes, most: int = 48) -> str:
    """The payload as JSON-like text, or as hex where it is none, and no longer than a line."""
    try:
        text = (
            payload[: most * 4].decode("utf-8")
            if len(payload) <= most * 4
            else payload[:most].decode("utf-8", "ignore")
        )
    except UnicodeDecodeError:
        shown = payload[: most // 2].hex(" ")
        return f"<{shown}{' …' if len(payload) > most // 2 else ''}>"
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:most])
    return f'"{shown}{"…" if len(text) > most or len(payload) > most * 4 else ""}"'

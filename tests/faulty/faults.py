"""What the server can get wrong: one method changed for each fault, and the checks that have to catch it."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import struct
import threading
import time
import unicodedata
import urllib.parse
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple, TextIO

from tests.faulty.server import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    PATH,
    PING,
    PONG,
    RSV1,
    TEXT,
    Deflate,
    Frame,
    Headers,
    RefusalError,
    Server,
    Session,
    ViolationError,
)


class KeepsContext(Deflate):
    def __init__(self, parameters: dict[str, str | None]) -> None:
        super().__init__(parameters)
        self.keeps_out = True


class ForgetsContext(Deflate):
    def __init__(self, parameters: dict[str, str | None]) -> None:
        super().__init__(parameters)
        self.keeps_in = False


class WidestWindow(Deflate):
    def __init__(self, parameters: dict[str, str | None]) -> None:
        super().__init__({name: value for name, value in parameters.items() if name != "server_max_window_bits"})
        self.parameters = parameters


class TakesUnknown(Deflate):
    @staticmethod
    def known(parameter: tuple[str, str | None]) -> bool:
        return Deflate.known(parameter) or not parameter[0].endswith("_window_bits")


class TakesAnyExtension(Deflate):
    @classmethod
    def negotiate(cls, offers: str) -> Deflate | None:
        return super().negotiate(offers) or (cls({}) if offers and "deflate" not in offers else None)


class Uninvited(Deflate):
    @classmethod
    def negotiate(cls, offers: str) -> Deflate | None:
        return Deflate.negotiate(offers) or (cls({}) if not offers else None)


class Credulous(Deflate):
    def decompress(self, data: bytes, final: bool, most: int) -> bytes:
        try:
            return super().decompress(data, final, most)
        except ViolationError:
            return b""


class EndsAtLastBlock(Deflate):
    def decompress(self, data: bytes, final: bool, most: int) -> bytes:
        if self._in.eof:
            return b""
        try:
            return self._in.decompress(data + (b"\x00\x00\xff\xff" if final else b""), most + 1)
        except zlib.error:
            raise ViolationError(1007, "no DEFLATE stream") from None


class Fault(NamedTuple):
    """A server with one mistake."""

    session: type[Session]
    caught_by: frozenset[str]


KEY = "dGhlIHNhbXBsZSBub25jZQ=="
FAULTS: dict[str, Fault] = {}


def caught_by(*checks: str) -> Callable[[type[Session]], type[Session]]:
    """Register a fault: its name is the class's docstring, without the period."""

    def register(session: type[Session]) -> type[Session]:
        FAULTS[(session.__doc__ or "").rstrip(".")] = Fault(session, frozenset(checks))
        return session

    return register


# -- the handshake


@caught_by("accept-key", "handshake-answer")
class WrongAcceptKey(Session):
    """Wrong accept key."""

    def accept(self, key: str) -> str:
        return super().accept(key.lower())


@caught_by("plain-get")
class NoUpgradeRequired(Session):
    """Plain GET answered with 200."""

    def not_a_websocket(self) -> RefusalError:
        return RefusalError(HTTPStatus.OK, "Hello, browser.")


@caught_by("plain-get")
class ServerError(Session):
    """Plain GET answered with 500."""

    def not_a_websocket(self) -> RefusalError:
        return RefusalError(HTTPStatus.INTERNAL_SERVER_ERROR, "KeyError: 'Sec-WebSocket-Key'")


@caught_by("bad-version")
class NoVersion(Session):
    """Wrong version refused without naming the right one."""

    def wrong_version(self) -> RefusalError:
        return RefusalError(HTTPStatus.BAD_REQUEST, "No.")


@caught_by("subprotocol")
class NoSubprotocol(Session):
    """Subprotocol not chosen."""

    def choose(self, offered: Sequence[str]) -> str | None:
        return None


@caught_by("subprotocol", "subprotocol-unknown", "handshake-answer")
class WholeList(Session):
    """Whole list of subprotocols echoed."""

    def choose(self, offered: Sequence[str]) -> str | None:
        return ", ".join(offered) or None


@caught_by("subprotocol-unasked", "subprotocol-unknown", "subprotocol-case", "handshake-answer")
class Unoffered(Session):
    """Subprotocol chosen that was not offered."""

    def choose(self, offered: Sequence[str]) -> str | None:
        return "echo"


@caught_by("own-origin")
class NoOrigin(Session):
    """Every Origin refused, the site's own too."""

    def allows(self, origins: Sequence[str], host: str) -> bool:
        return not origins


@caught_by("foreign-origin")
class OriginError(Session):
    """Foreign Origin answered with 500."""

    def allows(self, origins: Sequence[str], host: str) -> bool:
        if super().allows(origins, host):
            return True
        raise RefusalError(HTTPStatus.INTERNAL_SERVER_ERROR, "ValueError: not in list")


@caught_by("missing-key")
class NoKey(Session):
    """Handshake without a key."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        headers.setdefault("sec-websocket-key", [KEY])
        super().admit(method, resource, version, headers)


@caught_by("short-key", "bad-key")
class AnyKey(Session):
    """Handshake with any key."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        keys = headers.get("sec-websocket-key", [])
        super().admit(method, resource, version, headers | {"sec-websocket-key": [KEY for _ in keys]})


@caught_by("extension-unknown")
class AnyExtension(Session):
    """Extension agreed to that was not offered."""

    compression = TakesAnyExtension


@caught_by("connection-list")
class PickyConnection(Session):
    """List in Connection refused, such as keep-alive, Upgrade."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        super().admit(method, resource, version, headers)
        if "," in headers["connection"][0]:
            raise RefusalError(HTTPStatus.BAD_REQUEST, "Connection is not Upgrade.")


@caught_by("post", "head")
class AnyMethod(Session):
    """Handshake by any method."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        super().admit("GET", resource, version, headers)


@caught_by("http-1.0")
class AnyHttp(Session):
    """Handshake in HTTP/1.0."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        super().admit(method, resource, "HTTP/1.1", headers)


@caught_by("header-case")
class Literal(Session):
    """Upgrade compared letter by letter."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        super().admit(method, resource, version, headers)
        if headers["upgrade"] != ["websocket"]:
            raise self.not_a_websocket()


@caught_by("cookie-and-query")
class NoQuery(Session):
    """Query taken for a part of the path."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        super().admit(method, resource.replace("?", "%3F"), version, headers)


@caught_by("long-header")
class ShortHead(Session):
    """Hung up on a head of more than 8 KiB."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        if sum(len(value) for values in headers.values() for value in values) > 8192:
            raise ConnectionResetError
        super().admit(method, resource, version, headers)


@caught_by("wrong-path")
class AnyPath(Session):
    """Handshake for any path."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        super().admit(method, PATH, version, headers)


@caught_by("bad-key")
class KeyError500(Session):
    """Key that is no base64 answered with 500."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        if any(len(key) % 4 for key in headers.get("sec-websocket-key", [])):
            raise RefusalError(HTTPStatus.INTERNAL_SERVER_ERROR, "binascii.Error: Incorrect padding")
        super().admit(method, resource, version, headers)


@caught_by("non-ascii-header")
class AsciiOnly(Session):
    """Header that is not ASCII answered with 500."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        if not all(value.isascii() for values in headers.values() for value in values):
            raise RefusalError(HTTPStatus.INTERNAL_SERVER_ERROR, "UnicodeDecodeError")
        super().admit(method, resource, version, headers)


@caught_by("upgrade-header")
class NamelessUpgrade(Session):
    """426 that does not say to what."""

    def not_a_websocket(self) -> RefusalError:
        return RefusalError(HTTPStatus.UPGRADE_REQUIRED, "WebSockets only.")


@caught_by("upgrade-header")
class NamelessVersion(Session):
    """426 for a version that does not say to what."""

    def wrong_version(self) -> RefusalError:
        return RefusalError(HTTPStatus.UPGRADE_REQUIRED, "Not that one.", Sec_WebSocket_Version="13")


class ReadsHead(Session):
    """Reads the head in a way of its own."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(server, reader, writer)
        self._until, reader.readuntil = reader.readuntil, self.head  # type: ignore[method-assign,assignment]

    async def head(self, separator: bytes | tuple[bytes, ...] = b"") -> bytes:
        return self.read(await self._until(b"\r\n\r\n"))

    def read(self, head: bytes) -> bytes:
        return head


@caught_by("header-whitespace")
class WantsBlank(ReadsHead):
    """Header lines without a blank behind the colon not seen."""

    def read(self, head: bytes) -> bytes:
        request, *lines = head[:-4].split(b"\r\n")
        return b"\r\n".join([request, *(line for line in lines if b": " in line), b"", b""])


@caught_by("half-handshake")
class OneSegment(ReadsHead):
    """Head in two TCP segments answered with 400."""

    async def head(self, separator: bytes | tuple[bytes, ...] = b"") -> bytes:
        head = await self.reader.read(1 << 16)
        if not head:
            raise asyncio.IncompleteReadError(head, None)
        if not head.endswith(b"\r\n\r\n"):
            raise RefusalError(HTTPStatus.BAD_REQUEST, "That is not the whole head.")
        return head


@caught_by("half-handshake")
class OneHandshake(Session):
    """All clients wait for the rest of one's handshake."""

    turn = asyncio.Lock()

    async def upgrade(self) -> None:
        async with self.turn:
            await super().upgrade()


@caught_by("large-cookie")
class SmallHead(Session):
    """Head of more than 4 KiB refused."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        if sum(len(value) for values in headers.values() for value in values) > 4096:
            raise RefusalError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The head is too large.")
        super().admit(method, resource, version, headers)


@caught_by("two-keys")
class FirstKey(Session):
    """First of two keys taken."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        if keys := headers.get("sec-websocket-key"):
            del keys[1:]
        super().admit(method, resource, version, headers)


@caught_by("missing-connection")
class NoConnection(Session):
    """Handshake without Connection."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        headers.setdefault("connection", ["Upgrade"])
        super().admit(method, resource, version, headers)


@caught_by("missing-host")
class NoHost(Session):
    """Handshake without Host."""

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        headers.setdefault("host", ["localhost"])
        super().admit(method, resource, version, headers)


@caught_by("subprotocol-case")
class AnyCase(Session):
    """Subprotocol chosen in other letters than it was offered in."""

    def choose(self, offered: Sequence[str]) -> str | None:
        return super().choose([name.lower() for name in offered])


@caught_by("foreign-origin")
class NullOrigin(Session):
    """Foreign Origin refused, and null accepted."""

    def allows(self, origins: Sequence[str], host: str) -> bool:
        return super().allows([origin for origin in origins if origin != "null"], host)


@caught_by("handshake-answer")
class BothOffers(Session):
    """Both of two offers of compression accepted."""

    class compression(Deflate):  # noqa: N801
        both = False

        @classmethod
        def negotiate(cls, offers: str) -> Deflate | None:
            if isinstance(found := super().negotiate(offers), cls):
                found.both = offers.count("permessage-deflate") == 2
            return found

        @property
        def answer(self) -> str:
            return super().answer + (", permessage-deflate" if self.both else "")


# -- the 101, as browsers read it


@caught_by("handshake-answer")
class Http10(Session):
    """101 in HTTP/1.0."""

    def switch(self, headers: dict[str, str]) -> bytes:
        return super().switch(headers).replace(b"HTTP/1.1", b"HTTP/1.0", 1)


@caught_by("handshake-answer")
class EmptyBody(Session):
    """101 that announces a body."""

    def switch(self, headers: dict[str, str]) -> bytes:
        return super().switch(headers | {"Content-Length": "5"})


@caught_by("handshake-answer")
class Chunked(Session):
    """101 with a Transfer-Encoding."""

    def switch(self, headers: dict[str, str]) -> bytes:
        return super().switch(headers | {"Transfer-Encoding": "chunked"})


def _doubled(answer: bytes, name: bytes) -> bytes:
    lines = answer.split(b"\r\n")
    return b"\r\n".join([*lines[:-2], *(line for line in lines if line.startswith(name)), b"", b""])


@caught_by("handshake-answer", "accept-key")
class TwoAccepts(Session):
    """101 with two accept values."""

    def switch(self, headers: dict[str, str]) -> bytes:
        return _doubled(super().switch(headers), b"Sec-WebSocket-Accept")


@caught_by("handshake-answer", "accept-key")
class TwoUpgrades(Session):
    """101 with two Upgrade headers."""

    def switch(self, headers: dict[str, str]) -> bytes:
        return _doubled(super().switch(headers), b"Upgrade")


@caught_by("handshake-answer")
class TwoExtensions(Session):
    """101 with the extension in two headers."""

    def switch(self, headers: dict[str, str]) -> bytes:
        answer = super().switch(headers)
        return _doubled(answer, b"Sec-WebSocket-Extensions") if b"max_window_bits=10" in answer else answer


@caught_by("handshake-answer", "subprotocol")
class TwoSubprotocols(Session):
    """101 with the subprotocol in two headers."""

    def switch(self, headers: dict[str, str]) -> bytes:
        return _doubled(super().switch(headers), b"Sec-WebSocket-Protocol")


class Selects(Session):
    """Adds something to what it selects of permessage-deflate."""

    added = ""

    def switch(self, headers: dict[str, str]) -> bytes:
        name = "Sec-WebSocket-Extensions"
        return super().switch(headers | ({name: headers[name] + self.added} if name in headers else {}))


@caught_by("handshake-answer")
class UnknownParameter(Selects):
    """Compression agreed to with a parameter that does not exist."""

    added = "; wall_bits=9"


@caught_by("handshake-answer")
class BitsOutOfRange(Selects):
    """Window of 16 bits agreed to."""

    added = "; server_max_window_bits=16"

    def switch(self, headers: dict[str, str]) -> bytes:
        offered = "server_max_window_bits" in headers.get("Sec-WebSocket-Extensions", "")
        return Session.switch(self, headers) if offered else super().switch(headers)


@caught_by("handshake-answer")
class BitsNoNumber(BitsOutOfRange):
    """Window of no number agreed to."""

    added = "; server_max_window_bits=abc"


@caught_by("handshake-answer")
class BitsValueless(BitsOutOfRange):
    """Window without a size agreed to."""

    added = "; server_max_window_bits"


@caught_by("handshake-answer", "deflate-client-context")
class ValuedFlag(Selects):
    """No context takeover agreed to, with a value."""

    added = "; client_no_context_takeover=yes"


@caught_by("handshake-answer")
class UninvitedBits(Selects):
    """Client told its window, which did not offer that."""

    added = "; client_max_window_bits=15"


@caught_by("accept-key", "handshake-answer")
class NoUpgradeHeader(Session):
    """101 without an Upgrade header."""

    def switch(self, headers: dict[str, str]) -> bytes:
        return super().switch({name: value for name, value in headers.items() if name != "Upgrade"})


@caught_by("accept-key", "handshake-answer")
class NoConnectionHeader(Session):
    """101 without a Connection header."""

    def switch(self, headers: dict[str, str]) -> bytes:
        return super().switch({name: value for name, value in headers.items() if name != "Connection"})


@caught_by("accept-key", "handshake-answer")
class OtherUpgrade(Session):
    """101 that upgrades to something else."""

    def switch(self, headers: dict[str, str]) -> bytes:
        return super().switch(headers | {"Upgrade": "h2c"})


@caught_by("accept-key", "handshake-answer")
class KeepAlive(Session):
    """101 with Connection: keep-alive."""

    def switch(self, headers: dict[str, str]) -> bytes:
        return super().switch(headers | {"Connection": "keep-alive"})


# -- frames, as browsers read them


@caught_by("server-frames")
class Masks(Session):
    """Server's frames masked."""

    def pack(self, first: int, payload: bytes) -> bytes:
        frame = bytearray(super().pack(first, payload))
        frame[1] |= 0x80
        frame[len(frame) - len(payload) : len(frame) - len(payload)] = bytes(4)
        return bytes(frame)


@caught_by("server-frames")
class MasksPongs(Masks):
    """Pongs masked."""

    def pack(self, first: int, payload: bytes) -> bytes:
        return super().pack(first, payload) if first & 0x0F == PONG else Session.pack(self, first, payload)


@caught_by("server-frames")
class MasksCloses(Masks):
    """Closes masked."""

    def pack(self, first: int, payload: bytes) -> bytes:
        return super().pack(first, payload) if first & 0x0F == CLOSE else Session.pack(self, first, payload)


@caught_by("server-frames")
class SixteenBits(Session):
    """Length of a short frame in 16 bits."""

    def pack(self, first: int, payload: bytes) -> bytes:
        size = len(payload)
        return super().pack(first, payload) if size >= 126 else struct.pack("!BBH", first, 126, size) + payload


@caught_by("server-frames")
class SixtyFourBits(Session):
    """Length of a frame of some hundred bytes in 64 bits."""

    def pack(self, first: int, payload: bytes) -> bytes:
        size = len(payload)
        return super().pack(first, payload) if size < 126 else struct.pack("!BBQ", first, 127, size) + payload


class SetsBits(Session):
    """Sets bits of a frame's first octet."""

    opcode = PONG
    bits = 0x20

    def pack(self, first: int, payload: bytes) -> bytes:
        return super().pack(first | (self.bits if first & 0x0F == self.opcode else 0), payload)


@caught_by("server-frames")
class ReservedPong(SetsBits):
    """Reserved bit on a pong."""


@caught_by("server-frames")
class ReservedBinary(SetsBits):
    """Reserved bit on a binary message."""

    opcode = BINARY


@caught_by("server-frames")
class ReservedClose(SetsBits):
    """Reserved bit on a close."""

    opcode = CLOSE
    bits = 0x10


@caught_by("server-frames")
class CompressedPong(SetsBits):
    """Pong marked as compressed where compression was agreed."""

    def pack(self, first: int, payload: bytes) -> bytes:
        self.bits = RSV1 if self.deflate else 0
        return super().pack(first, payload)

    async def ping(self, payload: bytes) -> None:
        await self.send(PONG, payload)


@caught_by("server-frames", "coalesced-ping", "fragments-apart", "fragments-ping", "deflate-fragments")
class FragmentedPong(Session):
    """Pong in fragments."""

    async def ping(self, payload: bytes) -> None:
        await self.write(self.pack(PONG, payload) + self.pack(FIN, b""))


@caught_by("server-frames")
class UnknownAfterEcho(Session):
    """Frame of an unknown opcode behind each echo."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(opcode, data)
        if data == b"wall":
            await self.write(self.pack(FIN | 0x3, b""))


@caught_by("server-frames")
class LongReason(Session):
    """Close with a reason of more than 123 bytes."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        if not self.closing and code == 1000 and reason:
            self.closing = True
            await self.write(self.pack(FIN | CLOSE, struct.pack("!H", 1000) + b"x" * 124))
        await super().leave(code, reason)


@caught_by("server-frames", "close-long-reason")
class BrokenReason(Session):
    """Close with a reason that is not UTF-8."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        if not self.closing and code == 1000 and reason:
            self.closing = True
            await self.write(self.pack(FIN | CLOSE, struct.pack("!H", 1000) + b"\xff\xfe"))
        await super().leave(code, reason)


@caught_by("server-frames")
class MarkedContinuation(Session):
    """Echo in two frames, of which both are marked as compressed."""

    async def send(self, opcode: int, payload: bytes = b"") -> None:
        if not (self.deflate and opcode == TEXT and len(payload) == 4):
            return await super().send(opcode, payload)
        packed = self.deflate.compress(payload)
        return await self.write(self.pack(RSV1 | TEXT, packed[:2]) + self.pack(FIN | RSV1, packed[2:]))


@caught_by("server-frames", "close-long-reason")
class Says1006(Session):
    """Close with a code that may not be sent, where a page is closed in order."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        if not self.closing and code == 1000 and reason:
            self.closing = True
            await self.write(self.pack(FIN | CLOSE, struct.pack("!H", 1006)))
        await super().leave(code, reason)


@caught_by("server-frames")
class HalfACode(Session):
    """Close with half a code, where a page is closed in order."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        if not self.closing and code == 1000 and reason:
            self.closing = True
            await self.write(self.pack(FIN | CLOSE, b"\x03"))
        await super().leave(code, reason)


@caught_by("server-frames", "coalesced-ping", "fragments-apart", "fragments-ping", "deflate-fragments")
class StrayContinuation(Session):
    """Continuation of nothing behind each pong."""

    async def ping(self, payload: bytes) -> None:
        await super().ping(payload)
        await self.write(self.pack(FIN, b""))


# -- messages


@caught_by("binary", "binary-bytes", "empty-binary", "fragments-binary")
class BinaryAsText(Session):
    """Binary echoed as text."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(TEXT, data)


@caught_by("empty-message", "empty-binary", "deflate-binary", "deflate-sizes")
class LosesEmpty(Session):
    """Empty messages lost."""

    async def echo(self, opcode: int, data: bytes) -> None:
        if data:
            await super().echo(opcode, data)


@caught_by(
    "burst",
    "byte-by-byte",
    "coalesced",
    "coalesced-ping",
    "cross-talk",
    "deflate",
    "deflate-apart",
    "deflate-client-context",
    "deflate-fragments",
    "deflate-no-context",
    "deflate-plain",
    "deflate-server-context",
    "deflate-window",
    "duplicates",
    "fragments",
    "fragments-apart",
    "fragments-empty",
    "fragments-ping",
    "half-message",
    "large-message",
    "order",
    "phantom-burst",
    "reset",
    "resets",
    "text",
    "unicode",
    "unsolicited-pong",
    "deflate-history",
    "deflate-last-block",
    "deflate-sizes",
    "verbatim",
    "steady",
    "bystander",
    "half-handshake",
    "fragments-pong",
)
class UpperCase(Session):
    """Text echoed in upper case."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(opcode, data.upper() if opcode == TEXT else data)


@caught_by("noncharacters", "unicode", "fragments-character")
class ThreeBytesMost(Session):
    """Text beyond the BMP lost."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(opcode, bytes(b for b in data if b < 0xF0) if opcode == TEXT else data)


@caught_by("nul-message")
class EndsAtNul(Session):
    """Text ends at a NUL."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(opcode, data.partition(b"\0")[0] if opcode == TEXT else data)


@caught_by("noncharacters")
class NoNoncharacters(Session):
    """Noncharacters taken for a fault in UTF-8."""

    def check_text(self, data: bytes, final: bool) -> None:
        super().check_text(data, final)
        if b"\xef\xbf\xbf" in data:
            raise ViolationError(1007, "U+FFFF")


@caught_by(
    "half-message", "large-message", "lengths", "message-limit", "binary-lengths", "deflate-sizes", "fragments-many"
)
class Truncates(Session):
    """Messages cut at 65535 bytes."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(opcode, data[:65535])


@caught_by("burst", "deflate-history", "steady", "lengths", "binary-lengths")
class Drops(Session):
    """Every 50th message dropped."""

    async def echo(self, opcode: int, data: bytes) -> None:
        if self.count % 50:
            await super().echo(opcode, data)


@caught_by("burst", "duplicates", "deflate-history", "steady", "lengths", "binary-lengths")
class Repeats(Session):
    """Every 50th message echoed twice."""

    async def echo(self, opcode: int, data: bytes) -> None:
        for _ in range(1 if self.count % 50 else 2):
            await super().echo(opcode, data)


@caught_by("burst", "order", "binary-lengths", "lengths", "deflate-history", "steady")
class Swaps(Session):
    """Order of two messages swapped."""

    held: bytes = b""

    async def echo(self, opcode: int, data: bytes) -> None:
        if self.count == 30:
            self.held = data
            return
        await super().echo(opcode, data)
        if self.count == 31:
            await super().echo(TEXT, self.held)


class Changes(Session):
    """Changes text that comes back."""

    def change(self, data: bytes) -> bytes:
        raise NotImplementedError

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(opcode, self.change(data) if opcode == TEXT else data)


@caught_by("verbatim")
class StripsBom(Changes):
    """BOM taken off."""

    def change(self, data: bytes) -> bytes:
        return data.removeprefix(b"\xef\xbb\xbf")


@caught_by("verbatim")
class UnixLines(Changes):
    """CRLF turned into LF."""

    def change(self, data: bytes) -> bytes:
        return data.replace(b"\r\n", b"\n")


@caught_by("verbatim")
class NoTabs(Changes):
    """Tabs turned into blanks."""

    def change(self, data: bytes) -> bytes:
        return data.replace(b"\t", b"    ")


@caught_by("verbatim")
class EscapesHtml(Changes):
    """HTML escaped."""

    def change(self, data: bytes) -> bytes:
        return data.replace(b"<", b"&lt;")


@caught_by("verbatim")
class ReformatsJson(Changes):
    """JSON written anew."""

    def change(self, data: bytes) -> bytes:
        try:
            return json.dumps(json.loads(data)).encode() if data.startswith(b"{") else data
        except ValueError:
            return data


@caught_by("lengths", "binary-lengths")
class WrongByte(Session):
    """Byte changed in messages of 127 bytes."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(opcode, data[:60] + b"?" + data[61:] if len(data) == 127 else data)


@caught_by("binary-lengths")
class WrongByteBinary(Session):
    """Byte changed in binary messages of 65,537 bytes."""

    async def echo(self, opcode: int, data: bytes) -> None:
        wrong = opcode == BINARY and len(data) == 65537
        await super().echo(opcode, data[:-2] + b"?" + data[-1:] if wrong else data)


@caught_by("steady", "binary-lengths", "deflate-binary")
class BinaryTwice(Session):
    """Binary echoed twice."""

    async def echo(self, opcode: int, data: bytes) -> None:
        for _ in range(2 if opcode == BINARY else 1):
            await super().echo(opcode, data)


@caught_by("burst", "steady")
class DropsRarely(Session):
    """Every 500th message dropped."""

    async def echo(self, opcode: int, data: bytes) -> None:
        if self.count % 500:
            await super().echo(opcode, data)


@caught_by("steady", "burst", "lengths", "binary-lengths", "deflate-history", "duplicates", "phantom-burst")
class DropsOften(Session):
    """Every 13th message dropped."""

    async def echo(self, opcode: int, data: bytes) -> None:
        if self.count % 13:
            await super().echo(opcode, data)


@caught_by("burst", "steady", "deflate-history")
class DropsHundredth(Session):
    """Every 100th message dropped."""

    async def echo(self, opcode: int, data: bytes) -> None:
        if self.count % 100:
            await super().echo(opcode, data)


@caught_by("verbatim")
class Composes(Changes):
    """Letters composed (NFC)."""

    def change(self, data: bytes) -> bytes:
        return unicodedata.normalize("NFC", data.decode()).encode() if data.startswith(b"e") else data


@caught_by("verbatim", "byte-by-byte", "deflate", "deflate-last-block")
class Strips(Changes):
    """Blanks at the ends taken off."""

    def change(self, data: bytes) -> bytes:
        return data.strip(b" \t\r\n") or data


@caught_by("verbatim")
class Unquotes(Changes):
    """Percent signs decoded."""

    def change(self, data: bytes) -> bytes:
        return urllib.parse.unquote_to_bytes(data)


@caught_by("lengths", "binary-lengths")
class FullBuffer(Session):
    """Frame that ends with a buffer of 4 KiB not taken before the next byte comes."""

    async def payload(self, length: int) -> bytes:
        payload = await super().payload(length)
        if 126 <= length < 1 << 16 and (length + 8) % 4096 == 0:
            await asyncio.sleep(30)
        return payload


@caught_by("paused-frame")
class HasteWithFrames(Session):
    """Frame given up that takes more than two seconds."""

    async def payload(self, length: int) -> bytes:
        try:
            async with asyncio.timeout(2):
                return await super().payload(length)
        except TimeoutError:
            raise ViolationError(1008, "too slow") from None


@caught_by("backlog")
class Impatient(Session):
    """Messages dropped for a client that has not read for half a second."""

    async def echo(self, opcode: int, data: bytes) -> None:
        transport = self.writer.transport
        if transport.get_write_buffer_size() <= transport.get_write_buffer_limits()[1]:
            await super().echo(opcode, data)

    async def drain(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await super().drain()


@caught_by("backlog-ping")
class Splices(Session):
    """Pong sent in the middle of a message."""

    pong = b""

    async def drain(self) -> None:
        pass  # pings are read although messages wait

    async def ping(self, payload: bytes) -> None:
        if not self.writer.transport.get_write_buffer_size():
            await super().ping(payload)
            return
        self.pong = self.pack(FIN | PONG, payload)
        self.beside(self.answer())

    async def answer(self) -> None:
        await asyncio.sleep(0.05)
        await self.write(b"")

    async def write(self, data: bytes) -> None:
        pong, self.pong = self.pong, b""
        await super().write(data[: len(data) // 2] + pong + data[len(data) // 2 :])


@caught_by("phantom-idle")
class PhantomWhenIdle(Session):
    """Phantom message when idle."""

    def opened(self) -> None:
        super().opened()
        self.beside(self.haunt())

    async def haunt(self) -> None:
        while True:
            await asyncio.sleep(10)
            await self.send(TEXT)


@caught_by("burst", "phantom-burst", "steady")
class PhantomAfterBurst(Session):
    """Phantom message after a burst."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(opcode, data)
        if self.count == 100:
            await self.send(TEXT)


@caught_by("cross-talk")
class CrossTalk(Session):
    """Echo sent to another client where there are many."""

    async def echo(self, opcode: int, data: bytes) -> None:
        others = list(self.server.sessions)
        await (others[0] if len(others) >= 50 else self).send(opcode, data)


@caught_by("message-limit", "fragments-limit", "zip-bomb", "announced-length")
class NoLimit(Session):
    """No limit on the size of a message."""

    def check_size(self, size: int) -> None:
        pass


@caught_by("fragments-limit", "zip-bomb", "zip-bomb-memory")
class LimitOfFrames(Session):
    """Message held to the limit frame by frame."""

    def most(self) -> int:
        return 1 << 30

    def check_size(self, size: int) -> None:
        super().check_size(size - self._size)


@caught_by("zip-bomb", "zip-bomb-memory")
class LimitOfInflated(Session):
    """Compressed message held to the limit frame by frame."""

    def most(self) -> int:
        return 1 << 30

    def check_size(self, size: int) -> None:
        super().check_size(size - self._size if self._packed else size)


@caught_by("zip-bomb", "zip-bomb-memory")
class Bomb(Session):
    """Compressed message not held to the limit."""

    def most(self) -> int:
        return 1 << 30

    def check_size(self, size: int) -> None:
        if not self.deflate:
            super().check_size(size)


@caught_by("zip-bomb-memory")
class InflatedFirst(Session):
    """Compressed message decompressed whole, and only then held to the limit."""

    def most(self) -> int:
        return 1 << 30


# -- fragmentation


@caught_by(
    "deflate-fragments",
    "fragments",
    "fragments-apart",
    "fragments-binary",
    "fragments-character",
    "fragments-empty",
    "fragments-ping",
    "fragments-tiny",
    "fragments-many",
    "fragments-pong",
)
class NulAtBorders(Session):
    """NUL at each border of fragments."""

    def part(self, data: bytes, final: bool) -> None:
        super().part(data if final else data + b"\0", final)


@caught_by("fragments-apart", "bystander")
class SharedBuffer(Session):
    """Fragments of all clients in one buffer."""

    shared: list[bytes] = []  # noqa: RUF012  the fault

    def opened(self) -> None:
        super().opened()
        self.parts = self.shared
        self.shared.clear()


@caught_by("fragments-tiny", "fragments-many")
class Quadratic(Session):
    """Time that grows with the square of the number of fragments."""

    async def payload(self, length: int) -> bytes:
        await asyncio.sleep(len(self.parts) / 1e6)
        return await super().payload(length)


@caught_by("fragments-many")
class CountsFragments(Session):
    """Cut off after 16,384 fragments."""

    def part(self, data: bytes, final: bool) -> None:
        super().part(data, final)
        if len(self.parts) > 16384:
            raise ConnectionResetError


@caught_by("fragments-pong")
class PongEndsMessage(Session):
    """Fragments forgotten at a pong between them."""

    async def take(self, frame: Frame) -> bool:
        if frame.opcode == PONG:
            self.parts.clear()
        return await super().take(frame)


@caught_by("close-within-message")
class BusyWithMessage(Session):
    """Close not answered within a message."""

    async def closed(self, payload: bytes) -> None:
        if self._message is None:
            await super().closed(payload)


@caught_by("stray-continuation", "interrupted-message")
class AnySequence(Session):
    """Continuation of nothing let pass."""

    def check_sequence(self, opcode: int) -> None:
        pass


# -- control frames


@caught_by("pong-payload", "busy-ping", "empty-ping", "long-ping", "several-pings", "fragments-ping", "binary-ping")
class NoPong(Session):
    """No pong."""

    async def ping(self, payload: bytes) -> None:
        pass


@caught_by("pong-payload", "busy-ping", "long-ping", "several-pings", "binary-ping")
class EmptyPong(Session):
    """Empty pong."""

    async def ping(self, payload: bytes) -> None:
        await super().ping(b"")


@caught_by("pong-payload", "busy-ping", "long-ping", "several-pings", "fragments-ping", "binary-ping")
class OtherPong(Session):
    """Pong with another payload."""

    async def ping(self, payload: bytes) -> None:
        await super().ping(payload[::-1])


@caught_by("binary-ping")
class TextPong(Session):
    """Pong whose payload went through a string."""

    async def ping(self, payload: bytes) -> None:
        await super().ping(payload.decode("utf-8", "replace").encode()[:125])


@caught_by("long-form-ping")
class LongFormPing(Session):
    """Ping whose length is in more bytes than needed taken for an error of the server's."""

    control = False

    def check_opcode(self, opcode: int) -> None:
        super().check_opcode(opcode)
        self.control = opcode >= CLOSE

    def check_control(self, fin: bool, length: int) -> None:
        super().check_control(fin, min(length, 125))

    def check_shortest(self, needed: bool) -> None:
        if self.control:
            raise ViolationError(1002 if needed else 1011, "how can that be?")
        super().check_shortest(needed)


@caught_by("fragmented-ping", "oversized-ping")
class AnyControl(Session):
    """Control frames too long or in fragments let pass."""

    def check_control(self, fin: bool, length: int) -> None:
        pass


@caught_by("server-pings", "mute-client", "phantom-idle", "idle-kept")
class CannotWait(Session):
    """Idle clients closed after 10 s."""

    def opened(self) -> None:
        self.beside(self.lose_patience())

    async def lose_patience(self) -> None:
        await asyncio.sleep(10)
        await self.leave(1001, "idle")


# -- closing


@caught_by("close-code")
class WrongCloseCode(Session):
    """Close answered with a code of the server's own."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        await super().leave(4000 if code and code >= 3000 else code, reason)


@caught_by("close-unassigned-code")
class UnassignedCode(Session):
    """Close with a code that is not assigned yet answered with 1011."""

    def check_code(self, code: int) -> None:
        if 1016 <= code <= 2999:
            raise ViolationError(1011, "KeyError")
        super().check_code(code)


@caught_by("two-closes")
class AnswersBoth(Session):
    """Each of two closes answered."""

    async def closed(self, payload: bytes) -> None:
        await super().closed(payload)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await self.frame()
                await self.send(CLOSE, payload)


@caught_by("close-empty")
class Says1005(Session):
    """Close without a code answered with 1005."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        await super().leave(1005 if code is None else code, reason)


@caught_by("close-normal", "close-long-reason", "close-within-message", "two-closes")
class SorryClose(Session):
    """Close with 1000 answered with 1011."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        await super().leave(1011 if code == 1000 else code, reason)


@caught_by("close-registered-code")
class OldCodes(Session):
    """Close codes 1012 to 1014 taken for wrong."""

    def check_code(self, code: int) -> None:
        if code in (1012, 1013, 1014):
            raise ViolationError(1002, "unknown code")
        super().check_code(code)


@caught_by("close-long-reason")
class CutsReason(Session):
    """Close reason sent back cut within a letter."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        if self.closing or code is None or len(reason.encode()) <= 60:
            return await super().leave(code, reason)
        self.closing = True
        return await self.send(CLOSE, struct.pack("!H", code) + reason.encode()[:60])


@caught_by("close-ends-tcp")
class ResetsAtClose(Session):
    """TCP connection reset after the closing handshake."""

    async def linger(self) -> None:
        if self.closing:
            await asyncio.sleep(0.02)  # so that the close frame is read before
            raw = self.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        else:
            await super().linger()


@caught_by("close-invalid-code")
class AnyCloseCode(Session):
    """Close codes that may not be sent let pass."""

    def check_code(self, code: int) -> None:
        pass


@caught_by("close-bad-reason")
class AnyReason(Session):
    """Close reason that is no UTF-8 let pass."""

    def reason(self, reason: bytes) -> str:
        return reason.decode("utf-8", "replace")


@caught_by("close-one-byte")
class HalfCode(Session):
    """Half a close code let pass."""

    async def closed(self, payload: bytes) -> None:
        await super().closed(payload[:0] if len(payload) == 1 else payload)


@caught_by("data-after-close")
class EchoesAfterClose(Session):
    """Message after the client's close echoed."""

    async def closed(self, payload: bytes) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await self.take(await self.frame())
        await super().closed(payload)


@caught_by("close-ends-tcp", "crossed-closes", "two-closes")
class StaysOpen(Session):
    """TCP connection left open after the closing handshake."""

    async def linger(self) -> None:
        await asyncio.sleep(10)


@caught_by("half-close")
class IgnoresFin(Session):
    """Client's FIN not noticed."""

    async def ended(self) -> None:
        await asyncio.sleep(10)


@caught_by("shutdown-close")
class NoFarewell(Session):
    """No farewell at SIGTERM."""

    async def farewell(self) -> None:
        pass


@caught_by("shutdown-close")
class NoExit(Session):
    """No end at SIGTERM."""

    async def farewell(self) -> None:
        await super().farewell()
        await asyncio.sleep(3600)


# -- protocol errors


@caught_by(
    "reserved-bits",
    "deflate-marked-continuation",
    "deflate-marked-ping",
    "reserved-bits-control",
    "deflate-reserved-bits",
)
class AnyRsv(Session):
    """Reserved bits ignored."""

    def check_rsv(self, rsv: int, opcode: int) -> None:
        pass


@caught_by("reserved-bits-control", "deflate-marked-ping")
class ControlRsv(Session):
    """Reserved bits on control frames ignored."""

    def check_rsv(self, rsv: int, opcode: int) -> None:
        if opcode < CLOSE:
            super().check_rsv(rsv, opcode)


@caught_by("deflate-marked-ping")
class MarkedPing(Session):
    """Ping that is marked as compressed answered."""

    def check_rsv(self, rsv: int, opcode: int) -> None:
        if not (self.deflate and opcode >= CLOSE):
            super().check_rsv(rsv, opcode)


@caught_by("deflate-marked-continuation")
class AnyMarkedContinuation(Session):
    """Continuation that is marked as compressed let pass."""

    def check_rsv(self, rsv: int, opcode: int) -> None:
        if not (self.deflate and opcode == 0):
            super().check_rsv(rsv, opcode)


@caught_by("unknown-opcode")
class SomeOpcodes(Session):
    """Opcode 0x7 let pass."""

    def check_opcode(self, opcode: int) -> None:
        if opcode != 0x7:
            super().check_opcode(opcode)


@caught_by("unknown-opcode")
class AnyOpcode(Session):
    """Unknown opcodes ignored."""

    def check_opcode(self, opcode: int) -> None:
        pass


@caught_by("data-after-error")
class ReadsOn(Session):
    """Messages echoed after the close for a breach of the protocol."""

    late: ViolationError | None = None

    def check_opcode(self, opcode: int) -> None:
        try:
            super().check_opcode(opcode)
        except ViolationError as violation:
            self.late = violation  # once its payload is read

    async def take(self, frame: Frame) -> bool:
        if self.late:
            late, self.late = self.late, None
            raise late
        return await super().take(frame)

    async def leave(self, code: int | None, reason: str = "") -> None:
        going, self._message = not self.closing, None
        await super().leave(code, reason)
        if going and code == 1002:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    frame = await self.frame()
                    if frame.opcode == TEXT:
                        await self.write(self.pack(FIN | TEXT, frame.payload))


@caught_by("unmasked-others")
class EmptyUnmasked(Session):
    """Unmasked frames let pass that are empty."""

    masked = True

    def check_mask(self, masked: bool) -> None:
        self.masked = masked

    def check_size(self, size: int) -> None:
        if not self.masked and size:
            raise ViolationError(1002, "not masked")
        super().check_size(size)


@caught_by("unmasked-frame", "unmasked-others")
class AnyMask(Session):
    """Unmasked frames let pass."""

    def check_mask(self, masked: bool) -> None:
        pass


@caught_by("unmasked-others")
class AnyBinaryMask(Session):
    """Unmasked binary let pass."""

    binary = False

    def check_opcode(self, opcode: int) -> None:
        super().check_opcode(opcode)
        self.binary = opcode == BINARY

    def check_mask(self, masked: bool) -> None:
        super().check_mask(masked or self.binary)


@caught_by("unmasked-others")
class AnyControlMask(Session):
    """Unmasked control frames let pass."""

    control = False

    def check_opcode(self, opcode: int) -> None:
        super().check_opcode(opcode)
        self.control = opcode >= CLOSE

    def check_mask(self, masked: bool) -> None:
        super().check_mask(masked or self.control)


@caught_by("announced-length")
class WaitsForTerabyte(Session):
    """Length of 2^40 waited for."""

    def check_size(self, size: int) -> None:
        if size != 1 << 40:
            super().check_size(size)


@caught_by("large-message", "message-limit", "binary-lengths", "deflate-sizes", "lengths", "order")
class HalfUnmasked(Session):
    """Mask taken off the first 64 KiB only."""

    def unmask(self, payload: bytes, key: bytes) -> bytes:
        return super().unmask(payload[:65536], key) + payload[65536:]


@caught_by("long-form-length")
class LongForm(Session):
    """Length in more bytes than needed taken for an error of the server's."""

    def check_shortest(self, needed: bool) -> None:
        if not needed:
            raise ViolationError(1011, "how can that be?")


@caught_by("huge-length")
class WaitsForever(Session):
    """Length of 2^63 waited for."""

    def check_top_bit(self, length: int) -> None:
        pass

    def check_size(self, size: int) -> None:
        if not size >> 63:
            super().check_size(size)


@caught_by("invalid-utf8", "invalid-utf8-split", "invalid-utf8-early", "deflate-invalid-utf8")
class AnyText(Session):
    """Text that is no UTF-8 echoed."""

    def check_text(self, data: bytes, final: bool) -> None:
        pass


@caught_by("invalid-utf8")
class Surrogates(Session):
    """Surrogates in UTF-8 let pass."""

    def check_text(self, data: bytes, final: bool) -> None:
        if b"\xed\xa0\x80" not in data:
            super().check_text(data, final)


@caught_by("invalid-utf8")
class Overlong(Session):
    """Overlong form of three bytes let pass."""

    def check_text(self, data: bytes, final: bool) -> None:
        super().check_text(data.replace(b"\xe0\x80\xaf", b"/"), final)


@caught_by("invalid-utf8")
class LeadByte(Session):
    """Lead byte of F5 let pass."""

    def check_text(self, data: bytes, final: bool) -> None:
        super().check_text(data.replace(b"\xf5\x80\x80\x80", b"?"), final)


@caught_by("fragments-character")
class TextByFragment(Session):
    """Each fragment has to be UTF-8 by itself."""

    def check_text(self, data: bytes, final: bool) -> None:
        super().check_text(data, True)


# -- compression


@caught_by("deflate")
class NeverCompresses(Session):
    """Compression agreed to and never used."""

    def compresses(self, payload: bytes) -> bool:
        return False


@caught_by("deflate-unasked", "handshake-answer")
class CompressesUnasked(Session):
    """Compression agreed to that was not offered."""

    compression = Uninvited

    def compresses(self, payload: bytes) -> bool:
        return not isinstance(self.deflate, Uninvited)


@caught_by("deflate-corrupt")
class EchoesCorrupt(Session):
    """Corrupt compression taken for an empty message."""

    compression = Credulous


@caught_by("deflate-no-context")
class PromisedNoContext(Session):
    """Server's context kept in spite of server_no_context_takeover."""

    compression = KeepsContext


@caught_by("deflate-client-context", "deflate-history", "deflate-plain")
class LosesContext(Session):
    """Client's context lost after each message."""

    compression = ForgetsContext


@caught_by("deflate-window")
class PromisedWindow(Session):
    """Window wider than agreed."""

    compression = WidestWindow


@caught_by("deflate-sizes")
class CorruptsLarge(Session):
    """Compression corrupt from 20,000 bytes on."""

    async def send(self, opcode: int, payload: bytes = b"") -> None:
        if self.deflate and opcode == TEXT and len(payload) == 20_000:
            payload = payload[:-1] + b"?"
        await super().send(opcode, payload)


@caught_by("deflate-binary")
class TextOnly(Session):
    """Compressed binary taken for what it looks like."""

    async def take(self, frame: Frame) -> bool:
        return await super().take(frame._replace(rsv=0) if frame.opcode == BINARY else frame)


@caught_by("deflate-history")
class ShortMemory(Session):
    """Compression's context lost after 50 messages."""

    async def message(self, opcode: int, data: bytes) -> None:
        if self.deflate and self.count == 50:
            self.deflate = Deflate(self.deflate.parameters)
        await super().message(opcode, data)


@caught_by("deflate-last-block")
class OneStream(Session):
    """Last block of a compressed message taken for the end of all."""

    compression = EndsAtLastBlock


@caught_by("deflate-bad-offer")
class TakesUnknownParameters(Session):
    """Compression agreed to with wrong parameters."""

    compression = TakesUnknown


@caught_by("deflate-invalid-utf8")
class AnyCompressedText(Session):
    """Compressed text that is no UTF-8 echoed."""

    def check_text(self, data: bytes, final: bool) -> None:
        if not self._packed:
            super().check_text(data, final)


@caught_by("deflate-plain")
class PlainForgets(Session):
    """Client's context lost after a message that is not compressed."""

    async def take(self, frame: Frame) -> bool:
        if self.deflate and frame.opcode in (TEXT, BINARY) and not frame.rsv:
            self.deflate = Deflate(self.deflate.parameters)
        return await super().take(frame)


@caught_by("deflate-last-block")
class OneLastBlock(Session):
    """Blocks behind a last block lost within a message."""

    class compression(Deflate):  # noqa: N801
        def decompress(self, data: bytes, final: bool, most: int) -> bytes:
            try:
                found = self._in.decompress(data + (b"\x00\x00\xff\xff" if final else b""), most + 1)
            except zlib.error:
                raise ViolationError(1002, "no DEFLATE stream") from None
            if self._in.eof or (final and not self.keeps_in):
                self._in = zlib.decompressobj(-15)
            return found


@caught_by("deflate-fragments")
class PingUncompresses(Session):
    """Message no longer known as compressed after a ping between its fragments."""

    async def take(self, frame: Frame) -> bool:
        self._packed = self._packed and frame.opcode != PING
        return await super().take(frame)


@caught_by("deflate-fragments")
class NoEmptyEnd(Session):
    """Compressed message lost whose last fragment is empty."""

    async def take(self, frame: Frame) -> bool:
        if self.deflate and self._packed and frame.opcode == CONTINUATION and frame.fin and not frame.payload:
            self._message = None
            return False
        return await super().take(frame)


@caught_by("deflate-apart")
class HandsOnContext(Session):
    """Compression's context handed on to the next client."""

    before: Deflate | None = None

    async def send(self, opcode: int, payload: bytes = b"") -> None:
        if self.deflate and opcode == TEXT and len(payload) == 700:
            self.deflate = type(self).before or self.deflate
            type(self).before = self.deflate
        await super().send(opcode, payload)


@caught_by("deflate-reserved-bits")
class CompressedAnyRsv(Session):
    """RSV2 and RSV3 let pass where compression was agreed."""

    def check_rsv(self, rsv: int, opcode: int) -> None:
        super().check_rsv(rsv & RSV1 if self.deflate else rsv, opcode)


# -- endurance


@caught_by("slow-reader")
class Unbounded(Session):
    """Unbounded buffer for a slow reader."""

    async def drain(self) -> None:
        await asyncio.sleep(0)


@caught_by("stalled-neighbour")
class OneWriter(Session):
    """All clients wait for one that does not read."""

    turn = asyncio.Lock()

    async def write(self, data: bytes) -> None:
        async with self.turn:
            await super().write(data)


@caught_by("half-message")
class OneReader(Session):
    """All clients wait for the rest of one's message."""

    turn = asyncio.Lock()

    async def payload(self, length: int) -> bytes:
        async with self.turn:
            return await super().payload(length)


def _cut_off_others(session: Session) -> None:
    for other in session.server.sessions:
        if other is not session and other.count:
            other.writer.transport.abort()


@caught_by("bystander")
class FallsWithBreach(Session):
    """All clients cut off by one's breach of the protocol."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        if code in (1002, 1007):
            _cut_off_others(self)
        await super().leave(code, reason)


@caught_by("bystander")
class FallsWithRefusal(Session):
    """All clients cut off when a handshake is refused."""

    async def refuse(self, refusal: RefusalError) -> None:
        _cut_off_others(self)
        await super().refuse(refusal)


@caught_by("flood-neighbour")
class BusyHandler(Session):
    """All clients wait for a handler that is busy with one's many messages."""

    async def echo(self, opcode: int, data: bytes) -> None:
        time.sleep(0.01 if self.count > 1500 else 0)  # noqa: ASYNC251  the fault
        await super().echo(opcode, data)


@caught_by("resets")
class StuckAfterResets(Session):
    """All clients wait after many resets."""

    seen = itertools.count(1)

    def reset(self) -> None:
        if next(self.seen) == 25:
            time.sleep(4)


@caught_by("resets-released")
class LeaksSockets(Session):
    """Sockets of clients that reset are kept."""

    kept: list[socket.socket] = []  # noqa: RUF012  the fault

    def reset(self) -> None:
        self.kept.append(socket.socket())


@caught_by("memory-released")
class KeepsUnread(Session):
    """What was read of clients that broke off is kept."""

    kept: list[bytes] = []  # noqa: RUF012  the fault

    def reset(self) -> None:
        self.kept.append(b"w" * 1024 * 1024)


@caught_by("close-released")
class LeaksClosed(Session):
    """Sockets of clients that go on sending after their close are kept."""

    kept: list[socket.socket] = []  # noqa: RUF012  the fault

    async def closed(self, payload: bytes) -> None:
        await super().closed(payload)
        if self.reader._buffer:  # type: ignore[attr-defined]
            self.kept.append(socket.socket())


@caught_by("limit-released")
class LeaksThreads(Session):
    """A thread is kept of each client whose message was over the limit."""

    def check_size(self, size: int) -> None:
        try:
            super().check_size(size)
        except ViolationError:
            threading.Thread(target=time.sleep, args=[30], daemon=True).start()
            raise


@caught_by("early-released")
class KeepsEarly(Session):
    """Socket kept of each client that sent more than its handshake before the answer."""

    kept: list[socket.socket] = []  # noqa: RUF012  the fault

    def opened(self) -> None:
        super().opened()
        if self.reader._buffer:  # type: ignore[attr-defined]
            self.kept.append(socket.socket())


@caught_by("descriptors")
class LeaksFiles(Session):
    """File left open for each client."""

    kept: list[TextIO] = []  # noqa: RUF012  the fault

    def opened(self) -> None:
        super().opened()
        self.kept.append(Path(os.devnull).open())  # noqa: SIM115


@caught_by("idle-sockets")
class BusyLoop(Session):
    """Busy loop when idle."""

    def opened(self) -> None:
        super().opened()
        self.beside(self.spin())

    async def spin(self) -> None:
        await asyncio.sleep(0.3)
        while True:  # noqa: ASYNC110  the fault
            await asyncio.sleep(0)


@caught_by("vanished")
class KeepsVanished(Session):
    """Vanished clients never noticed."""

    async def keepalive(self) -> None:
        pass

"""What the server can get wrong: one method changed for each fault, and the checks that have to catch it."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple

from tests.faulty.server import FIN, PATH, PONG, TEXT, Deflate, Headers, RefusalError, Session, ViolationError


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


@caught_by("accept-key")
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


@caught_by("subprotocol", "subprotocol-unknown")
class WholeList(Session):
    """Whole list of subprotocols echoed."""

    def choose(self, offered: Sequence[str]) -> str | None:
        return ", ".join(offered) or None


@caught_by("subprotocol-unasked", "subprotocol-unknown")
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


@caught_by("short-key")
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
    """Firefox refused, which sends Connection: keep-alive, Upgrade."""

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


@caught_by("server-frames")
class Masks(Session):
    """Server's frames masked."""

    def pack(self, first: int, payload: bytes) -> bytes:
        frame = bytearray(super().pack(first, payload))
        frame[1] |= 0x80
        frame[len(frame) - len(payload) : len(frame) - len(payload)] = bytes(4)
        return bytes(frame)


# -- messages


@caught_by("binary", "binary-bytes", "empty-binary", "fragments-binary")
class BinaryAsText(Session):
    """Binary echoed as text."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(TEXT, data)


@caught_by("empty-message", "empty-binary")
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
    "lengths",
    "order",
    "phantom-burst",
    "reset",
    "resets",
    "text",
    "unicode",
    "unsolicited-pong",
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


@caught_by("half-message", "large-message", "lengths", "message-limit")
class Truncates(Session):
    """Messages cut at 65535 bytes."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(opcode, data[:65535])


@caught_by("burst")
class Drops(Session):
    """Every 50th message dropped."""

    async def echo(self, opcode: int, data: bytes) -> None:
        if self.count % 50:
            await super().echo(opcode, data)


@caught_by("burst", "duplicates")
class Repeats(Session):
    """Every 50th message echoed twice."""

    async def echo(self, opcode: int, data: bytes) -> None:
        for _ in range(1 if self.count % 50 else 2):
            await super().echo(opcode, data)


@caught_by("burst", "order")
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


@caught_by("burst", "phantom-burst")
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


@caught_by("message-limit", "zip-bomb")
class NoLimit(Session):
    """No limit on the size of a message."""

    def check_size(self, size: int) -> None:
        pass


@caught_by("zip-bomb")
class Bomb(Session):
    """Compressed message not held to the limit."""

    def most(self) -> int:
        return 1 << 30

    def check_size(self, size: int) -> None:
        if not self.deflate:
            super().check_size(size)


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
)
class NulAtBorders(Session):
    """NUL at each border of fragments."""

    def part(self, data: bytes, final: bool) -> None:
        super().part(data if final else data + b"\0", final)


@caught_by("fragments-apart")
class SharedBuffer(Session):
    """Fragments of all clients in one buffer."""

    shared: list[bytes] = []  # noqa: RUF012  the fault

    def opened(self) -> None:
        super().opened()
        self.parts = self.shared
        self.shared.clear()


@caught_by("fragments-tiny")
class Quadratic(Session):
    """Time that grows with the square of the number of fragments."""

    async def payload(self, length: int) -> bytes:
        await asyncio.sleep(len(self.parts) / 1e6)
        return await super().payload(length)


@caught_by("stray-continuation", "interrupted-message")
class AnySequence(Session):
    """Continuation of nothing let pass."""

    def check_sequence(self, opcode: int) -> None:
        pass


# -- control frames


@caught_by("pong-payload", "busy-ping", "empty-ping", "long-ping", "several-pings", "fragments-ping")
class NoPong(Session):
    """No pong."""

    async def ping(self, payload: bytes) -> None:
        pass


@caught_by("pong-payload", "busy-ping", "long-ping", "several-pings")
class EmptyPong(Session):
    """Empty pong."""

    async def ping(self, payload: bytes) -> None:
        await super().ping(b"")


@caught_by("pong-payload", "busy-ping", "long-ping", "several-pings", "fragments-ping")
class OtherPong(Session):
    """Pong with another payload."""

    async def ping(self, payload: bytes) -> None:
        await super().ping(payload[::-1])


@caught_by("fragmented-ping", "oversized-ping")
class AnyControl(Session):
    """Control frames too long or in fragments let pass."""

    def check_control(self, fin: bool, length: int) -> None:
        pass


@caught_by("server-pings", "mute-client", "phantom-idle")
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
    """Close answered with 1000 whatever its code."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        await super().leave(1000 if code and code >= 3000 else code, reason)


@caught_by("close-empty")
class Says1005(Session):
    """Close without a code answered with 1005."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        await super().leave(1005 if code is None else code, reason)


@caught_by("close-code", "close-normal")
class CloseWithoutCode(Session):
    """Close answered without its code."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        await super().leave(code if code in (1001, 1002, 1007, 1009) else None, reason)


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


@caught_by("close-ends-tcp", "crossed-closes")
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


@caught_by("reserved-bits")
class AnyRsv(Session):
    """Reserved bits ignored."""

    def check_rsv(self, rsv: int, opcode: int) -> None:
        pass


@caught_by("unknown-opcode")
class AnyOpcode(Session):
    """Unknown opcodes ignored."""

    def check_opcode(self, opcode: int) -> None:
        pass


@caught_by("unmasked-frame")
class AnyMask(Session):
    """Unmasked frames let pass."""

    def check_mask(self, masked: bool) -> None:
        pass


@caught_by("large-message", "message-limit")
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


@caught_by("invalid-utf8", "invalid-utf8-split", "invalid-utf8-early")
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


@caught_by("deflate-unasked")
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


@caught_by("deflate-client-context")
class LosesContext(Session):
    """Client's context lost after each message."""

    compression = ForgetsContext


@caught_by("deflate-window")
class PromisedWindow(Session):
    """Window wider than agreed."""

    compression = WidestWindow


@caught_by("deflate-bad-offer")
class TakesUnknownParameters(Session):
    """Compression agreed to with wrong parameters."""

    compression = TakesUnknown


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


@caught_by("limit-released")
class LeaksThreads(Session):
    """A thread is kept of each client whose message was over the limit."""

    def check_size(self, size: int) -> None:
        try:
            super().check_size(size)
        except ViolationError:
            threading.Thread(target=time.sleep, args=[30], daemon=True).start()
            raise


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

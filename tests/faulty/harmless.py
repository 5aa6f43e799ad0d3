"""Servers that do what RFC 6455 and RFC 7692 allow, and few do: the checks may find nothing wrong with them."""

from __future__ import annotations

import asyncio
import socket
import zlib

from tests.faulty.server import CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, Deflate, Session, titled


class TwoFrames(Session):
    """Echoes in two frames, with a ping between them."""

    async def send(self, opcode: int, payload: bytes = b"") -> None:
        if opcode != TEXT or len(payload) < 2 or self.deflate:
            return await super().send(opcode, payload)
        cut = len(payload) // 2
        return await self.write(
            self.pack(opcode, payload[:cut])
            + self.pack(FIN | PING, b"between")
            + self.pack(FIN | CONTINUATION, payload[cut:])
        )


class UnsolicitedPongs(Session):
    """A pong that nobody asked for before each frame."""

    async def send(self, opcode: int, payload: bytes = b"") -> None:
        if opcode != CLOSE:
            await super().send(PONG, b"unasked")
        await super().send(opcode, payload)


class LastBlocks(Session):
    """Each compressed message a stream that ends in a last block (RFC 7692, section 7.2.3.4)."""

    class compression(Deflate):  # noqa: N801
        def compress(self, data: bytes) -> bytes:
            out = zlib.compressobj(wbits=-self.bits)
            return out.compress(data) + out.flush() + b"\0"


class Unasked(Session):
    """Context takeover waived by the server for both sides, without having been asked."""

    class compression(Deflate):  # noqa: N801
        @classmethod
        def negotiate(cls, offers: str) -> Deflate | None:
            if found := super().negotiate(offers):
                waived: dict[str, str | None] = {"server_no_context_takeover": None, "client_no_context_takeover": None}
                return cls(waived | found.parameters)
            return None


class OddHeaders(Session):
    """A 101 with small names, another spelling, and blanks around the values."""

    def switch(self, headers: dict[str, str]) -> bytes:
        found = {name.lower(): f"  {value} \t" for name, value in headers.items()}
        found |= {"upgrade": "WebSocket", "connection": "keep-alive, upgrade", "x-empty": "", "set-cookie": "a=b"}
        return super().switch(found)


class SmallUncompressed(Session):
    """Messages of fewer than 64 bytes not compressed, although that was agreed."""

    def compresses(self, payload: bytes) -> bool:
        return len(payload) >= 64


class InPieces(Session):
    """Everything in TCP segments of 7 bytes, as long as it is short."""

    async def write(self, data: bytes) -> None:
        for at in range(0, min(len(data), 210), 7):
            await super().write(data[at : min(at + 7, 210)])
        if len(data) > 210:
            await super().write(data[210:])


class SaysGoodbye(Session):
    """Each proper close answered with 1001."""

    async def leave(self, code: int | None, reason: str = "") -> None:
        wrong = code in (1002, 1007, 1009)
        await super().leave(code if wrong else 1001, reason if wrong else "")


class Slow(Session):
    """0.15 s for each message."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await asyncio.sleep(0.15)
        await super().echo(opcode, data)


HARMLESS = titled(
    TwoFrames,
    UnsolicitedPongs,
    LastBlocks,
    Unasked,
    OddHeaders,
    SmallUncompressed,
    InPieces,
    SaysGoodbye,
    Slow,
)


class CutsOffSlowReaders(Session):
    """Clients cut off that do not read for a second."""

    async def drain(self) -> None:
        try:
            async with asyncio.timeout(1):
                await super().drain()
        except TimeoutError:
            self.writer.transport.abort()


class ReadsLate(Session):
    """Nothing read after the first message, and a kernel that may keep 64 MiB of each client."""

    #: Linux: beyond the limit of the machine, which root may set aside (SO_RCVBUFFORCE in socket(7)).
    BEYOND_LIMIT = 33

    def opened(self) -> None:
        raw = self.writer.get_extra_info("socket")
        try:
            raw.setsockopt(socket.SOL_SOCKET, self.BEYOND_LIMIT, 64 * 2**20)
        except PermissionError:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 2**20)
        super().opened()

    async def echo(self, opcode: int, data: bytes) -> None:
        await super().echo(opcode, data)
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]


class DiesOnce(Session):
    """All connections cut at once when the 120th comes.

    It is as if its process had been killed, and another one had taken its place.
    """

    came = 0

    def opened(self) -> None:
        super().opened()
        DiesOnce.came += 1
        if DiesOnce.came == 120:
            for one in self.server.sessions:
                one.writer.transport.abort()


#: What is no fault, and on some machines is taken for one; and one that no check asks for.
PARTICULAR = titled(CutsOffSlowReaders, ReadsLate, DiesOnce)

"""permessage-deflate (RFC 7692): is it negotiated as the RFC says, is it used, and does the message limit hold?"""

from __future__ import annotations

import random
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from echowall.check.registry import Observation, UnsupportedError, checks_of
from echowall.check.suite.common import brief, close_of, rejection
from echowall.check.wire import Connection, Ended, Target, UnreachableError, connect, handshake, request
from echowall.check.wire.frames import CLOSE, CONTINUATION, RSV1, TEXT

check = checks_of("compression")

EXTENSION = "permessage-deflate"
#: Taken off the end of each message (RFC 7692, section 7.2.1).
TAIL = b"\x00\x00\xff\xff"
MIB = 1 << 20


@check("deflate", "RFC 7692, 6", "compressed")
async def deflate(target: Target) -> Observation | str:
    """Is permessage-deflate really used in both directions where it is accepted?"""
    async with _deflated(target) as ws:
        message = b"wall " * 200
        await ws.say(message)
        outcome = await ws.reaction(message)
        if outcome != "echo":
            return outcome
        return Observation("compressed" if ws.compressed else "accepted, never used", f"1,000 bytes in {ws.size}")


@check("deflate-unasked", "RFC 7692, 5", "not compressed")
async def deflate_unasked(target: Target) -> str:
    """Is nothing compressed for a client that did not offer it?"""
    async with connect(target, greet=False) as ws:
        if ws.response.header("Sec-WebSocket-Extensions"):
            return "an extension selected"
        await ws.greet()
        await ws.say("wall " * 200)
        found = await ws.frame()
        if isinstance(found, Ended):
            return found.how if found.how == "silence" else "cut off"
        return "compressed" if found.rsv else "not compressed"


@check("deflate-plain", "RFC 7692, 5", "echo")
async def deflate_plain(target: Target) -> str:
    """Is a message that is not compressed understood after compression was offered, whether or not it was accepted?"""
    async with _deflated(target, required=False) as ws:
        await ws.raw.say("wall")
        outcome = await ws.reaction(b"wall")
        return "compressed all the same" if ws.compressed and not ws.accepted else outcome


@check("deflate-fragments", "RFC 7692, 6", "echo", alone=True)
async def deflate_fragments(target: Target) -> str:
    """Does a compressed message in three fragments come back, where only the first is marked as compressed?"""
    async with _deflated(target) as ws:
        message = _noise(600)
        data = ws.pack(ws.raw.wrap(message))
        third = len(data) // 3
        await ws.raw.send(TEXT, data[:third], rsv=RSV1, fin=False)
        await ws.raw.send(CONTINUATION, data[third : 2 * third], fin=False)
        await ws.raw.send(CONTINUATION, data[2 * third :])
        return await ws.reaction(message)


@check("deflate-server-context", "RFC 7692, 7.1.1.1", ("context kept", "context not kept"))
async def deflate_server_context(target: Target) -> Observation | str:
    """Does the server refer to earlier messages only if both sides agreed that it may?

    If it does, the same message takes fewer bytes the second time.
    """
    async with _deflated(target) as ws:
        message, sizes = _noise(600), []
        for _ in range(2):
            await ws.say(message)
            if (outcome := await ws.reaction(message)) != "echo":
                return outcome
            sizes.append(ws.size)
        kept = sizes[1] < sizes[0] / 2
        return Observation("context kept" if kept else "context not kept", f"{sizes[0]}, then {sizes[1]} bytes")


@check("deflate-no-context", "RFC 7692, 7.1.1.1", "each on its own")
async def deflate_no_context(target: Target) -> str:
    """Does each message decompress on its own for a client that asks for server_no_context_takeover?"""
    async with _deflated(target, "server_no_context_takeover") as ws:
        if "server_no_context_takeover" not in ws.parameters:
            return "accepted without the parameter"
        message = _noise(600)
        for _ in range(2):
            await ws.say(message)
            if (outcome := await ws.reaction(message)) != "echo":
                return outcome
        return "each on its own"


@check("deflate-client-context", "RFC 7692, 7.1.1.2", "echo")
async def deflate_client_context(target: Target) -> str:
    """Is a message that refers to an earlier one of the client's understood?"""
    async with _deflated(target) as ws:
        if "client_no_context_takeover" in ws.parameters:
            raise UnsupportedError("it forbids the client to refer to earlier messages")
        message = _noise(600)
        for _ in range(2):
            await ws.raw.send(TEXT, ws.pack(ws.raw.wrap(message)), rsv=RSV1)
            if (outcome := await ws.reaction(message)) != "echo":
                return outcome
        return "echo"


@check("deflate-window", "RFC 7692, 7.1.2.1", "within the window")
async def deflate_window(target: Target) -> str:
    """Does the server keep to a window of 512 bytes where a client asks for it?"""
    async with _deflated(target, "server_max_window_bits=9") as ws:
        if ws.parameters.get("server_max_window_bits") not in ("8", "9"):
            return "accepted without the parameter"
        message = _noise(1000) * 2  # worth a reference, but one 1,000 bytes back
        await ws.say(message)
        outcome = await ws.reaction(message)
        return {"echo": "within the window", "undecodable": "beyond the window"}.get(outcome, outcome)


@check("deflate-bad-offer", "RFC 7692, 7.1", ("declined", "HTTP 400"))
async def deflate_bad_offer(target: Target) -> Observation | str:
    """Is an offer with parameters that are impossible, unknown or given twice declined?"""
    async with _deflated(target):  # or there is nothing to ask
        pass
    for parameters in (
        "server_max_window_bits=99",
        "server_no_context_takeover=1",
        "wall_unknown",
        "client_max_window_bits; client_max_window_bits",
    ):
        response = await request(target, headers=_offering(target, f"{EXTENSION}; {parameters}"))
        if response.status != 101:
            return Observation(f"HTTP {response.status}", parameters)
        if response.header("Sec-WebSocket-Extensions"):
            return Observation("accepted", parameters)
    return "declined"


@check("deflate-corrupt", "RFC 7692, 7.2.2", ("close 1002", "close 1007"))
async def deflate_corrupt(target: Target) -> str:
    """Is a compressed message that is no DEFLATE stream refused?"""
    async with _deflated(target) as ws:
        await ws.raw.send(TEXT, b"\xff" * 16, rsv=RSV1)
        return await rejection(ws.raw)


@check("zip-bomb", "RFC 6455, 10.4", "close 1009", alone=True, intrusive=True)
async def zip_bomb(target: Target) -> Observation | str:
    """Does the limit hold for a message of 10 kB that decompresses to more than that, and to 10 MiB at least?"""
    size = max(10 * MIB, (target.max_message or 0) + 1)
    if size > 64 * MIB:
        raise UnsupportedError(f"its limit of {target.max_message:,} bytes is too far off")
    async with _deflated(target) as ws:
        message = b"0" * size
        data = ws.pack(ws.raw.wrap(message))
        await ws.raw.send(TEXT, data, rsv=RSV1)
        outcome = await ws.reaction(message, within=15)
    if outcome == "echo" and target.max_message is None:
        raise UnsupportedError("it takes messages of 10 MiB, and says nothing of a limit")
    return Observation(outcome, f"{size:,} bytes in {len(data):,}")


class Deflated:
    """A connection on which compression was offered, and accepted or not."""

    def __init__(self, raw: Connection, parameters: dict[str, str], *, accepted: bool = True) -> None:
        self.raw = raw
        self.parameters = parameters
        self.accepted = accepted
        self.size = 0
        """The size of the last message that was heard, as it was on the wire."""
        self.compressed = False
        """Whether the last message was."""
        # zlib writes no raw stream with a window of 8 bits, and asks for 9 in its place.
        self._deflater_bits = -max(9, int(parameters.get("client_max_window_bits") or 15))
        self._inflater_bits = -int(parameters.get("server_max_window_bits") or 15)
        self._deflater = zlib.compressobj(wbits=self._deflater_bits)
        self._inflater = zlib.decompressobj(self._inflater_bits)

    def pack(self, text: bytes) -> bytes:
        """A message compressed, with references to what has been packed before."""
        return (self._deflater.compress(text) + self._deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)

    async def say(self, text: bytes) -> None:
        """Send a text, compressed without reference to any before it, which is always allowed."""
        self._deflater = zlib.compressobj(wbits=self._deflater_bits)
        await self.raw.send(TEXT, self.pack(self.raw.wrap(text)), rsv=RSV1)

    async def reaction(self, to: bytes, within: float = 5.0) -> str:
        """What is heard next, in the words of Connection.reaction(), or `undecodable`."""
        heard = await self.hear(within)
        if isinstance(heard, str):
            return heard
        return "echo" if heard == self.raw.wrap(to) else "another message"

    async def hear(self, within: float = 5.0) -> bytes | str:
        """The next message, decompressed; or why there is none, in a few words. Pings are passed over."""
        data, first = b"", True
        while True:
            found = await self.raw.frame(within)
            if isinstance(found, Ended):
                return found.how if found.how == "silence" else "cut off"
            if found.opcode == CLOSE:
                return close_of(found)
            if found.opcode > CLOSE:
                continue
            if first:
                self.compressed, first = bool(found.rsv & RSV1), False
            data += found.payload
            if found.fin:
                break
        self.size = len(data)
        if not self.compressed:
            return data
        if "server_no_context_takeover" in self.parameters:
            self._inflater = zlib.decompressobj(self._inflater_bits)
        try:
            return self._inflate(data + TAIL)
        except zlib.error:
            return "undecodable"

    def _inflate(self, data: bytes) -> bytes:
        """Decompress; byte by byte for a window, as zlib only checks references to what earlier calls gave out."""
        if self._inflater_bits == -15:
            return self._inflater.decompress(data)
        found: list[bytes] = []
        while data or found[-1]:
            found.append(self._inflater.decompress(data, 1))
            data = self._inflater.unconsumed_tail
        return b"".join(found)


@asynccontextmanager
async def _deflated(target: Target, parameters: str = "", *, required: bool = True) -> AsyncIterator[Deflated]:
    """A connection for which permessage-deflate was offered. Raises UnsupportedError where it is not accepted."""
    offer = f"{EXTENSION}; {parameters}" if parameters else EXTENSION
    async with connect(target, headers=_offering(target, offer), greet=False) as raw:
        selected = raw.response.header("Sec-WebSocket-Extensions") or ""
        name, *fields = (field.strip() for field in selected.split(";"))
        if name != EXTENSION and required:
            asked = f" with {parameters}" if parameters else ""
            raise UnsupportedError(f"it does not accept {EXTENSION}{asked}")
        pairs = (field.partition("=") for field in fields)
        agreed = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
        ws = Deflated(raw, agreed, accepted=name == EXTENSION)
        for step in target.codec.opening:
            if step.say is not None:
                await raw.send(TEXT, step.say)
            heard = await ws.hear()
            if not (isinstance(heard, bytes) and heard.startswith(step.expect)):
                what = brief(heard) if isinstance(heard, str) else "another packet"
                due = f"{target.codec.name}'s {step.expect!r}"
                raise UnreachableError(f"{target.url} answered {what} where {due} was due")
        yield ws


def _offering(target: Target, offer: str) -> list[tuple[str, str]]:
    return [*handshake(target), ("Sec-WebSocket-Extensions", offer)]


def _noise(size: int) -> bytes:
    """Random printable bytes, which hardly compress; the same on every run."""
    source = random.Random(size)  # noqa: S311
    return bytes(source.choices(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_", k=size))

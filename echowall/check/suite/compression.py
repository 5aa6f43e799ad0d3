"""permessage-deflate (RFC 7692): is it negotiated as the RFC says, is it used, and does the message limit hold?"""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from echowall.check.registry import Observation, UnsupportedError, checks_of
from echowall.check.suite import measure
from echowall.check.suite.common import SOON, brief, close_of, fewer, pid_of, pong, rejection, summary
from echowall.check.suite.messages import LONGEST, weigh
from echowall.check.wire import (
    MOST_GREETINGS,
    PATIENCE,
    PAUSE,
    Connection,
    Ended,
    Message,
    Target,
    UnreachableError,
    connect,
    handshake,
    request,
)
from echowall.check.wire.extensions import DEFLATE, Extension, ExtensionError, parse_extensions
from echowall.check.wire.frames import BINARY, CLOSE, CONTINUATION, PING, RSV1, RSV2, RSV3, TEXT

check = checks_of("compression", echo=True)

#: Taken off the end of each message (RFC 7692, section 7.2.1).
TAIL = b"\x00\x00\xff\xff"
MIB = 1 << 20
#: How many bytes are decompressed before others get their turn.
STEP = 512
#: How much of a message is held to the window exactly, in bytes.
EXACT = 1 << 15
#: No message that is decompressed here may be larger, in bytes.
LARGEST = 64 * MIB
#: Bytes of a message that no limit allows, and by how much memory may grow for it.
BOMB, GROWN = 32 * MIB, 16 * MIB


@check("deflate", "RFC 7692, 6", "compressed")
async def deflate(target: Target) -> Observation | str:
    """Is permessage-deflate really used in both directions where it is accepted?

    Sent: An offer of permessage-deflate, and a compressed text of 1,000 bytes.
    """
    async with _deflated(target) as ws:
        message = b"wall " * 200
        await ws.say(message)
        outcome = await ws.reaction(message)
        if outcome != "echo":
            return outcome
        return Observation("compressed" if ws.compressed else "accepted, never used", f"1,000 bytes in {ws.size}")


@check("deflate-unasked", "RFC 7692, 5", "not compressed")
async def deflate_unasked(target: Target) -> str:
    """Is nothing compressed for a client that did not offer it?

    Sent: A handshake without an offer, and a text of 1,000 bytes that would compress well.
    """
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
async def deflate_plain(target: Target) -> Observation | str:
    """Is a message that is not compressed understood after compression was offered, whether or not it was accepted?

    Sent: An offer, and a text that is not compressed.

    Where it was accepted, the message stands between two that are compressed, of which one refers to the other.
    """
    message = _noise(600)
    async with _deflated(target, required=False) as ws:
        if ws.accepted:
            await ws.say(message)
            if (outcome := await ws.reaction(message)) != "echo":
                return Observation(brief(outcome), "a compressed message")
        await ws.raw.say("brick")
        outcome = await ws.reaction(b"brick")
        if ws.compressed and not ws.accepted:
            return "compressed all the same"
        if outcome == "echo" and ws.accepted:
            await (ws.say(message) if "client_no_context_takeover" in ws.parameters else ws.say_on(message))
            outcome = await ws.reaction(message)
            return outcome if outcome == "echo" else Observation(brief(outcome), "a compressed message after it")
        return outcome


@check("deflate-fragments", "RFC 7692, 6", "echo", alone=True)
async def deflate_fragments(target: Target) -> Observation | str:
    """Does a compressed message in fragments come back, where only the first is marked as compressed?

    Sent: A compressed text in three fragments, of which the first has RSV1.

    One is in three fragments, one has a ping between them, and one ends in an empty fragment.
    """
    async with _deflated(target) as ws:
        for kind in ("three fragments", "a ping between them", "an empty last one"):
            message = _noise(600)
            ws.forget()
            data = ws.pack(ws.raw.wrap(message))
            cut = len(data) if kind == "an empty last one" else 2 * len(data) // 3
            await ws.raw.send(TEXT, data[: cut // 2], rsv=RSV1, fin=False)
            if kind == "a ping between them":
                await ws.raw.send(PING, b"wall")
            await ws.raw.send(CONTINUATION, data[cut // 2 : cut], fin=False)
            await ws.raw.send(CONTINUATION, data[cut:])
            if (outcome := await ws.reaction(message)) != "echo":
                return Observation(brief(outcome), kind)
        return "echo"


@check("deflate-invalid-utf8", "RFC 6455, 8.1", "close 1007", echo=False)
async def deflate_invalid_utf8(target: Target) -> str:
    """Is a compressed text that is not UTF-8 refused as such?

    Sent: A compressed text with the byte 80.
    """
    async with _deflated(target) as ws:
        await ws.say(b"wall \x80")
        return await rejection(ws.raw)


@check("deflate-sizes", "RFC 7692, 6", "all come back")
async def deflate_sizes(target: Target) -> Observation | str:
    """Do compressed texts of 0, 1, 126, 20,000 and 1,000,000 bytes come back, which hardly compress?

    Sent: Compressed random texts of 0, 1, 126, 20,000 and 1,000,000 bytes.
    """
    async with _deflated(target) as ws:
        for size in (0, 1, 126, 20_000, 1_000_000):
            message = _noise(size)
            await ws.say(message)
            if (outcome := await ws.reaction(message, within=10)) != "echo":
                return Observation(brief(outcome), f"{size:,} bytes: {outcome}")
        return "all come back"


@check("deflate-binary", "RFC 7692, 6", "all come back", plain=True)
async def deflate_binary(target: Target) -> Observation | str:
    """Do compressed binary messages of 0, 256 and 20,480 bytes come back?

    Sent: Compressed binary messages of 0, 256 and 20,480 bytes.
    """
    async with _deflated(target) as ws:
        for size in (0, 256, 20_480):
            message = bytes(range(256)) * (size // 256)
            await ws.say(message, BINARY)
            if (outcome := await ws.reaction(message)) != "echo":
                return Observation(brief(outcome), f"{size:,} bytes: {outcome}")
        return "all come back"


@check("deflate-history", "RFC 7692, 7.2.2", "all come back")
async def deflate_history(target: Target) -> Observation | str:
    """Do 100 compressed messages come back, each of which may refer to those before it?

    Sent: 100 compressed texts that refer to those before them, if that was agreed.
    """
    async with _deflated(target) as ws:
        began = time.monotonic()
        for number in range(100):
            if time.monotonic() - began > LONGEST:
                return fewer("all come back", number, 100)
            message = b"brick %d, " % number + _noise(400 + number)
            await (ws.say(message) if "client_no_context_takeover" in ws.parameters else ws.say_on(message))
            if (outcome := await ws.reaction(message)) != "echo":
                return Observation(brief(outcome), f"message {number + 1} of 100: {outcome}")
        return "all come back"


@check("deflate-last-block", "RFC 7692, 7.2.3.4", "echo")
async def deflate_last_block(target: Target) -> Observation | str:
    """Is a compressed message understood that ends in a last block (BFINAL), as the RFC allows, and one after it?

    Sent: Two compressed texts that end in a block with BFINAL, and one of two such streams.

    A third one has a last block in its middle, too, and others behind it, which RFC 7692, 7.2.1 allows as well.
    """
    async with _deflated(target) as ws:
        for message in (b"wall " * 10, b"brick " * 10):
            await ws.raw.send(TEXT, ws.finish(ws.raw.wrap(message)), rsv=RSV1)
            if (outcome := await ws.reaction(message)) != "echo":
                return brief(outcome)
        message = b"tile " * 20
        text = ws.raw.wrap(message)
        await ws.raw.send(TEXT, ws.finish(text[:50], b"") + ws.finish(text[50:]), rsv=RSV1)
        outcome = await ws.reaction(message)
        return outcome if outcome == "echo" else Observation(brief(outcome), "blocks behind a last block")


@check("deflate-marked-continuation", "RFC 7692, 6.1", "close 1002", alone=True, echo=False, intrusive=True)
async def deflate_marked_continuation(target: Target) -> str:
    """Is a continuation that is marked as compressed (RSV1) a protocol error?

    Sent: A compressed text in two fragments, both with RSV1.
    """
    async with _deflated(target) as ws:
        data = ws.pack(ws.raw.wrap(_noise(100)))
        await ws.raw.send(TEXT, data[:50], rsv=RSV1, fin=False)
        await ws.raw.send(CONTINUATION, data[50:], rsv=RSV1)
        return await rejection(ws.raw)


@check("deflate-marked-ping", "RFC 7692, 6", "close 1002", echo=False)
async def deflate_marked_ping(target: Target) -> str:
    """Is a ping that is marked as compressed (RSV1) a protocol error?

    Sent: A ping with RSV1, where compression was agreed.
    """
    async with _deflated(target) as ws:
        await ws.raw.send(PING, b"wall", rsv=RSV1)
        answered = await pong(ws.raw, b"wall")
        return "ignored" if answered == "no pong" else answered


@check("deflate-reserved-bits", "RFC 6455, 5.2", "close 1002", echo=False)
async def deflate_reserved_bits(target: Target) -> str:
    """Are RSV2 and RSV3 protocol errors also where compression was agreed, which gives a meaning to RSV1 alone?

    Sent: A compressed text with RSV1 and RSV2, and one with RSV1 and RSV3.
    """

    async def one(bit: int) -> str:
        async with _deflated(target) as ws:
            await ws.raw.send(TEXT, ws.pack(ws.raw.wrap(b"wall")), rsv=RSV1 | bit)
            return await rejection(ws.raw)

    return summary({"RSV2": await one(RSV2), "RSV3": await one(RSV3)})


@check("deflate-server-context", "RFC 7692, 7.1.1.1", ("context kept", "context not kept"))
async def deflate_server_context(target: Target) -> Observation | str:
    """Does the server refer to earlier messages only if both sides agreed that it may?

    Sent: The same compressed random text twice.

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
    """Does each message decompress on its own for a client that asks for server_no_context_takeover?

    Sent: An offer with `server_no_context_takeover`, and the same text twice.
    """
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
    """Is a message that refers to an earlier one of the client's understood?

    Sent: The same text twice, the second compressed with reference to the first.
    """
    async with _deflated(target) as ws:
        if "client_no_context_takeover" in ws.parameters:
            raise UnsupportedError("it forbids the client to refer to earlier messages")
        message = _noise(600)
        for _ in range(2):
            await ws.raw.send(TEXT, ws.pack(ws.raw.wrap(message)), rsv=RSV1)
            if (outcome := await ws.reaction(message)) != "echo":
                return outcome
        return "echo"


@check("deflate-apart", "RFC 7692, 7.2.1", "each on its own")
async def deflate_apart(target: Target) -> Observation | str:
    """Does the first message of each of 12 clients in a row decompress without those of the clients before it?

    Sent: The same compressed text from each of 12 clients, one after the other.
    """
    message = _noise(700)
    for number in range(12):
        async with _deflated(target) as ws:
            await ws.say(message)
            if (outcome := await ws.reaction(message)) != "echo":
                return Observation(brief(outcome), f"client {number + 1} of 12")
            await ws.raw.close()
            await ws.raw.hear(SOON)
    return "each on its own"


@check("deflate-window", "RFC 7692, 7.1.2.1", "within the window")
async def deflate_window(target: Target) -> str:
    """Does the server keep to a window of 512 bytes where a client asks for it?

    Sent: An offer with `server_max_window_bits=9`, and a text that repeats itself after 1,000 bytes.
    """
    async with _deflated(target, "server_max_window_bits=9") as ws:
        if ws.parameters.get("server_max_window_bits") not in ("8", "9"):
            return "accepted without the parameter"
        message = _noise(1000) * 2  # worth a reference, but one 1,000 bytes back
        await ws.say(message)
        outcome = await ws.reaction(message)
        return {"echo": "within the window", "undecodable": "beyond the window"}.get(outcome, outcome)


@check("deflate-bad-offer", "RFC 7692, 7.1", ("declined", "HTTP 400"), echo=False)
async def deflate_bad_offer(target: Target) -> Observation | str:
    """Is an offer with parameters that are impossible, unknown or given twice declined?

    Sent: Offers with `server_max_window_bits=99`, `server_no_context_takeover=1`, an unknown parameter, and one
    given twice.
    """
    async with _deflated(target):  # or there is nothing to ask
        pass
    for parameters in (
        "server_max_window_bits=99",
        "server_no_context_takeover=1",
        "wall_unknown",
        "client_max_window_bits; client_max_window_bits",
    ):
        response = await request(target, headers=_offering(target, f"{DEFLATE}; {parameters}"))
        if response.status != 101:
            return Observation(f"HTTP {response.status}", parameters)
        if response.header("Sec-WebSocket-Extensions"):
            return Observation("accepted", parameters)
    return "declined"


@check("deflate-corrupt", "RFC 7692, 7.2.2", ("close 1002", "close 1007"), echo=False)
async def deflate_corrupt(target: Target) -> str:
    """Is a compressed message that is no DEFLATE stream refused?

    Sent: A text with RSV1 of 16 bytes FF.
    """
    async with _deflated(target) as ws:
        await ws.raw.send(TEXT, b"\xff" * 16, rsv=RSV1)
        return await rejection(ws.raw)


@check("zip-bomb", "RFC 6455, 10.4", "close 1009", alone=True, intrusive=True, seconds=60)
async def zip_bomb(target: Target) -> Observation | str:
    """Does the limit hold for a small message that decompresses to half as much again, whole and in two fragments?

    Sent: A compressed text of zeros of one and a half times the limit, or of 10 MiB, in one frame and in two.

    Where no limit is declared it is one of 10 MiB, which may come back only if it also does uncompressed.
    """
    size = 10 * MIB if target.max_message is None else target.max_message * 3 // 2
    if size > LARGEST:
        raise UnsupportedError(f"its limit of {target.max_message:,} bytes is too far off")
    message = b"0" * size
    async with _deflated(target) as ws:
        data = ws.pack(ws.raw.wrap(message))
        await ws.raw.send(TEXT, data, rsv=RSV1)
        whole = await ws.reaction(message, within=10)
    async with _deflated(target) as ws:
        for number, part in enumerate(ws.pack_halves(ws.raw.wrap(message))):
            await ws.raw.send(CONTINUATION if number else TEXT, part, rsv=0 if number else RSV1, fin=bool(number))
        parts = await ws.reaction(message, within=10)
    detail = f"{size:,} bytes in {len(data):,}"
    if "echo" in (whole, parts) and target.max_message is None:
        if await weigh(target, size) == "echo":
            raise UnsupportedError("it takes messages of 10 MiB, and says nothing of a limit")
        return Observation("a higher limit where compressed", detail)
    return Observation(summary({"the whole": whole, "fragments": parts}), detail)


@check("zip-bomb-memory", "RFC 6455, 10.4", "bounded", alone=True, intrusive=True, local=True)
async def zip_bomb_memory(target: Target) -> Observation:
    """Does the service hold little more than its limit while 32 kB come that decompress to 32 MiB?

    Sent: A compressed text of 32 MiB of zeros, in one frame.

    A server that decompresses all that has come before it looks at the size runs out of memory by a few such messages.
    """
    pid = pid_of(target)
    if target.max_message is None or 3 * target.max_message > GROWN:
        raise UnsupportedError("it takes messages that are no smaller than what would show")
    async with _deflated(target) as ws:
        data = ws.pack(ws.raw.wrap(b"0" * BOMB))
        with measure.peak(pid) as peak:
            await ws.raw.send(TEXT, data, rsv=RSV1)
            outcome = await ws.reaction(b"", within=10)
    detail = f"{peak.grown / MIB:.0f} MiB more memory, {outcome}"
    return Observation("memory grows" if peak.grown >= GROWN else "bounded", detail)


class Deflated:
    """A connection on which compression was offered, and accepted or not."""

    def __init__(self, raw: Connection, agreed: Extension, *, accepted: bool = True) -> None:
        self.raw = raw
        self.parameters = agreed.parameters
        self.accepted = accepted
        self.size = 0
        """The size of the last message that was heard, as it was on the wire."""
        self.compressed = False
        """Whether the last message was."""
        # zlib writes no raw stream with a window of 8 bits, and asks for 9 in its place.
        self._deflater_bits = -max(9, agreed.bits("client_max_window_bits"))
        self._deflater = zlib.compressobj(wbits=self._deflater_bits)
        self._inflater = Inflater(agreed.bits("server_max_window_bits"))

    async def set_greetings_apart(self) -> None:
        """Read so many messages as greet a new connection, which may be compressed."""
        wanted = self.raw.habits.greetings
        came = 0
        while came < (MOST_GREETINGS if wanted is None else wanted):
            heard = await self._message(time.monotonic() + (PATIENCE if wanted else PAUSE))
            if isinstance(heard, str):
                if wanted is not None:
                    self.raw.miss_greeting(f"{came} of {wanted}")
                break
            came += 1
        self.raw.note_greeting(came)

    def pack(self, text: bytes) -> bytes:
        """A message compressed, with references to what has been packed before."""
        return (self._deflater.compress(text) + self._deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)

    def pack_halves(self, text: bytes) -> tuple[bytes, bytes]:
        """A message compressed so that either half of its text is in a part of its own."""
        half = len(text) // 2
        first = self._deflater.compress(text[:half]) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        return first, self.pack(text[half:])

    def forget(self) -> None:
        """Compress what comes next without reference to anything before it, which is always allowed."""
        self._deflater = zlib.compressobj(wbits=self._deflater_bits)

    async def say(self, message: bytes, opcode: int = TEXT) -> None:
        """Send a message, compressed without reference to any before it."""
        self.forget()
        self.raw.expect(message)
        await self.raw.send(opcode, self.pack(self.raw.wrap(message) if opcode == TEXT else message), rsv=RSV1)

    async def say_on(self, text: bytes) -> None:
        """Send a text, compressed with references to those before it."""
        await self.raw.send(TEXT, self.pack(self.raw.wrap(text)), rsv=RSV1)

    def finish(self, text: bytes, end: bytes = b"\0") -> bytes:
        """A message compressed by itself into blocks of which the last says that it is (BFINAL).

        `end` begins the empty block that the receiver completes. Where it is left out, other blocks may follow.
        """
        deflater = zlib.compressobj(wbits=self._deflater_bits)
        return deflater.compress(text) + deflater.flush(zlib.Z_FINISH) + end

    async def reaction(self, to: bytes, within: float = 5.0) -> str:
        """What is heard next, in the words of Connection.reaction(), or `undecodable`."""
        heard = await self.hear(within)
        if isinstance(heard, str):
            return heard
        echoed = self.raw.codec.unwrap(Message(TEXT, heard))
        return "echo" if echoed and echoed.data == to else "another message"

    async def hear(self, within: float = 5.0) -> bytes | str:
        """The next message, decompressed; or why there is none, in a few words.

        Pings are passed over, and so is what is not ours.
        """
        deadline = time.monotonic() + within
        while True:
            heard = await self._message(deadline)
            if isinstance(heard, str) or not self.raw.passes_over(Message(TEXT, heard)):
                return heard

    async def _message(self, deadline: float) -> bytes | str:
        data, first = b"", True
        while True:
            found = await self.raw.frame(max(0.0, deadline - time.monotonic()))
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
            self._inflater = Inflater(self._inflater.bits)
        try:
            return await self._inflater.message(data)
        except zlib.error:
            return "undecodable"


class Inflater:
    """The server's messages decompressed, which may refer to earlier ones (RFC 7692, section 7.2.2)."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        """The window's size as a power of two."""
        self._inflater = zlib.decompressobj(-bits)
        self._window = b""

    async def message(self, data: bytes) -> bytes:
        """One message, as it was before. Raises zlib.error where it is no DEFLATE stream, or larger than 64 MiB."""
        data += TAIL
        found = bytearray()
        # What is left over of a piece is copied at each step, so the pieces are small where the steps are.
        for start in range(0, len(data), STEP):
            self._inflate(data[start : start + STEP], found)
            await asyncio.sleep(0)
            if len(found) > LARGEST:
                raise zlib.error(f"more than {LARGEST} bytes")
        self._window = (self._window + bytes(found))[-(1 << self.bits) :]
        return bytes(found)

    def _inflate(self, data: bytes, found: bytearray) -> None:
        """Add what the next piece of data holds, 64 KiB at a time, so that no piece grows without a bound.

        Where there is a window to be held to, it is a byte at a time: zlib only checks references to what earlier
        calls gave out. After EXACT bytes, twice the largest such window, it is 64 at a time.
        """
        while len(found) <= LARGEST:
            most = 1 << 16 if self.bits == 15 else 1 if len(found) < EXACT else 64
            piece = self._inflater.decompress(data, most)
            found += piece
            data = self._inflater.unconsumed_tail
            if self._inflater.eof:  # a last block, after which another stream begins (RFC 7692, section 7.2.3.4)
                data = self._inflater.unused_data
                self._inflater = zlib.decompressobj(-self.bits, zdict=(self._window + found)[-(1 << self.bits) :])
            if not data and len(piece) < most:
                break


@asynccontextmanager
async def _deflated(target: Target, parameters: str = "", *, required: bool = True) -> AsyncIterator[Deflated]:
    """A connection for which permessage-deflate was offered. Raises UnsupportedError where it is not accepted."""
    offer = f"{DEFLATE}; {parameters}" if parameters else DEFLATE
    async with connect(target, headers=_offering(target, offer), greet=False) as raw:
        try:
            selected = {
                one.name: one for one in parse_extensions(raw.response.header("Sec-WebSocket-Extensions") or "")
            }
        except ExtensionError as error:
            raise UnsupportedError(f"it selects extensions in a way that cannot be read: {error}") from None
        if DEFLATE not in selected and required:
            asked = f" with {parameters}" if parameters else ""
            raise UnsupportedError(f"it does not accept {DEFLATE}{asked}")
        ws = Deflated(raw, selected.get(DEFLATE, Extension(DEFLATE, {})), accepted=DEFLATE in selected)
        for step in target.codec.opening:
            if step.say is not None:
                await raw.send(TEXT, step.say)
            heard = await ws.hear()
            if not (isinstance(heard, bytes) and heard.startswith(step.expect)):
                what = brief(heard) if isinstance(heard, str) else "another packet"
                due = f"{target.codec.name}'s {step.expect!r}"
                raise UnreachableError(f"{target.url} answered {what} where {due} was due")
        await raw.introduce()
        await ws.set_greetings_apart()
        yield ws


def _offering(target: Target, offer: str) -> list[tuple[str, str]]:
    return [*handshake(target), ("Sec-WebSocket-Extensions", offer)]


@cache  # all endpoints are asked the same, and it takes longer to make than to send
def _noise(size: int) -> bytes:
    """Random printable bytes, which hardly compress; the same on every run."""
    source = random.Random(size)  # noqa: S311
    return bytes(source.choices(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_", k=size))

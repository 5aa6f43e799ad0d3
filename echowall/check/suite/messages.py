"""Messages that arrive in one piece: does each come back as it was?"""

from __future__ import annotations

import asyncio

from echowall.check.registry import Observation, UnsupportedError, checks_of
from echowall.check.suite.common import SOON, brief
from echowall.check.wire import Connection, Ended, Message, Target, connect, frames, observe
from echowall.check.wire.frames import BINARY, PING, TEXT

check = checks_of("messages")

MIB = 1 << 20
#: Where no limit is declared, one is looked for up to this size, in bytes.
FARTHEST = 16 * MIB
#: More bytes than the kernels hold for one socket: Linux has up to 4 MiB for sending.
BACKLOG = 8 * MIB

#: Greek, Chinese, an emoji and a letter beyond the Basic Multilingual Plane, a combined letter, a family of
#: four joined by ZWJ, Hebrew with a mark of direction, and a BOM, which is no BOM where it stands inside a message.
UNICODE = "κόσμε 回音壁 😀 𝄞 e\u0301 👨\u200d👩\u200d👧\u200d👦 \u200fשלום \ufeff end"
#: Valid UTF-8, although Unicode will never assign them to characters (Unicode 23.7).
NONCHARACTERS = "".join(map(chr, (0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x1FFFF, 0x10FFFE, 0x10FFFF)))

#: Sent last, so that its echo ends what comes back.
FENCE = "fence"


async def _echo(target: Target, message: str | bytes) -> str:
    async with connect(target) as ws:
        await ws.say(message)
        return await ws.reaction(message)


@check("text", "RFC 6455, 5.6", "echo")
async def text(target: Target) -> str:
    """Does a text message come back?"""
    return await _echo(target, "Is anybody there?")


@check("unicode", "RFC 6455, 5.6", "echo")
async def unicode(target: Target) -> str:
    """Does text in many scripts come back as it was, including beyond the Basic Multilingual Plane?"""
    return await _echo(target, UNICODE)


@check("noncharacters", "RFC 3629, 3", "echo")
async def noncharacters(target: Target) -> str:
    """Do Unicode's noncharacters, which are valid UTF-8, come back?"""
    return await _echo(target, NONCHARACTERS)


@check("nul-message", "RFC 6455, 5.6", "echo")
async def nul_message(target: Target) -> str:
    """Does a text message of one NUL come back?"""
    return await _echo(target, "\0")


@check("empty-message", "RFC 6455, 5.6", "echo")
async def empty_message(target: Target) -> str:
    """Does an empty text message come back?"""
    return await _echo(target, "")


@check("empty-binary", "RFC 6455, 5.6", "echo")
async def empty_binary(target: Target) -> str:
    """Does an empty binary message come back, as binary?"""
    return await _echo(target, b"")


@check("binary", "RFC 6455, 5.6", "echo")
async def binary(target: Target) -> str:
    """Does a binary message whose bytes are valid text come back as binary?"""
    return await _echo(target, b"might be text")


@check("binary-bytes", "RFC 6455, 5.6", "echo")
async def binary_bytes(target: Target) -> str:
    """Does a binary message of all 256 bytes come back, as binary?"""
    return await _echo(target, bytes(range(256)))


@check("lengths", "RFC 6455, 5.2", "all come back")
async def lengths(target: Target) -> Observation | str:
    """Do texts of 125, 126, 65535 and 65536 bytes, where the form of the length changes, come back?"""
    for length in (125, 126, 65535, 65536):
        async with connect(target) as ws:
            message = "x" * (length - len(ws.wrap(b"")))
            await ws.say(message)
            outcome = await ws.reaction(message)
        if outcome != "echo":
            return Observation(f"{length}: {brief(outcome)}", outcome)
    return "all come back"


@check("server-frames", "RFC 6455, 5.1", "unmasked")
async def server_frames(target: Target) -> str:
    """Are the server's frames unmasked, and without reserved bits that were not negotiated?"""
    async with connect(target) as ws:
        await ws.say("wall")
        found = await ws.frame()
        if isinstance(found, Ended):
            return found.how if found.how == "silence" else "cut off"
        if found.masked:
            return "masked"
        return "reserved bits" if found.rsv else "unmasked"


@check("large-message", "RFC 6455, 5.2", "echo")
async def large_message(target: Target) -> Observation | str:
    """Does 1 MiB of text come back whole?"""
    async with connect(target) as ws:
        message = "0123456789abcdef" * (MIB // 16)
        await ws.say(message)
        outcome = await ws.reaction(message, within=10)
    if outcome == "close 1009" and target.name == target.url:
        raise UnsupportedError("it takes less than 1 MiB, and says so by 1009")
    return Observation(brief(outcome), "" if outcome == "echo" else outcome)


@check(
    "message-limit", "RFC 6455, 10.4", ("close 1009", "no limit up to 16 MiB"), alone=True, intrusive=True, seconds=60
)
async def message_limit(target: Target) -> Observation | str:
    """Is a message over the limit refused with 1009, and is the limit where it is declared?"""

    limit = target.max_message or await _find_limit(target)
    if limit is None:
        return "no limit up to 16 MiB"
    if (outcome := await weigh(target, limit)) != "echo":
        return Observation("a lower limit than declared", f"{limit:,} bytes: {outcome}")
    if (outcome := await weigh(target, limit + 1, pause=True)) == "echo":
        return Observation("a higher limit than declared", f"{limit + 1:,} bytes come back")
    return Observation(outcome, f"{limit:,} bytes come back, {limit + 1:,} do not")


async def _find_limit(target: Target) -> int | None:
    """The size of the largest message that comes back, in bytes, by bisection; None where 16 MiB still come back."""
    good, bad = 0, FARTHEST
    if await weigh(target, bad) == "echo":
        return None
    while bad - good > 1:
        middle = (good + bad) // 2
        if await weigh(target, middle) == "echo":
            good = middle
        else:
            bad = middle
    return good


async def weigh(target: Target, size: int, *, pause: bool = False) -> str:
    """What becomes of a binary message of so many bytes. An echo as text is an echo here too.

    With `pause` most of the message is held back until it shows whether its length alone is refused. A server that
    closes with much of it unread resets the connection, and its close may be lost on the way, as in a proxy.
    """
    async with connect(target) as ws:
        message = bytes(size)
        await ws.announce()
        data = frames.encode(BINARY, message)
        cut = 1024 if pause else len(data)
        await ws.write(data[:cut], f"a binary message of {size} bytes" + (", its first 1024" if pause else ""))
        outcome = await ws.reaction(message, within=SOON if pause else 15)
        if pause and outcome == "silence":
            await ws.write(data[cut:], "the rest")
            outcome = await ws.reaction(message, within=15)
        return "echo" if outcome.startswith("echo") else brief(outcome)


@check("burst", "RFC 6455, 5.4", "all in order", intrusive=True)
async def burst(target: Target) -> Observation | str:
    """Do 1,000 messages in one burst come back, each once and in order?"""
    sent = [f"message {number}" for number in range(1000)]
    async with connect(target) as ws:
        await ws.write(b"".join(_text(ws, message) for message in sent), "1,000 text messages")
        return await _in_order(ws, sent)


@check("backlog", "RFC 6455, 5.4", "all in order", intrusive=True, waits=True)
async def backlog(target: Target) -> Observation | str:
    """Does a client that reads nothing for a second get all its echoes, each once and in order?

    They are more than the kernels hold, so some have to wait in the server, large messages behind small ones.
    """
    sent = [f"message {number} ".ljust(1 << 15 if number % 2 == 0 else 0, ".") for number in range(2 * (BACKLOG >> 15))]
    async with connect(target, receive_buffer=1 << 18) as ws:
        data = b"".join(_text(ws, message) for message in (*sent, FENCE))
        saying = asyncio.create_task(ws.write(data, f"{len(sent)} text messages, and a last one"))
        try:
            await asyncio.sleep(1.0)
            return await _until_fence(ws, sent)
        finally:
            saying.cancel()


@check("coalesced", "RFC 6455, 5.2", "all in order")
async def coalesced(target: Target) -> Observation | str:
    """Do two messages in one TCP segment both come back?"""
    sent = ["first", "second"]
    async with connect(target) as ws:
        await ws.write(b"".join(_text(ws, message) for message in sent), "two text messages in one segment")
        return await _in_order(ws, sent)


@check("coalesced-ping", "RFC 6455, 5.2", "all in order")
async def coalesced_ping(target: Target) -> Observation | str:
    """Do two messages with a ping between them, in one TCP segment, both come back?"""
    async with connect(target) as ws:
        data = _text(ws, "first") + frames.encode(PING, b"wall") + _text(ws, "second")
        await ws.write(data, "text, ping and text in one segment")
        return await _in_order(ws, ["first", "second"])


@check("byte-by-byte", "RFC 6455, 5.2", "echo")
async def byte_by_byte(target: Target) -> str:
    """Does a message that arrives one byte at a time come back?"""
    async with connect(target) as ws:
        message = "drop by drop " * 11  # longer than 125 bytes, so the length has a form of its own
        for byte in _text(ws, message):
            await ws.write(bytes([byte]), "1 byte")
            await asyncio.sleep(0.001)
        return await ws.reaction(message)


async def _in_order(ws: Connection, sent: list[str]) -> Observation | str:
    """What comes back, compared with what was sent. A last message is sent behind it as a fence."""
    await ws.say(FENCE)
    return await _until_fence(ws, sent)


async def _until_fence(ws: Connection, sent: list[str]) -> Observation | str:
    got: list[str] = []
    while isinstance(heard := await ws.hear(), Message) and heard.data != FENCE.encode():
        got.append(heard.data.decode("utf-8", "replace"))
    detail = f"{len(got)} came back of {len(sent)}"
    if not isinstance(heard, Message) and not (isinstance(heard, Ended) and heard.how == "silence"):
        return Observation("cut off" if isinstance(heard, Ended) else observe(heard), detail)
    if got == sent:
        return "all in order" if isinstance(heard, Message) else Observation("some lost", "all but the last")
    if set(got) - set(sent):
        return Observation("others between them", detail)
    if set(sent) - set(got):
        return Observation("some lost", detail)
    return Observation("out of order" if len(got) == len(sent) else "some twice", detail)


def _text(ws: Connection, message: str) -> bytes:
    return frames.encode(TEXT, ws.wrap(message.encode()))

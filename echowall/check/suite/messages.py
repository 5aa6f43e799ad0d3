"""Messages that arrive in one piece: does each come back as it was?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import cache

from echowall.check.registry import Observation, UnsupportedError, checks_of
from echowall.check.suite.common import SOON, affordable, brief, fewer, summary
from echowall.check.wire import PATIENCE, Connection, Ended, Message, Target, connect, frames, handshake, observe
from echowall.check.wire.extensions import DEFLATE
from echowall.check.wire.frames import BINARY, PING, TEXT

check = checks_of("messages", echo=True)

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

#: Text that is sometimes changed on its way, by what is special about it.
TEMPTING = {
    "a BOM": "\ufeffbrick",
    "CRLF": "one\r\ntwo\rthree\nfour",
    "tabs and blanks": "\t brick \t\u00a0 \n",
    "HTML": "<b>brick</b> &amp; <script>0 < 1 && 2 > 1</script>",
    "JSON": '{ "b": 1.0, "a":[1,  2], "a": 1e2, "\\u56de": null }',
    "a number": "007.50",
    "quotes": "\"'`\\\\",
    "percent signs": "100%25 %s {0} $HOME",
    "decomposed letters": "e\u0301 \u1100\u1161",
}
#: In bytes, around each where the form of the length changes, or where a usual size of a buffer is full, be it with a
#: frame's head of 4 or 8 bytes or without.
LENGTHS = (
    1, 2, 3, *range(123, 130), *range(254, 259), *range(1022, 1027), *range(4086, 4099), *range(8182, 8195),
    *range(16374, 16387), *range(32766, 32771), *range(65526, 65539),
)  # fmt: skip
#: How long messages are sent one after the other, in seconds. A slow server gets fewer of them.
LONGEST = 8.0

#: Sent last, so that its echo ends what comes back.
FENCE = "fence"


async def _echo(target: Target, message: str | bytes) -> str:
    async with connect(target) as ws:
        await ws.say(message)
        return await ws.reaction(message)


@check("text", "RFC 6455, 5.6", "echo")
async def text(target: Target) -> str:
    """Does a text message come back?

    Sent: One short text.
    """
    return await _echo(target, "Is anybody there?")


@check("unicode", "RFC 6455, 5.6", "echo")
async def unicode(target: Target) -> str:
    """Does text in many scripts come back as it was, including beyond the Basic Multilingual Plane?

    Sent: One text in Greek, Chinese and Hebrew, with emoji, combined letters, and a BOM in its middle.
    """
    return await _echo(target, UNICODE)


@check("noncharacters", "RFC 3629, 3", "echo")
async def noncharacters(target: Target) -> str:
    """Do Unicode's noncharacters, which are valid UTF-8, come back?

    Sent: One text of eight noncharacters, such as U+FFFE and U+10FFFF.
    """
    return await _echo(target, NONCHARACTERS)


@check("nul-message", "RFC 6455, 5.6", "echo")
async def nul_message(target: Target) -> str:
    """Does a text message of one NUL come back?

    Sent: One text of the byte 0.
    """
    return await _echo(target, "\0")


@check("empty-message", "RFC 6455, 5.6", "echo")
async def empty_message(target: Target) -> str:
    """Does an empty text message come back?

    Sent: One text of no bytes.
    """
    return await _echo(target, "")


@check("empty-binary", "RFC 6455, 5.6", "echo", binary=True)
async def empty_binary(target: Target) -> str:
    """Does an empty binary message come back, as binary?

    Sent: One binary message of no bytes.
    """
    return await _echo(target, b"")


@check("binary", "RFC 6455, 5.6", "echo", binary=True)
async def binary(target: Target) -> str:
    """Does a binary message whose bytes are valid text come back as binary?

    Sent: One binary message of the bytes `might be text`.
    """
    return await _echo(target, b"might be text")


@check("binary-bytes", "RFC 6455, 5.6", "echo", binary=True)
async def binary_bytes(target: Target) -> str:
    """Does a binary message of all 256 bytes come back, as binary?

    Sent: One binary message of the bytes 0 to 255.
    """
    return await _echo(target, bytes(range(256)))


@check("verbatim", "RFC 6455, 5.6", "echo")
async def verbatim(target: Target) -> str:
    """Does text come back as it was that somebody might be tempted to tidy up?

    Sent: Nine texts, each on a connection of its own: with a BOM, CRLF, tabs, HTML, JSON, a number, quotes, percent
    signs, and decomposed letters.
    """

    async def one(message: str) -> str:
        return brief(await _echo(target, message))

    outcomes = await asyncio.gather(*map(one, TEMPTING.values()))
    return summary(dict(zip(TEMPTING, outcomes, strict=True)))


@check("lengths", "RFC 6455, 5.2", "all come back")
async def lengths(target: Target) -> Observation | str:
    """Do texts of 1 to 65,538 bytes come back, around each length where something changes?

    Sent: Texts of many lengths, one after the other, around 125, 256, 1,024, 4,096, 8,192, 16,384, 32,768 and
    65,536 bytes.
    """
    async with connect(target) as ws:
        least = len(ws.wrap(b""))
        return await _each_length(ws, [_pattern(length - least) for length in LENGTHS if length > least])


@check("binary-lengths", "RFC 6455, 5.2", "all come back", binary=True)
async def binary_lengths(target: Target) -> Observation | str:
    """Do binary messages of 1 to 65,538 bytes come back, around each length where something changes?

    Sent: Binary messages of the same lengths.
    """
    async with connect(target) as ws:
        return await _each_length(ws, [_pattern(length).encode() for length in LENGTHS])


async def _each_length(ws: Connection, messages: Sequence[str | bytes]) -> Observation | str:
    began = time.monotonic()
    for count, message in enumerate(messages):
        if time.monotonic() - began > LONGEST:
            return fewer("all come back", count, len(messages))
        await ws.say(message)
        outcome = await ws.reaction(message)
        if not outcome.startswith("echo"):  # echo as text is the affair of `binary`
            return Observation(brief(outcome), f"{len(message):,} bytes: {outcome}")
    return "all come back"


@cache  # all endpoints are asked the same, and it takes longer to make than to send
def _pattern(length: int) -> str:
    """Text in which no two places look alike, so that a byte out of place shows."""
    return "".join(f"{number}." for number in range(length // 2 + 1))[:length]


@check("server-frames", "RFC 6455, 5", "well-formed", echo=False, gathers="frame")
async def server_frames(target: Target) -> str:
    """Is each of the server's frames one that a browser takes: unmasked, with a proper length, opcode and bits?

    Sent: Texts of 1, 125, 126, 65,535 and 65,536 bytes, a binary message, a ping and a close; and a ping where
    compression was offered.

    What is found in any other check's frames counts, too, where that check itself found nothing wrong.
    """
    within = PATIENCE if target.habits.echoes else SOON
    async with connect(target) as ws:
        for length in (1, 125, 126, 65535, 65536):
            message = "x" * max(1, length - len(ws.wrap(b"")))
            await ws.say(message)
            await ws.reaction(message, within)
        if target.codec.binary:
            await ws.say(b"wall")
            await ws.reaction(b"wall", within)
        await ws.send(PING, b"wall")
        await ws.close(1000, "enough for today")
        while isinstance(await ws.hear(1.0), Message):
            pass
    if target.codec.plain:
        await _compressed_and_controlled(target)
    return "well-formed"


async def _compressed_and_controlled(target: Target) -> None:
    """Have a ping answered where compression was offered, which must leave control frames alone."""
    headers = [*handshake(target), ("Sec-WebSocket-Extensions", DEFLATE)]
    async with connect(target, headers=headers) as ws:
        await ws.say("wall")
        await ws.frame()
        await ws.send(PING, b"wall")
        await ws.frame()
        await ws.close()
        await ws.frame()


@check("large-message", "RFC 6455, 5.2", "echo")
async def large_message(target: Target) -> Observation | str:
    """Does 1 MiB of text come back whole?

    Sent: One text of 1 MiB.
    """
    async with connect(target) as ws:
        message = "0123456789abcdef" * (MIB // 16)
        await ws.say(message)
        outcome = await ws.reaction(message, within=10)
    if outcome == "close 1009" and target.name == target.url:
        raise UnsupportedError("it takes less than 1 MiB, and says so by 1009")
    return Observation(brief(outcome), "" if outcome == "echo" else outcome)


@check(
    "message-limit",
    "RFC 6455, 10.4",
    ("close 1009", "no limit up to 16 MiB"),
    alone=True,
    binary=True,
    intrusive=True,
    seconds=60,
)
async def message_limit(target: Target) -> Observation | str:
    """Is a message over the limit refused with 1009, and is the limit where it is declared?

    Sent: A binary message of the declared limit, and one of a byte more. Where no limit is declared, one up to 16
    MiB is looked for by bisection.
    """

    limit = target.max_message or await find_limit(target)
    if limit is None:
        return "no limit up to 16 MiB"
    if (outcome := await weigh(target, limit)) != "echo":
        return Observation("a lower limit than declared", f"{limit:,} bytes: {outcome}")
    if (outcome := await weigh(target, limit + 1, pause=True)) == "echo":
        return Observation("a higher limit than declared", f"{limit + 1:,} bytes come back")
    return Observation(outcome, f"{limit:,} bytes come back, {limit + 1:,} do not")


async def find_limit(target: Target) -> int | None:
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
        ws.expect(message)
        data = frames.encode(BINARY, message)
        cut = 1024 if pause else len(data)
        await ws.write(data[:cut], f"a binary message of {size} bytes" + (", its first 1024" if pause else ""))
        outcome = await ws.reaction(message, within=SOON if pause else 15)
        if pause and outcome == "silence":
            await ws.write(data[cut:], "the rest")
            outcome = await ws.reaction(message, within=15)
        return "echo" if outcome.startswith("echo") else brief(outcome)


@check("steady", "RFC 6455, 5.4", "all in order", seconds=60)
async def steady(target: Target) -> Observation | str:
    """Do 600 messages, text and binary in turn and ten at a time, come back, each once and in order?

    Sent: Ten messages at a time, text and binary in turn, 60 times.

    Whether binary comes back as binary is the affair of `binary`. After 8 s no more are sent.
    """
    began, ten = time.monotonic(), 0
    async with connect(target) as ws:
        while ten < 60 and time.monotonic() - began < LONGEST:
            texts = [f"brick {10 * ten + number}" for number in range(10)]
            binary = target.codec.binary
            sent = [text.encode() if number % 2 and binary else text for number, text in enumerate(texts)]
            for message in sent:
                await ws.say(message)
            for number, message in enumerate(sent):
                outcome = await ws.reaction(message)
                if not outcome.startswith("echo"):
                    lost = "silence" if outcome == "silence" else _misplaced(outcome)
                    return Observation(lost, f"message {10 * ten + number + 1} of 600: {outcome}")
            ten += 1
        await ws.say(FENCE)
        outcome = await ws.reaction(FENCE)
        if outcome != "echo":
            return Observation(_misplaced(outcome), "after the last message")
        return fewer("all in order", 10 * ten, 600)


def _misplaced(outcome: str) -> str:
    return "lost or repeated" if outcome.startswith(("other message", "an empty")) else outcome


@check("burst", "RFC 6455, 5.4", "all in order", intrusive=True)
async def burst(target: Target) -> Observation | str:
    """Do 1,000 messages in one burst come back, each once and in order?

    Sent: 1,000 texts in one write.
    """
    async with connect(target) as ws:
        sent = [f"message {number}" for number in range(await affordable(ws, 1000))]
        await ws.write(b"".join(_text(ws, message) for message in sent), f"{len(sent):,} text messages")
        return fewer(await _in_order(ws, sent), len(sent), 1000)


@check("backlog", "RFC 6455, 5.4", "all in order", intrusive=True, waits=True)
async def backlog(target: Target) -> Observation | str:
    """Does a client that reads nothing for a second get all its echoes, each once and in order?

    Sent: 512 texts, each second one of 32 KiB, while nothing is read for a second.

    They are more than the kernels hold, so some have to wait in the server, large messages behind small ones.
    """
    most = 2 * (BACKLOG >> 15)
    async with connect(target, receive_buffer=1 << 18) as ws:
        count = await affordable(ws, most)
        sent = [f"message {number} ".ljust(1 << 15 if number % 2 == 0 else 0, ".") for number in range(count)]
        data = b"".join(_text(ws, message) for message in (*sent, FENCE))
        saying = asyncio.create_task(ws.write(data, f"{len(sent)} text messages, and a last one"))
        try:
            await asyncio.sleep(1.0)
            return fewer(await _until_fence(ws, sent), count, most)
        finally:
            saying.cancel()


@check("coalesced", "RFC 6455, 5.2", "all in order")
async def coalesced(target: Target) -> Observation | str:
    """Do two messages in one TCP segment both come back?

    Sent: Two texts in one TCP segment.
    """
    sent = ["first", "second"]
    async with connect(target) as ws:
        await ws.write(b"".join(_text(ws, message) for message in sent), "two text messages in one segment")
        return await _in_order(ws, sent)


@check("coalesced-ping", "RFC 6455, 5.2", "all in order")
async def coalesced_ping(target: Target) -> Observation | str:
    """Do two messages with a ping between them, in one TCP segment, both come back?

    Sent: A text, a ping and a text in one TCP segment.
    """
    async with connect(target) as ws:
        data = _text(ws, "first") + frames.encode(PING, b"wall") + _text(ws, "second")
        await ws.write(data, "text, ping and text in one segment")
        return await _in_order(ws, ["first", "second"])


@check("byte-by-byte", "RFC 6455, 5.2", "echo")
async def byte_by_byte(target: Target) -> str:
    """Does a message that arrives one byte at a time come back?

    Sent: A text of 132 bytes, one byte in each TCP segment.
    """
    async with connect(target) as ws:
        message = "drop by drop " * 11  # longer than 125 bytes, so the length has a form of its own
        for byte in _text(ws, message):
            await ws.write(bytes([byte]), "1 byte")
            await asyncio.sleep(0.001)
        return await ws.reaction(message)


@check("paused-frame", "RFC 6455, 5.2", "echo", waits=True)
async def paused_frame(target: Target) -> str:
    """Does a message come back whose frame pauses for 3 s in its middle, as on a bad link?

    Sent: The first half of a text in one frame and, 3 s later, the second.
    """
    async with connect(target) as ws:
        message = "Is anybody there?" * 60
        data = _text(ws, message)
        await ws.write(data[: len(data) // 2], "the first half of a text message")
        await asyncio.sleep(3.0)
        await ws.write(data[len(data) // 2 :], "its second half")
        return brief(await ws.reaction(message))


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

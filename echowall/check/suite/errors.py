"""Breaches of the protocol: is each noticed, and answered by the right code? (RFC 6455, sections 5.2, 7.1.7, 8.1)"""

from __future__ import annotations

import asyncio

from echowall.check.registry import checks_of
from echowall.check.suite.common import SOON, brief, pong, rejection, summary
from echowall.check.wire import Closed, Ended, Message, Target, connect, frames, observe
from echowall.check.wire.frames import BINARY, CLOSE, CONTINUATION, PING, RSV1, RSV2, RSV3, TEXT, close_payload

check = checks_of("errors")

#: Bytes that look like UTF-8 and are not (RFC 3629).
INVALID = {
    "a stray byte": b"\x80",
    "an overlong form": b"\xc0\xaf",
    "an overlong form of three bytes": b"\xe0\x80\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "beyond U+10FFFF": b"\xf4\x90\x80\x80",
    "a lead byte from F5 on": b"\xf5\x80\x80\x80",
    "half a character": b"\xe5\x9b",
}
#: Opcodes that are reserved (RFC 6455, section 5.2).
UNKNOWN = (*range(0x3, 0x8), *range(0xB, 0x10))


@check("reserved-bits", "RFC 6455, 5.2", "close 1002")
async def reserved_bits(target: Target) -> str:
    """Is each of the three reserved bits a protocol error where no extension gives it a meaning?

    Sent: A text with RSV1, one with RSV2 and one with RSV3, each on a connection of its own.
    """

    async def one(bit: int) -> str:
        async with connect(target) as ws:
            await ws.send(TEXT, ws.wrap(b"wall"), rsv=bit)
            return await rejection(ws)

    return summary({"RSV1": await one(RSV1), "RSV2": await one(RSV2), "RSV3": await one(RSV3)})


@check("unknown-opcode", "RFC 6455, 5.2", "close 1002")
async def unknown_opcode(target: Target) -> str:
    """Is each opcode that does not exist a protocol error, for data and for control?

    Sent: Frames with the opcodes 3 to 7 and 11 to 15, each on a connection of its own.
    """

    async def one(opcode: int) -> str:
        async with connect(target) as ws:
            await ws.send(opcode, b"wall")
            return await rejection(ws)

    outcomes = await asyncio.gather(*map(one, UNKNOWN))
    return summary({f"0x{opcode:X}": outcome for opcode, outcome in zip(UNKNOWN, outcomes, strict=True)})


@check("unmasked-frame", "RFC 6455, 5.1", "close 1002")
async def unmasked_frame(target: Target) -> str:
    """Is a frame of the client's that is not masked a protocol error?

    Sent: A text without a mask.
    """
    async with connect(target) as ws:
        await ws.send(TEXT, ws.wrap(b"wall"), masked=False)
        return await rejection(ws)


@check("unmasked-others", "RFC 6455, 5.1", "close 1002")
async def unmasked_others(target: Target) -> str:
    """Is an unmasked frame a protocol error that is binary, a ping, a close, or empty?

    Sent: A binary message, a ping, a close and an empty text without a mask, each on a connection of its own.
    """

    async def one(opcode: int, payload: bytes) -> str:
        async with connect(target) as ws:
            await ws.send(opcode, payload, masked=False)
            return await rejection(ws)

    kinds = {
        "binary": (BINARY, b"wall"),
        "ping": (PING, b"wall"),
        "close": (CLOSE, close_payload(1000)),
        "an empty text": (TEXT, b""),
        "an empty ping": (PING, b""),
        "an empty close": (CLOSE, b""),
    }
    outcomes = await asyncio.gather(*(one(*frame) for frame in kinds.values()))
    return summary(dict(zip(kinds, outcomes, strict=True)))


@check("announced-length", "RFC 6455, 10.4", ("close 1009", "close 1002"), intrusive=True)
async def announced_length(target: Target) -> str:
    """Is a frame that announces 2^40 bytes refused before the server waits for so much?

    Sent: The header of a binary frame of 2^40 bytes.
    """
    async with connect(target) as ws:
        await ws.send(BINARY, length=1 << 40)
        return await rejection(ws)


@check("huge-length", "RFC 6455, 5.2", ("close 1002", "close 1009"), intrusive=True)
async def huge_length(target: Target) -> str:
    """Is a length of 2^63, which is one more than there may be, refused before the server waits for so much?

    Sent: The header of a binary frame of 2^63 bytes.
    """
    async with connect(target) as ws:
        await ws.send(BINARY, length=1 << 63)
        return await rejection(ws)


@check("long-form-length", "RFC 6455, 5.2", ("close 1002", "echo"), echo=True)
async def long_form_length(target: Target) -> str:
    """Is a short length that is written with 16 or 64 bits either understood or refused?

    Sent: A text of four bytes whose length is written in 16 bits, and one in 64.

    The sender must use the shortest form. The RFC does not say what the receiver has to do about a longer one.
    """

    async def one(form: int) -> str:
        async with connect(target) as ws:
            await ws.send(TEXT, ws.wrap(b"wall"), form=form)
            return brief(await ws.reaction("wall"))

    return summary({f"{form} bits": await one(form) for form in (16, 64)})


@check("long-form-ping", "RFC 6455, 5.2", ("close 1002", "pong with its payload"))
async def long_form_ping(target: Target) -> str:
    """Is a ping whose short length is written with 16 bits either understood or refused?

    Sent: A ping of four bytes whose length is written in 16 bits.

    No control frame needs that form. Who sends it is wrong, and here, too, the receiver is free.
    """
    async with connect(target) as ws:
        await ws.send(PING, b"wall", form=16)
        return await pong(ws, b"wall")


@check("data-after-error", "RFC 6455, 7.1.7", ("ignored", "no error noticed"), echo=True)
async def data_after_error(target: Target) -> str:
    """Is a message ignored that comes behind a breach of the protocol, for which the server closes?

    Sent: A frame with opcode 3, and an unmasked text, each with a text behind it in one write.

    Whether a server notices the breach is the affair of `unknown-opcode` and `unmasked-frame`.
    """

    async def one(breach: bytes) -> str:
        async with connect(target) as ws:
            await ws.write(breach + frames.encode(TEXT, ws.wrap(b"too late")), "a breach, and a text behind it")
            closed = False
            while not isinstance(heard := await ws.hear(2 * SOON), Ended):
                if isinstance(heard, Message) and not closed:
                    return "no error noticed"
                if isinstance(heard, Message):
                    return "echoed after the close"
                closed = isinstance(heard, Closed)
            return "ignored"

    unknown, unmasked = frames.encode(0x3, b"wall"), frames.encode(TEXT, masked=False)
    found = await asyncio.gather(one(unknown), one(unmasked))
    return next(outcome for outcome in ("echoed after the close", "ignored", "no error noticed") if outcome in found)


@check("invalid-utf8", "RFC 6455, 8.1", "close 1007")
async def invalid_utf8(target: Target) -> str:
    """Is a text that is not UTF-8 refused as such?

    Sent: Texts with seven kinds of invalid UTF-8, each on a connection of its own: a stray byte, overlong forms, a
    surrogate, beyond U+10FFFF, half a character.
    """

    async def one(wrong: bytes) -> str:
        async with connect(target) as ws:
            await ws.send(TEXT, ws.wrap(b"wall " + wrong))
            return await rejection(ws)

    outcomes = await asyncio.gather(*map(one, INVALID.values()))
    return summary(dict(zip(INVALID, outcomes, strict=True)))


@check("invalid-utf8-split", "RFC 6455, 8.1", "close 1007", alone=True)
async def invalid_utf8_split(target: Target) -> str:
    """Is a text refused that is invalid UTF-8 only where two of its fragments meet?

    Sent: A text in two fragments, where the first ends in half a character and the second does not go on with it.
    """
    async with connect(target) as ws:
        await ws.send(TEXT, ws.codec.begin(b"wall ") + b"\xe5\x9b", fin=False)
        await ws.send(CONTINUATION, b"wall")
        return await rejection(ws)


@check("invalid-utf8-early", "RFC 6455, 8.1", ("close 1007 at once", "close 1007 at the end"), alone=True)
async def invalid_utf8_early(target: Target) -> str:
    """Is a text in fragments that is not UTF-8 refused at the first fragment, or at least when it is whole?

    Sent: The first fragment of a text, with the byte FF, and a ping; then the last fragment.
    """
    async with connect(target) as ws:
        await ws.send(TEXT, ws.codec.begin(b"wall ") + b"\xff", fin=False)
        await ws.send(PING, b"wall")
        answered = await pong(ws, b"wall", within=SOON)
        if answered.startswith("close"):
            return f"{answered} at once"
        if answered == "cut off":
            return "cut off at once"
        await ws.send(CONTINUATION, b"wall")
        heard = await ws.hear()
        if isinstance(heard, Ended):
            return "silence" if heard.how == "silence" else "cut off at the end"
        outcome = observe(heard)
        return f"{outcome} at the end" if outcome.startswith("close") else "taken for a message"

"""Messages in several frames (RFC 6455, section 5.4). Each check runs alone, as a server may mix up clients."""

from __future__ import annotations

from echowall.check.registry import Observation, UnsupportedError, checks_of
from echowall.check.suite.common import CLOSES, brief, pong, rejection
from echowall.check.suite.messages import find_limit
from echowall.check.wire import Connection, Target, connect, frames
from echowall.check.wire.frames import BINARY, CONTINUATION, PING, PONG, TEXT

check = checks_of("fragmentation", echo=True)

MESSAGE = "one, two and three"


@check("fragments", "RFC 6455, 5.4", "echo", alone=True)
async def fragments(target: Target) -> str:
    """Does a text in three fragments come back whole?

    Sent: A text in three fragments.
    """
    async with connect(target) as ws:
        await _send_parts(ws, TEXT, _cut(ws.wrap(MESSAGE.encode()), 3))
        return brief(await ws.reaction(MESSAGE))


@check("fragments-binary", "RFC 6455, 5.4", "echo", alone=True, plain=True)
async def fragments_binary(target: Target) -> str:
    """Does a binary message in three fragments come back whole, and binary?

    Sent: A binary message of 256 bytes in three fragments.
    """
    async with connect(target) as ws:
        message = bytes(range(256))
        await _send_parts(ws, BINARY, _cut(message, 3))
        return brief(await ws.reaction(message))


@check("fragments-empty", "RFC 6455, 5.4", "echo", alone=True)
async def fragments_empty(target: Target) -> str:
    """Does a message with empty first, third and last fragments come back whole?

    Sent: A text in five fragments, of which the first, third and last are empty.
    """
    async with connect(target) as ws:
        first, second = _cut(ws.wrap(MESSAGE.encode()), 2)
        await _send_parts(ws, TEXT, [b"", first, b"", second, b""])
        return brief(await ws.reaction(MESSAGE))


@check("fragments-character", "RFC 6455, 5.6", "echo", alone=True)
async def fragments_character(target: Target) -> str:
    """Does a message come back whole where each fragment holds one byte of a character that takes several?

    Sent: The text `回😀`, one byte in each fragment.
    """
    async with connect(target) as ws:
        message = "回😀"
        payload = ws.wrap(message.encode())
        start = payload.index("回".encode())
        parts = [payload[at : at + 1] for at in range(start, start + 7)]
        await _send_parts(ws, TEXT, [payload[:start], *parts, payload[start + 7 :]])
        return brief(await ws.reaction(message))


@check("fragments-ping", "RFC 6455, 5.4", "pong, then the message", alone=True)
async def fragments_ping(target: Target) -> Observation | str:
    """Is a ping between fragments answered before the message is whole, and does the message still come back?

    Sent: A text in three fragments, with a ping behind the first.
    """
    async with connect(target) as ws:
        first, *others = _cut(ws.wrap(MESSAGE.encode()), 3)
        await ws.send(TEXT, first, fin=False)
        await ws.send(PING, b"wall")
        answered = await pong(ws, b"wall")
        if answered not in ("pong with its payload", "empty pong"):  # whether it is empty is pong-payload's affair
            return answered
        await ws.send(CONTINUATION, others[0], fin=False)
        await ws.send(CONTINUATION, others[1])
        outcome = brief(await ws.reaction(MESSAGE))
        return "pong, then the message" if outcome == "echo" else f"pong, then {outcome}"


@check("fragments-pong", "RFC 6455, 5.4", "echo", alone=True)
async def fragments_pong(target: Target) -> str:
    """Does a message come back whole that has a pong between its fragments, which answers no ping?

    Sent: A text in two fragments, with a pong between them.
    """
    async with connect(target) as ws:
        first, second = _cut(ws.wrap(MESSAGE.encode()), 2)
        await ws.send(TEXT, first, fin=False)
        await ws.send(PONG, b"wall")
        await ws.send(CONTINUATION, second)
        return brief(await ws.reaction(MESSAGE))


@check("fragments-apart", "RFC 6455, 5.4", "each its own", alone=True, intrusive=True)
async def fragments_apart(target: Target) -> Observation | str:
    """Does each of two clients that send fragments in turn get its own message back?

    Sent: Fragments of two clients in turn, each with a ping behind it.
    """
    messages = "the message of the first client", "what the second one says"
    async with connect(target) as one, connect(target) as two:
        pairs = [(ws, _cut(ws.wrap(text.encode()), 3)) for ws, text in zip((one, two), messages, strict=True)]
        for turn in range(3):
            for ws, parts in pairs:
                await ws.send(CONTINUATION if turn else TEXT, parts[turn], fin=turn == 2)
                if turn < 2:  # a server that answers it has read what came before
                    await ws.send(PING, b"turn")
                    answered = await pong(ws, b"turn", within=1)
                    if answered == "cut off" or answered.startswith("close"):
                        return answered
        outcomes = [await ws.reaction(text) for ws, text in zip((one, two), messages, strict=True)]
    if outcomes == ["echo", "echo"]:
        return "each its own"
    words = "; ".join(outcomes)
    if "cut off" in outcomes:
        return Observation("cut off", words)
    return Observation("mixed" if any(outcome.startswith("other") for outcome in outcomes) else "lost", words)


@check("fragments-tiny", "RFC 6455, 5.4", ("echo", "close 1008", "close 1009"), alone=True, intrusive=True)
async def fragments_tiny(target: Target) -> str:
    """Does a message of 10,000 fragments of one byte come back whole, or is it refused with a code that says why?

    Sent: A text in 10,000 fragments of one byte.
    """
    return await _crumbs(target, 10_000)


async def _crumbs(target: Target, size: int) -> str:
    """What becomes of a text of so many bytes, a multiple of ten, in fragments of one byte each."""
    async with connect(target) as ws:
        message = "0123456789" * (size // 10)
        payload = ws.wrap(message.encode())
        last = len(payload) - 1
        data = b"".join(
            frames.encode(CONTINUATION if at else TEXT, payload[at : at + 1], fin=at == last)
            for at in range(len(payload))
        )
        await ws.write(data, f"{len(payload)} fragments of 1 byte")
        outcome = brief(await ws.reaction(message, within=10))
        # Much is still unread when the connection breaks, so that what was said before it may be lost, as in a proxy.
        return "broken off" if outcome in ("cut off", "another message", "an empty message") else outcome


@check("fragments-many", "RFC 6455, 5.4", ("echo", "close 1008", "close 1009"), alone=True, intrusive=True)
async def fragments_many(target: Target) -> str:
    """Does a message of 100,000 fragments of one byte come back whole, or is it refused with a code that says why?

    Sent: A text in 100,000 fragments of one byte.
    """
    return await _crumbs(target, 100_000)


@check("fragments-limit", "RFC 6455, 10.4", "close 1009", alone=True, binary=True, intrusive=True, seconds=60)
async def fragments_limit(target: Target) -> Observation | str:
    """Is a message over the limit refused with 1009 that comes in two fragments, of which neither is over it?

    Sent: A binary message of one byte over the limit in two fragments, of which the second has two bytes.
    """
    limit = target.max_message or await find_limit(target)
    if limit is None:
        raise UnsupportedError("it has no limit up to 16 MiB")
    async with connect(target) as ws:
        message = bytes(limit + 1)
        await ws.announce()
        await ws.send(BINARY, message[:-2], fin=False)
        await ws.send(CONTINUATION, message[-2:])
        outcome = brief(await ws.reaction(message, within=15))
    return "a higher limit in fragments" if outcome.startswith("echo") else outcome


@check("close-within-message", "RFC 6455, 5.4", (*CLOSES, "close 1002"), alone=True, echo=False)
async def close_within_message(target: Target) -> str:
    """Is a close answered that comes between the fragments of a message?

    Sent: The first fragment of a text, and a close with 1000.
    """
    async with connect(target) as ws:
        await ws.send(TEXT, ws.wrap(b"unfinished")[:-1], fin=False)
        await ws.close(1000)
        return brief(await ws.reaction())


@check("stray-continuation", "RFC 6455, 5.4", "close 1002", alone=True, echo=False, intrusive=True)
async def stray_continuation(target: Target) -> str:
    """Is a continuation with nothing to continue a protocol error?

    Sent: A continuation frame as the first frame of all.
    """
    async with connect(target) as ws:
        await ws.send(CONTINUATION, ws.wrap(b"stray"))
        return await rejection(ws)


@check("interrupted-message", "RFC 6455, 5.4", "close 1002", alone=True, echo=False, intrusive=True)
async def interrupted_message(target: Target) -> str:
    """Is a new message within an unfinished one a protocol error?

    Sent: The first fragment of a text, and then a whole text.
    """
    async with connect(target) as ws:
        await ws.send(TEXT, ws.wrap(b"unfinished")[:-1], fin=False)
        await ws.send(TEXT, ws.wrap(b"another"))
        return await rejection(ws)


async def _send_parts(ws: Connection, opcode: int, parts: list[bytes]) -> None:
    for number, part in enumerate(parts):
        await ws.send(CONTINUATION if number else opcode, part, fin=number == len(parts) - 1)


def _cut(payload: bytes, count: int) -> list[bytes]:
    size = -(-len(payload) // count)
    return [payload[at : at + size] for at in range(0, size * count, size)]

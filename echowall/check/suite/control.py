"""Pings and pongs, those of the client and those of the server (RFC 6455, section 5.5)."""

from __future__ import annotations

import asyncio
import time

from echowall.check.registry import Observation, checks_of
from echowall.check.suite.common import affordable, close_of, compare, fewer, pong, rejection, summary
from echowall.check.wire import PATIENCE, Connection, Ended, Message, Target, connect, frames
from echowall.check.wire.frames import CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT, Frame

check = checks_of("control")


@check("pong-payload", "RFC 6455, 5.5.3", "pong with its payload")
async def pong_payload(target: Target) -> str:
    """Is a ping answered by a pong that carries the ping's payload?

    Sent: A ping of four bytes.
    """
    return await _ping(target, b"wall")


@check("empty-ping", "RFC 6455, 5.5.2", "pong with its payload")
async def empty_ping(target: Target) -> str:
    """Is a ping without a payload answered by a pong without one?

    Sent: A ping without a payload.
    """
    return await _ping(target, b"")


@check("long-ping", "RFC 6455, 5.5", "pong with its payload")
async def long_ping(target: Target) -> str:
    """Is a ping of 125 bytes, the most there may be, answered by a pong that carries them?

    Sent: A ping of 125 bytes.
    """
    return await _ping(target, bytes(range(125)))


@check("binary-ping", "RFC 6455, 5.5.2", "pong with its payload")
async def binary_ping(target: Target) -> str:
    """Is a ping whose payload is not UTF-8, which it need not be, answered by a pong that carries it?

    Sent: A ping with the bytes FF FE 80 00 in its payload.
    """
    return await _ping(target, b"\xff\xfe\x80\x00wall")


@check("several-pings", "RFC 6455, 5.5.3", ("pong with its payload", "last answered"))
async def several_pings(target: Target) -> str:
    """Is each of several pings in a row answered, or at least the last?

    Sent: Five pings at once, each with a payload of its own.
    """
    async with connect(target) as ws:
        for number in range(5):
            await ws.send(PING, b"ping %d" % number)
        outcome = await pong(ws, b"ping 0")
        if outcome == "pong with its payload":
            for number in range(1, 5):
                if (outcome := await pong(ws, b"ping %d" % number)) != "pong with its payload":
                    break
            return outcome
        if outcome != "pong with another payload":
            return outcome
    async with connect(target) as ws:
        for number in range(5):
            await ws.send(PING, b"ping %d" % number)
        for _ in range(5):
            if (outcome := await pong(ws, b"ping 4")) != "pong with another payload":
                break
        return "last answered" if outcome == "pong with its payload" else outcome


@check("unsolicited-pong", "RFC 6455, 5.5.3", "ignored", echo=True)
async def unsolicited_pong(target: Target) -> str:
    """Is a pong that answers no ping ignored?

    Sent: A pong, and a text behind it.
    """
    async with connect(target) as ws:
        await ws.send(PONG, b"wall")
        await ws.say("still there?")
        outcome = await ws.reaction("still there?")
        return "ignored" if outcome == "echo" else outcome


@check("oversized-ping", "RFC 6455, 5.5", "close 1002")
async def oversized_ping(target: Target) -> str:
    """Is a ping of 126 bytes, one more than there may be, a protocol error?

    Sent: A ping of 126 bytes.
    """
    async with connect(target) as ws:
        await ws.send(PING, bytes(126))
        return await rejection(ws)


@check("fragmented-ping", "RFC 6455, 5.5", "close 1002")
async def fragmented_ping(target: Target) -> str:
    """Is a ping that is not final, as control frames must be, a protocol error?

    Sent: A ping without FIN.
    """
    async with connect(target) as ws:
        await ws.send(PING, b"wall", fin=False)
        return await rejection(ws)


@check("reserved-bits-control", "RFC 6455, 5.2", "close 1002")
async def reserved_bits_control(target: Target) -> str:
    """Is a reserved bit on a ping, a pong or a close a protocol error, where no extension gives it a meaning?

    Sent: A ping, a pong and a close with RSV1, each on a connection of its own.
    """

    async def one(opcode: int, payload: bytes) -> str:
        async with connect(target) as ws:
            await ws.send(opcode, payload, rsv=RSV1)
            return await rejection(ws)

    kinds = {"ping": (PING, b"wall"), "pong": (PONG, b"wall"), "close": (CLOSE, frames.close_payload(1000))}
    outcomes = await asyncio.gather(*(one(*frame) for frame in kinds.values()))
    return summary(dict(zip(kinds, outcomes, strict=True)))


@check("busy-ping", "RFC 6455, 5.5.2", "pong with its payload", alone=True)
async def busy_ping(target: Target) -> Observation | str:
    """Is a ping answered that comes behind messages that the handler has not reached yet?

    Sent: 64 texts of 16 KiB and a ping behind them, before anything is read.

    The pong may overtake the echoes or come in its turn; the detail tells which. Nothing is read until all is sent.
    """
    message = "x" * 16384
    async with connect(target) as ws:
        count = await affordable(ws, 64)
        for _ in range(count):
            await ws.say(message)
        await ws.send(PING, b"wall")
        echoes, other = 0, Observation("no pong")
        deadline = time.monotonic() + 10
        while (left := deadline - time.monotonic()) > 0:
            found = await ws.frame(min(left, PATIENCE))
            if isinstance(found, Ended):
                return other if found.how == "silence" else "cut off"
            if found.opcode == PONG:
                other = Observation(compare(found, b"wall"), f"after {echoes} of {count} echoes")
                if found.payload == b"wall":
                    break
            if found.opcode == CLOSE:
                return close_of(found)
            echoes += len(found.payload) > len(message) / 2
        return other


@check("backlog-ping", "RFC 6455, 5.2", "each frame whole", echo=True, intrusive=True, waits=True)
async def backlog_ping(target: Target) -> Observation | str:
    """Are pongs sent between the messages that wait for a client to read, and never in the middle of one?

    Sent: 64 texts of 128 KiB with a ping behind each, while nothing is read for a second.

    A server that reads in one thread and writes in another may have sent half of a frame when the pong is due.
    """
    message = "x" * (1 << 17)
    async with connect(target, receive_buffer=1 << 18) as ws:
        pings = [b"ping %d" % number for number in range(await affordable(ws, 64))]
        whole = ws.wrap(message.encode())
        data = b"".join(frames.encode(TEXT, whole) + frames.encode(PING, ping) for ping in pings)
        saying = asyncio.create_task(ws.write(data, f"{len(pings)} messages of 128 KiB, and a ping behind each"))
        try:
            await asyncio.sleep(1.0)
            return fewer(await _whole_frames(ws, whole, pings), len(pings), 64)
        finally:
            saying.cancel()


async def _whole_frames(ws: Connection, message: bytes, pings: list[bytes]) -> Observation | str:
    """Hear all the echoes and at least one pong, which may be empty. Only the server's own pings may come between."""
    parts: list[bytes] = []
    echoes = pongs = 0
    while echoes < len(pings) or not pongs:
        found = await ws.frame(PATIENCE)
        detail = f"after {echoes} of {len(pings)} echoes"
        if isinstance(found, Ended):
            how = "silence" if found.how == "silence" else "cut off"
            return Observation("no pong" if how == "silence" and echoes == len(pings) else how, detail)
        if found.opcode == PONG:  # a server may send some that nobody asked for
            pongs += found.payload in (b"", *pings)
        elif found.opcode in (TEXT, CONTINUATION):
            parts.append(found.payload)
            if found.fin:
                if b"".join(parts) != message:
                    return Observation("a frame within another", detail)
                parts.clear()
                echoes += 1
        elif found.opcode == CLOSE:
            return Observation(close_of(found), detail)
        elif found.opcode != PING:
            return Observation("a frame within another", detail)
    return "each frame whole"


@check("server-pings", "RFC 6455, 5.5.2", ("pings", "no ping"), waits=True, idle=True)
async def server_pings(target: Target) -> Observation | str:
    """Does the server ping an idle client, and keep a client that answers?

    Sent: Nothing but a pong for each ping, for the time of `--idle`.
    """
    async with connect(target) as ws:
        began, pings = time.monotonic(), list[float]()
        while (left := began + target.idle - time.monotonic()) > 0:
            found = await ws.frame(left)
            if isinstance(found, Ended):
                if found.how == "silence":
                    break
                return Observation("cut off", f"after {time.monotonic() - began:.0f} s")
            if found.opcode == CLOSE:
                return Observation(close_of(found), f"after {time.monotonic() - began:.0f} s")
            if found.opcode == PING:
                pings.append(time.monotonic() - began)
                await ws.send(PONG, found.payload)
            elif (reply := _reply(ws, found)) is not None:
                await ws.send(TEXT, reply)
            elif found.opcode != PONG:
                return "a message of nobody's sending"
            if len(pings) == 2:
                break
        if not pings:
            return Observation("no ping", f"within {target.idle:g} s")
        apart = f", the next {pings[1] - pings[0]:.0f} s later" if len(pings) > 1 else ""
        return Observation("pings", f"the first after {pings[0]:.0f} s{apart}")


@check("mute-client", "RFC 6455, 5.5.2", ("still open", "let go after a ping"), waits=True, idle=True)
async def mute_client(target: Target) -> Observation | str:
    """What becomes of an idle client that answers no ping?

    Sent: Nothing at all, for the time of `--idle`.

    A server should not let go of a client that it has not even pinged.
    """
    async with connect(target) as ws:
        began, pinged = time.monotonic(), False
        while (left := began + target.idle - time.monotonic()) > 0:
            found = await ws.frame(left)
            if isinstance(found, Ended) and found.how == "silence":
                break
            if isinstance(found, Ended) or found.opcode == CLOSE:
                how = found.how if isinstance(found, Ended) else close_of(found)
                detail = f"{how} after {time.monotonic() - began:.0f} s"
                return Observation("let go after a ping" if pinged else "let go without a ping", detail)
            pinged = pinged or found.opcode == PING or _reply(ws, found) is not None
        return Observation("still open", f"after {target.idle:g} s")


def _reply(ws: Connection, found: Frame) -> bytes | None:
    """What answers a ping of the protocol above WebSocket, if this frame is one."""
    return ws.codec.reply(Message(found.opcode, found.payload))


async def _ping(target: Target, payload: bytes) -> str:
    async with connect(target) as ws:
        await ws.send(PING, payload)
        return await pong(ws, payload)

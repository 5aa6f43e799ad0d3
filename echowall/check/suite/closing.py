"""The end of a connection, with the closing handshake and without it (RFC 6455, sections 5.5.1 and 7)."""

from __future__ import annotations

import asyncio
import time

from echowall.check.registry import Observation, UnsupportedError, checks_of
from echowall.check.suite.common import CLOSES, brief, rejection, summary
from echowall.check.wire import PATIENCE, Closed, Connection, Ended, Heard, Message, Target, connect, frames, observe
from echowall.check.wire.frames import CLOSE, TEXT

check = checks_of("closing")

#: Codes that no close frame may carry (RFC 6455, section 7.4): unassigned, reserved, or out of range.
INVALID_CODES = (0, 999, 1004, 1005, 1006, 1015, 5000)
#: Codes that are kept for the protocol's own future, at their ends and between.
UNASSIGNED_CODES = (1016, 1100, 2000, 2999)
#: Codes that were registered after the RFC, in IANA's WebSocket Close Code Number Registry.
REGISTERED_CODES = (1012, 1013, 1014)
#: The longest reason that a close frame has room for, 123 bytes in letters of two: almost no place to cut it is right.
LONG_REASON = "x" + 61 * "é"


@check("close-normal", "RFC 6455, 5.5.1", CLOSES)
async def close_normal(target: Target) -> str:
    """Is a close with 1000 answered with a close, with 1000 or 1001 or without a code?

    Sent: A close with 1000.
    """
    async with connect(target) as ws:
        await ws.close(1000)
        return brief(await ws.reaction())


@check("close-code", "RFC 6455, 5.5.1", ("close 3000", *CLOSES))
async def close_code(target: Target) -> Observation | str:
    """Is a close with 3000 and a reason answered with a close, with 3000, as is usual, 1000 or 1001 or without a code?

    Sent: A close with 3000 and the reason `enough for today`.

    "Typically" the code comes back, says the RFC. Whether the reason does is free, too; the detail tells.
    """
    async with connect(target) as ws:
        await ws.close(3000, "enough for today")
        heard = await ws.hear()
    if isinstance(heard, Closed):
        same = heard.reason == "enough for today"
        what = "the reason comes back" if same else "another reason" if heard.reason else "no reason comes back"
        return Observation(observe(heard), what)
    return _ending(heard)


@check("close-long-reason", "RFC 6455, 5.5.1", CLOSES)
async def close_long_reason(target: Target) -> str:
    """Is a close with 1000 and a reason of 123 bytes, the most there may be, answered, and with no broken letter?

    Sent: A close with 1000 and a reason of 123 bytes, in letters of several bytes.
    """
    async with connect(target) as ws:
        await ws.close(1000, LONG_REASON)
        heard = await ws.hear()
        broken = isinstance(heard, Closed) and "\ufffd" in heard.reason
        return "a reason that is not UTF-8" if broken else _ending(heard)


@check("close-empty", "RFC 6455, 5.5.1", CLOSES)
async def close_empty(target: Target) -> str:
    """Is a close without a code answered with a close without a code, or with 1000 or 1001?

    Sent: A close without a code.
    """
    async with connect(target) as ws:
        await ws.close(None)
        return brief(await ws.reaction())


@check("close-ends-tcp", "RFC 6455, 7.1.1", "ends")
async def close_ends_tcp(target: Target) -> str:
    """Does the server end the TCP connection after the closing handshake, and by a FIN?

    Sent: A close with 1000; then the end of the TCP connection is waited for.

    A reset (RST) may reach the client before the close frame, which is lost then.
    """
    async with connect(target) as ws:
        await ws.close(1000)
        end = await _to_the_end(ws, [])
        if isinstance(end, Closed):
            return "stays open"
        return "ends by a reset" if end.how == "reset" else "ends"


@check("close-invalid-code", "RFC 6455, 7.4", "close 1002")
async def close_invalid_code(target: Target) -> str:
    """Is a close with a code that may not be sent a protocol error?

    Sent: Closes with 0, 999, 1004, 1005, 1006, 1015 and 5000, each on a connection of its own.
    """
    payloads = {str(code): frames.close_payload(code) for code in INVALID_CODES}
    found = await _each(target, payloads)
    return summary({code: "echoed" if outcome == f"close {code}" else outcome for code, outcome in found.items()})


@check("close-unassigned-code", "RFC 6455, 7.4.2", ("close 1002", "each comes back"))
async def close_unassigned_code(target: Target) -> str:
    """Is a close with a code from 1016 to 2999, which no specification has assigned yet, refused, or answered in kind?

    Sent: Closes with 1016, 1100, 2000 and 2999, each on a connection of its own.

    The RFC keeps these for its own future, and does not say what a server has to do about one that it does not know.
    """
    payloads = {str(code): frames.close_payload(code) for code in UNASSIGNED_CODES}
    found = await _each(target, payloads)
    return summary(_in_kind(found))


@check("close-registered-code", "RFC 6455, 7.4.2", "each comes back")
async def close_registered_code(target: Target) -> str:
    """Is a close with 1012, 1013 or 1014, which were registered after the RFC, answered in kind?

    Sent: Closes with 1012, 1013 and 1014, each on a connection of its own.
    """
    found: dict[str, str] = {}
    for code in REGISTERED_CODES:
        async with connect(target) as ws:
            await ws.close(code)
            found[str(code)] = _ending(await ws.hear())
    return summary(_in_kind(found))


@check("close-one-byte", "RFC 6455, 5.5.1", "close 1002")
async def close_one_byte(target: Target) -> str:
    """Is a close with half a code a protocol error?

    Sent: A close with a payload of one byte.
    """
    async with connect(target) as ws:
        await ws.send(CLOSE, b"\x03")
        return await rejection(ws)


@check("close-bad-reason", "RFC 6455, 8.1", ("close 1007", "close 1002"))
async def close_bad_reason(target: Target) -> str:
    """Is a close whose reason is not UTF-8 refused as such?

    Sent: A close with 1000 and a reason that ends in the bytes FF FE.
    """
    async with connect(target) as ws:
        await ws.close(1000, b"wall \xff\xfe")
        return await rejection(ws)


@check("data-after-close", "RFC 6455, 5.5.1", "ignored", echo=True)
async def data_after_close(target: Target) -> str:
    """Is a message that comes after the client's close ignored?

    Sent: A close with 1000 and a text behind it, in one write.
    """
    async with connect(target) as ws:
        late = frames.encode(TEXT, ws.wrap(b"too late"))
        await ws.write(frames.encode(CLOSE, frames.close_payload(1000)) + late, "close 1000, and a text behind it")
        got: list[Heard] = []
        await _to_the_end(ws, got)
        return "echoed" if any(isinstance(heard, Message) for heard in got) else "ignored"


@check("crossed-closes", "RFC 6455, 5.5.1", "one close")
async def crossed_closes(target: Target) -> Observation | str:
    """Does the server send one close, and end, where both sides close at once?

    Sent: A frame with opcode 3 and a close with 1000 behind it, in one write.

    It is made to close by an opcode that does not exist, with the client's close already behind it.
    """
    async with connect(target) as ws:
        data = frames.encode(0x3, b"wall") + frames.encode(CLOSE, frames.close_payload(1000))
        await ws.write(data, "opcode 0x3, and close 1000 behind it")
        got: list[Heard] = []
        end = await _to_the_end(ws, got)
        closes = [observe(heard) for heard in got if isinstance(heard, Closed)]
        detail = ", ".join(closes)
        if isinstance(end, Closed) or end.how == "silence":
            return Observation("stays open", detail)
        words = {0: "cut off", 1: "one close"}
        return Observation(words.get(len(closes), "several closes"), detail)


@check("two-closes", "RFC 6455, 5.5.1", "one close")
async def two_closes(target: Target) -> Observation | str:
    """Does the server answer the first of two closes that come at once, and nothing after it?

    Sent: Two closes with 1000, in one write.
    """
    async with connect(target) as ws:
        close = frames.encode(CLOSE, frames.close_payload(1000))
        await ws.write(close + frames.encode(CLOSE, frames.close_payload(1000)), "close 1000, twice")
        got: list[Heard] = []
        end = await _to_the_end(ws, got)
        closes = [observe(heard) for heard in got if isinstance(heard, Closed)]
        if isinstance(end, Closed) or end.how == "silence":
            return Observation("stays open", ", ".join(closes))
        if len(closes) == 1 and closes[0] not in CLOSES:
            return closes[0]
        return Observation({0: "cut off", 1: "one close"}.get(len(closes), "several closes"), ", ".join(closes))


@check("half-close", "RFC 6455, 7.2.1", "lets go")
async def half_close(target: Target) -> Observation | str:
    """Does the server let go of a client that ends its half of the TCP connection (FIN) without a close?

    Sent: A text and, when it has come back, FIN.
    """
    if target.tls:
        raise UnsupportedError("over TLS a connection ends as a whole")
    async with connect(target) as ws:
        await ws.say("wall")
        await ws.hear()
        await ws.finish()
        got: list[Heard] = []
        end = await _to_the_end(ws, got)
        closes = ", ".join(observe(heard) for heard in got if isinstance(heard, Closed))
        still = isinstance(end, Closed) or end.how == "silence"
        return Observation("stays open" if still else "lets go", closes)


@check("reset", "RFC 6455, 7.2.1", "still serves", echo=True)
async def reset(target: Target) -> str:
    """Is the next client served after one that broke its TCP connection (RST)?

    Sent: A text and RST; then a text on a new connection.
    """
    async with connect(target) as ws:
        await ws.say("wall")
        ws.reset()
    async with connect(target) as ws:
        await ws.say("still there?")
        outcome = brief(await ws.reaction("still there?"))
        return "still serves" if outcome == "echo" else outcome


def _in_kind(found: dict[str, str]) -> dict[str, str]:
    """By code, that each is answered by itself or as one may answer any close, or by what else."""
    return {
        code: "each comes back" if outcome in (f"close {code}", *CLOSES) else outcome for code, outcome in found.items()
    }


async def _each(target: Target, payloads: dict[str, bytes]) -> dict[str, str]:
    """What becomes of each of these close frames, on a connection of its own."""

    async def one(payload: bytes) -> str:
        async with connect(target) as ws:
            await ws.send(CLOSE, payload)
            return await rejection(ws)

    outcomes = await asyncio.gather(*map(one, payloads.values()))
    return dict(zip(payloads, outcomes, strict=True))


async def _to_the_end(ws: Connection, got: list[Heard]) -> Ended | Closed:
    """Hear until the end. Gives the close where the server sent one and the end does not come."""
    deadline = time.monotonic() + PATIENCE
    while True:
        heard = await ws.hear(max(0.0, deadline - time.monotonic()))
        if isinstance(heard, Ended):
            closes = [one for one in got if isinstance(one, Closed)]
            return closes[-1] if heard.how == "silence" and closes else heard
        got.append(heard)


def _ending(heard: Heard) -> str:
    if isinstance(heard, Ended):
        return heard.how if heard.how == "silence" else "cut off"
    return brief(observe(heard))

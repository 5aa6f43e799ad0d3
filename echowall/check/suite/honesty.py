"""Is the echo honest: does everything come back once, in order, to its sender, and nothing else?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

from echowall.check.registry import Observation, checks_of
from echowall.check.suite.common import affordable, fewer
from echowall.check.wire import Closed, Connection, Ended, Message, Target, connect, observe

check = checks_of("honesty", echo=True)

CONTRACT = "services/README.md, the contract"


@check("phantom-idle", CONTRACT, "silence", quiet=True, waits=True, idle=True)
async def phantom_idle(target: Target) -> Observation | str:
    """Does an idle client, which says nothing for the time of --idle, hear nothing?

    Sent: A text; then nothing, for the time of `--idle`.
    """
    async with settled(target) as ws:
        return _unasked(await ws.hear(target.idle))


@check("phantom-burst", CONTRACT, "nothing else", quiet=True)
async def phantom_burst(target: Target) -> Observation | str:
    """Does nothing but these messages come back from a burst of 100 messages?

    Sent: 100 texts without waiting, and two more as a fence.
    """
    async with settled(target) as ws:
        sent = [f"brick {number}" for number in range(await affordable(ws, 100))]
        heard, end = await exchange(ws, sent)
    for one in heard:
        if one.data.decode("utf-8", "replace") not in sent:
            return Observation(_unasked(one), f"{len(heard)} messages for {len(sent)}")
    return fewer(end or "nothing else", len(sent), 100)


@check("duplicates", CONTRACT, "no message twice")
async def duplicates(target: Target) -> Observation | str:
    """Does each message of a burst come back no more than once?

    Sent: 100 texts without waiting, and two more as a fence.
    """
    async with settled(target) as ws:
        sent = [f"tile {number}" for number in range(await affordable(ws, 100))]
        heard, end = await exchange(ws, sent)
    ours = {message.encode() for message in sent}
    twice = [data for data, times in Counter(one.data for one in heard).items() if times > 1 and data in ours]
    if twice:
        return Observation("a message twice", f"{len(twice)} of {len(sent)} messages")
    return fewer(end or "no message twice", len(sent), 100)


@check("order", CONTRACT, "in order")
async def order(target: Target) -> Observation | str:
    """Do alternating large and small messages, sent without waiting, come back in order?

    Sent: 60 texts of 32 KiB, a few bytes and 100,000 bytes in turn, without waiting.
    """
    async with settled(target) as ws:
        sent = [f"stone {number} ".ljust(LARGE[number % 3], ".") for number in range(await affordable(ws, 60))]
        heard, end = await exchange(ws, sent)
    places = {message.encode(): place for place, message in enumerate(sent)}
    came = list(dict.fromkeys(places[one.data] for one in heard if one.data in places))
    if came != sorted(came):
        first = next(now for now, then in pairwise(came) if now > then)
        return Observation("out of order", f"message {first} came before one that was sent earlier")
    return fewer(end or "in order", len(sent), 60)


@check("cross-talk", CONTRACT, "each its own", intrusive=True, alone=True)
async def cross_talk(target: Target) -> Observation | str:
    """Do 50 clients that speak at the same time each hear their own messages, and none of the others'?

    Sent: Five texts from each of 50 clients at once.
    """
    async with AsyncExitStack() as stack:
        clients: list[Connection] = []
        for _ in range(50):
            clients.append(await stack.enter_async_context(connect(target)))

        async def converse(number: int, ws: Connection) -> str:
            sent = [f"client {number}, message {turn}" for turn in range(5)]
            await _settle(ws)
            heard, end = await exchange(ws, sent)
            for one in heard:
                said = one.data.decode("utf-8", "replace")
                if said not in sent:
                    return "another's message" if said.startswith(("client ", *FENCES)) else _unasked(one)
            if end is None and len({one.data for one in heard}) < len(sent):
                return "messages lost"
            return end or "each its own"

        found = Counter(await asyncio.gather(*(converse(*one) for one in enumerate(clients))))
    for outcome in sorted(found, key=lambda outcome: (outcome != "another's message", outcome)):
        if outcome != "each its own":
            return Observation(outcome, f"{found[outcome]} of {len(clients)} clients")
    return "each its own"


LARGE = (1 << 15, 0, 100_000)
"""Bytes, of each third message: such as one read takes, small, and such as a server may hand to a worker."""

FENCES = ("fence one", "fence two")
MOST = 1000
"""How many messages are heard before waiting for a fence is given up."""


@asynccontextmanager
async def settled(target: Target, *, receive_buffer: int | None = None) -> AsyncIterator[Connection]:
    """A connection whose first message has come back, so that any greeting of the server's is over."""
    async with connect(target, receive_buffer=receive_buffer) as ws:
        await _settle(ws)
        yield ws


async def _settle(ws: Connection) -> None:
    await ws.say("wall")
    if observe(heard := await ws.hear(), "wall") != "echo" and isinstance(heard, Message):
        await ws.hear(1.0)


async def exchange(ws: Connection, messages: Sequence[str]) -> tuple[list[Message], str | None]:
    """Say the messages without waiting, and then two fences; hear what comes up to the echo of each fence.

    Gives what was heard, and as an observation why a fence did not come back; None where both did.
    """

    async def say() -> None:
        for message in (*messages, FENCES[0]):
            await ws.say(message)

    heard: list[Message] = []
    _, end = await asyncio.gather(say(), _until(ws, FENCES[0], heard))
    if end is None:
        await ws.say(FENCES[1])
        end = await _until(ws, FENCES[1], heard)
    return heard, end


async def _until(ws: Connection, fence: str, heard: list[Message]) -> str | None:
    while len(heard) <= MOST:
        one = await ws.hear()
        if not isinstance(one, Message):
            return observe(one)
        if observe(one, fence) == "echo":
            return None
        heard.append(one)
    return "messages without end"


def _unasked(heard: Message | Closed | Ended) -> str:
    """What came when nothing was due, in words that are the same each time."""
    if isinstance(heard, Message):
        return "a message not sent" if heard.data else "an empty message"
    return observe(heard)

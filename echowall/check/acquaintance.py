"""Getting to know an endpoint before it is asked anything: how it greets, whether it talks, and whether it echoes."""

from __future__ import annotations

import asyncio
import json
import secrets
import shlex
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack, suppress
from typing import NamedTuple

import msgspec

from echowall.check import refusals
from echowall.check.wire import (
    PATIENCE,
    PAUSE,
    Closed,
    Connection,
    Ended,
    Habits,
    Message,
    RefusedError,
    Target,
    UnreachableError,
    connect,
    frames,
    observe,
    printable,
)
from echowall.check.wire.frames import FrameError

QUESTION = "Is anybody there?"
#: For how long two connections are listened to, in seconds: longer than the second after which many servers tick.
_LISTENING = 1.1
#: How long the first one may be listened to meanwhile.
_LONGEST = 60.0
#: How much later the second one is opened, so that what comes by the clock comes to both at different times.
_STAGGER = 0.37
#: A greeting that is told from other talk has no longer pauses, in seconds.
_AT_ONCE = 0.05
#: Round trips that take longer than this make silence doubtful, in seconds.
_SLOW = 1.0


class Acquaintance(NamedTuple):
    """What was learnt of an endpoint."""

    habits: Habits
    answers: str = ""
    """Where it does not echo, how it answers a message, without a subject."""
    alone: str = ""
    """Why it is asked one thing at a time, as the end of a sentence that begins with what a question wants."""

    def sentence(self) -> str:
        """What of its habits the user should know, without a subject; empty of a silent echo server."""
        return "; ".join(_told(self.habits, self.alone))


async def preflight(target: Target) -> str | None:
    """Why this is no endpoint to examine, in one sentence; None where it is an echo server."""
    return await _or_trouble(target, _echo(target))


async def meet(target: Target) -> Acquaintance | str:
    """What an endpoint of somebody else's does of its own accord; or why it is none to examine, in one sentence."""
    found: list[Acquaintance] = []

    async def learn() -> str | None:
        known = await _learn(target)
        if isinstance(known, Acquaintance):
            found.append(known)
            return None
        return known

    trouble = await _or_trouble(target, learn())
    return found[0] if found else trouble or "cannot be examined"


async def _or_trouble(target: Target, attempt: Awaitable[str | None]) -> str | None:
    """What is told by the attempt, or why no WebSocket came of it."""
    try:
        return await attempt
    except RefusedError as error:
        return await refusals.refused(target, str(error), error.response)
    except UnreachableError as error:
        return await refusals.unreachable(target, error)
    except FrameError as error:
        return f"does not speak WebSocket after its 101: it sent {error}"


async def _echo(target: Target) -> str | None:
    async with connect(target) as ws:
        await ws.say(QUESTION)
        heard = await ws.hear()
        if not isinstance(heard, Message):
            return refusals.ended(heard, QUESTION)
        outcome = observe(heard, QUESTION)
        if outcome.startswith("other message") and observe(await ws.hear(), QUESTION) == "echo":
            return None  # it greets first
    if outcome == "echo":
        return None
    return (
        f"is not an echo server: to {QUESTION!r} it answered with {outcome}; these checks need the echo of what is sent"
    )


class _Listener:
    """A connection on which all that comes is noted with its time."""

    def __init__(self, ws: Connection, target: Target, round_trip: float) -> None:
        self.ws = ws
        self._slack = target.slack
        self._answer = round_trip if target.first else 0.0
        """How long what answers the first messages may take, in seconds."""
        self.round_trip = round_trip
        """How long the connection took to open, in seconds."""
        self.end: Closed | Ended | None = None
        """Why nothing more can come."""
        self._heard: list[tuple[float, Message]] = []
        self._opened = time.monotonic()

    async def listen(self, seconds: float) -> None:
        """Note what comes in that time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.end is None:
                    await self._take(PATIENCE)

    async def until(self, token: str, within: float = PATIENCE) -> bool:
        """Note what comes until that comes back, in that time or, on a slow link, later. Gives whether it did."""
        deadline = time.monotonic() + within + self._slack
        while self.end is None and (left := deadline - time.monotonic()) > 0:
            heard = await self._take(max(0.0, left - self._slack))
            if heard is None:
                break
            if _holds(heard, token):
                return True
        return False

    async def _take(self, within: float) -> Message | None:
        heard = await self.ws.hear(within)
        if isinstance(heard, Message):
            self._heard.append((time.monotonic(), heard))
            return heard
        if heard != Ended("silence"):
            self.end = heard
        return None

    def greetings(self, *, apart: float = PAUSE) -> int:
        """How many messages came at first, with no more than so many seconds between them."""
        count, last = 0, self._opened
        for at, _ in self._heard:
            if at - last > apart + (self._answer if count == 0 else 0.0):
                break
            count, last = count + 1, at
        return count

    def messages(self) -> list[Message]:
        """All that came, in order."""
        return [message for _, message in self._heard]

    def since(self, moment: float) -> list[Message]:
        """All that came after that moment."""
        return [message for at, message in self._heard if at >= moment]


async def _learn(target: Target) -> Acquaintance | str:
    one_at_a_time = target.limiter is not None and target.limiter.connections == 1
    async with AsyncExitStack() as stack:
        one = await _open(target, stack)
        seconds = _LISTENING + (one.round_trip if target.first else 0.0)
        began = time.monotonic()
        listening = asyncio.create_task(one.listen(_LONGEST))
        stack.push_async_callback(_end, listening)
        await asyncio.sleep(_STAGGER)
        alone = ""
        two: _Listener | None = None
        if not one_at_a_time:
            try:
                two = await _open(target, stack)
            except (RefusedError, UnreachableError):
                alone = "which is more than it takes"
        if two:
            await two.listen(seconds - _STAGGER)
        await asyncio.sleep(began + seconds - time.monotonic())
        await _end(listening)
        if one.end:
            return refusals.ended(one.end, None)
        if two and two.end:  # it took the second one, and let go of it
            two, alone = None, "which is more than it takes"
        known = await _acquainted(one, two, alone)
    if isinstance(known, str):
        return known
    greetings = await _greetings(target, [one, two] if two else [one], talks=known.habits.talks)
    return known._replace(habits=msgspec.structs.replace(known.habits, greetings=greetings))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)  # what it came upon is there for who listens next


async def _open(target: Target, stack: AsyncExitStack) -> _Listener:
    began = time.monotonic()
    ws = await stack.enter_async_context(connect(target))
    return _Listener(ws, target, time.monotonic() - began)


async def _acquainted(one: _Listener, two: _Listener | None, alone: str) -> Acquaintance | str:
    """Ask both connections something, and conclude all but how it greets."""
    listeners = [one, two] if two else [one]
    talks = any(len(listener.messages()) > listener.greetings() for listener in listeners)
    asked, again, asked_too = (f"{QUESTION} {secrets.token_hex(4)}" for _ in range(3))
    moment = time.monotonic()
    await one.ws.say(asked)
    answered = await one.until(asked)
    if one.end and not answered:
        return refusals.ended(one.end, asked)
    answers = one.since(moment)
    if answered:  # what comes behind the answer comes before that to the next message
        await one.ws.say(again)
        await one.until(again)
        talks = talks or any(not _holds(message, asked, again) for message in one.since(moment))
    room = False
    if two:
        await two.ws.say(asked_too)
        await (two.until(asked_too) if answered else two.listen(PAUSE))
        room = any(_holds(message, asked) for message in two.messages())
        talks = talks or room or any(not _holds(message, asked_too) for message in two.since(moment) if answered)
    echoes = answered and answers[-1].data == asked.encode()
    habits = Habits(talks=talks, room=room, echoes=echoes)
    if room and not alone:
        alone = "and clients hear each other there"
    how = "" if echoes else _answering(answers, asked, talks=talks, slow=one.round_trip > _SLOW)
    return Acquaintance(habits, how, alone)


def _holds(message: Message, *asked: str) -> bool:
    return any(one.encode() in message.data for one in asked)


async def _greetings(target: Target, listeners: list[_Listener], *, talks: bool) -> int | None:
    """How many messages greet each connection; None where their number differs.

    Where there may be a greeting, more connections are looked at. Where other talk may come at any time, a greeting
    comes at once, and to every connection.
    """
    apart, more = (_AT_ONCE, 8) if talks else (PAUSE, 2)
    counts = [listener.greetings(apart=apart) for listener in listeners]
    while more and any(counts) and (all(counts) or not talks):
        more -= 1
        with suppress(RefusedError, UnreachableError):
            async with AsyncExitStack() as stack:
                another = await _open(target, stack)
                await another.listen(2 * apart + (another.round_trip if target.first else 0.0))
                if another.end is None:
                    counts.append(another.greetings(apart=apart))
    if len(set(counts)) == 1:
        return counts[0]
    return None if all(counts) or not talks else 0


def _told(habits: Habits, alone: str) -> list[str]:
    told = []
    if habits.greetings is None:
        told.append("greets each connection with messages, whose number differs, and which are set apart")
    elif habits.greetings:
        one = habits.greetings == 1
        what = "1 message, which is" if one else f"{habits.greetings} messages, which are"
        told.append(f"greets each connection with {what} set apart")
    if habits.room:
        told.append("is a room, where clients hear each other: it is asked one thing at a time")
    elif alone:
        told.append("takes one connection at a time, and is asked one thing at a time")
    if habits.talks and not habits.room:
        told.append("talks by itself, which is passed over")
    return told


def _answering(answers: list[Message], asked: str, *, talks: bool, slow: bool) -> str:
    """How it answers, of an endpoint that does not echo."""
    holding = [message for message in answers if _holds(message, asked)]
    if holding:
        shown = frames.quote(holding[-1].data.replace(asked.encode(), b"MESSAGE"))
        return f"answers a message with {shown} ({_unwrapping(holding[-1].data, asked)} finds the echo in it)"
    if answers and not talks:
        return f"answers a message with {frames.quote(answers[0].data)}, which is no echo"
    late = f" within {PATIENCE:g} s, and is slow (--timeout gives it longer)" if slow else ""
    return f"answers no message{late}"


def _unwrapping(data: bytes, asked: str) -> str:
    """The option by which the echo is found in that."""
    text = data.decode("utf-8", "replace")
    try:
        pointer = _pointer(json.loads(text), asked)
    except (ValueError, RecursionError):
        pointer = None
    return f"--unwrap {shlex.quote(printable(pointer or text.replace(asked, 'MESSAGE')))}"


def _pointer(value: object, asked: str) -> str | None:
    """Where in JSON that stands, as a JSON Pointer (RFC 6901)."""
    if value == asked:
        return ""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        if (rest := _pointer(one, asked)) is not None:
            return "/" + str(key).replace("~", "~0").replace("/", "~1") + rest
    return None

"""What is said in the chat room of a service, and what is heard of it: each message by each who listens, exactly once
and in order.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from array import array
from collections.abc import Sequence
from time import monotonic_ns
from typing import Any, Protocol

import msgspec
from picows import WSCloseCode, WSMsgType, WSTransport

from echowall.bench.clock import SECOND, Clock, histogram
from echowall.bench.loads.hearing import Ear
from echowall.bench.pacing import Pace
from echowall.bench.plan import Plan, Report
from echowall.results.model import Errors

#: Digits of a message's number, and bytes of a message.
_DIGITS, SIZE = 6, 41
#: How often a run looks whether all have heard everything, in seconds.
_LOOK = 0.05


class Talk:
    """What is said, and what is heard of it. Message `number` was said at `said[number]`; `heard` has the numbers as
    they came to anybody, and `at` the times.
    """

    def __init__(self) -> None:
        self.mark = secrets.token_hex(4)
        """What tells this run's messages from those of others."""
        self.said, self.heard, self.at = array("q"), array("q"), array("q")
        self.errors = Errors()
        self.last = 0
        """When something was heard last."""

    def say(self, speaker: Visitor, now: int) -> None:
        """Have the next message said. `now` is when that is."""
        message = msgspec.json.encode({"nick": "bench", "text": f"{self.mark} {len(self.said):0{_DIGITS}}"})
        self.said.append(now)
        speaker.transport.send(WSMsgType.TEXT, message)

    def number(self, told: bytes) -> int | None:
        """The number of a message of this run; -1 for one that is damaged, and None for any other."""
        place = told.find(self.mark.encode())
        if place < 0:
            return None
        digits = told[place + len(self.mark) + 1 :][:_DIGITS]
        return int(digits) if digits.isdigit() and int(digits) < len(self.said) else -1


class Hearing:
    """What one of those who listen has heard."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.next = 0
        """The number that is due."""
        self.missing: set[int] = set()
        """Those before it that have not come."""

    def take(self, told: bytes, now: int) -> bool:
        """Whether that is a message of this run. It came at that time."""
        talk = self._talk
        number = talk.number(told)
        if number is None:
            return False
        talk.last = now
        if number < 0:
            talk.errors.altered += 1
        elif number >= self.next:
            self.missing.update(range(self.next, number))
            self.next = number + 1
            talk.heard.append(number)
            talk.at.append(now)
        elif number in self.missing:
            self.missing.remove(number)
            talk.errors.disordered += 1
        else:
            talk.errors.twice += 1
        return True

    @property
    def lacks(self) -> int:
        """How many messages that were said it has not heard."""
        return len(self.missing) + len(self._talk.said) - self.next


class Listener(Protocol):
    """One who listens, by whatever transport."""

    hearing: Hearing
    gone: bool
    """Whether nothing more can come."""

    def leave(self) -> None:
        """Stop listening."""


class Visitor(Ear):
    """A WebSocket in the chat room."""

    def __init__(self) -> None:
        super().__init__()
        self.live = asyncio.get_running_loop().create_future()
        """Done when the service says that all is heard from now on, or when the connection ends."""
        self.gone = False

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.gone = True
        self._settle()

    def closed(self) -> None:
        self.gone = True
        self.transport.disconnect()

    def heard(self, message: bytes, kind: WSMsgType) -> None:
        if not self.live.done() and is_live(message):
            self._settle()

    def leave(self) -> None:
        """Close it, if it is still there."""
        if not self.gone:
            self.transport.send_close(WSCloseCode.OK)
            self.transport.disconnect()

    def _settle(self) -> None:
        if not self.live.done():
            self.live.set_result(None)


def is_live(told: bytes) -> bool:
    """Whether the service says that all is heard from now on."""
    if b'"live"' not in told:
        return False
    try:
        found: Any = msgspec.json.decode(told)
    except msgspec.DecodeError:
        return False
    return isinstance(found, dict) and found.get("live") is True


class Hearer(Visitor):
    """One who listens by a WebSocket."""

    def __init__(self, talk: Talk) -> None:
        super().__init__()
        self.hearing = Hearing(talk)

    def heard(self, message: bytes, kind: WSMsgType) -> None:
        if not self.hearing.take(message, monotonic_ns()):
            super().heard(message, kind)


async def speak(plan: Plan, talk: Talk, speaker: Visitor, clock: Clock) -> None:
    """Say each message at its planned time: all of which it is before the end."""
    total = math.ceil(round((clock.end - clock.first) / clock.interval, 6))
    done = asyncio.Event()

    def send() -> bool:
        while not speaker.gone and len(talk.said) < total and clock.planned(len(talk.said)) <= (now := monotonic_ns()):
            talk.say(speaker, now)
        if speaker.gone or len(talk.said) == total:
            done.set()
        return not done.is_set()

    pace = Pace(lambda: clock.planned(len(talk.said)), send, lambda: talk.last)
    clock.waited = lambda: pace.waited
    clock.start()
    pace.start(clock.interval, clock.first, alone=plan.core is not None)
    await done.wait()
    await asyncio.sleep(max(0.0, (clock.end - monotonic_ns()) / SECOND))


async def settle(talk: Talk, listeners: Sequence[Listener], patience: float) -> None:
    """Wait for what is still to be heard; for so many seconds at most in which nothing is."""
    began = monotonic_ns()
    while any(not one.gone and one.hearing.lacks for one in listeners):
        now = monotonic_ns()
        if now - max(began, talk.last) > patience * SECOND or now - began > 2 * patience * SECOND:
            break
        await asyncio.sleep(_LOOK)
    talk.errors.lost = sum(one.hearing.lacks for one in listeners)


def count(plan: Plan, talk: Talk, clock: Clock) -> Report:
    """What it all came to: what is achieved is deliveries, of each message to each who listens."""
    planned = {number: at for number in range(len(talk.said)) if (at := clock.planned(number)) >= clock.begin}
    heard = [(number, at) for number, at in zip(talk.heard, talk.at, strict=True) if number in planned]
    within = sum(clock.begin <= at < clock.end for at in talk.at)
    said = sum(clock.begin <= at < clock.end for at in talk.said)
    return msgspec.structs.replace(
        clock.report(plan.seconds),
        ended="" if talk.heard else "stopped answering",
        sent=len(talk.said),
        paced=said * plan.connections / plan.seconds,
        achieved=within / plan.seconds,
        errors=talk.errors,
        latency=histogram(at - planned[number] for number, at in heard),
        uncorrected=histogram(at - talk.said[number] for number, at in heard),
        lateness=histogram(talk.said[number] - at for number, at in planned.items()),
    )

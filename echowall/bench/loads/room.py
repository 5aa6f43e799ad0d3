"""The chat room of a service of the lab: one says something at fixed times, and many hear it.

The messages are short, and few: they stay in the room's log, like what anybody says. See services/README.md.
"""

from __future__ import annotations

import asyncio
import secrets
from array import array
from time import monotonic_ns
from typing import Any

import msgspec
from picows import WSCloseCode, WSError, WSMsgType, WSTransport

from echowall.bench.clock import SECOND, Clock, Start, histogram
from echowall.bench.loads.hearing import Ear
from echowall.bench.opening import Opener, reason
from echowall.bench.pacing import Pace
from echowall.bench.plan import Plan, Report
from echowall.check.wire.errors import UnreachableError
from echowall.results.model import Errors

#: Digits of a message's number, and bytes of a message.
_DIGITS, SIZE = 6, 41
#: How often a run looks whether all have heard everything, in seconds.
_LOOK = 0.05


class _Talk:
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

    def message(self, number: int) -> bytes:
        """What the speaker sends."""
        return msgspec.json.encode({"nick": "bench", "text": f"{self.mark} {number:0{_DIGITS}}"})

    def number(self, told: bytes) -> int | None:
        """The number of a message of this run; -1 for one that is damaged, and None for any other."""
        place = told.find(self.mark.encode())
        if place < 0:
            return None
        digits = told[place + len(self.mark) + 1 :][:_DIGITS]
        return int(digits) if digits.isdigit() and int(digits) < len(self.said) else -1


class _Visitor(Ear):
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
        if not self.live.done() and b'"live"' in message and _is_live(message):
            self._settle()

    def _settle(self) -> None:
        if not self.live.done():
            self.live.set_result(None)


def _is_live(message: bytes) -> bool:
    try:
        told: Any = msgspec.json.decode(message)
    except msgspec.DecodeError:
        return False
    return isinstance(told, dict) and told.get("live") is True


class _Hearer(_Visitor):
    def __init__(self, talk: _Talk) -> None:
        super().__init__()
        self._talk = talk
        self.next = 0
        """The number that is due."""
        self.missing: set[int] = set()
        """Those before it that have not come."""

    def heard(self, message: bytes, kind: WSMsgType) -> None:
        now, talk = monotonic_ns(), self._talk
        number = talk.number(message)
        if number is None:
            super().heard(message, kind)
            return
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


async def run(plan: Plan, start: Start) -> Report:
    """Carry the plan out: what is achieved is deliveries, of each message to each who hears."""
    talk, speaker = _Talk(), _Visitor()
    hearers = [_Hearer(talk) for _ in range(plan.connections)]
    try:
        async with asyncio.timeout(plan.within):
            await Opener(plan).open_all(hearers)
            await Opener(plan, plan.speaker).open(speaker)
            await asyncio.gather(*(one.live for one in (*hearers, speaker)))
    except TimeoutError:
        live = sum(one.live.done() and not one.live.cancelled() for one in hearers)
        return Report(trouble=f"only {live} of {plan.connections} were in the room and live within {plan.within:g} s")
    except (OSError, WSError, UnreachableError) as error:
        return Report(trouble=f"the room could not be entered: {reason(error)}")
    clock = await start.clock()
    await _speak(plan, talk, speaker, clock)
    clock.stop()
    talk.errors.connections = sum(one.gone for one in (*hearers, speaker))
    await _settle(plan, talk, hearers)
    talk.errors.lost = sum(len(one.missing) + len(talk.said) - one.next for one in hearers)
    for one in (*hearers, speaker):
        if not one.gone:
            one.transport.send_close(WSCloseCode.OK)
            one.transport.disconnect()
    return _count(plan, talk, clock)


async def _speak(plan: Plan, talk: _Talk, speaker: _Visitor, clock: Clock) -> None:
    """Say each message at its planned time."""
    total = round((clock.end - clock.first) / clock.interval)
    done = asyncio.Event()

    def send() -> bool:
        while not speaker.gone and len(talk.said) < total and clock.planned(len(talk.said)) <= (now := monotonic_ns()):
            message = talk.message(len(talk.said))
            talk.said.append(now)
            speaker.transport.send(WSMsgType.TEXT, message)
        if speaker.gone or len(talk.said) == total:
            done.set()
        return not done.is_set()

    pace = Pace(lambda: clock.planned(len(talk.said)), send, lambda: talk.last)
    clock.waited = lambda: pace.waited
    clock.start()
    pace.start(clock.interval, clock.first, alone=plan.core is not None)
    await done.wait()
    await asyncio.sleep(max(0.0, (clock.end - monotonic_ns()) / SECOND))


async def _settle(plan: Plan, talk: _Talk, hearers: list[_Hearer]) -> None:
    """Wait for what is still to be heard."""
    began = monotonic_ns()
    while any(not one.gone and (one.missing or one.next < len(talk.said)) for one in hearers):
        now = monotonic_ns()
        if now - max(began, talk.last) > plan.patience * SECOND or now - began > 2 * plan.patience * SECOND:
            break
        await asyncio.sleep(_LOOK)


def _count(plan: Plan, talk: _Talk, clock: Clock) -> Report:
    """What it all came to."""
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

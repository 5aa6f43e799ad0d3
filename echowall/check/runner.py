"""Runs checks against targets: first side by side those that do not disturb each other, then the others in turn."""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from echowall.check import refusals
from echowall.check.registry import Check, Observation, UnsupportedError
from echowall.check.wire import (
    PATIENCE,
    CrowdedError,
    Limiter,
    Message,
    RefusedError,
    Target,
    Transcript,
    UnreachableError,
    connect,
    observe,
)
from echowall.check.wire.frames import FrameError
from echowall.check.wire.transcript import Where
from echowall.results.model import Result
from echowall.results.verdicts import Verdict

#: How many checks may wait on one target at the same time.
AT_ONCE = 8
GREETING = "Is anybody there?"

Report = Callable[[Target, Result, Transcript], None]
Note = Callable[[Target, Check, Result, Transcript], None]


async def run(targets: Iterable[Target], checks: Iterable[Check], report: Report, *, jobs: int = 2) -> None:
    """Put every check that applies to every target, and report each result as it comes.

    `jobs` endpoints are examined at a time. Targets of one name are routes to the same endpoint, so the checks that
    have to be alone on it are put to them in turn, after all others.
    """
    chosen = list(checks)
    turn = asyncio.Semaphore(jobs)
    gathered = Gathered(report)
    routes: dict[str, list[Target]] = {}
    for target in targets:
        routes.setdefault(target.name, []).append(target)

    async def examine(group: list[Target]) -> None:
        async with turn:
            await asyncio.gather(*(_beside(target, chosen, gathered.note) for target in group))
            await _in_turn(group, [check for check in chosen if check.alone], gathered.note)
            await _in_turn(group, [check for check in chosen if check.ends], gathered.note)
            gathered.tell(group)

    async with asyncio.TaskGroup() as tasks:
        for group in routes.values():
            tasks.create_task(examine(group))


class Gathered:
    """Reports results, and last those of the checks that gather what other exchanges came upon."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._breaches: dict[str, list[tuple[Where, str, str]]] = {}
        """By URL: the kind, the breach, and the check in whose exchange it happened."""
        self._held: dict[str, list[tuple[Target, Check, Result, Transcript]]] = {}

    def note(self, target: Target, check: Check, result: Result, log: Transcript) -> None:
        """Report a result, or hold it back.

        What a check has found wrong itself is not told again as a breach that its exchange came upon.
        """
        if check.gathers:
            self._held.setdefault(target.url, []).append((target, check, result, log))
        else:
            self._report(target, result, log)
        if result.verdict is Verdict.PASS or check.gathers:
            self._breaches.setdefault(target.url, []).extend((where, what, check.id) for where, what in log.breaches)

    def tell(self, targets: Iterable[Target]) -> None:
        """Report what was held back for these targets, each with all the breaches of its kind."""
        for url in {target.url: None for target in targets}:
            for target, check, result, log in self._held.pop(url, []):
                found = [(what, by) for where, what, by in self._breaches.get(url, []) if where == check.gathers]
                self._report(target, _with_breaches(result, found), log)


def _with_breaches(result: Result, found: list[tuple[str, str]]) -> Result:
    """The result, with breaches and the checks in whose exchanges they happened."""
    if not found or result.verdict is not Verdict.PASS:
        return result
    outcome = ", ".join(sorted({what for what, _ in found}))
    checks = ", ".join(dict.fromkeys(by for _, by in found))
    return msgspec.structs.replace(result, verdict=Verdict.FAIL, outcome=outcome, detail=f"asked by {checks}")


async def _in_turn(group: list[Target], checks: list[Check], note: Note) -> None:
    for target in group:
        for check in checks:
            if applies(check, target):
                note(target, check, *await ask(target, check))
                if check.ends and target.revived:
                    await _until_back(target)


async def _until_back(target: Target) -> None:
    """Wait until a service that was stopped is up again: the lab starts it."""
    for _ in range(60):
        if await preflight(target) is None:
            return
        await asyncio.sleep(0.5)


def applies(check: Check, target: Target) -> bool:
    """Whether the question makes sense for the target, and may be asked."""
    return why_not(check, target) is None


def why_not(check: Check, target: Target) -> str | None:
    """What the question is, because of which it is not put to the target; None where it is put."""
    if check.local and target.pid is None:
        return "about the server's process on this machine"
    if check.plain and not target.codec.plain:
        return f"about messages without {target.codec.name} around them"
    if check.binary and not target.codec.binary:
        return f"about binary messages, which do not fit into {target.codec.name}"
    if check.echo and not target.habits.echoes:
        return "in need of an echo"
    if check.quiet and target.habits.talks:
        return "about messages that nobody asked for, which it sends by itself"
    if check.intrusive and not target.intrusive:
        return "intrusive (--intrusive puts them)"
    return None


async def preflight(target: Target) -> str | None:
    """Why this is no endpoint to examine, in one sentence; None where it is an echo server."""
    try:
        async with connect(target) as ws:
            await ws.say(GREETING)
            heard = await ws.hear()
            if not isinstance(heard, Message):
                return refusals.ended(heard, GREETING)
            outcome = observe(heard, GREETING)
            if outcome.startswith("other message") and observe(await ws.hear(), GREETING) == "echo":
                return None  # it greets first
    except RefusedError as error:
        return await refusals.refused(target, str(error), error.response)
    except UnreachableError as error:
        return await refusals.unreachable(target, error)
    except FrameError as error:
        return f"does not speak WebSocket after its 101: it sent {error}"
    if outcome == "echo":
        return None
    return (
        f"is not an echo server: to {GREETING!r} it answered with {outcome}; these checks need the echo of what is sent"
    )


async def _beside(target: Target, checks: list[Check], note: Note) -> None:
    """Put the checks that do not disturb each other, several at a time; first those that wait, as they take longest."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def put(check: Check) -> None:
        async with contextlib.nullcontext() if check.waits else slots:
            note(target, check, *await ask(target, check))

    async with asyncio.TaskGroup() as tasks:
        for check in sorted(checks, key=lambda check: not check.waits):
            if applies(check, target) and not check.alone and not check.ends:
                tasks.create_task(put(check))


async def ask(target: Target, check: Check) -> tuple[Result, Transcript]:
    """Put one question to one target, as soon as that may be asked to take a connection."""
    limiter = target.limiter or Limiter()
    try:
        async with limiter.seat() as seat:
            return await _ask(msgspec.structs.replace(target, seat=seat), check)
    except CrowdedError:
        pass  # others have the other connections
    try:
        async with limiter.seat(alone=True) as seat:
            return await _ask(msgspec.structs.replace(target, seat=seat), check)
    except CrowdedError:
        why = f"it needs more than {limiter.connections} connections at once, which is what --connections allows"
        result = Result(check=check.id, verdict=Verdict.UNSUPPORTED, outcome="unsupported", detail=why)
        return result, Transcript()


async def _ask(target: Target, check: Check) -> tuple[Result, Transcript]:
    """Put the question, now. Raises CrowdedError."""
    log = Transcript()
    seconds = check.seconds * (1 + target.slack / PATIENCE) + (target.idle if check.idle else 0)
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds) as bound:
            if target.seat:
                target.seat.bound = bound
            observed = await check.experiment(msgspec.structs.replace(target, transcript=log))
    except UnsupportedError as error:
        verdict, observed = Verdict.UNSUPPORTED, Observation("unsupported", str(error))
    except RefusedError as error:
        verdict = Verdict.ERROR
        observed = Observation(f"HTTP {error.response.status}", str(error))
    except UnreachableError as error:
        verdict, observed = Verdict.ERROR, Observation("unreachable", str(error))
    except FrameError as error:
        verdict, observed = Verdict.ERROR, Observation("no frame", f"the server sent {error}")
    except TimeoutError:
        verdict, observed = Verdict.ERROR, Observation("no end", f"not done within {seconds:g} s")
    except CrowdedError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})"
        verdict = Verdict.ERROR
        observed = Observation("the check failed", f"{what}; this is a fault of the checker: please report it")
    else:
        observed = Observation.of(observed)
        verdict = Verdict.PASS if observed.outcome in check.expects else Verdict.FAIL
    took = round(time.monotonic() - began, 3)
    return Result(
        check=check.id,
        verdict=verdict,
        outcome=target.secrets.hide(observed.outcome),
        detail=target.secrets.hide(observed.detail),
        seconds=took,
    ), log

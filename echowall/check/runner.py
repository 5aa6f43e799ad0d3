"""Runs checks against targets: first side by side those that do not disturb each other, then the others in turn."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable

import msgspec

from echowall.check.registry import Check, Observation, UnsupportedError
from echowall.check.wire import (
    RefusedError,
    Target,
    Transcript,
    UnreachableError,
    connect,
    frames,
    observe,
)
from echowall.check.wire.frames import FrameError
from echowall.results.model import Result
from echowall.results.verdicts import Verdict

#: How many checks may wait on one target at the same time.
AT_ONCE = 8
GREETING = "Is anybody there?"

Report = Callable[[Target, Result, Transcript], None]


async def run(targets: Iterable[Target], checks: Iterable[Check], report: Report, *, jobs: int = 2) -> None:
    """Put every check that applies to every target, and report each result as it comes.

    `jobs` endpoints are examined at a time. Targets of one name are routes to the same endpoint, so the checks that
    have to be alone on it are put to them in turn, after all others.
    """
    chosen = list(checks)
    turn = asyncio.Semaphore(jobs)
    routes: dict[str, list[Target]] = {}
    for target in targets:
        routes.setdefault(target.name, []).append(target)

    async def examine(group: list[Target]) -> None:
        async with turn:
            await asyncio.gather(*(_beside(target, chosen, report) for target in group))
            await _in_turn(group, [check for check in chosen if check.alone], report)
            await _in_turn(group, [check for check in chosen if check.ends], report)

    async with asyncio.TaskGroup() as tasks:
        for group in routes.values():
            tasks.create_task(examine(group))


async def _in_turn(group: list[Target], checks: list[Check], report: Report) -> None:
    for target in group:
        for check in checks:
            if applies(check, target):
                report(target, *await ask(target, check))
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
    return (
        (target.codec.plain or not check.plain)
        and (target.pid is not None or not check.local)
        and (target.intrusive or not check.intrusive)
    )


async def preflight(target: Target) -> str | None:
    """Why this is no endpoint to examine, in one sentence; None where it is an echo server."""
    try:
        async with connect(target) as ws:
            await ws.say(GREETING)
            outcome = observe(await ws.hear(), GREETING)
            if outcome.startswith("other message") and observe(await ws.hear(), GREETING) == "echo":
                return None  # it greets first
    except RefusedError as error:
        why = frames.quote(error.response.body[:200]) if error.response.body else "no body"
        return f"is no WebSocket endpoint: {error} ({why}); is the path right?"
    except UnreachableError as error:
        return str(error)
    except FrameError as error:
        return f"does not speak WebSocket after its 101: it sent {error}"
    if outcome == "echo":
        return None
    return (
        f"is not an echo server: to {GREETING!r} it answered with {outcome}; these checks need the echo of what is sent"
    )


async def _beside(target: Target, checks: list[Check], report: Report) -> None:
    """Put the checks that do not disturb each other, several at a time; first those that wait, as they take longest."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def put(check: Check) -> None:
        async with contextlib.nullcontext() if check.waits else slots:
            report(target, *await ask(target, check))

    async with asyncio.TaskGroup() as tasks:
        for check in sorted(checks, key=lambda check: not check.waits):
            if applies(check, target) and not check.alone and not check.ends:
                tasks.create_task(put(check))


async def ask(target: Target, check: Check) -> tuple[Result, Transcript]:
    """Put one question to one target."""
    log = Transcript()
    began = time.monotonic()
    try:
        async with asyncio.timeout(check.seconds):
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
        verdict, observed = Verdict.ERROR, Observation("no end", f"not done within {check.seconds:g} s")
    else:
        observed = Observation.of(observed)
        verdict = Verdict.PASS if observed.outcome in check.expects else Verdict.FAIL
    seconds = round(time.monotonic() - began, 3)
    return Result(
        check=check.id, verdict=verdict, outcome=observed.outcome, detail=observed.detail, seconds=seconds
    ), log

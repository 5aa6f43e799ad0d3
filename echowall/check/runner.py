"""Runs checks against targets: first side by side those that do not disturb each other, then the others in turn."""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from echowall.check.acquaintance import preflight
from echowall.check.registry import Check, Observation, UnsupportedError
from echowall.check.suite import measure
from echowall.check.wire import PATIENCE, CrowdedError, Limiter, RefusedError, Target, Transcript, UnreachableError
from echowall.check.wire.frames import FrameError
from echowall.check.wire.transcript import Where
from echowall.results.model import Result
from echowall.results.verdicts import Verdict

#: How many checks may wait on one target at the same time.
AT_ONCE = 8
#: How long an endpoint gets to forget the connections that it found too many, in seconds.
RECOVERY = 0.5
#: How often a question is put again at most, and the seconds after each time.
PAUSES = (0.5, 1.0, 0.0)
#: For how long one target is asked again, in seconds, however much of it came unexpected.
AGAIN_WITHIN = 120.0
#: What the user is told of an endpoint that takes few connections at once.
LIMITED = "limits connections: it turns clients away that come side by side, so it is asked one thing at a time"
#: The same of an endpoint that says something when it has been listened to for longer.
TALKS = "talks by itself now and then, which is passed over from now on"
NO_ECHO = "in need of an echo"

Report = Callable[[Target, Result, Transcript], None]
Note = Callable[[Target, Check, Result, Transcript], None]
Unexpected = Callable[[Target, Result], bool]
Tell = Callable[[Target, str], None]


class Asked(NamedTuple):
    """A question that was put, and what came of it."""

    check: Check
    result: Result
    log: Transcript


def wrong(_: Target, result: Result) -> bool:
    """Whether a result is not a right answer, of an endpoint of which nothing is known."""
    return result.verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.UNDECIDED)


async def run(
    targets: Iterable[Target],
    checks: Iterable[Check],
    report: Report,
    *,
    jobs: int = 2,
    unexpected: Unexpected = wrong,
    tell: Tell = lambda target, what: None,
) -> None:
    """Put every check that applies to every target, and report each result as it comes.

    `jobs` endpoints are examined at a time; one of which only answers are left that wait on clocks does not count, as
    that costs next to nothing. Targets of one name are routes to the same endpoint, so the checks that have to be alone
    on it are put to them in turn, after all others. What comes `unexpected` is asked once more then, alone, and the
    second answer counts. `tell` is for what the user should know of a target meanwhile.
    """
    chosen = list(checks)
    turn = asyncio.Semaphore(jobs)
    gathered = Gathered(report)
    routes: dict[str, list[_Round]] = {}
    for target in targets:
        routes.setdefault(target.name, []).append(_Round(target, gathered.note, unexpected, tell))

    async def examine(group: list[_Round]) -> None:
        try:
            await _side_by_side(group, chosen, turn)
            async with turn:
                for one in group:
                    await one.in_turn([check for check in chosen if check.alone and not check.ends])
                for one in group:
                    await one.again()
                for one in group:
                    _tell_restarted(one.target, tell)
                    await one.in_turn([check for check in chosen if check.ends])
        finally:  # where the run is interrupted, the first answers have to do
            for one in group:
                one.let_go()
        gathered.tell(one.target for one in group)

    async with asyncio.TaskGroup() as tasks:
        for group in routes.values():
            tasks.create_task(examine(group))


async def _side_by_side(group: list[_Round], checks: list[Check], turn: asyncio.Semaphore) -> None:
    """Put to all routes of an endpoint what does not disturb each other. It leaves the turn to others as soon as only
    checks are left that wait."""
    async with asyncio.TaskGroup() as tasks, turn:
        for one in group:
            tasks.create_task(one.beside(checks))
        for one in group:
            await one.only_waits.wait()


def _tell_restarted(target: Target, tell: Tell) -> None:
    """Tell of a service that has ended before a question ends it: what was measured of its process is worth nothing."""
    if target.pid is not None and not measure.running(target.pid):
        tell(
            target,
            f"was restarted while it was asked: process {target.pid} has ended; "
            "its log says why, if nobody else has stopped or killed it",
        )


class _Round:
    """The questions to one target."""

    def __init__(self, target: Target, note: Note, unexpected: Unexpected, tell: Tell) -> None:
        self.target = target
        self._known = target
        """The target, with all that was learnt of its habits meanwhile."""
        self._note, self._unexpected, self._tell = note, unexpected, tell
        self._doubtful: list[Asked] = []
        """What came unexpected, and is to be asked again."""
        self._time_left = AGAIN_WITHIN
        self.only_waits = asyncio.Event()
        """Set as soon as what is still asked side by side waits on clocks, or nothing is."""
        self._attempts = 3
        """How often it is still tried whether an endpoint that turns clients away limits connections."""

    @property
    def _unlimited(self) -> Limiter | None:
        """The limiter of an endpoint that takes any number of connections, as far as is known."""
        limiter = self.target.limiter
        return limiter if limiter and limiter.connections is None and self._attempts else None

    async def beside(self, checks: list[Check]) -> None:
        """Put the checks that do not disturb each other, several at a time.

        Where the endpoint turns one away, the others wait until that one was asked alone: maybe it limits connections.
        """
        fitting = [check for check in checks if applies(check, self._known) and not check.alone and not check.ends]
        try:
            unanswered = await self._side_by_side(fitting, watchful=self._unlimited is not None)
            if unanswered:
                await asyncio.sleep(RECOVERY)
                await self.again()
                await self._side_by_side(unanswered, watchful=False)
        finally:
            self.only_waits.set()

    async def _side_by_side(self, checks: list[Check], *, watchful: bool) -> list[Check]:
        """Put these; first those that wait, as they take longest. Gives what was not answered.

        If `watchful`, that is all that is left when the endpoint turns one away, which is doubtful then.
        """
        slots = asyncio.Semaphore(AT_ONCE)

        async def put(check: Check) -> Asked:
            async with contextlib.nullcontext() if check.waits else slots:
                return Asked(check, *await ask(self._known, check))

        left = {asyncio.create_task(put(check)): check for check in sorted(checks, key=lambda check: not check.waits)}
        try:
            while left:
                done, _ = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del left[task]
                    self._take(task.result())
                if all(check.waits for check in left.values()):
                    self.only_waits.set()
                if watchful and any(asked.log.turned_away for asked in self._doubtful):
                    break
        finally:
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        return list(left.values())

    async def in_turn(self, checks: list[Check]) -> None:
        """Put these one after the other."""
        for check in checks:
            if applies(check, self._known):
                asked = Asked(check, *await ask(self._known, check))
                if not check.ends:
                    self._take(asked)
                    continue
                self._note(self.target, *asked)
                if self.target.revived:
                    await _until_back(self.target)

    def _take(self, asked: Asked) -> None:
        if asked.log.unprompted and self.target.limiter and not self._known.habits.talks:
            habits = msgspec.structs.replace(self._known.habits, talks=True)
            self._known = msgspec.structs.replace(self._known, habits=habits)
            self._tell(self.target, TALKS)
        if self._unexpected(self.target, asked.result):
            self._doubtful.append(asked)
        else:
            self._note(self.target, *asked)

    async def again(self) -> None:
        """Ask again, one after the other, what came unexpected. The second answer counts."""
        self._doubtful.sort(key=lambda asked: not asked.log.turned_away)
        while self._doubtful:
            first = self._doubtful[0]
            began = time.monotonic()
            if (why := why_not(first.check, self._known)) is not None:
                result = Result(check=first.check.id, verdict=Verdict.UNSUPPORTED, outcome="unsupported", detail=why)
                second = Asked(first.check, result, first.log)
            elif self._time_left <= 0:
                self.let_go("not asked again, as so much else was")
                return
            elif first.log.turned_away:
                second = await self._one_at_a_time(first)
            else:
                second = await self._until_decided(first.check)
            self._time_left -= time.monotonic() - began
            if second.result.verdict is Verdict.PASS:  # what no server may do stays true
                second.log.breaches[:0] = first.log.breaches
            self._doubtful.pop(0)
            self._note(self.target, first.check, _retold(second.result, first.result), second.log)

    async def _one_at_a_time(self, first: Asked) -> Asked:
        """Ask again what was turned away, with one connection at a time. If that helps, it stays so."""
        limiter = self._unlimited
        if limiter:
            limiter.one_at_a_time("which is more than the endpoint takes")
        second = await self._until_decided(first.check)
        if limiter and second.log.turned_away:
            limiter.any_number()
            self._attempts -= 1
        elif limiter:
            self._tell(self.target, LIMITED)
        return second

    async def _until_decided(self, check: Check) -> Asked:
        """Ask until other talk leaves the answer alone, and the endpoint is not in a hurry; but not for ever."""
        for pause in PAUSES:
            asked = Asked(check, *await ask(self._known, check))
            if asked.result.verdict is not Verdict.UNDECIDED and not self._hurried(asked):
                break
            await asyncio.sleep(pause)
        return asked

    def _hurried(self, asked: Asked) -> bool:
        """Whether it was turned away for what was asked before, or by the lab's proxy for what is asked of others."""
        if not asked.log.turned_away:
            return False
        limiter = self.target.limiter
        return limiter.connections == 1 if limiter else self._unexpected(self.target, asked.result)

    def let_go(self, why: str = "") -> None:
        """Report what is still doubtful as it is, and why."""
        for check, result, log in self._doubtful:
            self._note(self.target, check, _with_detail(result, why), log)
        self._doubtful.clear()


def _retold(result: Result, first: Result) -> Result:
    """The second answer, with what came the first time."""
    same = (first.verdict, first.outcome) == (result.verdict, result.outcome)
    return _with_detail(result, "asked twice" if same else f"asked again alone; the first time: {first.outcome}")


def _with_detail(result: Result, more: str) -> Result:
    return msgspec.structs.replace(result, detail="; ".join(filter(None, (result.detail, more))))


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
        return NO_ECHO
    if check.quiet and target.habits.talks:
        return "about messages that nobody asked for, and it talks by itself"
    if check.intrusive and not target.intrusive:
        return "intrusive (--intrusive puts them)"
    return None


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
        why = f"it needs more than {limiter.connections} connections at once, {limiter.why}"
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
        if verdict is Verdict.FAIL and (doubt := _doubt(check, observed.outcome, log)):
            verdict = Verdict.UNDECIDED
            observed = Observation(observed.outcome, "; ".join(filter(None, (observed.detail, doubt))))
    if target.seat and target.seat.starved:  # a question may take that for silence
        raise CrowdedError
    took = round(time.monotonic() - began, 3)
    return Result(
        check=check.id,
        verdict=verdict,
        outcome=target.secrets.hide(observed.outcome),
        detail=target.secrets.hide(observed.detail),
        seconds=took,
    ), log


def _doubt(check: Check, outcome: str, log: Transcript) -> str:
    """Why a wrong answer may be none: other talk came in its exchange. Empty where it is one.

    Nobody but the server ends a connection. What needs no echo is answered by other frames than messages.
    """
    if outcome.startswith(("close", "cut off")):
        return ""
    if log.ungreeted:
        return "the server did not greet as it did before, so that the answer cannot be told from a greeting"
    if log.passed_over and check.echo:
        came = "a message" if log.passed_over == 1 else f"{log.passed_over} messages"
        return f"{came} of its own or others' came in between, so that the answer cannot be told from that"
    return ""

"""A run of the test suite over several targets, shown as it goes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from echowall.catalog import autobahn
from echowall.conformance import wstest
from echowall.conformance.install import Suite
from echowall.conformance.report import CaseReport
from echowall.conformance.wstest import Address
from echowall.results.model import CaseResult, ConformanceRun, Conformed
from echowall.results.provenance import Beginning
from echowall.results.verdicts import Verdict

#: How many cases are put by one process. To start one takes two seconds of a core. Where it has to be ended, the
#: answers of all its cases are lost and they are put again; so there are fewer of those that take long.
BATCH, BATCH_OF_LONG = 250, 50
#: How many cases of a target may not end, and how often in a row a target may not be reached, before it is given up.
_HANGS, _TRIES = 5, 3
#: How long a target that cannot be reached is left alone, in seconds; the lab starts a service that died.
_PAUSE = 2.0


class Subject(NamedTuple):
    """Something to test."""

    addresses: Sequence[Address]
    """Where it is. With several instances of one thing, each is put a part of the cases."""
    examined: Conformed
    """What is kept of it."""
    failing: int = 0
    """How many of the cases it is known to fail. The suite waits half a second or longer in most of them."""


class Examination:
    """Puts cases to subjects, and keeps what is found. It begins when it is made.

    A case with a message over the limit that a target declares is not put to it, but told as such. What becomes of such
    a message is asked by the check `message-limit`; the suite takes a refusal for a failure.
    """

    def __init__(
        self,
        suite: Suite,
        chosen: Sequence[str],
        words: Sequence[str],
        jobs: int,
        console: Console,
        scale: float = 1.0,
    ) -> None:
        """`words` are what was asked for, and `chosen` the cases that are meant. `scale` multiplies their bounds."""
        self.found: list[Conformed] = []
        self.reports: dict[str, dict[str, CaseReport]] = {}
        """What the suite reported, by the target's label and the case."""
        self._suite, self._chosen, self._words, self._console = suite, chosen, list(words), console
        self._scale = scale
        self._turn = asyncio.Semaphore(jobs)
        self._beginning = Beginning()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[case]}"),
            console=console,
            transient=True,
        )

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show bars on the console meanwhile."""
        with self._progress:
            yield

    async def examine(self, subjects: Iterable[Subject]) -> None:
        """Put all cases to each of them. Cancelled, it keeps what has ended.

        It begins with those that take longest, so that none of them is the last, with nothing beside it.
        """
        bars: list[tuple[Subject, TaskID]] = []
        for subject in subjects:
            self.found.append(subject.examined)
            bar = self._progress.add_task(escape(subject.examined.label), total=len(self._chosen), case="")
            bars.append((subject, bar))
        async with asyncio.TaskGroup() as tasks:
            for subject, bar in sorted(bars, key=lambda one: -one[0].failing):
                tasks.create_task(self._examine(subject, bar))

    async def _examine(self, subject: Subject, bar: TaskID) -> None:
        examined = subject.examined
        limit = examined.limits.max_message if examined.limits else None
        over = {case for case in self._chosen if limit is not None and autobahn.size(case) > limit}
        for case in over:
            size = f"{autobahn.size(case):,} bytes"
            examined.results.append(_unanswered(case, Verdict.LIMIT, "over the limit", size))
        taken = [case for case in self._chosen if case not in over]
        begun = over.copy()

        def begins(case: str) -> None:
            if begun == over:  # the first: before it, the target waited for its turn
                self._progress.reset(bar)
            begun.add(case)
            self._progress.update(bar, completed=len(begun), case=case)

        # Cases that fail alike, and take as long, follow each other: so they are dealt out one by one.
        parts = [taken[number :: len(subject.addresses)] for number in range(len(subject.addresses))]
        try:
            async with asyncio.TaskGroup() as tasks:
                for address, part in zip(subject.addresses, parts, strict=True):
                    tasks.create_task(self._put(examined, address, part, begins))
        finally:
            places = {case: place for place, case in enumerate(self._chosen)}
            examined.results.sort(key=lambda result: places[result.case])

    async def _put(
        self, examined: Conformed, address: Address, cases: Sequence[str], begins: Callable[[str], None]
    ) -> None:
        """Put these cases to one instance, when it is its turn."""
        async with self._turn:
            await self._put_in_turn(examined, address, cases, begins)

    async def _put_in_turn(
        self, examined: Conformed, address: Address, cases: Sequence[str], begins: Callable[[str], None]
    ) -> None:
        reports = self.reports.setdefault(examined.label, {})
        batches = deque(_batches(cases))
        hangs = tries = 0
        while batches:
            batch = batches.popleft()
            done = await wstest.put(self._suite, address, batch, begins, scale=self._scale)
            for case, one in done.reports.items():
                reports[case] = one
                examined.results.append(result(case, one))
            left = [case for case in batch if case not in done.reports]
            if done.hung is not None:
                hung = done.hung or left[0]
                why = f"not done within {wstest.bound(hung, self._scale):g} s"
                examined.results.append(_unanswered(hung, Verdict.FAIL, "no end", why))
                hangs += 1
                at = left.index(hung) if hung in left else 0
                again = [left[:at], left[at + 1 :]]
                if hangs == _HANGS:
                    rest = [case for part in [*again, *batches] for case in part]
                    why = f"given up after {hangs} cases that did not end"
                    examined.results += [_unanswered(case, Verdict.ERROR, "not put", why) for case in rest]
                    return
                batches.extendleft(part for part in reversed(again) if part)
            elif left:
                tries = 0 if done.reports else tries + 1
                if tries == _TRIES:
                    rest = [case for part in [left, *batches] for case in part]
                    examined.results += [_unanswered(case, Verdict.ERROR, "not put", done.said) for case in rest]
                    return
                await asyncio.sleep(_PAUSE)
                batches.appendleft(left)
            else:
                tries = 0

    def record(self, engine: str | None) -> ConformanceRun:
        """The run, as results keep it. `engine` is what runs the lab's services; None where none was tested."""
        return ConformanceRun(
            **self._beginning.facts(engine),
            suite=autobahn.VERSION,
            cases=self._words,
            targets=self.found,
        )


def _batches(cases: Sequence[str]) -> Iterator[Sequence[str]]:
    """These cases, as they are put by one process each."""
    long = [case for case in cases if wstest.takes_long(case)]
    short = [case for case in cases if not wstest.takes_long(case)]
    for some, size in ((short, BATCH), (long, BATCH_OF_LONG)):
        yield from (some[start : start + size] for start in range(0, len(some), size))


def result(case: str, report: CaseReport) -> CaseResult:
    """What is kept of a report.

    The suite judges the messages and the end of the connection apart. A case has failed by our count where either was
    wrong: `NON-STRICT` and `FAILED BY CLIENT` are not, for the RFC leaves both open.
    """
    detail = ""
    if report.behavior == "UNIMPLEMENTED":
        verdict, outcome = Verdict.UNSUPPORTED, "not offered"
    elif report.behavior == "FAILED":
        verdict, outcome = Verdict.FAIL, "failed"
        detail = " ".join(dict.fromkeys(filter(None, (report.result, report.result_close))))
    elif report.behavior_close in ("WRONG CODE", "UNCLEAN", "FAILED"):
        verdict, outcome, detail = Verdict.FAIL, "wrong close", report.result_close
    else:
        verdict, outcome = Verdict.PASS, "as expected"
    return CaseResult(
        case=case,
        verdict=verdict,
        outcome=outcome,
        behavior=report.behavior,
        close=report.behavior_close,
        close_code=report.remote_close_code,
        detail=detail,
        seconds=report.duration / 1000,
    )


def _unanswered(case: str, verdict: Verdict, outcome: str, detail: str) -> CaseResult:
    return CaseResult(
        case=case,
        verdict=verdict,
        outcome=outcome,
        behavior="none",
        close="none",
        close_code=None,
        detail=detail,
    )

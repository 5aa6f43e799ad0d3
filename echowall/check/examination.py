"""A run over several targets, shown as it goes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from echowall.check.registry import Check
from echowall.check.runner import applies, preflight, run, why_not
from echowall.check.targets import Subject, versions
from echowall.check.wire import Target, Transcript
from echowall.results.model import CheckRun, Examined, Question, Result
from echowall.results.provenance import Beginning


class Answer(NamedTuple):
    """One answer, and all that led to it."""

    target: str
    """Its name and route."""
    result: Result
    transcript: Transcript


class Unfit(NamedTuple):
    """A target that could not be examined, and why."""

    target: str
    """Its name and route."""
    why: str


class Examination:
    """Puts checks to subjects, and keeps what is found. It begins when it is made."""

    def __init__(self, jobs: int, console: Console) -> None:
        self.found: list[Examined] = []
        self.answers: list[Answer] = []
        self.unfit: list[Unfit] = []
        self._jobs, self._console = jobs, console
        self._put: dict[str, Check] = {}
        self._beginning = Beginning()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def reject(self, label: str, why: str) -> None:
        """Note and say that this target cannot be examined."""
        self.unfit.append(Unfit(label, why))
        self._console.print(f"[red]{escape(label)}[/red] {escape(why)}", highlight=False)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show bars on the console meanwhile."""
        with self._progress:
            yield

    async def examine(self, subjects: list[Subject], checks: list[Check]) -> None:
        """Put every one of the checks that applies to each of them."""
        self._put |= {check.id: check for check in checks}
        troubles = await asyncio.gather(*(preflight(subject.target) for subject in subjects))
        fit: dict[int, tuple[Examined, TaskID]] = {}
        for subject, trouble in zip(subjects, troubles, strict=True):
            target, examined = subject.target, subject.examined
            if trouble is not None:
                why = target.secrets.hide(trouble).removeprefix(examined.label).lstrip()
                self.reject(examined.label, why)
                continue
            if subject.about:
                examined.versions = await versions(subject.about)
            else:
                self._tell_left_out(examined.label, target, checks)
            total = sum(applies(check, target) for check in checks)
            fit[id(target)] = examined, self._progress.add_task(escape(examined.label), total=total)

        def note(target: Target, result: Result, transcript: Transcript) -> None:
            examined, bar = fit[id(target)]
            examined.results.append(result)
            self.answers.append(Answer(examined.label, result, transcript))
            self._progress.advance(bar)

        targets = [subject.target for subject in subjects if id(subject.target) in fit]
        places = {check.id: place for place, check in enumerate(checks)}
        try:
            await run(targets, checks, note, jobs=self._jobs)
        finally:  # what was found before an interruption too
            for examined, _ in fit.values():
                examined.results.sort(key=lambda result: places[result.check])
                self.found.append(examined)

    def _tell_left_out(self, label: str, target: Target, checks: list[Check]) -> None:
        """Say which of the chosen checks are not put to an endpoint that is none of the lab's."""
        reasons = Counter(filter(None, (why_not(check, target) for check in checks)))
        if reasons:
            what = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
            said = f"{label}: {reasons.total()} of {len(checks)} checks left out: {what}"
            self._console.print(escape(said), style="dim", highlight=False)

    def record(self, engine: str | None, *, interrupted: bool = False) -> CheckRun:
        """The run, as results keep it. `engine` is what runs the lab's services; None where none was examined."""
        asked = {result.check for examined in self.found for result in examined.results}
        return CheckRun(
            **self._beginning.facts(engine),
            checks=[
                Question(
                    id=check.id,
                    group=check.group,
                    section=check.section,
                    question=check.question,
                    expects=check.expects,
                )
                for check in self._put.values()
                if check.id in asked
            ],
            targets=self.found,
            interrupted=interrupted,
        )

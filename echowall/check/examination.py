"""A run over several targets, shown as it goes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from echowall.check.acquaintance import Acquaintance, meet, preflight
from echowall.check.registry import Check
from echowall.check.runner import NO_ECHO, applies, run, why_not
from echowall.check.targets import Subject, versions
from echowall.check.wire import Habits, Target, Transcript
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
    """Puts checks to subjects, and keeps what is found. It begins when it is made.

    What is `unexpected` of what was found is asked once more; see runner.run().
    """

    def __init__(self, jobs: int, console: Console, unexpected: Callable[[Examined, Result], bool]) -> None:
        self.found: list[Examined] = []
        self.answers: list[Answer] = []
        self.unfit: list[Unfit] = []
        self._jobs, self._console, self._unexpected = jobs, console, unexpected
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
        acquaintances = await asyncio.gather(*map(_meet, subjects))
        told = await asyncio.gather(*map(versions, subjects))
        fit: dict[int, tuple[Examined, TaskID]] = {}
        targets: list[Target] = []
        for subject, known, loaded in zip(subjects, acquaintances, told, strict=True):
            target, examined = subject.target, subject.examined
            if isinstance(known, Acquaintance):
                target = heeding(target, known)
                trouble = self._introduce(examined.label, known, target, checks)
            else:
                trouble = known
            if trouble:
                why = target.secrets.hide(trouble).removeprefix(examined.label).lstrip()
                self.reject(examined.label, why)
                continue
            if subject.about:
                examined.versions = loaded
            else:
                self._tell_left_out(examined.label, target, checks)
            total = sum(applies(check, target) for check in checks)
            targets.append(target)
            fit[id(target)] = examined, self._progress.add_task(escape(examined.label), total=total)

        def note(target: Target, result: Result, transcript: Transcript) -> None:
            examined, bar = fit[id(target)]
            examined.results.append(result)
            self.answers.append(Answer(examined.label, result, transcript))
            self._progress.advance(bar)

        def unexpected(target: Target, result: Result) -> bool:
            return self._unexpected(fit[id(target)][0], result)

        def tell(target: Target, what: str) -> None:
            self._tell(fit[id(target)][0].label, what)

        places = {check.id: place for place, check in enumerate(checks)}
        try:
            await run(targets, checks, note, jobs=self._jobs, unexpected=unexpected, tell=tell)
        finally:  # what was found before an interruption too
            for examined, _ in fit.values():
                examined.results.sort(key=lambda result: places[result.check])
                self.found.append(examined)

    def _introduce(self, label: str, known: Acquaintance, target: Target, checks: list[Check]) -> str:
        """Say what was learnt of an endpoint. Gives why it cannot be examined, if nothing can be asked of it."""
        told = [sentence] if (sentence := known.sentence()) else []
        if known.answers:
            number = sum(why_not(check, target) == NO_ECHO for check in checks)
            if number and not any(applies(check, target) for check in checks):
                return f"{known.answers}, and all that was to be asked needs an echo"
            told.append(f"{known.answers}: {number} check{'' if number == 1 else 's'} in need of an echo are left out")
        if told:
            self._tell(label, target.secrets.hide("; ".join(told)))
        return ""

    def _tell(self, label: str, what: str) -> None:
        self._console.print(escape(f"{label}: {what}"), highlight=False)

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
                    sends=check.sends,
                )
                for check in self._put.values()
                if check.id in asked
            ],
            targets=self.found,
            interrupted=interrupted,
        )


async def _meet(subject: Subject) -> Acquaintance | str:
    """What is to be known of a subject before it is examined, or why it cannot be.

    The lab's services are known: they only echo.
    """
    if subject.about:
        return await preflight(subject.target) or Acquaintance(Habits())
    return await meet(subject.target)


def heeding(target: Target, known: Acquaintance) -> Target:
    """The target, to be asked as suits its habits."""
    if known.alone and target.limiter:
        target.limiter.one_at_a_time(known.alone)
    return msgspec.structs.replace(target, habits=known.habits)

"""What the checks found, as Markdown: right by itself, right because mended, or wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from echowall.catalog import catalog, mends
from echowall.catalog.autobahn import GROUPS, group
from echowall.catalog.catalog import Service
from echowall.markdown import table as markdown_table
from echowall.results import store
from echowall.results.model import CaseResult, CheckRun, ConformanceRun, Conformed, Examined, Question, Result, Run
from echowall.results.verdicts import Verdict

#: How many stacks stand side by side at most; a wider table cannot be read.
_COLUMNS = 6
_RIGHT, _MENDED, _ABSENT = "✓", "◐", "–"


class Behaviour(NamedTuple):
    """The newest that is known of one service."""

    service: Service
    mended: list[Examined]
    """As it runs in the lab, by each route."""
    bare: Examined | None
    """With its mends off; None where the store has no such run."""
    runs: list[CheckRun]
    """Where that is from."""

    untold: bool
    """Whether it has mends, and the store has no run without them: what it mends is not known."""

    def wrong(self) -> set[str]:
        """The checks that it fails, by whatever route, as it runs in the lab."""
        return {one.check for target in self.mended for one in target.results if one.verdict is Verdict.FAIL}

    def needing_mends(self) -> set[str]:
        """The checks that it passes as it runs in the lab, and fails with its mends off."""
        bare = self.bare.results if self.bare else []
        return {one.check for one in bare if one.verdict is Verdict.FAIL} - self.wrong()


def newest(root: Path) -> list[Behaviour]:
    """What the store knows of each service in the catalog, of those that it has seen."""
    found: dict[tuple[str, str | None, str | None], tuple[Examined, CheckRun]] = {}
    for run in store.runs(root):
        if isinstance(run, CheckRun):
            for target in run.targets:
                found[target.name, target.via, target.mends] = target, run
    known = []
    for service in catalog.load(root):
        mended = [found[key] for via in ("direct", "proxy") if (key := (service.name, via, "on")) in found]
        bare = found.get((service.name, "direct", "off"))
        if mended:
            runs = [run for _, run in (*mended, *([bare] if bare else []))]
            untold = bare is None and service.has_mends
            known.append(Behaviour(service, [target for target, _ in mended], bare[0] if bare else None, runs, untold))
    return known


def questions(known: Iterable[Behaviour]) -> list[Question]:
    """Every check that was put to any of them, in the order of the newest run."""
    runs = {run.id: run for one in known for run in one.runs}
    newest_first = sorted(runs.values(), key=lambda run: run.began, reverse=True)
    return list({question.id: question for run in newest_first for question in run.checks}.values())


def document(root: Path) -> str:
    """Where the stacks differ: tables for each era, of as many stacks as can be read side by side."""
    known = newest(root)
    asked = questions(known)
    parts = []
    for era in dict.fromkeys(one.service.era for one in known):
        parts.append(f"## {era.capitalize()}")
        of_era = [one for one in known if one.service.era == era]
        for start in range(0, len(of_era), _COLUMNS):
            parts.append(_table(of_era[start : start + _COLUMNS], asked, root))
    return "\n\n".join([*parts, *_sources(known)])


def _table(known: Sequence[Behaviour], asked: Iterable[Question], root: Path) -> str:
    rows = []
    for question in asked:
        cells = [_cell(one, question.id, root) for one in known]
        if not {_RIGHT, _ABSENT}.issuperset(cells):
            rows.append([f"`{question.id}`", *cells])
    return markdown_table(["check", *(one.service.name for one in known)], rows)


def _cell(known: Behaviour, check: str, root: Path) -> str:
    words = _words(known.mended, check)
    if check not in known.needing_mends() or not known.bare:
        return words or _ABSENT
    without = _words([known.bare], check)
    mend = known.service.mend(check, "direct")
    by = f" {source_of_mend(known.service, mend.by, root)}" if mend else ""
    return f"{_MENDED}{by} ({without})"


def source_of_mend(service: Service, name: str, root: Path) -> str:
    """A link to a mend's first line."""
    place = mends.place(root / "services" / service.name, name)
    return f"[`{name}`](../{place.file.relative_to(root)}#L{place.line})" if place else f"`{name}`"


def _sources(known: Sequence[Behaviour]) -> Iterator[str]:
    if untold := [one.service.name for one in known if one.untold]:
        yield f"The store has no run with the mends off of {', '.join(untold)}: what they mend is not told here."
    runs = {run.id: run for one in known for run in one.runs}
    for run in sorted(runs.values(), key=lambda run: run.began):
        on_or_off = " and ".join(sorted({str(target.mends) for target in run.targets}))
        yield f"From the run of [{_circumstances(run)}](../results/check/{run.id}.json), mends {on_or_off}."


def _circumstances(run: Run) -> str:
    """When, where and of what a run was."""
    what = f"{run.began:%Y-%m-%d %H:%M} UTC, {run.engine}, {run.machine.cores} cores, commit {str(run.commit)[:7]}"
    return what if run.clean else f"{what} with changes"


def markdown(examined: Sequence[Examined], asked: Iterable[Question]) -> str:
    """The answers of one run: checks by targets, what passes and the outcome of what does not."""
    names = list(dict.fromkeys(target.name for target in examined))
    rows = []
    for question in asked:
        cells = [_words([target for target in examined if target.name == name], question.id) for name in names]
        if any(cells):
            rows.append([f"`{question.id}`", *(cell or _ABSENT for cell in cells)])
    return markdown_table(["check", *names], rows)


def conformance(root: Path) -> str:
    """How the stacks fare in the Autobahn Testsuite: the newest run of each, as it runs in the lab, asked directly."""
    found: dict[str, tuple[Conformed, ConformanceRun]] = {}
    for run in store.runs(root):
        if isinstance(run, ConformanceRun):
            for target in run.targets:
                if (target.via, target.mends) == ("direct", "on"):
                    found[target.name] = target, run
    known = [found[service.name] for service in catalog.load(root) if service.name in found]
    if not known:
        return "The store of results holds no run of the test suite yet."
    runs = {run.id: run for _, run in known}
    sources = []
    for run in sorted(runs.values(), key=lambda run: run.began):
        what = f"Autobahn Testsuite {run.suite}, cases {', '.join(run.cases)}, {_circumstances(run)}"
        sources.append(f"From the run of [{what}](../results/conformance/{run.id}.json).")
    return "\n\n".join([cases([target for target, _ in known]), *sources])


def cases(targets: Sequence[Conformed]) -> str:
    """Targets by groups of the Autobahn Testsuite's cases, as Markdown: how many of each were wrong."""
    put = {group(one.case) for target in targets for one in target.results}
    shown = {number: about for number, about in GROUPS.items() if number in put}
    names = [target.name for target in targets]
    rows = []
    for target in targets:
        cells = (_cases([one for one in target.results if group(one.case) == number]) for number in shown)
        rows.append([target.name if names.count(target.name) == 1 else target.label, *cells])
    return markdown_table(["stack", *(f"{number} {about}" for number, about in shown.items())], rows)


def _cases(results: Sequence[CaseResult]) -> str:
    """How a target fares in a group of cases."""
    counted = Counter(result.verdict for result in results)
    if counted[Verdict.UNSUPPORTED] == len(results):
        return _ABSENT
    parts = [
        f"{counted[Verdict.FAIL]} of {len(results)} wrong" if counted[Verdict.FAIL] else "",
        f"{counted[Verdict.LIMIT]} over the limit" if counted[Verdict.LIMIT] else "",
        f"{counted[Verdict.ERROR]} not put" if counted[Verdict.ERROR] else "",
    ]
    return ", ".join(filter(None, parts)) or _RIGHT


def _words(routes: Iterable[Examined], check: str) -> str:
    """One answer by each route; where they agree, once. Nothing where it was not asked."""
    words = {target.via or "": _word(one) for target in routes for one in target.results if one.check == check}
    if len(set(words.values())) < 2:
        return next(iter(words.values()), "")
    return ", ".join(f"{word} ({via})" for via, word in words.items() if word != _ABSENT)


def _word(result: Result) -> str:
    words = {Verdict.PASS: _RIGHT, Verdict.UNSUPPORTED: _ABSENT, Verdict.UNDECIDED: "undecided"}
    return words.get(result.verdict, result.outcome)

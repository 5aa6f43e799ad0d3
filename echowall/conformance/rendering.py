"""What the suite found, for people to read, and for CI: a table, Markdown, JUnit's XML, one case frame by frame."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from echowall.catalog.autobahn import GROUPS, group
from echowall.conformance import report
from echowall.conformance.judging import Expecting, standing
from echowall.conformance.report import CaseReport
from echowall.results import junit
from echowall.results.junit import Suite
from echowall.results.model import CaseResult, ConformanceRun, Conformed
from echowall.results.verdicts import MARKS, Standing, Verdict

_LEGEND = """\
How many cases of each group:
✓ as the suite has it   ◐ because the service mends it   ≈ as conformance.toml has it
▲ over the declared limit   – not offered   ✗ surprise   ! could not be put"""
_TAG = re.compile(r"<[^>]*>")


def table(examined: Sequence[Conformed], services: Mapping[str, Expecting]) -> RenderableType:
    """Targets by groups: how many cases stand how."""
    put = {group(result.case) for target in examined for result in target.results}
    shown = {number: about for number, about in GROUPS.items() if number in put}
    grid = Table(box=None, pad_edge=False, header_style="bold")
    grid.add_column("", no_wrap=True)
    for number in shown:
        grid.add_column(number)
    for target in examined:
        grid.add_row(target.label, *(_cell(target, number, services) for number in shown))
    groups = ", ".join(f"{number} {about}" for number, about in shown.items())
    return Group(grid, Text(f"\n{groups}\n{_LEGEND}", style="dim"))


def _cell(target: Conformed, number: str, services: Mapping[str, Expecting]) -> Text:
    counted = Counter(
        standing(result, target, services.get(target.name))[0]
        for result in target.results
        if group(result.case) == number
    )
    parts = [(f"{counted[kind]}{mark} ", style) for kind, (mark, style) in MARKS.items() if counted[kind]]
    return Text.assemble(*parts)


def encode(run: ConformanceRun, services: Mapping[str, Expecting], unfit: Iterable[tuple[str, str]]) -> bytes:
    """JUnit XML: a suite for each target. A surprise is a failure; what is known to fail counts as skipped.

    `unfit` are the targets that could not be tested, and why.
    """
    suites = []
    for target in run.targets:
        suites.append(suite := Suite(target.label))
        for result in target.results:
            kind, what = standing(result, target, services.get(target.name))
            case = suite.case(f"{target.label}.{group(result.case)}", result.case, result.seconds)
            if kind is Standing.SURPRISE:
                junit.tell(case, "failure", what)
            elif kind is Standing.ERROR:
                junit.tell(case, "error", what)
            elif kind in (Standing.KNOWN, Standing.LIMIT, Standing.UNSUPPORTED):
                junit.tell(case, "skipped", f"{result.outcome}: {what}" if what else result.outcome)
    return junit.encode("echowall conformance", run, suites, unfit)


def explain(
    console: Console,
    case: str,
    check: str | None,
    examined: Iterable[Conformed],
    reports: Mapping[str, Mapping[str, CaseReport]],
    services: Mapping[str, Expecting],
) -> None:
    """Print what the case does, and for each target what it came to and the frames of the suite's wire log."""
    described = next((found[case] for found in reports.values() if case in found), None)
    console.print(f"[bold]{case}[/bold] · {GROUPS[group(case)]}", highlight=False)
    if described:
        for label, text in (("Does", described.description), ("Right", described.expectation)):
            console.print(f"{label}: {escape(_plain(text))}", highlight=False, soft_wrap=True)
    who = f"`echowall check --explain {check}`" if check else "No check of `echowall check`"
    console.print(f"{who} asks the same.", highlight=False)
    for target in examined:
        for result in target.results:
            _explained(console, result, target, services)
            if one := reports.get(target.label, {}).get(case):
                for line in report.frames(one):
                    console.print(Text(f"  {line}"), highlight=False, soft_wrap=True)


def _explained(console: Console, result: CaseResult, target: Conformed, services: Mapping[str, Expecting]) -> None:
    mark = {Verdict.PASS: "green", Verdict.UNSUPPORTED: "dim", Verdict.LIMIT: "dim"}.get(result.verdict, "red")
    said = f"the suite says {result.behavior} of the messages and {result.close} of the close"
    console.print(
        f"\n[bold]{escape(target.label)}[/bold]: [{mark}]{result.verdict}[/{mark}], {result.outcome}; {said}",
        highlight=False,
    )
    _, what = standing(result, target, services.get(target.name))
    for line in dict.fromkeys(filter(None, (result.detail, what))):
        console.print(f"  {escape(line)}", highlight=False)


def _plain(text: str) -> str:
    """The words of the suite's HTML."""
    return " ".join(html.unescape(_TAG.sub(" ", text)).split())

"""What was found as a table, which cuts no word short: not in 80 columns, and not in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from echowall.catalog.catalog import Service
from echowall.check.judging import standing
from echowall.check.registry import CHECKS, GROUPS, Check
from echowall.results.model import Examined
from echowall.results.verdicts import MARKS, Standing

_LEGEND = {
    Standing.PASS: "right",
    Standing.MENDED: "right because the service mends it",
    Standing.KNOWN: "wrong as service.toml says",
    Standing.UNDECIDED: "undecided: other talk came in between",
    Standing.UNSUPPORTED: "not applicable or not offered",
    Standing.SURPRISE: "not as expected",
    Standing.ERROR: "could not be asked",
}
#: Longer headings are numbered, and explained above the table.
_LONGEST_HEADING = 20


class _Answer(NamedTuple):
    name: str
    route: str
    """Empty where the endpoint has but one."""
    kind: Standing
    outcome: str


def show(console: Console, examined: list[Examined], services: Mapping[str, Service], *, partial: bool) -> None:
    """Print what was found.

    Of one endpoint these are its outcomes in words, a line for each check. Of several they are, where only some checks
    were put, each check's outcomes with those who gave them; otherwise marks, checks by endpoints.
    """
    names = list(dict.fromkeys(target.name for target in examined))
    answers = {check: list(_answers(check, examined, services)) for check in CHECKS.values()}
    answers = {check: given for check, given in answers.items() if given}
    if len(names) == 1:
        _print_lines(console, _one(answers))
    elif partial:
        _print_lines(console, _by_outcome(answers))
    else:
        _print_marks(console, answers, names)
    used = {one.kind for given in answers.values() for one in given}
    legend = [f"{mark} {_LEGEND[kind]}" for kind, (mark, _) in MARKS.items() if kind in used]
    console.print(Text("   ".join(legend), style="dim"))


def _answers(check: Check, examined: Iterable[Examined], services: Mapping[str, Service]) -> Iterator[_Answer]:
    for target in examined:
        for result in target.results:
            if result.check == check.id:
                kind, _ = standing(result, target, services.get(target.name))
                why = result.detail if kind is Standing.UNSUPPORTED and result.detail else result.outcome
                yield _Answer(target.name, target.via or "", kind, why)


def _one(answers: Mapping[Check, list[_Answer]]) -> Table:
    """The outcomes of one endpoint; where its routes agree, once."""
    grid = Table(Column(no_wrap=True), Column(no_wrap=True), Column(overflow="fold"), box=None, show_header=False)
    for check, given in _grouped(grid, answers, place=1):
        agreed = len({(one.kind, one.outcome) for one in given}) == 1
        for one in given[:1] if agreed else given:
            route = f" ({one.route})" if one.route and not agreed else ""
            grid.add_row(_mark(one.kind), check.id, f"{one.outcome}{route}")
    return grid


def _by_outcome(answers: Mapping[Check, list[_Answer]]) -> Table:
    """Each check's outcomes, from the most frequent, and whose they are."""
    columns = [Column(no_wrap=True), Column(no_wrap=True), Column(overflow="fold"), Column(overflow="fold")]
    grid = Table(*columns, box=None, show_header=False)
    for check, given in _grouped(grid, answers, place=1):
        routes: dict[str, set[str]] = {}
        found: dict[tuple[Standing, str], dict[str, set[str]]] = {}
        for one in given:
            routes.setdefault(one.name, set()).add(one.route)
            found.setdefault((one.kind, one.outcome), {}).setdefault(one.name, set()).add(one.route)
        for (kind, outcome), its in sorted(found.items(), key=lambda item: -len(item[1])):
            names = [name if of == routes[name] else f"{name} ({', '.join(of)})" for name, of in its.items()]
            grid.add_row(_mark(kind), check.id, outcome, ", ".join(names))
    return grid


def _print_marks(console: Console, answers: Mapping[Check, list[_Answer]], names: list[str]) -> None:
    """Checks by endpoints, in as many tables as the width needs."""
    headings = {name: name for name in names}
    if max(map(len, names)) > _LONGEST_HEADING:
        headings = {name: f"[{number}]" for number, name in enumerate(names, 1)}
        for name, heading in headings.items():
            console.print(Text(f"{heading} {name}"), soft_wrap=True)
    gap = 2
    first = max(len(check.id) for check in answers) + gap
    each = max(map(len, headings.values())) + gap
    fitting = max(1, (console.width - first) // each)
    blocks = -(-len(names) // fitting)
    size = -(-len(names) // blocks)
    for start in range(0, len(names), size):
        chosen = names[start : start + size]
        marks = [Column(Text(headings[name]), justify="center", no_wrap=True, min_width=each - gap) for name in chosen]
        grid = Table(Column("check", no_wrap=True), *marks, box=None, pad_edge=False, header_style="bold")
        for check, given in _grouped(grid, answers, place=0):
            cells = (dict.fromkeys(one.kind for one in given if one.name == name) for name in chosen)
            grid.add_row(check.id, *(Text.assemble(*map(_mark, kinds)) for kinds in cells))
        console.print(grid, Text())


def _grouped(
    grid: Table, answers: Mapping[Check, list[_Answer]], *, place: int
) -> Iterator[tuple[Check, list[_Answer]]]:
    """The checks with their answers; between them come rows with their groups' names in the column of that place."""
    for group in GROUPS:
        own = [(check, given) for check, given in answers.items() if check.group == group]
        if own:
            grid.add_row(*[""] * place, Text(group, style="bold"))
        yield from own


def _mark(kind: Standing) -> Text:
    return Text(*MARKS[kind])


def _print_lines(console: Console, grid: Table) -> None:
    """Print the table, whose rows are one line each in a pipe, however long."""
    if not console.is_terminal:
        unlimited = console.options.update(max_width=10_000)
        console.width = max(console.width, Measurement.get(console, unlimited, grid).maximum)
    console.print(grid, Text())

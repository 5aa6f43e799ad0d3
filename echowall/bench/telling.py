"""What changed between two runs, for people to read: tables, and Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from echowall.bench.quantities import QUANTITIES
from echowall.markdown import table as markdown_table
from echowall.results.model import Change, Changes, Estimate, Trouble

_HEADER = ("", "", "A", "B", "B / A", "")
_LEGEND = """\
B / A: the ratio, and its interval of 95 %{basis}
"=": the two cannot be told apart; "within": worse, but within the tolerance
"noise": the yardstick, which is not judged"""


def tables(found: Changes) -> RenderableType:
    """Everything: what else differs, then a table for each step, then what is worse and what is better."""
    parts: list[RenderableType] = [Text(line) for line in preface(found)]
    if parts:
        parts.append(Text())
    for step, changes in _by_step(found.changes):
        table = Table(
            *_HEADER, title=step, title_justify="left", title_style="bold", box=None, pad_edge=False,
            header_style="bold",
        )  # fmt: skip
        for column in table.columns[2:5]:
            column.justify, column.no_wrap = "right", True
        for one in changes:
            table.add_row(*map(escape, _cells(one)), style=_style(one))
        parts += [table, Text()]
    parts += [Text(line) for line in summary(found)]
    parts.append(Text(_LEGEND.format(basis=_basis(found)), style="dim"))
    return Group(*parts)


def markdown(found: Changes) -> str:
    """The same, as Markdown."""
    lines = [f"- {_plain(line)}" for line in preface(found)]
    for step, changes in _by_step(found.changes):
        lines += ["", f"### {_plain(step)}", ""]
        rows = [[cell.replace("<", "&lt;") for cell in _cells(one)] for one in changes]
        lines.append(markdown_table(["target", "quantity", *_HEADER[2:]], rows, right=(2, 3, 4)))
    lines.append("")
    lines += [f"- {_plain(line)}" for line in summary(found)]
    return "\n".join(lines).strip()


def preface(found: Changes) -> list[str]:
    """What the two runs do not have in common."""
    lines = [f"A is {found.before}, B is {found.after}."]
    for one in found.differences:
        lines.append(f"Different {one.what}: {one.before or 'none'} in A, {one.after or 'none'} in B.")
    for run, names in (("A", found.only_before), ("B", found.only_after)):
        if names:
            lines.append(f"Only in {run}: {', '.join(names)}.")
    if not found.yardstick and any(one.what in ("system", "processor", "cores") for one in found.differences):
        lines.append(
            "The machines differ, and there is no yardstick to compare by: the ratios tell of the machines, too."
        )
    return lines


def summary(found: Changes) -> list[str]:
    """What is worse, what is better, what went wrong, and what cannot be compared: a line each."""
    lines = [f"Not compared: {line}" for line in found.withheld]
    lines += [_trouble(one) for one in found.troubles]
    lines += [f"Better: {_change(one)}" for one in found.changes if one.better]
    lines += [f"Worse: {_change(one)}" for one in found.changes if one.worse]
    if not found.worse:
        lines.append(f"Nothing is worse by more than {found.tolerance:g} % and distinguishable.")
    return lines


def _by_step(changes: Iterable[Change]) -> Iterable[tuple[str, list[Change]]]:
    steps: dict[str, list[Change]] = {}
    for one in changes:
        steps.setdefault(one.step, []).append(one)
    return steps.items()


def _cells(one: Change) -> tuple[str, ...]:
    quantity = QUANTITIES[one.quantity]
    unit = quantity.unit_in(one.unit)
    values = (f"{quantity.shown(value)} {unit}" for value in (one.before, one.after))
    return (one.target, quantity.title, *values, counted(one.ratio), verdict(one))


def verdict(one: Change) -> str:
    """In a word."""
    if one.worse:
        return "worse"
    if one.better:
        return "better"
    if one.distinguishable:
        return "within"
    return "=" if one.judged else "noise"


def _style(one: Change) -> str:
    return "red" if one.worse else "green" if one.better else ""


def counted(ratio: Estimate) -> str:
    """A ratio with its interval."""
    return f"{ratio.mean:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"


def _change(one: Change) -> str:
    quantity = QUANTITIES[one.quantity]
    return f"{one.target}, {one.step}: {quantity.title}: {counted(one.ratio)} times what it was"


def _trouble(one: Trouble) -> str:
    counts = f"{one.before} of {one.of_before} rounds went wrong in A, {one.after} of {one.of_after} in B"
    return f"{'Worse: ' if one.worse else ''}{one.target}, {one.step}: {counts}: {'; '.join(one.says)}"


def _basis(found: Changes) -> str:
    if not found.yardstick:
        return ", of the figures themselves"
    titles = [one.title for one in QUANTITIES.values() if not one.by_machine]
    return (
        f", of what was first divided by {found.yardstick}'s in the same round, for machines differ "
        f"(but not {', '.join(titles)})"
    )


def _plain(text: str) -> str:
    """As Markdown shows it literally."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")

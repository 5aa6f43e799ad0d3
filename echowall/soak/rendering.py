"""A soak as a table: on the terminal, and in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.progress import Progress
from rich.table import Table

from echowall.markdown import table as markdown_table
from echowall.results.model import Soaked, SoakRun, Trend, Window


class _Quantity(NamedTuple):
    """Something that may grow."""

    name: str
    of: Callable[[Window], float | None]
    trend: Callable[[Soaked], Trend | None]
    unit: int = 1
    """What it is divided by."""
    digits: int = 0


_QUANTITIES = (
    _Quantity("MiB", lambda window: window.memory, lambda one: one.memory_trend, 2**20),
    _Quantity("descriptors", lambda window: window.descriptors, lambda one: one.descriptors_trend),
    _Quantity("p50, ms", lambda window: window.p50, lambda one: one.latency_trend, 1000, digits=1),
)


def table(targets: Sequence[Soaked]) -> Table:
    """For the terminal: what each of them holds in the end, and by how much that grows in an hour."""
    made = Table("stack", "wrong")
    for quantity in _QUANTITIES:
        made.add_column(quantity.name, justify="right")
        made.add_column("an hour", justify="right")
    for one in targets:
        made.add_row(one.name, str(one.errors.total), *_cells(one))
    return made


def progress(targets: Sequence[Soaked], bar: Progress) -> RenderableType:
    """What is known so far, and how long it still takes."""
    return Group(table(targets), bar)


def markdown(run: SoakRun, titles: dict[str, str]) -> str:
    """For the documents. `titles` has what the stacks are called."""
    header = ["stack", "sockets", "echoes", "wrong or lost"]
    header += [cell for quantity in _QUANTITIES for cell in (quantity.name, "an hour")]
    rows = [
        [
            titles.get(one.name, one.name),
            str(one.sockets),
            f"{sum(window.echoes for window in one.windows):,}",
            str(one.errors.total),
            *_cells(one),
        ]
        for one in run.targets
    ]
    return markdown_table(header, rows)


def _cells(one: Soaked) -> list[str]:
    """Of each quantity what it is in the end, and by how much it grows: `+1.2 ± 0.8 grows`."""
    found = []
    for quantity in _QUANTITIES:
        value = quantity.of(one.windows[-1]) if one.windows else None
        found.append("–" if value is None else f"{value / quantity.unit:,.{quantity.digits}f}")
        if trend := quantity.trend(one):
            slope, reach = trend.slope / quantity.unit, (trend.high - trend.low) / 2 / quantity.unit
            mark = " grows" if trend.grows else ""
            digits = _digits(slope) if trend.grows else 1
            found.append(f"{slope:+,.{digits}f} ± {reach:,.{digits}f}{mark}")
        else:
            found.append("–")
    return found


def _digits(slope: float) -> int:
    """How many digits behind the point show that something grows: one, or up to three where one would show none."""
    return next((digits for digits in (1, 2) if round(slope, digits)), 3)

"""Many idle sockets as a table: on the terminal, and in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from rich.table import Table

from echowall.markdown import table as markdown_table
from echowall.results.model import Amount, Held

_MIB = 1 << 20


class _Column(NamedTuple):
    title: str
    of: Callable[[Held], str]
    right: bool = True
    """Whether it is a figure, and is set to the right."""
    shown: bool = True
    """Whether it is in the terminal's table, too, which has to fit into 80 columns."""


def _three(one: Held, show: Callable[[Amount], str]) -> str:
    return " → ".join(show(amount) for amount in (one.start, one.full, one.end))


def _share(one: Held) -> str:
    """Kibibytes of memory for each socket; none where none was held, or their process ended."""
    grown = one.full.memory - one.start.memory
    return f"{grown / one.held / 1024:.1f}" if one.held and one.same else "–"


def _kept(one: Held) -> str:
    """How much of that was still there in the end."""
    return f"{max(0.0, one.kept):.0%}" if one.same else "its process ended"


_COLUMNS = (
    _Column("limit", lambda one: f"{one.max_sockets:,}" if one.max_sockets else "–", shown=False),
    _Column("asked", lambda one: f"{one.asked:,}", shown=False),
    _Column("held", lambda one: f"{one.held:,}"),
    _Column("right", lambda one: f"{one.right:,}"),
    _Column("memory, MiB", lambda one: _three(one, lambda amount: f"{amount.memory / _MIB:.0f}")),
    _Column("a socket, KiB", _share, shown=False),
    _Column("kept", _kept, shown=False),
    _Column("open files", lambda one: _three(one, lambda amount: f"{amount.descriptors:,}")),
    _Column("after", lambda one: f"{one.seconds:.0f} s", shown=False),
    _Column("refused", lambda one: ", ".join(f"{n:,} × {how}" for how, n in one.refused.items()) or "–", right=False),
)


def table(found: Iterable[Held]) -> Table:
    """For the terminal: how many each of them held, and what it had open before, with all, and afterwards."""
    made = Table(box=None)
    made.add_column("stack", no_wrap=True)
    columns = [column for column in _COLUMNS if column.shown]
    for column in columns:
        made.add_column(column.title, justify="right" if column.right else "left", no_wrap=column.right)
    for one in found:
        made.add_row(one.name, *(column.of(one) for column in columns))
    return made


def markdown(found: Iterable[Held], titles: Mapping[str, str]) -> str:
    """For the documents. `titles` has what the stacks are called."""
    header = ["stack", *(column.title for column in _COLUMNS)]
    return markdown_table(
        header, ([titles.get(one.name, one.name), *(column.of(one) for column in _COLUMNS)] for one in found)
    )

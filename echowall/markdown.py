"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Container[int] = ()) -> str:
    """A table whose cells may hold anything: a bar is escaped, and lines are joined.

    `right` has the places of the columns that are set to the right, the first being 0.
    """
    rule = ["---:" if place in right else "---" for place in range(len(header))]
    return "\n".join(f"| {' | '.join(map(_cell, cells))} |" for cells in [header, rule, *rows])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").split())

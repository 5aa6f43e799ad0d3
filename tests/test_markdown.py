"""Tables in Markdown."""

from __future__ import annotations

from echowall import markdown


def test_a_cell_may_hold_bars_and_several_lines() -> None:
    made = markdown.table(["what", "count"], [["`int | None`", "1"], ["two\n    lines", "2"]], right=[1])

    assert made.split("\n") == [
        "| what | count |",
        "| --- | ---: |",
        r"| `int \| None` | 1 |",
        "| two lines | 2 |",
    ]

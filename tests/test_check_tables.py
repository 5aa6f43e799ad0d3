"""The tables of `echowall check`: in 80 columns and in pipes nothing is cut."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest
from rich.console import Console

from echowall.catalog.catalog import Route
from echowall.check import judging, tables
from echowall.check.suite import ALL
from echowall.results.model import Examined, Result
from echowall.results.verdicts import Verdict

STACKS = [f"stack-number-{number}" for number in range(17)]
LONG = "other message " + "x" * 200
SOME = ["text", "close-code"]


def examined(
    name: str, via: Route | None = None, outcomes: Iterable[tuple[str, str]] | None = None, detail: str = ""
) -> Examined:
    """With these outcomes by check, or right answers to all; `unsupported` is one."""
    given = outcomes if outcomes is not None else ((check.id, check.expects[0]) for check in ALL)
    right = {check.id: check.expects for check in ALL}
    results = []
    for check, outcome in given:
        verdict = Verdict.PASS if outcome in right[check] else Verdict.FAIL
        verdict = Verdict.UNSUPPORTED if outcome == "unsupported" else verdict
        results.append(Result(check=check, verdict=verdict, outcome=outcome, detail=detail))
    return Examined(name=name, url=f"ws://{name}/", via=via, results=results)


def shown(*targets: Examined, partial: bool = False, terminal: bool = False) -> list[str]:
    """The lines in 80 columns."""
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=terminal, color_system=None)
    tables.show(console, list(targets), {}, partial=partial)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def rows(lines: Iterable[str]) -> list[list[str]]:
    return [line.split() for line in lines if line]


@pytest.mark.parametrize("terminal", [False, True])
def test_many_stacks_are_split_so_that_no_heading_is_cut(terminal: bool) -> None:
    lines = shown(*map(examined, STACKS), terminal=terminal)

    assert max(map(len, lines)) <= 80
    headings = [word for row in rows(lines) if row[0] == "check" for word in row[1:]]
    assert headings == STACKS
    for check in ALL:
        assert sum(row.count("✓") for row in rows(lines) if row[0] == check.id) == len(STACKS)


def test_long_headings_are_numbered_and_explained_whole() -> None:
    urls = [f"wss://a-long-name.example/with/a/path/{number}" for number in range(3)]

    lines = shown(*map(examined, urls))

    assert [f"[{number}] {url}" for number, url in enumerate(urls, 1)] == lines[:3]
    assert ["check", "[1]", "[2]", "[3]"] in rows(lines)


def test_one_stack_is_told_in_words() -> None:
    lines = shown(examined("one", outcomes=[("text", "echo"), ("close-code", "close 1002")]), terminal=True)

    assert ["✓", "text", "echo"] in rows(lines)
    assert ["✗", "close-code", "close", "1002"] in rows(lines)
    assert lines[-1] == "✓ right   ✗ not as expected"


def test_what_is_not_offered_says_why() -> None:
    lines = shown(examined("one", outcomes=[("deflate", "unsupported")], detail="it offers no compression"))

    assert any("– " in line and "deflate" in line and "it offers no compression" in line for line in lines)


def test_what_is_undecided_is_neither_right_nor_wrong() -> None:
    target = examined("one", outcomes=[("text", "silence")])
    target.results[0].verdict = Verdict.UNDECIDED

    lines = shown(target)

    assert ["?", "text", "silence"] in rows(lines)
    assert lines[-1] == "? undecided: other talk came in between"
    assert judging.surprises([target], {}, []) == []


def test_routes_that_disagree_are_told_apart() -> None:
    direct = examined("one", "direct", [("text", "echo"), ("close-code", "close 1002")])
    proxied = examined("one", "proxy", [("text", "echo"), ("close-code", "close 1006")])

    found = rows(shown(direct, proxied))

    assert found.count(["✓", "text", "echo"]) == 1
    assert ["✗", "close-code", "close", "1002", "(direct)"] in found
    assert ["✗", "close-code", "close", "1006", "(proxy)"] in found


def test_some_checks_of_many_are_told_in_words_with_who_gave_them() -> None:
    right = [examined(name, outcomes=[("text", "echo"), ("close-code", "close 3000")]) for name in STACKS[:9]]
    wrong = [examined(name, outcomes=[("text", "echo"), ("close-code", "close 1002")]) for name in STACKS[9:]]

    lines = shown(*right, *wrong, partial=True)

    assert any("✗" in line and "close 1002" in line and line.endswith(", ".join(STACKS[9:])) for line in lines)
    assert any("✓" in line and "close 3000" in line and line.endswith(", ".join(STACKS[:9])) for line in lines)


def test_a_row_is_one_line_in_a_pipe_and_is_folded_on_a_terminal() -> None:
    wordy = examined("one", outcomes=[("close-code", LONG), ("text", "echo")])

    piped, terminal = shown(wordy), shown(wordy, terminal=True)

    assert any(line.endswith(LONG) for line in piped)
    assert max(map(len, terminal)) <= 80
    assert "".join("".join(terminal).split()).count("x" * 200) == 1

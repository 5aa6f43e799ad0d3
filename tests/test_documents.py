"""The generated parts of the documents are what the catalog and the results say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT
from echowall.catalog.contract import ROOM
from echowall.check import report
from echowall.results import documents
from echowall.results.documents import BEGIN, END, PARTS


def test_a_part_is_written_between_its_marks_and_nowhere_else(checkout: Path) -> None:
    file = checkout / "services/README.md"
    begin, end = BEGIN.format(name="room", source=PARTS["room"].source), END.format(name="room")
    file.write_text(f"before\n{begin}\nstale\n{end}\nafter\n")

    fresh = documents.refreshed(file, checkout)

    rows = "".join(f"| `{check}` | {holds} |\n" for check, holds in ROOM.items())
    assert fresh == f"before\n{begin}\n| id | what the check holds |\n| --- | --- |\n{rows}{end}\nafter\n"


def test_a_stack_is_a_row(checkout: Path, add_service: Callable[..., Path]) -> None:
    add_service("alpha")

    assert "| [A stack](services/alpha/echo.py) | modern | Server | async | 1 | 2026-01-31 |" in documents.stacks(
        checkout
    )


def test_what_was_found_stands_by_era() -> None:
    services = catalog.load()

    tables = documents.behaviour(ROOT)

    examined = {target.name for target in report.read(report.newest(ROOT / "results/check")).targets}
    for era in {service.era for service in services if service.name in examined}:
        names = [service.name for service in services if service.era == era and service.name in examined]
        assert f"### {era.capitalize()}\n\n| check | {' | '.join(names)} |\n" in tables


def test_a_document_without_the_marks_says_what_to_put_where(checkout: Path) -> None:
    file = checkout / "services/README.md"
    file.write_text("no table here\n")

    with pytest.raises(ValueError, match="on lines of their own where the part belongs"):
        documents.refreshed(file, checkout)

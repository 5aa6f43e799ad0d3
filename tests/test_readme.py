"""The table of stacks in the README is the catalog's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT
from echowall.check import report
from echowall.results import readme


def test_the_table_is_written_between_its_marks_and_nowhere_else(
    checkout: Path, add_service: Callable[..., Path]
) -> None:
    add_service("alpha")
    file = checkout / "README.md"
    begin = [readme.BEGIN.format(name=name, source=source) for name, source in readme.SOURCES.items()]
    end = [readme.END.format(name=name) for name in readme.SOURCES]
    file.write_text(f"before\n{begin[0]}\nstale\n{end[0]}\nbetween\n{begin[1]}\n{end[1]}\nafter\n")

    fresh = readme.refreshed(file, catalog.load(checkout))

    assert fresh.startswith(f"before\n{begin[0]}\n| stack ")
    assert (
        "| [A stack](services/alpha/echo.py) | modern | Server | async | 1 | 2026-01-31 | active | [0](services"
        in fresh
    )
    assert f"\n{end[0]}\nbetween\n{begin[1]}\nFrom the run of " in fresh  # which knows no such stack
    assert fresh.endswith(f"\n{end[1]}\nafter\n")


def test_what_was_found_stands_by_era() -> None:
    services = catalog.load()

    tables = readme.behaviour(services, ROOT / "results/check")

    examined = {target.name for target in report.read(report.newest(ROOT / "results/check")).targets}
    for era in {service.era for service in services if service.name in examined}:
        names = [service.name for service in services if service.era == era and service.name in examined]
        assert f"### {era.capitalize()}\n\n| check | {' | '.join(names)} |\n" in tables


def test_a_readme_without_the_marks_says_what_to_put_where(checkout: Path) -> None:
    file = checkout / "README.md"
    file.write_text("no table here\n")

    with pytest.raises(ValueError, match="on lines of their own where the table belongs"):
        readme.refreshed(file, [])

"""The table of stacks in the README is the catalog's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from echowall import catalog, readme


def test_the_table_is_written_between_its_marks_and_nowhere_else(
    checkout: Path, add_service: Callable[..., Path]
) -> None:
    add_service("alpha")
    file = checkout / "README.md"
    file.write_text(f"before\n{readme.BEGIN}\nstale\n{readme.END}\nafter\n")

    fresh = readme.refreshed(file, catalog.load(checkout))

    assert fresh.startswith(f"before\n{readme.BEGIN}\n| stack ")
    assert "| [A stack](services/alpha/app.py) | Server | async | 2026-01-31 | active | none |" in fresh
    assert fresh.endswith(f"\n{readme.END}\nafter\n")


def test_a_readme_without_the_marks_says_what_to_put_where(checkout: Path) -> None:
    file = checkout / "README.md"
    file.write_text("no table here\n")

    with pytest.raises(ValueError, match="on lines of their own where the table belongs"):
        readme.refreshed(file, [])

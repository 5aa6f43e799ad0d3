"""The suite and the catalog agree: every check of its own has a test, and every check in a test exists."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from echowall.catalog.catalog import Naive, Service
from echowall.catalog.contract import BY_SUITE
from echowall.lab import system

pytestmark = pytest.mark.apart

SUITE = "\n".join(path.read_text("utf-8") for path in Path(__file__).parent.rglob("test_*.py"))


def test_every_check_of_the_suite_is_made_and_every_check_made_exists(checks: frozenset[str]) -> None:
    marks = re.findall(r"@pytest\.mark\.check\((.*?)\)", SUITE)
    made = set(re.findall(r'"([^"]+)"', " ".join(marks)))

    assert made >= BY_SUITE.keys()
    assert made <= checks


def test_every_check_that_stands_for_a_test_exists(checks: frozenset[str]) -> None:
    table = (
        (Path(__file__).parent / "README.md").read_text("utf-8").partition("| test | checks |")[2].partition("\n\n")[0]
    )
    named = [re.findall(r"`([\w-]+)`", line) for line in table.splitlines() if line.startswith("| `")]

    assert len(named) > 10
    for test, *asked in named:
        assert asked, f"nothing stands for {test}"
        assert checks >= set(asked), test


def test_every_fault_of_a_naive_handler_has_a_test() -> None:
    shown = set(re.findall(r'pytest\.mark\.naive\("([^"]+)"\)', SUITE))

    assert shown == set(get_args(get_type_hints(Naive)["shows"]))


def test_no_test_names_a_service(services: list[Service]) -> None:
    words = set(re.findall(r"[\w-]+", re.sub(r"^(from|import) .*$", "", SUITE, flags=re.MULTILINE)))

    names = {service.name for service in services} | {service.title for service in services}
    assert words.isdisjoint(
        names - system.COMMANDS.keys()
    )  # a stack may have the name of a command that the tests mention

"""The Chinese of what the catalog and the checks say in English, which the page shows."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from echowall.bench.scenarios import SCENARIOS, Wishes
from echowall.catalog import expected
from echowall.catalog.catalog import ROOT, load
from echowall.check.suite import ALL

FILE = ROOT / "services" / "sentences.zh.json"
PHRASES = ROOT / "frontend" / "js" / "i18n" / "phrases.zh.json"
FIGURES = r"\d+(?:[.,]\d+)*"


def sentences() -> set[str]:
    """Every sentence of the catalog and of the checks that the page shows."""
    told: list[Any] = [msgspec.to_builtins(service) for service in load()]
    told += [msgspec.to_builtins(expected.read(ROOT / "services" / service.name)) for service in load()]
    return {*_said(told), *(text for check in ALL for text in (check.question, check.sends) if text)}


def _said(told: Any) -> Iterator[str]:
    if isinstance(told, dict):
        yield from (text for key in ("summary", "reason") if (text := told.get(key)))
        told = list(told.values())
    if isinstance(told, (list, tuple)):
        for part in told:
            yield from _said(part)


CHINESE: dict[str, str] = json.loads(FILE.read_text())


def test_every_sentence_has_its_chinese_and_none_is_left_over() -> None:
    wanted = sentences()

    assert not wanted - CHINESE.keys(), f"write the Chinese of each into {FILE.relative_to(ROOT)}"
    assert not CHINESE.keys() - wanted, f"nothing says this any more; remove it from {FILE.relative_to(ROOT)}"


def test_the_chinese_has_the_same_figures_and_literals() -> None:
    for english, chinese in CHINESE.items():
        assert re.search("[\u4e00-\u9fff]", chinese), english
        for what in (r"`[^`]+`", r"\d+(?:,\d{3})*(?:\.\d+)*"):
            assert Counter(re.findall(what, chinese)) == Counter(re.findall(what, english)), chinese


def phrases(outcome: str) -> Iterator[str]:
    """The phrases of an outcome, with a # for each figure: `cut off for 1014; close 1002 for a ping` has three."""
    for part in re.sub(FIGURES, "#", outcome).split("; "):
        what, _, of = part.rpartition(" for ")
        if what in ("", "taken"):
            yield part
        else:
            yield from (what, *(one for one in of.split(", ") if one != "#"))


def assert_translated(wanted: set[str]) -> None:
    """Each of these phrases has its Chinese."""
    known = {re.sub(FIGURES, "#", phrase) for phrase in json.loads(PHRASES.read_text())}

    assert not wanted - known, f"write the Chinese of each into {PHRASES.relative_to(ROOT)}"


def test_every_outcome_has_its_chinese() -> None:
    outcomes = {outcome for check in ALL for outcome in check.expects}
    outcomes |= {deviation.outcome for service in load() for deviation in service.known}
    outcomes |= {mended.outcome for service in load() for mended in service.mended}

    assert_translated({phrase for outcome in outcomes for phrase in phrases(outcome)})


def test_every_step_of_a_benchmark_has_its_chinese() -> None:
    steps = {step["name"] for step in json.loads((ROOT / "results" / "index.json").read_text())["steps"]}
    steps |= {step.name for scenario in SCENARIOS.values() for step in scenario.chosen(Wishes())}

    assert_translated({re.sub(FIGURES, "#", step) for step in steps})

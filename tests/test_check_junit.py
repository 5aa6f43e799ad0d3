"""JUnit XML: well-formed whatever a server says, and true about what is known and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from echowall.catalog import catalog
from echowall.catalog.catalog import Service
from echowall.check import junit
from echowall.check.suite import ALL
from echowall.results.model import CheckRun, Examined, Question, Result
from echowall.results.verdicts import Verdict
from tests.conftest import FACTS
from tests.runs import facts


def encoded(
    *results: Result, known: dict[str, Service] | None = None, interrupted: bool = False
) -> ElementTree.Element:
    run = CheckRun(
        **facts(),
        checks=[
            Question(id=one.id, group=one.group, section=one.section, question=one.question, expects=one.expects)
            for one in ALL
        ],
        targets=[Examined(name="alpha", url="ws://alpha/", results=list(results))],
        interrupted=interrupted,
    )
    return ElementTree.fromstring(junit.encode(run, known or {}, []))  # noqa: S314  our own


def test_no_byte_of_a_server_breaks_the_file() -> None:
    every = "".join(map(chr, [*range(0x300), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x10FFFF]))

    root = encoded(Result(check="text", verdict=Verdict.FAIL, outcome=every, detail=every))

    failure = root.find(".//failure")
    assert failure is not None
    assert "\\x00" in failure.get("message", "")
    assert "\\ud800" in failure.get("message", "")


def test_what_is_known_or_not_offered_is_skipped_and_says_why(add_service: Callable[..., Path]) -> None:
    known = '[[known]]\nchecks = ["text"]\noutcome = "cut off"\nreason = "A fault."\nlink = "https://example.org/1"\n'

    root = encoded(
        Result(check="text", verdict=Verdict.FAIL, outcome="cut off"),
        Result(check="subprotocol", verdict=Verdict.UNSUPPORTED, outcome="unsupported", detail="it selects none"),
        Result(check="binary", verdict=Verdict.PASS, outcome="echo"),
        known={"alpha": catalog.read(add_service("alpha", FACTS + known))},
    )

    said = {case.get("name"): [one.get("message") for one in case] for case in root.iter("testcase")}
    assert said == {"text": ["known: cut off: A fault."], "subprotocol": ["it selects none"], "binary": []}
    assert [suite.get("skipped") for suite in root] == ["2"]


def test_what_is_undecided_is_skipped_and_says_why() -> None:
    why = "2 messages came in between that are not ours"

    root = encoded(Result(check="text", verdict=Verdict.UNDECIDED, outcome="silence", detail=why))

    assert [one.get("message") for one in root.iter("skipped")] == [f"undecided: silence: {why}"]
    assert [(suite.get("failures"), suite.get("errors")) for suite in root] == [("0", "0")]


def test_a_run_that_was_interrupted_is_no_green_one() -> None:
    root = encoded(Result(check="text", verdict=Verdict.PASS, outcome="echo"), interrupted=True)

    assert [suite.get("errors") for suite in root] == ["0", "1"]

"""What is made of the Autobahn Testsuite's report. That the suite is run as it should be is in test_wstest.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from echowall.catalog import autobahn, catalog, expected, lint
from echowall.catalog.catalog import CatalogError
from echowall.catalog.expected import Expectations, Expected
from echowall.conformance import install, judging, rendering, report
from echowall.conformance.examination import result
from echowall.conformance.install import SuiteError
from echowall.conformance.judging import Expecting
from echowall.conformance.report import CaseReport
from echowall.results import behaviour
from echowall.results.model import CaseResult, ConformanceRun, Conformed
from echowall.results.verdicts import Standing, Verdict
from tests.conftest import FACTS
from tests.runs import facts

KNOWN = """
[[known]]
checks = ["reserved-bits"]
outcome = "taken for a message"
reason = "The library drops them."
link = "https://example.org/1"
"""
MENDED = """
[[mended]]
checks = ["binary"]
by = "mend"
outcome = "echo as text"
reason = "The library forgets the kind."
link = "https://example.org/2"
"""


# -- which cases there are


def test_the_sets_grow() -> None:
    quick, ci, full = (set(autobahn.SETS[name]) for name in ("quick", "ci", "full"))

    assert quick < ci < full == set(autobahn.CASES)
    assert (len(quick), len(ci), len(full)) == (247, 325, 517)


@pytest.mark.parametrize(
    ("words", "cases"),
    [
        (["7.1.5"], ("7.1.5",)),
        (["7.13.*", "2.1"], ("2.1", "7.13.1", "7.13.2")),
        (["6.[34].1", "6.3.1"], ("6.3.1", "6.4.1")),
    ],
)
def test_cases_are_chosen_by_patterns_each_once_in_the_suites_order(words: list[str], cases: tuple[str, ...]) -> None:
    assert autobahn.choose(words) == cases


def test_a_pattern_without_a_case_is_told() -> None:
    with pytest.raises(autobahn.UnknownCasesError, match=r"no case matches '7\.2\.\*'; name a set"):
        autobahn.choose(["7.1.1", "7.2.*"])


def test_the_sizes_of_group_9_are_those_that_its_cases_send() -> None:
    sizes = {case: autobahn.size(case) for case in ("9.1.1", "9.2.6", "9.3.9", "9.6.2", "9.7.6", "1.1.7")}

    assert sizes == {"9.1.1": 65536, "9.2.6": 16 << 20, "9.3.9": 4 << 20, "9.6.2": 1 << 20, "9.7.6": 0, "1.1.7": 0}


# -- the report


def case_file(**fields: Any) -> dict[str, Any]:
    """A case's file, with what the suite writes and the tool does not read, too."""
    return {
        "agent": "target",
        "behavior": "OK",
        "behaviorClose": "OK",
        "remoteCloseCode": 1000,
        "duration": 1500,
        "description": "Send <b>it</b>.",
        "expectation": "It comes.",
        "result": "Actual events match at least one expected.",
        "resultClose": "Connection was properly closed",
        "droppedByMe": False,
        "wirelog": [],
        "case": 1,
        **fields,
    }


def write_report(folder: Path, **cases: dict[str, Any] | None) -> None:
    """A report of these cases; of one that is None only the index tells."""
    index = {}
    for name, fields in cases.items():
        case, file = name.replace("_", "."), f"target_case_{name}.json"
        whole = case_file(**(fields or {}))
        keys = ("behavior", "behaviorClose", "remoteCloseCode", "duration")
        index[case] = {key: whole[key] for key in keys} | {"reportfile": file}
        if fields is not None:
            (folder / file).write_text(json.dumps(whole))
    (folder / "index.json").write_text(json.dumps({"target": index}))


def test_a_report_is_read_case_by_case(tmp_path: Path) -> None:
    write_report(tmp_path, **{"1_1_1": {}, "3_2": {"behavior": "NON-STRICT", "remoteCloseCode": None}})

    found = report.read(tmp_path)

    assert list(found) == ["1.1.1", "3.2"]
    assert (found["1.1.1"].duration, found["1.1.1"].description) == (1500, "Send <b>it</b>.")
    assert (found["3.2"].behavior, found["3.2"].remote_close_code) == ("NON-STRICT", None)


def test_where_a_cases_own_file_is_missing_the_index_tells(tmp_path: Path) -> None:
    write_report(tmp_path, **{"1_1_1": None})

    assert report.read(tmp_path) == {
        "1.1.1": CaseReport(behavior="OK", behavior_close="OK", remote_close_code=1000, duration=1500)
    }


@pytest.mark.parametrize("index", [None, "", "{", '{"target": {"1.1.1": {}}}', "[]"])
def test_what_is_no_report_holds_no_case(tmp_path: Path, index: str | None) -> None:
    if index is not None:
        (tmp_path / "index.json").write_text(index)

    assert report.read(tmp_path) == {}


def test_the_wire_log_is_shown_frame_by_frame() -> None:
    wirelog: list[list[Any]] = [
        ["TO", [250, "4745"], False],
        ["TF", [4, "wall"], 1, False, 0, "94c1695d", None, None, False],
        ["CT", 1, "A"],
        ["RF", [2, "0x03ea"], 8, True, 4, False, None],
        ["WLM", False],
        ["KL", 1],
        ["something new", 1, 2],
    ]

    assert report.frames(CaseReport(behavior="OK", behavior_close="OK", wirelog=wirelog)) == [
        "→ text, 4 bytes, more to come   wall",
        "· wait 1 s",
        "← close, 2 bytes, reserved bits 4   0x03ea",
        "· the frames that follow are not recorded",
        "· end the connection in 1 s, if it has not ended by then",
        "· the target ended the TCP connection",
    ]


@pytest.mark.parametrize(
    ("behavior", "close", "verdict", "outcome"),
    [
        ("OK", "OK", "pass", "as expected"),
        ("NON-STRICT", "OK", "pass", "as expected"),
        ("INFORMATIONAL", "INFORMATIONAL", "pass", "as expected"),
        ("OK", "FAILED BY CLIENT", "pass", "as expected"),
        ("FAILED", "OK", "fail", "failed"),
        ("FAILED", "WRONG CODE", "fail", "failed"),
        ("OK", "WRONG CODE", "fail", "wrong close"),
        ("NON-STRICT", "UNCLEAN", "fail", "wrong close"),
        ("OK", "FAILED", "fail", "wrong close"),
        ("UNIMPLEMENTED", "OK", "unsupported", "not offered"),
    ],
)
def test_a_case_fails_where_its_messages_or_its_close_did(
    behavior: str, close: str, verdict: str, outcome: str
) -> None:
    found = result("1.1.1", CaseReport(behavior=behavior, behavior_close=close, duration=1500))

    assert (found.verdict, found.outcome, found.seconds) == (verdict, outcome, 1.5)
    assert (found.behavior, found.close) == (behavior, close)


# -- compared with what is expected


def case(case: str, verdict: Verdict = Verdict.PASS, outcome: str = "as expected") -> CaseResult:
    return CaseResult(
        case=case, verdict=verdict, outcome=outcome, behavior="OK", close="OK", close_code=1000, detail="so it was"
    )


def target_of(*results: CaseResult, mends: Any = "on") -> Conformed:
    return Conformed(name="alpha", url="ws://127.0.0.1:8000/foobar/", via="direct", mends=mends, results=list(results))


@pytest.fixture
def alpha(checkout: Path, add_service: Callable[..., Path]) -> Expecting:
    """A service in which 3.* fail by a known deviation, with the mends off 3.5 otherwise, and then 1.2.2, too."""
    folder = add_service("alpha", FACTS + KNOWN + MENDED)
    (folder / expected.FILE).write_text(
        '[[known]]\ncases = ["3.*"]\noutcome = "failed"\ncheck = "reserved-bits"\n'
        '[[known]]\ncases = ["5.1"]\noutcome = "wrong close"\nreason = "So."\nlink = "https://a.org/"\nrace = true\n'
        '[[mended]]\ncases = ["1.2.2"]\noutcome = "failed"\ncheck = "binary"\n'
        '[[mended]]\ncases = ["3.5"]\noutcome = "wrong close"\ncheck = "binary"\n'
    )
    return Expecting(catalog.read(folder), expected.read(folder))


FAIL = Verdict.FAIL


@pytest.mark.parametrize(
    ("one", "mends", "standing", "says"),
    [
        (case("1.1.1"), "on", Standing.PASS, ""),
        (case("1.1.1", FAIL, "failed"), "on", Standing.SURPRISE, "failed (so it was)"),
        (case("3.1", FAIL, "failed"), "on", Standing.KNOWN, "The library drops them."),
        (case("3.1", FAIL, "failed"), "off", Standing.KNOWN, "The library drops them."),
        (case("3.5", FAIL, "failed"), "on", Standing.KNOWN, "The library drops them."),
        (case("3.5", FAIL, "wrong close"), "off", Standing.KNOWN, "The library forgets the kind."),
        (case("3.5", FAIL, "failed"), "off", Standing.SURPRISE, "look again for the cause"),
        (case("3.1"), "on", Standing.SURPRISE, "take the case out of that entry"),
        (case("3.1", FAIL, "wrong close"), "on", Standing.SURPRISE, "look again for the cause"),
        (case("5.1", FAIL, "wrong close"), "on", Standing.KNOWN, "So."),
        (case("5.1", FAIL, "failed"), "on", Standing.KNOWN, "So."),
        (case("5.1"), "on", Standing.PASS, ""),
        (case("1.2.2"), "on", Standing.MENDED, ""),
        (case("1.2.2", FAIL, "failed"), "on", Standing.SURPRISE, "failed"),
        (case("1.2.2", FAIL, "failed"), "off", Standing.KNOWN, "The library forgets the kind."),
        (case("1.2.2"), "off", Standing.SURPRISE, "take the case out of that entry"),
        (case("9.1.6", Verdict.LIMIT, "over the limit"), "on", Standing.LIMIT, ""),
        (case("12.1.1", Verdict.UNSUPPORTED, "not offered"), "on", Standing.UNSUPPORTED, ""),
        (case("3.1", Verdict.ERROR, "not put"), "on", Standing.ERROR, "not put: so it was"),
    ],
)
def test_better_and_worse_than_written_are_both_surprises(
    alpha: Expecting, one: CaseResult, mends: str, standing: Standing, says: str
) -> None:
    target = target_of(one, mends=mends)

    kind, what = judging.standing(one, target, alpha)

    assert (kind, says in what) == (standing, True), what
    told = judging.surprises([target], {"alpha": alpha})
    assert bool(told) == (standing in (Standing.SURPRISE, Standing.ERROR))


def test_nothing_is_expected_of_an_endpoint_that_is_none_of_the_labs() -> None:
    one = case("3.1", FAIL, "failed")

    assert judging.standing(one, target_of(one), None)[0] is Standing.SURPRISE


def run_of(target: Conformed, *, interrupted: bool = False) -> ConformanceRun:
    """A run over that target."""
    return ConformanceRun(
        **facts(),
        suite="25.10.1",
        cases=["quick"],
        targets=[target],
        interrupted=interrupted,
    )


def test_junit_tells_of_an_interruption_and_of_what_could_not_be_tested(alpha: Expecting) -> None:
    run = run_of(target_of(case("1.1.1")), interrupted=True)

    root = ET.fromstring(rendering.encode(run, {"alpha": alpha}, [("ws://127.0.0.1:1/", "nobody is there")]))  # noqa: S314

    errors = {suite.get("name"): error.get("message") for suite in root for error in suite.iter("error")}
    assert errors == {
        "ws://127.0.0.1:1/": "nobody is there",
        "the run": "the run was interrupted: answers are missing",
    }


def test_junit_has_surprises_as_failures_and_what_is_known_as_skipped(alpha: Expecting) -> None:
    odd = case("7.5.1", FAIL, "failed")
    odd.detail = "\x00 <&> \ud7ff"
    target = target_of(case("1.1.1"), case("3.1", FAIL, "failed"), odd, case("9.1.6", Verdict.ERROR, "not put"))

    suite = ET.fromstring(rendering.encode(run_of(target), {"alpha": alpha}, []))[0]  # noqa: S314

    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert [child.tag for one in suite for child in one] == ["skipped", "failure", "error"]
    assert suite[2][0].get("message") == "failed (\\x00 <&> \ud7ff)"


def test_markdown_counts_what_is_wrong_by_group() -> None:
    target = target_of(
        case("1.1.1"), case("3.1", FAIL, "failed"), case("3.2"), case("9.1.1"),
        case("9.1.6", Verdict.LIMIT, "over the limit"), case("12.1.1", Verdict.UNSUPPORTED, "not offered"),
    )  # fmt: skip

    assert behaviour.cases([target]).splitlines()[0].startswith("| stack | 1 framing | 3 reserved bits |")
    assert behaviour.cases([target]).splitlines()[2] == "| alpha | ✓ | 1 of 2 wrong | 1 over the limit | – |"


# -- conformance.toml


def lacks(folder: Path, text: str) -> list[str]:
    (folder / expected.FILE).write_text(text)
    (folder / "mends.py").write_text("def mend():\n    pass\n")
    return [fault.what for fault in lint.faults([folder.name], folder.parent.parent) if fault.file.endswith("ce.toml")]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('cases = ["3.9"]\ncheck = "reserved-bits"', "the suite has no case 3.9; remove it"),
        ('cases = ["3.*", "3.1"]\ncheck = "reserved-bits"', "3.1 by the route direct: known 3.*, 3.1 has it already"),
        ('cases = ["3.*"]\ncheck = "nothing"', "there is no check nothing"),
        ('cases = ["3.*"]\ncheck = "binary"', "service.toml has no [[known]] binary; say the cause here"),
        ('cases = ["3.*"]\ncheck = "reserved-bits"\nreason = "So."', "remove reason and link, or check"),
        ('cases = ["3.*"]\nreason = "So."', "the cause is missing"),
        ('cases = ["3.*"]\nreason = "So."\nlink = "https://example.org/blob/main/a.py#L1"', "main is a branch"),
        ('cases = ["3.*"]\nreason = "So."\nlink = "nowhere"', "known[0].link: "),
        ("cases = []\ncheck = 'reserved-bits'", "known[0].cases: "),
        ("cases = ['3.*']\nverdict = 'bad'", "known[0].verdict: no such key"),
        ("cases = [", "not valid TOML"),
    ],
)
def test_lint_tells_what_is_wrong_in_conformance_toml(
    add_service: Callable[..., Path], checkout: Path, entry: str, says: str
) -> None:
    folder = add_service("alpha", FACTS + KNOWN + MENDED)

    told = lacks(folder, f'[[known]]\noutcome = "failed"\n{entry}\n')

    assert any(says in what for what in told), told


def test_lint_leaves_alone_what_is_right(add_service: Callable[..., Path], checkout: Path) -> None:
    folder = add_service("alpha", FACTS + KNOWN + MENDED)

    told = lacks(
        folder,
        '[[known]]\ncases = ["3.*"]\noutcome = "failed"\ncheck = "reserved-bits"\n'
        '[[known]]\ncases = ["4.*"]\noutcome = "no end"\nreason = "So."\nlink = "https://example.org/blob/v1.0/a.py"\n'
        '[[mended]]\ncases = ["1.2.2"]\noutcome = "failed"\ncheck = "binary"\n',
    )

    assert told == []


def test_a_service_without_the_file_is_expected_to_pass_everything(add_service: Callable[..., Path]) -> None:
    assert expected.read(add_service("alpha")) == Expectations()


def test_an_outcome_that_there_is_none_of_is_told(add_service: Callable[..., Path]) -> None:
    folder = add_service("alpha")
    (folder / expected.FILE).write_text('[[known]]\ncases = ["1.1.1"]\noutcome = "bad"\ncheck = "text"\n')

    with pytest.raises(CatalogError, match=r"conformance\.toml: known\[0\]\.outcome: 'bad' is not one of its values"):
        expected.read(folder)


def test_an_entry_by_one_route_is_not_about_the_other() -> None:
    entry = Expected(cases=("3.[12]",), outcome="failed", check="reserved-bits", via="proxy")

    assert [entry.of("3.1", "proxy"), entry.of("3.1", "direct"), entry.of("3.3", "proxy")] == [True, False, False]


# -- where the suite can be run


def test_without_python_27_and_an_engine_it_says_in_a_sentence_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    with pytest.raises(SuiteError, match=r"needs CPython 2\.7.*run `pyenv install 2\.7\.18`, or start a Docker Engine"):
        install.find("processes")


@pytest.mark.parametrize("says", ["CPython2.7", "PyPy2.7", "CPython3.1", ""])
def test_only_a_cpython_27_that_runs_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str) -> None:
    python = tmp_path / "python2.7"
    python.write_text(f"#!/bin/sh\necho {says}\n" if says else "#!/bin/sh\nexit 127\n")
    python.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))

    assert (install.python27() == python) is (says == "CPython2.7")

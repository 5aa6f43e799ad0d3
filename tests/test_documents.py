"""The generated parts of the documents are what the catalog and the results say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from echowall import documents
from echowall.catalog.contract import BY_SUITE
from echowall.documents import BEGIN, END, PARTS
from echowall.results import store
from echowall.results.verdicts import Verdict
from tests.conftest import FACTS
from tests.test_results import examined, run

PASS, FAIL = Verdict.PASS, Verdict.FAIL
MENDED = """
[[mended]]
checks = ["post"]
by = "refuse_post"
outcome = "accepted"
reason = "The cause."
link = "https://example.org/1"
"""


@pytest.fixture
def lab(checkout: Path, add_service: Callable[..., Path]) -> Path:
    """Of two stacks one is right because it is mended, and the other is wrong by one route."""
    folder = add_service("alpha", FACTS + MENDED)
    (folder / "mends.py").write_text("import os\n\n\nclass refuse_post:\n    pass\n")
    add_service("beta", FACTS.replace("A stack", "Another"))
    store.add(run(examined("alpha", mends="off", text=(PASS, "echo"), post=(FAIL, "accepted"))), checkout)
    alpha = [examined("alpha", via, text=(PASS, "echo"), post=(PASS, "HTTP 405")) for via in ("direct", "proxy")]
    direct = examined("beta", "direct", text=(PASS, "echo"), post=(FAIL, "accepted"))
    proxy = examined("beta", "proxy", text=(PASS, "echo"), post=(PASS, "HTTP 405"))
    store.add(run(*alpha, direct, proxy), checkout)
    return checkout


def test_a_part_is_written_between_its_marks_and_nowhere_else(checkout: Path) -> None:
    file = checkout / "services/README.md"
    begin, end = BEGIN.format(name="by-suite", source=PARTS["by-suite"].source), END.format(name="by-suite")
    file.write_text(f"before\n{begin}\nstale\n{end}\nafter\n")

    fresh = documents.refreshed(file, checkout)

    rows = "".join(f"| `{check}` | {holds} |\n" for check, holds in BY_SUITE.items())
    assert fresh == f"before\n{begin}\n| id | what the check holds |\n| --- | --- |\n{rows}{end}\nafter\n"


def test_a_document_without_the_marks_says_what_to_put_where(checkout: Path) -> None:
    file = checkout / "services/README.md"
    file.write_text("no table here\n")

    with pytest.raises(ValueError, match="on lines of their own where the part belongs"):
        documents.refreshed(file, checkout)


def test_a_stack_is_a_row(checkout: Path, add_service: Callable[..., Path]) -> None:
    add_service("alpha")

    row = "| [A stack](services/alpha/echo.py) | modern | Server | async | 1 | 2026-01-31 | active |"
    assert row in documents.stacks(checkout, "en")


def test_in_the_chinese_readme_the_tables_are_chinese(lab: Path) -> None:
    parts = ("stacks", "summary")
    marks = [(BEGIN.format(name=name, source=PARTS[name].source), END.format(name=name)) for name in parts]
    for name in ("README.md", "README.zh-CN.md"):
        (lab / name).write_text("\n".join(f"{begin}\n{end}\n" for begin, end in marks))

    english, chinese = (documents.refreshed(lab / name, lab) for name in ("README.md", "README.zh-CN.md"))

    assert "| stack | era |" in english
    assert "| 技术栈 | 年代 |" in chinese
    assert "| 现代 |" in chinese
    assert "stack |" not in chinese
    assert "**Right in all" in english
    assert "**Right in all" not in chinese
    assert "全部答对" in chinese


def test_the_matrix_tells_right_by_itself_right_because_mended_and_wrong(lab: Path) -> None:
    told = documents.PARTS["behaviour"].write(lab, "en")

    mended = "◐ [`refuse_post`](../services/alpha/mends.py#L4) (accepted)"
    assert f"## Modern\n\n| check | alpha | beta |\n| --- | --- | --- |\n| `post` | {mended} |" in told
    assert f"| `post` | {mended} | accepted (direct), ✓ (proxy) |" in told
    assert "`text`" not in told  # both are right in it
    for one in store.runs(lab):
        assert f"(../results/check/{one.id}.json)" in told


def test_the_newest_answer_counts(lab: Path) -> None:
    store.add(run(examined("beta", text=(FAIL, "silence"), post=(PASS, "HTTP 405"))), lab)

    told = documents.PARTS["behaviour"].write(lab, "en")

    assert "| `text` | ✓ | silence (direct), ✓ (proxy) |" in told


def test_the_summary_tells_who_is_right_and_why(lab: Path) -> None:
    told = documents.summary(lab, "en")

    assert "**Right in all 2 questions by themselves:** none." in told
    assert "**Right in all, because their services mend them:** A stack." in told
    assert "**Wrong in at most 5:** Another (1)." in told
    assert "mends off" not in told


def test_a_stack_with_mends_that_was_never_asked_without_them_is_told(lab: Path) -> None:
    (lab / "services/beta/mends.py").write_text("def refuse():\n    pass\n")

    assert "**Not asked yet with the mends off:** Another." in documents.summary(lab, "en")
    assert "no run with the mends off of beta:" in documents.PARTS["behaviour"].write(lab, "en")


def test_at_most_six_stacks_stand_side_by_side(checkout: Path, add_service: Callable[..., Path]) -> None:
    names = [f"stack{number}" for number in range(8)]
    for name in names:
        add_service(name)
    store.add(run(*(examined(name, text=(FAIL, "silence")) for name in names)), checkout)

    told = documents.PARTS["behaviour"].write(checkout, "en")

    assert "| check | stack0 | stack1 | stack2 | stack3 | stack4 | stack5 |\n" in told
    assert "| check | stack6 | stack7 |\n" in told

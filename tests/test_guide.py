"""The page about the checks says of each what the suite and the catalog say."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from echowall.catalog.catalog import ROOT
from echowall.check import guide
from echowall.check.suite import ALL
from tests.conftest import FACTS

DEVIATIONS = """
[[known]]
checks = ["http-1.0"]
outcome = "accepted"
reason = "Nobody looks."
link = "https://example.org/known"
via = "direct"

[[mended]]
checks = ["post"]
by = "refuse_post"
outcome = "accepted without a word"
reason = "The method is not looked at."
link = "https://example.org/mended"
"""


def about(document: str, check: str) -> str:
    """What the page says of a check."""
    return document.partition(f"### `{check}`\n")[2].partition("\n##")[0]


def test_every_check_has_its_place_with_what_is_sent_and_what_is_right(
    checkout: Path, add_service: Callable[..., Path]
) -> None:
    add_service("alpha")

    document = guide.document(checkout)

    for check in ALL:
        told = about(document, check.id)
        assert check.question in told
        assert f"**Sent:** {check.sends}" in told
        assert all(f"`{outcome}`" in told for outcome in check.expects)


def test_stacks_that_answer_otherwise_are_named_with_the_cause(
    checkout: Path, add_service: Callable[..., Path]
) -> None:
    folder = add_service("alpha", FACTS + DEVIATIONS)
    (folder / "mends.py").write_text("import os\n\n\ndef refuse_post():\n    pass\n")

    document = guide.document(checkout)

    known = "| A stack | accepted (direct) | Nobody looks. [Source](https://example.org/known) |"
    assert known in about(document, "http-1.0")
    mend = "[`refuse_post`](../services/alpha/mends.py#L4)"
    told = f"| A stack | accepted without a word without its mend {mend} | The method is not looked at. "
    assert told in about(document, "post")
    assert document.count("A stack") == 2


def test_a_section_of_an_rfc_and_one_of_the_contract_are_links(
    checkout: Path, add_service: Callable[..., Path]
) -> None:
    add_service("alpha")

    document = guide.document(checkout)

    assert "[RFC 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)" in about(document, "close-code")
    assert "[the contract](../services/README.md)" in about(document, "order")


def test_nothing_is_said_of_what_one_browser_sends() -> None:
    """Firefox was once said to send `Connection: keep-alive, Upgrade`, which it had ceased to do. No test would notice
    when a browser does."""
    document = guide.document(ROOT)

    assert re.findall(r".*\b(?:Firefox|Chrome|Chromium|Safari|WebKit|Edge)\b.*", document) == []

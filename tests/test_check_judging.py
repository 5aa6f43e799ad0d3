"""What service.toml says is held strictly: known deviations and mends, with the mends on and off."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from echowall.catalog import catalog
from echowall.catalog.catalog import Known, Mended, Route, Service
from echowall.catalog.lint import UNWRITTEN
from echowall.check import judging, rendering
from echowall.check.suite import ALL
from echowall.results.model import Examined, Result
from echowall.results.verdicts import Standing, Verdict
from tests.conftest import FACTS

PASS, FAIL, UNSUPPORTED, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.UNSUPPORTED, Verdict.ERROR
Mends = Literal["on", "off"]

ENTRIES = """
[[known]]
checks = ["binary", "empty-binary"]
outcome = "echo as text"
reason = "The cause."
link = "https://example.org/1"

[[mended]]
checks = ["post", "head"]
by = "refuse"
outcome = "accepted"
reason = "The fault."
link = "https://example.org/2"

[[mended]]
checks = ["deflate"]
by = "compress"
outcome = "unsupported"
reason = "Another fault."
link = "https://example.org/3"
via = "direct"
"""
BOTH = """
[[known]]
checks = ["post"]
outcome = "accepted"
reason = "The cause."
link = "https://example.org/1"
via = "direct"
"""


@pytest.fixture
def service(checkout: Path, add_service: Callable[..., Path]) -> Service:
    """It is known to fail two checks, and mends what would make it fail three more."""
    return catalog.read(add_service("alpha", FACTS + ENTRIES))


def examined(mends: Mends, *results: Result, via: Route = "direct") -> Examined:
    return Examined(name="alpha", url="ws://127.0.0.1/foobar/", via=via, mends=mends, results=list(results))


def result(check: str, verdict: Verdict, outcome: str) -> Result:
    return Result(check=check, verdict=verdict, outcome=outcome, detail="")


AS_SAID: list[tuple[Mends, str, Verdict, str, Standing]] = [
    ("on", "text", PASS, "echo", Standing.PASS),
    ("on", "binary", FAIL, "echo as text", Standing.KNOWN),
    ("on", "empty-binary", FAIL, "echo as text", Standing.KNOWN),
    ("on", "post", PASS, "HTTP 405", Standing.MENDED),
    ("on", "head", PASS, "HTTP 405", Standing.MENDED),
    ("on", "zip-bomb", UNSUPPORTED, "unsupported", Standing.UNSUPPORTED),
    ("off", "text", PASS, "echo", Standing.PASS),
    ("off", "binary", FAIL, "echo as text", Standing.KNOWN),
    ("off", "post", FAIL, "accepted", Standing.KNOWN),
    ("off", "head", FAIL, "accepted", Standing.KNOWN),
    ("off", "deflate", UNSUPPORTED, "unsupported", Standing.KNOWN),
    ("off", "zip-bomb", UNSUPPORTED, "unsupported", Standing.UNSUPPORTED),
]


@pytest.mark.parametrize(("mends", "check", "verdict", "outcome", "standing"), AS_SAID)
def test_what_service_toml_says_is_no_surprise(
    service: Service, mends: Mends, check: str, verdict: Verdict, outcome: str, standing: Standing
) -> None:
    found = result(check, verdict, outcome)

    assert judging.standing(found, examined(mends), service)[0] is standing
    assert judging.surprises([examined(mends, found)], {"alpha": service}, []) == []


SURPRISES: dict[str, tuple[Mends, str, Verdict, str, str]] = {
    "a wrong answer": ("on", "text", FAIL, "silence", "silence, where echo was due"),
    "no answer": ("on", "text", ERROR, "unreachable", "unreachable"),
    "a known deviation that passes": ("on", "binary", PASS, "echo", "passes, and service.toml knows it as"),
    "a known deviation that changed": ("on", "binary", FAIL, "silence", "silence, where service.toml knows"),
    "a mended check that fails": (
        "on",
        "post",
        FAIL,
        "accepted",
        "where service.toml says that refuse mends it",
    ),
    "a mended check that does not apply": ("on", "post", UNSUPPORTED, "unsupported", "unsupported, where service.toml"),
    "a mended check that cannot be put": ("on", "post", ERROR, "unreachable", "unreachable"),
    "a mend that mends nothing": ("off", "post", PASS, "HTTP 405", "off too: refuse does not mend it; remove the mend"),
    "a mend of something else": ("off", "post", FAIL, "silence", "where service.toml's [[mended]] says 'accepted'"),
    "a mend that is not listed": ("off", "text", FAIL, "silence", "service.toml lacks it as [[mended]]"),
    "a mend that does harm": ("off", "binary", PASS, "echo", "one of them brings about the 'echo as text'"),
    "a known deviation of another kind": ("off", "binary", FAIL, "silence", "service.toml knows 'echo as text'"),
    "no answer without mends": ("off", "text", ERROR, "unreachable", "unreachable"),
}


@pytest.mark.parametrize(("mends", "check", "verdict", "outcome", "says"), SURPRISES.values(), ids=SURPRISES)
def test_everything_else_is_a_surprise(
    service: Service, mends: Mends, check: str, verdict: Verdict, outcome: str, says: str
) -> None:
    [surprise] = judging.surprises([examined(mends, result(check, verdict, outcome))], {"alpha": service}, [])

    assert surprise.check == check
    assert says in surprise.what


@pytest.mark.parametrize("mends", ["on", "off"])
@pytest.mark.parametrize(("verdict", "outcome"), [(PASS, "HTTP 405"), (FAIL, "accepted")])
def test_what_is_mended_cannot_be_known_to_fail(
    checkout: Path, add_service: Callable[..., Path], mends: Mends, verdict: Verdict, outcome: str
) -> None:
    service = catalog.read(add_service("both", FACTS + ENTRIES + BOTH))

    [surprise] = judging.surprises([examined(mends, result("post", verdict, outcome))], {"alpha": service}, [])

    assert "as [[known]] and as [[mended]]" in surprise.what


def test_a_mend_holds_on_the_route_that_it_is_for(service: Service) -> None:
    found = result("deflate", UNSUPPORTED, "unsupported")

    assert judging.standing(found, examined("on", via="proxy"), service)[0] is Standing.UNSUPPORTED
    assert judging.standing(found, examined("on", via="direct"), service)[0] is Standing.SURPRISE


def test_what_depends_on_the_machine_may_pass_and_may_not_fail_otherwise(service: Service) -> None:
    binary, *others = service.known
    depending = msgspec.structs.replace(service, known=(msgspec.structs.replace(binary, sometimes=True), *others))

    cases: list[tuple[Mends, Verdict, str, Standing]] = [
        ("on", PASS, "echo", Standing.PASS),
        ("off", PASS, "echo", Standing.PASS),
        ("on", FAIL, "echo as text", Standing.KNOWN),
        ("on", FAIL, "silence", Standing.SURPRISE),
    ]
    for mends, verdict, outcome, kind in cases:
        one = result("binary", verdict, outcome)
        assert judging.standing(one, examined(mends, one), depending)[0] is kind


def test_a_race_may_be_lost_in_what_is_known_to_fail_where_its_mend_is_off(service: Service) -> None:
    post, *others = service.mended
    racing = msgspec.structs.replace(service, mended=(msgspec.structs.replace(post, race=True), *others))
    lost = result("binary", FAIL, "echo as text for one; accepted for another")

    bare, mended = examined("off", lost), examined("on", lost)

    assert judging.standing(lost, bare, racing)[0] is Standing.KNOWN
    assert judging.standing(lost, mended, racing)[0] is Standing.SURPRISE
    assert judging.standing(lost, bare, service)[0] is Standing.SURPRISE


def test_of_a_race_at_least_one_check_has_to_be_lost(service: Service) -> None:
    [post, *others] = service.mended
    racing = msgspec.structs.replace(service, mended=(msgspec.structs.replace(post, race=True), *others))
    won, lost = result("post", PASS, "HTTP 405"), result("post", FAIL, "accepted")
    head, other = result("head", PASS, "HTTP 405"), result("head", FAIL, "silence")

    def told(*results: Result) -> list[str]:
        return [one.check for one in judging.surprises([examined("off", *results)], {"alpha": racing}, [])]

    assert told(won, head) == ["post, head"]
    assert told(lost, head) == []
    assert told(lost, other) == ["head"]
    assert told(won) == []  # the other one was not put
    assert told(result("post", FAIL, "HTTP 405 for one; accepted for two"), head) == []  # lost in part
    assert told(won, result("head", FAIL, "silence for one")) == ["head"]


def test_a_mended_check_that_is_never_asked_is_told(service: Service) -> None:
    bare = examined("off", result("post", FAIL, "accepted"), result("head", FAIL, "accepted"))
    chosen = [check for check in ALL if check.id in ("post", "head", "deflate")]

    [surprise] = judging.surprises([bare], {"alpha": service}, chosen)

    assert surprise.check == "deflate"
    assert judging.surprises([bare], {"alpha": service}, chosen[:2]) == []


def test_what_is_not_listed_is_printed_as_entries_to_be_explained(service: Service) -> None:
    direct = examined("on", result("nul-message", FAIL, "silence"), result("text", FAIL, 'an "echo"\\ as text\x7f'))
    proxied = examined("on", result("text", FAIL, 'an "echo"\\ as text\x7f'), via="proxy")
    bare = examined("off", result("post", FAIL, "accepted"), result("unicode", FAIL, "silence"))
    lists = tomllib.loads(rendering.toml([direct, proxied, bare], {"alpha": service}))

    known = [msgspec.convert(entry, Known) for entry in lists["known"]]
    mended = [msgspec.convert(entry, Mended) for entry in lists["mended"]]

    assert [(*one.checks, one.outcome, one.via) for one in known] == [
        ("nul-message", "silence", "direct"),
        ("text", 'an "echo"\\ as text\x7f', None),
    ]
    assert [(*one.checks, one.outcome, one.via) for one in mended] == [("unicode", "silence", None)]
    assert all(UNWRITTEN.search(one.reason) and UNWRITTEN.search(one.link) for one in known)
    assert all(UNWRITTEN.search(text) for one in mended for text in (one.by, one.reason, one.link))

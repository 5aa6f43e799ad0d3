"""The Autobahn Testsuite and the checks do not contradict each other, but where the map says why."""

from __future__ import annotations

import pytest

from echowall.catalog import catalog, expected
from echowall.catalog.autobahn import CASES, matching
from echowall.catalog.catalog import ROOT, Service
from echowall.catalog.expected import Expectations, Expected
from echowall.check.suite import ALL
from echowall.conformance import mapping
from echowall.conformance.mapping import Map, Same

MAP = mapping.load()
SERVICES = [service for service in catalog.load() if service.protocol == "websocket"]


def expectations(service: Service) -> Expectations:
    return expected.read(ROOT / "services" / service.name)


@pytest.mark.parametrize("same", MAP.same, ids=lambda same: same.check)
def test_the_map_names_cases_and_checks_that_are_there(same: Same) -> None:
    assert same.check in {check.id for check in ALL}
    assert set(same.ids()) <= set(CASES)
    assert all(matching(pattern) for pattern in same.cases)


def test_no_case_is_said_to_ask_two_things() -> None:
    ids = [case for same in MAP.same for case in same.ids()]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_suite_and_checks_say_the_same_of_a_stack_or_it_is_said_why_not(service: Service) -> None:
    unexplained = [
        f"the cases {', '.join(same.cases)} are {how} than the check {same.check}, and map.toml does not say why"
        for same, how in mapping.contradictions(MAP, service, expectations(service))
        if not getattr(same, how)
    ]

    assert unexplained == []


def test_no_reason_is_given_for_what_no_stack_does() -> None:
    needed = {
        (same.check, how)
        for service in SERVICES
        for same, how in mapping.contradictions(MAP, service, expectations(service))
    }
    given = {(same.check, how) for same in MAP.same for how in ("laxer", "stricter") if getattr(same, how)}

    assert given == needed


def test_a_contradiction_is_found() -> None:
    """Either way, so that the test above can fail."""
    found = Map(refusals=("cut off",), same=(Same(cases=("3.1",), check="reserved-bits"),))
    service = next(one for one in SERVICES if not one.known_deviation("reserved-bits", "direct"))
    failing = Expectations(known=(Expected(cases=("3.*",), outcome="failed", check="reserved-bits"),))
    wrong = next(
        one
        for one in SERVICES
        if (known := one.known_deviation("reserved-bits", "direct")) and known.outcome not in MAP.refusals
    )

    assert [how for _, how in mapping.contradictions(found, service, failing)] == ["stricter"]
    assert [how for _, how in mapping.contradictions(found, service, Expectations())] == []
    assert [how for _, how in mapping.contradictions(found, wrong, Expectations())] == ["laxer"]
    assert [how for _, how in mapping.contradictions(found, wrong, failing)] == []

"""What the suite found, compared with `services/NAME/conformance.toml`: better is a surprise, as is worse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from echowall.catalog.catalog import Service
from echowall.catalog.expected import FILE, Expectations, Expected
from echowall.results.model import CaseResult, Conformed
from echowall.results.verdicts import Standing, Verdict


class Surprise(NamedTuple):
    """A case that did not end as is written."""

    target: str
    case: str
    what: str


class Expecting(NamedTuple):
    """A service of the lab, and what its cases are expected to come to."""

    service: Service
    expectations: Expectations


def surprises(examined: Iterable[Conformed], services: Mapping[str, Expecting]) -> list[Surprise]:
    """All that went otherwise than expected; a run without any is a good one."""
    return [
        Surprise(target.label, result.case, what)
        for target in examined
        for result in target.results
        for kind, what in [standing(result, target, services.get(target.name))]
        if kind in (Standing.SURPRISE, Standing.ERROR)
    ]


def standing(result: CaseResult, target: Conformed, expecting: Expecting | None) -> tuple[Standing, str]:
    """How a result compares with what was expected of it, and what to say of that.

    `expecting` is None for an endpoint that is none of the lab's.
    """
    known = expecting.expectations.known_failure(result.case, target.via) if expecting else None
    mended = expecting.expectations.mend(result.case, target.via) if expecting else None
    if result.verdict is Verdict.ERROR:
        return Standing.ERROR, f"{result.outcome}: {result.detail}"
    due = (mended if target.mends == "off" else None) or known
    if due and expecting:
        return _due(result, due, expecting.service)
    match result.verdict:
        case Verdict.PASS if mended:
            return Standing.MENDED, ""
        case Verdict.PASS:
            return Standing.PASS, ""
        case Verdict.LIMIT:
            return Standing.LIMIT, result.detail
        case Verdict.UNSUPPORTED:
            return Standing.UNSUPPORTED, ""
    detail = f" ({result.detail})" if result.detail else ""
    return Standing.SURPRISE, f"{result.outcome}{detail}"


def _due(result: CaseResult, due: Expected, service: Service) -> tuple[Standing, str]:
    if result.verdict is Verdict.FAIL and (result.outcome == due.outcome or due.race):
        return Standing.KNOWN, cause(due, service)
    if result.verdict is Verdict.PASS and due.race:
        return Standing.PASS, ""
    if result.verdict is Verdict.FAIL:
        return Standing.SURPRISE, f"{result.outcome}, where {FILE} says {due.outcome!r}: look again for the cause"
    return Standing.SURPRISE, f"{result.outcome}, and {FILE} says {due.outcome!r}: take the case out of that entry"


def cause(due: Expected, service: Service) -> str:
    """Why the case fails: what is written with it, or in service.toml under the check that it names."""
    if not due.check:
        return due.reason or ""
    told = service.known_deviation(due.check, "direct") or service.mend(due.check, "direct")
    return told.reason if told else ""

"""What was found, compared with what the contract and the known deviations say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from echowall.catalog.catalog import Route, Service
from echowall.check.registry import CHECKS
from echowall.results.model import Examined, Result
from echowall.results.verdicts import Standing, Verdict


class Surprise(msgspec.Struct, kw_only=True):
    """A result that is not what the contract and the known deviations say."""

    target: str
    check: str
    what: str


def surprises(examined: Iterable[Examined], services: Mapping[str, Service]) -> list[Surprise]:
    """All that went otherwise than expected; a run without any is a good one."""
    found = []
    for target in examined:
        for result in target.results:
            kind, what = standing(result, services.get(target.name), target.via)
            if kind in (Standing.SURPRISE, Standing.ERROR):
                found.append(Surprise(target=target.label, check=result.check, what=what))
    return found


def standing(result: Result, service: Service | None, via: Route | None) -> tuple[Standing, str]:
    """How a result compares with what was expected of it, and what to say of that where it is a surprise."""
    known = service.known_deviation(result.check, via) if service else None
    if known is None:
        match result.verdict:
            case Verdict.PASS:
                return Standing.PASS, ""
            case Verdict.UNSUPPORTED:
                return Standing.UNSUPPORTED, ""
            case Verdict.ERROR:
                return Standing.ERROR, result.detail or result.outcome
        wanted = " or ".join(CHECKS[result.check].expects)
        detail = f" ({result.detail})" if result.detail else ""
        return Standing.SURPRISE, f"{result.outcome}, where {wanted} was due{detail}"
    if result.verdict is Verdict.FAIL and result.outcome == known.outcome:
        return Standing.KNOWN, known.reason
    if result.verdict is Verdict.PASS:
        return Standing.SURPRISE, f"passes, and service.toml knows it as {known.outcome!r}: remove the [[known]] entry"
    return Standing.SURPRISE, f"{result.outcome}, where service.toml knows {known.outcome!r}: look again for the cause"

"""What was found, compared with what the contract, the known deviations and the mends say.

A service's `[[known]]` entries name the checks that it fails, and its `[[mended]]` entries those that it passes only
because it mends what its stack gets wrong. Both are strict. With its mends off a service has to fail every mended
check with the outcome that is stated, and to answer everything else as it does with its mends on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from echowall.catalog.catalog import Known, Mended, Service
from echowall.check.registry import CHECKS, Check
from echowall.results.model import Examined, Result
from echowall.results.verdicts import Standing, Verdict


class Surprise(NamedTuple):
    """A result that is not what the contract and service.toml say."""

    target: str
    check: str
    what: str


def surprises(examined: Iterable[Examined], services: Mapping[str, Service], put: Iterable[Check]) -> list[Surprise]:
    """All that went otherwise than expected; a run without any is a good one. `put` are the checks of the run."""
    ids = {check.id for check in put}
    found = []
    for target in examined:
        service = services.get(target.name)
        for result in target.results:
            kind, what = standing(result, target, service)
            if kind in (Standing.SURPRISE, Standing.ERROR):
                found.append(Surprise(target.label, result.check, what))
        if service and target.mends == "off":
            found += _not_asked(target, service, ids)
            found += _not_lost(target, service)
    return found


def unexpected(result: Result, target: Examined, service: Service | None) -> bool:
    """Whether a result is to be asked again before it counts.

    That is what is neither right nor known. A race with the mends off is lost now and then, and has its own rule.
    """
    races = [mended for mended in service.mended if mended.race] if service and target.mends == "off" else []
    if any(result.check in mended.checks for mended in races):
        return False
    return standing(result, target, service)[0] in (Standing.SURPRISE, Standing.ERROR, Standing.UNDECIDED)


def _not_asked(target: Examined, service: Service, put: set[str]) -> Iterator[Surprise]:
    """The mended checks of the run that do not apply to the service, so that nothing holds their entries."""
    asked = {result.check for result in target.results}
    for mended in service.mended:
        for check in mended.checks:
            if check in put - asked and mended.via in (None, target.via):
                what = "does not apply to this service, and service.toml has it as [[mended]]: remove it there"
                yield Surprise(target.label, check, what)


def _not_lost(target: Examined, service: Service) -> Iterator[Surprise]:
    """The races of which not one check was lost, where all were put."""
    passed = {result.check for result in target.results if result.verdict is Verdict.PASS}
    for mended in service.mended:
        if mended.race and passed.issuperset(mended.checks):
            yield Surprise(target.label, ", ".join(mended.checks), _needless(mended))


def standing(result: Result, target: Examined, service: Service | None) -> tuple[Standing, str]:
    """How a result compares with what was expected of it, and what to say of that.

    `service` is None for an endpoint that is none of the lab's.
    """
    known = service.known_deviation(result.check, target.via) if service else None
    mended = service.mend(result.check, target.via) if service else None
    if known and mended:
        return Standing.SURPRISE, "service.toml has it as [[known]] and as [[mended]]: remove one of them"
    if mended and target.mends == "off":
        return _unmended(result, mended)
    if mended:
        return _mended(result, mended)
    if known:
        races = [one for one in service.mended if one.race] if service and target.mends == "off" else []
        return _known(result, known, races, bare=target.mends == "off")
    match result.verdict:
        case Verdict.PASS:
            return Standing.PASS, ""
        case Verdict.UNSUPPORTED:
            return Standing.UNSUPPORTED, ""
        case Verdict.UNDECIDED:
            return Standing.UNDECIDED, result.detail
        case Verdict.ERROR:
            return Standing.ERROR, result.detail or result.outcome
    wanted = " or ".join(CHECKS[result.check].expects)
    detail = f" ({result.detail})" if result.detail else ""
    cure = "; if a mend sees to it, service.toml lacks it as [[mended]]" if target.mends == "off" else ""
    return Standing.SURPRISE, f"{result.outcome}, where {wanted} was due{detail}{cure}"


def _known(result: Result, known: Known, races: Iterable[Mended], *, bare: bool) -> tuple[Standing, str]:
    """What is known to fail. With the mends off, a race that a mend decides may be lost here, too."""
    if result.verdict is Verdict.FAIL and result.outcome == known.outcome:
        return Standing.KNOWN, known.reason
    if result.verdict is Verdict.FAIL and (lost := next((one for one in races if one.outcome in result.outcome), None)):
        return Standing.KNOWN, lost.reason
    if result.verdict is Verdict.PASS and known.sometimes:
        return Standing.PASS, ""
    if result.verdict is Verdict.PASS and bare:
        what = f"passes with the mends off: one of them brings about the {known.outcome!r} that [[known]] has"
        return Standing.SURPRISE, what
    if result.verdict is Verdict.PASS:
        return Standing.SURPRISE, f"passes, and service.toml knows it as {known.outcome!r}: remove the [[known]] entry"
    return Standing.SURPRISE, f"{result.outcome}, where service.toml knows {known.outcome!r}: look again for the cause"


def _mended(result: Result, mended: Mended) -> tuple[Standing, str]:
    """With the mends on: it has to pass."""
    match result.verdict:
        case Verdict.PASS:
            return Standing.MENDED, mended.reason
        case Verdict.ERROR:
            return Standing.ERROR, result.detail or result.outcome
    return Standing.SURPRISE, f"{result.outcome}, where service.toml says that {mended.by} mends it: look at the mend"


def _unmended(result: Result, mended: Mended) -> tuple[Standing, str]:
    """With the mends off: it has to fail as stated. A race may be won, wholly or in part, but see _not_lost()."""
    as_stated = mended.outcome in result.outcome if mended.race else mended.outcome == result.outcome
    if result.verdict in (Verdict.FAIL, Verdict.UNSUPPORTED) and as_stated:
        return Standing.KNOWN, mended.reason
    if result.verdict is Verdict.PASS and mended.race:
        return Standing.PASS, ""
    if result.verdict is Verdict.PASS:
        return Standing.SURPRISE, _needless(mended)
    what = f"{result.outcome} with the mends off, where service.toml's [[mended]] says {mended.outcome!r}"
    return Standing.SURPRISE, f"{what}: look again for the cause"


def _needless(mended: Mended) -> str:
    return f"passes with the mends off too: {mended.by} does not mend it; remove the mend"

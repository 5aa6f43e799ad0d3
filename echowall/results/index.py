"""`results/index.json`: which runs are kept, and the newest that is known of each target. The page begins with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from echowall.catalog.catalog import Route
from echowall.results.model import (
    Benched,
    BenchRun,
    CheckRun,
    ConformanceRun,
    Conformed,
    Estimate,
    Examined,
    Figure,
    Run,
    Step,
    Target,
)
from echowall.results.verdicts import Verdict

#: To how many significant digits the index has what was measured: every visitor of the page loads it.
_DIGITS = 5


class Index(msgspec.Struct, kw_only=True):
    """What `results/index.json` holds."""

    runs: list[Entry]
    """Every run, from the oldest to the newest."""
    groups: dict[str, list[str]]
    """The ids of the checks of each group, as the newest runs have them."""
    checks: list[Answers]
    """The newest answers to `echowall check` of each service, by each route, with its mends on and off."""
    conformance: list[Cases]
    """The same of the Autobahn Testsuite."""
    steps: list[Step]
    """What the costs are of, as the newest benchmarks describe it."""
    costs: list[Cost]
    """The newest figures of each target of a benchmark, in each step; not those of a second instance of a yardstick."""


class Entry(msgspec.Struct, kw_only=True):
    """A run."""

    file: str
    """From `results/` on."""
    kind: str
    """`check`, `conformance`, `bench`, `soak`, `sockets` or `attack`."""
    id: str
    """When it began and at which commit."""
    began: str
    """UTC, RFC 3339."""
    commit: str
    """The checkout's."""
    clean: bool
    """Whether the checkout was as committed."""
    engine: str
    """What ran the services."""
    mends: list[str]
    """Of the targets: `on`, `off`."""
    targets: list[str]
    """Their names, each once."""


class Asked(msgspec.Struct, kw_only=True):
    """A target that was asked something."""

    file: str
    """The run, from `results/` on."""
    name: str
    """The service's."""
    via: Route | None
    """The route."""
    mends: Literal["on", "off"] | None
    """Whether the service mended what its stack gets wrong."""


class Answers(Asked, kw_only=True):
    """What the checks found about a target."""

    right: int
    """How many answers were right."""
    wrong: list[str]
    """The ids of the checks whose answers were wrong."""
    absent: list[str]
    """The ids of the checks that ask about what the target does not have, and need not."""
    other: int
    """How many could not be put, could not be decided, or were over the limit."""


class Cases(Asked, kw_only=True):
    """What the Autobahn Testsuite found about a target."""

    right: int
    """How many cases passed."""
    wrong: list[str]
    """The ids of those that did not."""
    absent: int
    """How many are about what the target does not offer."""
    other: int
    """How many could not be put, or were over the limit."""


class Cost(msgspec.Struct, kw_only=True):
    """What a step of a benchmark found about a target, to five significant digits; the run has them all."""

    file: str
    """The run, from `results/` on."""
    name: str
    """The service's."""
    label: str
    """The name, and what tells the target from others of that name."""
    plain: bool
    """Whether it ran as the lab runs it, asked directly, with its mends and usual settings."""
    step: str
    """The step's name."""
    rounds: int
    """Of how many rounds the figures are made."""
    throughput: float | None
    """Right echoes a second, in units of the step."""
    p50: float | None
    """The median of the latency from the planned time, in microseconds."""
    p99: float | None
    """Its 99th percentile."""
    cpu: Estimate | None
    """The server's CPU time, in microseconds for each unit of the step."""
    memory: Estimate | None
    """The server's, in bytes."""
    socket_memory: Estimate | None
    """By how much that grew for each connection, in bytes."""


def of(runs: Iterable[Run]) -> Index:
    """The index of these runs, which go from the oldest to the newest."""
    checks: dict[tuple[Any, ...], Answers] = {}
    conformance: dict[tuple[Any, ...], Cases] = {}
    groups: dict[str, str] = {}
    steps: dict[str, Step] = {}
    costs: dict[tuple[str, str], Cost] = {}
    entries = []
    for run in runs:
        entries.append(entry := _entry(run))
        match run:
            case CheckRun():
                asked = {question.id: question.group for question in run.checks}
                groups = asked | {check: group for check, group in groups.items() if check not in asked}
                checks |= {_key(target): _answers(entry.file, target) for target in run.targets}
            case ConformanceRun():
                conformance |= {_key(target): _cases(entry.file, target) for target in run.targets}
            case BenchRun():
                steps |= {step.name: step for step in run.steps}
                # A second instance of the yardstick shows the noise of its run, and is no stack of its own.
                for target in (one for one in run.targets if not one.again):
                    costs |= {(target.label, one.step): _cost(entry.file, target, one) for one in target.figures}
    return Index(
        runs=entries,
        groups={
            group: [check for check, its in groups.items() if its == group] for group in dict.fromkeys(groups.values())
        },
        checks=list(checks.values()),
        conformance=list(conformance.values()),
        steps=list(steps.values()),
        costs=list(costs.values()),
    )


def kind(run: Run) -> str:
    """`check`, `conformance`, `bench`, `soak`, `sockets` or `attack`."""
    return str(run.__struct_config__.tag)


def _entry(run: Run) -> Entry:
    targets: list[Target] = getattr(run, "targets", [])
    return Entry(
        file=f"{kind(run)}/{run.id}.json",
        kind=kind(run),
        id=run.id,
        began=f"{run.began:%Y-%m-%dT%H:%M:%SZ}",
        commit=run.commit or "",
        clean=bool(run.clean),
        engine=run.engine or "",
        mends=sorted({target.mends for target in targets if target.mends}),
        targets=list(dict.fromkeys(target.name for target in targets)),
    )


def _key(target: Target) -> tuple[Any, ...]:
    return target.name, target.via, target.mends


def _answers(file: str, target: Examined) -> Answers:
    found: dict[Verdict, list[str]] = {verdict: [] for verdict in Verdict}
    for one in target.results:
        found[one.verdict].append(one.check)
    return Answers(
        file=file,
        name=target.name,
        via=target.via,
        mends=target.mends,
        right=len(found[Verdict.PASS]),
        wrong=found[Verdict.FAIL],
        absent=found[Verdict.UNSUPPORTED],
        other=sum(len(found[verdict]) for verdict in (Verdict.UNDECIDED, Verdict.LIMIT, Verdict.ERROR)),
    )


def _cases(file: str, target: Conformed) -> Cases:
    counted = Counter(one.verdict for one in target.results)
    return Cases(
        file=file,
        name=target.name,
        via=target.via,
        mends=target.mends,
        right=counted[Verdict.PASS],
        wrong=[one.case for one in target.results if one.verdict is Verdict.FAIL],
        absent=counted[Verdict.UNSUPPORTED],
        other=counted[Verdict.UNDECIDED] + counted[Verdict.LIMIT] + counted[Verdict.ERROR],
    )


def _cost(file: str, target: Benched, figure: Figure) -> Cost:
    return Cost(
        file=file,
        name=target.name,
        label=target.label,
        plain=target.label == target.name,
        step=figure.step,
        rounds=figure.rounds,
        throughput=_rounded(figure.throughput),
        p50=_rounded(figure.latency.p50) if figure.latency else None,
        p99=_rounded(figure.latency.p99) if figure.latency else None,
        cpu=_rounded_estimate(figure.cpu),
        memory=_rounded_estimate(figure.memory),
        socket_memory=_rounded_estimate(figure.socket_memory),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")


def _rounded_estimate(estimate: Estimate | None) -> Estimate | None:
    if estimate is None:
        return None
    ends = {name: _rounded(getattr(estimate, name)) for name in ("mean", "low", "high")}
    return msgspec.structs.replace(estimate, **ends)

"""What the rounds of a run come to: figures for each target and step, and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from echowall.bench import crossover, gate, judging, scenarios
from echowall.bench.contenders import Contender
from echowall.bench.driving import versions
from echowall.bench.estimates import compare, estimate
from echowall.bench.judging import COST, EVERYTHING, LATENCY, THROUGHPUT
from echowall.bench.quantities import QUANTITIES
from echowall.bench.rounds import Rounds
from echowall.lab.lab import Lab
from echowall.results.model import (
    Benched,
    BenchRun,
    Comparison,
    Errors,
    Figure,
    Measurement,
    Refusal,
    Spread,
    Step,
    Why,
)
from echowall.results.provenance import Beginning


def record(
    beginning: Beginning,
    measured: Rounds,
    contenders: Iterable[Contender],
    yardstick: str,
    lab: Lab | None,
    *,
    interrupted: bool,
) -> BenchRun:
    """The run, as results keep it. `yardstick` is the service to which others are compared, if there is one."""
    targets = [one.benched for one in contenders if one.benched.measurements or gate.refusals(one.benched)]
    for target in targets:
        target.figures = [
            figure(step, found, measured.seed)
            for step in measured.steps
            if (found := [one for one in target.measurements if one.step == step.name]) or gate.refusals(target)
        ]
        for one in target.figures:
            one.refusals = gate.refusals(target) + one.refusals
    return BenchRun(
        **beginning.facts(lab.engine() if lab else None),
        seed=measured.seed,
        rounds=measured.finished,
        yardstick=yardstick,
        generator=versions(),
        steps=list(measured.steps),
        targets=targets,
        comparisons=compared(targets, yardstick, measured.steps, measured.seed),
        derived=crossover.derived(targets, measured.steps, measured.seed),
        crossovers=crossover.crossovers(targets, measured.steps, measured.seed),
        interrupted=interrupted,
    )


def figure(step: Step, measurements: Sequence[Measurement], seed: int) -> Figure:
    """One step of one target, over all rounds.

    Rounds in which the generator was the limit are left out of what that withholds, if there are others. Any other
    refusal in any round withholds what it is about: no round is left out because a server did badly in it.
    """
    refused = _agreed(measurements)
    first = measurements[0] if measurements else None  # none where the gate withholds everything

    def kept(what: str) -> list[Measurement]:
        if judging.is_withheld(what, refused):
            return []
        return [one for one in measurements if not judging.is_withheld(what, one.refusals)]

    def values(what: str, value: Callable[[Measurement], float | None]) -> list[float]:
        return [found for one in kept(what) if (found := value(one)) is not None]

    timed = kept(LATENCY)
    latency = judging.spread(judging.merged(timed, "latency"))
    if latency:
        refused += judging.too_few(latency)
    return Figure(
        step=step.name,
        size=first.size if first else None,
        rounds=len(timed),
        offered=first.offered if first else step.rate,
        throughput=_mean(values(THROUGHPUT, lambda one: one.achieved)),
        errors=Errors.together([one.errors for one in measurements]),
        latency=latency,
        uncorrected=judging.spread(judging.merged(timed, "uncorrected")),
        lateness=judging.spread(judging.merged(measurements, "lateness")),
        cpu=estimate(values(COST, lambda one: one.cpu), seed),
        proxy_cpu=estimate(values(COST, lambda one: one.proxy_cpu), seed),
        memory=estimate(values(EVERYTHING, lambda one: one.memory), seed),
        socket_memory=estimate(values(EVERYTHING, lambda one: one.socket_memory), seed),
        requests=_mean(values(COST, lambda one: one.requests)),
        opened=_mean(values(COST, lambda one: one.opened)),
        down=_mean(values(COST, lambda one: one.down)),
        up=_mean(values(COST, lambda one: one.up)),
        refusals=refused,
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _agreed(measurements: Sequence[Measurement]) -> list[Refusal]:
    """What is withheld of all rounds together: each once, with the number of rounds that it is from."""
    found: dict[tuple[Why, str], list[Refusal]] = {}
    for one in measurements:
        for refusal in one.refusals:
            found.setdefault((refusal.why, refusal.withheld), []).append(refusal)
    rounds = len(measurements)
    agreed = []
    for (why, withheld), refusals in found.items():
        if why is Why.GENERATOR and len(refusals) < rounds:
            continue
        says = refusals[0].says + (f" (in {len(refusals)} of {rounds} rounds)" if rounds > 1 else "")
        agreed.append(Refusal(why=why, withheld=withheld, says=says))
    return agreed


def compared(targets: Sequence[Benched], yardstick: str, steps: Sequence[Step], seed: int) -> list[Comparison]:
    """Each target with the yardstick by the same route, each without its mends, tuned or with more workers with itself
    as it is, and each beside connections that never read with itself without them.
    """
    whole = {(one.name, one.via): one for one in targets if not one.again and gate.is_plain(one)}
    pairs = []
    for one in targets:
        if yardstick and (other := whole.get((yardstick, one.via))) and other is not one:
            pairs.append((one, other))
        if not gate.is_plain(one) and (usual := whole.get((one.name, one.via))):
            pairs.append((one, usual))
    found = [ratio for one, other in pairs for step in steps for ratio in _ratios(one, other, step, seed)]
    for step in steps:
        if alone := scenarios.alone(step, steps):
            found += [ratio for one in targets for ratio in _ratios(one, one, step, seed, alone)]
    return found


def _ratios(
    one: Benched, other: Benched, step: Step, seed: int, other_step: Step | None = None
) -> Iterator[Comparison]:
    for quantity in ("cpu", "memory", "socket_memory", "p50", "p99", "throughput"):
        if quantity == "throughput" and step.rate:
            continue  # it is what was offered
        if quantity in ("memory", "p50", "p99") and step.unit == "MiB":
            continue  # the sizes may be different
        ours, theirs = by_round(one, step, quantity), by_round(other, other_step or step, quantity)
        to_step = other_step.name if other_step else None
        if found := compare(one.label, other.label, step.name, quantity, ours, theirs, seed, to_step):
            yield found


def by_round(target: Benched, step: Step, quantity: str) -> dict[int, float]:
    """What each round can stand behind."""
    found = {}
    for one in target.measurements:
        value = _value(one, quantity) if one.step == step.name else None
        if value is not None:
            found[one.round] = value
    return found


def _value(one: Measurement, quantity: str) -> float | None:
    withheld = QUANTITIES[quantity].withheld
    if judging.is_withheld(withheld, one.refusals):
        return None
    if withheld == LATENCY:
        return getattr(_spread(one.latency), quantity, None)
    return one.achieved if quantity == "throughput" else getattr(one, quantity)


@lru_cache(4096)  # of one histogram several percentiles are wanted
def _spread(encoded: str) -> Spread | None:
    return judging.spread(judging.decode(encoded))

"""What changed from one benchmark to another, and whether that may be said.

Whether figures themselves are compared, or their ratios to the yardstick, is the same for a whole comparison. Machines
differ, and the same machine differs from hour to hour; the yardstick, which is measured in every round, feels that as
the others do. So where both runs have it, with the same versions, whatever a faster machine makes better is divided by
the yardstick's own in the same round: that pairs what belongs together, and the two runs are independent still. Memory
does not depend on how fast a machine is, and is compared itself. So are all figures where a run has no yardstick, or
where it changed; that is said, and on different machines such ratios tell of the machines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from echowall.bench import gate, quantities, rendering, summary, two_runs
from echowall.bench.estimates import LEAST_ROUNDS, LEVEL
from echowall.bench.quantities import Quantity
from echowall.results.model import (
    Benched,
    BenchRun,
    Change,
    Changes,
    Difference,
    Figure,
    Measurement,
    Step,
    Trouble,
    Why,
)

#: How much worse something may get without being told as worse, in per cent, if the user does not say. Rounds show how
#: much a run varies within itself; that two runs of the same vary a little more, nothing in them shows.
TOLERANCE = 10.0
#: What withholds a figure through no fault of the server's.
_INNOCENT = (Why.GENERATOR, Why.SAMPLES, Why.WORKER)


class NothingInCommonError(Exception):
    """The runs have no target and step in common: says so."""


def compare(before: BenchRun, after: BenchRun, tolerance: float = TOLERANCE) -> Changes:
    """What changed; `tolerance` is in per cent. Raises NothingInCommonError."""
    runs = (before, after)
    targets = [(one, other) for one in before.targets for other in after.targets if one.label == other.label]
    steps = [one for one in before.steps if any(_same(one, other) for other in after.steps)]
    if not targets or not steps:
        what = "step" if targets else "target"
        theirs = [[one.name for one in run.steps] if targets else [one.label for one in run.targets] for run in runs]
        lists = "; the other ".join(", ".join(names) or "none" for names in theirs)
        raise NothingInCommonError(f"the two runs have no {what} in common: the one has {lists}")
    yardstick = _yardstick(before, after, targets)
    rows = [row for step in steps for pair in targets for row in _rows(pair, runs, step, yardstick)]
    wrong = [found for step in steps for pair in targets if (found := _wrong(pair, step, yardstick))]
    rounds = [sorted({one.round for target in run.targets for one in target.measurements}) for run in runs]
    tested = [row.by_round(rounds) for row in rows if row.tested]
    tested += [one.by_round(rounds) for one in wrong if one.tested]
    chances = iter(two_runs.chances(tested, len(rounds[0])))
    return Changes(
        before=before.id,
        after=after.id,
        tolerance=tolerance,
        yardstick=yardstick,
        differences=list(_differences(before, after, targets, steps)),
        only_before=_only(before, after, steps),
        only_after=_only(after, before, steps),
        changes=[_change(row, next(chances) if row.tested else None, tolerance) for row in rows],
        troubles=[_trouble(one, next(chances) if one.tested else None) for one in wrong],
        withheld=list(_withheld(targets, steps, rows)),
    )


def few_rounds(before: BenchRun, after: BenchRun) -> str:
    """Why nothing at all can be told apart, in a sentence; empty where it can."""
    least = min(before.rounds, after.rounds)
    if least >= LEAST_ROUNDS:
        return ""
    return (
        f"Nothing can be told apart: that takes {LEAST_ROUNDS} rounds in both runs, and one has {least}; "
        f"measure with --rounds {LEAST_ROUNDS} or more."
    )


def _same(one: Step, other: Step) -> bool:
    """Whether they load a server the same way; for how long, may differ."""
    return msgspec.structs.replace(one, warmup=other.warmup, seconds=other.seconds) == other


def _yardstick(before: BenchRun, after: BenchRun, targets: Iterable[tuple[Benched, Benched]]) -> str:
    """What figures are divided by; empty where that would not be fair, or would leave nothing to compare."""
    name = before.yardstick
    pairs = [(one, other) for one, other in targets if is_yardstick(one, name)]
    fair = name == after.yardstick and pairs and all(one.versions == other.versions for one, other in pairs)
    return name if fair and any(not is_yardstick(one, name) for one, _ in targets) else ""


def is_yardstick(target: Benched, yardstick: str) -> bool:
    """Whether it is an instance of the service to which others are compared, the second included, just as it is: not,
    for one, without its mends.
    """
    plain = (Benched(name=yardstick, url="", via=target.via, again=again).label for again in (False, True))
    return bool(yardstick) and target.label in plain


class _Row(NamedTuple):
    """A quantity of a target in a step, by round, in both runs."""

    target: Benched
    step: Step
    quantity: Quantity
    itself: tuple[dict[int, float], dict[int, float]]
    """The values as they are."""
    compared: tuple[dict[int, float], dict[int, float]]
    """What is compared: those, or their ratios to the yardstick's."""
    judged: bool
    """Not so the yardstick and its second instance: what they show is noise."""

    @property
    def tested(self) -> bool:
        """Whether there are rounds enough to tell anything."""
        return self.judged and min(map(len, self.compared)) >= LEAST_ROUNDS

    def by_round(self, rounds: Sequence[Sequence[int]]) -> list[float | None]:
        """The logarithms of what is compared, in these rounds of the first run, and then in those of the second."""
        return [
            math.log(values[number]) if number in values else None
            for numbers, values in zip(rounds, self.compared, strict=True)
            for number in numbers
        ]


def _rows(pair: tuple[Benched, Benched], runs: tuple[BenchRun, BenchRun], step: Step, yardstick: str) -> Iterator[_Row]:
    """Of what both runs stand behind."""
    figures = [_figure(one, step) for one in pair]
    if not all(figures) or _sizes(figures) > 1:
        return
    noise = is_yardstick(pair[0], yardstick)
    for quantity in quantities.of_step(step):
        if any(figure and quantities.of_figure(figure, quantity) is None for figure in figures):
            continue  # rounds in which it is not withheld would be those that went well
        before, after = (_positive(summary.by_round(one, step, quantity.key)) for one in pair)
        compared = (before, after)
        if yardstick and quantity.by_machine and (pair[0].again or not noise):
            compared = (
                _divided(before, pair[0], runs[0], step, quantity),
                _divided(after, pair[1], runs[1], step, quantity),
            )
        if all(compared):
            yield _Row(pair[0], step, quantity, (before, after), compared, not noise)


def _sizes(figures: Iterable[Figure | None]) -> int:
    """How many sizes of messages there are: a service that now takes longer ones than before is sent longer ones."""
    return len({figure.size for figure in figures if figure})


def _figure(target: Benched, step: Step) -> Figure | None:
    return next((one for one in target.figures if one.step == step.name), None)


def _positive(values: dict[int, float]) -> dict[int, float]:
    return {number: value for number, value in values.items() if value > 0}


def _divided(
    values: dict[int, float], target: Benched, run: BenchRun, step: Step, quantity: Quantity
) -> dict[int, float]:
    """By the yardstick's, by the same route and in the same round."""
    for one in run.targets:
        if one.via == target.via and not one.again and is_yardstick(one, run.yardstick):
            by = _positive(summary.by_round(one, step, quantity.key))
            return {number: value / by[number] for number, value in values.items() if number in by}
    return {}


def _change(row: _Row, chance: float | None, tolerance: float) -> Change:
    ratio = two_runs.ratio(*(list(values.values()) for values in row.compared))
    assert ratio  # noqa: S101 - both have values
    apart = chance is not None and chance < LEVEL and not ratio.low <= 1 <= ratio.high
    grew = ratio.mean > 1
    worse, bound = (grew, 1 + tolerance / 100) if row.quantity.better == "lower" else (not grew, 1 - tolerance / 100)
    beyond = ratio.mean > bound if grew else ratio.mean < bound
    return Change(
        target=row.target.label,
        step=row.step.name,
        quantity=row.quantity.key,
        unit=row.step.unit,
        before=_mean(row.itself[0].values()),
        after=_mean(row.itself[1].values()),
        ratio=ratio,
        judged=row.judged,
        chance=chance,
        distinguishable=apart,
        worse=apart and worse and beyond,
        better=apart and not worse,
    )


def _mean(values: Iterable[float]) -> float:
    logs = [math.log(one) for one in values]
    return math.exp(sum(logs) / len(logs))


class _Wrong(NamedTuple):
    """A target and a step of which rounds went wrong."""

    target: Benched
    step: Step
    rounds: tuple[dict[int, bool], dict[int, bool]]
    """Whether each went wrong, in both runs."""
    says: list[str]
    judged: bool
    """As of a _Row."""

    @property
    def tested(self) -> bool:
        """Whether there are rounds enough to tell anything."""
        return self.judged and min(map(len, self.rounds)) >= LEAST_ROUNDS

    def by_round(self, rounds: Sequence[Sequence[int]]) -> list[float | None]:
        """1 for a round that went wrong and 0 for one that did not, as of a _Row."""
        return [
            float(wrong[number]) if number in wrong else None
            for numbers, wrong in zip(rounds, self.rounds, strict=True)
            for number in numbers
        ]


def _wrong(pair: tuple[Benched, Benched], step: Step, yardstick: str) -> _Wrong | None:
    if not gate.refusals(pair[0]) and (barred := [one.says for one in gate.refusals(pair[1])]):
        return _Wrong(pair[0], step, ({}, {}), barred, not is_yardstick(pair[0], yardstick))
    of_step = [[one for one in target.measurements if one.step == step.name] for target in pair]
    before, after = ({one.round: bool(_faults(one)) for one in found} for found in of_step)
    if not any([*before.values(), *after.values()]):
        return None
    says = dict.fromkeys(fault for found in of_step for one in found for fault in _faults(one))
    return _Wrong(pair[0], step, (before, after), list(says), not is_yardstick(pair[0], yardstick))


def _faults(one: Measurement) -> list[str]:
    """What went wrong, by the server's fault."""
    found = [refusal.says for refusal in one.refusals if refusal.why not in _INNOCENT]
    return found + ([rendering.errors(one.errors)] if one.errors.total else [])


def _trouble(wrong: _Wrong, chance: float | None) -> Trouble:
    before, after = (sum(rounds.values()) for rounds in wrong.rounds)
    of_before, of_after = map(len, wrong.rounds)
    barred = of_after == 0  # by the gate: its echo was right before, and is not any more
    more = of_before > 0 < of_after and after / of_after > before / of_before
    return Trouble(
        target=wrong.target.label,
        step=wrong.step.name,
        before=before,
        of_before=of_before,
        after=after,
        of_after=of_after,
        says=wrong.says,
        chance=chance,
        worse=wrong.judged and (barred or (more and chance is not None and chance < LEVEL)),
    )


def _differences(
    before: BenchRun, after: BenchRun, targets: Iterable[tuple[Benched, Benched]], steps: Iterable[Step]
) -> Iterator[Difference]:
    """In what the runs differ, the machine first."""

    def differing(what: str, one: object, other: object) -> Iterator[Difference]:
        if one != other:
            yield Difference(what=what, before=_said(one), after=_said(other))

    for field in before.machine.__struct_fields__:
        yield from differing(field, getattr(before.machine, field), getattr(after.machine, field))
    yield from differing("engine", before.engine, after.engine)
    yield from differing("generator", before.generator, after.generator)
    yield from differing("load", load(before), load(after))
    yield from differing("commit", before.commit, after.commit)
    yield from differing("state of the checkout", _state(before), _state(after))
    yield from differing("rounds", before.rounds, after.rounds)
    yield from differing("end", *("interrupted" if run.interrupted else "as planned" for run in (before, after)))
    yield from differing("yardstick", before.yardstick, after.yardstick)
    theirs = {one.name: one for one in after.steps}
    for step in steps:
        for field in ("warmup", "seconds"):
            yield from differing(f"{field} of {step.name}", getattr(step, field), getattr(theirs[step.name], field))
    for one, other in targets:
        for field in _SETTINGS:
            yield from differing(f"{field} of {one.label}", getattr(one, field), getattr(other, field))


#: What a target says of itself that is not measured, and not its label. Its address may be another in each run.
_SETTINGS = tuple(
    field
    for field in Benched.__struct_fields__
    if field not in ("name", "url", "via", "mends", "again", "tuned", "workers", "gate", "measurements", "figures")
)


def load(run: BenchRun) -> str:
    """What sent the messages, for people."""
    measurements = [one for target in run.targets for one in target.measurements]
    workers = {share.worker: share.host for one in measurements for share in one.shares}
    if not workers:
        return "one generator"
    hosts = ", ".join(sorted(set(workers.values())))
    return f"{len(workers)} worker{'' if len(workers) == 1 else 's'} of a Dask cluster, on {hosts}"


def _state(run: BenchRun) -> str:
    return "" if run.clean is None else "as committed" if run.clean else "changed"


def _said(value: object) -> str:
    if isinstance(value, msgspec.Struct):
        return _said(msgspec.structs.asdict(value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_said(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_said, value))
    return "" if value is None else str(value)


def _only(run: BenchRun, other: BenchRun, steps: Sequence[Step]) -> list[str]:
    """What the other run does not have, or not so."""
    labels = {one.label for one in other.targets}
    common = {one.name for one in steps}
    named = {one.name: one for one in other.steps}
    return [one.label for one in run.targets if one.label not in labels] + [
        one.name + (f" with {one.connections} connections" if one.name in named else "")
        for one in run.steps
        if one.name not in common
    ]


def _withheld(targets: Iterable[tuple[Benched, Benched]], steps: Sequence[Step], rows: Iterable[_Row]) -> Iterator[str]:
    """What one of the runs has a figure of, and cannot be compared."""
    compared = {(row.target.label, row.step.name, row.quantity.key) for row in rows}
    for step in steps:
        for pair in targets:
            reasons: dict[str, list[str]] = {}
            for quantity in quantities.of_step(step):
                figures = [_figure(one, step) for one in pair]
                shown = [
                    figure is not None and quantities.of_figure(figure, quantity) is not None for figure in figures
                ]
                if (pair[0].label, step.name, quantity.key) not in compared and any(shown):
                    reasons.setdefault(_reason(quantity, figures, shown), []).append(quantity.key)
            for reason, keys in reasons.items():
                yield f"{pair[0].label}, {step.name}: {', '.join(keys)}: {reason}"


def _reason(quantity: Quantity, figures: Sequence[Figure | None], shown: Sequence[bool]) -> str:
    """Why that is not compared."""
    if _sizes(figures) > 1:
        return "the messages are not as long in both runs"
    if all(shown):
        return "too few messages in each round, or nothing of the yardstick's to compare with"
    which, figure = next(
        (which, figure) for which, figure, has in zip(("first", "second"), figures, shown, strict=True) if not has
    )
    says = quantities.reasons(quantity, figure.refusals) if figure else []
    return f"not in the {which} run: {'; '.join(says) or 'not measured'}"

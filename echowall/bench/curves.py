"""What the scenario `push` comes to, for people: what a message costs by how often one is said, and where push pays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from echowall.bench import columns, scenarios
from echowall.bench.columns import NONE
from echowall.bench.crossover import costs
from echowall.bench.estimates import estimate
from echowall.results.model import Benched, BenchRun, Crossover, Estimate, Step, Transport

TITLE = "CPU for a delivered message, in µs, by how often one is said"
LEGEND = """\
CPU: of the service, and through the proxy with nginx's · nothing said: µs a second for each listener
"*": not measured, but what a message costs at the longest interval that was, and a listener in the seconds beyond it"""


class Table(NamedTuple):
    """A table, as texts."""

    header: list[str]
    rows: list[list[str]]


def table(run: BenchRun) -> Table | None:
    """A row for each target and transport; None where the run has none of the scenario."""
    pushed = [one for one in run.steps if one.load == "push"]
    if not pushed:
        return None
    every = sorted({one.every for one in pushed if one.every} | {one.every for one in run.derived})
    ways = list(dict.fromkeys((one.transport, one.polled) for one in pushed if one.transport))
    rows = [
        [f"{target.label}, {scenarios.way(*way)}", *cells]
        for target in run.targets
        for way in ways
        if (cells := list(_cells(run, target, way, [*every, None]))) and any(cell != NONE for cell in cells)
    ]
    return Table(["", *(f"every {one:g} s" for one in every), "nothing said"], rows)


def _cells(
    run: BenchRun, target: Benched, way: tuple[Transport, float | None], every: list[float | None]
) -> Iterator[str]:
    for seconds in every:
        step = next((one for one in run.steps if (one.transport, one.polled, one.every) == (*way, seconds)), None)
        if step:
            yield columns.estimate(cost(run, target, step))
            continue
        derived = [
            one
            for one in run.derived
            if (one.target, one.transport, one.polled, one.every) == (target.label, *way, seconds)
        ]
        yield f"{columns.estimate(derived[0].cpu)} *" if derived else NONE


def cost(run: BenchRun, target: Benched, step: Step) -> Estimate | None:
    """The CPU of the server, and on that route the proxy's too; None where it is withheld, or not measured."""
    return estimate(list(costs(target, step).values()), run.seed)


def sentences(run: BenchRun) -> list[str]:
    """One for each crossover."""
    return [_sentence(one) for one in run.crossovers]


def _sentence(one: Crossover) -> str:
    push, polls = f"the {scenarios.way(one.push, None)}", f"polls every {one.polled:g} s"
    pays = f"{push} cost{'' if one.push == 'events' else 's'} less CPU than {polls}"
    if one.side == "within":
        return f"{one.target}: {pays} where a message is said every {one.at:.2g} s{_interval(one)} or more seldom"
    less = pays if one.side == "below" else f"{polls} cost less CPU than {push}"
    where = "at every interval" if one.side == "below" else "even at the longest interval"
    return f"{one.target}: {less} {where} that was measured, from {one.shortest:g} to {one.longest:g} s{_interval(one)}"


def _interval(one: Crossover) -> str:
    """That of 95 %, where it says more than the sentence."""
    if one.rounds == 1 or one.low == one.high:
        return ""
    low = f"{one.low:.2g}{' or less' if one.low == one.shortest else ''}"
    high = f"{one.high:.2g}{' or more' if one.high == one.longest else ''}"
    return f" (interval of 95 %: {low} to {high} s)"

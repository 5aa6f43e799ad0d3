"""What the documents say of kept benchmarks: what each stack costs, and from how seldom a message on push costs less
than polling.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from echowall.bench import quantities
from echowall.bench.columns import NONE
from echowall.bench.estimates import LEAST_ROUNDS
from echowall.bench.quantities import Quantity
from echowall.results.model import Benched, BenchRun, Crossover, Estimate, Step, Transport

#: What is told of each scenario, a table for each quantity: see quantities. Push has a table of its own.
_TOLD = {
    "rate": ("cpu", "p50", "p99", "memory"),
    "saturation": ("throughput", "cpu"),
    "large": ("throughput", "cpu"),
    "connect": ("throughput", "cpu", "p50"),
    "churn": ("throughput", "cpu"),
    "slow": ("p50", "p99", "cpu"),
    "idle": ("socket_memory", "cpu"),
    "room": ("p50", "p99", "cpu"),
}

#: What is compared with polls, and how it is called.
_PUSH: dict[Transport, str] = {"websocket": "WebSocket", "events": "events"}


class _Found(NamedTuple):
    """What a run found about a target as it runs."""

    run: BenchRun
    target: Benched
    crossovers: dict[tuple[Transport, float], Crossover]
    """By what is compared with polls, and the seconds from one poll to the next."""


class _Measured(NamedTuple):
    """A stack as it runs, asked directly, with the newest run that has it."""

    title: str
    run: BenchRun
    target: Benched


def costs(runs: Iterable[BenchRun], titles: Mapping[str, str]) -> str:
    """What each stack costs by the newest run of each scenario that has it, in Markdown: a table for each quantity,
    with a row for each stack and a column for each step.

    The runs go from the oldest to the newest. `titles` has what the stacks are called, in their order.
    """
    every = list(runs)
    parts = [part for scenario in _TOLD if (part := _scenario(scenario, every, titles))]
    return "\n\n".join(parts) or "The store of results holds no such run yet."


def _scenario(scenario: str, runs: Sequence[BenchRun], titles: Mapping[str, str]) -> str:
    newest = {
        target.name: (run, target)
        for run in runs
        if any(step.scenario == scenario for step in run.steps)
        for target in run.targets
        if target.label == target.name
    }
    found = [_Measured(titles[name], *newest[name]) for name in titles if name in newest]
    if not found:
        return ""
    steps = list({step.name: step for one in found for step in one.run.steps if step.scenario == scenario}.values())
    lines = [f"## `{scenario}`", ""]
    for key in _TOLD[scenario]:
        quantity = quantities.QUANTITIES[key]
        lines += [f"### {quantity.title}, {quantity.unit_in(steps[0].unit)} (`{scenario}`)", ""]
        rows = [
            ["stack", *(step.name for step in steps)],
            ["---", *["---:"] * len(steps)],
            *([one.title, *(_cell(one, step, quantity) for step in steps)] for one in found),
        ]
        lines += [*("| " + " | ".join(cells) + " |" for cells in rows), ""]
    for run in sorted({one.run.id: one.run for one in found}.values(), key=lambda run: run.began):
        of = ", ".join(one.title for one in found if one.run is run)
        lines.append(
            f"- [{run.began:%Y-%m-%d %H:%M}](../results/bench/{run.id}.json): {run.rounds} rounds, {run.engine}, "
            f"{run.machine.cores} cores: {of}."
        )
    return "\n".join(lines)


def _cell(measured: _Measured, step: Step, quantity: Quantity) -> str:
    """The figure with its interval of 95 %, and its ratio to the yardstick's, or `=` where that may be 1. No ratio
    where too few rounds have both."""
    _, run, target = measured
    figure = next((one for one in target.figures if one.step == step.name), None)
    value = quantities.of_figure(figure, quantity) if figure else None
    if value is None:
        return NONE
    if not isinstance(value, Estimate):
        told = quantity.shown(value)
    else:
        told = f"{quantity.shown(value.mean)} ({quantity.shown(value.low)}–{quantity.shown(value.high)})"
    wanted = (target.label, run.yardstick, step.name, None, quantity.key)
    for one in run.comparisons:
        if (one.target, one.to, one.step, one.to_step, one.quantity) == wanted and one.ratio.rounds >= LEAST_ROUNDS:
            return f"{told}, {f'{one.ratio.mean:.2g}×' if one.distinguishable else '='}"
    return told


def push(runs: Iterable[BenchRun], titles: Mapping[str, str]) -> str:
    """A table of where push begins to cost less, a row for each run of a stack by a route, in Markdown. `titles` has
    what the stacks are called, in their order.
    """
    order = list(titles)
    found = sorted(
        (one for run in runs for one in _found(run) if one.target.name in titles),
        key=lambda one: (order.index(one.target.name), str(one.target.via), one.run.began),
    )
    if not found:
        return "The store of results holds no such run yet."
    polls = sorted({polled for one in found for _, polled in one.crossovers})
    columns = [(how, polled) for polled in polls for how in _PUSH]
    rows = [
        ["stack", "route", "run", "rounds", *(f"{_PUSH[how]}, polls every {polled:g} s" for how, polled in columns)],
        ["---"] * (4 + len(columns)),
        *(
            [
                titles[target.name],
                str(target.via),
                f"[{run.began:%Y-%m-%d %H:%M}](../results/bench/{run.id}.json)",
                str(run.rounds),
                *(_told(crossovers.get(column)) for column in columns),
            ]
            for run, target, crossovers in found
        ),
    ]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def _found(run: BenchRun) -> Iterator[_Found]:
    for target in run.targets:
        crossovers = {(one.push, one.polled): one for one in run.crossovers if one.target == target.label}
        if crossovers and target.mends != "off" and not (target.again or target.tuned or target.workers):
            yield _Found(run, target, crossovers)


def _told(one: Crossover | None) -> str:
    """Seconds from one message to the next, with the interval of 95 %."""
    if one is None:
        return "–"
    if one.at is None:
        return f"< {one.shortest:g} s" if one.side == "below" else f"> {one.longest:g} s"
    return f"{one.at:.2g} s ({one.low:.2g}–{one.high:.2g})"

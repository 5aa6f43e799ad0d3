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
from echowall.markdown import table as markdown_table
from echowall.results.model import Benched, BenchRun, Comparison, Crossover, Estimate, Step, Transport

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

#: The scenario of which the way through the proxy is told.
_PROXIED = "rate"
#: What is compared with polls, and how it is called.
_PUSH: dict[Transport, str] = {"websocket": "WebSocket", "events": "events"}


class _Found(NamedTuple):
    """What a run found about a target as it runs."""

    run: BenchRun
    target: Benched
    crossovers: dict[tuple[Transport, float], Crossover]
    """By what is compared with polls, and the seconds from one poll to the next."""


def costs(runs: Iterable[BenchRun], titles: Mapping[str, str]) -> str:
    """What each stack costs, in Markdown: for each scenario a table for each quantity, with a row for each stack and a
    column for each step. It is told by one run, since the figures of two cannot be compared: by the one that has the
    most stacks and steps, and of several such by the newest. Then the same of what goes through the proxy, and what the
    mends cost: by the newest run that tells it.

    `titles` has what the stacks are called, in their order.
    """
    every = sorted(runs, key=lambda run: run.began)
    parts = [part for scenario in _TOLD if (part := _scenario(scenario, every, titles))]
    parts += filter(None, [_through_the_proxy(every, titles), _mends(every, titles)])
    return "\n\n".join(parts) or "The store of results holds no such run yet."


def _scenario(scenario: str, runs: Sequence[BenchRun], titles: Mapping[str, str]) -> str:
    widest = _widest(scenario, "", runs, titles)
    if widest is None:
        return ""
    run, steps, found = widest
    lines = [f"## `{scenario}`", "", _told_by(run), ""]
    for key in _TOLD[scenario]:
        quantity = quantities.QUANTITIES[key]
        header = ["stack", *(step.name for step in steps)]
        rows = [[title, *(_cell(run, target, step, quantity) for step in steps)] for title, target in found]
        lines += [f"### {quantity.title}, {quantity.unit_in(steps[0].unit)} (`{scenario}`)", ""]
        lines += [markdown_table(header, rows, right=range(1, len(header))), ""]
    return "\n".join(lines).rstrip()


def _widest(
    scenario: str, further: str, runs: Sequence[BenchRun], titles: Mapping[str, str]
) -> tuple[BenchRun, list[Step], list[tuple[str, Benched]]] | None:
    """The run that tells a scenario, its steps, and the stacks with their titles, in their order. None without a run.

    `further` is what the targets' labels have behind the name; nothing for those that ran as the lab runs them, asked
    directly.
    """

    def targets(run: BenchRun) -> dict[str, Benched]:
        return {it.name: it for it in run.targets if it.label == f"{it.name}{further}" and it.name in titles}

    def steps(run: BenchRun) -> list[Step]:
        return [step for step in run.steps if step.scenario == scenario]

    if not (able := [run for run in runs if steps(run) and targets(run)]):
        return None
    run = max(able, key=lambda run: (len(targets(run)) * len(steps(run)), run.began))
    measured = targets(run)
    return run, steps(run), [(title, measured[name]) for name, title in titles.items() if name in measured]


def _cell(run: BenchRun, target: Benched, step: Step, quantity: Quantity) -> str:
    """The figure with its interval of 95 %, and its ratio to the yardstick's on the same route, or `=` where that may
    be 1. No ratio where too few rounds have both.
    """
    figure = next((one for one in target.figures if one.step == step.name), None)
    value = quantities.of_figure(figure, quantity) if figure else None
    if value is None:
        return NONE
    if not isinstance(value, Estimate):
        told = quantity.shown(value)
    else:
        told = f"{quantity.shown(value.mean)} ({quantity.shown(value.low)}–{quantity.shown(value.high)})"
    yardstick = target.label.replace(target.name, run.yardstick or "", 1)
    found = _compared(run, target.label, yardstick, step, quantity.key)
    if found is None:
        return told
    return f"{told}, {f'{found.ratio.mean:.2g}×' if found.distinguishable else '='}"


def _compared(run: BenchRun, target: str, to: str, step: Step, quantity: str) -> Comparison | None:
    """One target with another in that step, by their labels; None where too few rounds have both."""
    wanted = (target, to, step.name, None, quantity)
    for one in run.comparisons:
        if (one.target, one.to, one.step, one.to_step, one.quantity) == wanted and one.ratio.rounds >= LEAST_ROUNDS:
            return one
    return None


def _through_the_proxy(runs: Sequence[BenchRun], titles: Mapping[str, str]) -> str:
    """What a message costs the stack and the proxy, and how long it takes, where it goes through nginx."""
    widest = _widest(_PROXIED, " (proxy)", runs, titles)
    if widest is None:
        return ""
    run, steps, found = widest
    told = [quantities.QUANTITIES[key] for key in ("cpu", "proxy_cpu", "p50", "p99")]
    parts = ["## Through nginx", "", _told_by(run)]
    for step in steps:
        header = ["stack", *(f"{quantity.title}, {quantity.unit_in(step.unit)}" for quantity in told)]
        rows = [[title, *(_cell(run, target, step, quantity) for quantity in told)] for title, target in found]
        parts += ["", f"### {step.name} (through nginx)", "", markdown_table(header, rows, right=range(1, len(header)))]
    return "\n".join(parts)


def _mends(runs: Sequence[BenchRun], titles: Mapping[str, str]) -> str:
    """The CPU of each stack without its mends, compared with itself as it runs."""
    newest: dict[str, tuple[BenchRun, dict[str, Comparison]]] = {}
    for run in runs:
        for target in run.targets:
            if target.label == f"{target.name} (bare)" and target.name in titles:
                found = {
                    step.name: one
                    for step in run.steps
                    if (one := _compared(run, target.label, target.name, step, "cpu"))
                }
                if found:
                    newest[target.name] = (run, found)
    rows = [
        [titles[name], step, f"{one.ratio.mean:.2f} ({one.ratio.low:.2f}–{one.ratio.high:.2f})", _whether(one)]
        for name in titles
        if name in newest
        for step, one in newest[name][1].items()
    ]
    if not rows:
        return ""
    told = [_told_by(run) for run in {run.id: run for run, _ in newest.values()}.values()]
    header = ["stack", "step", "CPU without the mends, to that with them", ""]
    return "\n".join(["## What the mends cost", "", *told, "", markdown_table(header, rows)])


def _whether(one: Comparison) -> str:
    return "distinguishable" if one.distinguishable else "not distinguishable"


def _told_by(run: BenchRun) -> str:
    return (
        f"By [the run of {run.began:%Y-%m-%d %H:%M}](../results/bench/{run.id}.json): {run.rounds} rounds, "
        f"{run.engine}, {run.machine.processor}, {run.machine.cores} cores."
    )


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
    header = ["stack", "route", "run", "rounds"]
    header += [f"{_PUSH[how]}, polls every {polled:g} s" for how, polled in columns]
    rows = [
        [
            titles[target.name],
            str(target.via),
            f"[{run.began:%Y-%m-%d %H:%M}](../results/bench/{run.id}.json)",
            str(run.rounds),
            *(_told(crossovers.get(column)) for column in columns),
        ]
        for run, target, crossovers in found
    ]
    return markdown_table(header, rows)


def _found(run: BenchRun) -> Iterator[_Found]:
    for target in run.targets:
        crossovers = {(one.push, one.polled): one for one in run.crossovers if one.target == target.label}
        if crossovers and target.mends != "off" and not (target.again or target.tuned or target.workers):
            yield _Found(run, target, crossovers)


def _told(one: Crossover | None) -> str:
    """Seconds from one message to the next, with the interval of 95 %."""
    if one is None:
        return NONE
    if one.at is None:
        return f"< {one.shortest:g} s" if one.side == "below" else f"> {one.longest:g} s"
    return f"{one.at:.2g} s ({one.low:.2g}–{one.high:.2g})"

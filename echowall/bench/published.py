"""What the documents say of kept benchmarks: from how seldom a message on push costs less than polling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from echowall.results.model import Benched, BenchRun, Crossover, Transport

#: What is compared with polls, and how it is called.
_PUSH: dict[Transport, str] = {"websocket": "WebSocket", "events": "events"}


class _Found(NamedTuple):
    run: BenchRun
    target: Benched


def push(runs: Iterable[BenchRun], titles: Mapping[str, str]) -> str:
    """A table of where push begins to cost less, by the newest run of each stack and route, and a list of the runs, in
    Markdown. `runs` go from the oldest to the newest; `titles` has what the stacks are called, in their order.
    """
    newest: dict[tuple[str, str], _Found] = {}
    for run in runs:
        with_crossovers = {one.target for one in run.crossovers}
        for target in run.targets:
            as_it_runs = target.mends != "off" and not (target.again or target.tuned or target.workers)
            if as_it_runs and target.label in with_crossovers and target.via:
                newest[target.name, target.via] = _Found(run, target)
    shown = [newest[name, via] for name in titles for via in ("direct", "proxy") if (name, via) in newest]
    if not shown:
        return "The store of results holds no such run yet."
    polls = sorted({one.polled for found in shown for one in _of(found).values()})
    columns = [(how, polled) for polled in polls for how in _PUSH]
    rows = [
        ["stack", "route", *(f"{_PUSH[how]}, polls each {polled:g} s" for how, polled in columns)],
        ["---"] * (2 + len(columns)),
        *(
            [
                titles[found.target.name],
                "direct" if found.target.via == "direct" else "proxy",
                *(_told(_of(found).get(column)) for column in columns),
            ]
            for found in shown
        ),
    ]
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join([*lines, "", *_runs(shown)])


def _of(found: _Found) -> dict[tuple[Transport, float], Crossover]:
    return {(one.push, one.polled): one for one in found.run.crossovers if one.target == found.target.label}


def _told(one: Crossover | None) -> str:
    """Seconds from one message to the next, with the interval of 95 %."""
    if one is None:
        return "–"
    if one.at is None:
        return f"< {one.shortest:g} s" if one.side == "below" else f"> {one.longest:g} s"
    return f"{one.at:.2g} s ({one.low:.2g}–{one.high:.2g})"


def _runs(shown: Iterable[_Found]) -> list[str]:
    named = {found.run.id: found.run for found in shown}
    return [
        f"- [{run.id}](../results/bench/{run.id}.json): {run.began:%Y-%m-%d}, {run.engine}, {run.machine.processor}, "
        f"{run.machine.cores} cores, {run.rounds} rounds."
        for run in sorted(named.values(), key=lambda run: run.began)
    ]

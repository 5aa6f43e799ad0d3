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
    """A table of where push begins to cost less, a row for each run of a stack by a route, in Markdown. `titles` has
    what the stacks are called, in their order.
    """
    found = [
        _Found(run, target)
        for run in sorted(runs, key=lambda run: run.began)
        for target in run.targets
        if target.mends != "off" and not (target.again or target.tuned or target.workers)
    ]
    shown = [
        one
        for name in titles
        for via in ("direct", "proxy")
        for one in found
        if (one.target.name, one.target.via) == (name, via) and _of(one)
    ]
    if not shown:
        return "The store of results holds no such run yet."
    polls = sorted({one.polled for found in shown for one in _of(found).values()})
    columns = [(how, polled) for polled in polls for how in _PUSH]
    rows = [
        ["stack", "route", "run", "rounds", *(f"{_PUSH[how]}, polls each {polled:g} s" for how, polled in columns)],
        ["---"] * (4 + len(columns)),
        *(
            [
                titles[target.name],
                str(target.via),
                f"[{run.began:%Y-%m-%d %H:%M}](../results/bench/{run.id}.json)",
                str(run.rounds),
                *(_told(_of(_Found(run, target)).get(column)) for column in columns),
            ]
            for run, target in shown
        ),
    ]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def _of(found: _Found) -> dict[tuple[Transport, float], Crossover]:
    return {(one.push, one.polled): one for one in found.run.crossovers if one.target == found.target.label}


def _told(one: Crossover | None) -> str:
    """Seconds from one message to the next, with the interval of 95 %."""
    if one is None:
        return "–"
    if one.at is None:
        return f"< {one.shortest:g} s" if one.side == "below" else f"> {one.longest:g} s"
    return f"{one.at:.2g} s ({one.low:.2g}–{one.high:.2g})"

"""What the documents say of kept benchmarks: from how seldom a message on push costs less than polling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from echowall.results.model import Benched, BenchRun, Crossover, Transport

#: What is compared with polls, and how it is called.
_PUSH: dict[Transport, str] = {"websocket": "WebSocket", "events": "events"}


class _Found(NamedTuple):
    """What a run found about a target as it runs."""

    run: BenchRun
    target: Benched
    crossovers: dict[tuple[Transport, float], Crossover]
    """By what is compared with polls, and the seconds from one poll to the next."""


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
        ["stack", "route", "run", "rounds", *(f"{_PUSH[how]}, polls each {polled:g} s" for how, polled in columns)],
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

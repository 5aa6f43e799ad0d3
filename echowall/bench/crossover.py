"""Push or poll: how seldom messages have to be for a WebSocket, or events, to cost less CPU for each than polls do.

What polls cost for a delivered message grows with the time from one message to the next: while nothing is said each
poll is answered all the same. What push costs hardly does. So there is an interval from which on push costs less, if
both were measured far enough on either side.

Between two intervals that were measured, both costs are taken to lie on straight lines. That is what they are made of:
so much for a delivery, and so much for each second until the next. (Polls that are more seldom than messages share what
they bring: then it is so much for a message, and a poll's cost for each interval, which is a line again.) Beyond what
was measured nothing is said but on which side it lies.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from echowall.bench import judging
from echowall.bench.estimates import DRAWS, estimate, tail
from echowall.bench.judging import COST
from echowall.results.model import Benched, Crossover, Derived, Step, Transport

#: For which interval the cost is derived where it was not measured, in seconds.
SELDOM = 60.0
#: What may be compared with polls.
_PUSH: tuple[Transport, ...] = ("websocket", "events")

#: By round, the CPU of the server and of the proxy, in microseconds for each unit.
Costs = Mapping[int, float]


def costs(target: Benched, step: Step) -> Costs:
    """What each round can stand behind: the server's CPU, and on that route the proxy's too, in microseconds. Empty
    where the figure is withheld.
    """
    figure = next((one for one in target.figures if one.step == step.name), None)
    if figure is None or figure.cpu is None or (target.via == "proxy" and figure.proxy_cpu is None):
        return {}
    return {
        one.round: one.cpu + (one.proxy_cpu or 0.0)
        for one in target.measurements
        if one.step == step.name and one.cpu and not judging.is_withheld(COST, one.refusals)
    }


def derived(targets: Sequence[Benched], steps: Sequence[Step], seed: int) -> list[Derived]:
    """What a message would cost that is said each SELDOM seconds, where that was not measured."""
    return [one for target in targets for one in _derived(target, steps, seed)]


def _derived(target: Benched, steps: Sequence[Step], seed: int) -> Iterator[Derived]:
    for quiet in steps:
        if quiet.unit != "listener" or quiet.transport in (None, "long-poll"):
            continue
        said = _said(steps, quiet.transport, quiet.polled)
        if not said or SELDOM in said:
            continue
        longest = max(said)
        if longest >= SELDOM or longest < (quiet.polled or 0.0):  # such polls share what they bring
            continue
        known, idle = costs(target, said[longest]), costs(target, quiet)
        values = [known[one] + idle[one] * (SELDOM - longest) for one in sorted(known.keys() & idle.keys())]
        if found := estimate(values, seed):
            yield Derived(
                target=target.label,
                transport=quiet.transport,
                polled=quiet.polled,
                every=SELDOM,
                step=said[longest].name,
                quiet=quiet.name,
                cpu=found,
            )


def crossovers(targets: Sequence[Benched], steps: Sequence[Step], seed: int) -> list[Crossover]:
    """For each target, way to push and interval of polls, where both were measured at two intervals at least."""
    polls = sorted({one.polled for one in steps if one.transport == "poll" and one.polled})
    return [
        found
        for target in targets
        for push in _PUSH
        for polled in polls
        if (found := _crossover(target, steps, push, polled, seed))
    ]


def _crossover(target: Benched, steps: Sequence[Step], push: Transport, polled: float, seed: int) -> Crossover | None:
    ours, theirs = _said(steps, push, None), _said(steps, "poll", polled)
    curves = {
        every: (mine, other)
        for every in sorted(ours.keys() & theirs.keys())
        if (mine := costs(target, ours[every])) and (other := costs(target, theirs[every]))
    }
    if len(curves) < 2:
        return None
    rounds = sorted(set.intersection(*({*mine} & {*other} for mine, other in curves.values())))
    if not rounds:
        return None
    every = [*curves]

    def crossing(drawn: Sequence[int]) -> float:
        return _crossing(every, [_mean(other, drawn) - _mean(mine, drawn) for mine, other in curves.values()])

    draw = random.Random(seed)  # noqa: S311 - no secret
    count = len(rounds)
    found = sorted(crossing(draw.choices(rounds, k=count)) for _ in range(DRAWS if count > 1 else 1))
    edge = math.floor(tail(count) * (len(found) - 1))
    at = crossing(rounds)
    return Crossover(
        target=target.label,
        push=push,
        polled=polled,
        side="below" if at == -math.inf else "above" if at == math.inf else "within",
        at=at if math.isfinite(at) else None,
        low=min(max(found[edge], every[0]), every[-1]),
        high=min(max(found[-1 - edge], every[0]), every[-1]),
        shortest=every[0],
        longest=every[-1],
        rounds=count,
    )


def _said(steps: Sequence[Step], transport: Transport | None, polled: float | None) -> dict[float, Step]:
    """The steps of that transport in which something is said, by the seconds from one message to the next."""
    return {one.every: one for one in steps if one.every and (one.transport, one.polled) == (transport, polled)}


def _mean(of: Costs, rounds: Sequence[int]) -> float:
    """The geometric mean, as figures have it."""
    return math.exp(fmean(math.log(of[one]) for one in rounds))


def _crossing(every: Sequence[float], saved: Sequence[float]) -> float:
    """From which interval on push costs less at all longer ones, by what it saves at each: minus infinity where it does
    at all, and infinity where it does not at the longest.
    """
    if saved[-1] <= 0:
        return math.inf
    for number in range(len(every) - 2, -1, -1):
        before, after = saved[number], saved[number + 1]
        if before <= 0:
            return every[number] + (every[number + 1] - every[number]) * -before / (after - before)
    return -math.inf

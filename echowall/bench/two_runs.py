"""What may be said of two runs that were made apart from each other: ratios with their intervals, and how likely
chance alone is.

No round of one belongs to a round of the other, so that nothing is paired, other than within one run.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import combinations
from operator import itemgetter
from statistics import fmean

from echowall.bench.estimates import DRAWS, tail
from echowall.results.model import Estimate

#: Up to this many ways to divide the rounds anew, all of them are tried: 924 of twice six rounds. Of more, some are
#: drawn.
_ALL, _SOME = 4000, 2000
#: The same seed gives the same, so that whoever repeats a comparison sees what the first one saw.
_SEED = 20261129


def ratio(before: Sequence[float], after: Sequence[float]) -> Estimate | None:
    """The geometric mean of the values afterwards to that of those before, and its interval of 95 %, by bootstrap: the
    rounds of each run are drawn anew, each by themselves. None where either has no value; all are above 0.

    As in estimates.estimate() these are expanded percentiles, here by the smaller of the two numbers of rounds, which
    makes the interval rather too wide than too narrow.
    """
    if not before or not after:
        return None
    logs = [[math.log(one) for one in values] for values in (before, after)]
    least = min(len(before), len(after))
    mean = fmean(logs[1]) - fmean(logs[0])
    edges = (mean, mean)
    if least > 1:
        drawn = sorted(
            one - other
            for one, other in zip(
                *(_means(values, again) for values, again in zip(reversed(logs), (True, False), strict=True)),
                strict=True,
            )
        )
        edge = math.floor(tail(least) * (len(drawn) - 1))
        edges = (drawn[edge], drawn[-1 - edge])
    low, high = (math.exp(one) for one in edges)
    return Estimate(mean=math.exp(mean), low=low, high=high, rounds=least)


def _means(values: Sequence[float], again: bool) -> Iterator[float]:
    """Of these values, drawn anew again and again."""
    count = len(values)
    return (sum(draw(values)) / count for draw in _draws(count, again))


@cache
def _draws(count: int, again: bool) -> list[Callable[[Sequence[float]], tuple[float, ...]]]:
    """Which of so many values are drawn each time. `again` gives others, independent of the first."""
    draw = random.Random(f"{_SEED} {again}")  # noqa: S311 - no secret
    return [itemgetter(*draw.choices(range(count), k=count)) for _ in range(DRAWS)]


def chances(rows: Sequence[Sequence[float | None]], first: int) -> list[float]:
    """For each row, how likely it is that any row at all would show so clear a difference if nothing had changed.

    A row has a value for each round, `first` rounds of the one run and then those of the other; None where a round has
    none. All rows have the same rounds. The rounds are divided anew between the two runs, in every way or in many, the
    same way for all rows, and the most striking difference of all rows each time is what a row's own has to reach.
    So however many rows there are, and however they hang together, one comparison of two runs in twenty finds anything
    where nothing is, if a chance under 5 % counts; and nothing is supposed of how the noise is distributed.

    This is the single-step procedure by the maximum of t, of Westfall and Young, "Resampling-Based Multiple Testing"
    (1993), chapter 2; with the correction of Phipson and Smyth, "Permutation P-values Should Never Be Zero" (2010),
    where divisions are drawn.
    """
    prepared = [_Row(row) for row in rows]
    if not prepared:
        return []
    count = len(rows[0])
    own = [row.clearness(range(first)) for row in prepared]
    # A division is compared with a row's own clearness but for rounding errors.
    reached, tried = [0] * len(prepared), 0
    for division in _divisions(count, first):
        most = max(row.clearness(division) for row in prepared)
        tried += 1
        for number, clear in enumerate(own):
            reached[number] += most >= clear * (1 - 1e-9)
    if math.comb(count, first) > _ALL:
        return [(found + 1) / (tried + 1) for found in reached]
    return [found / tried for found in reached]


def _divisions(count: int, first: int) -> Iterator[Sequence[int]]:
    """Which of so many rounds are taken for those of the first run."""
    if math.comb(count, first) <= _ALL:
        yield from combinations(range(count), first)
        return
    draw = random.Random(_SEED)  # noqa: S311 - no secret
    for _ in range(_SOME):
        yield draw.sample(range(count), first)


class _Row:
    """The values of a row, prepared so that many divisions can be tried."""

    def __init__(self, values: Sequence[float | None]) -> None:
        known = [one for one in values if one is not None]
        self._count = len(known)
        mean = fmean(known) if known else 0.0
        self._values = [0.0 if one is None else one - mean for one in values]
        self._known = None if self._count == len(values) else [int(one is not None) for one in values]
        self._squares = sum(one * one for one in self._values)
        self._nothing = 1e-18 * self._count * (1 + mean * mean)

    def clearness(self, division: Sequence[int]) -> float:
        """The square of Student's t of the difference between those rounds and the others."""
        pick = itemgetter(*division, division[0])  # one more, so that it gives a tuple in any case
        first = sum(pick(self._known)[:-1]) if self._known else len(division)
        others = self._count - first
        if not first or not others or self._squares <= self._nothing:
            return 0.0
        total = sum(pick(self._values)[:-1])  # the sum of the others is its negative, for the mean is 0
        between = total * total * (1 / first + 1 / others)
        within = self._squares - between
        return math.inf if within <= self._nothing else (self._count - 2) * between / within

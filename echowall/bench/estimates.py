"""What several rounds say together: means and ratios with their intervals, and whether two targets differ at all."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from statistics import NormalDist, fmean

from echowall.results.model import Comparison, Estimate

#: How often rounds are drawn anew.
DRAWS = 4000
#: With fewer rounds two targets cannot be told apart: of two that are the same, one is ahead in all of five rounds once
#: in sixteen runs, and in all of six once in thirty-two.
LEAST_ROUNDS = 6
#: How likely a test may find a difference where there is none.
LEVEL = 0.05
#: The 97.5th percentile of Student's t, by the degrees of freedom.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120)


def estimate(values: Sequence[float], seed: int) -> Estimate | None:
    """The geometric mean of these and its interval of 95 %, by bootstrap; None where there is no value above 0.

    Few values are too alike: percentiles of their means make intervals that are too narrow. So these are the expanded
    percentiles of Hesterberg, "What Teachers Should Know About the Bootstrap" (2015), section 4.
    """
    logs = [math.log(value) for value in values if value > 0]
    if not logs:
        return None
    count = len(logs)
    draw = random.Random(seed)  # noqa: S311 - no secret
    means = sorted(fmean(draw.choices(logs, k=count)) for _ in range(DRAWS if count > 1 else 1))
    edge = math.floor(tail(count) * (len(means) - 1))
    return Estimate(
        mean=math.exp(fmean(logs)), low=math.exp(means[edge]), high=math.exp(means[-1 - edge]), rounds=count
    )


def tail(count: int) -> float:
    """How much of the means of so many values lies beyond each end of the interval: the expanded percentile."""
    if count < 2:
        return 0.0
    t = student(count - 1)
    return NormalDist().cdf(-math.sqrt(count / (count - 1)) * t)


def student(degrees: int) -> float:
    """The 97.5th percentile of Student's t with so many degrees of freedom; of more than 16, what it is of 16."""
    return _T[min(degrees, len(_T)) - 1]


def compare(
    target: str,
    to: str,
    step: str,
    quantity: str,
    of_target: Mapping[int, float],
    of_other: Mapping[int, float],
    seed: int,
    to_step: str | None = None,
) -> Comparison | None:
    """By the rounds in which both have a value; None where there is no such round. The values are given by round.

    Two are distinguishable where the interval does not hold 1, and where a sign test, which supposes nothing of how the
    noise is distributed, says so as well, at 5 %: of few rounds, intervals alone find a difference a little too often.
    """
    common = [
        of_target[one] / of_other[one]
        for one in sorted(of_target.keys() & of_other.keys())
        if of_target[one] > 0 < of_other[one]
    ]
    ratio = estimate(common, seed)
    if ratio is None:
        return None
    apart = not ratio.low <= 1 <= ratio.high and _sign_test(common) < LEVEL
    return Comparison(
        target=target, to=to, step=step, to_step=to_step, quantity=quantity, ratio=ratio, distinguishable=apart
    )


def _sign_test(ratios: Sequence[float]) -> float:
    """How likely so uneven a number above and below 1 is, where both are equally likely."""
    count = len(ratios)
    fewer = min(sum(one > 1 for one in ratios), sum(one < 1 for one in ratios))
    return min(1.0, 2 * sum(math.comb(count, number) / 2.0**count for number in range(fewer + 1)))

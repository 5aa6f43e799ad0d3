"""Whether something grows: a line through values by least squares, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from echowall.bench.estimates import student
from echowall.results.model import Trend

#: With fewer values nothing is said.
LEAST = 4


def trend(values: Sequence[float | None], seconds: float) -> Trend | None:
    """By how much these grow in an hour; there is one every so many seconds. None where too many are missing.

    The interval is that of the slope of a linear regression, by Student's t. It takes what is left over to be
    independent, so that one step, as when a server takes another arena of memory, may pass for growth.
    """
    points = [(number * seconds / 3600, value) for number, value in enumerate(values) if value is not None]
    if len(points) < LEAST:
        return None
    hour, level = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = sum((x - hour) ** 2 for x, _ in points)
    slope = sum((x - hour) * (y - level) for x, y in points) / spread
    left_over = sum((y - level - slope * (x - hour)) ** 2 for x, y in points)
    degrees = len(points) - 2
    reach = student(degrees) * math.sqrt(left_over / degrees / spread)
    return Trend(slope=slope, low=slope - reach, high=slope + reach)

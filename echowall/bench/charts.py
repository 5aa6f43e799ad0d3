"""Charts as inline SVG: percentile curves in small multiples, and dots with their intervals in the rows of a table.

Colours and widths are in report.css, by the classes that are named here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from echowall.bench.markup import tag
from echowall.results.model import Estimate

#: A panel with a curve, and its edges, in its own units: about a pixel each.
WIDTH, HEIGHT = 180, 124
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 6, 20
#: The percentiles that are on the axis of a curve.
PERCENTILES = (50.0, 90.0, 99.0, 99.9)
#: From this ratio on of the greatest value to the least, dots are on a logarithmic axis.
_WIDE = 20.0
_CAP = 3


class Axis(NamedTuple):
    """From `low` to `high`; logarithmic axes begin above 0."""

    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool

    def at(self, value: float) -> float:
        """Where a value is: 0 at the axis' beginning, 1 at its end."""
        within = min(max(value, self.low), self.high)
        if self.logarithmic:
            return math.log(within / self.low) / math.log(self.high / self.low)
        return (within - self.low) / (self.high - self.low)


def logarithmic(values: Iterable[float]) -> Axis:
    """An axis for these values, all of them above 0. It begins and ends with 1, 2 or 5 times a power of ten."""
    found = list(values)
    steps = [mantissa * 10.0**exponent for exponent in range(-12, 13) for mantissa in (1, 2, 5)]
    low = max((one for one in steps if one <= min(found)), default=steps[0])
    high = min((one for one in steps if one >= max(found) and one > low), default=steps[-1])
    ticks = [one for one in steps if low <= one <= high]
    if len(ticks) > 4:
        ticks = [one for one in ticks if math.isclose(math.log10(one) % 1, 0, abs_tol=1e-9)]
    thinned = ticks[:: math.ceil(len(ticks) / 4)]
    return Axis(low, high, tuple(thinned), logarithmic=True)


def linear(values: Iterable[float]) -> Axis:
    """An axis for these values, from 0 on."""
    most = max([*values, 1e-12])
    power = 10.0 ** math.floor(math.log10(most))
    step = next(one for one in (0.5 * power, power, 2 * power, 5 * power) if most / one <= 4)
    ticks = [number * step for number in range(math.floor(most / step) + 1)]
    return Axis(0.0, most * 1.02, tuple(ticks), logarithmic=False)


def fitting(estimates: Sequence[Estimate]) -> Axis:
    """An axis for values with their intervals: logarithmic if they are far apart."""
    values = [one for estimate in estimates for one in (estimate.low, estimate.high)]
    if min(values) > 0 and max(values) / min(values) > _WIDE:
        return logarithmic(values)
    return linear(values)


def around_one(estimates: Sequence[Estimate]) -> Axis:
    """An axis for ratios, with 1 in its middle."""
    ratios = [one for estimate in estimates for one in (estimate.low, estimate.high) if one > 0]
    farthest = max([1.1, *(max(one, 1 / one) for one in ratios)])
    tick = next((one for one in (10.0, 5.0, 2.0, 1.5, 1.2, 1.1, 1.05) if one <= farthest), 1.05)
    return Axis(1 / farthest, farthest, (1 / tick, 1.0, tick), logarithmic=True)


def number(value: float) -> str:
    """For a tick."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def scale(axis: Axis) -> Element:
    """The axis of dots, as wide as what it is in."""
    marks: list[Element] = []
    for order, value in enumerate(axis.ticks):
        place = axis.at(value)
        anchor = "start" if place < 0.08 else "end" if place > 0.92 else "middle"
        marks.append(
            tag(
                "text",
                number(value),
                class_=f"tick{' odd' * (order % 2)}",
                x=_percent(place),
                y="1em",
                text_anchor=anchor,
            )
        )
    return tag("svg", marks, class_="scale", aria_hidden="true")


def dots(estimate: Estimate, axis: Axis, name: str, *, yardstick: bool = False, line: float | None = None) -> Element:
    """A mean and its interval, as wide as what it is in. `name` says in words what is seen. The yardstick's is hollow;
    `line` is a value at which there is a line from top to bottom."""
    low, mean, high = (_percent(axis.at(one)) for one in (estimate.low, estimate.mean, estimate.high))
    middle = "50%"
    parts = [
        tag("line", class_="grid", x1=_percent(axis.at(one)), x2=_percent(axis.at(one)), y1="0", y2="100%")
        for one in axis.ticks
    ]
    if line is not None:
        place = _percent(axis.at(line))
        parts.append(tag("line", class_="one", x1=place, x2=place, y1="0", y2="100%"))
    parts.append(tag("line", class_="interval", x1=low, x2=high, y1=middle, y2=middle))
    parts += [tag("line", class_="interval", x1=one, x2=one, y1="30%", y2="70%") for one in (low, high)]
    parts.append(tag("circle", class_="dot yardstick" if yardstick else "dot", cx=mean, cy=middle, r=4))
    return tag("svg", parts, class_="dots", role="img", aria_label=name)


def _percent(place: float) -> str:
    """Within the svg, a little away from its edges."""
    return f"{3 + 94 * place:.2f}%"


class Curve(NamedTuple):
    """The latency of a target, percentile by percentile."""

    points: list[tuple[float, float]]
    """Percentiles and milliseconds."""
    marks: list[tuple[float, float]]
    """Those that are marked."""


def frame(axis: Axis, others: Iterable[Curve], identifier: str) -> Element:
    """What the panels of a step share: the grid and every curve. It is not shown; panel() refers to it."""
    parts: list[Element] = []
    left, right, top, bottom = _LEFT, WIDTH - _RIGHT, _TOP, HEIGHT - _BOTTOM
    for value in axis.ticks:
        y = _y(axis, value)
        parts.append(tag("line", class_="grid", x1=left, x2=right, y1=y, y2=y))
        parts.append(tag("text", number(value), class_="tick", x=left - 4, y=y + 3, text_anchor="end"))
    for percentile in PERCENTILES:
        x = _x(percentile)
        parts.append(tag("line", class_="grid", x1=x, x2=x, y1=top, y2=bottom))
        parts.append(tag("text", f"{percentile:g}", class_="tick", x=x, y=HEIGHT - 4, text_anchor="middle"))
    parts += [_line(axis, one, "other") for one in others]
    return tag("svg", tag("defs", tag("g", parts, id=identifier)), class_="shared", aria_hidden="true")


def panel(axis: Axis, own: Curve | None, yardstick: Curve | None, shared: str, name: str) -> Element:
    """A target's own curve over those of the others. `name` says in words what is seen; `shared` is frame()'s id."""
    parts = [tag("use", href=f"#{shared}")]
    if yardstick:
        parts.append(_line(axis, yardstick, "yardstick"))
    if own:
        parts.append(_line(axis, own, "own"))
        parts += [tag("circle", class_="mark", cx=_x(at), cy=_y(axis, value), r=_CAP) for at, value in own.marks]
    return tag("svg", parts, class_="panel", viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=name)


def sample(kind: str) -> Element:
    """A line of that kind (`own`, `yardstick` or `other`), for the legend."""
    parts = [tag("line", class_=kind, x1=2, x2=34, y1=6, y2=6)]
    if kind == "own":
        parts += [tag("circle", class_="mark", cx=x, cy=6, r=_CAP) for x in (8, 28)]
    return tag("svg", parts, class_="sample", viewBox="0 0 36 12", aria_hidden="true")


def _line(axis: Axis, curve: Curve, kind: str) -> Element:
    points = " ".join(f"{_x(at):g},{_y(axis, value):g}" for at, value in curve.points)
    return tag("polyline", class_=kind, points=points)


def _x(percentile: float) -> float:
    """By how rare what is beyond it is: as far from 90 to 99 as from 99 to 99.9."""
    first, last = (math.log10(100 / (100 - one)) for one in (PERCENTILES[0], PERCENTILES[-1]))
    place = (math.log10(100 / (100 - percentile)) - first) / (last - first)
    return round(_LEFT + place * (WIDTH - _LEFT - _RIGHT - 6), 1)


def _y(axis: Axis, value: float) -> float:
    return round(HEIGHT - _BOTTOM - axis.at(value) * (HEIGHT - _BOTTOM - _TOP), 1)

"""A benchmark as one HTML file that loads nothing: charts, the same figures in tables, what is withheld, and how it was
measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

from echowall.bench import charts, curves, judging, quantities, rendering, scenarios, telling
from echowall.bench.charts import Axis, Curve
from echowall.bench.columns import NONE
from echowall.bench.compare import is_yardstick, load
from echowall.bench.judging import EVERYTHING, LATENCY, PERCENTILES
from echowall.bench.markup import Child, document, tag
from echowall.bench.quantities import QUANTITIES, Quantity
from echowall.files import replace
from echowall.results.model import Benched, BenchRun, Comparison, Estimate, Figure, Spread, Step, Why

_STYLE = Path(__file__).parent / "report.css"
#: Nothing is loaded, whatever a name may contain.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
#: At which percentiles a curve has its points: tenths of the way from 50 to 90, to 99, to 99.9.
_POINTS = [100 - 100 * 10 ** -(0.30103 + number * 0.05) for number in range(54)] + [99.9]

#: A paragraph each.
_METHOD = """\
Each message has a planned time, and its latency counts from there, so that a server that pauses cannot hide it. In a
closed loop, where each connection sends its next message when one has come back, it counts from the time of sending.

Every echo is verified. What was lost, doubled, altered or out of order is counted as an error, and never timed.

The generator measures its own lateness and its own CPU. Where it was late by more than a tenth of the latency (at the
99th percentile), or used over 85 % of its core, it was the limit, and the figure is withheld.

Where less than 98 % of what was offered came back in time, the server cannot hold the rate, and its latency and CPU are
withheld. A percentile is shown only if at least 100 messages lie beyond it.

In each round every target is measured once, in a random order; a service of the lab is started afresh for it. Warm-up
is left out.

CPU is that of the server and all its processes, divided by the messages that came back. Memory is their proportional
set size at the end of a step, with all connections open.

An interval holds the mean in 95 of 100 such runs. It is found by drawing the rounds anew (bootstrap). Targets are
compared by the ratio within each round, and two are told apart only where its interval does not hold 1 and a sign test
over the rounds agrees, which takes 6 rounds.

There is no rank and no score. The rows of a chart are in the order of their means; rows whose intervals overlap may
well be in another order next time.
"""


def write(run: BenchRun, file: Path) -> None:
    """Write the report of the run there, whole or not at all. Raises OSError."""
    replace(file, html(run))


def html(run: BenchRun) -> str:
    """The report."""
    title = f"Benchmark of {run.began:%Y-%m-%d %H:%M} UTC"
    page = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", f"Echo Wall: {title}"),
            tag("style", _STYLE.read_text("utf-8")),
        ),
        tag(
            "body",
            tag(
                "main",
                _beginning(run, title),
                _contents(run),
                _steps(run),
                _push(run),
                _noise(run),
                _otherwise_told(run),
                _beside(run),
                _end(run),
            ),
        ),
        lang="en",
    )
    return document(page)


def _beginning(run: BenchRun, title: str) -> Iterator[Child]:
    yield tag("p", "Echo Wall", class_="quiet")
    yield tag("h1", title)
    if run.interrupted:
        says = f" This run was ended before its time. It holds what was whole by then: {_rounds(run.rounds)}."
        if run.rounds == 0:
            says = " This run was ended before its first round was whole."
        yield tag("p", tag("strong", "Interrupted."), says, class_="notice", role="note")
    machine = run.machine
    commit = (run.commit or "unknown") + ("" if run.clean or run.commit is None else ", with changes not committed")
    yield _facts(
        ("Measured", f"{run.began:%Y-%m-%d %H:%M:%S} to {run.ended:%Y-%m-%d %H:%M:%S}, UTC"),
        ("Machine", f"{machine.processor}, {machine.cores} cores, {machine.system}"),
        ("Services run by", run.engine or "(endpoints by their URLs)"),
        ("Commit", commit),
        ("Rounds", f"{run.rounds}, in an order by seed {run.seed}"),
        ("Yardstick", run.yardstick or "none"),
        ("Generator", ", ".join(f"{name} {version}" for name, version in run.generator.items())),
        ("Load", load(run)),
        ("Python of the tool", machine.python),
        ("Run", run.id),
    )


def _rounds(count: int) -> str:
    return f"{count} round{'' if count == 1 else 's'}"


def _facts(*facts: tuple[str, str]) -> Element:
    return tag("dl", *([tag("dt", name), tag("dd", says or NONE)] for name, says in facts))


def _contents(run: BenchRun) -> Element:
    links = [tag("li", tag("a", step.name, href=f"#{_anchor(run, step)}")) for step in run.steps]
    links += [
        tag("li", tag("a", title, href=f"#{anchor}"))
        for anchor, title, there in (
            ("push", "Push or poll", any(step.load == "push" for step in run.steps)),
            ("noise", "How much is noise", bool(_again(run))),
            ("otherwise", "The same stack, run otherwise", bool(_otherwise(run))),
            ("beside", "Beside connections that never read", any(one.to_step for one in run.comparisons)),
            ("method", "How it was measured", True),
            ("targets", "What was measured", True),
        )
        if there
    ]
    return tag("nav", tag("ul", links), aria_label="Contents")


def _anchor(run: BenchRun, step: Step) -> str:
    return f"step-{run.steps.index(step) + 1}"


class _Shown(NamedTuple):
    """A target with its figure of a step."""

    target: Benched
    figure: Figure

    @property
    def label(self) -> str:
        return self.target.label


def _steps(run: BenchRun) -> Iterator[Element]:
    for step in run.steps:
        shown = [_Shown(one, figure) for one in run.targets for figure in one.figures if figure.step == step.name]
        yield tag(
            "section",
            tag("h2", step.name, id=_anchor(run, step)),
            tag("p", _settings(step)),
            _latency(run, step, shown) if shown else tag("p", "There is no figure of this step."),
            (chart for quantity in quantities.of_step(step) for chart in _estimates(run, step, quantity, shown)),
            _withheld(step, shown),
        )


def _settings(step: Step) -> str:
    times = f"{step.warmup:g} s of warm-up, then {step.seconds:g} s measured in each round"
    if step.load != "echo" or step.stuck:
        return f"{scenarios.title(step)}: {scenarios.told(step)}; {times}. Scenario: {step.scenario}."
    messages = f"{'binary' if step.binary else 'text'} messages of {step.size:,} bytes"
    if step.rate:
        how = f"{step.rate:,g} {messages} a second over {step.connections:,} connections, each at its planned time"
    else:
        how = f"{messages.capitalize()} over {step.connections:,} connections, {step.in_flight} underway on each"
    return f"{how}; {times}. Scenario: {step.scenario}."


def _latency(run: BenchRun, step: Step, shown: Sequence[_Shown]) -> Iterator[Element]:
    """The curves, and the table of the same."""
    yield tag("h3", "Latency")
    curves = {one.label: curve for one in shown if (curve := _curve(one))}
    if curves:
        yield from _panels(run, step, shown, curves)
    else:
        yield tag("p", "There is no latency to show in this step; what is withheld is told below.")
    heads = ["target", "messages timed", *(f"{judging.named(one)}, ms" for one in PERCENTILES)]
    heads += [
        *(["generator late, p99, ms"] if step.rate else []),
        QUANTITIES["throughput"].unit_in(step.unit),
        "errors",
    ]
    rows = [
        (
            one,
            [
                f"{one.figure.latency.samples:,}" if one.figure.latency else NONE,
                *(_milliseconds(one.figure.latency, percentile) for percentile in PERCENTILES),
                *([_milliseconds(one.figure.lateness, "p99")] if step.rate else []),
                f"{one.figure.throughput:,.0f}" if one.figure.throughput is not None else NONE,
                f"{one.figure.errors.total:,}",
            ],
        )
        for one in shown
    ]
    yield _scrolling(
        f"Latency in {step.name}",
        tag(
            "table",
            tag("caption", f"Latency; “{NONE}” is withheld, or not there: see below."),
            tag("thead", tag("tr", (tag("th", head, scope="col") for head in heads))),
            tag("tbody", (_row(run, one.target, (tag("td", cell) for cell in cells)) for one, cells in rows)),
        ),
    )


def _row(run: BenchRun, target: Benched, cells: Iterable[Child]) -> Element:
    is_yardstick = target.label in _yardsticks(run)
    head = tag("th", _name(target.label), " (yardstick)" if is_yardstick else None, scope="row")
    return tag("tr", head, cells, class_="yardstick-row" if is_yardstick else None)


def _name(label: str) -> Element:
    """A label, which may be anything, in a direction of its own."""
    return tag("bdi", label)


def _scrolling(name: str, table: Element) -> Element:
    """A table that may be wider than a telephone, and can be scrolled by keys."""
    return tag("div", table, class_="scroll", role="region", tabindex=0, aria_label=name)


def _milliseconds(spread: Spread | None, percentile: str) -> str:
    value = getattr(spread, percentile) if spread else None
    return QUANTITIES["p50"].shown(value) if value is not None else NONE


def _curve(shown: _Shown) -> Curve | None:
    """Up to the last percentile that has messages enough beyond it; None where the latency is withheld."""
    figure = shown.figure
    if not figure.latency or judging.is_withheld(LATENCY, figure.refusals):
        return None
    timed = [
        one
        for one in shown.target.measurements
        if one.step == figure.step and not judging.is_withheld(LATENCY, one.refusals)
    ]
    histogram = judging.merged(timed, "latency")
    samples = histogram.get_total_count()
    wanted = [one for one in _POINTS if samples >= judging.needed(one)]
    found = histogram.get_percentile_to_value_dict(wanted) if wanted else {}
    points = [(at, found[at] / 1e6) for at in wanted if found.get(at)]
    marks = [
        (at, value / 1000) for name, at in PERCENTILES.items() if (value := getattr(figure.latency, name)) is not None
    ]
    return Curve(points, marks) if points and marks else None


def _panels(run: BenchRun, step: Step, shown: Sequence[_Shown], curves: dict[str, Curve]) -> Iterator[Element]:
    axis = charts.logarithmic(value for curve in curves.values() for _, value in [*curve.points, *curve.marks])
    shared = f"{_anchor(run, step)}-curves"
    yardsticks = _yardsticks(run)
    kinds = [("own", "the target above the panel, marked at the percentiles of the table")]
    if yardsticks & curves.keys():
        kinds.append(("yardstick", f"the yardstick, {run.yardstick}"))
    if len(curves) > 1:
        kinds.append(("other", "all the others"))
    yield tag(
        "p",
        "From left to right: percentiles, on a scale on which each ten times rarer is as far again. "
        "Upwards: latency in milliseconds, logarithmic, the same in all panels. "
        "A curve ends where fewer than 100 messages lie beyond.",
        class_="quiet",
    )
    yield tag("ul", (tag("li", charts.sample(kind), says) for kind, says in kinds), class_="legend")
    yield charts.frame(axis, curves.values(), shared)
    figures = []
    for one in shown:
        own = curves.get(one.label)
        yardstick = next(
            (
                curves.get(other.label)
                for other in run.targets
                if other.label in yardsticks and other.via == one.target.via
            ),
            None,
        )
        says = _spoken(one.figure.latency) if own else ["latency withheld"]
        name = f"{one.label}: {', '.join(says)}"
        panel = charts.panel(axis, own, None if own is yardstick else yardstick, shared, name)
        lines = (part for line in says for part in (tag("br"), tag("span", line, class_="quiet")))
        caption = tag("figcaption", tag("strong", _name(one.label)), lines)
        figures.append(tag("figure", caption, panel))
    yield tag("div", figures, class_="panels")


def _spoken(spread: Spread | None) -> list[str]:
    """The median and the greatest percentile that is shown, as in `p99 8.250 ms`."""
    there = [name for name in PERCENTILES if spread and getattr(spread, name) is not None]
    ends = list(dict.fromkeys([*there[:1], *there[-1:]]))
    return [f"{judging.named(one)} {_milliseconds(spread, one)} ms" for one in ends]


def _estimates(run: BenchRun, step: Step, quantity: Quantity, shown: Sequence[_Shown]) -> Iterator[Element]:
    """Dots with intervals and the same figures, if the quantity has any of these."""
    found: list[tuple[Benched, Estimate]] = []
    for one in shown:
        value = quantities.of_figure(one.figure, quantity)
        if isinstance(value, Estimate):
            found.append((one.target, _scaled(value, quantity)))
    if not found:
        return
    found.sort(key=lambda one: one[1].mean)
    ratios = {
        one.target: one
        for one in run.comparisons
        if (one.step, one.to_step, one.quantity) == (step.name, None, quantity.key) and one.to in _yardsticks(run)
    }
    axis = charts.fitting([estimate for _, estimate in found])
    heads = [f"to {run.yardstick}"] if ratios else []
    title = quantity.title[0].upper() + quantity.title[1:]
    scale = ", logarithmic" if axis.logarithmic else ""
    yield tag("h3", f"{title}, {quantity.unit_in(step.unit)}")
    caption = f"The mean and its interval of 95 %; {quantity.better} is better{scale}."
    if any(target.label in _yardsticks(run) for target, _ in found):
        caption += " The hollow dot is the yardstick."
    if heads:
        caption += " “=”: the two cannot be told apart."
    rows = []
    for target, estimate in found:
        ratio = ratios.get(target.label)
        cells = [tag("td", _ratio(ratio), None if ratio is None or ratio.distinguishable else " =")] if heads else []
        is_yardstick = target.label in _yardsticks(run)
        rows.append(_dots_row(run, target, estimate, axis, quantity.digits, cells, yardstick=is_yardstick))
    yield _dots_table(f"{title} in {step.name}", caption, ["target", None, "mean", *heads], rows, axis)


def _scaled(estimate: Estimate, quantity: Quantity) -> Estimate:
    low, mean, high = (value / quantity.scale for value in (estimate.low, estimate.mean, estimate.high))
    return Estimate(mean=mean, low=low, high=high, rounds=estimate.rounds)


def _dots_row(
    run: BenchRun,
    target: Benched,
    estimate: Estimate,
    axis: Axis,
    digits: int,
    cells: Iterable[Child],
    *,
    yardstick: bool,
) -> Element:
    mean, low, high = (f"{value:,.{digits}f}" for value in (estimate.mean, estimate.low, estimate.high))
    said = f"{target.label}: {mean}" + (f", from {low} to {high}" if estimate.rounds > 1 else "")
    chart = charts.dots(estimate, axis, said, yardstick=yardstick)
    text = tag("td", mean, _interval(low, high, estimate))
    return _row(run, target, [tag("td", chart, class_="plot"), text, *cells])


def _dots_table(name: str, caption: str, heads: Sequence[str | None], rows: Iterable[Element], axis: Axis) -> Element:
    """A head that is None is the axis."""
    cells = [
        tag("th", charts.scale(axis), class_="plot", aria_label="chart")
        if head is None
        else tag("th", head, scope="col")
        for head in heads
    ]
    table = tag("table", tag("caption", caption), tag("thead", tag("tr", cells)), tag("tbody", rows))
    return _scrolling(name, table)


def _ratio(comparison: Comparison | None) -> Element | str:
    if comparison is None:
        return NONE
    ratio = comparison.ratio
    return tag("span", f"{ratio.mean:.2f}", _interval(f"{ratio.low:.2f}", f"{ratio.high:.2f}", ratio))


def _interval(low: str, high: str, estimate: Estimate) -> list[Child]:
    """An interval as text, behind its mean; of one round there is none."""
    return [" ", tag("span", f"({low}–{high})", class_="interval-text")] if estimate.rounds > 1 else []


def _withheld(step: Step, shown: Sequence[_Shown]) -> Iterator[Element]:
    """What is withheld in a step, and what went wrong."""
    lines: list[Child] = []
    few: dict[str, list[str]] = {}
    for one in shown:
        reasons: dict[str, list[str]] = {}
        for refusal in one.figure.refusals:
            if refusal.why is Why.SAMPLES:
                few.setdefault(refusal.withheld, []).append(one.label)
            else:
                reasons.setdefault(refusal.says, []).append(refusal.withheld)
        for says, withheld in reasons.items():
            what = "figure" if EVERYTHING in withheld else " and no ".join(withheld)
            lines.append(tag("li", _name(one.label), f": no {what}: {says}"))
        if one.figure.errors.total:
            lines.append(tag("li", _name(one.label), f": {rendering.errors(one.figure.errors)}"))
    for percentile, labels in few.items():
        whose = "all targets" if len(labels) == len(shown) else ", ".join(labels)
        least = judging.needed(PERCENTILES[percentile])
        lines.append(tag("li", f"{judging.named(percentile)} of {whose}: fewer than {least:,} messages were timed"))
    if lines:
        yield tag("h3", "What is withheld, and what went wrong")
        yield tag("ul", lines)


def _yardsticks(run: BenchRun) -> set[str]:
    """The labels of what others are compared with: the yardstick, by each route."""
    return {one.label for one in run.targets if not one.again and is_yardstick(one, run.yardstick)}


def _again(run: BenchRun) -> list[Comparison]:
    labels = {one.label for one in run.targets if one.again}
    return [one for one in run.comparisons if one.target in labels and not one.to_step]


def _otherwise(run: BenchRun) -> list[Comparison]:
    """Each stack that ran otherwise than it usually does, without its mends for one, compared with itself."""
    names = {one.label: one.name for one in run.targets if not one.again}
    found = [one for one in run.comparisons if one.target in names and names[one.target] == names.get(one.to)]
    return [one for one in found if not one.to_step]


def _push(run: BenchRun) -> Iterator[Element]:
    """What a delivered message costs by how seldom one is said, and from where on push costs less than polling."""
    if not (found := curves.table(run)):
        return
    yield tag("h2", "Push or poll", id="push")
    yield tag("ul", (tag("li", tag("bdi", line)) for line in curves.sentences(run)))
    rows = (
        tag("tr", tag("th", _name(name), scope="row"), (tag("td", cell) for cell in cells))
        for name, *cells in found.rows
    )
    heads = tag("tr", (tag("th", head, scope="col") for head in ["target and transport", *found.header[1:]]))
    caption = tag("caption", f"{curves.TITLE}. {curves.LEGEND}")
    yield _scrolling("Push or poll", tag("table", caption, tag("thead", heads), tag("tbody", rows)))


def _noise(run: BenchRun) -> Iterator[Element]:
    """The yardstick, compared with itself."""
    found = _again(run)
    if not found:
        return
    apart = sum(one.distinguishable for one in found)
    says = f"of these {len(found)} comparisons of the same with the same, {apart or 'none'} found a difference"
    yield tag("h2", "How much is noise", id="noise")
    yield tag(
        "p",
        f"The yardstick, {run.yardstick}, ran twice in every round. Here its second server is compared with its first. "
        "Their true ratio is 1; what is seen is how much the figures vary on this machine, over "
        f"{_rounds(run.rounds)}. One comparison in twenty may find a difference where there is none; {says}.",
    )
    yield _comparisons("The yardstick compared with itself", found)


def _otherwise_told(run: BenchRun) -> Iterator[Element]:
    found = _otherwise(run)
    if not found:
        return
    yield tag("h2", "The same stack, run otherwise", id="otherwise")
    yield tag(
        "p",
        "Each of these is compared with itself as it usually runs, within rounds. “Bare” is without what the service "
        "mends: where that costs less, the difference is the price of the mends.",
    )
    yield _comparisons("Run otherwise than usual", found, named=True)


def _beside(run: BenchRun) -> Iterator[Element]:
    """Each target in a step in which some never read, compared with itself in the step without them."""
    if found := [one for one in run.comparisons if one.to_step]:
        yield tag("h2", "Beside connections that never read", id="beside")
        yield tag(
            "p", "Each target beside connections that never read, compared with itself without them, within rounds."
        )
        yield _comparisons("Beside connections that never read", found, named=True)


def _comparisons(name: str, found: Sequence[Comparison], *, named: bool = False) -> Element:
    axis = charts.around_one([one.ratio for one in found])
    rows = []
    for one in found:
        title = QUANTITIES[one.quantity].title if one.quantity in QUANTITIES else one.quantity
        head = tag(
            "th", _name(one.target) if named else None, ", " if named else None, f"{one.step}: {title}", scope="row"
        )
        spoken = telling.counted(one.ratio)
        chart = charts.dots(one.ratio, axis, f"{one.target}, {one.step}, {title}: {spoken}", line=1.0)
        cells = [
            tag("td", chart, class_="plot"),
            tag("td", _ratio(one)),
            tag("td", "yes" if one.distinguishable else "no"),
        ]
        rows.append(tag("tr", head, cells))
    caption = "The ratio and its interval of 95 %, logarithmic."
    return _dots_table(name, caption, ["what", None, "ratio", "told apart"], rows, axis)


def _end(run: BenchRun) -> Iterator[Element]:
    yield tag("h2", "How it was measured", id="method")
    yield tag("ul", (tag("li", " ".join(one.split())) for one in _METHOD.split("\n\n")))
    yield tag("h2", "What was measured", id="targets")
    columns: dict[str, Callable[[Benched], Child]] = {
        "target": lambda one: _name(one.label),
        "address": lambda one: tag("bdi", one.url),
        "versions": rendering.versions,
        "mends": lambda one: one.mends or NONE,
        "settings": rendering.settings,
        "kept to CPUs": lambda one: ", ".join(map(str, one.cores)) or NONE,
        "longest message": lambda one: _limit(one.limits.max_message, "bytes") if one.limits else NONE,
        "pings every": lambda one: _limit(one.limits.ping_interval, "s") if one.limits else NONE,
    }
    table = tag(
        "table",
        tag("caption", "The targets, as they were configured"),
        tag("thead", tag("tr", (tag("th", head, scope="col") for head in columns))),
        tag(
            "tbody",
            (
                tag("tr", (tag("td" if number else "th", cell(one)) for number, cell in enumerate(columns.values())))
                for one in run.targets
            ),
        ),
        class_="words",
    )
    yield _scrolling("The targets", table)


def _limit(value: int | None, unit: str) -> str:
    return "no limit" if value is None and unit == "bytes" else "never" if value is None else f"{value:,} {unit}"

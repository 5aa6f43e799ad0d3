"""What was measured, for people to read, and for other programs: tables, Markdown, CSV, and a table that lives."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from echowall.bench import columns, curves, gate, judging, scenarios
from echowall.bench.columns import NONE
from echowall.bench.rounds import Place, Rounds
from echowall.markdown import table as markdown_table
from echowall.results.model import Benched, BenchRun, Comparison, Errors, Figure, Refusal, Step, Why

_LEGEND = f"{NONE} not measured, or withheld: see above"
_PROXY = "proxy: nginx's own CPU, in the same unit as the server's"
#: What is shown of a target beside connections that never read: the ratio to itself without them.
_BESIDE = ("p50", "p99")
_LEGEND_BESIDE = """\
p50 ×, p99 ×: the ratio to the same without what does not read, within rounds; "=" where the two cannot be told apart"""
_RATIOS = """\
to {yardstick}: the ratio of the CPU within rounds, and its interval of 95 %; "=" where the two cannot be told apart"""


def tables(run: BenchRun) -> RenderableType:
    """A table for each step, what is withheld, and what the columns are."""
    parts: list[RenderableType] = []
    for step in run.steps:
        rows = [(target.label, *_cells(run, target, step, figure)) for target, figure in _figures(run, step)]
        parts += [_Fitting(scenarios.title(step), _header(run, step), rows, 1 + len(columns.of(step).columns)), Text()]
    if costs := curves.table(run):
        parts += [_Fitting(curves.TITLE, costs.header, costs.rows, len(costs.header)), Text()]
        parts += [Text(line) for line in curves.sentences(run)]
    parts += [Text(line) for line in _withheld(run)]
    legends = dict.fromkeys(columns.of(step).legend for step in run.steps)
    parts += [Text(legend, style="dim") for legend in (*legends, _LEGEND)]
    if costs:
        parts.append(Text(curves.LEGEND, style="dim"))
    if _has_proxy(run):
        parts.append(Text(_PROXY, style="dim"))
    if any(scenarios.alone(step, run.steps) for step in run.steps):
        parts.append(Text(_LEGEND_BESIDE, style="dim"))
    if run.yardstick:
        parts.append(Text(_RATIOS.format(yardstick=run.yardstick), style="dim"))
    return Group(*parts)


class _Fitting:
    """A table; in two parts, of which the second has what is compared, where it is wider than the terminal."""

    def __init__(self, title: str, header: Sequence[str], rows: Sequence[Sequence[str]], own: int) -> None:
        """The first `own` columns are what each target has of itself, beginning with its label."""
        self._title, self._header, self._rows, self._own = title, header, rows, own

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        every = range(len(self._header))
        whole = self._table(self._title, every)
        if console.measure(whole, options=options.update(width=10_000)).maximum <= options.max_width:
            yield whole
            return
        yield self._table(self._title, every[: self._own])
        if every[self._own :]:
            yield Text()
            yield self._table("", [0, *every[self._own :]])

    def _table(self, title: str, chosen: Sequence[int]) -> Table:
        table = Table(
            *(self._header[number] for number in chosen),
            title=title or None,
            title_justify="left",
            title_style="bold",
            box=None,
            pad_edge=False,
            header_style="bold",
        )
        table.columns[0].min_width = 10
        for column in table.columns[1:]:
            column.justify, column.no_wrap = "right", True
        for row in self._rows:
            table.add_row(escape(row[0]), *(row[number] for number in chosen[1:]))
        return table


def markdown(run: BenchRun) -> str:
    """The same, as Markdown."""
    lines = []
    for step in run.steps:
        rows = [[target.label, *_cells(run, target, step, figure)] for target, figure in _figures(run, step)]
        lines += _markdown(scenarios.title(step), list(_header(run, step)), rows)
    if costs := curves.table(run):
        lines += _markdown(curves.TITLE, costs.header, costs.rows)
        lines += [f"- {line}" for line in curves.sentences(run)]
    if withheld := _withheld(run):
        lines += [*(f"- {line}" for line in withheld), ""]
    setup = [[one.label, versions(one), one.mends or NONE, settings(one)] for one in run.targets]
    lines += _markdown("What was measured", ["target", "versions", "mends", "settings"], setup, numbers=False)
    return "\n".join(lines).rstrip()


def versions(target: Benched) -> str:
    """The versions of what is measured, in one line."""
    return ", ".join(f"{name} {version}" for name, version in target.versions.items()) or NONE


def settings(target: Benched) -> str:
    """How it is configured, in one line."""
    return ", ".join(f"{name}: {found.value}" for name, found in target.settings.items()) or NONE


def _markdown(title: str, header: list[str], rows: Sequence[list[str]], *, numbers: bool = True) -> list[str]:
    """All columns but the first are set to the right where they are numbers."""
    return [f"### {title}", "", markdown_table(header, rows, right=range(1, len(header)) if numbers else ()), ""]


def comma_separated(run: BenchRun) -> str:
    """A line for each target and step. Times are in microseconds, memory and the size of a message in bytes.

    The throughput is in units a second, and the CPU time is for each unit: see the column `unit`.
    """
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    percentiles = [*judging.PERCENTILES]
    rows.writerow(
        ["target", "via", "mends", "step", "unit", "size", "connections", "rounds", "offered", "throughput"]
        + [f"latency_{one}" for one in percentiles]
        + [f"uncorrected_{one}" for one in percentiles]
        + [f"lateness_{one}" for one in percentiles]
        + [
            f"{what}{edge}"
            for what in ("cpu", "proxy_cpu", "memory", "socket_memory")
            for edge in ("", "_low", "_high")
        ]
        + ["requests", "opened", "down", "up", *Errors.__struct_fields__, "withheld"]
    )
    for step in run.steps:
        for target, figure in _figures(run, step):
            rows.writerow(
                [target.label, target.via, target.mends, step.name, step.unit, figure.size or step.size]
                + [step.connections, figure.rounds, figure.offered, figure.throughput]
                + [
                    getattr(spread, one) if spread else None
                    for spread in (figure.latency, figure.uncorrected, figure.lateness)
                    for one in percentiles
                ]
                + [
                    getattr(estimate, edge) if estimate else None
                    for estimate in (figure.cpu, figure.proxy_cpu, figure.memory, figure.socket_memory)
                    for edge in ("mean", "low", "high")
                ]
                + [figure.requests, figure.opened, figure.down, figure.up]
                + [getattr(figure.errors, one) for one in Errors.__struct_fields__]
                + ["; ".join(f"{judging.named(one.withheld)}: {one.says}" for one in figure.refusals)]
            )
    return stream.getvalue()


def plan(console: Console, labels: Sequence[str], steps: Sequence[Step], rounds: int, seconds: float) -> None:
    """What would be measured, and how long that takes."""
    header = ("step", "load", "size", "connections", "warm-up", "measured")
    table = Table(*header, box=None, pad_edge=False, header_style="bold")
    for step in steps:
        size = f"{step.size:,} B" + (", or the most it takes" if step.unit == "MiB" else "")
        numbers = (f"{step.connections:,}", f"{step.warmup:g} s", f"{step.seconds:g} s")
        table.add_row(step.name, scenarios.told(step), size, *numbers)
    console.print(table)
    noun = "target" if len(labels) == 1 else "targets"
    console.print(f"\n{len(labels)} {noun}: {escape(', '.join(labels))}", highlight=False)
    times = "once" if rounds == 1 else f"{rounds} times"
    console.print(f"Each step is measured {times} for each target: about {duration(seconds)} in all.", highlight=False)


def duration(seconds: float) -> str:
    """For people: `45 s`, `12 min`, `1 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if minutes < 90 else f"{hours} h {rest} min"


def progress(rounds: Rounds, place: Place | None, figures: Callable[[str], Sequence[tuple[str, Figure]]]) -> Group:
    """The table that lives: the step that is measured, by the whole rounds until now, and the time that is left."""
    if place is None:
        return Group(Text(f"starting; about {duration(rounds.clock.total)}", style="dim"))
    step = next(one for one in rounds.steps if one.name == place.step)
    titles = [one.title for one in columns.of(step).columns]
    table = Table("", *titles, box=None, pad_edge=False, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for label, figure in figures(place.step):
        table.add_row(escape(label), *_columns(step, figure))
    line = (
        f"round {place.round} of {rounds.count}: {place.label}, {place.step}; "
        f"about {duration(rounds.clock.left())} left"
    )
    return Group(table, Text(line, style="dim")) if table.row_count else Group(Text(line, style="dim"))


def _header(run: BenchRun, step: Step) -> tuple[str, ...]:
    proxy = ("proxy",) if _has_proxy(run) else ()
    titles = [one.title for one in columns.of(step).columns]
    beside = [f"{quantity} ×" for quantity in _BESIDE] if scenarios.alone(step, run.steps) else []
    return ("", *titles, *proxy, *((f"to {run.yardstick}",) if run.yardstick else ()), *beside)


def _has_proxy(run: BenchRun) -> bool:
    return any(figure.proxy_cpu for target in run.targets for figure in target.figures)


def _figures(run: BenchRun, step: Step) -> Iterator[tuple[Benched, Figure]]:
    for target in run.targets:
        for figure in target.figures:
            if figure.step == step.name:
                yield target, figure


def _cells(run: BenchRun, target: Benched, step: Step, figure: Figure) -> list[str]:
    cells = _columns(step, figure)
    if _has_proxy(run):
        cells.append(columns.estimate(figure.proxy_cpu))
    if run.yardstick:
        cells.append(_ratio(_comparison(run, target, figure)))
    if alone := scenarios.alone(step, run.steps):
        cells += [_factor(_beside(run, target, step, alone, quantity)) for quantity in _BESIDE]
    return cells


def _columns(step: Step, figure: Figure) -> list[str]:
    return [one.cell(step, figure) for one in columns.of(step).columns]


def _comparison(run: BenchRun, target: Benched, figure: Figure) -> Comparison | None:
    yardsticks = {one.label for one in run.targets if one.name == run.yardstick}
    wanted = (target.label, figure.step, None, "cpu")
    return next(
        (
            one
            for one in run.comparisons
            if (one.target, one.step, one.to_step, one.quantity) == wanted and one.to in yardsticks
        ),
        None,
    )


def _beside(run: BenchRun, target: Benched, step: Step, alone: Step, quantity: str) -> Comparison | None:
    wanted = (target.label, step.name, alone.name, quantity)
    return next(
        (one for one in run.comparisons if (one.target, one.step, one.to_step, one.quantity) == wanted),
        None,
    )


def _ratio(comparison: Comparison | None) -> str:
    if comparison is None:
        return NONE
    ratio = comparison.ratio
    interval = f" ({ratio.low:.2f}–{ratio.high:.2f})" if ratio.rounds > 1 else ""
    return f"{ratio.mean:.2f}{interval}{'' if comparison.distinguishable else ' ='}"


def _factor(comparison: Comparison | None) -> str:
    if comparison is None:
        return NONE
    return f"{comparison.ratio.mean:.2f}{'' if comparison.distinguishable else ' ='}"


def _withheld(run: BenchRun) -> list[str]:
    """What is withheld, and what went wrong. How late the generator was in each case the results say."""
    lines = [line for target in run.targets for line in _at_the_gate(target)]
    for step in run.steps:
        limited: dict[tuple[str, ...], list[str]] = {}
        for target, figure in _figures(run, step):
            where = f"{target.label}, {step.name}"
            reasons: dict[tuple[Why, str], list[str]] = {}
            for one in figure.refusals:
                if one.why not in (Why.SAMPLES, Why.GATE):
                    reasons.setdefault((one.why, one.says), []).append(one.withheld)
            for (why, says), what in reasons.items():
                if why is Why.GENERATOR:
                    limited.setdefault(tuple(what), []).append(target.label)
                else:
                    lines.append(f"{where}: {_no(what)}: {says}")
            if figure.errors.total:
                lines.append(f"{where}: {errors(figure.errors)}")
        for whats, labels in limited.items():
            lines.append(f"{step.name}: {_no(whats)} of {', '.join(labels)}: the generator was the limit")
    few = {one.withheld for step in run.steps for _, figure in _figures(run, step) for one in _few(step, figure)}
    for percentile, at in judging.PERCENTILES.items():
        if percentile in few:
            lines.append(f"{percentile} is withheld where fewer than {judging.needed(at):,} messages were timed")
    return lines


def _at_the_gate(target: Benched) -> Iterator[str]:
    """What was wrong with its echo, and what else was wrong."""
    for refusal in gate.refusals(target):
        yield f"{target.label}: no figure: {refusal.says}"
    beside = [f"{one.check}: {one.outcome}" for one in target.gate if not gate.withholds(one)]
    if beside:
        yield f"{target.label}: beside its echo it gets wrong {', '.join(beside)}"


def _no(what: Sequence[str]) -> str:
    return f"no {' and no '.join('figure' if one == judging.EVERYTHING else one for one in what)}"


def _few(step: Step, figure: Figure) -> list[Refusal]:
    """Of the percentiles that are shown."""
    shown = {one.title for one in columns.of(step).columns}
    return [one for one in figure.refusals if one.why is Why.SAMPLES and one.withheld in shown]


def errors(found: Errors) -> str:
    """As in `3 lost, 1 on another connection`."""
    words = {
        "twice": "came twice",
        "strays": "on another connection",
        "disordered": "out of order",
        "unsent": "not sent, for their connection had ended",
        "unanswered": "still underway at the end",
        "connections": "connections ended",
        "refused": "connections not opened",
        "unclosed": "connections not closed in answer",
        "failed": "requests failed",
    }
    counted = {name: getattr(found, name) for name in Errors.__struct_fields__}
    return ", ".join(f"{count:,} {words.get(name, name)}" for name, count in counted.items() if count)

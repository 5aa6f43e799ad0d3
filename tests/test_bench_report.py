"""The report of a benchmark: one file that loads nothing and says what the run says."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from typer.testing import CliRunner

from echowall.bench import charts, markup, report, scenarios, summary
from echowall.bench.quantities import QUANTITIES
from echowall.cli import app
from echowall.results import store
from echowall.results.model import Benched, BenchRun, Errors, Estimate, Unit
from tests.test_bench_cli import SHORT, bench
from tests.test_bench_results import AGAIN, ALPHA, BETA, LATE, ROUNDS, SLOW, STEP, benched, measurement
from tests.test_bench_results import run as run_of

HOSTILE = "ws://x/<script>alert(1)</script>\"'&amp;<img src=http://evil.example/ onerror=alert(1)>"
#: Elements that HTML has no end tag for.
VOID = {"meta", "br"}
#: Attributes from which something may be loaded.
LOADING = {"src", "href", "xlink:href", "data", "poster", "srcset", "action", "formaction", "background"}


class Page(HTMLParser):
    """The page, read as a browser would: its elements with their attributes, its tables and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        """By the names of the regions that they are in: their rows, as texts."""
        self.text = ""
        self.open: list[str] = []
        self._rows: list[list[str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if name := dict(attrs).get("aria-label"):
            self._rows = self.tables.setdefault(name, []) if tag == "div" else self._rows
        if tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td"):
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"th", "td"} & set(self.open):
            self._rows[-1][-1] += data

    def row(self, table: str, label: str) -> list[str]:
        return next(row for row in self.tables[table] if row[0].startswith(label))


def page(run: BenchRun) -> Page:
    text = report.html(run)
    assert text.startswith("<!doctype html>\n<html")
    read = Page(text)
    assert read.open == []
    return read


def test_the_figures_of_the_tables_are_those_of_the_run() -> None:
    shown = page(run_of(BETA, AGAIN, ALPHA))

    (figure,) = ALPHA.figures
    assert figure.latency
    assert figure.cpu
    latency = shown.row("Latency in 64 B at 1000/s", "alpha")
    p50, p90, p99 = (
        f"{(value or 0) / 1000:.3f}" for value in (figure.latency.p50, figure.latency.p90, figure.latency.p99)
    )
    assert latency == ["alpha", "12,000", p50, p90, p99, "–", "0.002", "1,000", "0"]
    cpu = shown.row("The server's CPU in 64 B at 1000/s", "alpha")
    assert cpu[2] == f"{figure.cpu.mean:.1f} ({figure.cpu.low:.1f}–{figure.cpu.high:.1f})"
    assert cpu[3].startswith("2.11 (")
    assert shown.row("The server's memory in 64 B at 1000/s", "alpha")[2] == "32.0 (32.0–32.0)"
    assert [row[0] for row in shown.tables["The server's CPU in 64 B at 1000/s"]] == [
        "target", "beta (yardstick)", "beta (again)", "alpha"
    ]  # fmt: skip


def test_curves_are_drawn_and_named_in_words() -> None:
    shown = page(run_of(BETA, AGAIN, ALPHA))

    panels = [attributes for tag, attributes in shown.elements if tag == "svg" and attributes.get("class") == "panel"]
    assert [one["aria-label"] for one in panels] == [
        f"{name}: p50 0.500 ms, p99 0.500 ms" for name in ("beta", "beta (again)", "alpha")
    ]
    own = [attributes for tag, attributes in shown.elements if tag == "polyline" and attributes["class"] == "own"]
    assert len(own) == 3
    dots = [attributes for tag, attributes in shown.elements if tag == "svg" and attributes.get("class") == "dots"]
    assert all(one["role"] == "img" and one["aria-label"] for one in dots)
    assert any(str(one["aria-label"]).startswith("alpha: 203.5, from 20") for one in dots)


def test_a_curve_ends_where_too_few_messages_lie_beyond_it() -> None:
    def last(each: int) -> float:
        found = [measurement(1, latency=measurement_of(each))]
        shown = page(run_of(benched("alpha", found)))
        (points,) = (
            str(attributes["points"])
            for tag, attributes in shown.elements
            if tag == "polyline" and attributes["class"] == "own"
        )
        return float(points.split()[-1].partition(",")[0])

    assert last(1_000) < last(10_000) < last(100_000) <= charts.WIDTH


def measurement_of(each: int) -> str:
    """A histogram of so many messages."""
    from tests.test_bench_judging import histogram

    return histogram(400, 500, each=each // 2)


def test_nothing_is_loaded_and_no_script_runs() -> None:
    shown = page(run_of(BETA, AGAIN, ALPHA))

    assert {tag for tag, _ in shown.elements} & {"script", "img", "link", "iframe", "object", "embed", "base"} == set()
    for tag, attributes in shown.elements:
        for name in LOADING & attributes.keys():
            assert re.fullmatch(r"#[\w-]+", str(attributes[name])), (tag, name)
        assert not any(name.startswith("on") for name in attributes)
    style = (Path(report.__file__).parent / "report.css").read_text()
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = (one["content"] for tag, one in shown.elements if one.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'")


def test_every_reference_within_the_page_leads_somewhere() -> None:
    shown = page(run_of(BETA, AGAIN, ALPHA))

    there = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(there) == len(set(there))
    assert {str(one["href"])[1:] for _, one in shown.elements if "href" in one} <= set(map(str, there))


def test_hostile_names_are_text() -> None:
    found = [measurement(number, refusals=SLOW[:1]) for number in ROUNDS]
    target = Benched(
        name=HOSTILE,
        url=HOSTILE,
        versions={HOSTILE: HOSTILE},
        measurements=found,
        figures=[summary.figure(STEP, found, 1)],
    )
    run = run_of(BETA, AGAIN, target)
    run.engine = run.commit = run.yardstick = HOSTILE
    run.generator = {HOSTILE: HOSTILE}
    plain = {tag for tag, _ in page(run_of(BETA, AGAIN, ALPHA)).elements}

    shown = page(run)

    assert shown.text.count(HOSTILE) > 8
    assert {tag for tag, _ in shown.elements} <= plain
    assert not any(name.startswith("on") for _, attributes in shown.elements for name in attributes)
    assert any(HOSTILE in str(attributes.get("aria-label")) for _, attributes in shown.elements)


def test_what_is_withheld_is_said_with_its_reason() -> None:
    slow = benched("gamma", [measurement(number, refusals=SLOW, errors=Errors(lost=2)) for number in ROUNDS])
    late = benched("delta", [measurement(number, refusals=[LATE]) for number in ROUNDS])

    shown = page(run_of(BETA, AGAIN, slow, late))

    assert "gamma: no latency and no cost: cannot hold 1,000/s: 400/s came back (in 6 of 6 rounds)" in shown.text
    assert "gamma: 12 lost" in shown.text
    assert f"delta: no latency: {LATE.says} (in 6 of 6 rounds)" in shown.text
    assert "p99.9 of beta, beta (again): fewer than 100,000 messages were timed" in shown.text
    assert shown.row("Latency in 64 B at 1000/s", "gamma")[1:5] == ["–"] * 4
    assert "gamma" not in [row[0] for row in shown.tables["The server's CPU in 64 B at 1000/s"]]
    named = [str(one["aria-label"]) for _, one in shown.elements if one.get("class") == "panel"]
    assert "gamma: latency withheld" in named


def test_the_noise_and_what_ran_otherwise_have_tables_of_their_own() -> None:
    bare = benched("alpha", [measurement(number, cpu=100.0 + number) for number in ROUNDS])
    bare.mends = "off"

    shown = page(run_of(BETA, AGAIN, ALPHA, bare))

    noise = shown.row("The yardstick compared with itself", "64 B at 1000/s: the server's CPU")
    assert noise[2].startswith("1.0")
    assert noise[3] == "no"
    assert shown.row("Run otherwise than usual", "alpha (bare), 64 B at 1000/s: the server's CPU")[2].startswith(
        "0.51 ("
    )
    assert "none found a difference" in shown.text
    assert "How much is noise" not in page(run_of(ALPHA)).text


def test_where_and_how_it_was_measured_is_said() -> None:
    run = run_of(BETA, AGAIN, ALPHA)

    shown = page(run)

    for fact in (
        run.machine.processor,
        run.machine.system,
        run.commit,
        run.id,
        "processes",
        "uvloop 0.23.0",
        "by seed 1",
    ):
        assert str(fact) in shown.text
    assert "1,000 text messages of 64 bytes a second over 50 connections" in shown.text
    assert shown.row("The targets", "alpha")[1:] == [
        "ws://127.0.0.1:8000/foobar/", "python 3.13.5", "on", "deflate: on", "0", "no limit", "20 s"
    ]  # fmt: skip


@pytest.mark.parametrize(("rounds", "said"), [(0, "before its first round was whole"), (1, "whole by then: 1 round.")])
def test_an_interrupted_run_is_marked(rounds: int, said: str) -> None:
    run = run_of(*([BETA] if rounds else []))
    run.rounds, run.interrupted = rounds, True

    shown = page(run)

    assert "Interrupted." in shown.text
    assert said in shown.text
    assert "Interrupted." not in page(run_of(BETA)).text


def test_a_run_without_any_figure_is_a_report_still() -> None:
    nothing = Benched(name="alpha", url="")
    steps = [*run_of(BETA).steps, *scenarios.steps(["saturation"])]

    for run in (run_of(), run_of(nothing), msgspec.structs.replace(run_of(BETA), steps=steps, targets=[])):
        assert "There is no figure of this step." in page(run).text
    assert "How it was measured" in page(msgspec.structs.replace(run_of(), steps=[])).text


def test_a_run_over_a_url_has_neither_yardstick_nor_cost() -> None:
    found = [measurement(1, cpu=None, memory=None)]
    target = Benched(name="ws://a/", url="ws://a/", measurements=found, figures=[summary.figure(STEP, found, 1)])
    run = msgspec.structs.replace(run_of(target), yardstick="", engine=None, commit=None, clean=None)

    shown = page(run)

    assert list(shown.tables) == ["Latency in 64 B at 1000/s", "The targets"]
    assert "the yardstick," not in shown.text


@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_every_scenario_is_drawn_in_its_own_units(name: str) -> None:
    steps = scenarios.steps([name])

    def found(label: str, *, again: bool = False) -> Benched:
        measurements = [
            measurement(number, step=step.name, offered=step.rate, socket_memory=9.0)
            for number in ROUNDS
            for step in steps
        ]
        target = benched(label, measurements, again=again)
        target.figures = [
            summary.figure(step, [one for one in measurements if one.step == step.name], 1) for step in steps
        ]
        return target

    targets = [found("beta"), found("beta", again=True), found("alpha")]
    run = msgspec.structs.replace(
        run_of(*targets), steps=steps, comparisons=summary.compared(targets, "beta", steps, 1)
    )

    shown = page(run)

    for step in steps:
        assert step.name in shown.text
        assert f"The server's CPU, {QUANTITIES['cpu'].unit_in(step.unit)}" in shown.text
    assert ("Beside connections that never read" in shown.text) is any(step.stuck for step in steps)


def estimates(*values: float) -> list[Estimate]:
    return [Estimate(mean=one, low=one * 0.9, high=one * 1.1, rounds=6) for one in values]


@pytest.mark.parametrize(
    ("values", "logarithmic"),
    [((1, 2), False), ((100, 110), False), ((1, 100), True), ((0.001, 5000), True), ((0, 0), False)],
)
def test_an_axis_holds_its_values_and_has_few_ticks(values: tuple[float, ...], *, logarithmic: bool) -> None:
    axis = charts.fitting(estimates(*values))

    assert axis.logarithmic is logarithmic
    for one in estimates(*values):
        assert 0 <= axis.at(one.low) <= axis.at(one.mean) <= axis.at(one.high) <= 1
    assert 1 <= len(axis.ticks) <= 5
    assert all(0 <= axis.at(tick) <= 1 for tick in axis.ticks)


def test_ratios_have_one_in_the_middle() -> None:
    for values in ((1.0,), (0.5, 3.0), (0.0,)):
        assert charts.around_one(estimates(*values)).at(1.0) == pytest.approx(0.5)


def test_text_and_attributes_are_escaped_by_construction() -> None:
    made = markup.document(markup.tag("p", "<b>", markup.tag("i", "&"), '"<', class_='"><script>', hidden=None))

    read = Page(made)
    assert read.elements == [("p", {"class": '"><script>'}), ("i", {})]
    assert read.text.strip() == '<b>&"<'


def kept(run: BenchRun, tmp_path: Path) -> str:
    file = tmp_path / "run.json"
    file.write_bytes(store.encode(run))
    return str(file)


def command(*arguments: str) -> Any:
    return CliRunner(env={"COLUMNS": "400"}).invoke(app, ["bench", "report", *arguments])


def test_a_kept_run_is_drawn_again(tmp_path: Path) -> None:
    run, file = run_of(BETA, AGAIN, ALPHA), tmp_path / "new/report.html"

    done = command(kept(run, tmp_path), "--html", str(file))

    assert (done.exit_code, done.stdout) == (0, "")
    assert file.read_text("utf-8") == report.html(run)


def test_a_kept_run_is_printed_again_as_it_was(tmp_path: Path) -> None:
    file = kept(run_of(BETA, AGAIN, ALPHA), tmp_path)

    plain, markdown, csv = command(file), command(file, "--markdown"), command(file, "--csv")

    assert "64 B at 1000/s, 50 connections" in plain.stdout
    assert markdown.stdout.startswith("### 64 B at 1000/s")
    assert csv.stdout.startswith("target,via,mends")
    assert command(file, "--markdown", "--csv").exit_code == 2
    nowhere = command(file, "--html", "/")
    assert nowhere.exit_code == 2
    assert "--html /: it cannot be written" in " ".join(nowhere.stderr.replace("│", " ").split())


def test_a_run_is_reported_at_once(echo: int, tmp_path: Path) -> None:
    url, file, drawn = f"ws://127.0.0.1:{echo}/foobar/", tmp_path / "run.json", tmp_path / "run.html"

    done = bench(url, *SHORT, "--json", str(file), "--html", str(drawn))

    assert done.returncode == 0, done.stderr
    run = store.read(file)
    assert isinstance(run, BenchRun)
    assert drawn.read_text("utf-8") == report.html(run)
    assert url in Page(drawn.read_text("utf-8")).text


def test_every_quantity_is_written_as_in_a_sentence() -> None:
    for quantity in QUANTITIES.values():
        assert quantity.title
        assert all(quantity.unit_in(counted) for counted in get_args(Unit))
        assert quantity.shown(1234.5 * quantity.scale).startswith("1,23")

"""What is kept of a benchmark, how rounds become figures, and how they are shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from echowall import documents
from echowall.bench import rendering, scenarios, summary
from echowall.results import store
from echowall.results.index import Index
from echowall.results.model import (
    Benched,
    BenchRun,
    Errors,
    Limits,
    Measurement,
    Refusal,
    Setting,
    Why,
)
from echowall.results.store import StoreError
from tests.runs import facts
from tests.test_bench_judging import histogram

(STEP,) = scenarios.steps(["rate"], rates=[1000.0])
LATE = Refusal(why=Why.GENERATOR, withheld="latency", says="the generator was the limit: it was late")
SLOW = [
    Refusal(why=Why.RATE, withheld=what, says="cannot hold 1,000/s: 400/s came back") for what in ("latency", "cost")
]


def measurement(number: int, *, microseconds: int = 500, refusals: Sequence[Refusal] = (), **facts: Any) -> Measurement:
    """Of a round in which 2,000 messages took that long, and cost 100 µs of CPU each."""
    usual: dict[str, Any] = {
        "step": STEP.name,
        "round": number,
        "offered": STEP.rate,
        "achieved": 1000.0,
        "sent": 3000,
        "errors": Errors(),
        "latency": histogram(microseconds, each=2000),
        "uncorrected": histogram(microseconds - 2, each=2000),
        "lateness": histogram(2, each=2000),
        "generator": 0.2,
        "starved": 0.01,
        "cores": [1],
        "cpu": 100.0,
        "proxy_cpu": None,
        "memory": 32 << 20,
        "refusals": list(refusals),
    }
    return Measurement(**usual | facts)


def benched(name: str, measurements: list[Measurement], *, again: bool = False) -> Benched:
    return Benched(
        name=name,
        url="ws://127.0.0.1:8000/foobar/",
        via="direct",
        versions={"python": "3.13.5"},
        limits=Limits(max_message=None, ping_interval=20),
        settings={"deflate": Setting(value="on", source="default")},
        mends="on",
        again=again,
        cores=[0],
        measurements=measurements,
        figures=[summary.figure(STEP, measurements, 1)],
    )


def test_the_index_has_the_newest_figures_of_each_target(tmp_path: Path) -> None:
    quick = [measurement(number) for number in (1, 2)]
    refused = [measurement(number, refusals=SLOW) for number in (1, 2)]
    kept = run(benched("alpha", quick), benched("alpha", quick, again=True), benched("beta", refused))
    store.add(kept, tmp_path)

    index = msgspec.json.decode((tmp_path / "results/index.json").read_bytes(), type=Index)

    alpha, beta = index.costs  # and none of the second instance
    assert [step.name for step in index.steps] == [STEP.name]
    assert (alpha.file, alpha.step, alpha.plain) == (f"bench/{kept.id}.json", STEP.name, True)
    assert alpha.cpu
    assert alpha.cpu.mean == pytest.approx(100)
    assert alpha.p50 == pytest.approx(500, rel=0.01)
    assert (beta.cpu, beta.p50) == (None, None)


def test_the_index_has_five_digits_of_what_the_run_has_whole(tmp_path: Path) -> None:
    kept = run(benched("alpha", [measurement(number, cpu=200_000 / 3) for number in (1, 2)]))
    store.add(kept, tmp_path)

    [alpha] = msgspec.json.decode((tmp_path / "results/index.json").read_bytes(), type=Index).costs

    whole = kept.targets[0].figures[0].cpu
    assert alpha.cpu
    assert whole
    assert alpha.cpu.mean != whole.mean
    assert alpha.cpu.mean == pytest.approx(whole.mean, rel=5e-5)
    assert len(f"{alpha.cpu.mean:g}".replace(".", "")) <= 5


def run(*targets: Benched) -> BenchRun:
    return BenchRun(
        **facts(),
        seed=1,
        rounds=6,
        yardstick="beta",
        generator={"uvloop": "0.23.0"},
        steps=[STEP],
        targets=list(targets),
        comparisons=summary.compared(targets, "beta", [STEP], 1),
    )


ROUNDS = range(1, 7)
ALPHA = benched("alpha", [measurement(number, cpu=200.0 + number) for number in ROUNDS])
BETA = benched("beta", [measurement(number, cpu=100.0 - number) for number in ROUNDS])
AGAIN = benched("beta", [measurement(number, cpu=97.0 + number % 2) for number in ROUNDS], again=True)


def test_rounds_become_one_figure() -> None:
    (figure,) = ALPHA.figures

    assert (figure.rounds, figure.offered, figure.throughput) == (6, 1000.0, 1000.0)
    assert figure.latency
    assert figure.latency.samples == 12_000
    assert figure.latency.p99 == pytest.approx(500, rel=0.01)
    assert figure.latency.p999 is None
    assert figure.cpu
    assert 201 < figure.cpu.low < figure.cpu.mean < figure.cpu.high < 206
    assert [(one.why, one.withheld) for one in figure.refusals] == [(Why.SAMPLES, "p999")]


def test_rounds_in_which_the_generator_was_the_limit_are_left_out_of_the_latency_alone() -> None:
    late = measurement(6, microseconds=9000, refusals=[LATE])

    figure = summary.figure(STEP, [*(measurement(number) for number in range(1, 6)), late], 1)

    assert figure.rounds == 5
    assert figure.latency
    assert figure.latency.longest < 1000
    assert figure.cpu
    assert figure.cpu.rounds == 6
    assert LATE.withheld not in {one.withheld for one in figure.refusals}


def test_where_it_was_the_limit_in_all_rounds_there_is_no_latency() -> None:
    figure = summary.figure(STEP, [measurement(number, refusals=[LATE]) for number in ROUNDS], 1)

    assert (figure.rounds, figure.latency, figure.uncorrected) == (0, None, None)
    assert figure.lateness
    assert [one.says for one in figure.refusals] == [f"{LATE.says} (in 6 of 6 rounds)"]


def test_a_rate_that_was_not_held_in_one_round_has_no_latency_and_no_cost() -> None:
    slow = measurement(6, achieved=400.0, refusals=SLOW)

    figure = summary.figure(STEP, [*(measurement(number) for number in range(1, 6)), slow], 1)

    assert (figure.latency, figure.cpu) == (None, None)
    assert figure.throughput == 900
    assert figure.memory
    assert {one.says for one in figure.refusals} == {f"{SLOW[0].says} (in 1 of 6 rounds)"}


def test_targets_are_compared_within_rounds_and_the_yardstick_with_itself() -> None:
    told = {(one.target, one.to, one.quantity): one for one in run(BETA, AGAIN, ALPHA).comparisons}

    alpha, again = told["alpha", "beta", "cpu"], told["beta (again)", "beta", "cpu"]
    assert alpha.distinguishable
    assert alpha.ratio.low < 2.1 < alpha.ratio.high
    assert not again.distinguishable
    assert not told["alpha", "beta", "p50"].distinguishable
    assert ("alpha", "beta", "p99") not in told  # no round has enough messages for it
    assert ("alpha", "beta", "throughput") not in told  # which is what was offered


def test_a_run_comes_back_from_the_store_and_is_in_the_index(tmp_path: Path) -> None:
    kept = run(BETA, AGAIN, ALPHA)

    file = store.add(kept, tmp_path)

    assert file == tmp_path / f"results/bench/{kept.id}.json"
    assert store.runs(tmp_path) == [kept]
    assert list(store.faults(tmp_path)) == []
    assert b'"kind": "bench"' in (tmp_path / "results/index.json").read_bytes()


EMPTY: dict[str, Callable[[BenchRun], Any]] = {
    "commit": lambda run: setattr(run, "commit", None),
    "engine": lambda run: setattr(run, "engine", None),
    "yardstick": lambda run: setattr(run, "yardstick", ""),
    "generator": lambda run: run.generator.clear(),
    "steps": lambda run: run.steps.clear(),
    "targets": lambda run: run.targets.clear(),
    "targets[0].versions": lambda run: setattr(run.targets[0], "versions", {}),
    "targets[0].mends": lambda run: setattr(run.targets[0], "mends", None),
    "targets[0].measurements": lambda run: setattr(run.targets[0], "measurements", []),
    "targets[0].figures": lambda run: setattr(run.targets[0], "figures", []),
    "targets[0].measurements[0].step": lambda run: setattr(run.targets[0].measurements[0], "step", ""),
}


@pytest.mark.parametrize(("path", "empty"), EMPTY.items(), ids=EMPTY)
def test_a_run_without_what_is_promised_is_not_taken(
    path: str, empty: Callable[[BenchRun], Any], tmp_path: Path
) -> None:
    lacking = run(benched("alpha", [measurement(1)]))
    empty(lacking)

    with pytest.raises(StoreError) as refused:
        store.add(lacking, tmp_path)

    assert f"{path} must not be empty" in str(refused.value)


def test_other_documents_do_without_benchmarks(checkout: Path, add_service: Callable[..., Path]) -> None:
    add_service("alpha")
    store.add(run(BETA, ALPHA), checkout)

    assert documents.summary(checkout, "en") == "The store of results holds no run yet."


def test_the_tables_have_every_target_and_say_what_is_withheld() -> None:
    refused = benched("gamma", [measurement(number, refusals=SLOW, errors=Errors(lost=2)) for number in ROUNDS])
    late = [benched(name, [measurement(number, refusals=[LATE]) for number in ROUNDS]) for name in ("delta", "epsilon")]
    console = Console(file=io.StringIO(), width=160)

    console.print(rendering.tables(run(BETA, AGAIN, ALPHA, refused, *late)))

    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert "64 B at 1000/s, 50 connections" in told
    rows = {line.split("  ")[0].strip(): line.split() for line in told.splitlines() if line}
    assert rows["alpha"][1:] == ["1,000", "0.50", "0.50", "0.50", "0.00", "203.5", "32.0", "0", *rows["alpha"][9:]]
    assert rows["alpha"][9].startswith("2.11")
    assert rows["beta (again)"][-1] == "="
    assert rows["gamma"][1:] == ["1,000", "–", "–", "–", "0.00", "–", "32.0", "12", "–"]
    assert "gamma, 64 B at 1000/s: no latency and no cost: cannot hold 1,000/s" in told
    assert "gamma, 64 B at 1000/s: 12 lost" in told
    assert "64 B at 1000/s: no latency of delta, epsilon: the generator was the limit" in told


def test_a_table_that_is_too_wide_is_cut_in_two_and_loses_nothing() -> None:
    kept = run(BETA, AGAIN, ALPHA)

    def told(width: int) -> list[str]:
        console = Console(file=io.StringIO(), width=width)
        console.print(rendering.tables(kept))
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue().splitlines()

    wide, narrow = told(160), told(72)

    assert sum(line.startswith("alpha") for line in wide) == 1
    (whole,) = [line.split() for line in wide if line.startswith("alpha")]
    own, compared = [line.split() for line in narrow if line.startswith("alpha")]
    assert own + compared[1:] == whole
    assert max(map(len, narrow)) <= 72


def test_a_ratio_of_one_round_has_no_interval() -> None:
    once = [benched(name, [measurement(1)]) for name in ("beta", "alpha")]

    assert "| 1.00 = |" in rendering.markdown(run(*once))


def test_what_the_proxy_costs_has_a_column_of_its_own_where_there_is_one() -> None:
    proxied = benched("delta", [measurement(number, proxy_cpu=33.0) for number in ROUNDS])

    told = rendering.markdown(run(BETA, proxied))

    assert "| errors | proxy | to beta |" in told
    assert "| 0 | 33.0 |" in told
    assert "| proxy |" not in rendering.markdown(run(BETA))


def test_markdown_tells_what_was_measured_and_how_it_was_configured() -> None:
    told = rendering.markdown(run(BETA, ALPHA))
    odd = msgspec.structs.replace(ALPHA, versions={"py|thon\n": "3"}, settings={})

    assert "| target | versions | mends | settings |" in told
    assert "| alpha | python 3.13.5 | on | deflate: on |" in told
    assert r"| alpha | py\|thon 3 | on | – |" in rendering.markdown(run(BETA, odd))


def test_markdown_and_csv_have_the_same() -> None:
    kept = run(BETA, AGAIN, ALPHA)

    markdown, rows = rendering.markdown(kept), list(csv.DictReader(io.StringIO(rendering.comma_separated(kept))))

    assert markdown.startswith("### 64 B at 1000/s, 50 connections\n\n|  | msg/s | p50 |")
    assert "\n| alpha | 1,000 | 0.50 |" in markdown
    assert [row["target"] for row in rows] == ["beta", "beta (again)", "alpha"]
    assert float(rows[2]["cpu"]) == pytest.approx(203.5, abs=0.1)
    assert rows[2]["latency_p999"] == ""
    assert float(rows[2]["lateness_p99"]) == pytest.approx(2, rel=0.01)

"""What the documents say of kept benchmarks: what each stack costs, and what its mends do."""

from __future__ import annotations

from datetime import timedelta

from echowall.bench import published, summary
from echowall.results.model import Benched, BenchRun
from tests.test_bench_results import AGAIN, ALPHA, BETA, SLOW, STEP, benched, measurement, run

TITLES = {"beta": "Beta", "gamma": "Gamma", "alpha": "Alpha"}


def table(text: str, heading: str) -> list[str]:
    """The rows below that heading."""
    lines = [*text.splitlines(), ""]
    below = lines[lines.index(f"### {heading}") + 2 :]
    return below[: below.index("")]


def test_each_stack_has_its_figure_its_interval_and_its_ratio_to_the_yardstick() -> None:
    text = published.costs([run(ALPHA, BETA, AGAIN)], TITLES)

    assert text.startswith("## `rate`\n")
    assert table(text, "the server's CPU, µs a message (`rate`)") == [
        f"| stack | {STEP.name} |",
        "| --- | ---: |",
        "| Beta | 96.5 (94.7–98.3) |",
        "| Alpha | 203.5 (201.7–205.3), 2.1× |",
    ]
    assert table(text, "latency at p50, ms (`rate`)")[2:] == ["| Beta | 0.500 |", "| Alpha | 0.500, = |"]


def test_what_is_withheld_has_no_figure() -> None:
    refused = benched("gamma", [measurement(number, refusals=SLOW) for number in range(1, 7)])

    text = published.costs([run(BETA, refused)], TITLES)

    assert table(text, "the server's CPU, µs a message (`rate`)")[3:] == ["| Gamma | – |"]


def test_of_too_few_rounds_nothing_is_said_of_the_ratio() -> None:
    seldom = benched("alpha", [measurement(number, cpu=200.0) for number in range(1, 6)])

    text = published.costs([run(seldom, BETA)], TITLES)

    assert table(text, "the server's CPU, µs a message (`rate`)")[3:] == ["| Alpha | 200.0 (200.0–200.0) |"]


def test_a_scenario_is_told_by_one_run_the_widest_and_of_these_the_newest() -> None:
    tuned = benched("alpha", [measurement(number, cpu=1.0) for number in range(1, 7)])
    tuned.tuned = True
    runs = [run(ALPHA, BETA), run(ALPHA, BETA), run(BETA, tuned)]
    for number, one in enumerate(runs):
        one.id, one.began = f"run-{number}", one.began + timedelta(hours=number)

    text = published.costs(reversed(runs), TITLES)

    assert [line for line in text.splitlines() if line.startswith("By [")] == [
        "By [the run of 2026-11-29 13:00](../results/bench/run-1.json): 6 rounds, processes, A processor, 2 cores."
    ]


def test_through_the_proxy_its_cpu_is_told_beside_the_stacks() -> None:
    def proxied(name: str, cpu: float) -> Benched:
        numbers = range(1, 7)
        target = benched(name, [measurement(it, cpu=cpu + it, proxy_cpu=70.0) for it in numbers])
        target.via = "proxy"
        return target

    kept = run(proxied("alpha", 200), proxied("beta", 93))
    kept.comparisons = summary.compared(kept.targets, "beta", [STEP], 1)

    text = published.costs([kept, run(ALPHA, BETA)], TITLES)

    assert "## Through nginx" in text
    head, _, *rows = table(text, f"{STEP.name} (through nginx)")
    assert head.split(" | ")[1:3] == ["the server's CPU, µs a message", "the proxy's CPU, µs a message"]
    assert rows == [
        "| Beta | 96.5 (94.7–98.3) | 70.0 (70.0–70.0) | 0.500 | 0.500 |",
        "| Alpha | 203.5 (201.7–205.3), 2.1× | 70.0 (70.0–70.0) | 0.500, = | 0.500 |",
    ]
    assert "Through nginx" not in published.costs([run(ALPHA, BETA)], TITLES)


def test_what_the_mends_cost_is_told_by_the_newest_run_that_has_a_stack_without_them() -> None:
    bare = benched("alpha", [measurement(number, cpu=100.0 + number) for number in range(1, 7)])
    bare.mends = "off"
    runs = [run(ALPHA, BETA, bare), run(ALPHA, BETA)]
    for number, one in enumerate(runs):
        one.id, one.began = f"run-{number}", one.began + timedelta(hours=number)

    told = published.costs(runs, TITLES).partition("## What the mends cost\n")[2]

    assert "results/bench/run-0.json" in told
    (row,) = [line for line in told.splitlines() if line.startswith("| Alpha")]
    assert row == f"| Alpha | {STEP.name} | 0.51 (0.50–0.51) | distinguishable |"
    assert "What the mends cost" not in published.costs(runs[1:], TITLES)


def test_without_a_run_it_says_so() -> None:
    nothing: list[BenchRun] = []

    assert published.costs(nothing, TITLES) == "The store of results holds no such run yet."

"""What changed between two benchmarks, by runs of which that is known."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from echowall.bench import quantities, scenarios, summary, telling, two_runs
from echowall.bench.compare import NothingInCommonError, compare, few_rounds
from echowall.bench.estimates import LEAST_ROUNDS, LEVEL
from echowall.bench.quantities import QUANTITIES
from echowall.catalog import catalog
from echowall.cli import app
from echowall.results import store
from echowall.results.model import (
    Benched,
    BenchRun,
    Change,
    Changes,
    Errors,
    Estimate,
    Figure,
    Machine,
    Measurement,
    Refusal,
    Share,
    Why,
)
from tests.runs import facts
from tests.test_bench_judging import histogram
from tests.test_bench_results import LATE, SLOW, STEP, measurement

(CLOSED,) = scenarios.steps(["saturation"], sizes=[64], connections=10)[:1]
#: How much a round's figures vary, as the standard deviation of their logarithms.
NOISE = 0.05
#: The seeds of twenty pairs of runs.
SEEDS = range(20)


def target(
    name: str,
    noise: random.Random,
    *,
    rounds: int = LEAST_ROUNDS,
    again: bool = False,
    faster: float = 1.0,
    versions: Mapping[str, str] | None = None,
    times: Mapping[str, float] = {},
) -> Benched:
    """One whose rounds vary by chance, on a machine that is so many times as fast. What is named in `times` (`cpu`,
    `memory`, `latency`) is so many times what it usually is."""
    found = []
    for number in range(1, rounds + 1):
        cpu, memory, latency = (
            usual * times.get(what, 1.0) * noise.lognormvariate(0, NOISE)
            for what, usual in (("cpu", 100.0 / faster), ("memory", 32.0 * (1 << 20)), ("latency", 500.0 / faster))
        )
        found.append(measurement(number, cpu=cpu, memory=round(memory), latency=histogram(round(latency), each=10_000)))
    return benched(name, found, again=again, versions=versions)


def benched(
    name: str, measurements: list[Measurement], *, again: bool = False, versions: Mapping[str, str] | None = None
) -> Benched:
    return Benched(
        name=name,
        url="ws://127.0.0.1:8000/foobar/",
        via="direct",
        versions=dict(versions or {"python": "3.13.5"}),
        mends="on",
        again=again,
        measurements=measurements,
        figures=[summary.figure(STEP, measurements, 1)],
    )


def run(*targets: Benched, yardstick: str = "", **changed: Any) -> BenchRun:
    usual = {
        **facts(),
        "seed": 1,
        "rounds": len(targets[0].measurements),
        "yardstick": yardstick,
        "generator": {"uvloop": "0.23.0"},
        "steps": [STEP],
        "targets": list(targets),
        "comparisons": [],
    }
    return BenchRun(**usual | changed)


def pair(seed: int, rounds: int = LEAST_ROUNDS, **times: float) -> tuple[BenchRun, BenchRun]:
    """Two runs over three targets: in the second, one of them takes so many times what it took."""
    nothing: dict[str, float] = {}
    noise = random.Random(seed)  # noqa: S311 - no secret
    before, after = (
        [
            target(name, noise, rounds=rounds, times=changes)
            for name, changes in zip(("alpha", "beta", "gamma"), ones, strict=True)
        ]
        for ones in ([nothing, nothing, nothing], [times, nothing, nothing])
    )
    return run(*before), run(*after)


def told(found: Changes) -> dict[tuple[str, str], Change]:
    return {(one.target, one.quantity): one for one in found.changes}


def kept(tmp_path: Path, *runs: BenchRun) -> list[str]:
    """The names of files that hold them."""
    files = [tmp_path / f"{number}.json" for number in range(len(runs))]
    for file, one in zip(files, runs, strict=True):
        file.write_bytes(store.encode(one))
    return list(map(str, files))


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["bench", "compare", *arguments])


def test_between_runs_of_the_same_nothing_is_found_in_nineteen_of_twenty_tries() -> None:
    found = [compare(*pair(seed), tolerance=0) for seed in SEEDS]

    assert all(len(one.changes) == 15 for one in found)  # the family that is tested together
    assert sum(any(change.distinguishable for change in one.changes) for one in found) <= 1


def test_chance_finds_anything_among_many_rows_once_in_twenty() -> None:
    noise = random.Random(1)  # noqa: S311 - no secret
    tries = 200

    found = 0
    for _ in range(tries):
        rows = [[noise.gauss() for _ in range(2 * LEAST_ROUNDS)] for _ in range(30)]
        found += min(two_runs.chances(rows, LEAST_ROUNDS)) < LEVEL

    assert 0 < found < tries * LEVEL * 2


def test_half_as_much_again_is_worse_and_seldom_is_anything_else() -> None:
    found = [compare(*pair(seed, cpu=1.5)) for seed in SEEDS]

    for one in found:
        change = told(one)["alpha", "cpu"]
        assert change.worse
        assert 1.2 < change.ratio.low < change.ratio.mean < change.ratio.high < 1.9
        assert change.after / change.before == pytest.approx(change.ratio.mean)
    assert sum(len([change for change in one.changes if change.distinguishable]) > 1 for one in found) <= 1


def test_a_tenth_more_is_told_apart_by_many_rounds_and_forgiven_by_the_tolerance() -> None:
    runs = pair(3, rounds=30, cpu=1.1)

    strict, lenient = (compare(*runs, tolerance=tolerance) for tolerance in (5, 20))

    assert told(strict)["alpha", "cpu"].worse
    assert told(lenient)["alpha", "cpu"].distinguishable
    assert not lenient.worse


def test_the_way_back_is_better_by_the_same_ratio() -> None:
    before, after = pair(1, latency=1.5)

    there, back = told(compare(before, after)), told(compare(after, before))

    for quantity in ("p50", "p90", "p99"):
        worse, better = there["alpha", quantity], back["alpha", quantity]
        assert (worse.worse, worse.better, better.worse, better.better) == (True, False, False, True)
        assert worse.ratio.mean == pytest.approx(1 / better.ratio.mean)


def test_of_throughput_more_is_better() -> None:
    def closed(achieved: float) -> BenchRun:
        found = [
            measurement(number, step=CLOSED.name, offered=None, achieved=achieved + number, lateness="", uncorrected="")
            for number in range(1, 7)
        ]
        one = benched("alpha", found)
        one.figures = [summary.figure(CLOSED, found, 1)]
        return run(one, steps=[CLOSED])

    slower, faster = closed(1000), closed(2000)

    assert told(compare(slower, faster))["alpha", "throughput"].better
    assert told(compare(faster, slower))["alpha", "throughput"].worse
    assert ("alpha", "throughput") not in told(compare(*pair(1)))  # which is what was offered


def test_of_fewer_than_six_rounds_nothing_is_told_apart() -> None:
    few, enough = pair(1, rounds=LEAST_ROUNDS - 1, cpu=10.0), pair(1, cpu=10.0)

    found = compare(*few)

    assert not any(one.distinguishable for one in found.changes)
    assert {one.chance for one in found.changes} == {None}
    assert "takes 6 rounds in both runs, and one has 5; measure with --rounds 6 or more" in few_rounds(*few)
    assert few_rounds(*enough) == ""


def by_yardstick(seed: int, *, faster: float, versions: str = "1", **times: float) -> BenchRun:
    noise = random.Random(seed)  # noqa: S311 - no secret
    return run(
        target("yard", noise, faster=faster, versions={"yard": versions}),
        target("yard", noise, faster=faster, versions={"yard": versions}, again=True),
        target("alpha", noise, faster=faster, times=times),
        yardstick="yard",
        machine=Machine(system="Linux", processor=f"{faster:g} times as fast", cores=2, python="3.11.2"),
    )


def test_a_faster_machine_is_nobodys_merit_where_there_is_a_yardstick() -> None:
    slow, fast = by_yardstick(1, faster=1), by_yardstick(2, faster=3)

    found = compare(slow, fast)

    assert found.yardstick == "yard"
    assert told(found)["alpha", "cpu"].ratio.mean == pytest.approx(1, rel=0.15)
    assert told(found)["yard", "cpu"].ratio.mean == pytest.approx(1 / 3, rel=0.15)
    assert not any(one.better or one.worse for one in found.changes)
    assert [(one.what, one.before, one.after) for one in found.differences] == [
        ("processor", "1 times as fast", "3 times as fast")
    ]


def test_what_is_worse_on_a_faster_machine_is_found() -> None:
    found = compare(by_yardstick(1, faster=1), by_yardstick(2, faster=3, cpu=2.0, memory=2.0))

    assert [(one.target, one.quantity) for one in found.changes if one.worse] == [("alpha", "cpu"), ("alpha", "memory")]


def test_the_yardstick_shows_the_noise_and_is_not_judged() -> None:
    found = told(compare(by_yardstick(1, faster=3), by_yardstick(2, faster=1)))

    assert found["yard", "cpu"].ratio.mean > 2
    assert {(one.target, one.judged) for one in found.values()} == {
        ("yard", False), ("yard (again)", False), ("alpha", True)
    }  # fmt: skip


def test_a_yardstick_that_changed_is_none() -> None:
    found = compare(by_yardstick(1, faster=1), by_yardstick(2, faster=1, versions="2"))

    assert found.yardstick == ""
    assert {one.judged for one in found.changes} == {True}
    assert ("versions of yard", "yard 1", "yard 2") in {(one.what, one.before, one.after) for one in found.differences}


def test_a_yardstick_alone_is_compared_itself() -> None:
    noise = random.Random(1)  # noqa: S311 - no secret
    before, after = (run(target("yard", noise, times={"cpu": cpu}), yardstick="yard") for cpu in (1.0, 2.0))

    assert told(compare(before, after))["yard", "cpu"].worse


def test_rounds_that_go_wrong_are_worse_though_they_have_no_figures() -> None:
    good = benched("alpha", [measurement(number) for number in range(1, 7)])
    bad = benched("alpha", [measurement(number, refusals=SLOW, errors=Errors(lost=2)) for number in range(1, 7)])

    there, back = compare(run(good), run(bad)), compare(run(bad), run(good))

    (trouble,) = there.troubles
    assert (trouble.before, trouble.of_before, trouble.after, trouble.of_after) == (0, 6, 6, 6)
    assert trouble.says == ["cannot hold 1,000/s: 400/s came back", "2 lost"]
    assert there.worse
    assert not back.worse
    assert ("alpha", "cpu") not in told(there)
    why = f"{SLOW[0].says} (in 6 of 6 rounds)"
    assert there.withheld == [f"alpha, 64 B at 1000/s: cpu, p50, p90, p99: not in the second run: {why}"]


def test_one_round_that_goes_wrong_is_told_and_not_worse() -> None:
    good = benched("alpha", [measurement(number) for number in range(1, 7)])
    once = benched("alpha", [measurement(number, errors=Errors(lost=number // 6)) for number in range(1, 7)])

    found = compare(run(good), run(once))

    assert [(one.after, one.of_after, one.says, one.worse) for one in found.troubles] == [(1, 6, ["1 lost"], False)]


def test_what_the_generator_is_to_blame_for_is_no_trouble_of_the_servers() -> None:
    good = benched("alpha", [measurement(number) for number in range(1, 7)])
    late = benched("alpha", [measurement(number, refusals=[LATE]) for number in range(1, 7)])

    found = compare(run(good), run(late))

    assert found.troubles == []
    assert {one.quantity for one in found.changes} == {"cpu", "memory"}
    assert found.withheld == [
        f"alpha, 64 B at 1000/s: p50, p90, p99: not in the second run: {LATE.says} (in 6 of 6 rounds)"
    ]


def test_a_worker_that_went_away_is_no_trouble_of_the_servers() -> None:
    gone = Refusal(why=Why.WORKER, withheld="cost", says="worker 1 went away")
    good = benched("alpha", [measurement(number) for number in range(1, 7)])
    left = benched("alpha", [measurement(number, refusals=[gone]) for number in range(1, 7)])

    assert compare(run(good), run(left)).troubles == []


def test_what_only_one_of_them_has_is_told() -> None:
    noise = random.Random(1)  # noqa: S311 - no secret
    more = msgspec.structs.replace(STEP, connections=STEP.connections + 1, name="more")
    before = run(target("alpha", noise), target("beta", noise), steps=[STEP, more])
    after = run(
        target("alpha", noise), target("gamma", noise), steps=[STEP, msgspec.structs.replace(more, connections=5)]
    )

    found = compare(before, after)

    assert found.only_before == ["beta", f"more with {STEP.connections + 1} connections"]
    assert found.only_after == ["gamma", "more with 5 connections"]
    assert {one.target for one in found.changes} == {"alpha"}


def test_runs_with_nothing_in_common_are_not_compared() -> None:
    noise = random.Random(1)  # noqa: S311 - no secret

    with pytest.raises(NothingInCommonError, match="no target in common: the one has alpha; the other beta"):
        compare(run(target("alpha", noise)), run(target("beta", noise)))
    with pytest.raises(NothingInCommonError, match="no step in common"):
        compare(run(target("alpha", noise)), run(target("alpha", noise), steps=[CLOSED]))


SHARE = Share(
    worker="tcp://far:1", host="far", connections=50, offered=1000.0, achieved=1000.0, lateness="", generator=0.2,
    starved=0.0, cores=[0], gone="",
)  # fmt: skip

DIFFERENCES: dict[str, tuple[str, Callable[[BenchRun], Any]]] = {
    "engine": ("Different engine: processes in A, Docker 29 in B.", lambda run: setattr(run, "engine", "Docker 29")),
    "generator": (
        "Different generator: uvloop 0.23.0 in A, uvloop 1 in B.",
        lambda run: run.generator.update(uvloop="1"),
    ),
    "commit": ("in A, abc in B.", lambda run: setattr(run, "commit", "abc")),
    "interrupted": ("Different end: as planned in A, interrupted in B.", lambda run: setattr(run, "interrupted", True)),
    "seconds": (
        "Different seconds of 64 B at 1000/s: 10.0 in A, 3.0 in B.",
        lambda run: run.steps.__setitem__(0, msgspec.structs.replace(STEP, seconds=3.0)),
    ),
    "versions": (
        "Different versions of alpha: python 3.13.5 in A, python 3.14 in B.",
        lambda run: run.targets[0].versions.update(python="3.14"),
    ),
    "cores": ("Different cores of alpha: none in A, 1, 2 in B.", lambda run: setattr(run.targets[0], "cores", [1, 2])),
    "load": (
        "Different load: one generator in A, 1 worker of a Dask cluster, on far in B.",
        lambda run: setattr(run.targets[0].measurements[0], "shares", [SHARE]),
    ),
    "machine": (
        "Different processor: A processor in A, Z in B.",
        lambda run: setattr(run, "machine", msgspec.structs.replace(run.machine, processor="Z")),
    ),
}


@pytest.mark.parametrize(("said", "change"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_in_what_else_the_runs_differ_is_said_above(said: str, change: Callable[[BenchRun], Any]) -> None:
    before, after = pair(1)
    change(after)

    assert any(said in line for line in telling.preface(compare(before, after)))


def test_worse_beyond_the_tolerance_exits_1_and_better_0(tmp_path: Path) -> None:
    before, after = kept(tmp_path, *pair(1, cpu=1.5))
    changes = tmp_path / "changes.json"

    worse, better, forgiven = (
        command(before, after, "--json", str(changes)),
        command(after, before),
        command(before, after, "--tolerance", "80"),
    )

    assert [done.exit_code for done in (worse, better, forgiven)] == [1, 0, 0]
    assert "Worse: alpha, 64 B at 1000/s: the server's CPU: 1." in worse.stdout
    assert "Better: alpha, 64 B at 1000/s: the server's CPU: 0." in better.stdout
    assert "Nothing is worse by more than 80 % and distinguishable." in forgiven.stdout
    written = msgspec.json.decode(changes.read_bytes(), type=Changes)
    assert written.worse
    assert len(written.changes) == 15


def test_a_comparison_of_too_few_rounds_says_that_it_can_find_nothing(tmp_path: Path) -> None:
    done = command(*kept(tmp_path, *pair(1, rounds=1, cpu=9.0)))

    assert done.exit_code == 0
    assert "Nothing can be told apart: that takes 6 rounds in both runs, and one has 1" in done.stderr


def test_markdown_has_the_same(tmp_path: Path) -> None:
    done = command(*kept(tmp_path, *pair(1, cpu=1.5)), "--markdown")

    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line[:1] == "|"]
    assert len(rows) == 2 + 15
    assert rows[0][2:5] == ["A", "B", "B / A"]
    alpha = next(row for row in rows if row[:2] == ["alpha", "the server's CPU"])
    assert alpha[-1] == "worse"
    assert alpha[2].endswith(" µs a message")


def test_a_file_that_was_edited_is_read_with_care(tmp_path: Path) -> None:
    before, after = pair(1, cpu=1.5)
    for one in after.targets[0].measurements:
        one.round += 1000  # beyond the rounds that there were
    after.targets[1].measurements[0].cpu = -1.0

    done = command(*kept(tmp_path, before, after))

    assert done.exit_code == 1


def edited(change: Callable[[dict[str, Any]], Any]) -> bytes:
    """A run after that change of what its file holds."""
    held = msgspec.to_builtins(run(benched("alpha", [measurement(1)])))
    change(held)
    return json.dumps(held).encode()


BAD = {
    "nothing there": (None, "No such file or directory; name a file that `echowall bench --json` wrote"),
    "not JSON": (b"not JSON", "is not JSON; name"),
    "not UTF-8": (b'{"kind": "\xff"}', "is not JSON; name"),
    "too deep": (b"[" * 100_000, "is not JSON; name"),
    "empty": (b"", "is not JSON; name"),
    "a list": (b"[]", "holds no run; name"),
    "what compare wrote": (b'{"changes": []}', "holds no run; name"),
    "another kind": (b'{"kind": "check"}', "holds a run of another kind, 'check'; name"),
    "another schema": (
        edited(lambda held: held.update(schema=1)),
        "has schema 1, and this version of Echo Wall reads 2; measure anew, or use the version that wrote it",
    ),
    "no schema": (edited(lambda held: held.pop("schema")), "has schema None"),
    "a lack": (edited(lambda held: held.pop("seed")), "no results of a run of Echo Wall"),
    "a wrong type": (edited(lambda held: held.update(rounds="six")), "no results of a run of Echo Wall"),
    "no histogram": (
        edited(lambda held: held["targets"][0]["measurements"][0].update(latency="oops")),
        "holds a histogram that cannot be read",
    ),
}


@pytest.mark.parametrize("name", ["compare", "report"])
@pytest.mark.parametrize(("content", "said"), BAD.values(), ids=BAD)
def test_what_is_no_benchmark_is_told_in_one_sentence(
    name: str, content: bytes | None, said: str, tmp_path: Path
) -> None:
    (good,) = kept(tmp_path, run(benched("alpha", [measurement(1)])))
    bad = tmp_path / "bad.json"
    if content is not None:
        bad.write_bytes(content)

    done = CliRunner(env={"COLUMNS": "400"}).invoke(
        app, ["bench", name, *([good] if name == "compare" else []), str(bad)]
    )

    assert done.exit_code == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize("tolerance", ["-1", "100", "nan", "inf"])
def test_a_tolerance_that_is_none_is_told(tolerance: str, tmp_path: Path) -> None:
    done = command(*kept(tmp_path, *pair(1)), "--tolerance", tolerance)

    assert done.exit_code == 2
    assert "write a number of per cent, from 0 to under 100" in " ".join(done.stderr.replace("│", " ").split())


def test_files_with_nothing_in_common_are_misuse(tmp_path: Path) -> None:
    done = command(*kept(tmp_path, *(run(benched(name, [measurement(1)])) for name in ("alpha", "beta"))))

    assert done.exit_code == 2
    assert "no target in common" in " ".join(done.stderr.replace("│", " ").split())


def test_both_commands_stand_beside_bench_whose_targets_cannot_have_their_names() -> None:
    described = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["bench", "compare", "--help"])

    assert "bench compare [OPTIONS]" in described.stdout
    assert max(map(len, described.stdout.splitlines())) <= 80
    assert {"compare", "report"} <= catalog.RESERVED
    assert CliRunner().invoke(app, ["bench", "ws://127.0.0.1/", "compare", "--dry-run"]).exit_code == 2


def test_every_estimate_of_a_figure_is_a_quantity_that_can_be_compared_and_drawn() -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(Figure)}
    estimates = {name for name, kind in fields.items() if kind == Estimate | None}

    assert estimates == {"cpu", "proxy_cpu", "memory", "socket_memory"}
    assert estimates < QUANTITIES.keys()
    figure = summary.figure(STEP, [measurement(number) for number in range(1, 7)], 1)
    shown = {key for key, one in QUANTITIES.items() if quantities.of_figure(figure, one) is not None}
    assert shown == QUANTITIES.keys() - {"proxy_cpu", "socket_memory", "down", "up"}


def test_rows_with_gaps_and_without_any_variation_are_borne() -> None:
    rows: list[list[float | None]] = [
        [1.0] * 12,  # nothing varies
        [None] * 12,
        [*([0.0] * 6), *([1.0] * 6)],  # nothing but the change
        [None, *([0.0] * 5), *([1.0] * 6)],
        [1.0, *([None] * 11)],
    ]

    same, nothing, clear, gap, alone = two_runs.chances(rows, 6)

    assert (same, nothing, alone) == (1, 1, 1)
    assert clear == gap < LEVEL
    assert two_runs.chances([], 6) == []


def test_the_interval_of_two_runs_holds_the_ratio_in_nineteen_of_twenty() -> None:
    noise = random.Random(2)  # noqa: S311 - no secret
    held = 0
    for _ in range(200):
        before, after = ([mean * noise.lognormvariate(0, 0.1) for _ in range(6)] for mean in (10.0, 15.0))
        found = two_runs.ratio(before, after)
        assert found
        held += found.low < 1.5 < found.high

    assert held >= 180
    assert two_runs.ratio([], [1.0]) is None
    single = two_runs.ratio([2.0], [3.0])
    assert single
    assert (single.low, single.mean, single.high) == pytest.approx((1.5, 1.5, 1.5))


def test_the_time_of_the_runs_is_told_by_their_ids() -> None:
    before, after = pair(1)
    after = msgspec.structs.replace(after, **facts(datetime(2026, 12, 1, tzinfo=UTC)))

    assert telling.preface(compare(before, after))[0] == f"A is {before.id}, B is {after.id}."

"""What the scenarios of a benchmark send, and how their figures are shown."""

from __future__ import annotations

import io
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from rich.console import Console

from echowall.bench import rendering, scenarios, summary
from echowall.bench.contenders import Contender, Foreign, Served
from echowall.bench.plan import Tls
from echowall.bench.rounds import Rounds
from echowall.bench.scenarios import MIB
from echowall.catalog import catalog
from echowall.catalog.catalog import Service
from echowall.check.targets import Manner, of_urls
from echowall.lab import procfs
from echowall.results.model import Benched, BenchRun, Errors, Limits, Measurement, Step, Why
from tests.runs import facts
from tests.test_bench_results import measurement


def measured(
    url: str, steps: list[Step], *, max_message: int | None = None, **replaced: Any
) -> tuple[list[Measurement], BenchRun]:
    """One short round against that endpoint, as if it were a service with that limit."""
    (subject,) = of_urls([url], Manner(tls=ssl.create_default_context()))
    contender = _Limited(Foreign(subject, Tls()), max_message)
    short = [msgspec.structs.replace(step, **{"warmup": 0.1, "seconds": 0.5} | replaced) for step in steps]
    rounds = Rounds([contender], short, 1, seed=1)
    rounds.run(lambda _: None)
    assert rounds.unfit == []
    benched = contender.benched
    benched.figures = [
        summary.figure(step, found, 1)
        for step in short
        if (found := [one for one in benched.measurements if one.step == step.name])
    ]
    return benched.measurements, recorded(short, benched)


class _Limited:
    """A contender of which it is known how long a message it takes."""

    service: Service | None = None

    def __init__(self, contender: Contender, max_message: int | None) -> None:
        self._contender = contender
        self.benched = contender.benched
        self.benched.limits = Limits(max_message=max_message, ping_interval=None)

    @contextmanager
    def served(self) -> Iterator[Served]:
        with self._contender.served() as served:
            yield served


def recorded(steps: list[Step], *targets: Benched) -> BenchRun:
    return BenchRun(
        **facts(), seed=1, rounds=1, yardstick="", generator={}, steps=steps, targets=list(targets), comparisons=[]
    )


def printed(run: BenchRun) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(rendering.tables(run))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_every_scenario_can_be_shown(name: str) -> None:
    steps = scenarios.SCENARIOS[name].steps
    target = Benched(name="alpha", url="", figures=[summary.figure(step, [_of(step)], 1) for step in steps])
    run = recorded(steps, target)

    told, markdown, csv = printed(run), rendering.markdown(run), rendering.comma_separated(run)

    for step in steps:
        assert scenarios.told(step)
        assert f"{step.name}, " in told
        assert f"### {step.name}, " in markdown
        assert f"alpha,,,{step.name}," in csv.replace('"', "")
    measured, setup = markdown.split("### What was measured")
    assert (measured.count("| alpha |"), setup.count("| alpha |")) == (len(steps), 1)


def _of(step: Step) -> Measurement:
    return measurement(1, step=step.name, offered=step.rate)


def test_beside_one_that_does_not_read_a_target_is_compared_with_itself() -> None:
    steps = scenarios.SCENARIOS["slow"].steps
    all_reading, beside = steps
    rounds = range(1, 7)
    target = Benched(
        name="alpha",
        url="",
        mends="on",
        measurements=[
            measurement(number, step=step.name, microseconds=500 * (1 + 2 * step.stuck) + number)
            for number in rounds
            for step in steps
        ],
    )
    target.figures = [
        summary.figure(step, [one for one in target.measurements if one.step == step.name], 1) for step in steps
    ]
    run = recorded(steps, target)
    run.comparisons = summary.compared([target], "alpha", steps, 1)

    (found,) = [one for one in run.comparisons if one.quantity == "p50"]
    assert (found.target, found.to) == ("alpha", "alpha")
    assert (found.step, found.to_step) == (beside.name, all_reading.name)
    assert found.ratio.mean == pytest.approx(3, rel=0.02)
    assert found.distinguishable
    told = printed(run)
    assert told.count("p50 ×  p99 ×") == 1
    (row,) = [line for line in told.split(beside.name)[1].splitlines() if line.startswith("alpha")]
    assert row.split()[-2:] == [f"{found.ratio.mean:.2f}", "–"]  # no round has enough messages for p99


def test_idle_steps_have_a_server_of_their_own() -> None:
    steps = scenarios.steps(["rate", "idle"])

    *together, plain, deflate = scenarios.batches(steps)

    assert together == [[step for step in steps if step.load == "echo"]]
    assert [step.deflate for step in (*plain, *deflate)] == [False, True]


def test_what_is_said_and_asked_in_a_step_of_push_does_not_hang_on_when_it_begins() -> None:
    steps = scenarios.steps(["push"], every=[0.1, 4, 60], polled=[1, 30])

    assert len({step.name for step in steps}) == len(steps) == 5 * 4
    for step in steps:
        for period in (step.every, step.polled):
            if period:
                assert step.seconds / period == pytest.approx(round(step.seconds / period))
        assert step.warmup > (step.polled or 0)
        assert (step.rate is None) == (step.every is None) == (step.unit == "listener")


@pytest.mark.parametrize(
    ("seconds", "measured"), {None: {10.0, 15.0, 20.0, 25.0, 30.0}, 3.0: {3.0, 5.0, 10.0, 15.0, 20.0, 30.0}}.items()
)
def test_a_step_of_push_is_as_long_as_its_intervals_allow(seconds: float | None, measured: set[float]) -> None:
    assert {step.seconds for step in scenarios.steps(["push"], seconds=seconds)} == measured


@pytest.mark.parametrize(
    ("push", "takes"),
    {
        (): set(),
        ("poll",): {"websocket", "poll"},
        ("poll", "long-poll", "events"): {"websocket", "poll", "long-poll", "events"},
    }.items(),
)
def test_a_service_takes_part_with_the_transports_that_it_has(push: tuple[Any, ...], takes: set[str]) -> None:
    service = msgspec.structs.replace(catalog.load()[0], push=push)

    steps = scenarios.SCENARIOS["push"].steps

    assert {step.transport for step in steps if scenarios.serves(service, step)} == takes
    assert not any(scenarios.serves(None, step) for step in steps)
    assert all(scenarios.serves(service, step) for step in scenarios.SCENARIOS["rate"].steps)


def test_more_connections_than_the_server_may_open_files_are_refused(
    echo: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Foreign, "served", _with_a_pid)
    monkeypatch.setattr(procfs, "open_files", lambda _: 100)
    step, _ = scenarios.SCENARIOS["idle"].steps

    (found,), run = measured(f"ws://127.0.0.1:{echo}/foobar/", [step], connections=37)

    assert [(one.why, one.withheld) for one in found.refusals] == [(Why.TROUBLE, "everything")]
    assert found.refusals[0].says == (
        "the server may open 100 files, which allows 36 connections and not 37; "
        "raise `ulimit -n` before you start the lab, or lower --connections"
    )
    assert f"no figure: {found.refusals[0].says}" in printed(run)


@contextmanager
def _with_a_pid(self: Foreign) -> Iterator[Served]:
    yield self._served._replace(pid=os.getpid())


@pytest.mark.parametrize(
    ("limit", "sent"),
    {
        None: [MIB, 16 * MIB],
        16 * MIB: [MIB, 16 * MIB],
        10_000_000: [MIB, 10_000_000],
        MIB: [MIB, None],
        65536: [65536, None],
    }.items(),
)
def test_a_large_message_is_no_longer_than_the_service_takes(limit: int | None, sent: list[int | None]) -> None:
    steps = scenarios.SCENARIOS["large"].steps

    assert [scenarios.size(step, steps, limit) for step in steps] == sent


def test_other_messages_are_as_long_as_the_user_says() -> None:
    steps = scenarios.steps(["saturation"], sizes=[2 * MIB])

    assert [scenarios.size(step, steps, MIB) for step in steps] == [2 * MIB, 2 * MIB]


def test_large_messages_are_counted_in_mebibytes_and_the_size_that_was_sent_is_told(echo: int) -> None:
    limit = 3 * MIB // 4
    steps = scenarios.steps(["large"], sizes=[MIB // 4, 16 * MIB])

    found, run = measured(f"ws://127.0.0.1:{echo}/foobar/", steps, max_message=limit)

    by_step = {one.step: one for one in found}
    assert {name: one.size for name, one in by_step.items()} == {"256 KiB": None, "16 MiB": limit}
    for one in found:
        assert one.errors == Errors()
        assert one.achieved > 0
    messages = by_step["16 MiB"].achieved * 0.5 / 0.75  # of half a second, and of so many MiB each
    assert messages == pytest.approx(round(messages))
    told = printed(run)
    assert "sent  MiB/s  p50  CPU/MiB  memory  errors" in told
    assert "786,432 B" in told


def test_what_would_be_sent_twice_is_sent_once(echo: int) -> None:
    found, run = measured(
        f"ws://127.0.0.1:{echo}/foobar/", scenarios.SCENARIOS["large"].steps, max_message=100_000, connections=1
    )

    assert [(one.step, one.size) for one in found] == [("1 MiB", 100_000)]
    assert [one.step for one in run.targets[0].figures] == ["1 MiB"]

"""What a measurement refuses to report, by recorded figures."""

from __future__ import annotations

from typing import Any

import pytest
from hdrh.histogram import HdrHistogram

from echowall.bench import judging
from echowall.bench.plan import Aim, Plan, Report
from echowall.results.model import Share, Why

PLAN = Plan(aim=Aim(url="ws://127.0.0.1/"), connections=10, rate=1000.0)


def histogram(*microseconds: int, each: int = 1) -> str:
    made = HdrHistogram(1, 3600 * 10**9, 3)
    for one in microseconds:
        made.record_value(one * 1000, each)
    return str(made.encode().decode())


def report(**facts: Any) -> Report:
    """Of a generator that was hardly late, and a server that held the rate."""
    usual: dict[str, Any] = {"sent": 6000, "paced": 1000.0, "achieved": 1000.0, "cpu": 0.3}
    times: dict[str, Any] = {"latency": histogram(500), "lateness": histogram(20)}
    return Report(**usual | times | facts)


def test_a_rate_that_is_held_by_a_punctual_generator_is_reported() -> None:
    assert judging.refusals(PLAN, report()) == []


@pytest.mark.parametrize(("achieved", "refused"), [(981.0, False), (979.0, True)])
def test_less_than_98_percent_of_the_rate_is_not_held(achieved: float, *, refused: bool) -> None:
    found = judging.refusals(PLAN, report(achieved=achieved))

    assert [(one.why, one.withheld) for one in found] == [(Why.RATE, "latency"), (Why.RATE, "cost")] * refused
    assert all(one.says == "cannot hold 1,000/s: 979/s came back in time" for one in found)


@pytest.mark.parametrize(("late", "refused"), [(49, False), (51, True)])
def test_a_lateness_over_a_tenth_of_the_latency_is_the_generators_limit(late: int, *, refused: bool) -> None:
    found = judging.refusals(PLAN, report(lateness=histogram(late)))

    assert [(one.why, one.withheld) for one in found] == [(Why.GENERATOR, "latency")] * refused
    assert all(
        "it was 51 µs late at p99, which is more than a tenth of the latency, 500 µs" in one.says for one in found
    )


def test_a_generator_that_needs_most_of_its_core_is_the_limit() -> None:
    found = judging.refusals(PLAN, report(cpu=0.86))

    assert [(one.why, one.withheld) for one in found] == [(Why.GENERATOR, "latency"), (Why.GENERATOR, "cost")]
    assert found[0].says == "the generator was the limit: it used 86% of its core"


@pytest.mark.parametrize(("rate", "limited"), [(None, True), (1000.0, False)])
def test_a_generator_that_waits_for_its_core_is_the_limit_of_what_a_server_gives(
    rate: float | None, *, limited: bool
) -> None:
    plan = Plan(aim=PLAN.aim, connections=10, rate=rate)  # at a fixed rate, what it makes late is in its lateness

    found = judging.refusals(plan, report(cpu=0.45, starved=0.5))

    assert [(one.why, one.withheld) for one in found] == [
        (Why.GENERATOR, "latency"),
        (Why.GENERATOR, "throughput"),
    ] * limited
    assert all(
        one.says == "the generator was the limit: it used 45% of its core, and waited for it for 50% of the time"
        for one in found
    )


def test_what_a_worker_that_went_away_was_to_send_is_not_missed_of_the_server() -> None:
    def share(worker: str, gone: str) -> Share:
        return Share(
            worker=worker,
            host="here",
            connections=5,
            offered=500.0,
            achieved=500.0 * (not gone),
            lateness="",
            generator=0.1,
            starved=0.0,
            cores=[],
            gone=gone,
        )

    shares = [share("first", ""), share("second", "went away")]
    found = judging.refusals(PLAN, report(paced=500.0, achieved=500.0, shares=shares))

    assert [(one.why, one.withheld) for one in found] == [(Why.WORKER, "cost"), (Why.WORKER, "throughput")]
    assert all(one.says == "worker second went away: its 5 of 10 connections are left out" for one in found)


def test_a_server_is_not_blamed_for_what_was_not_sent_to_it() -> None:
    found = judging.refusals(PLAN, report(paced=500.0, achieved=490.0))

    assert [(one.why, one.withheld) for one in found] == [(Why.GENERATOR, "latency"), (Why.GENERATOR, "cost")]
    assert found[0].says == "the generator was the limit: of 1,000/s it sent only 500/s"


def test_a_server_is_not_blamed_where_the_generator_was_late_to_hear_it() -> None:
    found = judging.refusals(PLAN, report(achieved=900.0, lateness=histogram(100)))

    assert [(one.why, one.withheld) for one in found] == [(Why.GENERATOR, "latency"), (Why.GENERATOR, "cost")]


def test_in_a_closed_loop_that_withholds_the_throughput() -> None:
    closed = Plan(aim=PLAN.aim, connections=10, rate=None)

    found = judging.refusals(closed, report(cpu=0.86, lateness=""))

    assert [one.withheld for one in found] == ["latency", "throughput"]
    assert judging.refusals(closed, report(achieved=3.0, lateness="")) == []


@pytest.mark.parametrize(("samples", "lacking"), [(9_999, ["p99", "p999"]), (10_000, ["p999"]), (100_000, [])])
def test_a_percentile_takes_a_hundred_samples_beyond_it(samples: int, lacking: list[str]) -> None:
    found = judging.spread(judging.decode(histogram(500, each=samples)))

    assert found
    assert [one.withheld for one in judging.too_few(found)] == lacking
    assert [name for name in judging.PERCENTILES if getattr(found, name) is None] == lacking


def test_without_samples_there_is_no_spread() -> None:
    assert judging.spread(judging.decode("")) is None

"""Push or poll: from how seldom a message on push costs less, of made-up rounds, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from echowall.bench import crossover, curves, estimates, published, rendering, report, scenarios, summary
from echowall.results import store
from echowall.results.model import Benched, BenchRun, Crossover, Measurement, Refusal, Step, Why
from tests.test_bench_results import benched, measurement
from tests.test_bench_results import run as run_of

STEPS = scenarios.SCENARIOS["push"].steps
#: What a delivery costs, and a second of a listener, in µs: of push the same always.
DELIVERY, SECOND = 30.0, 0.5
#: What a poll costs that brings nothing, and how much more for each message.
POLL, MESSAGE = 100.0, 5.0


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as tell whether an interval is right; the usual number would take a minute here."""
    for module in (crossover, estimates):
        monkeypatch.setattr(module, "DRAWS", 400)


def cost(step: Step) -> float:
    """For a delivered message, or for a listener and second, if it were exactly so."""
    if step.transport != "poll":
        return SECOND if step.every is None else DELIVERY + SECOND * step.every
    assert step.polled
    return POLL / step.polled if step.every is None else MESSAGE + POLL * step.every / step.polled


def target(noise: Callable[[int, Step], float] = lambda *_: 1.0, rounds: int = 6, **facts: Any) -> Benched:
    """One of whom so many rounds were measured."""
    measurements = [
        measurement(number, **_of(step) | facts | {"cpu": cost(step) * noise(number, step)})
        for number in range(1, rounds + 1)
        for step in STEPS
    ]
    return with_figures(measurements)


def _of(step: Step) -> dict[str, Any]:
    counted = {"requests": 100.0, "opened": 0.0, "down": 100.0, "up": 40.0}
    return {"step": step.name, "offered": step.rate and 100 * step.rate} | counted


def with_figures(measurements: list[Measurement]) -> Benched:
    made = benched("alpha", measurements)
    made.figures = [summary.figure(step, [one for one in measurements if one.step == step.name], 1) for step in STEPS]
    return made


def run(of: Benched) -> BenchRun:
    made = run_of(of)
    made.steps = STEPS
    made.derived = crossover.derived([of], STEPS, 1)
    made.crossovers = crossover.crossovers([of], STEPS, 1)
    return made


def found(of: Benched) -> dict[tuple[str, float], Crossover]:
    return {(one.push, one.polled): one for one in crossover.crossovers([of], STEPS, 1)}


def test_the_crossover_is_where_both_cost_the_same() -> None:
    at = found(target())

    assert set(at) == {(push, polled) for push in ("websocket", "events") for polled in (1.0, 5.0)}
    for (_, polled), one in at.items():
        exactly = (DELIVERY - MESSAGE) / (POLL / polled - SECOND)
        assert one.at == pytest.approx(exactly)
        assert (one.low, one.high) == pytest.approx((exactly, exactly))
        assert (one.side, one.shortest, one.longest, one.rounds) == ("within", 0.1, 10.0, 6)


def test_what_varies_from_round_to_round_makes_an_interval() -> None:
    noise = [0.8, 0.9, 1.0, 1.0, 1.1, 1.25]

    one = found(target(lambda number, step: noise[number - 1] if step.transport == "poll" else 1.0))["websocket", 5.0]

    exactly = (DELIVERY - MESSAGE) / (POLL / 5 - SECOND)
    assert one.at == pytest.approx(exactly, rel=0.1)
    assert one.low < exactly < one.high
    assert one.high / one.low > 1.1


@pytest.mark.parametrize(("factor", "side", "ends"), [(100.0, "below", (0.1, 0.1)), (0.0001, "above", (10.0, 10.0))])
def test_beyond_what_was_measured_nothing_is_said_but_on_which_side(
    factor: float, side: str, ends: tuple[float, float]
) -> None:
    one = found(target(lambda _, step: factor if step.transport == "poll" else 1.0))["events", 1.0]

    assert (one.side, one.at, (one.low, one.high)) == (side, None, ends)


def test_an_interval_that_reaches_beyond_what_was_measured_ends_there() -> None:
    noise = [0.05, 0.05, 1.0, 1.0, 20.0, 20.0]

    one = found(target(lambda number, step: noise[number - 1] if step.transport == "poll" else 1.0))["websocket", 1.0]

    assert (one.side, one.low) == ("within", 0.1)
    assert one.high > 1
    assert "(interval of 95 %: 0.1 or less to " in curves.sentences(run_with(one))[0]


def run_with(one: Crossover) -> BenchRun:
    made = run(target(rounds=1))
    made.crossovers = [one]
    return made


def test_through_the_proxy_its_cost_is_part_of_it() -> None:
    proxied = target(proxy_cpu=1000.0)
    proxied.via = "proxy"

    (step,) = [one for one in STEPS if (one.transport, one.every) == ("websocket", 1.0)]
    assert set(crossover.costs(proxied, step).values()) == {1000.0 + cost(step)}
    for one in proxied.figures:
        one.proxy_cpu = None
    assert crossover.crossovers([proxied], STEPS, 1) == []  # half of it would be another thing


def test_what_is_withheld_is_left_out() -> None:
    wrong = Refusal(why=Why.WRONG, withheld="everything", says="3 lost")
    whole = target()
    for one in whole.measurements:
        if one.round == 1 and one.step.startswith("poll every 5 s"):
            one.refusals = [wrong]
    lacking = with_figures(whole.measurements)

    assert {polled for _, polled in found(lacking)} == {1.0}
    assert {one.polled for one in crossover.derived([lacking], STEPS, 1)} == {None, 1.0}


def test_what_is_derived_is_the_sum_of_two_things_that_were_measured() -> None:
    by_way = {(one.transport, one.polled): one for one in crossover.derived([target()], STEPS, 1)}

    assert set(by_way) == {("websocket", None), ("events", None), ("poll", 1.0), ("poll", 5.0)}  # and no long poll
    assert by_way["websocket", None].cpu.mean == pytest.approx(DELIVERY + 60 * SECOND)
    assert by_way["poll", 5.0].cpu.mean == pytest.approx(MESSAGE + POLL * 60 / 5)
    assert by_way["poll", 5.0].every == 60
    assert (by_way["poll", 5.0].step, by_way["poll", 5.0].quiet) == (
        "poll every 5 s, a message every 10 s", "poll every 5 s, nothing said"
    )  # fmt: skip


def test_what_was_measured_is_not_derived_and_polls_that_share_messages_are_not_either() -> None:
    measured = scenarios.steps(["push"], every=[60.0], polled=[5.0])
    seldom = scenarios.steps(["push"], every=[10.0], polled=[30.0])

    assert crossover.derived([target()], measured, 1) == []
    assert {one.transport for one in crossover.derived([target()], seldom, 1)} == {"websocket", "events"}


def test_the_table_marks_what_is_derived_and_the_sentences_are_under_it() -> None:
    shown = run(target())

    told = rendering.markdown(shown)

    assert f"### {curves.TITLE}\n\n|  | every 0.1 s | every 1 s | every 10 s | every 60 s | nothing said |" in told
    assert "\n| alpha, WebSocket | 30.1 | 30.5 | 35.0 | 60.0 * | 0.5 |\n" in told
    assert "\n| alpha, long poll | 30.1 | 30.5 | 35.0 | – | 0.5 |\n" in told
    assert "\n| alpha, poll every 5 s | 7.0 | 25.0 | 205.0 | 1205.0 * | 20.0 |\n" in told
    assert "\n- alpha: the events cost less CPU than polls every 5 s where a message is said every 1.3 s or" in told
    assert "\n- alpha: the WebSocket costs less CPU than polls every 5 s where a message is said every 1.3 s or" in told


def test_a_crossover_beyond_what_was_measured_is_told_as_such() -> None:
    shown = run(target(lambda _, step: {"poll": 100.0}.get(step.transport or "", 1.0)))
    dear = run(target(lambda _, step: {"poll": 0.0001}.get(step.transport or "", 1.0)))

    assert curves.sentences(shown)[0] == (
        "alpha: the WebSocket costs less CPU than polls every 1 s at every interval that was measured, from 0.1 to 10 s"
    )
    assert curves.sentences(dear)[0] == (
        "alpha: polls every 1 s cost less CPU than the WebSocket even at the longest interval that was measured, "
        "from 0.1 to 10 s"
    )


def test_the_report_has_the_same() -> None:
    told = report.html(run(target()))

    assert '<h2 id="push">Push or poll</h2>' in told
    assert "where a message is said every 1.3 s or more seldom" in told
    assert "<td>1205.0 *</td>" in told


def test_a_run_comes_back_from_the_store(tmp_path: Any) -> None:
    kept = run(target())

    store.add(kept, tmp_path)

    assert store.runs(tmp_path) == [kept]


def test_a_run_of_other_scenarios_has_none_of_it() -> None:
    other = run_of(benched("alpha", [measurement(1)]))

    assert curves.table(other) is None
    assert '"derived":[]' in msgspec.json.encode(other).decode()
    assert "Push or poll" not in report.html(other)


def test_the_documents_have_each_run_of_a_stack_by_a_route() -> None:
    proxied = target(proxy_cpu=1e-9)
    proxied.via = "proxy"
    cheap = target(lambda _, step: 0.0001 if step.transport == "poll" else 1.0)
    dear = target(lambda _, step: 100.0 if step.transport == "poll" else 1.0)
    again = target()
    again.again = True
    runs = [run(one) for one in (proxied, target(), cheap, dear, again)]
    for number, one in enumerate(runs):
        one.id = f"run-{number}"

    text = published.push(runs, {"alpha": "Alpha", "beta": "Beta"})

    def row(route: str, number: int, one: str, five: str) -> str:
        told = f"[2026-11-29 12:00](../results/bench/run-{number}.json) | 6"
        return f"| Alpha | {route} | {told} | {one} | {one} | {five} | {five} |"

    assert text.splitlines() == [
        "| stack | route | run | rounds | WebSocket, polls every 1 s | events, polls every 1 s "
        "| WebSocket, polls every 5 s | events, polls every 5 s |",
        "| " + " | ".join(["---"] * 8) + " |",
        row("direct", 1, "0.25 s (0.25–0.25)", "1.3 s (1.3–1.3)"),
        row("direct", 2, "> 10 s", "> 10 s"),
        row("direct", 3, "< 0.1 s", "< 0.1 s"),
        row("proxy", 0, "0.25 s (0.25–0.25)", "1.3 s (1.3–1.3)"),
    ]
    assert published.push([runs[4]], {"alpha": "Alpha"}) == "The store of results holds no such run yet."

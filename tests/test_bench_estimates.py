"""Intervals over rounds, and what may be told apart by them."""

from __future__ import annotations

import random

import pytest

from echowall.bench.estimates import LEAST_ROUNDS, compare, estimate


def rounds(seed: int, mean: float = 100.0, count: int = LEAST_ROUNDS) -> dict[int, float]:
    """Noisy values of so many rounds: a fifth up or down is usual."""
    noise = random.Random(seed)  # noqa: S311 - no secret
    return {number: mean * noise.lognormvariate(0, 0.2) for number in range(count)}


def distinguishable(ours: dict[int, float], theirs: dict[int, float], seed: int = 1) -> bool:
    found = compare("alpha", "beta", "a step", "cpu", ours, theirs, seed)
    assert found
    return found.distinguishable


def test_a_stack_is_not_told_apart_from_itself_in_nineteen_of_twenty_tries() -> None:
    told = [distinguishable(rounds(seed), rounds(1000 + seed), seed) for seed in range(400)]

    assert sum(told) <= 20


def test_what_costs_twice_as_much_is_told_apart() -> None:
    found = compare("alpha", "beta", "a step", "cpu", rounds(1, 200.0), rounds(2), 1)

    assert found
    assert found.distinguishable
    assert found.ratio.low < 2 < found.ratio.high
    assert found.ratio.low > 1
    assert found.ratio.rounds == LEAST_ROUNDS


def test_of_fewer_than_six_rounds_nothing_is_told_apart() -> None:
    few = LEAST_ROUNDS - 1

    assert not distinguishable(rounds(1, 1000.0, few), rounds(2, 100.0, few))
    assert distinguishable(rounds(1, 1000.0), rounds(2, 100.0))


def test_only_rounds_in_which_both_have_a_value_count() -> None:
    found = compare("alpha", "beta", "a step", "cpu", {1: 10.0, 2: 20.0, 3: 0.0}, {2: 10.0, 3: 10.0, 4: 1.0}, 1)

    assert found
    assert found.ratio.mean == pytest.approx(2)
    assert found.ratio.rounds == 1
    assert compare("alpha", "beta", "a step", "cpu", {1: 10.0}, {2: 10.0}, 1) is None


def test_the_same_seed_gives_the_same_interval() -> None:
    values = list(rounds(1).values())

    assert estimate(values, 1) == estimate(values, 1)


def test_the_interval_of_one_value_is_that_value() -> None:
    found = estimate([5.0], 1)

    assert found
    assert (found.low, found.mean, found.high) == pytest.approx((5, 5, 5))
    assert estimate([], 1) is None

"""The scenarios: what is sent, how fast, and for how long. A scenario is a name and its steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from echowall.results.model import Step

#: Messages a second over all connections: nearly idle, common, and near what the slowest stacks can hold on one core.
RATES = (100.0, 1000.0, 2000.0)
#: The rate at which longer messages are sent.
LONGER = 500.0
SIZE, CONNECTIONS = 64, 50
WARMUP, SECONDS = 1.0, 10.0


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A way of loading a server."""

    name: str
    about: str
    """In a sentence, for help."""
    steps: tuple[Step, ...]


def paced(rate: float, size: int = SIZE) -> Step:
    """A step of an open loop."""
    return _step("rate", f"{_size(size)} at {rate:g}/s", rate, None, size)


def full(in_flight: int, size: int = SIZE) -> Step:
    """A step of a closed loop."""
    return _step("saturation", f"{_size(size)}, {in_flight} in flight", None, in_flight, size)


def _step(scenario: str, name: str, rate: float | None, in_flight: int | None, size: int) -> Step:
    return Step(
        name=name,
        scenario=scenario,
        rate=rate,
        in_flight=in_flight,
        size=size,
        binary=False,
        connections=CONNECTIONS,
        warmup=WARMUP,
        seconds=SECONDS,
    )


def _size(size: int) -> str:
    return f"{size // 1024} KiB" if size >= 1024 and not size % 1024 else f"{size} B"


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="rate",
            about="Messages at fixed rates: what they cost the server, and how long they take.",
            steps=(*(paced(rate) for rate in RATES), paced(LONGER, 1024), paced(LONGER, 16 * 1024)),
        ),
        Scenario(
            name="saturation",
            about="As many messages as come back, with 1 or 16 of each connection underway.",
            steps=(full(1), full(16)),
        ),
    )
}


def steps(
    names: Iterable[str],
    *,
    rates: Sequence[float] = (),
    sizes: Sequence[int] = (),
    connections: int | None = None,
    seconds: float | None = None,
    binary: bool = False,
) -> list[Step]:
    """The steps of the scenarios with these names, changed as the user wants: other rates and sizes are in the place of
    a scenario's own. Raises KeyError for a name that is none.
    """
    found: list[Step] = []
    for name in names:
        scenario = SCENARIOS[name]
        chosen: Iterable[Step] = scenario.steps
        if scenario.steps[0].rate and (rates or sizes):
            chosen = [paced(rate, size) for size in sizes or [SIZE] for rate in rates or [LONGER]]
        elif sizes:
            chosen = [full(step.in_flight or 1, size) for step in scenario.steps for size in sizes]
        found += chosen
    changes = {"connections": connections, "seconds": seconds}
    return [
        msgspec.structs.replace(step, binary=binary, **{key: value for key, value in changes.items() if value})
        for step in dict.fromkeys(found)
    ]

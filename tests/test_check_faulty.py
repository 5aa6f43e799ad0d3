"""The checker is checked: each fault of tests/faulty is caught by the checks that it names, and by no others.

Of the others, each fault is asked one in eight, always the same ones, as all would take minutes. FAULTS=all puts all.
"""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Set
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager

import msgspec
import pytest

from echowall.check.registry import Check
from echowall.check.runner import Gathered, ask
from echowall.check.suite import ALL
from echowall.check.wire import Target
from echowall.results.model import Result
from echowall.results.verdicts import Verdict
from tests.faulty.faults import FAULTS
from tests.faulty.forked import serving
from tests.faulty.harmless import HARMLESS
from tests.faulty.server import MAX_MESSAGE

AT_ONCE = 6
"""How many servers are examined at a time, of each half."""

SEVERAL = {"0.15 s for each message": 4}
"""What takes so long to answer that several servers of it share the checks, each with some of them in turn."""

REFERENCE = ""
LAST = "shutdown-close"
"""It takes the server down."""

SHARE = 1 if os.environ.get("FAULTS") == "all" else 8
"""Of how many checks that a fault does not name one is put to it."""

CPU = {"idle-sockets"}
"""They measure CPU time. A server that uses much of it gets less where others do, so it is asked alone."""

HEAVY = {"fragments-many", "deflate-sizes", "fragments-tiny"}
"""They take a third of the time that all others do."""

PATIENT = 7.0
"""How many seconds longer an answer may take where a question is put again."""

Examined = Mapping[str, Mapping[str, Result]]


EVERYTHING = (REFERENCE, *HARMLESS, *FAULTS)
HALVES = {"half_1": EVERYTHING[::2], "half_2": EVERYTHING[1::2]}
"""The servers, as two processes of pytest-xdist share them: each is a fixture."""


@pytest.fixture(scope="module")
def half_1(request: pytest.FixtureRequest) -> Examined:
    """What the checks found, by server, for those of the half that are about to be tested."""
    return _of_half("half_1", request)


@pytest.fixture(scope="module")
def half_2(request: pytest.FixtureRequest) -> Examined:
    """The same of the other half."""
    return _of_half("half_2", request)


def _of_half(half: str, request: pytest.FixtureRequest) -> Examined:
    tests = {item.name for item in request.session.items if item.path == request.path}
    whole = f"{test_mutation_table.__name__}[{half}]" in tests
    chosen = [name for name in HALVES[half] if whole or any(one.endswith(f"[{half}-{name}]") for one in tests)]
    return asyncio.run(_examine(chosen))


@pytest.fixture
def examined(half: str, request: pytest.FixtureRequest) -> Examined:
    """What the checks found in the half of this test."""
    found: Examined = request.getfixturevalue(half)
    return found


def each(names: Iterable[str]) -> pytest.MarkDecorator:
    """The test runs for each of these servers, in its half."""
    wanted = set(names)
    cases = [(half, name) for half, all_ in HALVES.items() for name in all_ if name in wanted]
    return pytest.mark.parametrize(("half", "name"), cases)


@each([REFERENCE])
def test_reference_passes_everything(examined: Examined, name: str) -> None:
    results = examined[name].values()
    assert [f"{one.check}: {one.outcome} ({one.detail})" for one in results if one.verdict is not Verdict.PASS] == []
    assert {one.check for one in results} == {check.id for check in ALL}


@each(HARMLESS)
def test_nothing_is_wrong_with_what_is_allowed(examined: Examined, name: str) -> None:
    wrong = [one for one in examined[name].values() if one.verdict in (Verdict.FAIL, Verdict.ERROR)]
    assert [f"{one.check}: {one.outcome} ({one.detail})" for one in wrong] == []


@each(FAULTS)
def test_fault_is_caught_by_its_checks_alone(examined: Examined, name: str) -> None:
    assert _caught_by(examined[name]) == FAULTS[name].caught_by, _outcomes(examined[name])


def test_there_are_enough_faults() -> None:
    assert len(FAULTS) >= 150


def test_every_check_can_fail() -> None:
    caught = frozenset[str]().union(*(fault.caught_by for fault in FAULTS.values()))
    every_connection = {"no-origin"}  # none of them sends an Origin: a server that wants one is an error to all checks
    assert {check.id for check in ALL} - caught == every_connection


@pytest.mark.parametrize("half", HALVES)
def test_mutation_table(examined: Examined) -> None:
    """Shown by `pytest -s`."""
    faults = [name for name in examined if name in FAULTS]
    width = max(map(len, faults))
    lines = [f"{'fault':{width}}  caught by"]
    lines += [f"{fault:{width}}  {', '.join(sorted(_caught_by(examined[fault])))}" for fault in faults]
    alarms = sum(len(_caught_by(examined[name])) for name in examined if name == REFERENCE)
    found = sum(bool(_caught_by(examined[fault])) for fault in faults)
    lines += [f"{found} of {len(faults)} faults caught; {alarms} false alarms on the reference"]
    print("\n" + "\n".join(lines))
    assert (found, alarms) == (len(faults), 0)


def _caught_by(results: Mapping[str, Result]) -> frozenset[str]:
    return frozenset(name for name, result in results.items() if result.verdict is not Verdict.PASS)


def _outcomes(results: Mapping[str, Result]) -> str:
    return "; ".join(f"{name}: {results[name].outcome}" for name in sorted(_caught_by(results)))


async def _examine(faults: Iterable[str]) -> dict[str, dict[str, Result]]:
    """Everything is put to the reference; to the others what is quick, and what their faults name.

    What comes otherwise than it should is asked once more at the end, of a server that is alone then: on a busy machine
    one may be late, and be taken for one that keeps silent.
    """
    found: dict[str, dict[str, Result]] = {}
    doubtful: list[tuple[str, Check]] = []
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> None:
        async with slots, AsyncExitStack() as stack:
            targets = [await stack.enter_async_context(_server(name)) for _ in range(SEVERAL.get(name, 1))]
            found[name] = await _put(targets, checks[name])
            wrong = FAULTS[name].caught_by if name in FAULTS else frozenset[str]()
            doubtful.extend(
                (name, check)
                for check in checks[name]
                if not check.gathers and (found[name][check.id].verdict is Verdict.PASS) == (check.id in wrong)
            )

    checks = {name: _chosen(name) for name in faults}
    longest_first = sorted(checks, key=lambda name: (sum(one.waits for one in checks[name]), len(_named(name))))[::-1]
    measured = [name for name in longest_first if name in FAULTS and CPU & _named(name)]
    await asyncio.gather(*(one(name) for name in longest_first if name not in measured))
    for name in measured:
        await one(name)
    for name, check in doubtful:
        async with _server(name) as target:
            found[name][check.id], _ = await ask(msgspec.structs.replace(target, slack=PATIENT), check)
    return found


def _chosen(name: str) -> list[Check]:
    """What is put to a server."""
    named = _named(name)
    quick = [check.id for check in ALL if not check.waits and check.id not in HEAVY]
    others = quick[zlib.crc32(name.encode()) % SHARE :: SHARE]
    return [check for check in ALL if check.id in named or check.id in others]


def _named(name: str) -> Set[str]:
    """The checks that catch the fault; all, of a server that has none."""
    return FAULTS[name].caught_by if name in FAULTS else {check.id for check in ALL}


async def _put(targets: Sequence[Target], checks: list[Check]) -> dict[str, Result]:
    """One after the other, so that no check sees what another provokes; only the clocks run side by side.

    `targets` are servers of one kind, which share the checks.
    """
    found: dict[str, Result] = {}
    gathered = Gathered(lambda _, result, __: found.update({result.check: result}))
    first = targets[0]

    async def put(check: Check, target: Target) -> None:
        gathered.note(first, check, *await ask(target, check))

    async def put_in_turn(target: Target) -> None:
        for check in in_turn:  # of which each server takes the next
            await put(check, target)

    side_by_side = [check for check in checks if check.waits and not check.alone]
    in_turn = (check for check in checks if check not in side_by_side and check.id != LAST)
    await asyncio.gather(*(put(check, first) for check in side_by_side), *map(put_in_turn, targets))
    for check in checks:
        if check.id == LAST:
            await put(check, first)
    gathered.tell([first])
    return found


@asynccontextmanager
async def _server(fault: str) -> AsyncIterator[Target]:
    with ExitStack() as stack:
        server = await asyncio.to_thread(stack.enter_context, serving(fault))
        yield Target(
            url=f"ws://127.0.0.1:{server.port}/foobar/",
            name=fault or "reference",
            max_message=MAX_MESSAGE,
            pid=server.pid,
            intrusive=True,
        )

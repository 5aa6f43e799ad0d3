"""Many in the chat room, and some who do not listen: everybody hears, nobody is held up, nothing piles up."""

from __future__ import annotations

import resource
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import pytest

from e2e.load import flood
from e2e.load.flood import Outcome
from e2e.support import room, websocket
from e2e.support.lab_operator import Operator
from e2e.support.room import Visitor, ids
from e2e.support.websocket import NoAnswerError
from echowall.catalog.catalog import Service

#: Sockets of each stack.
EACH = 200
#: The proxy lets one address open 200 in a second, and have 2,000: as many stacks as that are in at a time.
OPENED_IN_A_SECOND = 150
STACKS_AT_A_TIME = 8


@dataclass
class Attendance:
    """What became of one stack's sockets."""

    before: int
    counted: int
    heard: int
    left: int


@pytest.fixture(scope="module")
def crowd(base_url: str, services: list[Service]) -> dict[str, Attendance]:
    """200 sockets of each stack in the room at once, some stacks at a time, and one message."""
    _allow_open_files(EACH * STACKS_AT_A_TIME + 500)
    found: dict[str, Attendance] = {}
    for first in range(0, len(services), STACKS_AT_A_TIME):
        found |= _attend(base_url, services[first : first + STACKS_AT_A_TIME])
    return found


def _attend(base_url: str, services: list[Service]) -> dict[str, Attendance]:
    mark = f"crowd-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        watcher = stack.enter_context(room.enter(base_url, services[0]))
        _settle(watcher)
        before = {service.name: watcher.online.get(service.name, 0) for service in services}
        sockets: dict[str, list[Visitor]] = {service.name: [] for service in services}
        for _ in range(EACH):
            for service in services:
                opened = time.monotonic()
                sockets[service.name].append(stack.enter_context(room.enter(base_url, service)))
                time.sleep(max(0, 1 / OPENED_IN_A_SECOND - (time.monotonic() - opened)))
        counted = _online(watcher, {name: count + EACH for name, count in before.items()})
        watcher.say(mark, "can everybody hear me?")
        heard = {name: sum(_hears(visitor, mark) for visitor in visitors) for name, visitors in sockets.items()}
        for visitors in sockets.values():
            for visitor in visitors:
                visitor.leave()
        left = _online(watcher, before)
    return {name: Attendance(before[name], counted[name], heard[name], left[name]) for name in sockets}


def test_200_sockets_hear_one_message(crowd: dict[str, Attendance], service: Service) -> None:
    assert crowd[service.name].heard == EACH


def test_200_sockets_are_counted_and_so_is_their_leaving(crowd: dict[str, Attendance], service: Service) -> None:
    attendance = crowd[service.name]

    assert attendance.counted == attendance.before + EACH
    assert attendance.left == attendance.before


@pytest.fixture(scope="module")
def flooded(base_url: str, services: list[Service]) -> Iterator[dict[str, Outcome]]:
    """50,000 messages of 1,000 characters past three sockets of each stack that never read, and one that does."""
    with Operator(base_url, services) as operator:
        yield flood.flood(base_url, services, operator, f"flood-{secrets.token_hex(4)}")


@pytest.mark.operator
def test_who_reads_hears_a_flood_in_order_and_once(flooded: dict[str, Outcome], service: Service) -> None:
    outcome = flooded[service.name]

    assert not outcome.trouble
    assert len(outcome.said) == flood.MESSAGES
    assert len(outcome.heard) == flood.MESSAGES
    assert {message.text for message in outcome.heard} == outcome.said
    orders = [message.order for message in outcome.heard]
    assert orders == sorted(set(orders))
    assert ids(outcome.heard) == ids(next(iter(flooded.values())).heard)


@pytest.mark.operator
def test_a_flood_does_not_fill_the_memory_for_who_does_not_read(flooded: dict[str, Outcome], service: Service) -> None:
    """Without a bound it is 50 MB for each of the three; the room's log takes a good 20 MB of its own."""
    outcome = flooded[service.name]

    assert sum(outcome.processes_before.values()) > 2**20, "there were no processes to look at"
    assert outcome.grown < 75 * 2**20, f"{service.name} grew by {outcome.grown / 2**20:.0f} MiB"


@pytest.mark.operator
@pytest.mark.check("chat-slow-reader")
def test_who_does_not_read_a_flood_is_closed(flooded: dict[str, Outcome], service: Service) -> None:
    outcome = flooded[service.name]
    ends = [end for _, end in outcome.stuck]

    assert len(ends) == flood.STUCK
    # 4013 says it where a library keeps 1013 to itself, and none (1005) where it has no codes at all. Socket.IO
    # disconnects, and has none to do that with.
    nearest = {1013, 4013, 1005, 1006} | ({1000} if service.protocol == "socket.io" else set())
    # Who reads nothing answers no ping either, and on a slow machine the keepalive may end it first, in its own way.
    if service.limits.ping_interval and outcome.seconds > service.limits.ping_interval:
        nearest |= {1000, 1001, 1008, 1011}
    for end in ends:
        assert isinstance(end, websocket.Close), end
        assert end.code in nearest, f"{service.name} closed with {end}"


@pytest.mark.operator
def test_who_does_not_read_a_flood_was_told_its_beginning(flooded: dict[str, Outcome], service: Service) -> None:
    """Whatever was sent before the end is whole, in order and without a gap."""
    outcome = flooded[service.name]
    flood_from_its_beginning = ids(outcome.heard)

    for told, _ in outcome.stuck:
        assert told, f"{service.name} told nothing"
        assert told == flood_from_its_beginning[: len(told)]


@pytest.mark.operator
def test_a_flood_leaves_the_service_running(flooded: dict[str, Outcome], service: Service) -> None:
    outcome = flooded[service.name]

    assert outcome.processes_after.keys() == outcome.processes_before.keys()
    assert outcome.slowest_about < 5, f"/about took up to {outcome.slowest_about:.1f} s"


def _hears(visitor: Visitor, mark: str) -> bool:
    try:
        return len(visitor.hear(mark)) == 1
    except NoAnswerError:
        return False


def _settle(watcher: Visitor) -> None:
    """Wait until nobody has come or gone for a while."""
    watcher.history()
    with suppress(NoAnswerError):
        while True:
            watcher.next(3)


def _online(watcher: Visitor, wanted: dict[str, int]) -> dict[str, int]:
    """Who is there, when it is those or when they have had the time for it."""
    with suppress(NoAnswerError):
        watcher.until_online(wanted)
    return {name: watcher.online.get(name, 0) for name in wanted}


def _allow_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))

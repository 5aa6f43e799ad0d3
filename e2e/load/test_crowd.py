"""A crowd in the chat room: everybody hears, and everybody is counted."""

from __future__ import annotations

import resource
import secrets
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import pytest

from e2e.support import room
from e2e.support.room import Visitor
from e2e.support.websocket import NoAnswerError
from echowall.catalog.catalog import Service

#: Sockets of each stack.
EACH = 200
#: The proxy lets one client address open 200 sockets in a second.
OPENED_IN_A_SECOND = 150
#: The proxy lets one client address have 2,000 sockets open: 200 of each of 8 stacks are fewer.
STACKS_AT_A_TIME = 8


@dataclass
class Attendance:
    """How many sockets one stack counted, and how many of them heard the message."""

    before: int
    """Online before the crowd entered."""
    counted: int
    """Online with the crowd."""
    heard: int
    left: int
    """Online after the crowd left."""


@pytest.fixture(scope="module")
def crowd(base_url: str, services: list[Service]) -> dict[str, Attendance]:
    """200 sockets of each stack enter the room, some stacks at a time, and one message is said to them."""
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
        heard = {name: sum(visitor.hears(mark) for visitor in visitors) for name, visitors in sockets.items()}
        for visitors in sockets.values():
            for visitor in visitors:
                visitor.leave()
        left = _online(watcher, before)
    return {name: Attendance(before[name], counted[name], heard[name], left[name]) for name in sockets}


def test_200_sockets_hear_one_message(crowd: dict[str, Attendance], service: Service) -> None:
    assert crowd[service.name].heard == EACH


def test_200_sockets_are_counted_when_they_enter_and_when_they_leave(
    crowd: dict[str, Attendance], service: Service
) -> None:
    attendance = crowd[service.name]

    assert attendance.counted == attendance.before + EACH
    assert attendance.left == attendance.before


def _settle(watcher: Visitor) -> None:
    """Wait until nobody has entered or left for 3 s."""
    watcher.history()
    with suppress(NoAnswerError):
        while True:
            watcher.next(3)


def _online(watcher: Visitor, wanted: dict[str, int]) -> dict[str, int]:
    """The numbers online, as soon as they are the wanted ones, and at the latest when the time for that is over."""
    with suppress(NoAnswerError):
        watcher.until_online(wanted)
    return {name: watcher.online.get(name, 0) for name in wanted}


def _allow_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))

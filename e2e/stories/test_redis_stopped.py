"""Redis is stopped: sockets stay open, visitors are told, and the conversation goes on without a gap."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from e2e.stories.record import noting_trouble
from e2e.support import room
from e2e.support.lab_operator import REDIS, Operator
from e2e.support.room import Error, Live, Message, Visitor
from e2e.support.websocket import NoAnswerError
from echowall.catalog.catalog import Service

pytestmark = [pytest.mark.operator, pytest.mark.room_alone]  # the echo does without Redis

#: Seconds after which a service has to have noticed that Redis is down or back.
NOTICED = 15


@dataclass
class Witness:
    """What the visitors of one stack were told in an outage of Redis: one who was in the room, and one who entered."""

    told: list[bool | None] = field(default_factory=list)
    error: str = ""
    latecomer_told: list[bool | None] = field(default_factory=list)
    latecomer_heard: list[Message] = field(default_factory=list)
    heard: list[Message] = field(default_factory=list)
    trouble: str = ""


@pytest.fixture(scope="module")
def outage(base_url: str, services: list[Service]) -> dict[str, Witness]:
    """Redis is stopped and started while someone of each stack is in the room."""
    mark = f"outage-{secrets.token_hex(4)}"
    witnesses = {service.name: Witness() for service in services}
    with Operator(base_url, services) as operator, ExitStack() as stack:
        inside = [stack.enter_context(room.enter(base_url, service)) for service in services]
        latecomers: dict[str, Visitor] = {}
        for visitor in inside:
            visitor.history()
        for visitor in inside:
            visitor.say(mark, f"before, by {visitor.service.name}")
        for visitor in inside:
            witness = witnesses[visitor.service.name]
            with noting_trouble(witness):
                witness.heard += visitor.hear(mark, len(inside))
        operator.stop(REDIS)
        for visitor in inside:
            witness = witnesses[visitor.service.name]
            with noting_trouble(witness):
                witness.told.append(_told_live(visitor))
        for visitor in inside:
            witness = witnesses[visitor.service.name]
            with noting_trouble(witness):
                visitor.say(mark, f"into the void, by {visitor.service.name}")
                witness.error = visitor.error(seconds=NOTICED)
        for visitor in inside:
            witness = witnesses[visitor.service.name]
            with noting_trouble(witness):
                latecomer = stack.enter_context(room.enter(base_url, visitor.service, _last_id(visitor)))
                latecomers[visitor.service.name] = latecomer
                witness.latecomer_told.append(_told_live(latecomer))
        operator.start(REDIS)
        for visitor in inside:
            witness = witnesses[visitor.service.name]
            with noting_trouble(witness):
                witness.told.append(_told_live(visitor))
        for name, latecomer in latecomers.items():
            with noting_trouble(witnesses[name]):
                witnesses[name].latecomer_told.append(_told_live(latecomer))
        for visitor in inside:
            with noting_trouble(witnesses[visitor.service.name]):
                visitor.say(mark, f"after, by {visitor.service.name}")
        for visitor in inside:
            witness = witnesses[visitor.service.name]
            with noting_trouble(witness):
                witness.heard += visitor.hear(mark, len(inside))
        for name, latecomer in latecomers.items():
            with noting_trouble(witnesses[name]):
                witnesses[name].latecomer_heard += latecomer.hear(mark, len(inside))
    return witnesses


def test_sockets_stay_open_while_redis_is_down(outage: dict[str, Witness], service: Service) -> None:
    assert not outage[service.name].trouble


def test_visitors_are_told_when_redis_goes_down_and_comes_back(outage: dict[str, Witness], service: Service) -> None:
    assert outage[service.name].told == [False, True]


def test_a_message_sent_while_redis_is_down_gets_an_error(outage: dict[str, Witness], service: Service) -> None:
    assert outage[service.name].error


def test_a_visitor_who_enters_while_redis_is_down_is_told_so_and_when_it_is_back(
    outage: dict[str, Witness], service: Service
) -> None:
    assert outage[service.name].latecomer_told == [False, True]


def test_messages_are_delivered_again_when_redis_is_back(outage: dict[str, Witness], service: Service) -> None:
    witness = outage[service.name]

    assert len(witness.heard) == 2 * len(outage)
    assert {message.text.partition(",")[0] for message in witness.heard[: len(outage)]} == {"before"}
    assert {message.text.partition(",")[0] for message in witness.heard[len(outage) :]} == {"after"}
    assert {message.service for message in witness.heard} == set(outage)
    assert witness.latecomer_heard == witness.heard[len(outage) :]
    assert all(other.heard == witness.heard for other in outage.values() if not other.trouble)


def _last_id(visitor: Visitor) -> str | None:
    return visitor.last.id if visitor.last else None


def _told_live(visitor: Visitor) -> bool | None:
    """The next `live` that the visitor is told. Messages may come before it. Raises NoAnswerError for an error."""
    deadline = time.monotonic() + NOTICED
    while not isinstance(thing := visitor.next(deadline - time.monotonic()), Live):
        if isinstance(thing, Error):
            raise NoAnswerError(f"{visitor.service.name} answered {thing}")
    return thing.live

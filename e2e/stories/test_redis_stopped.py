"""The chat room when services and Redis are stopped and killed: whoever comes back has missed nothing."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from e2e.stories.conversation import Person, talking
from e2e.stories.record import noting_trouble
from e2e.support import room
from e2e.support.lab_lock import LabLock
from e2e.support.lab_operator import REDIS, Operator
from e2e.support.room import Enter, Error, Live, Meanwhile, Message, Visitor, texts
from e2e.support.websocket import NoAnswerError
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.operator

#: Seconds after which a service has noticed that Redis went or came.
NOTICED = 15


def test_nothing_is_lost_when_redis_is_killed_in_the_middle(
    base_url: str, services: list[Service], mark: str, operator: Operator
) -> None:
    people = [Person(base_url, service, mark, service.name) for service in services]

    with talking(people, pause=0.1) as everybody_speaks:
        everybody_speaks(5)
        operator.kill(REDIS)
        everybody_speaks(5)
        operator.start(REDIS)

    for person in people:
        person.assert_heard_the_same_as(people)


@dataclass
class Newborn:
    """What a service told that was started while Redis was away."""

    before: Meanwhile | None = None
    after: Meanwhile | None = None
    trouble: str = ""


@pytest.fixture(scope="module")
def started_without_redis(base_url: str, services: list[Service], lab_lock: LabLock) -> dict[str, Newborn]:
    """Every service, restarted in one outage; the last message of the room says `before`."""
    newborns = {service.name: Newborn() for service in services}
    with lab_lock.exclusive(), Operator(base_url, services) as operator, ExitStack() as stack:
        with room.enter(base_url, services[0]) as speaker:
            speaker.say("before", "before")
            speaker.hear("before")
        operator.stop(REDIS)
        operator.stop(*services)
        operator.start(*services)
        inside = []
        for service in services:
            with noting_trouble(newborns[service.name]):
                visitor = stack.enter_context(room.enter(base_url, service))
                newborns[service.name].before = visitor.until_live(False, seconds=NOTICED)
                inside.append(visitor)
        operator.start(REDIS)
        for visitor in inside:
            with noting_trouble(newborns[visitor.service.name]):
                newborns[visitor.service.name].after = visitor.until_live(seconds=NOTICED)
    return newborns


def test_a_service_starts_without_redis_and_has_its_history_later(
    started_without_redis: dict[str, Newborn], service: Service
) -> None:
    newborn = started_without_redis[service.name]

    assert not newborn.trouble
    assert newborn.before == Meanwhile([], [])
    assert newborn.after
    assert not newborn.after.errors
    assert 0 < len(newborn.after.messages) <= 50
    assert newborn.after.messages[-1].text == "before"


@dataclass
class Witness:
    """What one stack's visitors went through while Redis was away."""

    told: list[bool | None] = field(default_factory=list)
    error: str = ""
    entered: list[bool | None] = field(default_factory=list)
    caught_up: list[Message] = field(default_factory=list)
    heard: list[Message] = field(default_factory=list)
    trouble: str = ""


@pytest.fixture(scope="module")
def outage(base_url: str, services: list[Service], lab_lock: LabLock) -> dict[str, Witness]:
    """Redis is stopped and started under a conversation of all stacks, once for all the tests of it."""
    mark = f"outage-{secrets.token_hex(4)}"
    witnesses = {service.name: Witness() for service in services}
    with lab_lock.exclusive(), Operator(base_url, services) as operator, ExitStack() as stack:
        inside = [stack.enter_context(room.enter(base_url, service)) for service in services]
        late: list[Visitor] = []
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
                late.append(stack.enter_context(room.enter(base_url, visitor.service, _last_id(visitor))))
                witness.entered.append(_told_live(late[-1]))
        operator.start(REDIS)
        for visitor, latecomer in zip(inside, late, strict=False):
            witness = witnesses[visitor.service.name]
            with noting_trouble(witness):
                witness.told.append(_told_live(visitor))
                witness.entered.append(_told_live(latecomer))
        for visitor in inside:
            with noting_trouble(witnesses[visitor.service.name]):
                visitor.say(mark, f"after, by {visitor.service.name}")
        for visitor, latecomer in zip(inside, late, strict=False):
            witness = witnesses[visitor.service.name]
            with noting_trouble(witness):
                witness.heard += visitor.hear(mark, len(inside))
                witness.caught_up += latecomer.hear(mark, len(inside))
    return witnesses


def test_sockets_stay_open_while_redis_is_away(outage: dict[str, Witness], service: Service) -> None:
    assert not outage[service.name].trouble


def test_sockets_are_told_when_redis_goes_and_comes(outage: dict[str, Witness], service: Service) -> None:
    assert outage[service.name].told == [False, True]


def test_who_speaks_while_redis_is_away_is_told(outage: dict[str, Witness], service: Service) -> None:
    assert outage[service.name].error


def test_who_enters_while_redis_is_away_is_told(outage: dict[str, Witness], service: Service) -> None:
    assert outage[service.name].entered == [False, True]


def test_delivery_goes_on_when_redis_returns(outage: dict[str, Witness], service: Service) -> None:
    witness = outage[service.name]

    assert len(witness.heard) == 2 * len(outage)
    assert {message.text.partition(",")[0] for message in witness.heard[: len(outage)]} == {"before"}
    assert {message.text.partition(",")[0] for message in witness.heard[len(outage) :]} == {"after"}
    assert {message.service for message in witness.heard} == set(outage)
    assert witness.caught_up == witness.heard[len(outage) :]
    assert all(other.heard == witness.heard for other in outage.values() if not other.trouble)


# Replicas


@pytest.fixture
def replicas(operator: Operator, plain: Service) -> None:
    """A service runs three times, behind the one proxy."""
    if not operator.in_containers:
        pytest.skip("the lab runs as processes: only a container has replicas")
    operator.scale(plain, 3)


@pytest.mark.usefixtures("replicas")
def test_three_replicas_share_the_room(
    base_url: str, enter: Enter, plain: Service, other: Service, mark: str, operator: Operator
) -> None:
    watcher = enter(other)
    visitors = [enter(plain) for _ in range(30)]
    for visitor in visitors:
        visitor.history()
    watcher.until_online({plain.name: 30}, seconds=20)
    for number, visitor in enumerate(visitors):
        visitor.say(mark, f"{number} of 30")
    heard = [visitor.hear(mark, 30) for visitor in (watcher, *visitors)]
    assert all(messages == heard[0] for messages in heard)

    operator.kill_replica(plain)

    watcher.say(mark, "who is left?")
    dropped = [visitor for visitor in visitors if not _hears(visitor, mark)]
    assert 0 < len(dropped) < 30, f"of 30 sockets {len(dropped)} were on the container that was killed"
    for _ in dropped:
        with room.enter(base_url, plain, heard[0][-1].id) as back:
            assert texts(back.hear(mark)) == ["who is left?"]


def _hears(visitor: Visitor, mark: str) -> bool:
    try:
        return len(visitor.hear(mark)) == 1
    except NoAnswerError:
        return False


def _last_id(visitor: Visitor) -> str | None:
    return visitor.last.id if visitor.last else None


def _told_live(visitor: Visitor) -> bool | None:
    """The next that it is told of being live. Whatever was said comes before that, and errors are not due."""
    deadline = time.monotonic() + NOTICED
    while not isinstance(thing := visitor.next(deadline - time.monotonic()), Live):
        if isinstance(thing, Error):
            raise NoAnswerError(f"{visitor.service.name} answered {thing}")
    return thing.live

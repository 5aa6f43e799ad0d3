"""The chat room when services and Redis are stopped and killed: whoever comes back has missed nothing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest

from e2e import room, wire
from e2e.lab import REDIS, Lab
from e2e.room import Error, Live, Meanwhile, Message, Visitor, texts
from e2e.wire import NoAnswerError
from echowall.catalog import Service

pytestmark = pytest.mark.operator

Enter = Callable[..., Visitor]

#: Seconds after which a service has noticed that Redis went or came.
NOTICED = 15


class Person:
    """Someone who goes on talking and listening through thick and thin: cut off, they come back to where they were."""

    def __init__(self, base_url: str, service: Service, mark: str, name: str) -> None:
        self.service = service
        self.name = name
        self.heard: list[Message] = []
        self._base_url = base_url
        self._mark = mark
        self._last: str | None = None
        self._said = 0
        self._visitor: Visitor | None = room.enter(base_url, service)

    @property
    def goodbye(self) -> str:
        """The last thing they say."""
        return f"goodbye from {self.name}"

    def say(self, text: str = "") -> None:
        """Say the next thing, if there is anybody to say it to."""
        self._said += 1
        try:
            self._inside().say(self._mark, text or f"{self._said} by {self.name}")
        except NoAnswerError:
            while self._visitor and self._hear(0.1):  # to the end of what is in the pipe
                pass

    def listen(self, until: set[str], *, seconds: float = 30) -> None:
        """Hear everything until all of these were said."""
        deadline = time.monotonic() + seconds
        while missing := until - set(texts(self.heard)):
            assert time.monotonic() < deadline, f"{self.name} heard {len(self.heard)} messages, but no {missing}"
            self._hear(1)

    def catch_up(self) -> None:
        """Hear what is there, and come back if cut off."""
        while self._hear(0.3):
            pass
        self._inside()

    def leave(self) -> None:
        """For good, or until there is something to say or to hear."""
        if self._visitor:
            self._visitor.leave()
        self._visitor = None

    def _hear(self, seconds: float) -> bool:
        try:
            thing = self._inside().next(seconds)
        except wire.ClosedError:
            self.leave()
        except NoAnswerError:
            return False
        else:
            if isinstance(thing, Message):
                self._last = thing.id
                if thing.nick == self._mark:
                    self.heard.append(thing)
        return True

    def _inside(self) -> Visitor:
        if not self._visitor:
            self._visitor = room.enter(self._base_url, self.service, self._last)
        return self._visitor


@pytest.mark.parametrize("end", [Lab.kill, Lab.stop], ids=["kill", "stop"])
def test_nothing_is_lost_when_a_service_goes_down_in_the_middle(
    base_url: str, service: Service, other: Service, mark: str, lab: Lab, end: Callable[[Lab, Service], None]
) -> None:
    doors = (service, service, other, other)
    people = [Person(base_url, door, mark, f"{door.name} {number}") for number, door in enumerate(doors)]

    def down_and_up() -> None:
        end(lab, service)
        lab.start(service)

    talk_during(down_and_up, people)

    assert_all_heard_the_same(people)


def test_nothing_is_lost_when_redis_is_killed_in_the_middle(
    base_url: str, services: list[Service], mark: str, lab: Lab
) -> None:
    people = [Person(base_url, service, mark, service.name) for service in services]

    def down_and_up() -> None:
        lab.kill(REDIS)
        lab.start(REDIS)

    talk_during(down_and_up, people)

    assert_all_heard_the_same(people)


@dataclass
class Newborn:
    """What a service told that was started while Redis was away."""

    before: Meanwhile | None = None
    after: Meanwhile | None = None
    trouble: str = ""


@pytest.fixture(scope="module")
def started_without_redis(base_url: str, services: list[Service]) -> dict[str, Newborn]:
    """Every service, restarted in one outage; the last message of the room says `before`."""
    newborns = {service.name: Newborn() for service in services}
    with Lab(base_url, services) as lab, ExitStack() as stack:
        with room.enter(base_url, services[0]) as speaker:
            speaker.say("before", "before")
            speaker.hear("before")
        lab.stop(REDIS)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lab.stop, services))
            list(pool.map(lab.start, services))
        inside = []
        for service in services:
            with troubled(newborns[service.name]):
                visitor = stack.enter_context(room.enter(base_url, service))
                newborns[service.name].before = visitor.until_live(False, seconds=NOTICED)
                inside.append(visitor)
        lab.start(REDIS)
        for visitor in inside:
            with troubled(newborns[visitor.service.name]):
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
def outage(base_url: str, services: list[Service]) -> dict[str, Witness]:
    """Redis is stopped and started under a conversation of all stacks, once for all the tests of it."""
    mark = f"outage-{secrets.token_hex(4)}"
    witnesses = {service.name: Witness() for service in services}
    with Lab(base_url, services) as lab, ExitStack() as stack:
        inside = [stack.enter_context(room.enter(base_url, service)) for service in services]
        late: list[Visitor] = []
        for visitor in inside:
            visitor.history()
        for visitor in inside:
            visitor.say(mark, f"before, by {visitor.service.name}")
        for visitor in inside:
            witness = witnesses[visitor.service.name]
            with troubled(witness):
                witness.heard += visitor.hear(mark, len(inside))
        lab.stop(REDIS)
        for visitor in inside:
            witness = witnesses[visitor.service.name]
            with troubled(witness):
                witness.told.append(_told_live(visitor))
        for visitor in inside:
            witness = witnesses[visitor.service.name]
            with troubled(witness):
                visitor.say(mark, f"into the void, by {visitor.service.name}")
                witness.error = visitor.error(seconds=NOTICED)
        for visitor in inside:
            witness = witnesses[visitor.service.name]
            with troubled(witness):
                late.append(stack.enter_context(room.enter(base_url, visitor.service, _last_id(visitor))))
                witness.entered.append(_told_live(late[-1]))
        lab.start(REDIS)
        for visitor, latecomer in zip(inside, late, strict=False):
            witness = witnesses[visitor.service.name]
            with troubled(witness):
                witness.told.append(_told_live(visitor))
                witness.entered.append(_told_live(latecomer))
        for visitor in inside:
            with troubled(witnesses[visitor.service.name]):
                visitor.say(mark, f"after, by {visitor.service.name}")
        for visitor, latecomer in zip(inside, late, strict=False):
            witness = witnesses[visitor.service.name]
            with troubled(witness):
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
def replicas(lab: Lab, plain: Service) -> None:
    """A service runs three times, behind the one proxy."""
    if not lab.in_containers:
        pytest.skip("the lab runs as processes: only a container has replicas")
    lab.scale(plain, 3)


@pytest.mark.usefixtures("replicas")
def test_three_replicas_share_the_room(
    base_url: str, enter: Enter, plain: Service, other: Service, mark: str, lab: Lab
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

    lab.kill_replica(plain)

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


@contextmanager
def troubled(record: Witness | Newborn) -> Iterator[None]:
    """What goes wrong with one stack is its own trouble, and does not end the story of the others."""
    try:
        yield
    except NoAnswerError as error:
        record.trouble = record.trouble or str(error)


def talk_during(action: Callable[[], None], people: list[Person]) -> None:
    """All of them talk while it goes on, say goodbye, and listen until everybody has."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(action)
        while not done.done():
            for person in people:
                person.say()
            time.sleep(0.05)
        done.result()
    for person in people:
        person.catch_up()
        person.say(person.goodbye)
    for person in people:
        person.listen({person.goodbye for person in people})
        person.leave()


def assert_all_heard_the_same(people: list[Person]) -> None:
    """Each thing once, in one order, and from everybody more than the goodbye."""
    for person in people:
        assert person.heard == people[0].heard, f"{person.name} heard otherwise than {people[0].name}"
        assert sum(text.endswith(f" {person.name}") for text in texts(person.heard)) > 2
    heard = people[0].heard
    assert len({message.text for message in heard}) == len(heard)
    assert [message.order for message in heard] == sorted({message.order for message in heard})

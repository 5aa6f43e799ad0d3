"""People who talk by one service without a pause while it is changed under them: its replicas start anew one after the
other, or one of them goes for good."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event

from e2e.stories.conversation import Person
from e2e.stories.record import noting_trouble
from e2e.support import room
from e2e.support.lab_operator import Operator
from e2e.support.room import Message, texts
from echowall.catalog.catalog import Service

#: People who talk by the service.
PEOPLE = 8
#: Seconds between two things that one of them says.
PAUSE = 0.1
#: Seconds in which a service that starts has to let people in again, on a busy machine.
PATIENCE = 60


class Talker(Person):
    """Someone who says one thing after another, each once the one before was heard."""

    def __init__(self, base_url: str, service: Service, mark: str, name: str) -> None:
        super().__init__(base_url, service, mark, name)
        self.said: list[str] = []
        self.again = 0
        """How often something was said again, for it was not in the room after the connection had been cut."""
        self.longest = 0.0
        """The most seconds from saying something to hearing it."""

    def talk(self, over: Event) -> None:
        """Talk until it is `over`. What goes wrong is their trouble."""
        with noting_trouble(self):
            while not over.is_set():
                self._say_next(f"{len(self.said) + 1} by {self.name}")
                time.sleep(PAUSE)
            self._say_next(self.goodbye)

    def _say_next(self, text: str) -> None:
        start = time.monotonic()
        self.again += self.say_until_heard(text, seconds=PATIENCE) - 1
        self.said.append(text)
        self.longest = max(self.longest, time.monotonic() - start)


@dataclass
class Rolled:
    """What those heard who talked by a service while it was changed, and someone by another service."""

    talkers: list[Talker]
    witness: Person
    online: int = 0
    """How many sockets the service had in the room afterwards, as the room itself counts them."""
    trouble: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each change took, by what it was."""

    @property
    def codes(self) -> Counter[int]:
        """How often the connections of those who talked ended, by the code of the close frame; 1006 without one."""
        return Counter(close.code for talker in self.talkers for close in talker.closes)

    @property
    def said(self) -> list[str]:
        return [text for talker in self.talkers for text in talker.said]

    @property
    def twice(self) -> int:
        """How many things are in the room twice, as two messages: said by a socket that was just being closed, and
        again when they were not in the room yet."""
        return len(self.witness.heard) - len(set(texts(self.witness.heard)))

    def assert_nothing_was_lost(self) -> None:
        """Assert that everybody heard everything that was said, each message once and in one order."""
        troubles = [self.trouble, self.witness.trouble, *(talker.trouble for talker in self.talkers)]
        assert not any(troubles), troubles
        for person in (*self.talkers, self.witness):
            heard = person.heard
            assert heard == self.witness.heard, f"{person.name}: {_difference(heard, self.witness.heard)}"
            assert [message.order for message in heard] == sorted({message.order for message in heard})
            assert not (lost := set(self.said) - set(texts(heard))), f"{person.name} did not hear {lost}"
        assert self.twice <= sum(talker.again for talker in self.talkers)

    @contextmanager
    def timing(self, change: str) -> Iterator[None]:
        """Note how long this change takes."""
        start = time.monotonic()
        yield
        self.seconds[change] = time.monotonic() - start


def roll(operator: Operator, service: Service, story: Rolled) -> None:
    """Restart both replicas of the service, one after the other, and then let one of them go."""
    for number, replica in enumerate(operator.replicas(service), start=1):
        with story.timing(f"restart {number}"):
            operator.restart_replica(replica)
    with story.timing("scale down"):
        operator.scale(service, 1)


@contextmanager
def rolling(base_url: str, service: Service, other: Service, mark: str) -> Iterator[Rolled]:
    """People talk by the service while the block changes it, and someone by the `other` listens. At the end all have
    said goodbye and heard everything, and it is counted who is in the room."""
    over = Event()
    with ExitStack() as inside, ThreadPoolExecutor(PEOPLE + 1) as pool:
        talkers = [Talker(base_url, service, mark, f"{service.name} {number}") for number in range(1, PEOPLE + 1)]
        witness = Person(base_url, other, mark, f"someone by {other.name}")
        for person in (*talkers, witness):
            inside.callback(person.leave)
        story = Rolled(talkers, witness)
        goodbyes = {talker.goodbye for talker in talkers}
        running: list[Future[None]] = [pool.submit(talker.talk, over) for talker in talkers]
        running.append(pool.submit(_listen, witness, goodbyes, over))
        try:
            yield story
        finally:
            over.set()
            for it in running:
                it.result()
        for talker in talkers:
            with noting_trouble(talker):
                talker.listen(goodbyes, seconds=PATIENCE)
        with noting_trouble(story), room.enter(base_url, other) as counter:
            try:
                counter.until_online({service.name: PEOPLE}, seconds=15)
            finally:
                story.online = counter.online.get(service.name, 0)


def _listen(witness: Person, goodbyes: set[str], over: Event) -> None:
    with noting_trouble(witness):
        while not over.is_set():
            witness.keep_up()
            time.sleep(0.05)
        witness.listen(goodbyes, seconds=PATIENCE)


def _difference(one: list[Message], two: list[Message]) -> str:
    missing, more = [it for it in two if it not in one], [it for it in one if it not in two]
    return f"{len(missing)} of {len(two)} messages are missing, beginning with {missing[:2]}; {more[:2]} are more"

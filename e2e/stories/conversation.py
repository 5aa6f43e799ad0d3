"""A conversation of several people in the room that goes on while services or Redis go down."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Lock, Semaphore

from e2e.stories.record import noting_trouble
from e2e.support import room, websocket
from e2e.support.room import Message, Visitor, texts
from e2e.support.websocket import NoAnswerError
from echowall.catalog.catalog import Service

#: Seconds for which what was said just before the connection was cut may still be on its way to the others.
ON_ITS_WAY = 1


class Person:
    """Someone who talks and listens by one service. When the connection is cut, they enter again after the last message
    that they heard."""

    def __init__(self, base_url: str, service: Service, mark: str, name: str) -> None:
        self.service = service
        self.name = name
        self.heard: list[Message] = []
        self.closes: list[websocket.Close] = []
        """How their connections ended, while they listened."""
        self.trouble = ""
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
        """Say the next thing. It is lost where the service is down, and then they hear what had come before."""
        self._said += 1
        try:
            self._inside().say(self._mark, text or f"{self._said} by {self.name}")
        except NoAnswerError:
            while self._visitor and self._hear(0.1):
                pass

    def say_until_heard(self, text: str, *, seconds: float = 30) -> int:
        """Say it, and again whenever the connection was cut before it was heard; gives how often it was said.

        After a cut they hear first what the room has, and for ON_ITS_WAY seconds what comes: only what is not there is
        said again. Raises AssertionError after that many seconds.
        """
        deadline = time.monotonic() + seconds
        told: Visitor | None = None
        times, patient_until = 0, 0.0
        while text not in texts(self.heard[-50:]):
            assert time.monotonic() < deadline, f"{self.name} said {text!r} {times} times, and did not hear it"
            try:
                visitor = self._inside()
                if visitor is not told and visitor.live and time.monotonic() > patient_until:
                    visitor.say(self._mark, text)
                    told, times = visitor, times + 1
            except NoAnswerError:
                pass  # the service is down, or the connection has just been cut; which it was, is heard next
            if not self._hear(0.5):
                time.sleep(0.05)
            if times and self._visitor is not told and not (self._visitor and self._visitor.live):
                patient_until = time.monotonic() + ON_ITS_WAY
        return times

    def listen(self, until: set[str], *, seconds: float = 30) -> None:
        """Listen until all of these texts were heard. Raises AssertionError after that many seconds."""
        deadline = time.monotonic() + seconds
        while missing := until - set(texts(self.heard)):
            assert time.monotonic() < deadline, f"{self.name} heard {len(self.heard)} messages, but no {missing}"
            self._hear(1)

    def keep_up(self) -> None:
        """Hear what has come so far, and answer pings: some servers cut off whom they hear nothing of."""
        while self._hear(0.001):
            pass

    def settle(self, *, seconds: float = 5) -> None:
        """Hear what they said last, so that the room has it; not where they are not in the room."""
        text, deadline = f"{self._said} by {self.name}", time.monotonic() + seconds
        while self._visitor and text not in texts(self.heard[-50:]) and time.monotonic() < deadline:
            self._hear(0.1)

    def catch_up(self) -> None:
        """Hear what has come so far, and enter again if the connection was cut."""
        while self._hear(0.3):
            pass
        self._inside()

    def assert_heard_the_same_as(self, people: Iterable[Person]) -> None:
        """Assert that they heard each message once, in the room's order, the same ones as everybody else did, and from
        each person more than the goodbye."""
        assert not self.trouble, self.trouble
        assert len({message.text for message in self.heard}) == len(self.heard)
        assert [message.order for message in self.heard] == sorted({message.order for message in self.heard})
        for other in people:
            assert sum(text.endswith(f" {other.name}") for text in texts(self.heard)) > 2, f"{other.name} was not heard"
            if not other.trouble:
                assert self.heard == other.heard, f"{self.name} heard something else than {other.name}"

    def leave(self) -> None:
        """Leave the room. They enter again as soon as they say or hear something."""
        if self._visitor:
            self._visitor.leave()
        self._visitor = None

    def _hear(self, seconds: float) -> bool:
        """Hear the next thing. False where nothing comes in so many seconds, or the service does not let them in."""
        try:
            thing = self._inside().next(seconds)
        except websocket.ClosedError as error:
            self.closes.append(error.close)
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


class Talk:
    """A conversation that goes on by itself, in rounds in which each of these people says something."""

    def __init__(self, people: list[Person]) -> None:
        self._people = people
        self._floor = Lock()
        self._rounds = Semaphore(0)

    def go_on(self, rounds: int) -> None:
        """Wait until everybody has said that many more things."""
        while self._rounds.acquire(blocking=False):  # the rounds before this call
            pass
        for _ in range(rounds):
            assert self._rounds.acquire(timeout=30), "nobody has said anything for 30 s"

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nobody says anything while the block runs, and what was said before is in the room."""
        with self._floor:
            for person in self._people:
                person.settle()
            yield

    def until(self, over: Event, *, pause: float) -> None:
        """Talk until it is `over`, with so many seconds between two rounds."""
        while not over.is_set():
            with self._floor:
                for person in self._people:
                    person.say()
                    person.keep_up()
            self._rounds.release()
            time.sleep(pause)


@contextmanager
def talking(people: list[Person], *, pause: float) -> Iterator[Talk]:
    """All of them talk while the block runs. Then each says goodbye, listens for every goodbye, and leaves.

    `pause` is the time between two rounds of talking, in seconds. What goes wrong with a person at the end is that
    person's trouble.
    """
    over = Event()
    talk = Talk(people)

    def finish(person: Person) -> None:
        with noting_trouble(person):
            person.catch_up()
            person.say(person.goodbye)
            person.listen(goodbyes)

    goodbyes = {person.goodbye for person in people}
    try:
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(talk.until, over, pause=pause)
            try:
                yield talk
            finally:
                over.set()
            done.result()
        with ThreadPoolExecutor(len(people)) as pool:
            list(pool.map(finish, people))
    finally:
        for person in people:
            person.leave()

"""People who listen to the room by plain HTTP while services and Redis go down, and go on where they were."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import httpx
import msgspec

from e2e.support import push
from e2e.support.dialling import trust
from e2e.support.room import Message
from e2e.support.websocket import NoAnswerError
from echowall.catalog.catalog import Push, Service


class Listener:
    """Someone who listens by one service in one way. They keep every message of the mark, as often as they are told it
    and in that order."""

    def __init__(self, base_url: str, service: Service, way: Push, mark: str) -> None:
        self.heard: list[Message] = []
        self.listening = Event()
        """Set once they hear whatever is said from then on."""
        self.trouble = ""
        self.address = f"{base_url}/{service.name}"
        self._hear: Callable[[], None] = {"poll": self._poll, "long-poll": self._long_poll, "events": self._events}[way]
        self._mark = mark
        self._last = ""
        self._http = httpx.Client(trust_env=False, verify=trust())

    def listen(self, over: Event, goodbyes: set[str], *, seconds: float) -> None:
        """Listen, and ask again whenever it is cut off, until all of these texts were heard. Once it is `over`, that
        may take so many seconds; what goes wrong is their trouble."""
        deadline = float("inf")
        with self._http:
            while missing := goodbyes - {message.text for message in self.heard}:
                if over.is_set():
                    deadline = min(deadline, time.monotonic() + seconds)
                if time.monotonic() > deadline:
                    self.trouble = f"{self.address}: heard {len(self.heard)} messages, but no {missing}"
                    return
                try:
                    self._hear()
                except NoAnswerError:
                    time.sleep(0.2)  # the service is down, or Redis is

    def _poll(self, wait: float = 0) -> None:
        answer = push.poll(self._http, self.address, self._last, wait=wait, known=self._last)
        if answer.status != 304:
            news = answer.news
            self._last = news.after
            self._take(news.messages)
        self.listening.set()
        if not wait:
            time.sleep(0.3)

    def _long_poll(self) -> None:
        self._poll(wait=5)

    def _events(self) -> None:
        """Listen to one stream until its end, as an EventSource does."""
        with push.listen(self.address, last_event_id=self._last or None, silence=20) as events:
            while True:
                event = events.next()
                if event.id:
                    self._last = event.id
                    self._take([msgspec.convert(event.told, Message)])
                if event.told == {"live": True}:
                    self.listening.set()
                if any(message.text.startswith("goodbye") for message in self.heard[-1:]):
                    return

    def _take(self, messages: list[Message]) -> None:
        self.heard += [message for message in messages if message.nick == self._mark]


@contextmanager
def listening(listeners: list[Listener], goodbyes: set[str], *, seconds: float) -> Iterator[None]:
    """All of them listen while the block runs, and then until they have heard all of these texts, for up to so many
    seconds."""
    over = Event()
    with ThreadPoolExecutor(max(1, len(listeners))) as pool:
        try:
            for listener in listeners:
                pool.submit(listener.listen, over, goodbyes, seconds=seconds)
            for listener in listeners:
                assert listener.listening.wait(seconds), f"{listener.address} told nothing at the start"
            yield
        finally:
            over.set()

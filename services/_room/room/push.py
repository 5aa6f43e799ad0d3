"""The room for those who listen by plain HTTP: what polls, long polls and Server-Sent Events are in every stack.

Nothing here does I/O, and nothing waits. Each stack's push.py asks what to answer, or what to send, and waits in its
own way until `wake` is called or the time that is `left()` is over.
"""

import re
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple, Self

import room
from room import KEPT, Order, Told, is_id, order, to_json

#: How many messages one poll is told, at most.
POLLED = 1_000
#: For how many seconds a poll may wait.
LONGEST = 60
#: Milliseconds after which a client connects again when its stream of events has ended.
RETRY = 1_000
#: Seconds from one comment in a stream of events to the next.
QUIET = 15.0
#: The headers of a stream of events. nginx would keep it back in its buffer otherwise.
STREAMING = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_TAG = re.compile('"([^"]*)"')


class Answer(NamedTuple):
    """A whole response. Flask and Starlette take the three in this order."""

    body: str
    status: int
    headers: dict[str, str]


class BadRequestError(ValueError):
    """A request asks for what there cannot be. The message says what is wrong with it, and what would be right."""

    @property
    def answer(self) -> Answer:
        """What it is answered with."""
        return _failed(400, str(self), {"Cache-Control": "no-store"})


class Poll:
    """A request for what was said after a message. It may wait until there is something: then it is a long poll."""

    def __init__(self, of: room.Room, wake: Callable[[], None], *, after: str, wait: str, tags: str) -> None:
        """`after`, `wait` and `tags` are the two parameters and the header If-None-Match, "" where there is none.

        `wake` is called, by any thread, when there may be news. Raises BadRequestError.
        """
        self.wake = wake
        self._room = of
        self._after = _position("after", after) if after else None
        self._until = monotonic() + (_seconds(wait) if wait else 0)
        # A proxy that compresses an answer makes its tag a weak one, W/"…", which is as good (RFC 9110, 13.1.2).
        self._tags = None if tags.strip() == "*" else set(_TAG.findall(tags))

    def __enter__(self) -> Self:
        with self._room._lock:
            self._room.polls.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._room._lock:
            self._room.polls.discard(self)

    def left(self) -> float:
        """For how many seconds it may still wait."""
        return max(0.0, self._until - monotonic())

    def answer(self) -> Answer | None:
        """The answer; None where there is no news yet, and there is time left to wait for some.

        It is 304 only for a client that has this very answer, as its If-None-Match says, and 503 where Redis does not
        answer, so that nobody knows whether there is anything new.
        """
        waiting = self.left() > 0
        with self._room._lock:
            batch = self._batch()
            known_to_be_all = self._room.live
            last = batch[-1][0] if batch else self._after or order(self._room.last)
        if not batch and not known_to_be_all:
            return None if waiting else _failed(503, _AWAY, {"Cache-Control": "no-store", "Retry-After": "1"})
        id = "{}-{}".format(*last)
        seen = self._tags is None or id in self._tags
        if waiting and self._after and (seen or not batch):
            return None
        headers = {"ETag": f'"{id}"', "Cache-Control": "no-cache"}
        if seen:
            return Answer("", 304, headers)
        messages = ",".join(message for _, message in batch)
        return Answer(f'{{"after":"{id}","messages":[{messages}]}}', 200, headers | _JSON)

    def _batch(self) -> list[tuple[Order, Any]]:
        """What was said after the message; nothing for a client that has yet to learn which is the latest."""
        if not self._after:
            return []
        return self._room._since(max(self._after, self._room._before(KEPT)), POLLED)


class Listener(room.Visitor):
    """A stream of events. It is in the room as a socket is: it is told the same, and put out if it falls behind."""

    def __init__(self, of: room.Room, wake: Callable[[], None], *, after: str, last_event_id: str) -> None:
        """`after` is the parameter, and `last_event_id` the header of a client that has connected again by itself (the
        address is then still that of its first time), "" where there is none.

        `wake` is called, by any thread, when there may be news. Set `drop` before it enters: it is called once, if the
        client falls behind. Raises BadRequestError.
        """
        for name, id in (("Last-Event-ID", last_event_id), ("after", after)):
            if id:
                _position(name, id)
        super().__init__(of, last_event_id or after, wake, lambda: None)
        self._opening = f"retry: {RETRY}\n\n"
        self._comment = monotonic() + QUIET

    def __enter__(self) -> Self:
        return self._room._admit(self)

    def left(self) -> float:
        """In how many seconds there is a comment to send."""
        return max(0.0, self._comment - monotonic())

    def text(self) -> str:
        """What to send next: some of the events that are due, or a comment; "" where there is neither.

        See "Server-sent events" in the HTML standard, 9.2. A comment every 15 s or so keeps old proxies from ending the
        connection (9.2.7), and shows a service that its client has gone.
        """
        text = self._opening + "".join(map(_event, self._next()))
        self._opening = ""
        if not self.left():
            self._comment = monotonic() + QUIET
            text += ": still here\n\n"
        return text


def _event(told: Told) -> str:
    """An event's text. What is told is JSON in one line; the state has no id, and so leaves the client's last one."""
    position, data = told
    return "id: {}-{}\ndata: {}\n\n".format(*position, data) if position else f"data: {data}\n\n"


def _position(name: str, id: str) -> Order:
    if not is_id(id):
        raise BadRequestError(f"{name}={id[:50]!a} is not the id of a message; those look like 1795350353143-0")
    return order(id)


def _seconds(wait: str) -> float:
    if not _SECONDS.fullmatch(wait) or float(wait) > LONGEST:
        raise BadRequestError(f"wait={wait[:50]!a} is not a number of seconds from 0 to {LONGEST}")
    return float(wait)


_JSON = {"Content-Type": "application/json"}
_AWAY = "Redis does not answer; ask again later"


def _failed(status: int, why: str, headers: dict[str, str]) -> Answer:
    return Answer(to_json({"error": why}), status, headers | _JSON)

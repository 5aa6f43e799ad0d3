"""The chat room's log, which every Python stack shares: what was said, and what each socket is still to be told.

Nothing here does I/O. `room.asyncio` and `room.blocking` read Redis into the log; each stack's chat.py sends from it.
`room.push` is for those who listen by plain HTTP.
"""

import os
import re
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

from msgspec import Meta, Struct, json

if TYPE_CHECKING:
    from room.push import Poll

#: About how many messages the stream keeps, and this log with it.
KEPT = 10_000
#: How many messages a visitor is told who enters without an id.
HISTORY = 50
#: How many messages a visitor is told at once, at most.
BATCH = 100
#: Why a visitor who is more than KEPT messages behind is closed, with 1013.
TOO_SLOW = f"more than {KEPT} messages behind"

#: The stream in Redis, and what the keys begin with that hold how many sockets each process has in the room.
STREAM = "foobar"
PRESENCE = "foobar:online:"

#: The log is cut when it is this much longer than KEPT. Then it keeps _SLACK more than KEPT, so that a visitor who
#: has just entered at its beginning is not behind at once.
_OVERFLOW, _SLACK = 1_000, 500
#: The position before every message.
_START = (0, 0)
_ID = re.compile("[0-9]{1,19}-[0-9]{1,19}")

Order = tuple[int, int]
Told = tuple[Order | None, Any]
"""What a client is told, as encoded, and its position; None where it is no message."""
_Visitor = TypeVar("_Visitor", bound="Visitor")


class Said(Struct, forbid_unknown_fields=True):
    """What a client may say. Lengths are in code points, and neither of the two may be blank."""

    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


def from_json(message: str | bytes) -> Said:
    """The message of a client. Raises ValueError, which says what is wrong with it."""
    return json.decode(message, type=Said)


def to_json(told: object) -> str:
    """What is told to a client, as a JSON text."""
    return json.encode(told).decode()


def order(id: str) -> Order:
    """The position of a message in the stream. As a string "1795349703791-10" would come before "1795349703791-9"."""
    milliseconds, number = id.split("-")
    return int(milliseconds), int(number)


def is_id(text: str) -> bool:
    """Whether this can be the id of a message."""
    return _ID.fullmatch(text) is not None


def _nothing() -> None:
    """Wake or drop nobody."""


class Visitor:
    """A socket in the room: up to where it has been told the log, and what it knows of the state."""

    def __init__(self, room: "Room", after: str, wake: Callable[[], None], drop: Callable[[], None]) -> None:
        self.behind = False
        """Whether it fell so far behind that it is no longer in the room, and has to be closed."""
        self.wake, self.drop = wake, drop
        self._room = room
        self._told: dict[str, object] = {"online": {}}
        valid = is_id(after)
        self._position = max(order(after), room._before(KEPT)) if valid else room._latest()
        wrong = f"after={after!a} is not the id of a message; these are the latest"
        self._refusals = [room.refusal(wrong)] if after and not valid else []

    def untold(self) -> list[Any]:
        """What to send next, encoded and in order: at most BATCH messages, or else what has changed in the state.

        Empty where there is no news, and for a visitor who is behind. What this returns counts as told.
        """
        return [told for _, told in self._next()]

    def leave(self) -> None:
        """Leave the room: after this neither `wake` nor `drop` is called, or kept."""
        with self._room._lock:
            self._room.visitors.discard(self)
            # What ends a task of the socket leads to it, and a task that was cancelled may lead back, by its traceback.
            self.wake = self.drop = _nothing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def _next(self) -> Sequence[Told]:
        """What untold() gives, each with its position."""
        with self._room._lock:
            if self.behind:
                return []
            if self._refusals:
                refusals, self._refusals = self._refusals, []
                return [(None, refusal) for refusal in refusals]
            if self._position is None:
                self._position = self._room._latest()
            if self._position is not None and (batch := self._room._since(self._position)):
                self._position = batch[-1][0]
                return batch
            state = {"live": self._room.live, "online": self._room.online}
            changed = {what: value for what, value in state.items() if self._told.get(what) != value}
            self._told |= changed
            return [(None, self._room.encode({what: value})) for what, value in changed.items()]


class Room:
    """The room as one process knows it. All of it may be used by any thread."""

    def __init__(
        self, service: str, encode: Callable[[Any], Any] = to_json, decode: Callable[[Any], Said] = from_json
    ) -> None:
        """`encode` makes what the stack sends out of what is told, once for all sockets; `decode` reads a client's
        message, and raises ValueError where it is none."""
        self.service, self.encode, self.decode = service, encode, decode
        self.live = False
        """Whether the log holds all that Redis has, so that what is said is heard at once."""
        self.complete = False
        """Whether it ever did, so that the latest messages can be told."""
        self.online: dict[str, int] = {}
        """How many sockets each stack has in the room."""
        self.visitors: set[Visitor] = set()
        self.polls: set[Poll] = set()
        """The requests of room.push that may have to wait. They do not count as sockets in the room."""
        self.last = "0-0"
        """The id of the latest message."""
        # A process's own: several share a host without Docker, and a port with it.
        self.presence = f"{PRESENCE}{service}:{os.uname().nodename}:{os.environ.get('PORT', '8000')}"
        self._log: list[tuple[Order, Any]] = []
        self._lock = RLock()  # on an event loop nobody ever waits for it

    def enter(self, after: str, wake: Callable[[], None], drop: Callable[[], None] = lambda: None) -> Visitor:
        """Let in a socket that has heard everything up to the message with the id `after`; "" for someone new.

        `wake` is called, by any thread, when there may be news. `drop` is called once, if the visitor falls behind:
        its socket has to be closed then, even though its client does not read.
        """
        return self._admit(Visitor(self, after, wake, drop))

    def refusal(self, why: str) -> Any:
        """What answers a message that is not said."""
        return self.encode({"error": why[:200]})

    def malformed(self, error: ValueError) -> Any:
        """What answers a message that cannot be decoded."""
        return self.refusal(f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000")

    def unheard(self) -> Any:
        """What answers a message that Redis may not have kept."""
        return self.refusal("Redis does not answer; unless your message appears, say it again later")

    def fields(self, said: Said) -> dict[str, str]:
        """The message as it goes into the stream."""
        return {"service": self.service, "nick": said.nick, "text": said.text}

    def add(self, entries: Iterable[tuple[str, Mapping[str, str]]], *, complete: bool) -> list[Any]:
        """Take in the stream's entries behind `last`; `complete` if there are no more. Gives them as encoded."""
        with self._lock:
            fresh = [(order(id), self.encode({"id": id, **fields, "ts": order(id)[0]})) for id, fields in entries]
            self._log += fresh
            if fresh:
                self.last = "{}-{}".format(*fresh[-1][0])
            was_live, self.live = self.live, self.live or complete
            self.complete = self.complete or complete
            behind = self._trim()
            if fresh or self.live != was_live:
                self._wake_all()
        for visitor in behind:
            visitor.wake()
            visitor.drop()
        return [message for _, message in fresh]

    def lost(self) -> None:
        """Redis does not answer."""
        with self._lock:
            if self.live:
                self.live = False
                self._wake_all()

    def meet(self, keys: Iterable[str], counts: Iterable[str | None]) -> None:
        """Take in who is there: the presence keys, and how many sockets each holds."""
        online: Counter[str] = Counter()
        for key, count in zip(keys, counts):
            online[key.split(":")[2]] += int(count or 0)
        with self._lock:
            if self.online != +online:  # without the zeros
                self.online = dict(+online)
                self._wake_all()

    def _admit(self, visitor: _Visitor) -> _Visitor:
        with self._lock:
            self.visitors.add(visitor)
        return visitor

    def _wake_all(self) -> None:
        for visitor in self.visitors:
            visitor.wake()
        for poll in self.polls:
            poll.wake()

    def _before(self, count: int) -> Order:
        """The position behind which there are `count` messages, or all."""
        return self._log[-count - 1][0] if len(self._log) > count else _START

    def _latest(self) -> Order | None:
        """The position of someone new; None where it cannot be known yet."""
        return self._before(HISTORY) if self.complete else None

    def _since(self, position: Order, count: int = BATCH) -> list[tuple[Order, Any]]:
        start = bisect(self._log, position, key=itemgetter(0))
        return self._log[start : start + count]

    def _trim(self) -> list[Visitor]:
        """Cut the log; gives the visitors who have not been told what is cut off, and puts them out of the room."""
        if len(self._log) <= KEPT + _OVERFLOW:
            return []
        del self._log[: -KEPT - _SLACK]
        beginning = self._log[0][0]
        behind = [visitor for visitor in self.visitors if visitor._position and visitor._position < beginning]
        for visitor in behind:
            visitor.behind = True
        self.visitors.difference_update(behind)
        return behind

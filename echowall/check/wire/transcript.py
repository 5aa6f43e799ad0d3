"""What happened during one check, line by line."""

from __future__ import annotations

import time
from typing import Literal, NamedTuple

from echowall.check.wire.secrets import Secrets

Direction = Literal["sent", "received", "note"]
#: Where a server broke the rules: in its answer to a handshake, or in a frame.
Where = Literal["answer", "frame"]


class Event(NamedTuple):
    """A line of a transcript."""

    at: float
    """Seconds since the check began."""
    connection: int
    """The connection's number, from 1."""
    direction: Direction
    what: str
    data: bytes = b""
    """The beginning of what was sent or received."""


class Transcript:
    """All that happened in one check. Its clock starts when it is made."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.connections = 0
        self.breaches: list[tuple[Where, str]] = []
        """What no server may do and this one did, each in a few words: at most one in an answer and one in the frames
        of each connection."""
        self.passed_over = 0
        """How many messages were passed over, because they have nothing to do with what was said."""
        self.ungreeted = False
        """Whether a connection was not greeted as it was when we got acquainted."""
        self.unprompted = False
        """Whether a message came, after the greeting, on a connection on which nothing had been said."""
        self.turned_away = False
        """Whether the server said that it was asked too much: HTTP 429 or 503, close 1008 or 1013."""
        self.secrets = Secrets()
        """What is masked in the payloads of masked frames, as it is in all else already."""
        self._began = time.monotonic()

    def number(self) -> int:
        """A number for one more connection."""
        self.connections += 1
        return self.connections

    def add(self, connection: int, direction: Direction, what: str, data: bytes = b"") -> None:
        """Record that something happened now."""
        self.events.append(Event(time.monotonic() - self._began, connection, direction, what, data))

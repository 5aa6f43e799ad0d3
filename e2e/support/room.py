"""A visitor of the chat room (services/README.md): enters by a service, says something, hears what is said."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol, Self
from urllib.parse import urlencode

import msgspec

from e2e.support import websocket
from e2e.support.websocket import PATIENCE, NoAnswerError
from echowall.catalog.catalog import Service


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody said."""

    id: str
    service: str
    nick: str
    text: str
    ts: int

    @property
    def order(self) -> tuple[int, int]:
        """Its place in the stream. As a string "1795349703791-10" would come before "1795349703791-9"."""
        milliseconds, number = self.id.split("-")
        return int(milliseconds), int(number)


class Online(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many sockets each stack has in the room."""

    online: dict[str, int]


class Live(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the service hears at once what is said now."""

    live: bool


class Error(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was wrong with the visitor's own message, or with its `after`."""

    error: str


Heard = Message | Online | Live | Error
_KINDS: dict[str, type[Heard]] = {"id": Message, "online": Online, "live": Live, "error": Error}


class Meanwhile(NamedTuple):
    """What a visitor was told before the thing that it waited for."""

    messages: list[Message]
    errors: list[str]


def enter(base_url: str, service: Service, after: str | None = None) -> Visitor:
    """Enter by a service, after the message with the id `after` if that is given. Raises websocket.RefusedError."""
    query = "" if after is None else f"?{urlencode({'after': after})}"
    return Visitor(websocket.connect(base_url, service, f"chat/{query}"), service)


class Enter(Protocol):
    """The fixture `enter`: enter() into the lab under test."""

    def __call__(self, service: Service, after: str | None = None) -> Visitor:
        """Enter by a service, after the message with the id `after` if that is given."""


class Visitor:
    """A socket in the room. Raises NoAnswerError for silence, for anything that the contract does not allow, and for a
    message that comes twice or out of order."""

    def __init__(self, client: websocket.Client, service: Service) -> None:
        self.client = client
        self.service = service
        self.last: Message | None = None
        self.online: dict[str, int] = {}
        self.live: bool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *arguments: object) -> None:
        self.client.__exit__(*arguments)

    def leave(self) -> None:
        """Cut the connection without a close frame."""
        self.client.__exit__()

    def say(self, nick: str, text: str) -> None:
        """Say something in the room."""
        self.client.send_json(json.dumps({"nick": nick, "text": text}))

    def next(self, seconds: float = PATIENCE) -> Heard:
        """The next thing that comes, within that many seconds."""
        if seconds <= 0:
            raise NoAnswerError(f"{self.service.name} did not send in time what the test waits for")
        self.client.patience = seconds
        heard = self._understood(self.client.receive_json())
        match heard:
            case Message():
                if self.last and heard.order <= self.last.order:
                    raise NoAnswerError(f"{self.service.name}: {heard} came after {self.last}")
                self.last = heard
            case Online():
                self.online = heard.online
            case Live():
                self.live = heard.live
        return heard

    def hear(
        self, mark: str, count: int = 1, *, seconds: float = PATIENCE, into: list[Message] | None = None
    ) -> list[Message]:
        """The next messages with that mark in their nick or text. Other messages are skipped; an error raises.

        With a list `into`, messages are added to it until it has that many. It keeps them where not all of them come.
        """
        heard = [] if into is None else into
        deadline = time.monotonic() + seconds
        while len(heard) < count:
            try:
                thing = self.next(deadline - time.monotonic())
            except websocket.ClosedError:
                raise
            except NoAnswerError as error:
                raise NoAnswerError(f"{self.service.name}: {len(heard)} of {count} came, and then {error}") from None
            if isinstance(thing, Error):
                raise NoAnswerError(f"{self.service.name} answered {thing} in place of messages")
            if isinstance(thing, Message) and (mark in thing.nick or mark in thing.text):
                heard.append(thing)
        return heard

    def hears(self, mark: str) -> bool:
        """Whether a message with that mark comes."""
        try:
            return len(self.hear(mark)) == 1
        except NoAnswerError:
            return False

    def history(self, *, seconds: float = PATIENCE) -> list[Message]:
        """The messages from entering until the service says that the visitor is live."""
        messages, errors = self.until_live(seconds=seconds)
        if errors:
            raise NoAnswerError(f"{self.service.name} answered {errors} on entering")
        return messages

    def until_live(self, value: bool = True, *, seconds: float = PATIENCE) -> Meanwhile:
        """What the visitor is told before the next `live` of that value."""
        meanwhile = Meanwhile([], [])
        deadline = time.monotonic() + seconds
        while (thing := self.next(deadline - time.monotonic())) != Live(value):
            if isinstance(thing, Message):
                meanwhile.messages.append(thing)
            elif isinstance(thing, Error):
                meanwhile.errors.append(thing.error)
        return meanwhile

    def error(self, *, seconds: float = PATIENCE) -> str:
        """The next error. Anything before it is skipped."""
        deadline = time.monotonic() + seconds
        while not isinstance(thing := self.next(deadline - time.monotonic()), Error):
            pass
        return thing.error

    def until_online(self, wanted: dict[str, int], *, seconds: float = PATIENCE) -> None:
        """Wait until those stacks have exactly that many sockets in the room."""
        deadline = time.monotonic() + seconds
        while any(self.online.get(name, 0) != count for name, count in wanted.items()):
            try:
                self.next(deadline - time.monotonic())
            except NoAnswerError as error:
                raise NoAnswerError(f"{self.online} are online, not {wanted}; {error}") from None

    def _understood(self, told: Any) -> Heard:
        kinds = [kind for key, kind in _KINDS.items() if isinstance(told, dict) and key in told]
        try:
            (kind,) = kinds
            heard = msgspec.convert(told, kind)
            if isinstance(heard, Message):
                assert heard.ts == heard.order[0], "ts is not the time in the id"
        except (AssertionError, ValueError) as error:
            raise NoAnswerError(f"{self.service.name} told {str(told)[:300]}: {error}") from None
        return heard


def texts(messages: Iterable[Message]) -> list[str]:
    """What was said in them."""
    return [message.text for message in messages]


def ids(messages: Iterable[Message]) -> list[str]:
    """Their ids."""
    return [message.id for message in messages]

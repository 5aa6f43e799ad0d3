"""Someone who listens to the room by plain HTTP: a poll as it was answered, and a stream of events as it comes."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec

from e2e.support.dialling import secured, trust
from e2e.support.room import Message
from e2e.support.websocket import PATIENCE, NoAnswerError


class News(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a poll's answer."""

    after: str
    messages: list[Message]


class Polled(NamedTuple):
    """The answer to a poll."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def tag(self) -> str:
        """Its entity tag, whether or not a proxy has compressed the answer, and so made it a weak one."""
        tag: str = self.headers["ETag"]
        return tag.removeprefix("W/").strip('"')

    @property
    def news(self) -> News:
        """What it tells. Raises NoAnswerError where the answer is another one."""
        try:
            assert self.status == 200
            assert self.headers["Content-Type"].startswith("application/json")
            return msgspec.json.decode(self.body, type=News)
        except (AssertionError, ValueError) as error:
            raise NoAnswerError(f"a poll was answered with {self.status} {self.body[:300]!r}: {error}") from None


def poll(client: httpx.Client, address: str, after: str = "", *, wait: float = 0, known: str = "") -> Polled:
    """Poll the room of the service at that address; `known` is the tag of the answer that one has. Raises
    NoAnswerError where no answer comes within PATIENCE."""
    query = {"after": after} | ({"wait": f"{wait:g}"} if wait else {})
    headers = {"If-None-Match": f'"{known}"'} if known else {}
    try:
        answer = client.get(f"{address}/chat/poll", params=query, headers=headers, timeout=PATIENCE)
    except httpx.HTTPError as error:
        raise NoAnswerError(f"{address} did not answer a poll of {query}: {error!r}") from None
    return Polled(answer.status_code, answer.headers, answer.content)


class Event(NamedTuple):
    """An event of the stream; a comment has no data."""

    id: str
    told: Any
    comment: str = ""


class Events:
    """A stream of events. Raises NoAnswerError for silence, for its end, and for a text that is no event."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.retry: int | None = None
        self._response = response
        self._lines = _lines(response)

    @property
    def body(self) -> bytes:
        """What came in place of a stream."""
        return self._response.read()

    def next(self) -> Event:
        """The next event or comment. A wait for the next line is bounded by PATIENCE."""
        fields: dict[str, str] = {}
        try:
            for line in self._lines:
                if not line and fields:
                    if "data" in fields or "" in fields:
                        return Event(fields.get("id", ""), json.loads(fields.get("data", "null")), fields.get("", ""))
                    fields = {}
                name, _, value = line.partition(":")
                fields |= {name: value.removeprefix(" ")} if line else {}
                self.retry = int(fields.get("retry", self.retry or 0))
        except (httpx.HTTPError, ValueError) as error:
            raise NoAnswerError(f"{self._response.url}: {error!r}") from None
        raise NoAnswerError(f"{self._response.url}: the stream ended")

    def hear(self, mark: str, count: int = 1, *, seconds: float = PATIENCE) -> list[Message]:
        """The next messages with that mark in their nick. Each event has the id of its message."""
        heard: list[Message] = []
        deadline = time.monotonic() + seconds
        while len(heard) < count:
            if time.monotonic() > deadline:
                raise NoAnswerError(f"{self._response.url}: {len(heard)} of {count} came within {seconds} s")
            event = self.next()
            if isinstance(event.told, dict) and "id" in event.told:
                message = msgspec.convert(event.told, Message)
                assert event.id == message.id, f"{event} has another id than its message"
                heard += [message] if message.nick == mark else []
            else:
                assert not event.id, f"{event} is no message and has an id"
        return heard


def _lines(response: httpx.Response) -> Iterator[str]:
    """A stream's lines. They end at CR, LF or both, and not at U+2028 and the others at which httpx ends a line too."""
    rest = ""
    for text in response.iter_text():
        *whole, rest = re.split("\r\n|\n|\r", rest + text)
        yield from whole


@contextmanager
def unread(address: str) -> Iterator[socket.socket]:
    """A connection that has asked for a stream of events, and does not read it. In HTTP/1.0 its body is the plain
    text."""
    url = urlsplit(address)
    plain = socket.socket()
    plain.settimeout(PATIENCE)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect((url.hostname, url.port))
    with secured(plain, address) as stream:
        stream.sendall(f"GET {url.path}/chat/events HTTP/1.0\r\nHost: {url.netloc}\r\n\r\n".encode())
        yield stream


@contextmanager
def listen(
    address: str, after: str | None = None, *, last_event_id: str | None = None, silence: float = PATIENCE
) -> Iterator[Events]:
    """Open a stream of events. `silence` is for how many seconds nothing may come."""
    query = "" if after is None else f"?{urlencode({'after': after})}"
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    try:
        with (
            httpx.Client(timeout=silence, trust_env=False, verify=trust()) as client,
            client.stream("GET", f"{address}/chat/events{query}", headers=headers) as response,
        ):
            yield Events(response)
    except httpx.HTTPError as error:
        raise NoAnswerError(f"{address} did not open a stream of events: {error!r}") from None

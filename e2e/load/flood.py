"""A flood of fifty megabytes of talk through every stack at once, with sockets that read it and sockets that never do.

The listener here is a WebSocket client of its own, which reads frames in bulk: one process has to take in 50,000
messages from each stack faster than the services can send them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple, NoReturn
from urllib.parse import urlsplit

import msgspec

from e2e.support import push, raw_http, room, websocket
from e2e.support.dialling import trust_for
from e2e.support.lab_operator import Operator, resident_memory
from e2e.support.room import Message
from echowall.catalog.catalog import Service

MESSAGES = 50_000
#: Characters of each message: a number, filled up to this length.
SIZE = 1_000
#: How many messages may be on their way to the slowest listener.
WINDOW = 500
#: Sockets of each stack that never read, and as many streams of events where there are any.
STUCK = 3
#: Seconds for the whole flood. With seventeen stacks on two cores it takes two minutes.
PATIENCE = 400


class Stuck(NamedTuple):
    """What a socket that never read was sent until the flood was over, as ids of messages, and how it was closed: by a
    close frame, or in words."""

    told: list[str]
    end: websocket.Close | str


class Deaf(NamedTuple):
    """What a stream of events that was not read had been sent until it was cut off, as ids of messages."""

    told: list[str]
    cut_off: bool


@dataclass
class Outcome:
    """What the flood did to one stack. Memory is in bytes: by pid before and after, and its growth at the peak."""

    said: set[str]
    heard: list[Message]
    trouble: str
    stuck: list[Stuck]
    deaf: list[Deaf]
    processes_before: Mapping[int, int]
    processes_after: Mapping[int, int]
    grown: int
    seconds: float
    slowest_about: float


def flood(base_url: str, services: list[Service], operator: Operator, mark: str) -> dict[str, Outcome]:
    """Have one listener of each stack say its share of the messages. Returns the outcome by the service's name."""
    with ExitStack() as stack:
        stuck = {
            service.name: [stack.enter_context(room.enter(base_url, service)) for _ in range(STUCK)]
            for service in services
        }
        for visitors in stuck.values():
            for visitor in visitors:
                visitor.history()
        deaf = {
            service.name: [stack.enter_context(push.unread(f"{base_url}/{service.name}")) for _ in range(STUCK)]
            for service in services
            if "events" in service.push
        }
        before = {service.name: operator.processes(service) for service in services}
        start = time.monotonic()
        with ThreadPoolExecutor(1) as thread:  # this thread has Playwright's event loop once a page was open
            talk = thread.submit(asyncio.run, _talk(base_url, services, mark, before)).result()
        seconds = time.monotonic() - start
        after = {service.name: operator.processes(service) for service in services}
        with ThreadPoolExecutor(STUCK * len(services)) as pool:
            ends = {name: pool.map(_end, visitors, repeat(mark)) for name, visitors in stuck.items()}
            rests = {name: pool.map(_rest, streams, repeat(mark)) for name, streams in deaf.items()}
        return {
            listener.service.name: Outcome(
                said={text for other in talk.listeners for text in other.said},
                heard=listener.heard,
                trouble=listener.trouble,
                stuck=list(ends[listener.service.name]),
                deaf=list(rests.get(listener.service.name, [])),
                processes_before=before[listener.service.name],
                processes_after=after[listener.service.name],
                grown=talk.peaks[listener.service.name] - sum(before[listener.service.name].values()),
                seconds=seconds,
                slowest_about=talk.slowest_about[listener.service.name],
            )
            for listener in talk.listeners
        }


def _end(visitor: room.Visitor, mark: str) -> Stuck:
    """Read what is left in the connection, to its end.

    The kernels on the way found a full window, and probe it again only after up to two minutes (RFC 9293, section
    3.8.6.1). A message in the other direction makes them look at once.
    """
    told: list[str] = []

    def read(seconds: float) -> NoReturn:
        while True:
            thing = visitor.next(seconds)
            if isinstance(thing, Message) and thing.nick == mark:
                told.append(thing.id)

    try:
        with suppress(websocket.SilenceError):
            read(1)
        with suppress(websocket.NoAnswerError):
            visitor.client.send_json("{}")
        read(15)
    except websocket.ClosedError as closed:
        return Stuck(told, closed.close)
    except websocket.NoAnswerError as error:
        return Stuck(told, str(error))


def _rest(stream: socket.socket, mark: str) -> Deaf:
    """Read what is left in the connection, to its end; see _end() for what is sent meanwhile."""
    text, cut_off = b"", False
    for silence in (1, 15):
        stream.settimeout(silence)
        with suppress(TimeoutError):
            while part := stream.recv(65536):
                text += part
            cut_off = True
            break
        stream.sendall(b"\r\n")
    told = [json.loads(line) for line in re.findall(rb'^data: (\{"id".*\})$', text, re.MULTILINE)]
    return Deaf([message["id"] for message in told if message["nick"] == mark], cut_off)


@dataclass
class _Talk:
    listeners: list[_Listener]
    peaks: dict[str, int]
    slowest_about: dict[str, float]


async def _talk(base_url: str, services: list[Service], mark: str, processes: Mapping[str, Mapping[int, int]]) -> _Talk:
    listeners = [_Listener(base_url, service, mark) for service in services]
    talk = _Talk(listeners, dict.fromkeys(processes, 0), dict.fromkeys(processes, 0.0))
    watching = [
        asyncio.create_task(_watch_memory(processes, talk.peaks)),
        asyncio.create_task(_watch_about(base_url, talk.slowest_about)),
    ]
    await asyncio.gather(*(listener.enter() for listener in listeners))
    reading = [asyncio.create_task(listener.listen()) for listener in listeners]
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            numbers = iter(range(MESSAGES))
            while any(listener.well and len(listener.heard) < MESSAGES for listener in listeners):
                well = [listener for listener in listeners if listener.well]
                said = sum(len(listener.said) for listener in listeners)
                room_left = WINDOW - said + min(len(listener.heard) for listener in well)
                for speaker, number in zip(_by_turns(well, room_left), numbers, strict=False):
                    speaker.say(f"{number:05d} ".ljust(SIZE, "回" if number % 100 == 0 else "x"))
                await asyncio.sleep(0.005)
    for task in (*reading, *watching):
        task.cancel()
    await asyncio.gather(*reading, *watching, return_exceptions=True)
    for listener in listeners:
        listener.leave()
    return talk


def _by_turns(listeners: list[_Listener], count: int) -> Iterator[_Listener]:
    for number in range(count):
        yield listeners[number % len(listeners)]


async def _watch_memory(processes: Mapping[str, Mapping[int, int]], peaks: dict[str, int]) -> None:
    while True:
        for name, pids in processes.items():
            peaks[name] = max(peaks[name], sum(map(resident_memory, pids)))
        await asyncio.sleep(0.2)


async def _watch_about(base_url: str, slowest: dict[str, float]) -> None:
    """Measure how long /about takes meanwhile: the flood must not hold up those who do not chat."""
    while True:
        for name in slowest:
            start = time.monotonic()
            answer = await asyncio.to_thread(raw_http.request, base_url, f"/{name}/about")
            slowest[name] = max(slowest[name], time.monotonic() - start if answer.status == 200 else float("inf"))
        await asyncio.sleep(1)


@dataclass
class _Listener:
    """Someone who speaks, and hears everything."""

    base_url: str
    service: Service
    mark: str
    said: list[str] = field(default_factory=list)
    heard: list[Message] = field(default_factory=list)
    trouble: str = ""

    @property
    def well(self) -> bool:
        return not self.trouble

    async def enter(self) -> None:
        address = urlsplit(self.base_url)
        socket_io = self.service.protocol == "socket.io"
        path = f"/{self.service.name}/chat/" + ("?EIO=4&transport=websocket" if socket_io else "")
        self._read, self._write = await asyncio.open_connection(
            address.hostname, address.port or 80, limit=2**20, ssl=trust_for(self.base_url)
        )
        self._prefix, self._suffix = (b'42["message",', b"]") if socket_io else (b"", b"")
        key = base64.b64encode(os.urandom(16)).decode()
        self._write.write(
            f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = await self._read.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        if socket_io:
            self._send(1, b"40")

    def say(self, text: str) -> None:
        self.said.append(text)
        told = json.dumps({"nick": self.mark, "text": text}, ensure_ascii=False).encode()
        self._send(1, self._prefix + told + self._suffix)

    async def listen(self) -> None:
        """Read until cancelled, or until something goes wrong."""
        rest = b""
        try:
            while data := await self._read.read(2**18):
                rest = self._take(rest + data)
            self.trouble = self.trouble or "the connection ended"
        except (ConnectionError, ValueError, AssertionError) as error:
            self.trouble = repr(error)

    def leave(self) -> None:
        self._write.transport.abort()

    def _send(self, opcode: int, payload: bytes) -> None:
        self._write.write(websocket.frame(opcode, payload))

    def _take(self, data: bytes) -> bytes:
        """Handle all whole frames, and return the rest."""
        start, end = 0, len(data)
        while end - start >= 2:
            first, length, body = data[start], data[start + 1], start + 2
            if length == 126:
                length, body = int.from_bytes(data[start + 2 : start + 4], "big"), start + 4
            elif length == 127:
                length, body = int.from_bytes(data[start + 2 : start + 10], "big"), start + 10
            if body + length > end:
                break
            self._frame(first, data[body : body + length])
            start = body + length
        return data[start:]

    def _frame(self, first: int, payload: bytes) -> None:
        assert first & 0x80, "a fragment"
        match first & 0x0F:
            case 1:
                self._text(payload)
            case 8:
                self.trouble = f"closed: {payload!r}"
            case 9:
                self._send(10, payload)

    def _text(self, payload: bytes) -> None:
        if self._prefix:
            if payload == b"2":  # Engine.IO: ping
                self._send(1, b"3")
            if not payload.startswith(self._prefix):
                return
            payload = payload[len(self._prefix) : -1]
        if b'"id"' in payload:
            message = msgspec.json.decode(payload, type=Message)
            if message.nick == self.mark:
                self.heard.append(message)
        elif b'"error"' in payload:
            self.trouble = payload.decode()

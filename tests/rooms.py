"""A chat room in miniature, by WebSocket, polls, long polls and events. This server of the tests' own can be made to
tell one of those who listen something else than was said.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from echowall.bench.plan import Aim

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

#: What somebody is told of the message of that number: usually that message.
Fault = Callable[["Caller", int, bytes], list[bytes]]


class Request(NamedTuple):
    """A request that came."""

    caller: int
    target: str
    fields: dict[str, str]
    status: int
    at: float
    """When it was answered, of time.monotonic()."""


class Caller:
    """A connection. The first is number 1, and the one who speaks."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number, self.reader, self.writer = number, reader, writer
        self.asked = 0
        self.address: str = writer.get_extra_info("peername")[0]


class Room:
    """The server, in this process. The generator is in another one."""

    def __init__(
        self,
        fault: Fault = lambda _, __, message: [message],
        *,
        status: Callable[[Caller], int] = lambda _: 200,
        wakes: float = 0.0,
        keeps: int = 1 << 30,
        streams: int = 1 << 30,
    ) -> None:
        """`status` answers a poll; 0 is no answer at all. The room is live `wakes` seconds after the first has come, a
        connection ends without a word after `keeps` answers, and a stream of events after `streams` messages.
        """
        self.fault, self.status, self.wakes, self.keeps, self.streams = fault, status, wakes, keeps, streams
        self.began = 0.0
        self.callers: list[Caller] = []
        self.requests: list[Request] = []
        self.said: list[bytes] = []
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Aim]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        tasks: set[asyncio.Task[None]] = set()
        self._tasks = tasks
        try:
            yield Aim(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/alpha/chat/")
        finally:
            server.close()
            going = [*tasks]
            for task in going:
                task.cancel()
            await asyncio.gather(*going, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        caller = Caller(len(self.callers) + 1, reader, writer)
        self.began = self.began or monotonic()
        self.callers.append(caller)
        try:
            while caller.asked < self.keeps:
                caller.asked += 1
                await self._answer(caller)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # it has gone, or the test is over
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, caller: Caller) -> None:
        first, *lines = (await caller.reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        target = first.split()[1]
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        status = 200
        if "upgrade" in fields:
            await self._socket(caller, fields["sec-websocket-key"])
        elif urlsplit(target).path == "/alpha/chat/poll":
            status = await self._poll(caller, fields, query)
        elif urlsplit(target).path == "/alpha/chat/events":
            await self._events(caller)
        self.requests.append(Request(caller.number, target, fields, status, monotonic()))

    def _since(self, caller: Caller, start: int) -> list[bytes]:
        return [one for number in range(start, len(self.said)) for one in self.fault(caller, number, self.said[number])]

    async def _poll(self, caller: Caller, fields: dict[str, str], query: dict[str, str]) -> int:
        status = self.status(caller) if monotonic() > self.began + self.wakes else 503
        if not status:
            await asyncio.Event().wait()
        if status != 200:
            caller.writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 7\r\n\r\nno luck".encode())
            return status
        start = int(query["after"].partition("-")[0]) if "after" in query else len(self.said)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(query.get("wait", "0"))), self._news:
                await self._news.wait_for(lambda: len(self.said) > start)
        tag = f'"{len(self.said)}-0"'
        if fields.get("if-none-match") == tag:
            caller.writer.write(f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode())
            return 304
        body = b'{"after":"%d-0","messages":[%s]}' % (len(self.said), b",".join(self._since(caller, start)))
        head = f"HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {len(body)}\r\n\r\n"
        caller.writer.write(head.encode() + body)
        return 200

    async def _events(self, caller: Caller) -> None:
        caller.writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")

        def tell(told: bytes) -> None:
            event = b"data: " + told + b"\n\n"
            caller.writer.write(b"%x\r\n%s\r\n" % (len(event), event))

        await self._be_live(tell)
        await self._tell(caller, tell, self.streams)
        caller.writer.write(b"0\r\n\r\n")

    async def _socket(self, caller: Caller, key: str) -> None:
        accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()  # noqa: S324 - RFC 6455
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        caller.writer.write(f"{head}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())

        def tell(told: bytes) -> None:
            length = bytes([len(told)]) if len(told) < 126 else b"\x7e" + len(told).to_bytes(2)
            caller.writer.write(b"\x81" + length + told)

        await self._be_live(tell)
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(self._tell(caller, tell, 1 << 30))
            try:
                while (frame := await caller.reader.readexactly(2))[0] == 0x81:
                    mask = await caller.reader.readexactly(4)
                    masked = await caller.reader.readexactly(frame[1] & 127)
                    await self._say(bytes(one ^ mask[place % 4] for place, one in enumerate(masked)))
            except (OSError, EOFError):
                pass
            telling.cancel()
        raise EOFError

    async def _be_live(self, tell: Callable[[bytes], None]) -> None:
        await asyncio.sleep(max(0.0, self.began + self.wakes - monotonic()))
        tell(b'{"live":true}')

    async def _say(self, said: bytes) -> None:
        text: str = msgspec.json.decode(said)["text"]
        async with self._news:
            self.said.append(
                msgspec.json.encode(
                    {"id": f"{len(self.said) + 1}-0", "service": "alpha", "nick": "bench", "text": text, "ts": 1}
                )
            )
            self._news.notify_all()

    async def _tell(self, caller: Caller, tell: Callable[[bytes], None], most: int) -> None:
        start = len(self.said)
        first = start
        while start - first < most:
            async with self._news:
                await self._news.wait_for(lambda: len(self.said) > start)  # noqa: B023 - it is over before start changes
            for told in self._since(caller, start):
                tell(told)
            start = len(self.said)


def third(what: Callable[[int, bytes], list[bytes]]) -> Fault:
    """The third connection is told that, and all others what was said."""
    return lambda caller, number, message: what(number, message) if caller.number == 3 else [message]

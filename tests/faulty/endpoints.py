"""Servers as other people run them: no silent echoes, and nothing wrong with them.

What they say of their own accord may not be taken for an answer, and what they do not say may not be missed.
`python -m tests.faulty.endpoints` serves them all.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import ClassVar

from tests.faulty.server import BINARY, RSV1, TEXT, Headers, RefusalError, Server, Session, ViolationError, titled

TOKEN = "Bearer open-sesame-1"  # noqa: S105  known to the test
#: How many connections those take that limit them.
MOST = 3
_numbers = itertools.count(1)


class Greets(Session):
    """Greets with a line."""

    async def upgrade(self) -> None:
        await super().upgrade()
        await self.greet()

    async def greet(self) -> None:
        await self.send(TEXT, b"Welcome to the wall!")


class GreetsTwice(Greets):
    """Greets with two lines."""

    async def greet(self) -> None:
        await self.send(TEXT, b"Welcome to the wall!")
        await self.send(TEXT, b"What you say comes back.")


class GreetsInJson(Greets):
    """Greets with JSON that differs each time."""

    async def greet(self) -> None:
        await self.send(TEXT, json.dumps({"type": "hello", "session": f"s-{next(_numbers):08x}"}).encode())


class GreetsInVaryingNumber(Greets):
    """Greets with one message, or two, or three."""

    times: ClassVar[dict[Server, Iterator[int]]] = {}

    async def greet(self) -> None:
        for _ in range(next(self.times.setdefault(self.server, itertools.cycle((1, 3, 2))))):
            await self.send(TEXT, b"Here is the news: there is none.")


class Ticks(Session):
    """Ticks each second, in JSON."""

    pause = 1.0

    def opened(self) -> None:
        super().opened()
        self.beside(self.tick())

    async def tick(self) -> None:
        with suppress(OSError):
            while not self.closing:
                await asyncio.sleep(self.pause)
                if not self.closing:
                    await self.send(TEXT, json.dumps({"type": "tick", "number": next(_numbers)}).encode())


class TicksSlowly(Ticks):
    """Ticks every three seconds."""

    pause = 3.0


class Room(Session):
    """A room with somebody in it who talks without end."""

    inside = False
    chats: ClassVar[dict[Server, asyncio.Task[None]]] = {}

    def opened(self) -> None:
        super().opened()
        self.inside = True
        if self.server not in self.chats:
            self.chats[self.server] = asyncio.create_task(chat(self.server))

    async def echo(self, opcode: int, data: bytes) -> None:
        await to_all(self.server, opcode, data)


async def chat(server: Server) -> None:
    for number in itertools.count():
        await asyncio.sleep(0.13)
        await to_all(server, TEXT, f"zoe: and another thing, number {number} of many".encode())


async def to_all(server: Server, opcode: int, data: bytes) -> None:
    for session in [one for one in server.sessions if isinstance(one, Room) and one.inside and not one.closing]:
        with suppress(OSError):
            await session.send(opcode, data)


class Interrupts(Session):
    """Says something else before each echo."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await self.send(TEXT, b"zoe: by the way, it is going to rain")
        await super().echo(opcode, data)


class LimitsByStatus(Session):
    """Takes three connections at once, and answers others with 429."""

    def admit(self, *request: object) -> None:
        if len(self.server.sessions) > MOST:
            raise RefusalError(HTTPStatus.TOO_MANY_REQUESTS, "That is one too many.")
        super().admit(*request)  # type: ignore[arg-type]


class LimitsByClose(Greets):
    """Takes three connections at once, and closes others with 1013."""

    async def greet(self) -> None:
        if len(self.server.sessions) > MOST:
            raise ViolationError(1013, "That is one too many.")


class WantsToken(Session):
    """Wants a token first."""

    known = False

    async def message(self, opcode: int, data: bytes) -> None:
        if self.known:
            return await super().message(opcode, data)
        if data != TOKEN.encode():
            raise ViolationError(4401, "Who is there?")
        self.known = True
        return await self.send(TEXT, b'{"type": "connection_ack"}')


class Wraps(Session):
    """Speaks JSON with the message in it."""

    async def echo(self, opcode: int, data: bytes) -> None:
        try:
            said = json.loads(data)
            answer = {"type": "said", "by": {"name": "you"}, "text": said["text"]}
        except (ValueError, KeyError, TypeError):
            answer = {"type": "error", "reason": "I do not understand."}
        await self.send(TEXT, json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass"))


class SocketIo(Session):
    """Speaks Socket.IO."""

    binary = False

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        path, _, query = resource.partition("?")
        if path == "/socket.io/" and not query.startswith("EIO=4&transport=websocket"):
            raise RefusalError(HTTPStatus.BAD_REQUEST, "The transport is unknown.")
        there = path.replace("/socket.io/", "/foobar/", 1)
        super().admit(method, f"{there}?{query}" if query else there, version, headers)

    async def upgrade(self) -> None:
        await super().upgrade()
        await self.send(TEXT, b'0{"sid":"one","upgrades":[],"pingInterval":25000,"pingTimeout":20000}')

    async def echo(self, opcode: int, data: bytes) -> None:
        if opcode == BINARY or data.startswith((b"42", b"451-")):
            await self.send(opcode, data)
        elif data == b"40":
            await self.send(TEXT, b'40{"sid":"two"}')


class Otherwise(Session):
    """Answers with words around the message."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await self.send(opcode, b"Message text was: " + data)


class Acknowledges(Session):
    """Answers everything with the same."""

    async def echo(self, opcode: int, data: bytes) -> None:
        await self.send(TEXT, b'{"ok": true}')


class Pushes(Ticks):
    """Only pushes."""

    async def echo(self, opcode: int, data: bytes) -> None:
        pass


class Silent(Session):
    """Never answers a message."""

    async def echo(self, opcode: int, data: bytes) -> None:
        pass


ENDPOINTS = titled(
    Greets,
    GreetsTwice,
    GreetsInJson,
    GreetsInVaryingNumber,
    Ticks,
    TicksSlowly,
    Room,
    Interrupts,
    LimitsByStatus,
    LimitsByClose,
    WantsToken,
    Wraps,
    SocketIo,
    Otherwise,
    Acknowledges,
    Pushes,
    Silent,
)

#: One clear mistake, made in any of them: a name, and what it changes.
MISTAKES: dict[str, Callable[[type[Session]], type[Session]]] = {}


def mistake(change: Callable[[type[Session]], type[Session]]) -> Callable[[type[Session]], type[Session]]:
    MISTAKES[(change.__doc__ or "").rstrip(".")] = change
    return change


@mistake
def takes_rsv1(endpoint: type[Session]) -> type[Session]:
    """RSV1 accepted."""

    def check_rsv(self: Session, rsv: int, opcode: int) -> None:
        if rsv != RSV1:
            endpoint.check_rsv(self, rsv, opcode)

    return type("Mistaken", (endpoint,), {"check_rsv": check_rsv})


@mistake
def closes_otherwise(endpoint: type[Session]) -> type[Session]:
    """Each close answered with 1011."""

    async def closed(self: Session, payload: bytes) -> None:
        await self.leave(1011)

    return type("Mistaken", (endpoint,), {"closed": closed})


@mistake
def alters_text(endpoint: type[Session]) -> type[Session]:
    """Angle brackets escaped."""

    async def echo(self: Session, opcode: int, data: bytes) -> None:
        await endpoint.echo(self, opcode, data.replace(b"<", b"&lt;") if opcode == TEXT else data)

    return type("Mistaken", (endpoint,), {"echo": echo})


async def serve_all() -> None:
    """Serve each endpoint, and each with each mistake, on ports of loopback; prints the ports by name, as JSON."""
    sessions = dict(ENDPOINTS)
    for name, endpoint in ENDPOINTS.items():
        sessions |= {f"{name}: {mistake}": change(endpoint) for mistake, change in MISTAKES.items()}
    servers = {}
    for name, session in sessions.items():
        servers[name] = await asyncio.start_server(Server(session).connected, "127.0.0.1", 0)
    print(json.dumps({name: one.sockets[0].getsockname()[1] for name, one in servers.items()}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve_all())

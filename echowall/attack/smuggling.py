"""Request smuggling: a second request, hidden in what the proxy takes for the body or the rest of a first one.

The proxy would answer the second request with 404: it is for a path that only a service has, without the service's
name before it. Where it comes to a service all the same, that shows in one of two ways. `GET /about` is answered with
the service's versions. A handshake to `/chat/`, with a frame behind it, says something in the chat room, and that is
seen even if its answer goes nowhere. Whether it would be, a control says first, past the proxy.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import msgspec

from echowall.attack.ground import PATIENCE, Ground, exchange, one_by_one, place
from echowall.catalog.catalog import Service
from echowall.check.wire import Closed, Ended, Message, RefusedError, Target, UnreachableError, connect
from echowall.check.wire.frames import TEXT, encode
from echowall.lab.lab import LabError
from echowall.results.model import Attack, Outcome

SMUGGLING = Attack(
    id="smuggling",
    does="CL.TE, TE.CL, odd spellings of both, bodies of requests that have none, handshakes that fail and h2c, each "
    "with a second request behind or in it.",
    holds="No second request comes to a service past the proxy: none is answered with a service's versions, none says "
    "anything in the chat room.",
)
_AT_ONCE = 12
#: What only a service answers, at its own `/about`.
_VERSIONS = b'"versions"'
_NICK = "smuggler"
#: What is said, until a token and a number take its place.
_MARK = b"@" * 12
_UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
_KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
_VERSION = "Sec-WebSocket-Version: 13\r\n"
#: Spellings of the header that some take for `Transfer-Encoding: chunked` and some do not.
_CHUNKED = {
    "TE": "Transfer-Encoding: chunked\r\n",
    "xchunked": "Transfer-Encoding: xchunked\r\n",
    "space before the colon": "Transfer-Encoding : chunked\r\n",
    "tab": "Transfer-Encoding:\tchunked\r\n",
    "vertical tab": "Transfer-Encoding:\x0bchunked\r\n",
    "folded": "Transfer-Encoding:\r\n chunked\r\n",
    "after a bare line feed": "X: x\nTransfer-Encoding: chunked\r\n",
    "after a bare carriage return": "X: x\rTransfer-Encoding: chunked\r\n",
    "underscore": "Transfer_Encoding: chunked\r\n",
    "quoted": 'Transfer-Encoding: "chunked"\r\n',
    "with identity": "Transfer-Encoding: chunked, identity\r\n",
    "after identity": "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    "twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "upper case": "TRANSFER-ENCODING: CHUNKED\r\n",
    "parameter": "Transfer-Encoding: chunked;q=1\r\n",
}


class _Trick(NamedTuple):
    """A first request, with the second one in it or behind it."""

    name: str
    data: bytes
    asks_about: bool
    """Whether the first request is itself one for the service's versions."""


@one_by_one(SMUGGLING)
async def attack(ground: Ground, service: Service, outcome: Outcome) -> None:
    """What is said in the room is heard by a service that speaks plain WebSocket."""
    try:
        listener = _listener(ground)
        since = await _latest(listener)
        seen = await _control(ground, service, listener, since)
        token = secrets.token_hex(4)
        shown: list[str] = []
        where = ground.proxy
        tricks = [
            trick._replace(name=f"{trick.name}, with {name}")
            for name, second in _seconds(service, where.netloc).items()
            for trick in _tricks(service, where.netloc, second)
        ]
        waiting = iter(enumerate(tricks))
        with ground.bar(f"smuggling {service.name}", len(tricks)) as bar:

            async def worker() -> None:
                for number, trick in waiting:
                    data = _marked(trick.data, token, number)
                    answers = await exchange(where, data, quiet=0.2, most=4.0)
                    first = answers.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
                    due = trick.asks_about and first.startswith(b"HTTP/1.1 200 ")
                    if answers.count(_VERSIONS) > due:
                        shown.append(trick.name)
                    outcome.tried += 1
                    bar()

            async with asyncio.TaskGroup() as workers:
                for _ in range(_AT_ONCE):
                    workers.create_task(worker())
        outcome.faults += [f"{name}: a service's versions came back" for name in shown]
        heard = {int(text[len(token) :]) for text in await _said(listener, since) if text.startswith(token)}
        outcome.faults += [f"{tricks[number].name}: it spoke in the chat room" for number in sorted(heard)]
        outcome.measured = {"controls that were seen": seen}
        if not seen:
            outcome.faults.append("a second request would not be seen: not even the control was")
    except (LabError, UnreachableError, RefusedError, TimeoutError) as error:
        outcome.faults.append(f"it could not be tried: {error or type(error).__name__}")


def _seconds(service: Service, host: str) -> dict[str, bytes]:
    """The second requests, by what they are."""
    return {
        "GET /about": f"GET /about HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(),
        "a handshake to /chat/": _speaks(service, host),
    }


def _marked(data: bytes, token: str, number: int) -> bytes:
    """The same, with that token and number to be said."""
    return data.replace(_MARK, f"{token}{number:04}".encode())


def _speaks(service: Service, host: str) -> bytes:
    """A handshake to the chat room, and frames that say something there. Their mask is zero, so that the mark shows."""
    said = json.dumps({"nick": _NICK, "text": _MARK.decode()}).encode()
    socket_io = service.protocol == "socket.io"
    path = "/chat/?EIO=4&transport=websocket" if socket_io else "/chat/"
    payloads = [b"40", b'42["message",' + said + b"]"] if socket_io else [said]
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{_UPGRADE}{_KEY}{_VERSION}\r\n"
    return head.encode() + b"".join(encode(TEXT, payload, key=bytes(4)) for payload in payloads)


def _tricks(service: Service, host: str, second: bytes) -> Iterator[_Trick]:
    """The tricks, with that second request, by way of a path that takes WebSockets and one that does not."""
    for path in (f"/{service.name}/foobar/", f"/{service.name}/about"):
        yield from _tricks_at(path, service, host, second)


def _tricks_at(path: str, service: Service, host: str, second: bytes) -> Iterator[_Trick]:
    size, zero = len(second), b"0\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (size, second) + zero

    def request(name: str, method: str, headers: str, rest: bytes, version: str = "1.1", at: str = path) -> _Trick:
        head = f"{method} {at} HTTP/{version}\r\nHost: {host}\r\n{headers}\r\n"
        return _Trick(f"{name} to {path}", head.encode("latin-1") + rest, asks_about=at.endswith("/about"))

    for spelling, header in _CHUNKED.items():
        yield request(f"CL.TE ({spelling})", "POST", f"Content-Length: {len(zero) + size}\r\n{header}", zero + second)
        yield request(f"TE.CL ({spelling})", "POST", f"Content-Length: 4\r\n{header}", chunk)
        yield request(f"chunked body ({spelling})", "GET", header, chunk)
    length = f"Content-Length: {size}\r\n"
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        yield request(f"{method} with a body", method, length, second)
    for name, lengths in {
        "CL.CL": f"Content-Length: 0\r\n{length}",
        "CL.CL the other way": f"{length}Content-Length: 0\r\n",
        "CL list": f"Content-Length: 0, {size}\r\n",
        "CL with a plus": f"Content-Length: +{size}\r\n",
        "CL with a space before the colon": f"Content-Length : {size}\r\n",
        "CL in hex": f"Content-Length: 0x{size:x}\r\n",
        "CL negative": "Content-Length: -1\r\n",
        "CL too large": "Content-Length: 18446744073709551616\r\n",
        "CL after a bare line feed": f"X: x\n{length}",
        "Expect": f"Expect: 100-continue\r\n{length}",
        "keep-alive": f"Connection: keep-alive\r\n{length}",
        "Connection names CL": f"Connection: Content-Length\r\n{length}",
    }.items():
        yield request(name, "POST", lengths, second)
    yield request("chunk size too large", "POST", _CHUNKED["TE"], b"fffffffffffffffff0\r\n" + second)
    yield request("chunk extension with a line feed", "POST", _CHUNKED["TE"], b"0;a\nb\r\n\r\n" + second)
    yield request("HTTP/1.0 keep-alive", "POST", f"Connection: keep-alive\r\n{length}", second, "1.0")
    yield request("HTTP/1.0 chunked", "POST", _CHUNKED["TE"], chunk, "1.0")
    handshakes = {
        "no key": _UPGRADE + _VERSION,
        "bad key": f"{_UPGRADE}{_VERSION}Sec-WebSocket-Key: x\r\n",
        "bad version": f"{_UPGRADE}{_KEY}Sec-WebSocket-Version: 1777\r\n",
        "foreign origin": f"{_UPGRADE}{_KEY}{_VERSION}Origin: http://rebound.example\r\n",
        "h2c": "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        "websocket or h2c": f"Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n{_KEY}{_VERSION}",
        "TLS": "Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n",
    }
    for name, headers in handshakes.items():
        yield request(f"handshake ({name})", "GET", headers, second)
        yield request(f"handshake with a body ({name})", "GET", headers + length, second)
        yield request(f"handshake by POST ({name})", "POST", headers + length, second)
    good = _UPGRADE + _KEY + _VERSION
    yield request("handshake to a path that is not there", "GET", good, second, at=f"/{service.name}/no-such-path")
    if path.endswith("about"):  # where it does not make a WebSocket, in which the rest would be frames
        yield request("handshake", "GET", good, second)
        yield request("handshake with a body", "GET", good + length, second)
    yield request("preface of HTTP/2", "GET", handshakes["h2c"], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + second)
    injected = second.decode("latin-1").split("\r\n\r\n")[0].replace("\r\n", "%0d%0a").replace(" ", "%20")
    line = f"{path}%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0a{injected}"
    yield request("line ends in the path", "GET", "", b"", at=line)


def _listener(ground: Ground) -> Target:
    """Somebody in the chat room."""
    for service in ground.everyone:
        if service.protocol == "websocket":
            with suppress(LabError):
                ground.lab.part(service.name)
                target = ground.proxied(service)
                return msgspec.structs.replace(target, url=target.url.replace("/foobar/", "/chat/"))
    raise LabError("no service that speaks plain WebSocket runs, to hear what is said in the chat room")


async def _latest(listener: Target) -> str:
    """Say something in the room, and give its id."""
    mark = secrets.token_hex(8)
    async with asyncio.timeout(PATIENCE), connect(listener, greet=False) as room:
        await room.send(TEXT, json.dumps({"nick": _NICK, "text": mark}).encode())
        while True:
            told = _decoded(await room.hear(PATIENCE))
            if told.get("text") == mark:
                return str(told["id"])


async def _said(listener: Target, since: str) -> list[str]:
    """The texts that were said in the room after that id."""
    await asyncio.sleep(0.5)  # what was sent last may be on its way
    texts: list[str] = []
    there = msgspec.structs.replace(listener, url=f"{listener.url}?after={since}")
    async with asyncio.timeout(PATIENCE), connect(there, greet=False) as room:
        while True:
            told = _decoded(await room.hear(PATIENCE))
            if told.get("live"):
                return texts
            if "text" in told:
                texts.append(str(told["text"]))


def _decoded(heard: Message | Closed | Ended) -> dict[str, object]:
    if not isinstance(heard, Message):
        raise LabError(f"the chat room ended with {heard}; `make logs` may say why")
    told: dict[str, object] = json.loads(heard.data)
    return told


async def _control(ground: Ground, service: Service, listener: Target, since: str) -> int:
    """In how many of the two ways it would be seen that a second request came to the service.

    It gets both as the only requests of a connection, past the proxy.
    """
    target = ground.direct(service)
    where = place(target.host, target.port)
    token = secrets.token_hex(4)
    answered = heard = False
    deadline = time.monotonic() + PATIENCE
    while not (answered and heard) and time.monotonic() < deadline:
        for second in _seconds(service, where.netloc).values():
            answered |= _VERSIONS in await exchange(where, _marked(second, token, 0), quiet=1.0, most=PATIENCE)
        heard |= any(text.startswith(token) for text in await _said(listener, since))
    return answered + heard

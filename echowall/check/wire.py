"""A connection to a WebSocket endpoint on which anything can be sent, and everything that happens is recorded."""

from __future__ import annotations

import asyncio
import base64
import ctypes
import hashlib
import json
import os
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from echowall.check import frames
from echowall.check.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Reader

#: How long an answer may take, in seconds. What does not come by then is `silence`.
PATIENCE = 3.0

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_SO_ATTACH_FILTER = 26  # Linux; Python's socket module has no name for it
_LARGEST_HEAD = 64 * 1024
_LARGEST_BODY = 1024 * 1024

Headers = list[tuple[str, str]]


class UnreachableError(Exception):
    """No connection, or none that speaks HTTP: says what was tried and what went wrong."""


class NoAnswerError(UnreachableError):
    """A connection that was taken, and a request to which no HTTP came back."""

    def __init__(self, message: str, how: Literal["silence", "cut off", "not HTTP"]) -> None:
        super().__init__(message)
        self.how = how


class RefusedError(Exception):
    """The handshake was answered with something other than a proper 101."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"the handshake was answered with HTTP {response.status} {response.reason}".rstrip())
        self.response = response


class Event(NamedTuple):
    """A line of a transcript."""

    at: float
    """Seconds since the check began."""
    connection: int
    direction: Literal["sent", "received", "note"]
    what: str
    data: bytes = b""


class Transcript:
    """All that happened in one check."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.connections = 0
        self._began = time.monotonic()

    def add(
        self, connection: int, direction: Literal["sent", "received", "note"], what: str, data: bytes = b""
    ) -> None:
        self.events.append(Event(time.monotonic() - self._began, connection, direction, what, data))


#: What the connections of the running check write to.
transcript: ContextVar[Transcript | None] = ContextVar("transcript", default=None)


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""
    version: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        """The header's value, several joined by a comma; None where it is absent."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


class Message(NamedTuple):
    """A whole message."""

    opcode: int
    data: bytes


class Closed(NamedTuple):
    """A close frame. `code` is None where it carried none."""

    code: int | None
    reason: str = ""


class Ended(NamedTuple):
    """Why nothing more came: the end of the stream, a reset, or silence for as long as was waited."""

    how: Literal["end of stream", "reset", "silence"]


Heard = Message | Closed | Ended


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint, and how to ask for it."""

    url: str
    """`ws://` or `wss://`."""
    name: str = ""
    protocol: Literal["websocket", "socket.io"] = "websocket"
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with every request."""
    subprotocols: tuple[str, ...] = ()
    max_message: int | None = None
    """Bytes, where the limit is known."""
    via: Literal["direct", "proxy"] | None = None
    """The route, to a service of the lab."""
    pid: int | None = None
    """The service's first process, where it may be signalled and measured."""
    intrusive: bool = False
    """Whether it may be asked what a polite client does not ask."""
    tls: ssl.SSLContext | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        address = urlsplit(self.url)
        return address.port or (443 if address.scheme == "wss" else 80)

    @property
    def netloc(self) -> str:
        """For the Host header: no credentials, and no port that goes without saying."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def origin(self) -> str:
        """The one that a page of the endpoint's own site has."""
        return f"http{'s' if urlsplit(self.url).scheme == 'wss' else ''}://{self.netloc}"

    @property
    def resource(self) -> str:
        """The path and query to ask for; Engine.IO wants its version and transport in the query."""
        address = urlsplit(self.url)
        engine = "EIO=4&transport=websocket" if self.protocol == "socket.io" else ""
        query = "&".join(filter(None, (address.query, engine)))
        return (address.path or "/") + (f"?{query}" if query else "")


def handshake(target: Target, *, subprotocols: Iterable[str] = ()) -> Headers:
    """The headers of an opening handshake (RFC 6455, section 4.1), to be sent as they are or spoilt."""
    offered = [*target.subprotocols, *subprotocols]
    return [
        ("Host", target.netloc),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
        ("Sec-WebSocket-Version", "13"),
        *([("Sec-WebSocket-Protocol", ", ".join(offered))] if offered else []),
        *target.headers,
    ]


def accept_for(key: str) -> str:
    """The Sec-WebSocket-Accept that answers a key (RFC 6455, section 4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()).decode()


@asynccontextmanager
async def connect(
    target: Target,
    *,
    headers: Headers | None = None,
    subprotocols: Iterable[str] = (),
    receive_buffer: int | None = None,
    greet: bool = True,
) -> AsyncIterator[Connection]:
    """Open a WebSocket. Raises UnreachableError, or RefusedError where the answer is not a proper 101.

    `receive_buffer` is the socket's, in bytes, for a client that is going to be slow. `greet=False` leaves a
    Socket.IO endpoint's own opening unsaid.
    """
    sent = headers if headers is not None else handshake(target, subprotocols=subprotocols)
    async with _opened(target, receive_buffer) as connection:
        response = await connection.request("GET", target.resource, sent)
        if response.status != 101:
            raise RefusedError(response)
        if greet and target.protocol == "socket.io":
            await connection.greet()
        yield connection


async def request(
    target: Target,
    *,
    method: str = "GET",
    resource: str | None = None,
    headers: Headers | None = None,
    version: str = "HTTP/1.1",
    body: bytes = b"",
) -> Response:
    """Send one request and give the answer, whatever it is. Raises UnreachableError."""
    async with _opened(target, None) as connection:
        sent = headers if headers is not None else handshake(target)
        return await connection.request(method, resource or target.resource, sent, version=version, body=body)


@asynccontextmanager
async def _opened(target: Target, receive_buffer: int | None) -> AsyncIterator[Connection]:
    where = f"{target.host} port {target.port}"
    loop = asyncio.get_running_loop()
    raw: socket.socket | None = None
    try:
        async with asyncio.timeout(10):
            infos = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            failure: OSError | None = None
            for family, kind, number, _, address in infos:
                raw = socket.socket(family, kind, number)
                raw.setblocking(False)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if receive_buffer is not None:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                try:
                    await loop.sock_connect(raw, address)
                    break
                except OSError as error:
                    failure = error
                    raw.close()
                    raw = None
            if raw is None:
                raise failure or OSError("no address")
            reader = _Reader(limit=receive_buffer or 1 << 20, loop=loop)
            protocol = _Protocol(reader, None if target.tls else raw)
            server_name = target.host if target.tls else None
            transport, _ = await loop.create_connection(
                lambda: protocol, sock=raw, ssl=target.tls, server_hostname=server_name
            )
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    except TimeoutError:
        if raw:
            raw.close()
        raise UnreachableError(f"{where} did not take a connection within 10 s; is that the right address?") from None
    except ssl.SSLError as error:
        detail = getattr(error, "verify_message", "") or error.reason or str(error)
        raise UnreachableError(
            f"{where} has no TLS that can be trusted: {detail}; name its CA by --ca, or use --insecure"
        ) from None
    except OSError as error:
        raise UnreachableError(f"{where}: {error.strerror or error}; is the server running there?") from None
    connection = Connection(target, reader, writer)
    try:
        yield connection
    finally:
        writer.transport.abort()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()


class _Reader(asyncio.StreamReader):
    """Gives all that came before the connection broke; asyncio's own would throw it away."""

    broken = False

    def set_exception(self, exc: Exception) -> None:
        self.broken = True
        self.feed_eof()


class _Protocol(asyncio.StreamReaderProtocol):
    """Takes what the kernel still holds of a broken connection.

    A server that refuses a large message says why and closes, with much of it unread: that resets the connection
    and our writing fails, maybe before we have read its close frame.
    """

    def __init__(self, reader: asyncio.StreamReader, raw: socket.socket | None) -> None:
        super().__init__(reader)
        self._unread, self._raw = reader, raw

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None and self._raw is not None:
            with suppress(OSError):
                while data := self._raw.recv(1 << 16):
                    self._unread.feed_data(data)
        super().connection_lost(exc)


class Connection:
    """An open connection; all of it is recorded in the running check's transcript."""

    def __init__(self, target: Target, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        self.target = target
        self.response = Response(0, "", [])
        self.answers_pings = True
        """As RFC 6455, section 5.5.2 wants it; a check on what else comes then may switch it off."""
        self._reader, self._writer = reader, writer
        self._frames = Reader()
        self._parts: list[Frame] = []
        self._end: Ended | None = None
        self._log = transcript.get() or Transcript()
        self._log.connections += 1
        self._number = self._log.connections

    @property
    def port(self) -> int:
        """Our own end's."""
        return int(self._writer.get_extra_info("sockname")[1])

    # -- HTTP

    async def request(
        self, method: str, resource: str, headers: Headers, *, version: str = "HTTP/1.1", body: bytes = b""
    ) -> Response:
        """Send a request and read the head of its answer, and the body where it is not a 101."""
        head = f"{method} {resource} {version}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers)
        await self.write(head.encode("utf-8", "surrogateescape") + b"\r\n" + body, f"{method} {resource} {version}")
        try:
            async with asyncio.timeout(10):
                raw = await self._reader.readuntil(b"\r\n\r\n")
        except TimeoutError:
            message = f"{self.target.url} took the request and did not answer within 10 s"
            raise NoAnswerError(message, "silence") from None
        except asyncio.IncompleteReadError as cut:
            what = f"answered {frames.quote(cut.partial)}, which is not HTTP" if cut.partial else "hung up"
            message = f"{self.target.url} {what}, where the answer to a handshake was due"
            raise NoAnswerError(message, "not HTTP" if cut.partial else "cut off") from None
        except asyncio.LimitOverrunError:
            message = f"{self.target.url} sent a head of more than {_LARGEST_HEAD} bytes"
            raise NoAnswerError(message, "not HTTP") from None
        except OSError as error:
            what = error.strerror or str(error) or type(error).__name__
            message = f"{self.target.url} broke the connection at the request: {what}"
            raise NoAnswerError(message, "cut off") from None
        self.response = _parse_head(raw, self.target.url)
        self._log.add(self._number, "received", f"HTTP {self.response.status} {self.response.reason}".rstrip(), raw)
        if self.response.status != 101 and method != "HEAD":
            self.response = self.response._replace(body=await self._body(self.response))
        return self.response

    async def _body(self, response: Response) -> bytes:
        length = response.header("Content-Length") or ""
        with suppress(TimeoutError, OSError, asyncio.IncompleteReadError):
            async with asyncio.timeout(PATIENCE):
                if length.isdecimal():
                    return await self._reader.readexactly(min(int(length), _LARGEST_BODY))
                return await self._reader.read(_LARGEST_BODY)
        return b""

    # -- sending

    async def write(self, data: bytes, what: str = "") -> None:
        """Send these bytes. A connection that is gone swallows them: what is heard next says so."""
        self._write(data, what or f"{len(data)} bytes")
        with suppress(OSError):
            async with asyncio.timeout(30):
                await self._writer.drain()

    def _write(self, data: bytes, what: str) -> None:
        self._log.add(self._number, "sent", what, data[:4096])
        if not self._writer.transport.is_closing():
            with suppress(OSError):
                self._writer.write(data)

    def _answer(self, opcode: int, payload: bytes) -> None:
        """Send a frame and read on: a server that we have sent much may wait for us to do that before it takes more."""
        self._write(frames.encode(opcode, payload), frames.describe(Frame(opcode, payload)))

    async def send(
        self,
        opcode: int,
        payload: bytes = b"",
        *,
        fin: bool = True,
        rsv: int = 0,
        masked: bool = True,
        length: int | None = None,
        form: int | None = None,
    ) -> None:
        """Send a frame; see frames.encode()."""
        data = frames.encode(opcode, payload, fin=fin, rsv=rsv, masked=masked, length=length, form=form)
        note = "" if masked else ", unmasked"
        await self.write(data, frames.describe(Frame(opcode, payload, fin, rsv)) + note)

    async def say(self, message: str | bytes) -> None:
        """Send a message that is to be echoed, text or binary."""
        if isinstance(message, str):
            await self.send(TEXT, self.wrap(message.encode("utf-8", "surrogatepass")))
        elif self.target.protocol == "socket.io":
            await self.send(TEXT, b'451-["message",{"_placeholder":true,"num":0}]')
            await self.send(BINARY, message)
        else:
            await self.send(BINARY, message)

    def wrap(self, text: bytes) -> bytes:
        """The payload of a text frame by which an echo is asked for: over Socket.IO an event, else the text."""
        if self.target.protocol == "websocket":
            return text
        with suppress(UnicodeDecodeError):
            return b'42["message",' + json.dumps(text.decode(), ensure_ascii=False).encode() + b"]"
        return b'42["message","' + text + b'"]'

    async def close(self, code: int | None = 1000, reason: str | bytes = "") -> None:
        """Send a close frame."""
        await self.send(CLOSE, frames.close_payload(code, reason))

    async def finish(self) -> None:
        """End our half of the TCP connection (FIN), without a close frame."""
        self._log.add(self._number, "note", "our half of the connection ends (FIN)")
        with suppress(OSError, NotImplementedError):
            self._writer.write_eof()

    def reset(self) -> None:
        """Break the TCP connection (RST)."""
        self._log.add(self._number, "note", "we reset the connection (RST)")
        with suppress(OSError):
            raw = self._writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def vanish(self) -> None:
        """From now on our kernel drops what comes, unread and unacknowledged, as if this machine had lost power."""
        self._log.add(self._number, "note", "we vanish: nothing that comes is acknowledged")
        program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0 bytes of the packet
        filter_ = struct.pack("HP", 1, ctypes.addressof(program))
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_)

    # -- receiving

    async def frame(self, within: float = PATIENCE) -> Frame | Ended:
        """The next frame, whatever it is, or why there is none. Nothing is answered."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for found in self._frames:
                        self._log.add(self._number, "received", frames.describe(found), found.payload[:4096])
                        return found
                    if self._end:
                        return self._end
                    await self._read()
        except TimeoutError:
            self._log.add(self._number, "note", f"nothing came for {within:g} s")
            return Ended("silence")

    async def _read(self) -> None:
        if data := await self._reader.read(1 << 16):
            self._frames.feed(data)
            return
        self._end = Ended("reset" if self._reader.broken else "end of stream")
        self._log.add(self._number, "received", self._end.how)

    async def discard(self, size: int) -> bool:
        """Take that many bytes and forget them, for who reads fast; False where the stream ended before."""
        with suppress(OSError):
            while size > 0:
                if not (data := await self._reader.read(min(size, 1 << 16))):
                    return False
                size -= len(data)
            return True
        return False

    async def hear(self, within: float = PATIENCE) -> Heard:
        """The next message, close frame or end. Pings are answered and pongs passed over on the way."""
        deadline = time.monotonic() + within
        while True:
            found = await self.frame(max(0.0, deadline - time.monotonic()))
            if isinstance(found, Ended):
                return found
            if found.opcode == PING and self.answers_pings:
                self._answer(PONG, found.payload)
            elif found.opcode == CLOSE:
                return Closed(frames.close_code(found.payload), found.payload[2:].decode("utf-8", "replace"))
            elif found.opcode in (TEXT, BINARY, CONTINUATION):
                self._parts.append(found)
                if found.fin:
                    message = Message(self._parts[0].opcode, b"".join(part.payload for part in self._parts))
                    self._parts = []
                    if (whole := self._unwrap(message)) is not None:
                        return whole

    def _unwrap(self, message: Message) -> Message | None:
        """Out of a Socket.IO packet what it carries; None where that is the protocol's own business."""
        if self.target.protocol == "websocket" or message.opcode == BINARY:
            return message
        if message.data == b"2":  # Engine.IO: ping
            self._answer(TEXT, b"3")
            return None
        if message.data.startswith(b"451-"):  # a binary event, whose data comes in the next frame
            return None
        if message.data.startswith(b'42["message",'):
            with suppress(ValueError):
                return Message(TEXT, str(json.loads(message.data[2:])[1]).encode("utf-8", "surrogatepass"))
        return message

    async def greet(self) -> None:
        """Socket.IO's opening: Engine.IO's `0`, then the default namespace. Raises UnreachableError."""
        for packet in (b"0", b"40"):
            if packet == b"40":
                await self.send(TEXT, packet)
            found = await self.frame()
            if isinstance(found, Ended) or not found.payload.startswith(packet):
                what = found.how if isinstance(found, Ended) else frames.describe(found)
                raise UnreachableError(f"{self.target.url} answered {what} where Socket.IO's {packet!r} was due")

    async def answer(self, to: str | bytes | None = None, within: float = PATIENCE) -> str:
        """What is heard next, in the words of an observation: `echo`, `close 1007`, `silence` …"""
        return observe(await self.hear(within), to)

    async def reaction(self, to: str | bytes | None = None, within: float = PATIENCE) -> str:
        """The same, where timing decides how a connection ends: the end of the stream and a reset are `cut off`."""
        heard = await self.hear(within)
        return "cut off" if isinstance(heard, Ended) and heard.how != "silence" else observe(heard, to)


def observe(heard: Heard, sent: str | bytes | None = None) -> str:
    """What was heard, as an observation; `sent` is what an echo would give back."""
    if isinstance(heard, Ended):
        return heard.how
    if isinstance(heard, Closed):
        return f"close {heard.code}" if heard.code is not None else "close without a code"
    if sent is not None:
        wanted = sent.encode("utf-8", "surrogatepass") if isinstance(sent, str) else sent
        if heard.data == wanted:
            if heard.opcode == (TEXT if isinstance(sent, str) else BINARY):
                return "echo"
            return f"echo as {'text' if heard.opcode == TEXT else 'binary'}"
        if heard.data == b"":
            return "an empty message"
    return f"other message {frames.quote(heard.data, 32)}"


def _parse_head(raw: bytes, url: str) -> Response:
    first, *lines = raw.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/") or not status.isdecimal():
        raise NoAnswerError(f"{url} answered {frames.quote(raw)}, which is not HTTP", "not HTTP")
    headers = [(name.strip(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    return Response(int(status), reason.strip(), headers, version=version)

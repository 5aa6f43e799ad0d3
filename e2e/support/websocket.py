"""Talk to a service frame by frame, and see everything that it answers.

A Socket.IO service is spoken to in its own packets over the same raw WebSocket, so that the same test bodies
hold for it: what a check says of frames is checked on frames. The official Socket.IO client is in the page.
"""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import Opcode
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from echowall.catalog.catalog import Service

Message = str | bytes

#: Seconds after which silence is the answer. A bound on hanging, not a measure of speed.
PATIENCE = 10


class NoAnswerError(AssertionError):
    """The service closed, refused, broke the protocol or kept silent where an answer was due."""


class RefusedError(NoAnswerError):
    """The handshake was answered with something other than 101."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url} refused the handshake with HTTP {status}")
        self.status = status


class SilenceError(NoAnswerError):
    """Nothing came in time where an answer was due."""


class ClosedError(NoAnswerError):
    """The connection ended where a message was due."""

    def __init__(self, url: str, close: Close) -> None:
        super().__init__(f"{url} ended with {close} where a message was due")
        self.close = close


class Close(NamedTuple):
    """How the server ended the connection. Where it sent no close frame the code is 1006, as in a browser."""

    code: int
    reason: str


def connect(
    base_url: str,
    service: Service,
    path: str = "foobar/",
    *,
    subprotocols: tuple[str, ...] = (),
    origin: str | None = None,
) -> Client:
    """Open a connection to a service's echo, in the protocol that it speaks. Raises RefusedError."""
    client = SocketIOClient if service.protocol == "socket.io" else Client
    return client(f"{base_url}/{service.name}/{path}", subprotocols=subprotocols, origin=origin)


class Client:
    """A WebSocket client that hides nothing: each message, the subprotocol, the close frame."""

    def __init__(self, url: str, *, subprotocols: tuple[str, ...] = (), origin: str | None = None) -> None:
        address = urlsplit(url)
        self.url = url
        self.patience: float = PATIENCE
        self._events: deque[Event] = deque()
        self._parts: list[Message] = []
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._socket = socket.create_connection((address.hostname, address.port or 80), timeout=PATIENCE)
        try:
            self._write(
                Request(
                    host=address.netloc,
                    target=f"{address.path}?{address.query}",
                    subprotocols=list(subprotocols),
                    extra_headers=[(b"Origin", origin.encode())] if origin else [],
                )
            )
            answer = self._next()
            if not isinstance(answer, AcceptConnection):
                raise RefusedError(url, answer.status_code if isinstance(answer, RejectConnection) else 0)
        except BaseException:
            self._socket.close()
            raise
        self.subprotocol = answer.subprotocol

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, message: Message, *, fragments: int = 1) -> None:
        """Send a message, cut into that many frames."""
        for _ in self.sending(message, fragments=fragments):
            pass

    def sending(self, message: Message, *, fragments: int) -> Iterator[None]:
        """Send a message, and pause after each of its frames."""
        kind: Any = TextMessage if isinstance(message, str) else BytesMessage
        size = max(1, -(-len(message) // fragments))
        parts = [message[start : start + size] for start in range(0, len(message), size)] or [message]
        for number, part in enumerate(parts, start=1):
            self._write(kind(data=part, message_finished=number == len(parts)))
            yield

    def send_json(self, text: str) -> None:
        """Send a JSON text, or what only looks like one."""
        self.send(text)

    def receive_json(self) -> Any:
        """The next message, which has to be a JSON text."""
        message = self.receive()
        try:
            assert isinstance(message, str)
            return json.loads(message)
        except (AssertionError, ValueError):
            raise NoAnswerError(f"{self.url} sent {message[:200]!r} where a JSON text was due") from None

    def send_frame(self, opcode: Opcode, payload: bytes) -> None:
        """Send a frame whose payload nobody has looked at. Its mask is zero, which changes nothing."""
        length = len(payload)
        assert length < 65536
        size = bytes([0x80 | length]) if length < 126 else bytes([0x80 | 126, *length.to_bytes(2, "big")])
        self._socket.sendall(bytes([0x80 | opcode]) + size + bytes(4) + payload)

    def ping(self) -> None:
        """Send a ping and wait for the pong: whatever was sent before has been read by then."""
        self._write(Ping())
        passed_by: list[Event] = []
        while not isinstance(event := self._next(), Pong):
            if isinstance(event, CloseConnection):
                raise NoAnswerError(f"{self.url} ended with {_close(event)} where a pong was due")
            passed_by.append(event)
        self._events.extendleft(reversed(passed_by))

    def receive(self) -> Message:
        """The next message, whole. What has come of it stays where a SilenceError was in between."""
        while True:
            event = self._next()
            if isinstance(event, CloseConnection):
                raise ClosedError(self.url, _close(event))
            if isinstance(event, TextMessage | BytesMessage):
                self._parts.append(event.data if isinstance(event, TextMessage) else bytes(event.data))
                if event.message_finished:
                    parts, self._parts = self._parts, []
                    return type(parts[0])().join(parts)  # type: ignore[arg-type]

    def echo(self, message: Message) -> Message:
        """Send a message, and give the next one that comes."""
        self.send(message)
        return self.receive()

    def close(self, code: int = 1000, reason: str = "") -> Close:
        """Send a close frame, and give the server's answer."""
        self._write(CloseConnection(code=code, reason=reason or None))
        return self.wait_closed()

    def wait_closed(self) -> Close:
        """Wait for the server to end the connection, and say how it did."""
        while True:
            event = self._next()
            if isinstance(event, CloseConnection):
                return _close(event)

    def wait_gone(self) -> None:
        """Wait for the server to drop the TCP connection, which is when its handler is through."""
        try:
            while self._socket.recv(65536):
                pass
        except TimeoutError:
            raise NoAnswerError(f"{self.url} still held the connection after {PATIENCE} s") from None
        except ConnectionError:
            pass

    def _write(self, event: Event) -> None:
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.sendall(self._protocol.send(event))
        except (OSError, LocalProtocolError) as error:
            raise NoAnswerError(f"{self.url} did not take a {type(event).__name__}: {error}") from None

    def _next(self) -> Event:
        """The next event. Pings are answered on the way, as every client does."""
        while True:
            while not self._events:
                self._read()
            event = self._events.popleft()
            if isinstance(event, Ping):
                with suppress(NoAnswerError):  # what came after it may have been the end
                    self._write(event.response())
            elif not isinstance(event, RejectData):
                return event

    def _read(self) -> None:
        self._socket.settimeout(max(self.patience, 0.001))
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            raise SilenceError(f"{self.url} kept silent for {self.patience:.3g} s") from None
        except ConnectionError:
            data = b""
        try:
            if data:
                self._protocol.receive_data(data)
                self._events.extend(self._protocol.events())
            else:
                self._events.append(CloseConnection(code=1006, reason="no close frame"))
        except RemoteProtocolError as error:
            raise NoAnswerError(f"{self.url} broke the protocol: {error}") from None


class SocketIOClient(Client):
    """The same over Socket.IO 5 on Engine.IO 4: a message is the event `message` in the default namespace."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(f"{url}{'&' if '?' in url else '?'}EIO=4&transport=websocket", **options)
        try:
            self._expect("0")  # Engine.IO: open
            self._send_packet("40")  # Socket.IO: connect to the default namespace
            self._expect("40")
        except BaseException:
            self._socket.close()
            raise

    def sending(self, message: Message, *, fragments: int) -> Iterator[None]:
        """Send a message. Binary follows its event in a frame of its own, and that is the one cut up."""
        if isinstance(message, str):
            yield from super().sending(f"42{json.dumps(['message', message])}", fragments=fragments)
        else:
            yield from super().sending('451-["message",{"_placeholder":true,"num":0}]', fragments=1)
            yield from super().sending(message, fragments=fragments)

    def receive(self) -> Message:
        """The payload of the next `message` event."""
        packet = self._packet()
        if packet.startswith("451-"):
            return super().receive()
        return str(json.loads(packet.removeprefix("42"))[1])

    def send_json(self, text: str) -> None:
        """Send what the JSON text says as the event's argument; what is no JSON goes as a string."""
        argument = text if _is_json(text) else json.dumps(text)
        self._send_packet(f'42["message",{argument}]')

    def receive_json(self) -> Any:
        """The argument of the next `message` event."""
        packet = self._packet()
        try:
            name, argument = json.loads(packet.removeprefix("42"))
            assert name == "message"
        except (AssertionError, TypeError, ValueError):
            raise NoAnswerError(f"{self.url} sent {packet[:200]!r} where an event `message` was due") from None
        return argument

    def _expect(self, start: str) -> None:
        packet = self._packet()
        assert packet.startswith(start), f"{self.url} sent {packet!r} where a packet {start!r} was due"

    def _send_packet(self, packet: str) -> None:
        for _ in super().sending(packet, fragments=1):
            pass

    def _packet(self) -> str:
        while (packet := super().receive()) in ("2", "41"):  # Engine.IO: ping; Socket.IO: disconnect, and then the end
            if packet == "2":
                self._send_packet("3")
        assert isinstance(packet, str), f"{self.url} sent {packet!r} where a packet was due"
        return packet


class Response(NamedTuple):
    """An HTTP response, and nothing done to it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which has to be JSON."""
        assert self.headers.get("content-type", "").startswith("application/json"), self
        return json.loads(self.body)


def request(
    base_url: str, target: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
) -> Response:
    """Send a request whose target goes out as it is written here: clients proper tidy `..` and `%2F` up."""
    address = urlsplit(base_url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        content = b"" if response.status == 101 else _body(response)  # after a 101 there is no end to read to
        return Response(response.status, {name.lower(): value for name, value in response.getheaders()}, content)
    except TimeoutError:
        raise NoAnswerError(f"{method} {target} {headers}: no answer within {PATIENCE} s") from None
    except ConnectionError as error:
        raise NoAnswerError(f"{method} {target}: {error}") from None
    finally:
        connection.close()


def _body(response: HTTPResponse) -> bytes:
    try:
        return response.read()
    except IncompleteRead as cut_short:
        return cut_short.partial


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except RecursionError:
        return True  # as far as anybody can tell
    except ValueError:
        return False
    return True


def _close(event: CloseConnection) -> Close:
    return Close(int(event.code), event.reason or "")

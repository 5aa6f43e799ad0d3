"""A WebSocket client that sends frames as a test wants them, and hides nothing of what comes back.

It speaks Socket.IO in packets over the same frames, so that one test body does for both protocols. (The page has the
official Socket.IO client.)

The checker has a client of its own in echowall/check. The two share no code on purpose: this suite must not trust the
checker, and what one of them gets wrong the other one shows.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
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

from e2e.support.dialling import dial
from echowall.catalog.catalog import Service

Message = str | bytes

#: Seconds without an answer after which none is expected any more. It bounds a hang, and does not measure speed.
PATIENCE = 10


class NoAnswerError(AssertionError):
    """No proper answer came: the service closed, refused, broke the protocol or kept silent."""


class RefusedError(NoAnswerError):
    """The handshake was answered with another status than 101, or with none (0)."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url} refused the handshake with HTTP {status}")
        self.status = status


class SilenceError(NoAnswerError):
    """Nothing came in time."""


class ClosedError(NoAnswerError):
    """The connection ended, and a message was expected."""

    def __init__(self, url: str, close: Close) -> None:
        super().__init__(f"{url} ended with {close}; a message was expected")
        self.close = close


class Close(NamedTuple):
    """How the server ended the connection. The code is 1006 where it sent no close frame, as in a browser (RFC 6455,
    section 7.1.5)."""

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
    """Connect to a service in the protocol that it speaks, by default to its echo. Raises RefusedError."""
    client = CLIENTS[service.protocol]
    return client(f"{base_url}/{service.name}/{path}", subprotocols=subprotocols, origin=origin)


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole frame from a client, of up to 65,535 bytes. Its mask is zero, which leaves the payload as it is."""
    length = len(payload)
    assert length < 65536
    size = bytes([0x80 | length]) if length < 126 else bytes([0x80 | 126, *length.to_bytes(2, "big")])
    return bytes([0x80 | opcode]) + size + bytes(4) + payload


class Client:
    """A connection to a WebSocket endpoint. Every method raises NoAnswerError where what it waits for does not come."""

    def __init__(self, url: str, *, subprotocols: tuple[str, ...] = (), origin: str | None = None) -> None:
        address = urlsplit(url)
        self.url = url
        self.patience: float = PATIENCE
        self._events: deque[Event] = deque()
        self._parts: list[Message] = []
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._socket = dial(url, PATIENCE)
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
        """Send a message in that many frames, and yield after each of them."""
        kind: Any = TextMessage if isinstance(message, str) else BytesMessage
        size = max(1, -(-len(message) // fragments))
        parts = [message[start : start + size] for start in range(0, len(message), size)] or [message]
        for number, part in enumerate(parts, start=1):
            self._write(kind(data=part, message_finished=number == len(parts)))
            yield

    def send_json(self, text: str) -> None:
        """Send a text that is JSON, or is wrongly meant to be."""
        self.send(text)

    def receive_json(self) -> Any:
        """The next message, decoded from JSON."""
        message = self.receive()
        try:
            assert isinstance(message, str)
            return json.loads(message)
        except (AssertionError, ValueError):
            raise NoAnswerError(f"{self.url} sent {message[:200]!r} in place of a JSON text") from None

    def send_frame(self, opcode: Opcode, payload: bytes) -> None:
        """Send a frame with any payload, such as a text that is not UTF-8."""
        self._socket.sendall(frame(opcode, payload))

    def ping(self) -> None:
        """Send a ping and wait for the pong. By then the service has read what was sent before."""
        self._write(Ping())
        passed_by: list[Event] = []
        while not isinstance(event := self._next(), Pong):
            if isinstance(event, CloseConnection):
                raise NoAnswerError(f"{self.url} ended with {_close(event)}; a pong was expected")
            passed_by.append(event)
        self._events.extendleft(reversed(passed_by))

    def receive(self) -> Message:
        """The next message, whole. Its first frames are kept where a SilenceError comes in between."""
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
        """Send a message, and return the next one that comes."""
        self.send(message)
        return self.receive()

    def close(self, code: int = 1000, reason: str = "") -> Close:
        """Send a close frame, and return the server's answer."""
        self._write(CloseConnection(code=code, reason=reason or None))
        return self.wait_closed()

    def wait_closed(self) -> Close:
        """Wait until the server ends the connection, and return how it did."""
        while True:
            event = self._next()
            if isinstance(event, CloseConnection):
                return _close(event)

    def wait_gone(self) -> None:
        """Wait until the server drops the TCP connection, which it does when its handler is done."""
        try:
            while self._socket.recv(65536):
                pass
        except TimeoutError:
            raise NoAnswerError(f"{self.url} still holds the connection after {PATIENCE} s") from None
        except ConnectionError:
            pass

    def _write(self, event: Event) -> None:
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.sendall(self._protocol.send(event))
        except (OSError, LocalProtocolError) as error:
            raise NoAnswerError(f"{self.url} did not take a {type(event).__name__}: {error}") from None

    def _next(self) -> Event:
        """The next event. Pings are answered in between, as every client does, and give no more time."""
        deadline = time.monotonic() + self.patience
        while True:
            while not self._events:
                self._read(deadline - time.monotonic())
            event = self._events.popleft()
            if isinstance(event, Ping):
                with suppress(NoAnswerError):  # the connection may have ended right after the ping
                    self._write(event.response())
            elif not isinstance(event, RejectData):
                return event

    def _read(self, seconds: float) -> None:
        self._socket.settimeout(max(seconds, 0.001))
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
    """The same over Socket.IO 5 on Engine.IO 4. A message is the event `message` in the default namespace."""

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
        """Send a message, and yield after each frame. Binary data follows its event in a message of its own, and only
        that one is cut into frames."""
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
        """Send the JSON text as the event's argument, or as a string where it is not JSON."""
        argument = text if _is_json(text) else json.dumps(text)
        self._send_packet(f'42["message",{argument}]')

    def receive_json(self) -> Any:
        """The argument of the next `message` event."""
        packet = self._packet()
        try:
            name, argument = json.loads(packet.removeprefix("42"))
            assert name == "message"
        except (AssertionError, TypeError, ValueError):
            raise NoAnswerError(f"{self.url} sent {packet[:200]!r} in place of an event `message`") from None
        return argument

    def _expect(self, start: str) -> None:
        packet = self._packet()
        assert packet.startswith(start), f"{self.url} sent {packet!r} in place of a packet {start!r}"

    def _send_packet(self, packet: str) -> None:
        for _ in super().sending(packet, fragments=1):
            pass

    def _packet(self) -> str:
        while (packet := super().receive()) in (
            "2",
            "41",
        ):  # Engine.IO: ping; Socket.IO: disconnect
            if packet == "2":
                with suppress(NoAnswerError):  # the connection may have ended right after the ping
                    self._send_packet("3")
        assert isinstance(packet, str), f"{self.url} sent {packet!r} in place of a packet"
        return packet


#: By what a service speaks.
CLIENTS: dict[str, type[Client]] = {"websocket": Client, "socket.io": SocketIOClient}


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except RecursionError:
        return True  # it is nested too deep to tell, and so is meant to be JSON
    except ValueError:
        return False
    return True


def _close(event: CloseConnection) -> Close:
    return Close(int(event.code), event.reason or "")

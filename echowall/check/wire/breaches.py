"""What no server may do, noticed in every handshake and every frame, as a browser notices it and ends the connection.

A check looks at what it asks about. What it does not ask about is noticed here: each connection has a watch, and its
first breach is written into the transcript.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import TYPE_CHECKING

from echowall.check.wire import frames
from echowall.check.wire.extensions import DEFLATE, ExtensionError, parse_extensions
from echowall.check.wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT, Frame

if TYPE_CHECKING:
    from echowall.check.wire.http import Headers, Response

#: Codes that stand for a connection's end without a close frame, so that none may carry them (RFC 6455, section 7.4.1).
_NEVER_SENT = (1005, 1006, 1015)


class Watch:
    """Looks at a server's frames, one after the other (RFC 6455, section 5)."""

    def __init__(self, *, deflate: bool) -> None:
        self._deflate = deflate
        self._opcode: int | None = None
        """Of the message whose fragments are coming in."""
        self._utf8: codecs.IncrementalDecoder | None = None
        self._closed = False

    def breach(self, frame: Frame) -> str | None:
        """What is wrong with the frame, in a few words; None where nothing is."""
        return next(self._breaches(frame), None)

    def _breaches(self, frame: Frame) -> Iterator[str]:
        if frame.masked:
            yield "masked"
        if not frame.shortest:
            yield "a length in more bytes than needed"
        if frame.opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            yield "unknown opcode"
        if frame.rsv and not (frame.rsv == RSV1 and self._deflate and frame.opcode in (TEXT, BINARY)):
            yield "reserved bits"
        if frame.opcode >= CLOSE:
            yield from _control(frame)
            self._closed = self._closed or frame.opcode == CLOSE
        else:
            yield from self._data(frame)

    def _data(self, frame: Frame) -> Iterator[str]:
        if self._closed:
            yield "a message after its close"
        if (frame.opcode == CONTINUATION) != (self._opcode is not None):
            yield "a continuation of nothing" if self._opcode is None else "a message within another"
        if frame.opcode != CONTINUATION:
            text = frame.opcode == TEXT and not frame.rsv
            self._utf8 = codecs.getincrementaldecoder("utf-8")() if text else None
        self._opcode = None if frame.fin else self._opcode or frame.opcode
        if self._utf8:
            try:
                self._utf8.decode(frame.payload, frame.fin)
            except UnicodeDecodeError:
                self._utf8 = None
                yield "text that is not UTF-8"


def _control(frame: Frame) -> Iterator[str]:
    if not frame.fin:
        yield "a control frame in fragments"
    if len(frame.payload) > 125:
        yield "a control frame of more than 125 bytes"
    if frame.opcode == CLOSE and frame.payload:
        code = frames.close_code(frame.payload)
        if code is None:
            yield "half a close code"
        elif not 1000 <= code <= 4999 or code in _NEVER_SENT:
            yield "a close code that may not be sent"
        try:
            frame.payload[2:].decode()
        except UnicodeDecodeError:
            yield "a close reason that is not UTF-8"


def of_answer(sent: Headers, response: Response, accept: str | None) -> str | None:
    """What is wrong with a 101, in a few words; None where nothing is (RFC 6455, section 4.1; RFC 9110, 15.2.2).

    `sent` are the handshake's headers, and `accept` is the value that follows from its key.
    """
    return next(_of_answer(sent, response, accept), None)


def _of_answer(sent: Headers, response: Response, accept: str | None) -> Iterator[str]:
    if response.version != "HTTP/1.1":
        yield f"in {response.version}"
    for name in ("Upgrade", "Connection", "Sec-WebSocket-Accept"):
        if response.header(name) is None:
            yield f"no {name}"
    for name in ("Upgrade", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"):
        if sum(key.lower() == name.lower() for key, _ in response.headers) > 1:
            yield f"two {name} headers"
    if (response.header("Upgrade") or "").lower() != "websocket":
        yield "Upgrade is not websocket"
    if "upgrade" not in (token.strip().lower() for token in (response.header("Connection") or "").split(",")):
        yield "Connection does not name Upgrade"
    if accept is not None and response.header("Sec-WebSocket-Accept") != accept:
        yield "wrong accept value"
    if response.header("Transfer-Encoding") is not None:
        yield "a Transfer-Encoding"
    if (response.header("Content-Length") or "0").strip() != "0":
        yield "a Content-Length"
    yield from _of_selection(sent, response)


def _of_selection(sent: Headers, response: Response) -> Iterator[str]:
    """What is wrong with the subprotocol and the extensions that were selected."""
    asked = {name.lower(): value for name, value in sent}
    selected = response.header("Sec-WebSocket-Protocol")
    offered = [name.strip() for name in asked.get("sec-websocket-protocol", "").split(",")]
    if selected is not None and selected not in offered:
        yield "a subprotocol that was not offered"
    try:
        extensions = parse_extensions(response.header("Sec-WebSocket-Extensions") or "")
    except ExtensionError as error:
        yield str(error)
        return
    offers = asked.get("sec-websocket-extensions", "")
    for extension in extensions:
        if extension.name not in offers:
            yield "an extension that was not offered"
        elif extension.name == DEFLATE and (wrong := extension.wrong_parameter()):
            yield wrong
        elif "client_max_window_bits" in extension.parameters and "client_max_window_bits" not in offers:
            yield "client_max_window_bits, uninvited"

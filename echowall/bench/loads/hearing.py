"""A client's side of a connection, which hears whole messages."""

from __future__ import annotations

import zlib

from picows import WSFrame, WSListener, WSMsgType, WSTransport

#: What a message that was compressed lacks at its end (RFC 7692, section 7.2.1).
_TAIL = b"\x00\x00\xff\xff"


class Ear(WSListener):
    """A connection. Fragments are put together, and what was compressed is inflated, as long as nothing compressed came
    before it on this connection.
    """

    transport: WSTransport

    def __init__(self) -> None:
        self._kind, self._compressed, self._fragments = WSMsgType.TEXT, False, b""

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            self.closed()
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            if kind is not WSMsgType.CONTINUATION:
                self._kind, self._compressed, self._fragments = kind, frame.rsv1, b""
            self._fragments += frame.get_payload_as_bytes()
            if frame.fin:
                message, self._fragments = self._fragments, b""
                self.heard(_inflated(message) if self._compressed else message, self._kind)

    def heard(self, message: bytes, kind: WSMsgType) -> None:
        """A message came."""

    def closed(self) -> None:
        """The server's close frame came."""


def _inflated(message: bytes) -> bytes:
    """What it was; nothing where it is damaged."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(message + _TAIL)
    except zlib.error:
        return b""

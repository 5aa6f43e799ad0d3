"""What gevent-websocket gets wrong, and the service keeps from its clients."""

import struct
from contextlib import suppress

from geventwebsocket import WebSocketError


def shutdown_close(ws):
    """shutdown-close: ws.close(1001) would lose the code. https://github.com/jgelens/gevent-websocket/pull/6"""
    with suppress(WebSocketError):  # the client was faster
        ws.send_frame(struct.pack("!H", 1001), ws.OPCODE_CLOSE)
    ws.closed = True  # or the handler's end sends a second close frame

"""What Sanic gets wrong, and the service keeps from its clients."""

import asyncio
from weakref import WeakSet

from sanic.server.protocols import websocket_protocol
from sanic.server.protocols.websocket_protocol import WebSocketProtocol
from sanic.server.websockets.impl import OPEN, WebsocketImplProtocol


class Subprotocol(WebSocketProtocol):
    """subprotocol: with subprotocols=["echo"] at the route, Sanic would refuse a client that offers none of them."""

    async def websocket_handshake(self, request, subprotocols=None):
        offered = request.headers.get("sec-websocket-protocol", "").replace(" ", "").split(",")
        return await super().websocket_handshake(request, ["echo"] if "echo" in offered else None)


class ShutdownClose(WebSocketProtocol):
    """shutdown-close: Sanic cancels the handlers first, and each then closes its socket with 1000."""

    sockets = WeakSet()

    async def websocket_handshake(self, request, subprotocols=None):
        ws = await super().websocket_handshake(request, subprotocols)
        self.sockets.add(ws)
        return ws

    @classmethod
    async def before_server_stop(cls, app):
        for ws in cls.sockets:
            ws.end_connection(1001, "server shutting down")  # unlike close(), it does not wait for the client


class Paced(WebsocketImplProtocol):
    """memory-released: a client is read no further than its handler is, and what it left unread goes with it.

    Sanic makes a task of each read, which waits until all its messages have been taken. It stops reading only while one
    of these is next, and reads on when that is taken, though other tasks still wait: there is no limit to them. They
    wait for ever where the client has gone meanwhile, and keep what it sent. While a client is not read, its end of the
    connection (FIN) is not noticed either; a reset is.
    """

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self.reads = set()  # whose messages have not all been taken

    @property
    def behind(self):
        return len(self.reads) > 1

    def data_received(self, data):
        self.ws_proto.receive_data(data)
        replies, events = self.ws_proto.data_to_send(), self.ws_proto.events_received()
        if replies or events:
            read = asyncio.create_task(self.async_data_received(replies, events))
            self.reads.add(read)
            read.add_done_callback(self.taken)
            if self.behind:
                self.io_proto.transport.pause_reading()

    def taken(self, read):
        was_behind = self.behind
        self.reads.discard(read)
        if was_behind and not self.behind and not self.pause_frame_fut and self.ws_proto.state is OPEN:
            self.io_proto.transport.resume_reading()

    def resume_frames(self):
        resumed = super().resume_frames()
        if resumed and self.behind and self.io_proto.transport:
            self.io_proto.transport.pause_reading()
        return resumed

    def connection_lost(self, exc):
        super().connection_lost(exc)
        for read in self.reads:
            read.cancel()


class Protocol(Subprotocol, ShutdownClose):
    """The protocol with those two mends."""


def install():
    """Have Sanic's protocol use Paced for each socket."""
    websocket_protocol.WebsocketImplProtocol = Paced

"""What Sanic gets wrong, and the service keeps from its clients."""

from weakref import WeakSet

from sanic.server.protocols.websocket_protocol import WebSocketProtocol


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


class Protocol(Subprotocol, ShutdownClose):
    """The protocol with all of these mends."""

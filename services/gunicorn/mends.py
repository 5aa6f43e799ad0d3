"""What gunicorn's ASGI worker lacks, and the service makes up for."""

import asyncio

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.asgi.websocket import WebSocketDisconnected, WebSocketProtocol
from gunicorn.workers.gasgi import ASGIWorker

close_transport = ASGIProtocol._close_transport
connection_lost = ASGIProtocol.connection_lost
run = WebSocketProtocol.run
stays = set()  # each socket's timeout, which has no time until SIGTERM


class ShutdownClose(ASGIWorker):
    """shutdown-close: tells the sockets of SIGTERM at once.

    ASGI knows only lifespan.shutdown, which gunicorn sends when the last connection has ended: a WebSocket does not end
    by itself, and who waits for it is killed. https://github.com/django/asgiref/issues/588
    """

    def handle_exit_signal(self):
        super().handle_exit_signal()
        while stays:
            stays.pop().reschedule(0)  # that is: now


def closed_at_exit(app):
    """shutdown-close: the application, in which a socket is closed with 1001 when ShutdownClose says so."""

    async def closing(scope, receive, send):
        if scope["type"] != "websocket":
            return await app(scope, receive, send)
        try:
            async with asyncio.timeout(None) as stay:
                stays.add(stay)
                await app(scope, receive, send)
        except TimeoutError:
            await send({"type": "websocket.close", "code": 1001, "reason": "server shutting down"})
        finally:
            stays.discard(stay)

    return closing


def close_released(protocol):
    """close-released: a connection that the client has broken is closed, too.

    gunicorn says first that it writes no more, fails in that, and leaves out to close.
    https://github.com/benoitc/gunicorn/blob/27.0.1/gunicorn/asgi/protocol.py#L2317-L2325
    """
    close_transport(protocol)
    if protocol.transport:
        protocol.transport.close()  # which does nothing where it is closed


def memory_released(protocol, exc):
    """memory-released: who waits for a client that does not read is woken at once when that has gone.

    gunicorn lets him wait, cancels him 3 s later, and waits 5 s more for an answer to the close frame that it then
    sends. https://github.com/benoitc/gunicorn/blob/27.0.1/gunicorn/asgi/protocol.py#L1211-L1262
    """
    connection_lost(protocol, exc)
    if websocket := protocol._websocket:
        websocket._close_event.set()
        protocol._flow_control.resume_writing()


async def released(websocket):
    """memory-released: who is woken so hears of it, and what the client sent and nobody took goes with the application.

    Otherwise that stays until the garbage collector comes by, as the parts of a connection refer to each other.
    """
    app, drain = websocket.app, websocket._drain

    async def writable():
        await drain()
        if websocket._eof:
            raise WebSocketDisconnected("the client has gone")

    async def without_farewell(scope, receive, send):
        try:
            await app(scope, receive, send)
        finally:
            websocket.closed |= websocket._eof

    websocket.app, websocket._drain = without_farewell, writable
    try:
        await run(websocket)
    finally:
        websocket._buffer.clear()
        websocket._receive_queue = asyncio.Queue()


def install():
    """Have gunicorn use them."""
    ASGIProtocol._close_transport = close_released
    ASGIProtocol.connection_lost = memory_released
    WebSocketProtocol.run = released

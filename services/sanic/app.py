"""The echo in Sanic, on its own server and uvloop, with the frames of the websockets library."""

import logging
import os
import platform
from importlib.metadata import version

from sanic import Sanic, json
from sanic.server.protocols.websocket_protocol import WebSocketProtocol

import chat

app = Sanic("echowall", configure_logging=False)
app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 1  # seconds
app.blueprint(chat.room)
app.add_task(chat.read())
app.add_task(chat.count())
app.ctx.websockets = set()


@app.get("/about")
async def about(request):
    versions = {"python": platform.python_version()}
    versions |= {name: version(name) for name in ("sanic", "uvloop", "websockets")}
    return json({"service": "sanic", "versions": versions})


@app.websocket("/foobar/", subprotocols=["echo"])
async def echo(request, ws):
    app.ctx.websockets.add(ws)
    try:
        async for message in ws:
            # Sending waits while the client does not read. By and by Sanic stops reading, too; but what
            # came in faster than it was taken here has been read, and there is no limit to that.
            await ws.send(message)
    finally:
        app.ctx.websockets.discard(ws)


@app.before_server_stop
async def going_away(app):
    # Sanic itself would say 1000. Unlike close(), this does not wait for a client that does not read.
    for ws in app.ctx.websockets | {visitor.ws for visitor in chat.visitors}:
        ws.end_connection(1001, "server shutting down")


class Protocol(WebSocketProtocol):
    async def websocket_handshake(self, request, subprotocols=None):
        # The websockets library would refuse a client that offers none of them.
        offered = request.headers.get("sec-websocket-protocol", "").replace(" ", "").split(",")
        return await super().websocket_handshake(request, set(subprotocols or ()).intersection(offered))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app.run(
        host=os.environ.get("HOST", "0.0.0.0"),
        port=int(os.environ.get("PORT", "8000")),
        protocol=Protocol,
        single_process=True,
        access_log=False,
        motd=False,
    )

"""The service in Sanic: the echo, the room and /about, and a farewell at SIGTERM."""

import logging
import os
import platform
from importlib.metadata import version

from sanic import json
from sanic.server.protocols.websocket_protocol import WebSocketProtocol

import chat
import mends
from echo import app

app.blueprint(chat.blueprint)
app.add_task(chat.room.run())
app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 1  # seconds
protocol = WebSocketProtocol

if os.environ.get("MENDS") != "off":
    mends.install()
    protocol = mends.Protocol
    app.before_server_stop(mends.ShutdownClose.before_server_stop)


@app.get("/about")
async def about(request):
    versions = {"python": platform.python_version()}
    versions |= {name: version(name) for name in ("sanic", "uvloop", "websockets")}
    return json({"service": "sanic", "versions": versions})


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app.run(
        host=os.environ.get("HOST", "0.0.0.0"),
        port=int(os.environ.get("PORT", "8000")),
        protocol=protocol,
        single_process=True,
        access_log=False,
        motd=False,
    )

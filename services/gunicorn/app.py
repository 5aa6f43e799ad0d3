"""The service in bare ASGI: the echo, the room and /about. The farewell at SIGTERM takes a mend."""

import asyncio
import json
import os
import platform
import sys
from importlib.metadata import version

import gunicorn.asgi.websocket

import mends
from chat import chat, room
from echo import echo

# How many messages of a client may wait for the application: by default 32, of any size, and there is no option for it.
gunicorn.asgi.websocket.RECEIVE_QUEUE_HIGH_WATER = 4

HANDLERS = {"/foobar/": echo, "/chat/": chat}


async def application(scope, receive, send):
    await {"lifespan": lifespan, "http": http, "websocket": websocket}[scope["type"]](scope, receive, send)


async def lifespan(scope, receive, send):
    await receive()  # lifespan.startup
    reading = asyncio.create_task(room.run())
    await send({"type": "lifespan.startup.complete"})
    await receive()  # lifespan.shutdown
    reading.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def http(scope, receive, send):
    headers = []
    if scope["path"] == "/about":
        versions = {"python": platform.python_version(), "gunicorn": version("gunicorn")}
        if "uvloop" in sys.modules:
            versions["uvloop"] = version("uvloop")
        status, body = 200, json.dumps({"service": "gunicorn", "versions": versions}).encode()
        headers = [(b"content-type", b"application/json")]
    elif scope["path"] in HANDLERS:
        status, body = 426, b"This is a WebSocket.\n"
        headers = [(b"upgrade", b"websocket"), (b"connection", b"upgrade")]
    else:
        status, body = 404, b"There is nothing here.\n"
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def websocket(scope, receive, send):
    if handler := HANDLERS.get(scope["path"]):
        await handler(scope, receive, send)
    else:
        await receive()  # websocket.connect
        await send({"type": "websocket.close"})  # before it is accepted: the handshake is answered with 403


app = application
if os.environ.get("MENDS") != "off":
    mends.install()
    app = mends.closed_at_exit(app)

"""The service in @TITLE@: the echo, the room and /about, side by side in bare ASGI."""

import asyncio
import json
import platform
from importlib.metadata import version

import echo
from chat import chat, room


async def about(send):
    packages = "@PACKAGES@", "uvicorn", "uvloop", "websockets"
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    answer = json.dumps({"service": "@NAME@", "versions": versions}).encode()
    await respond(send, 200, answer, (b"content-type", b"application/json"))


async def respond(send, status, body, *headers):
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(receive, send):
    await receive()  # lifespan.startup
    reading = asyncio.create_task(room.run())
    await send({"type": "lifespan.startup.complete"})
    await receive()  # lifespan.shutdown
    reading.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def app(scope, receive, send):
    match scope["type"], scope.get("path"):
        case "lifespan", _:
            await lifespan(receive, send)
        case "websocket", "/foobar/":
            await echo.app(scope, receive, send)
        case "websocket", "/chat/":
            await chat(scope, receive, send)
        case "websocket", _:
            await receive()  # websocket.connect
            await send({"type": "websocket.close"})  # before it is accepted: the handshake is answered with 403
        case "http", "/about":
            await about(send)
        case "http", "/foobar/" | "/chat/":
            upgrade = (b"upgrade", b"websocket"), (b"connection", b"upgrade")
            await respond(send, 426, b"This is a WebSocket.\n", *upgrade)
        case _:
            await respond(send, 404, b"Not found.\n")

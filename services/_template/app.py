"""The echo in @TITLE@, on Uvicorn, which has uvloop and the frames of websockets."""

import json
import platform
from importlib.metadata import version

import chat


async def echo(scope, receive, send):
    # Accept the handshake, with the subprotocol `echo` where scope["subprotocols"] has it; then send each message back
    # as it came, text as text and binary as binary, until the client goes. A framework's application may stand in place
    # of this function: echo = Application(), with its own handler at /foobar/.
    raise NotImplementedError("fill in the echo")


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
    async with chat.lifespan():
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
    await send({"type": "lifespan.shutdown.complete"})


async def app(scope, receive, send):
    match scope["type"], scope.get("path"):
        case "lifespan", _:
            await lifespan(receive, send)
        case "websocket", "/foobar/":
            await echo(scope, receive, send)
        case "websocket", "/chat/":
            await chat.chat(scope, receive, send)
        case "websocket", _:
            await send({"type": "websocket.close"})  # before it is accepted: the handshake is answered with 403
        case "http", "/about":
            await about(send)
        case "http", "/foobar/" | "/chat/":
            upgrade = (b"upgrade", b"websocket"), (b"connection", b"upgrade")
            await respond(send, 426, b"This is a WebSocket.\n", *upgrade)
        case _:
            await respond(send, 404, b"Not found.\n")

"""The echo in FastAPI, which is Starlette's WebSocket on Uvicorn, which has uvloop and the frames of websockets."""

import asyncio
import platform
from contextlib import suppress
from importlib.metadata import version

from fastapi import FastAPI, Response, WebSocket, WebSocketDisconnect

import chat

app = FastAPI(openapi_url=None)  # OpenAPI knows no WebSockets, and its page of documentation loads from a CDN
app.include_router(chat.router)


@app.get("/about")
async def about():
    packages = "fastapi", "starlette", "uvicorn", "uvloop", "websockets"
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return {"service": "fastapi", "versions": versions}


@app.get("/foobar/")
@app.get("/chat/")
async def upgrade_required():
    return Response("This is a WebSocket.\n", 426, {"Upgrade": "websocket", "Connection": "Upgrade"})


@app.websocket("/foobar/")
async def echo(ws: WebSocket):
    await ws.accept("echo" if "echo" in ws.scope["subprotocols"] else None)
    # Where Uvicorn itself has sent a close frame, as for a breach of the protocol, send() raises RuntimeError.
    with suppress(WebSocketDisconnect, RuntimeError):
        # receive_text() would raise KeyError for binary. Uvicorn reads no more until a message has been received,
        # and send() waits while the client does not read: who floods us slows down.
        while (message := await ws.receive())["type"] == "websocket.receive":
            if message.get("text") is not None:
                await ws.send_text(message["text"])
            else:
                await ws.send_bytes(message["bytes"])
            await asyncio.sleep(0)  # where there is nothing to wait for, neither of the two lets anybody else run

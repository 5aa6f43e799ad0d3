"""The echo in Socket.IO: events over Engine.IO, which polls over HTTP until it has a WebSocket."""

import asyncio
import platform
from contextlib import asynccontextmanager
from importlib.metadata import version

import socketio
from engineio.payload import Payload
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

import chat

# A burst over polling arrives as one request; past 16 packets Engine.IO would answer "OK" and drop
# them all: https://github.com/miguelgrinberg/python-engineio/issues/142
Payload.max_decode_packets = 1000

sio = socketio.AsyncServer(
    async_mode="asgi",
    # One event after the other: by default each runs in a task of its own.
    async_handlers=False,
    # Room for 1 MiB in which JSON had to write each byte as six (\u0001); the default is 1 MB.
    max_http_buffer_size=8 * 1024 * 1024,
)


@sio.event
async def message(sid, *payload):
    await sio.emit("message", payload, to=sid)


async def about(request):
    packages = "python-socketio", "python-engineio", "starlette", "uvicorn", "websockets"
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return JSONResponse({"service": "socketio", "versions": versions})


@asynccontextmanager
async def lifespan(app):
    tasks = [asyncio.create_task(chat.read()), asyncio.create_task(chat.count())]
    yield
    for task in tasks:
        task.cancel()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Cuts off a client that reads nothing for 20 s: Engine.IO gives it up, too, but waits for it to read the rest."""

    def pause_writing(self):
        super().pause_writing()
        self.unread = self.loop.call_later(20, self.transport.abort)

    def resume_writing(self):
        super().resume_writing()
        self.unread.cancel()


app = Starlette(
    routes=[
        Route("/about", about),
        Mount("/foobar", socketio.ASGIApp(sio, socketio_path=None)),
        Mount("/chat", socketio.ASGIApp(chat.sio, socketio_path=None)),
    ],
    lifespan=lifespan,
)

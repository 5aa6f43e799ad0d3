"""The echo in Socket.IO: events over Engine.IO, which polls over HTTP until it has a WebSocket."""

import platform
from importlib.metadata import version

import socketio
from engineio.payload import Payload
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

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


app = socketio.ASGIApp(
    sio,
    other_asgi_app=Starlette(routes=[Route("/about", about)]),
    socketio_path="foobar",
)

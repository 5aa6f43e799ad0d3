"""The service in Socket.IO: the echo, the room and /about."""

import asyncio
import os
import platform
from contextlib import asynccontextmanager
from importlib.metadata import version

import socketio
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

import chat
import echo
import mends

if os.environ.get("MENDS") != "off":
    mends.install()


async def about(request):
    packages = "python-socketio", "python-engineio", "starlette", "uvicorn", "uvloop", "websockets"
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return JSONResponse({"service": "socketio", "versions": versions})


@asynccontextmanager
async def lifespan(app):
    reading = asyncio.create_task(chat.room.run())
    yield
    reading.cancel()


app = Starlette(
    routes=[
        Route("/about", about),
        Mount("/foobar", socketio.ASGIApp(echo.sio, socketio_path=None)),
        Mount("/chat", socketio.ASGIApp(chat.sio, socketio_path=None)),
    ],
    lifespan=lifespan,
)

"""The service in FastAPI: the echo, the room and /about. Uvicorn says farewell at SIGTERM."""

import platform
from importlib.metadata import version

from fastapi import Response

import chat
import push
from echo import app

app.include_router(chat.router)
app.include_router(push.router)
app.add_exception_handler(push.BadRequestError, push.bad_request)


@app.get("/about")
async def about():
    packages = "fastapi", "starlette", "uvicorn", "uvloop", "websockets"
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return {"service": "fastapi", "versions": versions}


@app.get("/foobar/")
@app.get("/chat/")
async def upgrade_required():
    return Response("This is a WebSocket.\n", 426, {"Upgrade": "websocket", "Connection": "Upgrade"})

"""The service in Quart: the echo, the room and /about, and a farewell at SIGTERM."""

import asyncio
import os
import platform
import signal
from importlib.metadata import version

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import websocket

import chat
import mends
from echo import app

app.json.sort_keys = False
app.register_blueprint(chat.blueprint)
connected = {}  # each open socket, and the task that runs its handler

UVLOOP = os.environ.get("LOOP") == "uvloop"
if UVLOOP:
    import uvloop

if os.environ.get("MENDS") != "off":
    app.websocket_class = mends.Taking
    mends.install()


@app.get("/about")
async def about():
    packages = ["quart", "hypercorn", "wsproto", "h11", "werkzeug", *(["uvloop"] if UVLOOP else [])]
    return {"service": "quart", "versions": {"python": platform.python_version()} | {p: version(p) for p in packages}}


@app.get("/foobar/")
@app.get("/chat/")
async def upgrade_required():
    return "This is a WebSocket.\n", 426, {"Upgrade": "websocket", "Connection": "Upgrade"}


@app.before_websocket
async def connect():
    connected[websocket._get_current_object()] = asyncio.current_task()


@app.teardown_websocket
async def disconnect(error):
    connected.pop(websocket._get_current_object(), None)


async def leave(client, handler):
    await client.close(1001, "server shutting down")
    handler.cancel()


async def stopped():
    """Return when the service has to stop, with the sockets closed: Hypercorn itself would send no close frames."""
    stop = asyncio.Event()
    for signum in signal.SIGINT, signal.SIGTERM:
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await stop.wait()
    # Without its mends a connection that has ended keeps Hypercorn until its next ping would be due, up to 20 s later.
    asyncio.get_running_loop().call_later(2, os._exit, 0)
    if leaving := [asyncio.create_task(leave(*each)) for each in connected.items()]:
        await asyncio.wait(leaving, timeout=1)


if __name__ == "__main__":
    bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"
    config = Config.from_mapping(bind=bind, websocket_ping_interval=20, graceful_timeout=0.5)
    config.websocket_max_message_size = mends.LIMIT  # the default is 16 MiB: a few of them would fill a small container
    (uvloop if UVLOOP else asyncio).run(serve(app, config, shutdown_trigger=stopped))

"""The echo in Quart, Flask's API on asyncio, on Hypercorn, which has the protocol from wsproto."""

import asyncio
import os
import platform
import signal
from importlib.metadata import version

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, websocket

import chat

app = Quart(__name__)
app.json.sort_keys = False
app.register_blueprint(chat.room)
connected = {}  # and of each the task that runs its handler


@app.get("/about")
async def about():
    packages = "quart", "hypercorn", "wsproto", "h11", "werkzeug"
    return {"service": "quart", "versions": {"python": platform.python_version()} | {p: version(p) for p in packages}}


@app.get("/foobar/")
@app.get("/chat/")
async def upgrade_required():
    return "This is a WebSocket.\n", 426, {"Upgrade": "websocket", "Connection": "Upgrade"}


@app.websocket("/foobar/")
async def echo():
    await websocket.accept(subprotocol="echo" if "echo" in websocket.requested_subprotocols else None)
    while True:  # until Quart cancels it, because the client has left
        message = await websocket.receive()
        # Quart makes None of an empty binary message, and would raise TypeError if it were sent back as it is.
        await websocket.send(b"" if message is None else message)


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
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for signum in signal.SIGINT, signal.SIGTERM:
        loop.add_signal_handler(signum, stop.set)
    await stop.wait()
    # Hypercorn waits for the buffer of each connection to empty, without a limit, even if it is cancelled: who does
    # not read would keep the process alive.
    loop.call_later(2, os._exit, 0)
    # It cancels what is left of each connection, and CPython 3.11 would log a traceback for each.
    loop.set_exception_handler(lambda loop, context: None)
    if leaving := [asyncio.create_task(leave(*each)) for each in connected.items()]:
        await asyncio.wait(leaving, timeout=1)


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "0.0.0.0"), os.environ.get("PORT", "8000")
    config = Config.from_mapping(bind=f"{host}:{port}", websocket_ping_interval=20, graceful_timeout=0.5)
    # The default is 16 MiB, and a connection that has ended keeps what it had last until its next ping would be due and
    # the garbage collector finds it: a few large messages would fill a small container.
    config.websocket_max_message_size = 1024 * 1024
    asyncio.run(serve(app, config, shutdown_trigger=stopped))

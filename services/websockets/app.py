"""The service in websockets: the echo, the room and /about, and a farewell at SIGTERM."""

import asyncio
import json
import logging
import os
import platform
import signal
from contextlib import suppress
from importlib.metadata import version
from urllib.parse import urlsplit

from websockets.asyncio.server import serve

import mends
from chat import chat, room
from echo import echo, select_subprotocol

ABOUT = {
    "service": "websockets",
    "versions": {"python": platform.python_version(), "websockets": version("websockets")},
}
UVLOOP = os.environ.get("LOOP") == "uvloop"
if UVLOOP:
    import uvloop

    ABOUT["versions"]["uvloop"] = uvloop.__version__
HANDLERS = {"/foobar/": echo, "/chat/": chat}


def process_request(connection, request):
    """Answer what is not for a WebSocket; a plain GET of one websockets itself answers, with 426."""
    path = urlsplit(request.path).path
    if path == "/about" and request.method == "GET":
        response = connection.respond(200, json.dumps(ABOUT))
        del response.headers["Content-Type"]  # or there were two
        response.headers["Content-Type"] = "application/json"
        return response
    if path not in HANDLERS:
        return connection.respond(404, "Not found\n")
    return None


async def handler(websocket):
    await HANDLERS[urlsplit(websocket.request.path).path](websocket)


if os.environ.get("MENDS") != "off":
    handler = mends.released(handler)


async def main():
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    server = await serve(
        handler,
        host,
        port,
        process_request=process_request,
        select_subprotocol=select_subprotocol,
        compression=None if os.environ.get("COMPRESSION") == "off" else "deflate",
        close_timeout=2,  # seconds for a client to answer a close
    )
    reading = asyncio.create_task(room.run())
    logging.info("listening on %s:%d", host, port)

    stop = asyncio.Event()
    for signum in signal.SIGINT, signal.SIGTERM:
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await stop.wait()

    reading.cancel()
    server.close()  # with 1001
    with suppress(TimeoutError):  # it would wait, without a limit, for a client that does not read
        async with asyncio.timeout(3):
            await server.wait_closed()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # One line for each handshake, and one for each health check, says little.
    logging.getLogger("websockets.server").setLevel(logging.WARNING)
    (uvloop if UVLOOP else asyncio).run(main())

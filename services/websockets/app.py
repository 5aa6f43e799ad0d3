"""The echo in websockets, on the library's own asyncio server."""

import asyncio
import json
import logging
import os
import platform
import signal
from contextlib import suppress
from importlib.metadata import version

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

import chat

VERSIONS = {"python": platform.python_version(), "websockets": version("websockets")}


async def echo(websocket):
    with suppress(ConnectionClosed):
        async for message in websocket:
            # This waits for a client that does not read, and so slows it down instead of filling our memory.
            await websocket.send(message)


HANDLERS = {"/foobar/": echo, "/chat/": chat.chat}


async def handler(websocket):
    await HANDLERS[path(websocket.request)](websocket)


def process_request(websocket, request):
    """Answer what is not for a WebSocket. A plain GET of one websockets itself answers, with 426."""
    if request.method == "GET" and path(request) == "/about":
        response = websocket.respond(200, json.dumps({"service": "websockets", "versions": VERSIONS}))
        del response.headers["Content-Type"]  # assigning to a header adds one
        response.headers["Content-Type"] = "application/json"
        return response
    if path(request) not in HANDLERS:
        return websocket.respond(404, "Not found\n")
    return None


def path(request):
    return request.path.partition("?")[0]


def select_subprotocol(websocket, offered):
    return "echo" if "echo" in offered else None


async def main():
    stop = asyncio.Event()
    for signum in signal.SIGINT, signal.SIGTERM:
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)

    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    server = await serve(
        handler,
        host,
        port,
        process_request=process_request,
        select_subprotocol=select_subprotocol,
        close_timeout=2,  # seconds for a client to answer our close
    )
    logging.info("listening on %s:%d", host, port)
    async with asyncio.TaskGroup() as group:
        room = {group.create_task(chat.read()), group.create_task(chat.count())}
        await stop.wait()
        server.close()  # with 1001
        # Closing starts by waiting for the client to read what it has not read yet, and that has no time limit:
        # asyncio.run() ends those who are still there.
        with suppress(TimeoutError):
            async with asyncio.timeout(2.5):
                await server.wait_closed()
        # Before Python 3.12 wait_for(), which redis-py uses, may swallow a cancellation.
        while room:
            for task in room:
                task.cancel()
            _, room = await asyncio.wait(room, timeout=0.2)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # One line for each handshake, and one for each health check, says little.
    logging.getLogger("websockets.server").setLevel(logging.WARNING)
    asyncio.run(main())

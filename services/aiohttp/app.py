"""The echo in aiohttp, whose server and WebSocket engine are its own: a handler is one coroutine for each socket."""

import asyncio
import logging
import os
import platform
from contextlib import suppress
from importlib.metadata import version
from weakref import WeakSet

from aiohttp import WSCloseCode, WSMsgType, web

import chat

websockets = web.AppKey("websockets", WeakSet)


async def about(request):
    versions = {"python": platform.python_version(), "aiohttp": version("aiohttp")}
    return web.json_response({"service": "aiohttp", "versions": versions})


async def echo(request):
    ws = web.WebSocketResponse(heartbeat=20, protocols=["echo"])
    if not ws.can_prepare(request):
        raise web.HTTPUpgradeRequired(headers={"Upgrade": "websocket", "Sec-WebSocket-Version": "13"})
    with suppress(ConnectionError):
        await ws.prepare(request)
        request.app[websockets].add(ws)
        async for message in ws:
            # Sending waits while the client does not read, and then the next message is not read either.
            if message.type == WSMsgType.TEXT:
                await ws.send_str(message.data)
            elif message.type == WSMsgType.BINARY:
                await ws.send_bytes(message.data)
    return ws


async def room(app):
    tasks = [asyncio.create_task(chat.read()), asyncio.create_task(chat.count())]
    yield
    for task in tasks:
        task.cancel()
    # On CPython 3.11 redis-py may overlook that (asyncio.wait_for); run_app() does it again, and waits.
    await asyncio.wait(tasks, timeout=0.5)


async def going_away(app):
    # Each closes by itself, since a client that does not read, or does not answer, is waited for.
    closing = [
        asyncio.create_task(ws.close(code=WSCloseCode.GOING_AWAY, message=b"server shutting down"))
        for ws in [*app[websockets], *(visitor.ws for visitor in chat.visitors)]
    ]
    if closing:
        await asyncio.wait(closing, timeout=1)


def main():
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app = web.Application()
    app[websockets] = WeakSet()
    app.add_routes(
        [
            web.get("/about", about),
            web.get("/foobar/", echo, allow_head=False),
            web.view("/chat/", chat.Chat),
        ]
    )
    app.cleanup_ctx.append(room)
    app.on_shutdown.append(going_away)
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    logging.info("listening on %s:%d", host, port)
    web.run_app(app, host=host, port=port, shutdown_timeout=0.5, access_log=None, print=None)


if __name__ == "__main__":
    main()

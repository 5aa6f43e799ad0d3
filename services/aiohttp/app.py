"""The service in aiohttp: the echo, the room and /about, and a farewell at SIGTERM."""

import asyncio
import logging
import os
import platform
from importlib.metadata import version
from weakref import WeakSet

from aiohttp import WSCloseCode, web

import mends
from chat import chat, room
from echo import echo

WEBSOCKETS = web.AppKey("websockets", WeakSet)


async def about(request):
    versions = {"python": platform.python_version(), "aiohttp": version("aiohttp")}
    return web.json_response({"service": "aiohttp", "versions": versions})


@web.middleware
async def upgrade_required(request, handler):
    if handler in (echo, chat) and not web.WebSocketResponse().can_prepare(request):
        raise web.HTTPUpgradeRequired(headers={"Upgrade": "websocket", "Sec-WebSocket-Version": "13"})
    return await handler(request)


async def remember(request, response):
    if isinstance(response, web.WebSocketResponse):
        request.app[WEBSOCKETS].add(response)


async def read_room(app):
    reading = asyncio.create_task(room.run())
    yield
    reading.cancel()


async def going_away(app):
    # Each for itself: close() waits for a client that does not read, or does not answer.
    closing = [
        asyncio.create_task(ws.close(code=WSCloseCode.GOING_AWAY, message=b"server shutting down"))
        for ws in app[WEBSOCKETS]
    ]
    if closing:
        await asyncio.wait(closing, timeout=1)


def main():
    app = web.Application(middlewares=[upgrade_required])
    app[WEBSOCKETS] = WeakSet()
    app.add_routes(
        [
            web.get("/about", about),
            web.get("/foobar/", echo, allow_head=False),
            web.get("/chat/", chat, allow_head=False),
        ]
    )
    app.on_response_prepare.append(remember)
    if os.environ.get("MENDS") != "off":
        app.on_response_prepare.append(mends.remember)
        app.middlewares.insert(0, mends.released)
    app.cleanup_ctx.append(read_room)
    app.on_shutdown.append(going_away)
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    logging.info("listening on %s:%d", host, port)
    web.run_app(app, host=host, port=port, shutdown_timeout=0.5, access_log=None, print=None)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    main()

"""The echo in ASGI with no framework: the bare protocol, as gunicorn's own worker speaks it."""

import asyncio
import platform
from importlib.metadata import version

from gunicorn.workers.gasgi import ASGIWorker
from msgspec import json

import chat

stays = set()  # each socket's timeout, which has no time until SIGTERM


async def application(scope, receive, send):
    await {"lifespan": lifespan, "http": http, "websocket": websocket}[scope["type"]](scope, receive, send)


async def lifespan(scope, receive, send):
    await receive()  # lifespan.startup
    tasks = [asyncio.create_task(chat.read()), asyncio.create_task(chat.count())]
    await send({"type": "lifespan.startup.complete"})
    await receive()  # lifespan.shutdown
    for task in tasks:
        task.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def http(scope, receive, send):
    match scope["path"]:
        case "/about":
            versions = {"python": platform.python_version(), "gunicorn": version("gunicorn")}
            status, type, body = 200, b"application/json", json.encode({"service": "gunicorn", "versions": versions})
        case "/foobar/" | "/chat/":
            status, type, body = 426, b"text/plain", b"This is a WebSocket.\n"
        case _:
            status, type, body = 404, b"text/plain", b"There is nothing here.\n"
    headers = [(b"content-type", type), (b"content-length", b"%d" % len(body))]
    if status == 426:
        headers += [(b"upgrade", b"websocket"), (b"connection", b"upgrade")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def websocket(scope, receive, send):
    await receive()  # websocket.connect
    handler = {"/foobar/": echo, "/chat/": chat.chat}.get(scope["path"])
    if not handler:
        await send({"type": "websocket.close"})  # before the accept: a 403
        return
    try:
        async with asyncio.timeout(None) as stay:
            stays.add(stay)
            await handler(scope, receive, send)
    except TimeoutError:
        await send({"type": "websocket.close", "code": 1001, "reason": "server shutting down"})
    finally:
        stays.discard(stay)


async def echo(scope, receive, send):
    await send({"type": "websocket.accept", "subprotocol": "echo" if "echo" in scope["subprotocols"] else None})
    while (event := await receive())["type"] == "websocket.receive":
        # send() waits for a client that does not read, and receive() then takes no more from it.
        await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})


class Worker(ASGIWorker):
    """Tells of SIGTERM at once.

    ASGI knows only lifespan.shutdown, which gunicorn sends when the last connection has ended: a WebSocket does not
    end by itself, and who waits for it is killed. https://github.com/django/asgiref/issues/588
    """

    def handle_exit_signal(self):
        super().handle_exit_signal()
        while stays:
            stays.pop().reschedule(0)  # that is: now

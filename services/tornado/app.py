"""The echo in Tornado, which is framework, HTTP server and WebSocket engine in one."""

import asyncio
import logging
import os
import platform
import signal
from contextlib import suppress
from importlib.metadata import version

from tornado.ioloop import PeriodicCallback
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

import chat


class About(RequestHandler):
    def get(self):
        versions = {"python": platform.python_version(), "tornado": version("tornado")}
        self.write({"service": "tornado", "versions": versions})


class Echo(WebSocketHandler):
    connected: set["Echo"] = set()

    def select_subprotocol(self, subprotocols):
        return "echo" if "echo" in subprotocols else None

    def open(self):
        self.connected.add(self)
        # Small frames must not wait for the ACK of the one before (Nagle's algorithm).
        self.set_nodelay(True)

    async def on_message(self, message):
        # Tornado reads the next message only when this coroutine is done, so waiting for the write
        # slows a client that does not read down instead of filling our memory.
        with suppress(WebSocketClosedError):
            await self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self):
        self.connected.discard(self)


async def main():
    app = Application(
        [(r"/about", About), (r"/foobar/", Echo), (r"/chat/", chat.Chat)],
        # Tornado neither pings nor notices a vanished client by default.
        websocket_ping_interval=20,
    )
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    server = app.listen(port, host, xheaders=True)
    logging.info("listening on %s:%d", host, port)

    reader = asyncio.create_task(chat.read())
    PeriodicCallback(chat.count, 1000).start()

    stop = asyncio.Event()
    for signum in signal.SIGINT, signal.SIGTERM:
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await stop.wait()

    server.stop()
    for client in Echo.connected | chat.sockets:
        client.close(1001, "server shutting down")
    # Tornado itself would wait 5 s for the answer of a client that does not read.
    with suppress(TimeoutError):
        async with asyncio.timeout(3):
            while Echo.connected | chat.sockets:
                await asyncio.sleep(0.05)
    reader.cancel()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(main())

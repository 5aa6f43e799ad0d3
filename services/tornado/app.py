"""The service in Tornado: the echo, the room and /about, and a farewell at SIGTERM."""

import asyncio
import logging
import os
import platform
import signal
from contextlib import suppress
from importlib.metadata import version

from tornado.web import Application, RequestHandler

import chat
import echo
import push


class About(RequestHandler):
    def get(self):
        versions = {"python": platform.python_version(), "tornado": version("tornado")}
        self.write({"service": "tornado", "versions": versions})


class Open:
    """Knows the handlers whose sockets are open."""

    handlers = set()
    none = asyncio.Event()

    def open(self):
        super().open()
        self.handlers.add(self)
        self.none.clear()

    def on_close(self):
        super().on_close()
        self.handlers.discard(self)
        if not self.handlers:
            self.none.set()


class Echo(Open, echo.Echo):
    pass


class Chat(Open, chat.Chat):
    pass


async def main():
    handlers = [("/about", About), ("/foobar/", Echo), ("/chat/", Chat), *push.handlers]
    app = Application(handlers, websocket_ping_interval=20)
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    server = app.listen(port, host, xheaders=True)
    reading = asyncio.create_task(chat.room.run())
    logging.info("listening on %s:%d", host, port)

    stop = asyncio.Event()
    for signum in signal.SIGINT, signal.SIGTERM:
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await stop.wait()

    server.stop()
    reading.cancel()
    for handler in Open.handlers:
        handler.close(1001, "server shutting down")
    if Open.handlers:
        with suppress(TimeoutError):  # Tornado itself would wait 5 s for a client that does not read
            async with asyncio.timeout(3):
                await Open.none.wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("tornado.access").setLevel(logging.WARNING)  # a line for each poll would cost more than the poll
    asyncio.run(main())

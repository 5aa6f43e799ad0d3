"""The echo in Tornado, which is framework, HTTP server and WebSocket engine in one."""

import asyncio
import os
from contextlib import suppress

from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler


class Echo(WebSocketHandler):
    def select_subprotocol(self, subprotocols):
        return "echo" if "echo" in subprotocols else None

    def open(self):
        self.set_nodelay(True)  # small frames must not wait for the ACK of the one before (Nagle's algorithm)

    async def on_message(self, message):
        # Tornado reads the next message when this is done, so a client that does not read is not read from either.
        with suppress(WebSocketClosedError):
            await self.write_message(message, binary=isinstance(message, bytes))


async def main():
    # By default Tornado sends no pings, and so does not notice that a client has vanished.
    app = Application([("/foobar/", Echo)], websocket_ping_interval=20)
    app.listen(int(os.environ.get("PORT", "8000")), os.environ.get("HOST", "0.0.0.0"))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())

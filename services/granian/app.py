"""The echo on RSGI, Granian's own interface for applications: no framework, and it is Rust that reads the frames."""

import asyncio
import json
import platform
from contextlib import suppress
from importlib.metadata import version

from granian.rsgi import ProtocolClosed, ProtocolError, WebsocketMessageType

import chat

ABOUT = {"service": "granian", "versions": {"python": platform.python_version(), "granian": version("granian")}}


class App:
    def __rsgi_init__(self, loop):
        self.tasks = [loop.create_task(chat.read()), loop.create_task(chat.count())]

    async def __rsgi__(self, scope, proto):
        handlers = {"/foobar/": echo, "/chat/": chat.enter}
        if scope.proto == "ws" and scope.path in handlers:
            with suppress(ProtocolClosed, ProtocolError):  # the client has gone, or Granian is stopping
                await handlers[scope.path](scope, proto)
        elif scope.proto == "ws":
            proto.close(404)
        elif scope.path in handlers:
            proto.response_empty(426, [("connection", "upgrade"), ("upgrade", "websocket")])
        elif scope.path == "/about":
            proto.response_str(200, [("content-type", "application/json")], json.dumps(ABOUT))
        else:
            proto.response_empty(404, [])

    def __rsgi_del__(self, loop):
        for task in self.tasks:
            task.cancel()
        loop.run_until_complete(asyncio.wait(self.tasks))


async def echo(scope, proto):
    ws = await proto.accept()  # RSGI has no means to select a subprotocol
    while (message := await ws.receive()).kind != WebsocketMessageType.close:
        # Waits until the kernel has taken it, so a client that does not read slows down nobody but itself.
        if message.kind == WebsocketMessageType.bytes:
            await ws.send_bytes(message.data)
        else:
            await ws.send_str(message.data)


app = App()

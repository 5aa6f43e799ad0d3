"""The service on RSGI: the echo, the room and /about. Granian ends open sockets at SIGTERM by itself."""

import json
import os
import platform
from importlib.metadata import version

import mends
from chat import chat, room
from echo import echo

ABOUT = {"service": "granian", "versions": {"python": platform.python_version(), "granian": version("granian")}}
HANDLERS = {"/foobar/": echo, "/chat/": chat}
if os.environ.get("MENDS") != "off":
    HANDLERS = {path: mends.ManySockets(handler) for path, handler in HANDLERS.items()}


class App:
    def __rsgi_init__(self, loop):
        self.reading = loop.create_task(room.run())

    async def __rsgi__(self, scope, protocol):
        handler = HANDLERS.get(scope.path)
        if scope.proto == "ws":
            if handler:
                await handler(scope, protocol)
            else:
                protocol.close(404)
        elif handler:
            protocol.response_empty(426, [("connection", "upgrade"), ("upgrade", "websocket")])
        elif scope.path == "/about":
            protocol.response_str(200, [("content-type", "application/json")], json.dumps(ABOUT))
        else:
            protocol.response_empty(404, [])

    def __rsgi_del__(self, loop):
        self.reading.cancel()


app = App()

"""An echo in Flask: one greenlet a connection, gevent's own WSGI server, gevent-websocket 0.10.1."""

from gevent import monkey

monkey.patch_all()

import os
import platform
import signal
import struct
import time
from contextlib import suppress
from importlib.metadata import version

import gevent
from flask import Flask, abort, request
from gevent.lock import BoundedSemaphore
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer
from geventwebsocket import WebSocketError
from geventwebsocket.handler import WebSocketHandler

import chat

FREEZE = 2  # seconds the naive handler may hold the server

app = Flask(__name__)
app.json.sort_keys = False
app.register_blueprint(chat.room)
# WebSocketHandler asks this which subprotocol to accept, and takes any header that contains it.
app.app_protocol = lambda path: "echo"
thawed = 0.0


@app.get("/about")
def about():
    packages = ("flask", "gevent", "gevent-websocket")
    return {"service": "flask", "versions": {"python": platform.python_version()} | {p: version(p) for p in packages}}


@app.get("/foobar/")
@app.get("/foobar/naive/")
@app.get("/chat/")
def upgrade_required():
    return "This is a WebSocket.\n", 426, {"Upgrade": "websocket", "Connection": "Upgrade"}


# Without websocket=True, Werkzeug 2 and later match no upgrade request: Flask would refuse after the 101 is out.
@app.get("/foobar/", websocket=True)
def echo():
    ws = request.environ.get("wsgi.websocket") or abort(400)  # a HEAD: the handler upgrades a GET only
    with suppress(WebSocketError):  # the client left while we were sending
        while (message := ws.receive()) is not None:  # None: closed. "" is a message
            ws.send(message)
            gevent.sleep(0)  # who floods us never lets us wait, and then no other greenlet would run
    return ""


@app.get("/foobar/naive/", websocket=True)
def naive():
    """Skip None, go on while open: once the socket is closed nothing in the loop yields to the hub."""
    global thawed
    ws = request.environ.get("wsgi.websocket") or abort(400)
    opened, until = time.monotonic(), None
    while True:
        if not ws.closed:
            message = ws.receive()
            if message is not None:
                ws.send(message)
        # The rest is the fence: one freeze, however many sockets were open when it began, then it ends.
        elif until is None:
            if opened < thawed:
                return ""
            until = time.monotonic() + FREEZE
        elif time.monotonic() > until:
            thawed = time.monotonic()
            return ""


class Handler(WebSocketHandler):
    def run_websocket(self):
        self.writing, self.sendall = BoundedSemaphore(), self.websocket.raw_write
        self.websocket.raw_write = self.write_frame
        super().run_websocket()

    def write_frame(self, frame):
        with self.writing:  # or another greenlet's (a pong, a farewell) comes into the middle of this one
            self.sendall(frame)


def serve(host: str, port: int) -> None:
    server = WSGIServer((host, port), app, handler_class=Handler, spawn=Pool())
    server.clients = {}  # WebSocketHandler keeps the open sockets here

    def count():
        while True:
            chat.count()
            gevent.sleep(1)

    def going_away(ws):
        # ws.close(1001) would lose the code: https://github.com/jgelens/gevent-websocket/pull/6
        with suppress(WebSocketError):  # the client was faster
            ws.send_frame(struct.pack("!H", 1001), ws.OPCODE_CLOSE)
        ws.closed = True  # or the handler's end sends a second close frame

    def shut_down():
        farewells = [gevent.spawn(going_away, client.ws) for client in server.clients.values()]
        gevent.joinall(farewells, timeout=0.5)  # a client that does not read would block us for ever
        server.stop(timeout=1)

    for signum in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(signum, shut_down)
    gevent.spawn(chat.read)
    gevent.spawn(count)
    print(f"listening on {host}:{port}", flush=True)
    server.serve_forever(stop_timeout=1)


if __name__ == "__main__":
    serve(os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000")))

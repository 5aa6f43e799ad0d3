"""The service in Flask with gevent-websocket: the echo, the room and /about, and a farewell at SIGTERM."""

from echo import app  # first: it patches the standard library

# isort: split
import os
import platform
import signal
from importlib.metadata import version

import gevent
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer
from geventwebsocket.handler import WebSocketHandler

import chat
import mends
import naive
import push

app.json.sort_keys = False
app.register_blueprint(chat.blueprint)
app.register_blueprint(naive.blueprint)
app.register_blueprint(push.blueprint)


@app.get("/about")
def about():
    packages = ("flask", "gevent", "gevent-websocket")
    return {"service": "flask", "versions": {"python": platform.python_version()} | {p: version(p) for p in packages}}


@app.get("/foobar/")
@app.get("/foobar/naive/")
@app.get("/chat/")
def upgrade_required():
    return "This is a WebSocket.\n", 426, {"Upgrade": "websocket", "Connection": "Upgrade"}


def going_away(ws):
    ws.close(1001)


if os.environ.get("MENDS") != "off":
    going_away = mends.shutdown_close


def main():
    address = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    server = WSGIServer(address, app, handler_class=WebSocketHandler, spawn=Pool())
    server.clients = {}  # WebSocketHandler keeps the open sockets here

    def stop():
        farewells = [gevent.spawn(going_away, client.ws) for client in server.clients.values()]
        gevent.joinall(farewells, timeout=0.5)  # a client that does not read would block them for ever
        server.stop(timeout=1)

    for signum in signal.SIGINT, signal.SIGTERM:
        gevent.signal_handler(signum, stop)
    gevent.spawn(chat.room.read)
    gevent.spawn(chat.room.count)
    print("listening on {}:{}".format(*address), flush=True)
    server.serve_forever(stop_timeout=1)


if __name__ == "__main__":
    main()

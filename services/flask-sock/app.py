"""The service in Flask with flask-sock: the echo, the room and /about, and a farewell at SIGTERM."""

import os
import platform
import signal
import threading
from contextlib import suppress
from importlib.metadata import version
from time import monotonic
from weakref import WeakSet

import flask_sock

import chat
import mends
from echo import app, sock

Server = flask_sock.Server
if os.environ.get("MENDS") != "off":
    Server = mends.Server
    for error in mends.REFUSED:
        app.register_error_handler(error, mends.refuse)

clients = WeakSet()


def accept(*args, **options):
    client = Server(*args, **options)
    clients.add(client)
    return client


flask_sock.Server = accept
sock.route("/chat/")(chat.chat)


@app.get("/about")
def about():
    packages = "flask", "flask-sock", "simple-websocket", "wsproto", "gunicorn"
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return {"service": "flask-sock", "versions": versions}


@app.get("/foobar/")
@app.get("/chat/")
def upgrade_required():
    return "This is a WebSocket.\n", 426, {"Upgrade": "websocket"}


def stop(signum, frame):
    deadline = monotonic() + 1
    for client in list(clients):
        with suppress(Exception):  # it is closed already, or does not read and so cannot be told
            client.sock.settimeout(max(0, deadline - monotonic()))
            client.close(1001, "server shutting down")
    gunicorns(signum, frame)


gunicorns = signal.signal(signal.SIGTERM, stop)  # gunicorn tells its worker, and no one tells the threads

for work in chat.room.read, chat.room.count:
    threading.Thread(target=work, daemon=True).start()

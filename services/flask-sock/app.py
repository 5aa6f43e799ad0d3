"""The echo in Flask with flask-sock: a view that keeps its thread for as long as the socket is open."""

import gc
import platform
import signal
import socket
import threading
from contextlib import suppress
from importlib.metadata import version
from time import monotonic

from flask import Flask, request
from flask_sock import Sock
from wsproto.events import RejectConnection
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

import chat

app = Flask(__name__)
app.config["SOCK_SERVER_OPTIONS"] = {"subprotocols": ["echo"], "ping_interval": 20, "max_message_size": 2**20}
sock = Sock(app)
sock.route("/chat/")(chat.chat)
clients = set()


class WholeFrames:
    """A socket for threads: simple-websocket's own answers pings while the view's may have sent half of a message
    (https://github.com/miguelgrinberg/simple-websocket/issues/45)."""

    def __init__(self, sock):
        self.sock, self.turn = sock, threading.Lock()

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def send(self, data):
        patience = self.sock.gettimeout()
        if not self.turn.acquire(timeout=-1 if patience is None else patience):
            raise TimeoutError("the client does not read what another thread is sending")
        try:
            self.sock.sendall(data)
        finally:
            self.turn.release()

    def close(self):
        """Let the client read why: closed with data unread, as of a message too big, TCP resets what is on its way."""
        deadline = monotonic() + 0.5
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            while (left := deadline - monotonic()) > 0:
                self.sock.settimeout(left)
                if not self.sock.recv(65536):
                    break
        self.sock.close()


@app.before_request
def share_socket():
    request.environ["gunicorn.socket"] = WholeFrames(request.environ["gunicorn.socket"])


@app.get("/about")
def about():
    packages = "flask", "flask-sock", "simple-websocket", "wsproto", "gunicorn"
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return {"service": "flask-sock", "versions": versions}


@sock.route("/foobar/")
def echo(ws):
    clients.add(ws)
    try:
        while True:
            # A timeout, since we are not woken where simple-websocket ends the connection for a message too big.
            if (message := ws.receive(timeout=10)) is not None:
                ws.send(message)
    except (OSError, LocalProtocolError):
        pass  # the client left while we were answering; else it is ConnectionClosed, which flask-sock expects
    finally:
        clients.discard(ws)
        ws.thread.join(1)  # it tells us that the client has closed before it answers that, and we would cut it short


@app.get("/foobar/")
@app.get("/chat/")
def plain():
    return "This is a WebSocket.\n", 426, {"Upgrade": "websocket"}


@app.errorhandler(RemoteProtocolError)
@app.errorhandler(ValueError)  # from wsproto too, for a header that is not ASCII, or a window that is no number
def refuse(error):  # a handshake; flask-sock would let it become a 500
    refusal = getattr(error, "event_hint", RejectConnection())
    return "", refusal.status_code, [(name.decode(), value.decode()) for name, value in refusal.headers]


def stop(signum, frame):
    deadline = monotonic() + 1
    for ws in clients | {visitor.ws for visitor in chat.visitors}:
        with suppress(Exception):  # it is closed already, or does not read and so cannot be told
            ws.sock.settimeout(max(0, deadline - monotonic()))
            ws.close(1001, "server shutting down")
    gunicorns(signum, frame)


gunicorns = signal.signal(signal.SIGTERM, stop)  # gunicorn tells its worker, and no one tells the threads

for work in chat.read, chat.count:
    threading.Thread(target=work, daemon=True).start()

# flask-sock makes a class for each socket, and so a cycle that keeps it, and the last frame of it, until the garbage is
# collected: soon, therefore, and fast, without a look at what is here from the start. The order counts: a collection is
# put off until a quarter of what the last one left is new, and after freeze() one leaves next to nothing.
gc.freeze()
gc.collect()
gc.set_threshold(700, 1, 1)

"""Echo Wall on Flask-uWSGI-WebSocket: WebSocket routes for Flask, by uWSGI and gevent."""

import platform
import sys
from importlib.metadata import version

import flask.app
import flask.sansio.scaffold
import gevent

# The extension's last release is of 2018. It looks for setupmethod where Flask had it until 3.0 ...
flask.app.setupmethod = flask.sansio.scaffold.setupmethod
# ... and for asyncio.coroutine, gone since Python 3.11, in a part that it can do without.
sys.modules["flask_uwsgi_websocket._asyncio"] = None

from flask_uwsgi_websocket import GeventWebSocket
from uwsgidecorators import postfork

import chat

app = flask.Flask(__name__)
app.json.sort_keys = False
websocket = GeventWebSocket(app)

NO_NEWS = b""  # queued whenever uWSGI has nothing more to read, and every 5 s (flask-uwsgi-websocket#39)
UNFINISHED = b"\0"  # what uWSGI returns for each fragment of a message but the last


# websocket=True: without it, Werkzeug 2.0 and later matches the rule to no WebSocket handshake.
@websocket.route("/foobar/", websocket=True)
def echo(client):
    """A client's own empty message, or one of a single NUL, looks like those two and is lost.

    uWSGI joins fragments in one buffer for the whole process, out of reach of this code: fragments of two
    clients at once get mixed, and one that continues nothing kills the worker (unbit/uwsgi#2225).
    """
    while (message := client.receive()) is not None:
        if message not in (NO_NEWS, UNFINISHED):
            client.send(message)


@websocket.route("/foobar/naive/", websocket=True)
def naive_echo(client):
    """It calls what echo() calls; the messages that nobody sent go to its own client alone."""
    while (message := client.receive()) is not None:
        client.send(message)


@websocket.route("/chat/", websocket=True)
def chat_room(client):
    chat.Chat(client).run()


@postfork  # the loop that runs greenlets does not outlive the fork by which uWSGI makes its worker
def start_chat():
    gevent.spawn(chat.read)
    gevent.spawn(count_forever)


def count_forever():
    while True:
        chat.count()
        gevent.sleep(1)


@app.get("/chat/")
@app.get("/foobar/")
@app.get("/foobar/naive/")
def upgrade_required():
    return {"error": "this speaks WebSocket"}, 426, {"Upgrade": "websocket", "Connection": "Upgrade"}


@app.get("/about")
def about():
    packages = ("flask", "flask-uwsgi-websocket", "uwsgi", "gevent")
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return {"service": "flask-uwsgi", "versions": versions}

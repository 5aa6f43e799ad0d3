"""The echo in Flask-uWSGI-WebSocket: WebSocket routes for Flask, by uWSGI and gevent."""

import sys

import flask.app
import flask.sansio.scaffold

# The extension's last release is of 2018. It looks for setupmethod where Flask had it until 3.0 ...
flask.app.setupmethod = flask.sansio.scaffold.setupmethod
# ... and for asyncio.coroutine, gone since Python 3.11, in a part that it can do without.
sys.modules["flask_uwsgi_websocket._asyncio"] = None

from flask_uwsgi_websocket import GeventWebSocket

app = flask.Flask(__name__)
websocket = GeventWebSocket(app)

NO_NEWS = b""  # queued whenever uWSGI has nothing more to read, and every 5 s (flask-uwsgi-websocket#39)
UNFINISHED = b"\0"  # what uWSGI returns for each fragment of a message but the last


# websocket=True: without it, Werkzeug 2.0 and later matches the rule to no WebSocket handshake.
@websocket.route("/foobar/", websocket=True)
def echo(client):
    """A client's own empty message, or one of a single NUL, looks like those two and is lost.

    uWSGI joins fragments in one buffer for the whole process, out of reach of this code: fragments of two clients at
    once get mixed, and one that continues nothing kills the worker (unbit/uwsgi#2225).
    """
    while (message := client.receive()) is not None:
        if message not in (NO_NEWS, UNFINISHED):
            client.send(message)

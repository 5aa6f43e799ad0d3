"""The echo in Flask with gevent-websocket: a greenlet for each connection, on gevent's own WSGI server."""

from gevent import monkey

monkey.patch_all()

import os
from contextlib import suppress

import gevent
from flask import Flask, abort, request
from gevent.pywsgi import WSGIServer
from geventwebsocket import WebSocketError
from geventwebsocket.handler import WebSocketHandler

app = Flask(__name__)
# WebSocketHandler asks this which subprotocol to accept, and takes any header that contains it.
app.app_protocol = lambda path: "echo"


# Without websocket=True, Werkzeug 2 and later match no upgrade request: Flask would refuse after the 101 is out.
@app.get("/foobar/", websocket=True)
def echo():
    ws = request.environ.get("wsgi.websocket") or abort(400)  # a HEAD: the handler upgrades a GET only
    with suppress(WebSocketError):  # the client left while its echo was sent
        while (message := ws.receive()) is not None:  # None: closed. "" is a message
            ws.send(message)
            gevent.sleep(0)  # a client that never lets this wait would let no other greenlet run
    return ""


if __name__ == "__main__":
    address = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    WSGIServer(address, app, handler_class=WebSocketHandler).serve_forever()

"""The chat room in Flask with gevent-websocket: for each socket a greenlet that receives and one that sends."""

from contextlib import suppress

import gevent
from flask import Blueprint, abort, request
from gevent import socket
from gevent.event import Event
from gevent.lock import BoundedSemaphore
from geventwebsocket import WebSocketError

from room.blocking import Room

room = Room("flask")
blueprint = Blueprint("room", __name__)


@blueprint.get("/chat/", websocket=True)
def chat():
    ws = request.environ.get("wsgi.websocket") or abort(400)
    ws.raw_write = whole_frames(ws.raw_write)
    news, connection = Event(), ws.handler.socket
    with room.enter(request.args.get("after", ""), news.set, lambda: drop(connection)) as visitor:
        teller = gevent.spawn(tell, ws, visitor, news)
        try:
            while (message := ws.receive()) is not None:
                if refusal := room.say(message):
                    ws.send(refusal)
        except WebSocketError:
            pass  # the client left while it was answered
        finally:
            teller.kill()
    return ""


def whole_frames(write):
    """With two greenlets that write, a pong of the one must not come into the middle of the other's message."""
    writing = BoundedSemaphore()

    def write_frame(frame):
        with writing:
            write(frame)

    return write_frame


def tell(ws, visitor, news):
    with suppress(WebSocketError):
        while not visitor.behind:
            news.clear()
            while batch := visitor.untold():
                for message in batch:
                    ws.send(message)  # a client that is slow holds up its own greenlet only
                gevent.sleep(0)  # one that is fast would never make it wait, and let no other greenlet run
            if not visitor.behind:
                news.wait()
        ws.send_frame((1013).to_bytes(2, "big"), ws.OPCODE_CLOSE)  # ws.close(1013) would lose the code
        ws.closed = True


def drop(connection):
    """Cut the connection of a client that does not read; tell() says 1013 if it gets out of the frame that it is in."""
    gevent.spawn_later(5, cut, connection)


def cut(connection):
    with suppress(OSError):  # it has gone by itself
        connection.shutdown(socket.SHUT_RDWR)

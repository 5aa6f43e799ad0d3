"""The chat room in flask-sock: one thread for each socket waits for its client and for news at once."""

from contextlib import suppress
from socket import SHUT_RDWR
from threading import Timer

from flask import request

from room import TOO_SLOW
from room.blocking import Room

room = Room("flask-sock")


def chat(ws):
    # simple-websocket sets ws.event for a message and for the end, and the room sets it for news.
    with room.enter(request.args.get("after", ""), ws.event.set, lambda: drop(ws)) as visitor, suppress(OSError):
        message = None
        while True:
            told = visitor.untold()
            if visitor.behind:
                return ws.close(1013, TOO_SLOW)
            for news in told:
                ws.send(news)  # a client that is slow holds up its own thread only
            if not told and message is None:
                ws.event.wait()
            if (message := ws.receive(timeout=0)) is not None and (refusal := room.say(message)):
                ws.send(refusal)


def drop(ws):
    """Cut the connection soon: its thread might wait for ever to write to a client that does not read."""
    Timer(5, cut, [ws.sock]).start()


def cut(sock):
    with suppress(OSError):  # it has gone by itself
        sock.shutdown(SHUT_RDWR)

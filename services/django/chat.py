"""The chat room in Django with dwebsocket: one thread for each socket waits for its client and for news at once."""

import os
from contextlib import suppress
from select import select
from socket import SHUT_RDWR
from threading import Timer

from dwebsocket.decorators import require_websocket

from room.blocking import Room

room = Room("django")


@require_websocket
def chat(request):
    ws = request.websocket
    bell = os.eventfd(0)  # rung for news: a thread can wait for it and for its socket at once
    try:
        with room.enter(request.GET.get("after", ""), lambda: os.eventfd_write(bell, 1), lambda: drop(ws)) as visitor:
            while not (visitor.behind or ws.is_closed()):
                batch = visitor.untold()
                for message in batch:
                    ws.send(message)  # a client that is slow holds up its own thread only
                if ws.is_closed():
                    break
                ready, _, _ = select([ws.protocol.sock, bell], [], [], 0 if batch else None)
                if bell in ready:
                    os.eventfd_read(bell)
                if ws.protocol.sock in ready:
                    hear(ws)
        ws.close(1013 if visitor.behind else None)
    finally:
        os.close(bell)  # nobody rings it any more


def hear(ws):
    try:
        message = ws.read()  # None for a ping, and for the end
        if message is not None and (refusal := room.say(message)):
            ws.send(refusal)
    except ValueError as error:  # dwebsocket knows neither a fragment nor a pong
        ws.send(room.refusal(str(error)))


def drop(ws):
    """Cut the connection soon: its thread might wait for ever to write to a client that does not read."""
    Timer(5, cut, [ws.protocol.sock]).start()


def cut(sock):
    with suppress(OSError):  # it has gone by itself
        sock.shutdown(SHUT_RDWR)

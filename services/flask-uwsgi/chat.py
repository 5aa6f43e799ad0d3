"""The chat room in Flask-uWSGI-WebSocket: for each socket a greenlet that receives and one that sends."""

from collections import deque
from contextlib import suppress
from socket import AF_INET, SHUT_RDWR, SOCK_STREAM, fromfd

from flask import Request
from gevent import spawn
from gevent.event import Event

from room.blocking import Room

room = Room("flask-uwsgi")
NO_NEWS, UNFINISHED = b"", b"\0"  # what is queued besides messages
MOST_REFUSALS = 1000


def chat(client):
    """A client's own b"" or b"\\0" looks like those two, and gets no answer."""
    # The extension moves messages between the socket and these queues, which have no limit of their own.
    client.send_queue.maxsize = client.recv_queue.maxsize = 20
    news, refusals = Event(), deque()
    with room.enter(Request(client.environ).args.get("after", ""), news.set, lambda: cut(client)) as visitor:
        teller = spawn(tell, client, visitor, news, refusals)
        try:
            while (message := client.receive()) is not None and len(refusals) < MOST_REFUSALS:
                if message not in (NO_NEWS, UNFINISHED) and (refusal := room.say(message)):
                    # Left to tell(): to wait until there is room in one queue must not hold up the other.
                    refusals.append(refusal)
                    news.set()
            cut(client)  # the extension sends nothing as long as there is something to receive
        finally:
            teller.kill()


def tell(client, visitor, news, refusals):
    while not visitor.behind:
        news.clear()
        while refusals:
            client.send(refusals.popleft())
        while batch := visitor.untold():
            for message in batch:
                client.send(message)  # waits while the queue is full, as it is behind a client that does not read
        if not refusals:
            news.wait()


def cut(client):
    """End a connection: uWSGI waits in the middle of a frame, where no close frame can go."""
    with suppress(OSError), fromfd(client.fd, AF_INET, SOCK_STREAM) as connection:
        connection.shutdown(SHUT_RDWR)

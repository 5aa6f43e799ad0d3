"""The chat room on raw uWSGI: its calls work in their request's greenlet only, so that one waits for everything."""

from contextlib import suppress
from socket import AF_INET, SHUT_RDWR, SOCK_STREAM, fromfd
from urllib.parse import parse_qs

import uwsgi
from gevent import get_hub, sleep
from gevent.event import Event

from room.blocking import Room

room = Room("uwsgi")
NOTHING_YET, UNFINISHED = b"", b"\0"  # what websocket_recv_nb() returns besides messages


def chat(environ):
    """A client's own b"" or b"\\0" looks like those two, and gets no answer."""
    fd, news = uwsgi.connection_fd(), Event()
    readable = get_hub().loop.io(fd, 1)
    after = parse_qs(environ["QUERY_STRING"]).get("after", [""])[0]
    try:
        with room.enter(after, news.set, lambda: cut(fd)) as visitor:
            while not visitor.behind:
                news.clear()
                told = visitor.untold()
                for message in told:
                    uwsgi.websocket_send(message)  # waits for a slow client, up to 30 s for one that reads nothing
                heard = uwsgi.websocket_recv_nb()
                if heard not in (NOTHING_YET, UNFINISHED) and (refusal := room.say(heard)):
                    uwsgi.websocket_send(refusal)
                if told or heard:
                    sleep(0)  # for the others: a call of uWSGI lets them run only where it has to wait
                else:
                    readable.start(news.set)
                    news.wait()
                    readable.stop()
    finally:
        readable.close()


def cut(fd):
    """End a connection whose greenlet waits in the middle of a frame, where no close frame can go."""
    with suppress(OSError), fromfd(fd, AF_INET, SOCK_STREAM) as connection:
        connection.shutdown(SHUT_RDWR)

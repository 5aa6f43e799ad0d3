"""The handler one would write first: it takes the mark that a message is unfinished for a message."""

import uwsgi


def naive(environ):
    while True:
        uwsgi.websocket_send(uwsgi.websocket_recv())

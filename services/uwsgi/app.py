"""Echo Wall on raw uWSGI: the WebSocket calls of the `uwsgi` module, one greenlet a connection."""

import json
import os
import platform
from contextlib import suppress
from importlib.metadata import version

import gevent
import uwsgi

import chat

VERSIONS = {"python": platform.python_version(), "uwsgi": version("uwsgi"), "gevent": version("gevent")}
UNFINISHED = b"\0"  # what websocket_recv() returns for each fragment of a message but the last
GOING_AWAY = b"\x88\x02\x03\xe9"  # a close frame with code 1001

connections = set()


def echo(environ):
    """uWSGI joins the fragments of a message: what it returns meanwhile is only to be skipped.

    A client's own message of one NUL looks the same, and is lost. And the joining is done in one buffer
    for the whole process, out of reach of this code: fragments of two clients at once get mixed, and one
    that continues nothing kills the worker (unbit/uwsgi#2225). A process a client would be the cure.
    """
    while True:
        message = uwsgi.websocket_recv()
        if message == UNFINISHED:
            continue
        # uWSGI does not say which it was (unbit/uwsgi#1167). What is not UTF-8 cannot have been text.
        try:
            uwsgi.websocket_send(message.decode())
        except UnicodeDecodeError:
            uwsgi.websocket_send_binary(message)
        gevent.sleep(0)  # who floods us never lets us wait, and then no other greenlet would run


def naive_echo(environ):
    """It calls what echo() calls, so it puts the shared buffer at no risk that echo() does not."""
    while True:
        uwsgi.websocket_send(uwsgi.websocket_recv())


HANDLERS = {"/foobar/": echo, "/foobar/naive/": naive_echo, "/chat/": lambda environ: chat.Chat(environ).run()}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/about":
        return respond(start_response, "200 OK", {"service": "uwsgi", "versions": VERSIONS})
    if path not in HANDLERS:
        return respond(start_response, "404 Not Found", {"error": "nothing here"})
    handshake = environ["REQUEST_METHOD"] == "GET" and environ.get("HTTP_UPGRADE", "").lower() == "websocket"
    if not handshake or "HTTP_SEC_WEBSOCKET_KEY" not in environ:
        upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
        return respond(start_response, "426 Upgrade Required", {"error": "this speaks WebSocket"}, upgrade)

    offered = [name.strip() for name in environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "").split(",")]
    fd = uwsgi.connection_fd()
    connections.add(fd)
    try:
        # Unless told which subprotocol, uWSGI selects all that were offered.
        uwsgi.websocket_handshake("", "", "echo" if "echo" in offered else "")
        HANDLERS[path](environ)
    except OSError:  # how each of these calls says that the connection is over
        return []
    finally:
        connections.discard(fd)


def respond(start_response, status, body, headers=()):
    start_response(status, [("Content-Type", "application/json"), *headers])
    return [json.dumps(body).encode()]


def start_chat():
    gevent.spawn(chat.read)
    gevent.spawn(count_forever)


def count_forever():
    while True:
        chat.count()
        gevent.sleep(1)


def say_goodbye():
    """uWSGI has no call that closes with a code (unbit/uwsgi#1926), so the frame is written by hand."""
    for fd in connections:
        with suppress(OSError):  # gone, or not reading
            os.write(fd, GOING_AWAY)


uwsgi.post_fork_hook = start_chat  # in the worker: the loop that runs greenlets does not outlive a fork
uwsgi.atexit = say_goodbye

"""The service on raw uWSGI: the echo, the room and /about, and a farewell at SIGTERM."""

import json
import os
import platform
from importlib.metadata import version

import gevent
import uwsgi

import echo
import mends
from chat import chat, room
from naive import naive

VERSIONS = {"python": platform.python_version(), "uwsgi": version("uwsgi"), "gevent": version("gevent")}
connections = set()


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/about":
        return respond(start_response, "200 OK", {"service": "uwsgi", "versions": VERSIONS})
    if path not in HANDLERS:
        return respond(start_response, "404 Not Found", {"error": "nothing here"})
    handshake = environ["REQUEST_METHOD"] == "GET" and environ.get("HTTP_UPGRADE", "").lower() == "websocket"
    if not handshake or "HTTP_SEC_WEBSOCKET_KEY" not in environ:
        upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
        return respond(start_response, "426 Upgrade Required", {"error": "this speaks WebSocket"}, upgrade)

    fd = uwsgi.connection_fd()
    connections.add(fd)
    try:
        HANDLERS[path](environ, start_response)
    except OSError:  # how each of uWSGI's calls says that the connection is over
        return []
    finally:
        connections.discard(fd)


def accepted(handler):
    def accept(environ, start_response):
        uwsgi.websocket_handshake("", "", "")
        handler(environ)

    return accept


HANDLERS = {"/foobar/": echo.app, "/foobar/naive/": accepted(naive), "/chat/": accepted(chat)}


def respond(start_response, status, body, headers=()):
    start_response(status, [("Content-Type", "application/json"), *headers])
    return [json.dumps(body).encode()]


def start_room():
    gevent.spawn(room.read)
    gevent.spawn(room.count)


uwsgi.post_fork_hook = start_room  # in the worker: the loop that runs greenlets does not outlive a fork

if os.environ.get("MENDS") != "off":
    uwsgi.atexit = lambda: mends.shutdown_close(connections)

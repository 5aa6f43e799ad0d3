"""The service in Django with dwebsocket: the echo, the room and /about, and a farewell at SIGTERM."""

import os
import platform
import signal
import threading
from contextlib import suppress
from importlib.metadata import version
from time import monotonic
from weakref import WeakSet

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],  # the proxy decides which hosts there are
    ROOT_URLCONF=__name__,
    WEBSOCKET_FACTORY_CLASS=f"{__name__}.Factory",
    LOGGING_CONFIG=None,  # warnings and errors go to stderr
)

from echo import echo  # isort: skip (it makes dwebsocket fit for this Django)
from dwebsocket.backends.default.factory import WebSocketFactory
from dwebsocket.backends.default.protocols import WebSocketProtocol13
from dwebsocket.backends.default.websocket import DefaultWebSocket

import chat
import mends
import push
from naive import naive

MENDED = os.environ.get("MENDS") != "off"
clients = WeakSet()


class Protocol(mends.Protocol if MENDED else WebSocketProtocol13):
    @classmethod
    def select_subprotocol(cls, subprotocols):
        return "echo" if "echo" in subprotocols else None


class Factory(WebSocketFactory):
    """What dwebsocket makes a request's WebSocket by; here it remembers whom to say farewell to."""

    def create_websocket(self):
        if MENDED:
            mends.missing_key(self)
        if not self.is_websocket():
            return None
        websocket = DefaultWebSocket(Protocol(self.get_wsgi_sock(), self.request.META))
        clients.add(websocket)
        return websocket


def about(request):
    versions = {name: version(name) for name in ("django", "dwebsocket", "gunicorn")}
    return JsonResponse({"service": "django", "versions": {"python": platform.python_version()} | versions})


urlpatterns = [
    path("about", about),
    path("foobar/", echo),
    path("foobar/naive/", naive),
    path("chat/", chat.chat),
    path("chat/poll", push.poll),
    path("chat/events", push.events),
]
app = get_wsgi_application()


def stop(signum, frame):
    deadline = monotonic() + 1
    for client in list(clients):
        with suppress(Exception):  # it is closed already, or does not read and so cannot be told
            client.protocol.sock.settimeout(max(0.01, deadline - monotonic()))
            client.close(WebSocketProtocol13.STATUS_GOING_AWAY)
    gunicorns(signum, frame)


gunicorns = signal.signal(signal.SIGTERM, stop)  # gunicorn tells its worker, and no one tells the threads

for work in chat.room.read, chat.room.count:
    threading.Thread(target=work, daemon=True).start()

"""An echo in Django: one thread a connection under gunicorn's gthread worker, dwebsocket 0.5.12."""

import platform
import signal
import socket
import threading
from contextlib import suppress
from importlib.metadata import version

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],  # the proxy decides which hosts there are
    ROOT_URLCONF=__name__,
    WEBSOCKET_FACTORY_CLASS=f"{__name__}.EchoFactory",
    LOGGING_CONFIG=None,  # warnings and errors go to stderr
)

# dwebsocket reads the settings on import.
from dwebsocket.backends.default.factory import WebSocketFactory
from dwebsocket.backends.default.protocols import WebSocketProtocol13
from dwebsocket.backends.default.websocket import DefaultWebSocket
from dwebsocket.middleware import WebSocketMiddleware

# Since Django 3.1 a middleware class takes get_response. Fixed upstream, never released:
# https://github.com/duanhongyi/dwebsocket/pull/72
WebSocketMiddleware.__init__ = lambda self, get_response: None

from dwebsocket.decorators import accept_websocket

import chat

MAX_MESSAGE = 2**20
stopping = threading.Event()


class EchoProtocol(WebSocketProtocol13):
    @classmethod
    def select_subprotocol(cls, subprotocols):
        return "echo" if "echo" in subprotocols else None

    def _read_strict(self, size):  # dwebsocket has no limit: it reads whatever length a frame announces
        if size > MAX_MESSAGE:
            self.close(self.STATUS_MESSAGE_TOO_BIG)
            raise OSError("message too big")
        return super()._read_strict(size)

    def _abort(self):
        # dwebsocket closes the socket here, and Django's response, which gunicorn still writes to it,
        # fails with EBADF and a traceback a connection. After a shutdown it is EPIPE, which gunicorn ignores.
        self.server_terminated = self.client_terminated = True
        with suppress(OSError):  # the client was faster
            self.sock.shutdown(socket.SHUT_RDWR)


class EchoFactory(WebSocketFactory):
    def create_websocket(self):
        headers = self.request.META
        if not self.is_websocket():
            return None
        if not headers.get("HTTP_SEC_WEBSOCKET_KEY") or headers.get("HTTP_SEC_WEBSOCKET_VERSION") != "13":
            raise ValueError("not an RFC 6455 handshake")  # becomes a 400; dwebsocket's own goes on to a 500
        return DefaultWebSocket(EchoProtocol(self.get_wsgi_sock(), headers))


def about(request):
    versions = {name: version(name) for name in ("django", "dwebsocket", "gunicorn")}
    return JsonResponse({"service": "django", "versions": {"python": platform.python_version()} | versions})


@accept_websocket
def echo(request):
    if not request.is_websocket():
        return HttpResponse("This is a WebSocket.\n", status=426, headers={"Upgrade": "websocket"})
    ws = request.websocket.protocol  # WebSocket.send() knows only text; its protocol knows both
    try:
        while not (stopping.is_set() or ws.is_closed()):
            if ws.can_read(timeout=1):
                opcode, data = ws.read()
                if opcode in (ws.OPCODE_TEXT, ws.OPCODE_BINARY):
                    ws.write(data, binary=opcode == ws.OPCODE_BINARY)
        ws.close(ws.STATUS_GOING_AWAY)
    except ValueError:  # opcodes dwebsocket does not know: a fragment, a pong
        ws.close(ws.STATUS_UNSUPPORTED_DATA_TYPE)


present = 0


@accept_websocket
def naive(request):
    """Echo every message of the iterator, whose last one is None: what follows the loop is never reached."""
    global present
    if not request.is_websocket():
        return JsonResponse({"present": present})
    present += 1
    for message in request.websocket:
        request.websocket.send(message)
    present -= 1


def stop(signum, frame):
    stopping.set()
    for client in list(chat.clients):
        client.code = 1001
    gunicorns(signum, frame)


gunicorns = signal.signal(signal.SIGTERM, stop)  # gunicorn tells its worker, and no one tells the threads

for work in chat.read, chat.count:
    threading.Thread(target=work, daemon=True).start()

urlpatterns = [path("about", about), path("foobar/", echo), path("foobar/naive/", naive), path("chat/", chat.chat)]
application = get_wsgi_application()

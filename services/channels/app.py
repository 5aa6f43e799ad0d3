"""The echo in Django Channels: a consumer behind Django's own routing, served by Daphne."""

# ruff: noqa: N802, N803 (Twisted's names)
import asyncio
import platform
from importlib.metadata import version

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from daphne import server, ws_protocol
from daphne.cli import CommandLineInterface
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import JsonResponse
from django.urls import path, re_path

import chat

# The lab answers to any name, so it accepts any Origin too. Name your hosts here, and both Django
# and AllowedHostsOriginValidator refuse the others.
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)


async def about(request):
    packages = "django", "channels", "daphne", "autobahn", "twisted"
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return JsonResponse({"service": "channels", "versions": versions})


class Echo(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept("echo" if "echo" in self.scope["subprotocols"] else None)

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data, bytes_data=bytes_data)


class WebSocketProtocol(ws_protocol.WebSocketProtocol):
    """Is told by Twisted, in pauseProducing() and resumeProducing(), when there is more than 64 KiB yet to write."""

    def onConnect(self, request):
        self.writable = asyncio.Event()
        self.writable.set()
        self.unregisterProducer()  # the HTTPChannel that this connection began as
        self.registerProducer(self, streaming=True)
        return super().onConnect(request)

    def onMessage(self, payload, isBinary):
        super().onMessage(payload, isBinary)
        if not self.writable.is_set() and self.application_queue.qsize() > 10:
            self.transport.pauseProducing()  # reads no more from a client that does not read

    def pauseProducing(self):
        self.writable.clear()

    def resumeProducing(self):
        self.writable.set()
        self.transport.resumeProducing()
        if self.transport.disconnecting:  # Twisted closes no connection that has a producer which it paused
            self.unregisterProducer()

    def stopProducing(self):
        self.writable.set()


class Server(server.Server):
    """Lets a consumer's send() wait: Daphne's own returns at once, and what Twisted has to write grows without limit.

    https://github.com/django/daphne/issues/170
    """

    async def handle_reply(self, protocol, message):
        await super().handle_reply(protocol, message)
        if message["type"] == "websocket.send":
            await protocol.writable.wait()


ws_protocol.WebSocketFactory.protocol = WebSocketProtocol
CommandLineInterface.server_class = Server

# Daphne has no lifespan, https://github.com/django/daphne/issues/264, but its loop is there before it runs.
tasks = [server.twisted_loop.create_task(chat.read()), server.twisted_loop.create_task(chat.count())]


class NotFound(AsyncWebsocketConsumer):
    async def connect(self):
        await self.close()  # before accept(): the handshake is answered with 403


urlpatterns = [path("about", about)]

# Without a route for the rest, URLRouter raises ValueError: a 500 and a traceback for every bad URL.
websocket_urlpatterns = [
    path("foobar/", Echo.as_asgi()),
    path("chat/", chat.Chat.as_asgi()),
    re_path("", NotFound.as_asgi()),
]

application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns)),
    }
)

"""The service in Django Channels: the echo, the room and /about."""

import os
import platform
from importlib.metadata import version

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from daphne.server import twisted_loop
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import JsonResponse
from django.urls import path, re_path

# The lab answers to any name, so it accepts any Origin, too.
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)

import mends
from chat import Chat, room
from echo import Echo

if os.environ.get("MENDS") != "off":
    mends.install()


async def about(request):
    packages = "django", "channels", "daphne", "autobahn", "twisted"
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return JsonResponse({"service": "channels", "versions": versions})


class NotFound(AsyncWebsocketConsumer):
    async def connect(self):
        await self.close()  # before accept(): the handshake is answered with 403


urlpatterns = [path("about", about)]

websocket_urlpatterns = [
    path("foobar/", Echo.as_asgi()),
    path("chat/", Chat.as_asgi()),
    re_path("", NotFound.as_asgi()),  # without it URLRouter raises ValueError, a 500, for every other path
]

app = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns)),
    }
)

# Daphne has no lifespan, https://github.com/django/daphne/issues/264, but its loop is there before it runs.
reading = twisted_loop.create_task(room.run())

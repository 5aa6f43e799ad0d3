"""The echo in Django Channels: a consumer behind Django's own routing, served by Daphne."""

import platform
from importlib.metadata import version

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import JsonResponse
from django.urls import path, re_path

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


class NotFound(AsyncWebsocketConsumer):
    async def connect(self):
        await self.close()  # before accept(): the handshake is answered with 403


urlpatterns = [path("about", about)]

# Without a route for the rest, URLRouter raises ValueError: a 500 and a traceback for every bad URL.
websocket_urlpatterns = [
    path("foobar/", Echo.as_asgi()),
    re_path("", NotFound.as_asgi()),
]

application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns)),
    }
)

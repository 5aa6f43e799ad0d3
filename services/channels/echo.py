"""The echo in Django Channels: a consumer behind Django's own routing, served by Daphne."""

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path

if not settings.configured:
    # With names of hosts here both Django and AllowedHostsOriginValidator refuse the others.
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)

urlpatterns = []


class Echo(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept("echo" if "echo" in self.scope["subprotocols"] else None)

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data, bytes_data=bytes_data)


app = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(URLRouter([path("foobar/", Echo.as_asgi())])),
    }
)

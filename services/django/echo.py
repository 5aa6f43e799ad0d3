"""The echo in Django with dwebsocket: a thread for each connection, under gunicorn's gthread worker."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)

# It reads the settings when it is imported.
from dwebsocket.middleware import WebSocketMiddleware

# Since Django 3.1 a middleware class takes get_response. Fixed upstream, never released:
# https://github.com/duanhongyi/dwebsocket/pull/72
WebSocketMiddleware.__init__ = lambda self, get_response: None

from dwebsocket.decorators import accept_websocket


@accept_websocket
def echo(request):
    if not request.is_websocket():
        return HttpResponse("This is a WebSocket.\n", status=426, headers={"Upgrade": "websocket"})
    while (message := request.websocket.wait()) is not None:  # None: closed. b"" is a message
        request.websocket.send(message)


urlpatterns = [path("foobar/", echo)]
app = get_wsgi_application()

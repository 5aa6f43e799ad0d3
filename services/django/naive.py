"""The handler one would write first: it echoes every message of the iterator, whose last one is None.

What follows the loop is never reached, and so the number of those present only grows.
"""

from django.http import JsonResponse
from dwebsocket.decorators import accept_websocket

present = 0


@accept_websocket
def naive(request):
    global present
    if not request.is_websocket():
        return JsonResponse({"present": present})
    present += 1
    for message in request.websocket:
        request.websocket.send(message)
    present -= 1

"""The room by plain HTTP in Django: whoever waits for news, or listens to events, has a thread for as long."""

from threading import Event

from django.http import HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.views.decorators.http import require_GET

from chat import cut, room
from room.push import STREAMING, BadRequestError, Listener, Poll


@require_GET
def poll(request):
    news = Event()
    try:
        poll = Poll(
            room,
            news.set,
            after=request.GET.get("after", ""),
            wait=request.GET.get("wait", ""),
            tags=request.headers.get("If-None-Match", ""),
        )
    except BadRequestError as error:
        return response(error.answer)
    with poll:
        while not (answer := poll.answer()):
            news.wait(poll.left())
            news.clear()
    return response(answer)


@require_GET
def events(request):
    news = Event()
    after, last = request.GET.get("after", ""), request.headers.get("Last-Event-ID", "")
    try:
        listener = Listener(room, news.set, after=after, last_event_id=last)
    except BadRequestError as error:
        return response(error.answer)
    listener.drop = lambda: cut(request.META["gunicorn.socket"])  # its client does not read: its thread is in a write
    return StreamingHttpResponse(tell(listener, news), headers=STREAMING)


def tell(listener, news):
    with listener:
        while not listener.behind:
            if text := listener.text():
                yield text  # a client that is slow holds up its own thread only
            else:
                news.wait(listener.left())
                news.clear()


def response(answer):
    if answer.status == 304:
        return HttpResponseNotModified(headers=answer.headers)
    body = answer.body.encode()
    # Without its length gunicorn would send it in chunks.
    return HttpResponse(body, status=answer.status, headers=answer.headers | {"Content-Length": len(body)})

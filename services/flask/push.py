"""The room by plain HTTP in Flask: a greenlet for each request waits for news, and writes as if it blocked."""

import gevent
from flask import Blueprint, request
from gevent.event import Event

from chat import room
from room.push import STREAMING, BadRequestError, Listener, Poll

blueprint = Blueprint("push", __name__)


@blueprint.get("/chat/poll")
def poll():
    news = Event()
    poll = Poll(
        room,
        news.set,
        after=request.args.get("after", ""),
        wait=request.args.get("wait", ""),
        tags=request.headers.get("If-None-Match", ""),
    )
    with poll:
        while not (answer := poll.answer()):
            news.wait(poll.left())
            news.clear()
    return answer


@blueprint.get("/chat/events")
def events():
    news = Event()
    after, last = request.args.get("after", ""), request.headers.get("Last-Event-ID", "")
    return tell(Listener(room, news.set, after=after, last_event_id=last), news), STREAMING


def tell(listener, news):
    greenlet = gevent.getcurrent()
    listener.drop = lambda: greenlet.kill(block=False)  # its client does not read, and so what it writes does not end
    with listener:
        while not listener.behind:
            if text := listener.text():
                yield text  # a client that is slow holds up its own greenlet only
                gevent.sleep(0)  # one that is fast would never make it wait, and let no other greenlet run
            else:
                news.wait(listener.left())
                news.clear()


@blueprint.errorhandler(BadRequestError)
def bad_request(error):
    return error.answer

"""The handler one would write first: it skips None and goes on while the socket is open. Then the server freezes."""

import time

from flask import Blueprint, abort, request

FREEZE = 2  # seconds for which the handler may hold the server

blueprint = Blueprint("naive", __name__)
thawed = 0.0


@blueprint.get("/foobar/naive/", websocket=True)
def naive():
    """Once the socket is closed nothing in the loop yields to gevent's hub."""
    global thawed
    ws = request.environ.get("wsgi.websocket") or abort(400)
    opened, until = time.monotonic(), None
    while True:
        if not ws.closed:
            message = ws.receive()
            if message is not None:
                ws.send(message)
        # The rest is the fence: one freeze, however many sockets were open when it began, then it ends.
        elif until is None:
            if opened < thawed:
                return ""
            until = time.monotonic() + FREEZE
        elif time.monotonic() > until:
            thawed = time.monotonic()
            return ""

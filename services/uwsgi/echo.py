"""The echo on raw uWSGI: the WebSocket calls of the `uwsgi` module, in a greenlet for each connection."""

import gevent
import uwsgi

UNFINISHED = b"\0"  # what websocket_recv() returns for each fragment of a message but the last


def app(environ, start_response):
    offered = [name.strip() for name in environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "").split(",")]
    # Unless told which subprotocol, uWSGI selects all that were offered.
    uwsgi.websocket_handshake("", "", "echo" if "echo" in offered else "")
    echo()


def echo():
    """Until a call raises OSError, which is how uWSGI says that the connection is over.

    A client's own message of one NUL looks like UNFINISHED, and is lost. uWSGI itself joins fragments, in one buffer
    for the whole process: those of two clients at once get mixed, and one that continues nothing kills the worker
    (unbit/uwsgi#2225). A process for each client would be the cure.
    """
    while True:
        message = uwsgi.websocket_recv()
        if message == UNFINISHED:
            continue
        # uWSGI does not say which it was (unbit/uwsgi#1167). What is not UTF-8 cannot have been text.
        try:
            uwsgi.websocket_send(message.decode())
        except UnicodeDecodeError:
            uwsgi.websocket_send_binary(message)
        gevent.sleep(0)  # a client that never lets this wait would let no other greenlet run

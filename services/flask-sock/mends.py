"""What simple-websocket and flask-sock get wrong, and the service keeps from its clients."""

import threading

import simple_websocket
from wsproto.events import RejectConnection
from wsproto.utilities import RemoteProtocolError


class BacklogPing:
    """backlog-ping: a socket that sends a frame whole before another thread's may begin.

    simple-websocket's own thread answers pings while the view's may have sent half of a message.
    https://github.com/miguelgrinberg/simple-websocket/issues/45
    """

    def __init__(self, sock):
        self.sock, self.turn = sock, threading.Lock()

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def send(self, data):
        patience = self.sock.gettimeout()
        if not self.turn.acquire(timeout=-1 if patience is None else patience):
            raise TimeoutError("the client does not read what another thread is sending")
        try:
            self.sock.sendall(data)
        finally:
            self.turn.release()


class Server(simple_websocket.Server):
    """What flask-sock makes of each connection."""

    def __init__(self, environ, **options):
        environ["gunicorn.socket"] = BacklogPing(environ["gunicorn.socket"])
        super().__init__(environ, **options)

    def receive(self, timeout=None):
        """close-empty: the view hears of a close before the answer to it is sent, and would end the connection."""
        try:
            return super().receive(timeout)
        except simple_websocket.ConnectionClosed:
            self.thread.join(1)
            raise

    def _handle_events(self):
        """limit-released: the view sleeps on when a message is too big, and its thread and memory are kept for ever."""
        going_on = super()._handle_events()
        if not going_on:
            self.connected = False
            self.event.set()
        return going_on


def refuse(error):
    """bad-version: a handshake that wsproto refuses, or a header that it cannot read, is no 500."""
    refusal = getattr(error, "event_hint", RejectConnection())
    headers = [(name.decode(), value.decode()) for name, value in refusal.headers]
    return "", refusal.status_code, [*headers, ("Upgrade", "websocket"), ("Connection", "Upgrade")]


REFUSED = RemoteProtocolError, ValueError  # ValueError: a header that is not ASCII, or a window that is no number

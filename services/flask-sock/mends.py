"""What simple-websocket and flask-sock get wrong, and the service keeps from its clients."""

import socket
import threading
from contextlib import suppress
from time import monotonic

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

    def close(self):
        """message-limit: closed with data unread, TCP would reset the close frame on its way, so this reads on."""
        deadline = monotonic() + 0.5
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            while (left := deadline - monotonic()) > 0:
                self.sock.settimeout(left)
                if not self.sock.recv(65536):
                    break
        self.sock.close()


class Server(simple_websocket.Server):
    """What flask-sock makes of each connection."""

    def __init__(self, environ, **options):
        environ["gunicorn.socket"] = BacklogPing(environ["gunicorn.socket"])
        super().__init__(environ, **options)

    def receive(self, timeout=None):
        """close-normal: the view hears that the client has closed before this is answered, and would cut that short."""
        try:
            return super().receive(timeout)
        except simple_websocket.ConnectionClosed:
            self.thread.join(1)
            raise

    def _handle_events(self):
        """zip-bomb: the view is not woken when a message is too big, and its thread and memory are kept for ever."""
        going_on = super()._handle_events()
        if not going_on:
            self.connected = False
            self.event.set()
        return going_on


def refuse(error):
    """bad-version: a handshake that wsproto refuses, or a header that it cannot read, is no 500."""
    refusal = getattr(error, "event_hint", RejectConnection())
    return "", refusal.status_code, [(name.decode(), value.decode()) for name, value in refusal.headers]


REFUSED = RemoteProtocolError, ValueError  # ValueError: a header that is not ASCII, or a window that is no number

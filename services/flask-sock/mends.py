"""What simple-websocket and flask-sock get wrong, and the service keeps from its clients."""

import threading
from sys import getsizeof

import simple_websocket
from wsproto.events import RejectConnection
from wsproto.utilities import RemoteProtocolError

UNREAD = 64 * 1024  # bytes of messages before the view, from which on no more is read


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
        self.taken = threading.Condition()
        super().__init__(environ, **options)

    def receive(self, timeout=None):
        """close-empty: the view hears of a close before the answer to it is sent, and would end the connection."""
        try:
            message = super().receive(timeout)
        except simple_websocket.ConnectionClosed:
            self.thread.join(1)
            raise
        with self.taken:
            self.taken.notify()
        return message

    def _handle_events(self):
        """limit-released: the view sleeps on when a message is too big, and its thread and memory are kept for ever."""
        going_on = super()._handle_events()
        if not going_on:
            self.connected = False
            self.event.set()
        elif self.connected:  # and not in the handshake
            return self.slow_down()
        return going_on

    def slow_down(self):
        """slow-reader: the thread reads no more until the view has taken what is before it; gives whether it goes on.

        simple-websocket puts messages into a list without a limit.
        https://github.com/miguelgrinberg/simple-websocket/blob/v1.1.0/src/simple_websocket/ws.py#L224-L236
        """
        with self.taken:
            while (going_on := self.connected and self.sock.fileno() >= 0) and self.unread() > UNREAD:
                self.pong_received = True  # or it may be among what is not read
                self.taken.wait(1)  # a view that fails tells nobody: gunicorn then closes the socket
        return going_on

    def unread(self):
        return sum(map(getsizeof, self.input_buffer))


def refuse(error):
    """bad-version: a handshake that wsproto refuses, or a header that it cannot read, is no 500."""
    refusal = getattr(error, "event_hint", RejectConnection())
    headers = [(name.decode(), value.decode()) for name, value in refusal.headers]
    return "", refusal.status_code, [*headers, ("Upgrade", "websocket"), ("Connection", "Upgrade")]


REFUSED = RemoteProtocolError, ValueError  # ValueError: a header that is not ASCII, or a window that is no number

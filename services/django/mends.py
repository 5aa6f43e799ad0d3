"""What dwebsocket gets wrong, and the service keeps from its clients."""

from dwebsocket.backends.default.protocols import WebSocketProtocol13

MAX_MESSAGE = 2**20


class Protocol(WebSocketProtocol13):
    def read_data(self):
        """binary: text is str and binary is bytes, so that write() can tell them apart."""
        opcode, data = super().read_data()
        if opcode == self.OPCODE_TEXT:
            data = data.decode("utf-8", "surrogateescape")
        return opcode, data

    def write(self, message, binary=False):
        if isinstance(message, bytes):
            super().write(message, binary=True)
        else:
            super().write(message.encode("utf-8", "surrogateescape"))

    def _read_strict(self, size):
        """message-limit: dwebsocket has none, and reads whatever length a frame announces."""
        if size > MAX_MESSAGE:
            self.close(self.STATUS_MESSAGE_TOO_BIG)
            raise OSError("message too big")
        return super()._read_strict(size)


def missing_key(factory):
    """missing-key: a handshake without a key is taken for one of a draft of 2010, which dwebsocket no longer speaks."""
    if factory.is_websocket() and not factory.request.META.get("HTTP_SEC_WEBSOCKET_KEY"):
        raise ValueError("no Sec-WebSocket-Key")  # of which dwebsocket makes a 400

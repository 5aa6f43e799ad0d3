"""What picows leaves to the application, or gets wrong: messages, what RFC 6455 asks of them, slow clients."""

from picows import WSCloseCode, WSListener, WSMsgType, WSProtocolError

LIMIT = 10 * 1024 * 1024  # bytes of a message; picows has it for a frame

#: resets-released: where a client's last bytes and its reset (RST) come together, uvloop calls an add_reader() once
#: more and ends it, and aiofastnet's transports, picows' default, read the bytes and wait for the next call.
TRANSPORTS = {"use_aiofastnet": False}


class Messages(WSListener):
    """Calls on_message() with whole messages, checked as RFC 6455 asks, and reads no more from who does not read."""

    kind = None  # of the message whose fragments are coming in
    full = False  # whether the client has to read before it is sent more

    def on_ws_connected(self, transport):
        self.transport, self.fragments = transport, bytearray()

    def on_ws_frame(self, transport, frame):
        if transport.underlying_transport.is_closing():
            return  # the client has gone while an earlier frame was answered
        if frame.msg_type == WSMsgType.CLOSE:
            code = frame.get_close_code() if frame.payload_size else WSCloseCode.OK
            transport.send_close(code, frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type != WSMsgType.PONG and not transport.is_close_frame_sent:
            self.on_data(frame, frame.msg_type == WSMsgType.CONTINUATION)

    def on_data(self, frame, continues):
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            raise WSProtocolError(WSCloseCode.PROTOCOL_ERROR, "reserved bit")
        if continues != bool(self.kind):
            raise WSProtocolError(WSCloseCode.PROTOCOL_ERROR, "a message within another, or none to continue")
        if len(self.fragments) + frame.payload_size > LIMIT:
            raise WSProtocolError(WSCloseCode.MESSAGE_TOO_BIG, f"more than {LIMIT} bytes")
        kind, message = self.kind or frame.msg_type, frame.get_payload_as_bytes()
        if not frame.fin:
            self.kind = kind
            self.fragments += message
            return
        if continues:
            message = bytes(self.fragments + message)
            self.kind, self.fragments = None, bytearray()
        if kind == WSMsgType.TEXT:
            try:
                message.decode()
            except UnicodeDecodeError as error:
                raise WSProtocolError(WSCloseCode.INVALID_TEXT, "not UTF-8") from error
        self.on_message(kind, message)

    def send_message(self, kind, message):
        # From 8 KiB on, send() lends out its one buffer for headers, which only aiofastnet copies before the next one.
        self.transport.send_reuse_external_bytearray(kind, bytearray(14) + message, 14)  # room for the header

    def pause_writing(self):
        self.full = True
        self.transport.underlying_transport.pause_reading()

    def resume_writing(self):
        self.full = False
        self.transport.underlying_transport.resume_reading()


class Echo(Messages):
    def on_message(self, kind, message):
        self.send_message(kind, message)

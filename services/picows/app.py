"""The echo in picows on uvloop: callbacks that get frames. Making messages of them is the application's part."""

import asyncio
import json
import logging
import os
import platform
import signal
from contextlib import suppress
from importlib.metadata import version

import uvloop
from picows import (
    WSCloseCode,
    WSListener,
    WSMsgType,
    WSProtocolError,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

import chat

VERSIONS = {name: version(name) for name in ("picows", "uvloop")}
PINGS = {"enable_auto_ping": True, "auto_ping_idle_timeout": 20, "auto_ping_reply_timeout": 20}  # seconds
LIMIT = 10 * 1024 * 1024  # bytes of a message; picows has it for a frame


class Messages(WSListener):
    """Whole messages, with what RFC 6455 asks of them, and a client that does not read slowed down."""

    connected: set["Messages"] = set()
    kind = None  # of the message whose fragments are coming in
    full = False  # whether the client has to read before it is sent more

    def on_ws_connected(self, transport):
        self.transport, self.fragments = transport, bytearray()
        self.connected.add(self)

    def on_ws_frame(self, transport, frame):
        if transport.underlying_transport.is_closing():
            return  # the client has gone while we were answering an earlier frame
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code() or WSCloseCode.OK, frame.get_close_message())
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

    def on_ws_disconnected(self, transport):
        self.connected.discard(self)

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


class Chat(chat.Visitor, Messages):
    pass


LISTENERS = {"/foobar/": Echo, "/chat/": Chat}


def accept(request):
    path = request.path.decode("latin-1").partition("?")[0]
    if path == "/about":
        about = {"service": "picows", "versions": {"python": platform.python_version(), **VERSIONS}}
        answer = WSUpgradeResponse.create_ok_response(json.dumps(about).encode(), {"Content-Type": "application/json"})
        return WSUpgradeResponseWithListener(answer, None)
    if path not in LISTENERS:
        return None  # which picows answers with 404
    if request.headers.get("Sec-WebSocket-Version") != "13":
        needed = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        refusal = WSUpgradeResponse.create_error_response(426, b"This is a WebSocket\n", needed)
        return WSUpgradeResponseWithListener(refusal, None)
    offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    chosen = {"Sec-WebSocket-Protocol": "echo"} if "echo" in map(str.strip, offered.split(",")) else None
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(chosen), LISTENERS[path]())


async def main():
    stop = asyncio.Event()
    for signum in signal.SIGINT, signal.SIGTERM:
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)

    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    # aiofastnet's transports, picows' default, never notice on uvloop that a client has reset its connection (RST):
    # uvloop ends the add_reader() that they wait with, and calls nobody.
    server = await ws_create_server(accept, host, port, max_frame_size=LIMIT, use_aiofastnet=False, **PINGS)
    logging.info("listening on %s:%d", host, port)
    async with asyncio.TaskGroup() as group:
        room = {group.create_task(chat.read()), group.create_task(chat.count())}
        await stop.wait()
        server.close()
        for listener in Messages.connected:
            listener.transport.send_close(WSCloseCode.GOING_AWAY)
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                while Messages.connected:
                    await asyncio.sleep(0.05)
        # Before Python 3.12 wait_for(), which redis-py uses, may swallow a cancellation.
        while room:
            for task in room:
                task.cancel()
            _, room = await asyncio.wait(room, timeout=0.2)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("picows").setLevel(logging.WARNING)  # it has two lines for each connection
    uvloop.run(main())

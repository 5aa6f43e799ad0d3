"""The echo on RSGI, Granian's own interface for applications: no framework, and it is Rust that reads the frames."""

from contextlib import suppress

from granian.rsgi import ProtocolClosed, ProtocolError, WebsocketMessageType


async def echo(scope, protocol):
    ws = await protocol.accept()  # RSGI has no means to select a subprotocol
    with suppress(ProtocolClosed, ProtocolError):  # the client has gone
        while (message := await ws.receive()).kind != WebsocketMessageType.close:
            # Waits until the kernel has taken it, so a client that does not read slows down nobody but itself.
            if message.kind == WebsocketMessageType.bytes:
                await ws.send_bytes(message.data)
            else:
                await ws.send_str(message.data)


async def app(scope, protocol):
    if scope.proto == "ws":
        await echo(scope, protocol)
    else:
        protocol.response_empty(426, [("connection", "upgrade"), ("upgrade", "websocket")])

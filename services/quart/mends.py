"""What Quart and Hypercorn get wrong, and the service keeps from its clients."""

import asyncio
from functools import partial

from hypercorn.protocol import h11, ws_stream
from hypercorn.protocol.events import Body, Data, Request, StreamClosed
from quart.wrappers import Websocket
from wsproto.extensions import PerMessageDeflate

LIMIT = 1024 * 1024  # of a message, in bytes
AHEAD = 64 * 1024  # bytes read of a client, from which on it waits until its handler has taken some


class EmptyBinary(Websocket):
    """empty-binary: Quart makes None of an empty binary message, and raises TypeError when that is sent back."""

    async def receive(self):
        message = await super().receive()
        return b"" if message is None else message


class Stream(ws_stream.WSStream):
    """half-close: a connection that has ended ends its pings.

    Hypercorn keeps a connection until all its tasks have ended, and the one that pings looks every 20 s whether it has
    to. https://github.com/pgjones/hypercorn/blob/0.18.0/src/hypercorn/protocol/ws_stream.py#L382-L385
    """

    pings = None

    async def handle(self, event):
        await super().handle(event)
        if self.closed and self.pings:
            self.pings.cancel()

    async def _send_pings(self):
        self.pings = asyncio.current_task()
        await super()._send_pings()


class Early(Stream):
    """early-released: a client that is refused for what it sent before the answer to its handshake is let go.

    Hypercorn answers 400, but tells the handler nothing, and keeps the connection until that has ended.
    https://github.com/pgjones/hypercorn/blob/0.18.0/src/hypercorn/protocol/ws_stream.py#L238-L240
    """

    async def handle(self, event):
        if isinstance(event, (Body, Data)) and not self.closed and not self.handshake.accepted:
            await self._send_error_response(400)
            await self.send(StreamClosed(stream_id=self.stream_id))  # which tells the handler, and ends the connection
        else:
            await super().handle(event)


class Paced(Early):
    """slow-reader: a client is read no further than its handler is, so that TCP holds it up.

    Quart takes each message from the server as it comes, into a queue without a limit.
    https://github.com/pallets/quart/blob/0.22.0/src/quart/asgi.py#L193-L199

    By the same way Quart learns that the client has left, and that must not wait behind messages. So its queue stays as
    it is, and Hypercorn hands over no message until there is room for it.
    """

    async def handle(self, event):
        await super().handle(event)
        if isinstance(event, Request) and self.app_put:  # the handler has not begun yet
            self.room = self.scope["room"] = Room()
            self.app_put = partial(self.hand_over, self.app_put)

    async def hand_over(self, put, event):
        if event["type"] == "websocket.disconnect":
            self.room.free.set()  # so that who waits for room goes on
            await put(event)
        elif not self.closed:
            await self.room.free.wait()
            if not self.closed:  # else nobody would take it
                self.room.count(event["text"] or event["bytes"] or b"", +1)
                await put(event)


class Room:
    """slow-reader: room for one message that its handler has not taken, or for several small ones."""

    def __init__(self):
        self.ahead, self.free = 0, asyncio.Event()
        self.free.set()

    def count(self, message, sign):
        self.ahead += sign * (len(message) + 1024)  # what it is in besides takes memory, too
        if self.ahead < AHEAD:
            self.free.set()
        else:
            self.free.clear()


class Taking(EmptyBinary):
    """slow-reader: a handler that takes a message makes room for others."""

    async def receive(self):
        message = await super().receive()
        if room := self.scope.get("room"):  # there is none with HTTP/2, which Hypercorn speaks, too
            room.count(message, -1)
        return message


class Bounded:
    """zip-bomb-memory: a decompressor that inflates a message no further than shows that it is over the limit.

    wsproto inflates all that has come before anybody counts it: 10 kB become 10 MiB.
    https://github.com/python-hyper/wsproto/blob/1.3.2/src/wsproto/extensions.py#L222-L232
    """

    def __init__(self, inflating):
        self.inflating, self.left = inflating, LIMIT

    def decompress(self, data):
        if self.left < 0:
            return b""
        inflated = self.inflating.decompress(data, self.left + 1)
        self.left -= len(inflated)
        # In place of a message that is too large, one of as many characters as Hypercorn refuses.
        return inflated if self.left >= 0 else bytes(LIMIT + 1)

    def flush(self):
        rest = self.inflating.flush() if self.left >= 0 else b""
        self.left = LIMIT
        return rest


class Inflater(PerMessageDeflate):
    """zip-bomb-memory: permessage-deflate with such a decompressor."""

    def frame_inbound_header(self, *frame):
        answer = super().frame_inbound_header(*frame)
        if self._decompressor and not isinstance(self._decompressor, Bounded):
            self._decompressor = Bounded(self._decompressor)
        return answer


class Buffer(ws_stream.WebsocketBuffer):
    """zip-bomb-memory: a message that is too large is not kept until its client has gone."""

    def extend(self, event):
        if self.length + len(event.data) > self.max_length:
            raise ws_stream.FrameTooLargeError
        super().extend(event)


def install():
    """Have Hypercorn use these."""
    h11.WSStream, ws_stream.WebsocketBuffer, ws_stream.PerMessageDeflate = Paced, Buffer, Inflater

"""What Quart and Hypercorn get wrong, and the service keeps from its clients."""

import asyncio

from hypercorn.protocol import h11, ws_stream
from quart.wrappers import Websocket
from wsproto.extensions import PerMessageDeflate

LIMIT = 1024 * 1024  # of a message, in bytes


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
    h11.WSStream, ws_stream.WebsocketBuffer, ws_stream.PerMessageDeflate = Stream, Buffer, Inflater

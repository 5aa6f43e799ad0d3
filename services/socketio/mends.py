"""What Engine.IO lacks, and the service makes up for."""

import asyncio
import sys

from engineio import async_server, async_socket, exceptions

UNREAD = 256 * 1024  # bytes that a client may send before it has taken what it was sent


class SlowReader(async_socket.AsyncSocket):
    """slow-reader: no more is read from a client until it has taken what waits for it.

    Engine.IO queues for each client without a limit. https://github.com/miguelgrinberg/python-engineio/issues/133
    """

    unread = 0

    async def receive(self, pkt):
        await super().receive(pkt)
        self.unread += sys.getsizeof(pkt.data)
        if self.unread > UNREAD:
            try:
                async with asyncio.timeout(self.server.ping_interval + self.server.ping_timeout):
                    await self.queue.join()
            except TimeoutError:
                raise exceptions.SocketIsClosedError from None  # as for a client that answers no ping
            self.unread = 0


def install():
    """Have Engine.IO use it."""
    async_server.async_socket.AsyncSocket = SlowReader

"""What Engine.IO lacks, and the service makes up for."""

import asyncio
import sys

from engineio import async_server, async_socket, exceptions

UNREAD = 256 * 1024  # bytes that a client may send before it has taken what it was sent


class SlowReader(async_socket.AsyncSocket):
    """slow-reader: no more is read from a client until it has taken what waits for it.
    memory-released: what waits for a client that has gone goes with it.

    Engine.IO queues for each client without a limit. https://github.com/miguelgrinberg/python-engineio/issues/133
    """

    def __init__(self, *args):
        super().__init__(*args)
        self.unread, self.left = 0, asyncio.Event()

    async def receive(self, pkt):
        await super().receive(pkt)
        self.unread += sys.getsizeof(pkt.data)
        if self.unread > UNREAD:
            taken, left = asyncio.create_task(self.queue.join()), asyncio.create_task(self.left.wait())
            done, pending = await asyncio.wait(
                (taken, left),
                timeout=self.server.ping_interval + self.server.ping_timeout,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in pending:
                task.cancel()
            if taken not in done or self.left.is_set():
                raise exceptions.SocketIsClosedError  # as for a client that answers no ping
            self.unread = 0

    async def _websocket_handler(self, ws):
        closing = ws.close

        async def close():
            self.left.set()
            await closing()

        ws.close = close  # with which Engine.IO's writer ends when the client has gone, and takes no more
        try:
            return await super()._websocket_handler(ws)
        finally:
            # The task that sends the pings sleeps on, and keeps the socket. Whose upgrade failed goes on polling.
            while self.upgraded and not self.queue.empty():
                self.queue.get_nowait()
                self.queue.task_done()


def install():
    """Have Engine.IO use it."""
    async_server.async_socket.AsyncSocket = SlowReader

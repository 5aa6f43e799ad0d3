"""What Daphne lacks, and the service makes up for."""

# ruff: noqa: N802, N803 (Twisted's names)
import asyncio

from daphne import server, ws_protocol
from daphne.cli import CommandLineInterface


class SlowReader(ws_protocol.WebSocketProtocol):
    """slow-reader: Twisted tells it, by pauseProducing() and resumeProducing(), when more than 64 KiB wait to be read.

    Daphne lets a consumer's send() return at once, and what is still to be written grows without a limit.
    https://github.com/django/daphne/issues/170
    """

    def onConnect(self, request):
        self.writable = asyncio.Event()
        self.writable.set()
        self.unregisterProducer()  # the HTTPChannel that this connection began as
        self.registerProducer(self, streaming=True)
        return super().onConnect(request)

    def onMessage(self, payload, isBinary):
        super().onMessage(payload, isBinary)
        if not self.writable.is_set() and self.application_queue.qsize() > 10:
            self.transport.pauseProducing()  # reads no more from a client that does not read

    def pauseProducing(self):
        self.writable.clear()

    def resumeProducing(self):
        self.writable.set()
        self.transport.resumeProducing()
        if self.transport.disconnecting:  # Twisted closes no connection that has a producer which it paused
            self.unregisterProducer()

    def stopProducing(self):
        self.writable.set()


class Server(server.Server):
    """slow-reader: a consumer's send() waits for its client."""

    async def handle_reply(self, protocol, message):
        await super().handle_reply(protocol, message)
        if message["type"] == "websocket.send":
            await protocol.writable.wait()


def install():
    ws_protocol.WebSocketFactory.protocol = SlowReader
    CommandLineInterface.server_class = Server

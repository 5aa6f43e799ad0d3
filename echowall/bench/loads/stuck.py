"""Connections that never read what they are sent, while they go on sending: messages that come back to them fill the
buffers on the way, and then the server's, or make it wait.
"""

from __future__ import annotations

import asyncio

from picows import WSMsgType, WSTransport

from echowall.bench.loads.hearing import Ear
from echowall.bench.payload import Payload

#: Bytes of each message, and how many a second: enough to fill what the kernels keep, 4 MiB at most as a rule, before
#: the warm-up is over, and too few to be work.
SIZE, RATE = 1 << 16, 32


class Stuck(Ear):
    """One of them. Whether the server cuts it off is not looked at."""

    def __init__(self) -> None:
        super().__init__()
        self._message = Payload(SIZE, binary=False).maker(0)(0)
        self._waits, self._over = False, False

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        transport.underlying_transport.pause_reading()
        self._send()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._over = True

    def pause_writing(self) -> None:
        self._waits = True

    def resume_writing(self) -> None:
        self._waits = False

    def _send(self) -> None:
        if not self._over:
            if not self._waits:
                self.transport.send(WSMsgType.TEXT, self._message)
            asyncio.get_running_loop().call_later(1 / RATE, self._send)

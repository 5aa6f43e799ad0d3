"""The sockets of a soak: each sends the echo a message at its planned times, and verifies and times what comes back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from time import monotonic_ns

from picows import WSMsgType, WSTransport

from echowall.bench.clock import SECOND
from echowall.bench.loads.hearing import Ear
from echowall.bench.payload import Payload
from echowall.results.model import Errors

#: Bytes of a message.
SIZE = 64
#: Seconds after which an echo that has not come is lost.
PATIENCE = 10
_PAYLOAD = Payload(SIZE, binary=False)


class Window:
    """What came back of one stack in a part of the time, in nanoseconds."""

    def __init__(self) -> None:
        self.latencies: list[int] = []
        self.lateness: list[int] = []


class Socket(Ear):
    """One of them."""

    def __init__(self, number: int, window: Window, errors: Errors) -> None:
        super().__init__()
        self.window = window
        """Where it notes its times; it is replaced when the next one begins."""
        self.gone = True
        """Whether it is not connected, not yet or no longer."""
        self._errors, self._make, self._said = errors, _PAYLOAD.maker(number), 0
        self._underway: deque[tuple[int, bytes]] = deque()

    def say(self, planned: int) -> None:
        """Send the next message, which was planned for that time."""
        if self.gone:
            self._errors.unsent += 1
            return
        message = self._make(self._said)
        self._said += 1
        now = monotonic_ns()
        self._underway.append((now, message))
        self.window.lateness.append(now - planned)
        self.transport.send(WSMsgType.TEXT, message)

    def heard(self, message: bytes, kind: WSMsgType) -> None:
        now = monotonic_ns()
        sent = next((at for at, said in self._underway if said == message), None)
        if sent is None or kind is not WSMsgType.TEXT:
            self._errors.altered += 1
            if self._underway:
                self._underway.popleft()
            return
        self.give_up(sent)  # what was sent before it does not come any more
        self._underway.popleft()
        self.window.latencies.append(now - sent)

    def give_up(self, before: int = 1 << 63) -> None:
        """Count as lost what was sent before that time; without one, whatever is underway."""
        while self._underway and self._underway[0][0] < before:
            self._underway.popleft()
            self._errors.lost += 1

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.gone = False

    def closed(self) -> None:
        self.transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not self.gone:
            self.gone = True
            self._errors.connections += 1

    def leave(self) -> None:
        """Close it, at the end."""
        if not self.gone:
            self.gone = True
            self.transport.disconnect(graceful=False)


async def talk(sockets: Sequence[Socket], rate: float) -> None:
    """Have each of them send that many messages a second, evenly spread over time, until this is cancelled."""
    interval = SECOND / (rate * len(sockets))
    first, number = monotonic_ns(), 0
    while True:
        while (planned := first + int(number * interval)) <= monotonic_ns():
            sockets[number % len(sockets)].say(planned)
            number += 1
            if number % len(sockets) == 0:
                _give_up(sockets)
                await asyncio.sleep(0)  # what came back is read, however late this is
        await asyncio.sleep(max(0.001, (planned - monotonic_ns()) / SECOND))


def _give_up(sockets: Iterable[Socket]) -> None:
    for one in sockets:
        one.give_up(monotonic_ns() - PATIENCE * SECOND)

"""How many connections one endpoint is asked to take: at once, and new ones a second."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

#: How long a question that has every seat waits for the next of its own connections to end, in seconds.
_OWN_WITHIN = 10.0
#: How long the connections that it has left open may last, in seconds.
_LEFT_WITHIN = 30.0
_STEP = 0.02


class CrowdedError(Exception):
    """A question wanted more connections at once than there may be."""


class Limiter:
    """One endpoint's.

    Each question has a seat, which is good for one connection at a time. One that wants more at once takes further
    seats where they are free. It never waits for one, since two such questions could wait for each other: it is put
    again later, alone, with every seat there is, and then it waits for its own connections to end.
    """

    def __init__(self, connections: int | None = None, rate: float | None = None) -> None:
        self.connections = connections
        """At once; None for any number."""
        self.why = "which is what --connections allows"
        """Why there may not be more, for a question that wants more."""
        self._free = asyncio.Semaphore(connections or 1)
        self._gathering = asyncio.Lock()
        self._interval = 1 / rate if rate else 0.0
        self._next = 0.0

    @asynccontextmanager
    async def seat(self, *, alone: bool = False) -> AsyncIterator[Seat]:
        """A seat as soon as one is free, or all of them. Its first connection may be opened at once."""
        seat = Seat(self, alone=alone)
        try:
            if self.connections:
                async with self._gathering if alone else contextlib.nullcontext():  # two would wait for each other
                    for _ in range(self.connections if alone else 1):
                        await self.take(seat)
            await self.pace()
            yield seat
        finally:
            if seat.held:  # what the question did at the same time, and did not wait for
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LEFT_WITHIN):
                        await seat.emptied.wait()
            while seat.held:
                self.give_back(seat)

    def one_at_a_time(self, why: str) -> None:
        """From now on, while no connection is open, allow one at once; `why` as above."""
        if self.connections != 1:
            self.connections, self.why = 1, why
            self._free = asyncio.Semaphore(1)

    def any_number(self) -> None:
        """Take that back."""
        self.connections = None

    @property
    def crowded(self) -> bool:
        """Whether no seat is free."""
        return self.connections is not None and self._free.locked()

    async def take(self, seat: Seat) -> None:
        """One more connection for that seat's question, as soon as there may be one."""
        if self.connections:
            await self._free.acquire()
            seat.held += 1

    def give_back(self, seat: Seat) -> None:
        """One connection less."""
        self._free.release()
        seat.held -= 1

    async def pace(self, bound: asyncio.Timeout | None = None) -> None:
        """Wait until one more connection may be opened, and put `bound` off by as much."""
        now = time.monotonic()
        wait = max(0.0, self._next - now)
        self._next = now + wait + self._interval
        put_off(bound, wait)
        await asyncio.sleep(wait)


class Seat:
    """One question's connections."""

    def __init__(self, limiter: Limiter, *, alone: bool) -> None:
        self.held = 0
        """How many there may be now; it stays 0 where their number is not limited."""
        self.bound: asyncio.Timeout | None = None
        """The question's own time limit."""
        self.starved = 0
        """For how many connections it waited in vain, so that what it found may come of that."""
        self.emptied = asyncio.Event()
        """That none is open."""
        self.emptied.set()
        self._limiter, self._alone = limiter, alone
        self._open = 0
        self._moved = 0.0
        """When one was wanted, or one ended."""
        self._paid = True
        """Whether the next connection has been waited for already."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        """One connection, as soon as it may be opened. Raises CrowdedError."""
        await self._make_room()
        self._open += 1
        self.emptied.clear()
        try:
            if not self._paid:
                await self._limiter.pace(self.bound)
            self._paid = False
            yield
        finally:
            self._open -= 1
            self._moved = time.monotonic()
            if not self._open:
                self.emptied.set()

    async def _make_room(self) -> None:
        if self._limiter.connections is None or self._open < self.held:
            return
        if not self._alone:
            if self._limiter.crowded:
                raise CrowdedError
            await self._limiter.take(self)
            return
        self._moved = time.monotonic()
        self.starved += 1
        while self._open >= self.held:
            if time.monotonic() > self._moved + _OWN_WITHIN:
                raise CrowdedError
            put_off(self.bound, _STEP)
            await asyncio.sleep(_STEP)
        self.starved -= 1


def put_off(bound: asyncio.Timeout | None, seconds: float) -> None:
    """Let a time limit come later."""
    if seconds and bound and (when := bound.when()) is not None:
        bound.reschedule(when + seconds)


@asynccontextmanager
async def admitted(limiter: Limiter | None, seat: Seat | None) -> AsyncIterator[None]:
    """One connection of a question that has a seat, or of nobody's."""
    if seat:
        async with seat.connection():
            yield
    elif limiter:
        async with limiter.seat() as own, own.connection():
            yield
    else:
        yield

"""One stack with as many sockets as it holds: what they take of it, and what it keeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from echowall.check.suite import measure
from echowall.check.suite.common import pid_of
from echowall.check.wire import Target
from echowall.sockets.crowd import Crowd

#: How many more sockets than a stack serves are asked for, to see how it refuses them.
_BEYOND = 20
#: Sockets that come and go before anything is measured, so that what is loaded only once is loaded.
_FIRST = 50
#: What part of the growth may be kept.
_KEPT = 0.1


class Amount(msgspec.Struct, kw_only=True):
    """What a stack's processes have."""

    memory: int
    """Resident, in bytes."""
    descriptors: int
    """Open files."""


class Held(msgspec.Struct, kw_only=True):
    """What became of one stack's sockets."""

    name: str
    """The service's."""
    limit: int | None
    """How many sockets it serves by its own settings; null where nothing limits them."""
    asked: int
    """How many were asked for."""
    held: int
    """How many were open at the same time."""
    right: int
    """How many of them had one echo right."""
    refused: dict[str, int]
    """What became of the others: `HTTP 503`, `cut off`, `no answer`."""
    start: Amount
    full: Amount
    """With all of them open."""
    end: Amount
    """When they had gone: as soon as both were back, else after a minute."""
    seconds: float
    """How long that took."""
    same: bool
    """Whether its processes are those that it had at the start."""

    @property
    def faults(self) -> list[str]:
        """What is wrong, in words for the user. Memory is told and not judged: allocators keep some of it for later."""
        due = min(self.asked, self.limit or self.asked)
        growth = self.full.descriptors - self.start.descriptors
        return [
            *([f"{due - self.held:,} of {due:,} sockets were not held"] if self.held < due else []),
            *([f"it held {self.held:,}, more than its max_sockets"] if self.held > due else []),
            *([f"{self.held - self.right:,} echoes were not right"] if self.right < self.held else []),
            *(["its processes were not the same in the end"] if not self.same else []),
            *(
                [f"it kept {self.end.descriptors - self.start.descriptors:,} open files"]
                if self.end.descriptors - self.start.descriptors > _KEPT * growth
                else []
            ),
        ]

    @property
    def kept(self) -> float:
        """What part of the memory's growth was kept."""
        return (self.end.memory - self.start.memory) / max(1, self.full.memory - self.start.memory)


async def hold(
    target: Target, limit: int | None, count: int, told: Callable[[str, int, int], None], *, patience: float = 60.0
) -> Held:
    """Open so many sockets, or a few more than the limit; have an echo on each, drop them all, and watch what is kept.

    `told` hears what is being done, how much of it is done, and of how much. `patience` is for memory and open files to
    come back, in seconds. Raises UnsupportedError where the processes may not be measured.
    """
    pid, asked = pid_of(target), min(count, limit + _BEYOND) if limit else count

    def amount() -> Amount:
        return Amount(memory=measure.memory(pid), descriptors=measure.descriptors(pid))

    first = Crowd(target)
    try:
        await first.open(min(_FIRST, asked), lambda _: None)
        await first.echoes(lambda _: None)
    finally:
        first.drop()
    await asyncio.sleep(1)
    start, family = amount(), measure.family(pid)
    clients = Crowd(target)
    try:
        await clients.open(asked, lambda done: told("opening", done, asked))
        held = len(clients.sockets)
        right = await clients.echoes(lambda done: told("echoing", done, held))
        full = amount()
    finally:
        clients.drop()
    told("letting go", held, held)
    began, end = time.monotonic(), full

    def back() -> bool:
        return all(
            getattr(end, what) - getattr(start, what) <= _KEPT * (getattr(full, what) - getattr(start, what))
            for what in ("memory", "descriptors")
        )

    while not back() and time.monotonic() - began < patience:
        await asyncio.sleep(0.5)
        end = amount()
    told("done", held, held)
    return Held(
        name=target.name,
        limit=limit,
        asked=asked,
        held=held,
        right=right,
        refused=dict(clients.refused),
        start=start,
        full=full,
        end=end,
        seconds=round(time.monotonic() - began, 1),
        same=measure.family(pid) == family,
    )

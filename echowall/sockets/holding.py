"""One stack with as many sockets as it holds: what they take of it, and what it keeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from echowall.check.suite import measure
from echowall.check.suite.common import pid_of
from echowall.check.targets import Subject
from echowall.results.model import MAY_KEEP, Amount, Held
from echowall.sockets.crowd import Crowd

#: How many more sockets than a stack serves are asked for, to see how it refuses them.
_BEYOND = 20
#: Sockets that come and go before anything is measured, so that what is loaded only once is loaded.
_FIRST = 50


async def hold(
    subject: Subject, limit: int | None, count: int, told: Callable[[str, int, int], None], *, patience: float = 60.0
) -> Held:
    """Open so many sockets, or a few more than the limit; have an echo on each, drop them all, and watch what is kept.

    `told` hears what is being done, how much of it is done, and of how much. `patience` is for memory and open files to
    come back, in seconds. Raises UnsupportedError where the processes may not be measured.
    """
    target = subject.target
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
            getattr(end, what) - getattr(start, what) <= MAY_KEEP * (getattr(full, what) - getattr(start, what))
            for what in ("memory", "descriptors")
        )

    while not back() and time.monotonic() - began < patience:
        await asyncio.sleep(0.5)
        end = amount()
    told("done", held, held)
    return Held(
        **subject.examined.facts(),
        max_sockets=limit,
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

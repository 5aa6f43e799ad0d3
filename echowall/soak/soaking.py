"""A soak: sockets of every stack talk at the same time, for long, and each part of that time is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from statistics import median
from typing import NamedTuple

from hdrh.histogram import HdrHistogram

from echowall.bench.contenders import aim
from echowall.bench.opening import connect_all
from echowall.bench.plan import Plan, Tls
from echowall.check.targets import Subject, versions
from echowall.lab import procfs
from echowall.results.model import Errors, Soaked, Window
from echowall.soak import sockets
from echowall.soak.sockets import Socket
from echowall.soak.trends import trend

#: Into how many windows the time is parted, and how many of the first are in no trend.
WINDOWS, WARMUP = 20, 2
#: How often memory and descriptors are read in each window.
_SAMPLES = 6
#: Seconds in which what is underway at the end comes back.
_UNDERWAY = 1


class SoakError(Exception):
    """The soak cannot be done. The message says what stood in the way and what to do about it."""


class Aimed(NamedTuple):
    """A stack that is to be soaked."""

    subject: Subject
    pid: int
    """Of its first process on this machine."""


class _Sample(NamedTuple):
    memory: int | None
    descriptors: int | None


class Stack:
    """A stack while it is soaked."""

    def __init__(self, aimed: Aimed, count: int) -> None:
        self.found = Soaked(**aimed.subject.examined.facts(), sockets=count, windows=[], errors=Errors())
        self.aimed = aimed
        self.window = sockets.Window()
        self.sockets = [Socket(number, self.window, self.found.errors) for number in range(count)]
        self._samples: list[_Sample] = []

    async def connect(self) -> None:
        """Open the sockets. Raises SoakError."""
        self.found.versions = await versions(self.aimed.subject)
        plan = Plan(aim=aim(self.aimed.subject.target, Tls()), connections=len(self.sockets), rate=None, within=30)
        if trouble := await connect_all(plan, self.sockets):
            raise SoakError(f"{self.found.name}: {trouble}; see that it runs: `echowall status`")

    def sample(self) -> None:
        """Read what its processes hold."""
        family = procfs.family(self.aimed.pid)
        self._samples.append(_Sample(procfs.proportional_set_size(family), procfs.descriptors(family)))

    def end_window(self) -> list[int]:
        """Note what the window that ends now was like, and begin another; gives how late messages were sent in it."""
        over, self.window = self.window, sockets.Window()
        for one in self.sockets:
            one.window = self.window
        times = sorted(over.latencies)
        samples, self._samples = self._samples, []
        self.found.windows.append(
            Window(
                memory=_median(sample.memory for sample in samples),
                descriptors=_median(sample.descriptors for sample in samples),
                p50=_percentile(times, 50),
                p99=_percentile(times, 99),
                echoes=len(times),
            )
        )
        return over.lateness

    def end(self, seconds: float) -> None:
        """Close the sockets, and find the trends over windows of so many seconds."""
        for one in self.sockets:
            one.give_up()
            one.leave()
        found = self.found
        windows = found.windows[WARMUP:]
        found.memory_trend = trend([window.memory for window in windows], seconds)
        found.descriptors_trend = trend([window.descriptors for window in windows], seconds)
        found.latency_trend = trend([window.p50 for window in windows], seconds)


class Soak:
    """All stacks, and how far it is."""

    def __init__(self, aimed: Sequence[Aimed], count: int, rate: float, seconds: float) -> None:
        """`count` sockets over all stacks, which each send `rate` messages a second, for so many `seconds`."""
        each, more = divmod(count, len(aimed))
        self.stacks = [Stack(one, each + (number < more)) for number, one in enumerate(aimed)]
        self.rate, self.seconds, self.window = rate, seconds, seconds / WINDOWS
        self._late = HdrHistogram(1, 3_600_000_000, 3)  # microseconds

    @property
    def whole(self) -> int:
        """How many windows are."""
        return len(self.stacks[-1].found.windows)

    @property
    def lateness(self) -> float:
        """The 99th percentile of how late messages were sent, in microseconds."""
        return float(self._late.get_value_at_percentile(99))

    async def run(self, tell: Callable[[], None]) -> None:
        """Soak them, and `tell` when a window is whole. When this is cancelled, what is whole stays.

        Raises SoakError.
        """
        try:
            for stack in self.stacks:
                await stack.connect()
            by_turns = [one for several in zip_longest(*(stack.sockets for stack in self.stacks)) for one in several]
            async with asyncio.TaskGroup() as tasks:
                talking = tasks.create_task(sockets.talk([one for one in by_turns if one], self.rate))
                begin = asyncio.get_running_loop().time()
                while self.whole < WINDOWS:
                    await self._measure(begin + (self.whole + 1) * self.window)
                    tell()
                talking.cancel()
            await asyncio.sleep(_UNDERWAY)
        finally:
            for stack in self.stacks:
                stack.end(self.window)

    async def _measure(self, end: float) -> None:
        """One window, which ends at that time of the loop."""
        loop, interval = asyncio.get_running_loop(), self.window / _SAMPLES
        for left in reversed(range(_SAMPLES)):
            due = end - left * interval
            await asyncio.sleep(due - loop.time())
            if left == 0 or loop.time() < due + interval:  # the kernel may take its time over so many processes
                await asyncio.to_thread(self._sample)
        for stack in self.stacks:
            for late in stack.end_window():
                self._late.record_value(max(1, late // 1000))

    def _sample(self) -> None:
        for stack in self.stacks:
            stack.sample()


def _median(values: Iterable[int | None]) -> int | None:
    """None where any is missing, for then the rest do not tell either."""
    found = list(values)
    known = [value for value in found if value is not None]
    return round(median(known)) if found and len(known) == len(found) else None


def _percentile(times: Sequence[int], percentile: int) -> float | None:
    """Of these nanoseconds, which are sorted, in microseconds; None where there are none."""
    return times[min(len(times) - 1, len(times) * percentile // 100)] / 1000 if times else None

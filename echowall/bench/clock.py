"""The times of a generator's run, what it uses meanwhile, and the times that it took, as histograms."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic_ns, process_time_ns, time_ns

from hdrh.histogram import HdrHistogram

from echowall.bench.plan import BEGIN, END, READY, Plan, Report

SECOND = 1_000_000_000
#: HdrHistograms are of nanoseconds up to an hour, with three significant digits.
_LONGEST, _DIGITS = 3600 * SECOND, 3
#: Times are rounded to this many nanoseconds before they are counted.
_GRAIN = 100


class Start:
    """When a run begins: a moment after its connections are open, or at a time that several generators agree upon."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._told: asyncio.Future[bytes] | None = None

    def listen(self) -> None:
        """See that this process ends when standard input does; the line that comes before that is the time."""
        told = self._told = asyncio.get_running_loop().create_future()
        standard_input = sys.stdin.fileno()

        def read() -> None:
            said = os.read(standard_input, 4096)
            if not said:
                os._exit(1)
            if not told.done():
                told.set_result(said)

        asyncio.get_running_loop().add_reader(standard_input, read)

    async def clock(self) -> Clock:
        """The times of the run, whose connections are open now."""
        if self._told and self._plan.agreed:
            say(READY)
            return Clock(self._plan, int(await self._told) - time_ns() + monotonic_ns())
        return Clock(self._plan, monotonic_ns() + SECOND // 20)


class Clock:
    """The run's times, of time.monotonic_ns()."""

    def __init__(self, plan: Plan, first: int) -> None:
        """`first` is when it begins."""
        self.interval = SECOND / plan.rate if plan.rate else 0.0
        self.first = first
        self.begin = self.first + round(plan.warmup * SECOND)
        self.end = self.begin + round(plan.seconds * SECOND)
        self.used = 0
        """The CPU time that was used between `begin` and `end`, but for waiting, in nanoseconds."""
        self.waited: Callable[[], int] = lambda: 0
        """The CPU time that was spent waiting so far."""
        self.at_edges: Callable[[], None] = lambda: None
        """Called at `begin` and at `end`."""
        self.starved = 0
        """How long between `begin` and `end` this process could have gone on, but waited for a CPU, in nanoseconds."""
        self._timers: list[asyncio.TimerHandle] = []
        self._at_begin: tuple[int, int] | None = None

    def planned(self, number: int) -> int:
        """When the message of that number is to be sent, in an open loop."""
        return self.first + int(number * self.interval)

    def start(self) -> None:
        """Say when the time begins that is measured, and when it ends."""
        loop = asyncio.get_running_loop()
        for at, what in ((self.begin, self._begin), (self.end, self.stop)):
            self._timers.append(loop.call_later((at - monotonic_ns()) / SECOND, what))

    def _begin(self) -> None:
        self._at_begin = process_time_ns() - self.waited(), _starved()
        say(BEGIN)
        self.at_edges()

    def stop(self) -> None:
        """It ends now, if it did not before."""
        for timer in self._timers:
            timer.cancel()
        if self._at_begin is not None:
            used, starved = self._at_begin
            self.used, self.starved = process_time_ns() - self.waited() - used, _starved() - starved
            self._at_begin = None
            say(END)
            self.at_edges()

    def report(self, lasted: float) -> Report:
        """What this process used in the time that was measured, which lasted so many seconds; the rest is empty."""
        return Report(
            cpu=self.used / SECOND / lasted if lasted else 0.0,
            starved=self.starved / SECOND / lasted if lasted else 0.0,
            cores=sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [],
        )


def _starved() -> int:
    """How long this process has waited for a CPU so far, in nanoseconds: Linux, Documentation/scheduler/sched-stats."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1])
    except (OSError, IndexError):
        return 0


def histogram(times: Iterable[int]) -> str:
    """Of these nanoseconds."""
    made = HdrHistogram(1, _LONGEST, _DIGITS)
    for time, count in Counter(time - time % _GRAIN for time in times).items():
        made.record_value(min(max(1, time), _LONGEST), count)
    return str(made.encode().decode())


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

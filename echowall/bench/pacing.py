"""When the messages of an open loop are sent: at planned times, an equal interval apart.

On Linux a timerfd that expires once an interval wakes the event loop. A generator with a core of its own is woken a
little early, and has the loop go round until the time has come. Compared at 2,000 messages a second over 50
connections, on uvloop, with real-time priority so that nothing else was in the way (lateness in microseconds; the
figures vary between machines, their order does not):

    =======================================================  ====  ====  ====  =======
    how                                                       p50   p90   p99  CPU use
    =======================================================  ====  ====  ====  =======
    call_at() with the planned time                             1     2     -     97 %
    a timerfd, set anew for each planned time                  30    45   150     20 %
    a timerfd that expires once an interval                    40    55   115     20 %
    the same 100 us early, and the loop goes round            0.9   1.7    65     33 %
    the same 150 us early, and the loop goes round            0.9   1.6    15     42 %
    the same 150 us early, and the loop stands still          0.4   0.5     1     41 %
    =======================================================  ====  ====  ====  =======

call_at() rounds to milliseconds, and less than one to nothing: the loop never sleeps. What is woken on time is late by
as long as waking takes, which is a quarter of what a fast server's echo takes. A loop that stands still is the most
punctual, but what comes back meanwhile is not read, so that the latency is wrong. So it is the fifth. What it spends
going round is not counted as the generator's work. One that has no core of its own would take the time from the
server, and does without.

Where there is no timerfd, call_at() is what is left. The lateness is in every result, and tells.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from time import monotonic_ns, process_time_ns

#: The least time between two wake-ups, in nanoseconds. At higher rates several messages are sent at each.
_LEAST = 50_000
#: How early a generator with a core of its own is woken, in nanoseconds.
_EARLY = 150_000
_MONOTONIC, _NONBLOCK, _ABSOLUTE = 1, 0o4000, 1
_SECOND = 1_000_000_000


class _Times(ctypes.Structure):
    """`struct itimerspec`: the interval and the first expiry, each as seconds and nanoseconds."""

    _fields_ = [(name, ctypes.c_long) for name in ("every_s", "every_ns", "first_s", "first_ns")]


class Pace:
    """Has messages sent at their times."""

    def __init__(self, due: Callable[[], int], send: Callable[[], bool], mark: Callable[[], int]) -> None:
        """`due` is when the next message is to be sent, a time of time.monotonic_ns(). `send` sends all that are due,
        and gives False where none is left. `mark` changes with whatever comes back.
        """
        self.waited = 0
        """The CPU time that was spent going round, in nanoseconds."""
        self._due, self._send, self._mark = due, send, mark
        self._round: tuple[int, int] | None = None
        """What `mark` was in the last round, and the CPU time at its end; None where it does not go round."""
        self._over = False

    def start(self, interval: float, first: int, *, alone: bool) -> None:
        """Begin: `interval` nanoseconds from one message to the next, the first at `first`. `alone` is whether this
        process has a core of its own.
        """
        period = max(_LEAST, round(interval))
        if sys.platform == "linux":
            self._by_timerfd(period, first - _EARLY if alone else first, go_round=alone)
        else:
            self._by_call_at(period, first)

    def _by_timerfd(self, period: int, first: int, *, go_round: bool) -> None:
        loop = asyncio.get_running_loop()
        libc = ctypes.CDLL(None, use_errno=True)  # the os module has timerfd from Python 3.13 on
        timer = libc.timerfd_create(_MONOTONIC, _NONBLOCK)
        times = _Times(*divmod(period, _SECOND), *divmod(first, _SECOND))
        if timer < 0 or libc.timerfd_settime(timer, _ABSOLUTE, ctypes.byref(times), None):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

        def expired() -> None:
            os.read(timer, 8)
            if go_round and not self._over and self._round is None:
                self._go_round()
            elif not go_round:
                self._over = not self._send()
            if self._over:
                loop.remove_reader(timer)
                os.close(timer)

        loop.add_reader(timer, expired)

    def _go_round(self) -> None:
        """Look whether it is time, and what came back, until it is."""
        mark, used = self._mark(), process_time_ns()
        if self._round and self._round[0] == mark:
            self.waited += used - self._round[1]
        if self._due() > monotonic_ns():
            self._round = mark, used
            asyncio.get_running_loop().call_soon(self._go_round)
        else:
            self._round = None
            self._over = not self._send()

    def _by_call_at(self, period: int, first: int) -> None:
        loop = asyncio.get_running_loop()

        def call(number: int) -> None:
            if self._send():
                loop.call_at((first + number * period) / _SECOND, call, number + 1)

        loop.call_at(first / _SECOND, call, 1)

"""New connections: each is opened, has some messages echoed, and is closed as RFC 6455, section 7.1.1, has it."""

from __future__ import annotations

import asyncio
import gc
from array import array
from time import monotonic_ns
from typing import Literal

import msgspec
from picows import WSCloseCode, WSError, WSMsgType, WSTransport

from echowall.bench.clock import SECOND, Clock, Start, histogram
from echowall.bench.loads.hearing import Ear
from echowall.bench.opening import Opener, reason
from echowall.bench.payload import Payload
from echowall.bench.plan import Plan, Report
from echowall.check.wire.errors import UnreachableError
from echowall.results.model import Errors

#: How many are opened in a run at most. What ends a connection first keeps its port for a minute, and a system has some
#: 28,000 for one address.
MOST = 20_000
#: The share of them that may fail to open before the run is given up, and how many may in any case.
_FAILURES, _SOME_FAILURES = 0.01, 10
#: How long one that could not be opened is not tried again, in seconds.
_PAUSE = 0.1
#: How long the server may take to end a connection that both sides have closed, in seconds.
_ENDING = 1.0


class _Run:
    """What becomes of all connections. Connection `number` was started at `started[number]`, and so on."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.payload = Payload(plan.size, binary=plan.binary)
        self.kind = WSMsgType.BINARY if plan.binary else WSMsgType.TEXT
        self.errors = Errors()
        self.started, self.opened, self.ended = array("q"), array("q"), array("q")
        self.tries = 0
        self.failure = ""
        """Why the last that could not be opened could not."""
        self.over = False

    @property
    def hopeless(self) -> bool:
        """Whether too many could not be opened."""
        return self.errors.refused > max(_SOME_FAILURES, _FAILURES * self.tries)


class _Life(Ear):
    """One connection."""

    def __init__(self, number: int, run: _Run) -> None:
        super().__init__()
        self._number, self._run = number, run
        self._left = run.plan.messages
        self._make = run.payload.maker(number)
        self._expected = b""
        self._ending: asyncio.TimerHandle | None = None
        self.opened = 0
        """When the answer to the handshake was read."""
        self.fault: Literal["", "lost", "altered", "unclosed"] = "lost"
        """What is wrong, by the name that errors have; empty when everything came back and the close was answered."""
        self.gone = asyncio.get_running_loop().create_future()
        """Done when the connection has ended."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.opened = monotonic_ns()
        super().on_ws_connected(transport)
        self._say()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._ending:
            self._ending.cancel()
        if not self.gone.done():
            self.gone.set_result(None)

    def _say(self) -> None:
        self._expected = self._make(self._number * self._run.plan.messages + self._left)
        self.transport.send(self._run.kind, self._expected)

    def heard(self, message: bytes, kind: WSMsgType) -> None:
        if self.fault == "lost" and message == self._expected and kind is self._run.kind:
            self._left -= 1
            if self._left:
                self._say()
            else:
                self.fault = "unclosed"
                self.transport.send_close(WSCloseCode.OK)
        else:
            self.fault = "altered"
            self.transport.disconnect(graceful=False)

    def closed(self) -> None:
        if self.fault == "unclosed":  # now the server has to end the connection, and not the client
            self.fault = ""
            self._ending = asyncio.get_running_loop().call_later(_ENDING, self.transport.disconnect)
        else:
            self.transport.disconnect()


async def run(plan: Plan, start: Start) -> Report:
    """Carry the plan out: so many connections at a time, each followed by the next."""
    found = _Run(plan)
    opener = Opener(plan)
    gc.collect()
    gc.freeze()
    clock = await start.clock()
    clock.start()
    async with asyncio.TaskGroup() as tasks:
        openers = [tasks.create_task(_one_after_another(found, opener, clock)) for _ in range(plan.connections)]
        await asyncio.wait(openers, timeout=(clock.end - monotonic_ns()) / SECOND)
        stopped = min(monotonic_ns(), clock.end)
        clock.stop()
        found.over = True
    return _count(found, clock, stopped)


async def _one_after_another(found: _Run, opener: Opener, clock: Clock) -> None:
    while not found.over and not found.hopeless and found.tries < MOST:
        number, found.tries = found.tries, found.tries + 1
        life, started = _Life(number, found), monotonic_ns()
        try:
            await opener.open(life)
        except (OSError, WSError, UnreachableError, TimeoutError) as error:
            found.errors.refused += 1
            found.failure = reason(error)
            await asyncio.sleep(_PAUSE)
            continue
        try:
            async with asyncio.timeout(found.plan.patience):
                await life.gone
        except TimeoutError:
            life.transport.disconnect(graceful=False)
        if life.fault:
            setattr(found.errors, life.fault, getattr(found.errors, life.fault) + 1)
        else:
            found.started.append(started)
            found.opened.append(life.opened)
            found.ended.append(monotonic_ns())


def _count(found: _Run, clock: Clock, stopped: int) -> Report:
    """What it all came to; `stopped` is when the time ended that is measured."""
    within = [number for number, at in enumerate(found.ended) if clock.begin <= at < stopped]
    lasted = max(0.0, (stopped - clock.begin) / SECOND)
    report = msgspec.structs.replace(
        clock.report(lasted),
        sent=found.tries,
        lasted=lasted,
        achieved=len(within) / lasted if lasted else 0.0,
        errors=found.errors,
        latency=histogram(found.opened[number] - found.started[number] for number in within),
    )
    if found.hopeless or not found.ended:
        why = f": {found.failure}" if found.failure else ""
        report.trouble = f"{found.errors.refused:,} of {found.tries:,} connections could not be opened{why}"
    return report

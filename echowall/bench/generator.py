"""The load generator, a process of its own: `python -m echowall.bench.generator`.

It reads a Plan as JSON from standard input, and writes to standard output the word `begin` when the time begins that is
measured, `end` when that is over, and then a Report as JSON. While messages are underway it only appends integers to
arrays; what they come to is counted afterwards. It ends at once where standard input does, for then nobody is there any
more to hear what it finds.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import sys
from array import array
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic_ns
from typing import Literal

import msgspec
import uvloop
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from echowall.bench.clock import SECOND, Clock, Start, histogram, say
from echowall.bench.loads import connections, idle, push, room
from echowall.bench.loads.stuck import Stuck
from echowall.bench.opening import connect_all
from echowall.bench.pacing import Pace
from echowall.bench.payload import Payload
from echowall.bench.plan import Plan, Report
from echowall.results.model import Errors, Load

#: How often a run looks whether anything still comes back, in seconds.
_LOOK = 0.1
#: How long it waits for messages that others have overtaken, in seconds.
_OVERTAKEN = 0.3
#: How long the connections may take to close, in seconds.
_CLOSING = 1.0
#: What became of a message, in place of the time when it came back.
_UNDERWAY, _WRONG = 0, -1
#: In place of the time when it was sent: it was not.
_UNSENT = -1
#: How many messages are sent before what came back is read.
_BATCH = 64
#: How long after the end messages that are late are still sent, in nanoseconds.
_GRACE = SECOND // 2

Ended = Literal["", "stopped answering", "closed every connection"]


class Traffic:
    """All messages of a run. Message `number` was sent at `sent[number]` and came back at `received[number]`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.payload = Payload(plan.size, binary=plan.binary)
        self.kind = WSMsgType.BINARY if plan.binary else WSMsgType.TEXT
        self.sent, self.received = array("q"), array("q")
        self.errors = Errors()
        self.connections = [Connection(number, self) for number in range(plan.connections - plan.stuck)]
        self.open = False
        """Whether what comes back is answered by the next message: the closed loop."""
        self.last = 0
        """When something came back last."""
        self._free: list[Connection] = []
        self._soon = asyncio.get_running_loop().call_soon

    def go_on(self, connection: Connection) -> None:
        """Send the next message there as soon as all that came with the last one was read.

        A server that waits is woken once for all of them, which takes the kernel less time than once for each.
        """
        free = self._free
        if not free:
            self._soon(self._say)
        free.append(connection)

    def _say(self) -> None:
        free, self._free = self._free, []
        for one in free:
            if self.open and not one.gone:
                one.say(monotonic_ns())


class Connection(WSListener):
    """One of the connections, and what is underway on it."""

    transport: WSTransport

    def __init__(self, number: int, traffic: Traffic) -> None:
        self.number, self._traffic = number, traffic
        self.expected: deque[tuple[int, bytes]] = deque()
        """The messages that are underway and that none has overtaken, with their numbers."""
        self.overtaken: set[int] = set()
        self.gone = False
        self._fragments: list[bytes] = []
        self._kind = traffic.kind
        # What each message needs is looked up once.
        self._own, self._make = traffic.kind, traffic.payload.maker(number)
        self._sent, self._received = traffic.sent, traffic.received

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self._send = transport.send

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.gone = True

    def say(self, now: int) -> None:
        """Send the next message of the run. `now` is when that is."""
        sent = self._sent
        number = len(sent)
        self._received.append(_UNDERWAY)
        if self.gone:
            sent.append(_UNSENT)
            self._traffic.errors.unsent += 1
            return
        message = self._make(number)
        self.expected.append((number, message))
        sent.append(now)
        self._send(self._own, message)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        now = monotonic_ns()
        kind = frame.msg_type
        if kind is self._own and frame.fin:
            self._hear(frame.get_payload_as_bytes(), now)
        elif kind is WSMsgType.CLOSE:
            self.gone = True
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            if kind is not WSMsgType.CONTINUATION:
                self._kind, self._fragments = kind, []
            self._fragments.append(frame.get_payload_as_bytes())
            if frame.fin:
                whole = b"".join(self._fragments)
                self._hear(whole if self._kind is self._traffic.kind else b"", now)

    def _hear(self, message: bytes, now: int) -> None:
        """A message came back at that time."""
        traffic, expected = self._traffic, self.expected
        traffic.last = now
        if expected and message == expected[0][1]:
            self._received[expected.popleft()[0]] = now
            if traffic.open:
                traffic.go_on(self)
            return
        answered = self._hear_other(message, now)
        if traffic.open and not self.gone:
            for _ in range(answered):
                self.say(monotonic_ns())

    def _hear_other(self, message: bytes, now: int) -> int:
        """Another message than the one that was due; gives how many were underway, and are no longer waited for."""
        traffic, errors = self._traffic, self._traffic.errors
        stamp = traffic.payload.read(message)
        if stamp is None or stamp.number >= len(traffic.sent) or stamp.connection >= len(traffic.connections):
            errors.altered += 1
            if not self.expected:
                return 0
            traffic.received[self.expected.popleft()[0]] = _WRONG
            return 1
        number = stamp.number
        if traffic.received[number] != _UNDERWAY:
            errors.twice += 1
            return 0
        if stamp.connection != self.number:
            errors.strays += 1
            traffic.received[number] = _WRONG
            return traffic.connections[stamp.connection].forget(number)
        if number in self.overtaken:
            errors.disordered += 1
            self.overtaken.remove(number)
            traffic.received[number] = _WRONG
            return 0
        before = len(self.expected)
        while self.expected[0][0] != number:
            self.overtaken.add(self.expected.popleft()[0])
        self.expected.popleft()
        traffic.received[number] = now
        return before - len(self.expected)

    def forget(self, number: int) -> int:
        """It came back elsewhere; gives 0, for it was not this connection's place that became free."""
        self.overtaken.discard(number)
        with contextlib.suppress(StopIteration):
            self.expected.remove(next(one for one in self.expected if one[0] == number))
        return 0

    def give_up(self, before: int) -> int:
        """Wait no longer for what was sent before that time; gives how many those are."""
        count = 0
        while self.expected and self._traffic.sent[self.expected[0][0]] < before:
            self.overtaken.add(self.expected.popleft()[0])
            count += 1
        return count


async def run(plan: Plan) -> Report:
    """Carry the plan out."""
    start = Start(plan)
    start.listen()
    return await _LOADS[plan.load](plan, start)


async def _echo(plan: Plan, start: Start) -> Report:
    """Have messages come back on connections that stay."""
    traffic = Traffic(plan)
    stuck = [Stuck() for _ in range(plan.stuck)]
    if trouble := await connect_all(plan, [*traffic.connections, *stuck]):
        return Report(trouble=trouble)
    gc.collect()
    gc.freeze()
    gc.disable()
    clock = await start.clock()
    ended = await (_open_loop(traffic, clock) if plan.rate else _closed_loop(traffic, clock))
    clock.stop()
    traffic.errors.connections = sum(one.gone for one in traffic.connections)
    await _settle(traffic)
    for one in stuck:
        one.transport.disconnect(graceful=False)
    await _close(traffic)
    return _count(traffic, clock, ended)


async def _open_loop(traffic: Traffic, clock: Clock) -> Ended:
    """Send each message at its planned time, to one connection after the other."""
    connections, count, sent = traffic.connections, len(traffic.connections), traffic.sent
    total = round((clock.end - clock.first) / clock.interval)
    done = asyncio.Event()

    def send() -> bool:
        if done.is_set():  # ended before its time
            return False
        number, now = len(sent), monotonic_ns()
        most = min(total, number + _BATCH)
        while number < most and clock.planned(number) <= now:
            connections[number % count].say(now)
            number, now = number + 1, monotonic_ns()
        if number == total or now > clock.end + _GRACE:
            done.set()
        return not done.is_set()

    pace = Pace(lambda: clock.planned(len(sent)), send, lambda: traffic.last)
    clock.waited = lambda: pace.waited
    clock.start()
    pace.start(clock.interval, clock.first, alone=traffic.plan.core is not None)
    ended = await _watch(traffic, clock.end, done)
    done.set()
    return ended


async def _closed_loop(traffic: Traffic, clock: Clock) -> Ended:
    """Keep so many messages underway on each connection."""
    clock.start()
    traffic.open = True
    for _ in range(traffic.plan.in_flight):
        for connection in traffic.connections:
            connection.say(monotonic_ns())
    try:
        return await _watch(traffic, clock.end, None)
    finally:
        traffic.open = False


async def _watch(traffic: Traffic, end: int, done: asyncio.Event | None) -> Ended:
    """Wait for the end, or for the endpoint to end it."""
    patience = round(traffic.plan.patience * SECOND)
    traffic.last = monotonic_ns()
    while (now := monotonic_ns()) < end or (done and not done.is_set()):
        await asyncio.sleep(min(_LOOK, max(0.0, (end - now) / SECOND)) if now < end else _LOOK)
        now = monotonic_ns()
        if all(one.gone for one in traffic.connections):
            return "closed every connection"
        underway = any(one.expected for one in traffic.connections)
        if underway and now - traffic.last > patience:
            return "stopped answering"
        if not underway:
            traffic.last = now
        if traffic.open:
            for one in traffic.connections:
                for _ in range(one.give_up(now - patience)):
                    one.say(monotonic_ns())
    return ""


async def _settle(traffic: Traffic) -> None:
    """Wait for what is still underway, and count what never came back."""
    errors, patience = traffic.errors, traffic.plan.patience
    began = monotonic_ns()
    while any(one.expected and not one.gone for one in traffic.connections):
        now = monotonic_ns()
        if now - traffic.last > patience * SECOND or now - began > 2 * patience * SECOND:
            break
        await asyncio.sleep(_LOOK / 10)
    if any(one.overtaken for one in traffic.connections):
        await asyncio.sleep(min(_OVERTAKEN, patience))
    silent = monotonic_ns() - traffic.last > patience * SECOND
    for one in traffic.connections:
        errors.lost += len(one.overtaken)
        if one.gone or silent:
            errors.lost += len(one.expected)
        else:
            errors.unanswered += len(one.expected)


def _count(traffic: Traffic, clock: Clock, ended: Ended) -> Report:
    """What it all came to."""
    plan, sent, received = traffic.plan, traffic.sent, traffic.received
    back = [number for number, at in enumerate(received) if at > 0]
    within = [number for number in back if clock.begin <= received[number] < clock.end]
    report = msgspec.structs.replace(
        clock.report(plan.seconds),
        ended=ended,
        sent=sum(1 for at in sent if at != _UNSENT),
        paced=_paced(traffic, clock) / plan.seconds,
        achieved=len(within) / plan.seconds,
        errors=traffic.errors,
    )
    if plan.rate:
        planned = {number: at for number in range(len(sent)) if (at := clock.planned(number)) >= clock.begin}
        back = [number for number in back if number in planned]
        report.latency = histogram(received[number] - planned[number] for number in back)
        report.uncorrected = histogram(received[number] - sent[number] for number in back)
        report.lateness = histogram(sent[number] - at for number, at in planned.items() if sent[number] != _UNSENT)
    else:
        report.latency = histogram(received[number] - sent[number] for number in within)
    return report


def _paced(traffic: Traffic, clock: Clock) -> int:
    """How many messages had their turn within the time that is measured, by the planned times of those not sent."""
    times = (clock.planned(number) if at == _UNSENT else at for number, at in enumerate(traffic.sent))
    return sum(1 for at in times if clock.begin <= at < clock.end)


async def _close(traffic: Traffic) -> None:
    for one in traffic.connections:
        if not one.gone:
            one.gone = True
            one.transport.send_close(WSCloseCode.OK)
            one.transport.disconnect()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSING):
            await asyncio.gather(*(one.transport.wait_disconnected() for one in traffic.connections))


_LOADS: dict[Load, Callable[[Plan, Start], Awaitable[Report]]] = {
    "echo": _echo,
    "connections": connections.run,
    "idle": idle.run,
    "room": room.run,
    "push": push.run,
}


def main() -> None:
    """The process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; whoever started this one ends it
    logging.disable()
    plan = msgspec.json.decode(sys.stdin.readline(), type=Plan)
    if plan.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {plan.core})
    with contextlib.suppress(ValueError, OSError):  # then connections fail, and say so
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < plan.files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    say(msgspec.json.encode(uvloop.run(run(plan))).decode())


if __name__ == "__main__":
    main()

"""The load generator, against servers of whose faults it has to know every single one."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from echowall.bench import judging
from echowall.bench.driving import generate
from echowall.bench.pacing import Pace
from echowall.bench.payload import Payload
from echowall.bench.plan import LEAST, Aim, Plan, Report
from echowall.check.suite.measure import family
from echowall.results.model import Errors, Spread, Why

#: What becomes of a message: its number among all of them, and how it came, to what is sent and by which connections.
Fault = Callable[[int, bytes, "Echo", list["Echo"]], Any]
MS = 1000
"""In microseconds."""


class Echo(WSListener):
    """A connection of the server's; `fault` decides what it answers."""

    def __init__(self, everyone: list[Echo], numbers: itertools.count[int], fault: Fault) -> None:
        self._everyone, self._numbers, self._fault = everyone, numbers, fault

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self._everyone.append(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY):
            self.kind = frame.msg_type
            self._fault(next(self._numbers), frame.get_payload_as_bytes(), self, self._everyone)

    def answer(self, message: bytes, *, fin: bool = True, kind: WSMsgType | None = None) -> None:
        self.transport.send(self.kind if kind is None else kind, message, fin)


def faultless(_number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
    echo.answer(message)


@asynccontextmanager
async def serving(fault: Fault = faultless) -> AsyncIterator[Aim]:
    """An echo server in this process with that fault; gives its address. The generator is in another process."""
    everyone: list[Echo] = []
    numbers = itertools.count(1)

    def accept(_request: WSUpgradeRequest) -> Echo:
        return Echo(everyone, numbers, fault)

    server = await ws_create_server(accept, "127.0.0.1", 0)
    async with server:
        yield Aim(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/echo")


def run(fault: Fault = faultless, **plan: Any) -> tuple[Plan, Report]:
    """A short run against a server with that fault."""
    wanted = {"connections": 4, "rate": 500.0, "warmup": 0.2, "seconds": 0.8, "patience": 1.0} | plan

    async def measured() -> tuple[Plan, Report]:
        async with serving(fault) as aim:
            planned = Plan(aim=aim, **wanted)
            return planned, await generate(planned)

    return asyncio.run(measured())


def spread(encoded: str) -> Spread:
    found = judging.spread(judging.decode(encoded))
    assert found
    return found


@pytest.mark.parametrize(("size", "binary"), [(LEAST, False), (LEAST, True), (16384, False), (16384, True)])
def test_every_echo_of_a_faultless_server_is_right(size: int, *, binary: bool) -> None:
    _, report = run(size=size, binary=binary, rate=200.0)

    assert report.errors == Errors()
    assert (report.trouble, report.ended, report.sent) == ("", "", 200)
    assert spread(report.latency).samples == spread(report.lateness).samples == 160  # without those of the warm-up


def test_the_latency_is_from_the_planned_time_and_holds_the_lateness() -> None:
    _, report = run(rate=1000.0)

    latency, uncorrected, lateness = (
        judging.decode(one).get_mean_value() for one in (report.latency, report.uncorrected, report.lateness)
    )
    assert latency == pytest.approx(uncorrected + lateness, rel=0.02)
    assert min(uncorrected, lateness) > 0


def test_in_a_closed_loop_a_connection_has_as_many_underway_as_planned() -> None:
    most = [0]
    underway: dict[Echo, int] = {}

    def later(_number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
        underway[echo] = underway.get(echo, 0) + 1
        most[0] = max(most[0], underway[echo])

        def answer() -> None:
            underway[echo] -= 1
            echo.answer(message)

        asyncio.get_running_loop().call_later(0.02, answer)

    _, report = run(later, rate=None, in_flight=3, connections=2)

    assert report.errors == Errors()
    assert most == [3]
    assert report.achieved > 0
    assert (report.lateness, report.uncorrected) == ("", "")


def lost(number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
    if number % 100:
        echo.answer(message)


def twice(number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
    echo.answer(message)
    if not number % 100:
        echo.answer(message)


def altered(number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
    echo.answer(message if number % 100 else message[:-1] + b"~")


def truncated(number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
    echo.answer(message if number % 100 else message[:-1])


def binary(number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
    echo.answer(message, kind=None if number % 100 else WSMsgType.BINARY)


def strays(number: int, message: bytes, echo: Echo, everyone: list[Echo]) -> None:
    """Every hundredth goes to the neighbour, while the others go where they belong."""
    neighbour = everyone[(everyone.index(echo) + 1) % len(everyone)]
    neighbour.kind = echo.kind
    (echo if number % 100 else neighbour).answer(message)


held: dict[Echo, bytes] = {}


def disordered(number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
    """Every hundredth is held back until the next of its connection."""
    if not number % 100:
        held[echo] = message
        return
    echo.answer(message)
    if before := held.pop(echo, None):
        echo.answer(before)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_of_a_long_message_every_byte_counts(*, binary: bool) -> None:
    def altered_within(number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
        middle = len(message) // 2
        wrong = message[:middle] + bytes([message[middle] ^ 1]) + message[middle + 1 :]
        echo.answer(wrong if number == 2 else message)

    plan, report = run(altered_within, rate=None, size=1 << 20, binary=binary, connections=2)

    assert report.errors == Errors(altered=1)
    assert report.sent > plan.connections
    assert report.achieved > 0


#: of 500 messages, five meet the fault.
FAULTS: dict[str, tuple[Fault, Errors]] = {
    "loses": (lost, Errors(lost=5)),
    "answers twice": (twice, Errors(twice=5)),
    "changes the last byte": (altered, Errors(altered=5)),
    "loses the last byte": (truncated, Errors(altered=5)),
    "makes text binary": (binary, Errors(altered=5)),
    "answers on another connection": (strays, Errors(strays=5)),
}


@pytest.mark.parametrize(("fault", "counted"), FAULTS.values(), ids=FAULTS)
def test_each_wrong_echo_is_counted_and_not_timed(fault: Fault, counted: Errors) -> None:
    _, report = run(fault)

    assert report.sent == 500
    assert report.errors == counted
    wrong = {0} if counted.twice else {4, 5}  # one of the five is at the edge of the warm-up
    assert 400 - spread(report.latency).samples in wrong


def test_an_echo_that_was_overtaken_is_counted_and_not_timed() -> None:
    _, report = run(disordered, connections=1)

    # The last message is the five hundredth, so that nothing comes after it.
    assert report.errors == Errors(disordered=4, lost=1)
    assert spread(report.latency).samples == 396


def test_a_message_in_fragments_is_one_message() -> None:
    def fragmented(_number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
        echo.answer(message[:10], fin=False)
        echo.answer(message[10:40], fin=False, kind=WSMsgType.CONTINUATION)
        echo.answer(message[40:], kind=WSMsgType.CONTINUATION)

    _, report = run(fragmented)

    assert report.errors == Errors()


def test_in_a_closed_loop_a_lost_message_does_not_stop_its_connection() -> None:
    answered: dict[Echo, int] = {}

    def forgetful(number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
        if number != 6:
            answered[echo] = answered.get(echo, 0) + 1
            echo.answer(message)

    _, report = run(forgetful, rate=None, patience=0.3)

    assert (report.ended, report.errors) == ("", Errors(lost=1))
    assert min(answered.values()) > 2


def test_a_pause_is_seen_from_the_planned_time_and_hidden_from_the_time_of_sending() -> None:
    """A closed loop has one message underway when the server pauses; of an open one, all that were due meanwhile."""

    def pausing(number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
        if number == 3000:
            time.sleep(0.2)
        echo.answer(message)

    plan, corrected = run(pausing, rate=5000.0, seconds=2.5, connections=1)
    _, uncorrected = run(pausing, rate=None, seconds=2.5, connections=1)

    assert spread(corrected.latency).samples == (plan.rate or 0) * plan.seconds
    assert (spread(corrected.latency).p99 or 0) > 100 * MS  # a thousand of 12,500 messages were due in the pause
    assert judging.decode(uncorrected.latency).get_value_at_percentile(99) < 100 * MS * 1000
    assert spread(uncorrected.latency).longest > 190 * MS


def test_a_server_that_is_slow_every_half_second_shows_it_at_p99() -> None:
    slow_until = [0.0]

    def slow(_number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
        now = time.monotonic()
        if now > slow_until[0] + 0.5:
            time.sleep(0.1)
            slow_until[0] = time.monotonic()
        echo.answer(message)

    _, report = run(slow, rate=5000.0, seconds=2.5)

    assert (spread(report.latency).p99 or 0) > 50 * MS


def test_a_server_that_cannot_hold_the_rate_has_no_latency_and_no_cost() -> None:
    def slow(_number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
        time.sleep(0.01)  # so 100 a second at the most
        echo.answer(message)

    plan, report = run(slow, rate=300.0)
    assert report.achieved <= 110
    report.paced, report.lateness = 300.0, ""  # this machine may be busy: as if the generator had been on time
    found = judging.refusals(plan, report)

    assert [(one.why, one.withheld) for one in found] == [(Why.RATE, "latency"), (Why.RATE, "cost")]
    assert found[0].says.startswith("cannot hold 300/s: ")
    assert report.errors.lost == 0  # they were only late


def test_where_the_generator_cannot_send_so_much_the_server_is_not_blamed() -> None:
    plan, report = run(rate=500_000.0, seconds=0.3)

    found = judging.refusals(plan, report)

    assert [(one.why, one.withheld) for one in found] == [(Why.GENERATOR, "latency"), (Why.GENERATOR, "cost")]
    assert found[0].says.startswith("the generator was the limit: ")
    assert report.errors.total == report.errors.unanswered


def test_a_server_that_stops_answering_ends_the_run_within_its_patience() -> None:
    def ending(number: int, message: bytes, echo: Echo, _all: list[Echo]) -> None:
        if number < 100:
            echo.answer(message)

    began = time.monotonic()

    plan, report = run(ending, seconds=30.0)

    assert time.monotonic() - began < 20
    assert report.ended == "stopped answering"
    assert report.errors.lost == report.sent - 99
    assert [(one.why, one.withheld) for one in judging.refusals(plan, report)] == [(Why.ENDED, "everything")]


def test_a_server_that_closes_every_connection_ends_the_run() -> None:
    def closing(number: int, message: bytes, echo: Echo, everyone: list[Echo]) -> None:
        echo.answer(message)
        if number == 100:
            for one in everyone:
                one.transport.send_close()
                one.transport.disconnect()

    began = time.monotonic()

    plan, report = run(closing, seconds=30.0)

    assert time.monotonic() - began < 20
    assert (report.ended, report.errors.connections) == ("closed every connection", 4)
    assert judging.refusals(plan, report)[0].says.startswith("the server closed every connection after ")


def test_nobody_there_is_trouble_in_words() -> None:
    plan = Plan(aim=Aim(url="ws://127.0.0.1:1/"), connections=3, rate=100.0, warmup=0.1, seconds=0.2)

    report = asyncio.run(generate(plan))

    assert report.trouble == "3 connections could not be opened: Connection refused"
    assert [one.withheld for one in judging.refusals(plan, report)] == ["everything"]


def test_a_generator_that_gets_half_of_its_core_says_so() -> None:
    core = max(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    other = subprocess.Popen(
        [sys.executable, "-c", f"import os\nos.sched_setaffinity(0, {{{core}}})\nwhile True: pass"]
    )
    try:
        if len(before) > 1:
            os.sched_setaffinity(0, before - {core})  # the server is in this process
        plan, report = run(rate=None, seconds=2.0, core=core, connections=20)
    finally:
        os.sched_setaffinity(0, before)
        other.kill()
        other.wait()

    assert report.starved > 0.1
    limited = (Why.GENERATOR, "throughput") in {(one.why, one.withheld) for one in judging.refusals(plan, report)}
    assert limited == (report.cpu + report.starved > judging.BUSY)  # else it was the server that got no more


def test_the_generator_keeps_to_its_core() -> None:
    core = max(os.sched_getaffinity(0))

    _, report = run(core=core, seconds=0.2)

    assert report.cores == [core]


@pytest.mark.parametrize("alone", [False, True])
def test_no_message_is_sent_before_its_time_and_waiting_is_told_from_work(*, alone: bool) -> None:
    interval, count = 5_000_000, 40
    sent: list[int] = []

    async def paced() -> tuple[int, int]:
        first = time.monotonic_ns() + interval
        done = asyncio.Event()

        def send() -> bool:
            while len(sent) < count and first + len(sent) * interval <= time.monotonic_ns():
                sent.append(time.monotonic_ns())
            if len(sent) == count:
                done.set()
            return not done.is_set()

        pace = Pace(lambda: first + len(sent) * interval, send, lambda: 0)
        pace.start(interval, first, alone=alone)
        async with asyncio.timeout(20):
            await done.wait()
        return first, pace.waited

    first, waited = asyncio.run(paced())

    assert all(at >= first + number * interval for number, at in enumerate(sent))
    assert (waited > 0) == alone


def test_the_time_that_is_measured_is_told_when_it_begins_and_when_it_ends() -> None:
    told: list[tuple[str, float]] = []

    async def measured() -> None:
        async with serving() as aim:
            plan = Plan(aim=aim, connections=1, rate=50.0, warmup=0.5, seconds=1.0)
            marks = [lambda name=name: told.append((name, time.monotonic())) for name in ("begin", "end")]
            await generate(plan, *marks)

    asyncio.run(measured())

    (begin, first), (end, last) = told
    assert (begin, end) == ("begin", "end")
    assert 0.5 < last - first < 5


def test_a_generator_that_is_no_longer_wanted_is_gone() -> None:
    async def measured() -> None:
        async with serving() as aim:
            plan = Plan(aim=aim, connections=1, rate=50.0, seconds=600.0)
            async with asyncio.timeout(3):
                await generate(plan)

    with pytest.raises(TimeoutError):
        asyncio.run(measured())

    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in family(os.getpid())]
    assert not any(b"echowall.bench.generator" in command for command in commands)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_a_message_says_what_it_is_and_no_altered_one_does(*, binary: bool) -> None:
    payload = Payload(100, binary=binary)
    message = payload.maker(42)(123456789)

    assert len(message) == 100
    assert payload.read(message) == (123456789, 42)
    for place in range(len(message)):
        assert payload.read(message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :]) is None
    assert payload.read(b"-" + message[1:]) is None
    assert payload.read(message[:-1]) is None
    assert binary or message.isascii()

"""The chat room of a service by one of its transports: polls, long polls, Server-Sent Events or WebSockets.

One says something at fixed times, by a WebSocket, and many hear it. A poll goes on after the last message that was
heard, says by If-None-Match what its client has, and keeps its connection; the polls of all listeners are spread over
their interval. See services/README.md, "The chat room by plain HTTP".
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from array import array
from collections.abc import Sequence
from itertools import chain
from time import monotonic_ns
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import msgspec
from picows import WSError, WSTransport

from echowall.bench.clock import SECOND, Clock, Start, histogram
from echowall.bench.loads.http import Answer, Events, MalformedError, Reader
from echowall.bench.loads.talk import Hearer, Hearing, Listener, Talk, Visitor, count, is_live, settle, speak
from echowall.bench.loads.wire import Tap, Wire
from echowall.bench.opening import Opener, reason
from echowall.bench.plan import Plan, Report
from echowall.check.wire.errors import UnreachableError

#: How many listeners enter at the same time.
_AT_ONCE = 32
#: The most messages that one poll is told: who is told as many asks again at once.
_POLLED = 1_000
#: How long a long poll that failed is not made again, in seconds.
_PAUSE = 1.0
#: What the lab's proxy takes from one address: polls a second, and connections. See echowall/lab/site.py.
MOST_REQUESTS, MOST_CONNECTIONS = 2000, 2000
#: How often something is said after all listeners have gone, and how long after each other, in seconds. It ends the
#: polls that a service still holds, and shows it which streams have ended.
_FAREWELLS, _APART = 2, 0.1


class _News(msgspec.Struct):
    """The body of a poll's answer."""

    after: str
    messages: list[msgspec.Raw]


class FailedError(Exception):
    """A request was not answered as it has to be: says how it was."""


class _Arrived(NamedTuple):
    """A response, and when it was whole."""

    answer: Answer
    at: int


class _Counts(NamedTuple):
    """How many there were until a moment."""

    requests: int
    opened: int
    down: int
    up: int


class _Run:
    """What all listeners of a run have in common."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.talk, self.wire = plan, Talk(), Wire()
        self.opener = Opener(plan)
        url = urlsplit(plan.aim.url)
        self.path = url.path
        fields = {name.lower(): (name, value) for name, value in (("Host", url.netloc), *plan.aim.headers)}
        self.fields = "".join(f"{name}: {value}\r\n" for name, value in fields.values())
        self.answered = self.asked = 0
        """How many requests were, warm-up included."""
        self.failure = ""
        """How the last was that failed."""
        self.late = array("q")
        """By how much polls came after their planned time, in the time that is measured."""

    def failed(self, why: str) -> None:
        """A request was not answered as it has to be."""
        self.talk.errors.failed += 1
        self.failure = why

    def counts(self) -> _Counts:
        """Until now."""
        return _Counts(self.answered, self.wire.opened, *self.wire.total())


class _Connection(asyncio.Protocol):
    """A connection on which one request after the other is made."""

    def __init__(self, run: _Run, reader: Reader) -> None:
        self._run, self._reader = run, reader
        self._answer: asyncio.Future[_Arrived] | None = None
        self._transport: asyncio.Transport
        self._tap: Tap
        self.ended = asyncio.get_running_loop().create_future()
        """Done when it has."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._tap = self._run.wire.tap(transport)

    def data_received(self, data: bytes) -> None:
        now = monotonic_ns()
        try:
            answer = self._reader.feed(data)
        except MalformedError as error:
            self._fail(FailedError(str(error)))
            self._transport.abort()
            return
        if answer:
            self._arrive(answer, now)

    def connection_lost(self, exc: Exception | None) -> None:
        if answer := self._reader.end():
            self._arrive(answer, monotonic_ns())
        self._fail(ConnectionResetError("the connection ended before the answer"))
        self._tap.close()
        if not self.ended.done():
            self.ended.set_result(None)

    def ask(self, request: bytes) -> asyncio.Future[_Arrived]:
        """What answers it. It raises FailedError, or ConnectionResetError where the connection ends before that."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """Reset it: a service that writes to it learns at once that nobody is there."""
        if not self.ended.done():
            self._tap.reset()
            self._transport.abort()

    @property
    def stays(self) -> bool:
        """Whether another request may be made on it."""
        return not self.ended.done() and not self._transport.is_closing()

    def _arrive(self, answer: Answer, now: int) -> None:
        if answer.fields.get(b"connection", b"").lower() == b"close":
            self._transport.close()
        if self._answer and not self._answer.done():
            self._answer.set_result(_Arrived(answer, now))
        else:
            self._transport.abort()  # nobody asked for it

    def _fail(self, error: Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(error)


class _Listener(ABC):
    """One who listens by plain HTTP."""

    def __init__(self, number: int, run: _Run) -> None:
        self._number, self._run = number, run
        self.hearing = Hearing(run.talk)
        self.gone = False

    @abstractmethod
    async def enter(self) -> None:
        """Begin to listen. Raises OSError and FailedError."""

    @abstractmethod
    async def listen(self, clock: Clock) -> None:
        """Go on, until it is cancelled; or return, where there is nothing to do but to hear."""

    @abstractmethod
    def leave(self) -> None:
        """Stop listening."""


class _Poller(_Listener):
    """One who asks again and again, at planned times; or, where polls wait, as soon as there is an answer."""

    def __init__(self, number: int, run: _Run) -> None:
        super().__init__(number, run)
        self._connection: _Connection | None = None
        self._after = self._tag = ""
        self._waits = run.plan.transport == "long-poll"

    async def enter(self) -> None:
        await self._poll(0.0)

    async def listen(self, clock: Clock) -> None:
        share = (self._number + 0.5) / self._run.plan.connections
        if self._waits:
            await self._again_and_again(share)
        else:
            assert self._run.plan.polled  # noqa: S101
            await self._at_times(clock, round(self._run.plan.polled * SECOND), share)

    async def _again_and_again(self, share: float) -> None:
        """One long poll after the other. The first waits for a share of its time, so that not all end at once."""
        wait = self._run.plan.wait * share
        while True:
            try:
                await self._poll(wait)
                wait = self._run.plan.wait
            except (OSError, FailedError) as error:
                self._fail(error)
                await asyncio.sleep(_PAUSE)

    async def _at_times(self, clock: Clock, period: int, share: float) -> None:
        """Polls that do not wait. One whose time comes while another is still underway is left out."""
        first = clock.first + round(period * share)
        number = 0
        while True:
            due = first + number * period
            await asyncio.sleep(max(0.0, (due - monotonic_ns()) / SECOND))
            now = monotonic_ns()
            if clock.begin <= due < clock.end:
                self._run.late.append(now - due)
            try:
                while await self._poll(0.0) >= _POLLED:
                    pass
            except (OSError, FailedError) as error:
                self._fail(error)
            number = max(number + 1, -((first - monotonic_ns()) // period))

    def leave(self) -> None:
        if self._connection:
            self._connection.close()

    def _fail(self, error: OSError | FailedError) -> None:
        self._run.failed(reason(error))
        self.leave()

    async def _poll(self, wait: float) -> int:
        """Poll once; gives how many messages it was told, those of others included. Raises OSError and FailedError."""
        query = "&".join(([f"after={self._after}"] if self._after else []) + ([f"wait={wait:.3f}"] if wait else []))
        known = f"If-None-Match: {self._tag}\r\n" if self._tag else ""
        target = f"{self._run.path}poll{'?' if query else ''}{query}"
        request = f"GET {target} HTTP/1.1\r\n{self._run.fields}Accept: application/json\r\n{known}\r\n".encode()
        answer, at = await self._ask(request, wait)
        self._run.answered += 1
        if answer.status == 304 and self._tag:
            return 0
        if answer.status != 200:
            raise FailedError(f"HTTP {answer.status} {_words(answer.body)}")
        try:
            news = msgspec.json.decode(answer.body, type=_News)
        except msgspec.MsgspecError as error:
            raise FailedError(f"a poll was answered with {answer.body[:50]!a}: {error}") from None
        self._after, self._tag = news.after, answer.fields.get(b"etag", b"").decode("latin-1")
        for message in news.messages:
            self.hearing.take(bytes(message), at)
        return len(news.messages)

    async def _ask(self, request: bytes, wait: float) -> _Arrived:
        """The answer, on the connection that there is, or on a new one. A server may end an idle connection just when
        it is asked again. Then it is asked once more, as browsers do (RFC 9110, 9.2.2).
        """
        self._run.asked += 1
        bound = wait + self._run.plan.patience
        try:
            async with asyncio.timeout(bound):
                if self._connection and self._connection.stays:
                    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                        return await self._connection.ask(request)
                self._connection = await self._run.opener.connect(
                    self._number, lambda: _Connection(self._run, Reader())
                )
                return await self._connection.ask(request)
        except TimeoutError:
            raise FailedError(f"no answer within {bound:g} s") from None


class _Streamer(_Listener):
    """One to whom events are sent."""

    def __init__(self, number: int, run: _Run) -> None:
        super().__init__(number, run)
        self._events = Events()
        self._connection: _Connection | None = None
        self._live = asyncio.get_running_loop().create_future()

    async def enter(self) -> None:
        run = self._run
        run.asked += 1
        reader = Reader(self._take)
        connection = self._connection = await run.opener.connect(self._number, lambda: _Connection(run, reader))
        target = f"{run.path}events"
        answer = connection.ask(f"GET {target} HTTP/1.1\r\n{run.fields}Accept: text/event-stream\r\n\r\n".encode())
        await asyncio.wait([self._live, answer], return_when=asyncio.FIRST_COMPLETED)
        if not self._live.done():
            told, _ = answer.result()
            raise FailedError(f"HTTP {told.status} {_words(told.body)}" if told.status != 200 else "the stream ended")
        run.answered += 1
        connection.ended.add_done_callback(self._end)
        answer.add_done_callback(self._end)

    async def listen(self, clock: Clock) -> None:
        pass

    def leave(self) -> None:
        if self._connection:
            self._connection.close()

    def _take(self, piece: bytes) -> None:
        now = monotonic_ns()
        for data in self._events.feed(piece):
            if not self.hearing.take(data, now) and not self._live.done() and is_live(data):
                self._live.set_result(None)

    def _end(self, done: asyncio.Future[_Arrived] | asyncio.Future[None]) -> None:
        """The stream has ended."""
        self.gone = True
        if not done.cancelled():
            done.exception()  # it need not be told, for the connection is counted as one that has ended


class _Socket(Hearer):
    """One who listens by a WebSocket."""

    def __init__(self, run: _Run) -> None:
        super().__init__(run.talk)
        self._run = run
        self._tap: Tap | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self._tap = self._run.wire.tap(transport.underlying_transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        super().on_ws_disconnected(transport)
        if self._tap:
            self._tap.close()


async def run(plan: Plan, start: Start) -> Report:
    """Carry the plan out: what is achieved is deliveries, of each message to each who listens. Where nothing is said it
    is how many listen: they hear one message in the end.
    """
    if wrong := _over_the_limit(plan):
        return Report(trouble=wrong)
    found, speaker = _Run(plan), Visitor()
    listeners: list[_Listener] = []
    sockets: list[_Socket] = []
    if plan.transport == "websocket":
        sockets = [_Socket(found) for _ in range(plan.connections)]
    else:
        kind = _Streamer if plan.transport == "events" else _Poller
        listeners = [kind(number, found) for number in range(plan.connections)]
    try:
        if trouble := await _enter(found, speaker, listeners, sockets):
            return Report(trouble=trouble)
        return await _listen(found, speaker, listeners, sockets, start)
    finally:
        everybody: list[Listener] = [*listeners, *sockets]
        for one in everybody:
            one.leave()
        for _ in range(_FAREWELLS if hasattr(speaker, "transport") else 0):
            await asyncio.sleep(_APART)
            if not speaker.gone:
                found.talk.say(speaker, monotonic_ns())
        await asyncio.sleep(_APART)
        if hasattr(speaker, "transport"):
            speaker.leave()


def _over_the_limit(plan: Plan) -> str | None:
    """Why the lab's proxy would refuse some of it; None where it would not. On the loopback network listeners have
    several addresses, for what it limits is each address.
    """
    if not plan.aim.one_address:
        return None
    if plan.connections >= MOST_CONNECTIONS:
        return (
            f"the proxy takes {MOST_CONNECTIONS:,} connections from one address, and one speaks beside the "
            f"{plan.connections:,} who listen; lower --connections"
        )
    requests = plan.connections * _asks(plan)
    if requests <= MOST_REQUESTS:
        return None
    return (
        f"the proxy takes {MOST_REQUESTS:,} polls a second from one address, and not {requests:,.0f}; "
        "lower --connections, or poll more seldom"
    )


def _asks(plan: Plan) -> float:
    """How many requests each listener makes a second."""
    if plan.transport == "poll" and plan.polled:
        return 1 / plan.polled
    return (plan.rate or 1 / plan.wait) if plan.transport == "long-poll" else 0.0


async def _enter(found: _Run, speaker: Visitor, listeners: Sequence[_Listener], sockets: Sequence[_Socket]) -> str:
    """Have them all in the room; gives why that could not be, in words for the user, or nothing."""
    plan = found.plan
    turn = asyncio.Semaphore(_AT_ONCE)
    entered: list[_Listener] = []

    async def enter(one: _Listener) -> None:
        async with turn:
            await one.enter()
            entered.append(one)

    try:
        async with asyncio.timeout(plan.within):
            await Opener(plan, plan.speaker).open(speaker)  # first: the others may take all threads
            await speaker.live  # polls are refused until the service has read the room
            await found.opener.open_all(sockets)
            try:
                async with asyncio.TaskGroup() as tasks:
                    for one in listeners:
                        tasks.create_task(enter(one))
            except BaseExceptionGroup as group:
                raise group.exceptions[0] from None
            await asyncio.gather(*(one.live for one in sockets))
    except TimeoutError:
        live = len(entered) + sum(one.live.done() and not one.live.cancelled() for one in sockets)
        return f"only {live:,} of {plan.connections:,} were in the room and live within {plan.within:g} s"
    except (OSError, WSError, UnreachableError, FailedError) as error:
        return f"the room could not be entered: {reason(error)}"
    return ""


async def _listen(
    found: _Run, speaker: Visitor, listeners: Sequence[_Listener], sockets: Sequence[_Socket], start: Start
) -> Report:
    plan, talk = found.plan, found.talk
    everybody: list[Listener] = [*listeners, *sockets]
    clock = await start.clock()
    edges: list[_Counts] = []
    clock.at_edges = lambda: edges.append(found.counts())
    async with asyncio.TaskGroup() as tasks:
        going = [tasks.create_task(one.listen(clock)) for one in listeners]
        if plan.rate:
            await speak(plan, talk, speaker, clock)
        else:
            clock.start()
            await asyncio.sleep((clock.end - monotonic_ns()) / SECOND)
        clock.stop()
        talk.errors.connections = sum(one.gone for one in everybody) + speaker.gone
        if not plan.rate and not speaker.gone:
            talk.say(speaker, monotonic_ns())
        await settle(talk, everybody, plan.patience + (plan.polled or 0.0))
        for task in going:
            task.cancel()
    return _count(found, clock, edges, sum(not one.hearing.lacks for one in everybody))


def _count(found: _Run, clock: Clock, edges: Sequence[_Counts], whole: int) -> Report:
    """What it all came to; `whole` is how many heard everything."""
    plan, talk = found.plan, found.talk
    if plan.rate:
        report = count(plan, talk, clock)
        planned = (clock.planned(number) for number in range(len(talk.said)))
        late = (said - at for said, at in zip(talk.said, planned, strict=True) if at >= clock.begin)
        report.lateness = histogram(chain(late, found.late))
    else:
        report = msgspec.structs.replace(
            clock.report(plan.seconds),
            ended="" if talk.heard else "stopped answering",
            sent=len(talk.said),
            achieved=float(whole),
            errors=talk.errors,
            lateness=histogram(found.late),
        )
    first, last = edges
    report.requests = (last.requests - first.requests) / plan.seconds
    report.opened = (last.opened - first.opened) / plan.seconds
    if found.wire.counts:
        report.down, report.up = last.down - first.down, last.up - first.up
    if talk.errors.failed:
        report.trouble = f"{talk.errors.failed:,} of {found.asked:,} requests failed, the last one: {found.failure}"
    return report


def _words(body: bytes) -> str:
    """What an answer says, as far as it may be shown."""
    return ascii(body[:80].decode("latin-1"))

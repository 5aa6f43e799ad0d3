"""The scenarios: what is sent, how fast, and for how long. A scenario is a name and its steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import msgspec

from echowall.bench.loads import connections, talk
from echowall.catalog.catalog import Service
from echowall.results.model import Step, Transport

#: Messages a second over all connections: nearly idle, common, and near what the slowest stacks can hold on one core.
RATES = (100.0, 1000.0, 2000.0)
#: The rate at which longer messages are sent.
LONGER = 500.0
SIZE, CONNECTIONS = 64, 50
WARMUP, SECONDS = 1.0, 10.0
#: Deliveries a second in the chat room.
_DELIVERIES = 1000.0
MIB = 1 << 20
#: Seconds from one message to the next, and from one poll of a listener to the next.
EVERY, POLLED = (0.1, 1.0, 10.0), (1.0, 5.0)
#: How many listen.
_LISTENERS = 100
#: How long is measured where something is said, in seconds, at least.
_HEARD = 10.0
#: How long is measured where nothing is said: as long as most servers wait until they ping, as it is from one comment
#: in a stream of events to the next, as long as a long poll waits, and any time for polls.
_QUIET: dict[Transport, float] = {"websocket": 20.0, "events": 15.0, "long-poll": 25.0, "poll": 10.0}
_WAYS: dict[Transport, str] = {"websocket": "WebSocket", "events": "events", "long-poll": "long poll", "poll": "poll"}

Option = Literal["rate", "size", "every", "polled"]


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the user wants otherwise than a scenario has it; what is empty is left as it is."""

    rates: Sequence[float] = ()
    sizes: Sequence[int] = ()
    every: Sequence[float] = ()
    polled: Sequence[float] = ()
    connections: int | None = None
    seconds: float | None = None


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A way of loading a server."""

    name: str
    about: str
    """In a sentence, for help."""
    takes: tuple[Option, ...] = ()
    """Which options change what it sends."""
    chosen: Callable[[Wishes], Iterable[Step]]
    """Its steps, with the rates and sizes that are wanted in the place of its own."""

    @property
    def steps(self) -> list[Step]:
        """As they are if nobody wants anything else."""
        return steps([self.name])


def paced(rate: float, size: int = SIZE) -> Step:
    """A step of an open loop."""
    return _step("rate", f"{_size(size)} at {rate:g}/s", rate=rate, size=size)


def full(in_flight: int, size: int = SIZE) -> Step:
    """A step of a closed loop."""
    return _step("saturation", f"{_size(size)}, {in_flight} in flight", in_flight=in_flight, size=size)


def _step(scenario: str, name: str, **facts: Any) -> Step:
    usual: dict[str, Any] = {
        "load": "echo",
        "unit": "message",
        "rate": None,
        "in_flight": None,
        "size": SIZE,
        "binary": False,
        "connections": CONNECTIONS,
        "warmup": WARMUP,
        "seconds": SECONDS,
    }
    return Step(name=name, scenario=scenario, **usual | facts)


def _size(size: int) -> str:
    if size >= MIB and not size % MIB:
        return f"{size // MIB} MiB"
    return f"{size // 1024} KiB" if size >= 1024 and not size % 1024 else f"{size} B"


def _rate(wishes: Wishes) -> Iterable[Step]:
    if wishes.rates or wishes.sizes:
        return [paced(rate, size) for size in wishes.sizes or [SIZE] for rate in wishes.rates or [LONGER]]
    return [*(paced(rate) for rate in RATES), paced(LONGER, 1024), paced(LONGER, 16 * 1024)]


def _saturation(wishes: Wishes) -> Iterable[Step]:
    return [full(in_flight, size) for in_flight in (1, 16) for size in wishes.sizes or [SIZE]]


def _large(wishes: Wishes) -> Iterable[Step]:
    return [
        _step("large", _size(size), in_flight=1, size=size, connections=4, unit="MiB")
        for size in wishes.sizes or [MIB, 16 * MIB]
    ]


def _connections(scenario: str, name: str, messages: int) -> Callable[[Wishes], Iterable[Step]]:
    facts = {"load": "connections", "unit": "connection", "messages": messages, "connections": 16}
    return lambda _: [_step(scenario, name, **facts)]


def _slow(wishes: Wishes) -> Iterable[Step]:
    #: Long enough for the buffers of what does not read to be full, and for 10,000 messages and some.
    facts = {"connections": 100, "warmup": 4.0, "seconds": 12.0}
    for rate in wishes.rates or [1000.0]:
        name = f"{_size(SIZE)} at {rate:g}/s"
        yield _step("slow", f"{name}, all reading", rate=rate, **facts)
        yield _step("slow", f"{name} beside one that does not read", rate=rate, stuck=1, **facts)


def _idle(_: Wishes) -> Iterable[Step]:
    # Twenty seconds are as long as most servers wait until they ping.
    facts = {"load": "idle", "unit": "socket", "connections": 1000, "warmup": 2.0, "seconds": 20.0}
    yield _step("idle", "idle sockets", **facts)
    yield _step("idle", "idle sockets, deflate offered", deflate=True, **facts)


def _room(wishes: Wishes) -> Iterable[Step]:
    # A thousand deliveries a second in all cases.
    facts = {"load": "room", "unit": "delivery", "size": talk.SIZE, "warmup": 2.0, "seconds": 11.0}
    for hearers in [wishes.connections] if wishes.connections else [100, 500]:
        step = _step("room", f"{hearers:,} hear", rate=_DELIVERIES / hearers, connections=hearers, **facts)
        yield step
        if hearers != 500:
            yield msgspec.structs.replace(step, name=f"{step.name} across", across=True)


def _push(wishes: Wishes) -> Iterable[Step]:
    listeners = wishes.connections or _LISTENERS
    usual = {"load": "push", "size": talk.SIZE, "connections": listeners}
    ways: list[tuple[Transport, float | None]] = [("websocket", None), ("events", None), ("long-poll", None)]
    ways += [("poll", polled) for polled in wishes.polled or POLLED]
    for every in (*(wishes.every or EVERY), None):
        for transport, polled in ways:
            said = f"a message every {every:g} s" if every else "nothing said"
            least = wishes.seconds or (_HEARD if every else _QUIET[transport])
            yield _step(
                "push",
                f"{way(transport, polled)}, {said}",
                unit="delivery" if every else "listener",
                rate=1 / every if every else None,
                transport=transport,
                every=every,
                polled=polled,
                # Whoever polls has done so once before the time begins that is measured.
                warmup=max(3.0, (polled or 0.0) + 1.0),
                # Else a ping, or a comment, might be in one step and not in another.
                seconds=_whole(
                    least, every, polled, _QUIET[transport] if transport in ("websocket", "events") else None
                ),
                **usual,
            )


def way(transport: Transport, polled: float | None) -> str:
    """By what one listens, for people."""
    return f"{_WAYS[transport]} every {polled:g} s" if polled else _WAYS[transport]


def _whole(least: float, *periods: float | None) -> float:
    """The shortest time, from so many seconds on, in which each of these periods passes a whole number of times. So
    whatever moment it begins at, the same is said and asked in it.
    """
    milliseconds = math.lcm(*(round(1000 * one) for one in periods if one))
    return math.ceil(round(1000 * least) / milliseconds) * milliseconds / 1000


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="rate",
            about="Messages at fixed rates: what they cost the server, and how long they take.",
            takes=("rate", "size"),
            chosen=_rate,
        ),
        Scenario(
            name="saturation",
            about="As many messages as come back, with 1 or 16 of each connection underway.",
            takes=("size",),
            chosen=_saturation,
        ),
        Scenario(
            name="large",
            about="Messages of 1 MiB and of 16 MiB, or of the most that the service takes.",
            takes=("size",),
            chosen=_large,
        ),
        Scenario(
            name="connect",
            about="New connections, each for one message: handshakes a second, and what one costs.",
            chosen=_connections("connect", "new connections", 1),
        ),
        Scenario(
            name="churn",
            about="Connections of ten messages each.",
            chosen=_connections("churn", "connections of 10 messages", 10),
        ),
        Scenario(
            name="slow",
            about="Messages at a fixed rate, with and without one of 100 connections that never reads.",
            takes=("rate",),
            chosen=_slow,
        ),
        Scenario(
            name="idle",
            about="A thousand sockets that are left alone: memory and CPU time of each.",
            chosen=_idle,
        ),
        Scenario(
            name="room",
            about="One says something in the service's chat room, and 100 or 500 hear it.",
            chosen=_room,
        ),
        Scenario(
            name="push",
            about="A hundred hear the chat room by a WebSocket, by events, by long polls or by polls: what a message "
            "costs, and from how seldom a message on push costs less than polling.",
            takes=("every", "polled"),
            chosen=_push,
        ),
    )
}


def steps(names: Iterable[str], *, binary: bool = False, **wishes: Any) -> list[Step]:
    """The steps of the scenarios with these names, changed as the user wants; see Wishes. Raises KeyError for a name
    that is none.
    """
    return of_wishes(names, Wishes(**wishes), binary=binary)


def of_wishes(names: Iterable[str], wishes: Wishes, *, binary: bool) -> list[Step]:
    """The same. Other rates, sizes and intervals are in the place of a scenario's own."""
    found = [step for name in names for step in SCENARIOS[name].chosen(wishes)]
    changes = {"connections": wishes.connections, "seconds": wishes.seconds}
    return [
        msgspec.structs.replace(step, binary=binary, **{key: value for key, value in changes.items() if value})
        if step.load != "push"  # which has heeded them
        else step
        for step in dict.fromkeys(found)
    ]


def serves(service: Service | None, step: Step) -> bool:
    """Whether a service takes part in a step: in those of the scenario `push` only with the step's transport; by a
    WebSocket those that have another, to compare it with.
    """
    if step.transport is None:
        return True
    return service is not None and bool(service.push) and step.transport in ("websocket", *service.push)


def size(step: Step, among: Iterable[Step], limit: int | None) -> int | None:
    """The bytes of each message to a service that takes messages up to that limit: large ones are no longer than it.

    None where an earlier step among those sends the same, so that this one is left out.
    """
    if step.unit != "MiB" or limit is None:
        return step.size
    for other in among:
        if other == step:
            break
        if other.unit == "MiB" and min(other.size, limit) == min(step.size, limit):
            return None
    return min(step.size, limit)


def alone(step: Step, among: Iterable[Step]) -> Step | None:
    """The same step without the connections that never read; None where it has none, or there is no such step."""
    if not step.stuck:
        return None
    facts = {"stuck": 0, "name": ""}
    without = msgspec.structs.replace(step, **facts)
    return next((one for one in among if msgspec.structs.replace(one, **facts) == without and not one.stuck), None)


def batches(chosen: Sequence[Step]) -> list[list[Step]]:
    """Which steps are measured on the same server. What a step adds to its memory can only be told on a fresh one."""
    alone = [[step] for step in chosen if step.load == "idle"]
    together = [step for step in chosen if step.load != "idle"]
    return [together, *alone] if together or not alone else alone


def title(step: Step) -> str:
    """What stands above its table."""
    what = {"connections": "at a time", "push": "listeners"}.get(step.load, "connections")
    return f"{step.name}, {step.connections:,} {what}"


def told(step: Step) -> str:
    """How it loads a server, in a few words."""
    if step.load == "room" and step.rate:
        where = ", by way of the yardstick" if step.across else ""
        return f"{step.rate:,g} said a second{where}"
    if step.load == "push":
        return f"{step.rate:,g} said a second" if step.rate else "nothing said until the end"
    if step.load == "idle":
        return "left alone on a server of their own"
    if step.load == "connections":
        return f"as fast as they open, {connections.MOST:,} at most"
    if step.rate:
        return f"{step.rate:,g} messages a second" + (f", {step.stuck} never reads" if step.stuck else "")
    return f"{step.in_flight} in flight"

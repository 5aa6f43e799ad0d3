"""What a run of the lab found, and what it ran on, as it is kept. docs/results.md is written from this module."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec

from echowall.catalog.catalog import Push, Route
from echowall.results.verdicts import Verdict

SCHEMA = 2
#: The only fields of a run in the store that may be null or empty.
_MAY_BE_EMPTY = frozenset(
    {"max_message", "ping_interval", "detail", "close_code", "sends"}
    # A benchmark: what a closed loop does not have, and what it refuses to report, which it then says in `refusals`.
    | {"rate", "in_flight", "offered", "lateness", "uncorrected", "refusals", "comparisons", "cores"}
    | {"latency", "p50", "p90", "p99", "p999", "throughput", "cpu", "proxy_cpu", "memory", "shares", "gone"}
    # What only some of the scenarios have, what the gate did not find wrong, and that no workers were asked for.
    | {"size", "messages", "to_step", "socket_memory", "gate", "workers"}
    | {"descriptors", "memory_trend", "descriptors_trend", "latency_trend"}  # a soak, where it cannot be seen
    | {"max_sockets", "refused"}  # a stack that nothing limits, and that took all sockets
    # What an attack found no fault in, or has no figure of.
    | {"faults", "measured", "skipped"}
    | {"transport", "every", "polled", "requests", "opened", "down", "up", "derived", "crossovers", "at"}
)


class Run(msgspec.Struct, kw_only=True, tag_field="kind"):
    """What every run says of itself. The key `kind` says what kind of run it is."""

    schema: int = SCHEMA
    """It grows when a key changes its meaning."""
    id: str
    """When it began and at which commit: `20261129T031500Z-57132d4`. It is the file's name in the store."""
    began: datetime
    """UTC, to the second."""
    ended: datetime
    """UTC, to the second."""
    commit: str | None
    """The checkout's commit when the run began; null where the tool runs from no checkout."""
    clean: bool | None
    """Whether the checkout, but for `results/`, was as committed; null where there is no commit."""
    machine: Machine
    """Where the run took place."""
    engine: str | None
    """What ran the services: `processes`, or the container engine and its version; null for URLs alone."""


class CheckRun(Run, kw_only=True, tag="check"):
    """A run of `echowall check`: its `kind` is `check`."""

    checks: list[Question]
    """The checks that were put, in the order in which they are shown."""
    targets: list[Examined]
    """What was examined, and what was found."""
    interrupted: bool = False
    """Whether the run was ended before its time, so that answers are missing; never in the store."""


class ConformanceRun(Run, kw_only=True, tag="conformance"):
    """A run of `echowall conformance`: its `kind` is `conformance`."""

    suite: str
    """The release of the Autobahn Testsuite."""
    cases: list[str]
    """Which cases were put: the name of a set (`quick`, `ci`, `full`), or patterns of ids."""
    targets: list[Conformed]
    """What was tested, and what was found."""
    interrupted: bool = False
    """Whether the run was ended before its time, so that answers are missing; never in the store."""


class BenchRun(Run, kw_only=True, tag="bench"):
    """A run of `echowall bench`: its `kind` is `bench`."""

    seed: int
    """Of the order within rounds, and of the intervals: the same seed gives the same."""
    rounds: int
    """How many were finished. Each has every target and every step once, in an order of its own."""
    yardstick: str
    """The service to which the others are compared; empty where none is measured."""
    generator: dict[str, str]
    """The versions of what sends the messages."""
    steps: list[Step]
    """What was measured, in the order in which it is shown."""
    targets: list[Benched]
    """What was measured, and what was found."""
    comparisons: list[Comparison]
    """Each target with the yardstick; among them a second instance of the yardstick itself, which shows the noise. Each
    stack without its mends, tuned or with more workers with itself as it is, which shows what that makes. And each
    target beside connections that never read with itself without them."""
    derived: list[Derived] = []
    """What a delivered message costs where it is said more rarely than was measured: by the scenario `push`."""
    crossovers: list[Crossover] = []
    """Where push costs less CPU than polling: by the scenario `push`."""
    interrupted: bool = False
    """Whether the run was ended before its time, so that rounds are missing; never in the store."""


class SoakRun(Run, kw_only=True, tag="soak"):
    """A run of `echowall soak`: its `kind` is `soak`."""

    generator: dict[str, str]
    """The versions of what sends the messages."""
    rate: float
    """Messages a second of each socket, each at its planned time."""
    size: int
    """Bytes of a message."""
    planned: float
    """How many seconds it was to take, without the opening of the sockets."""
    window: float
    """Seconds of each part of that time."""
    lateness: float
    """The 99th percentile of how late the generator sent a message, in microseconds."""
    targets: list[Soaked]
    """What was measured, and what was found."""
    interrupted: bool = False
    """Whether the run was ended before half of it was over; never in the store."""


class SocketsRun(Run, kw_only=True, tag="sockets"):
    """A run of `echowall sockets`: its `kind` is `sockets`."""

    sockets: int
    """How many each stack was asked for, if its own settings allow so many."""
    targets: list[Held]
    """What was measured, one stack after the other, and what was found."""
    interrupted: bool = False
    """Whether the run was ended before its time, so that stacks are missing; never in the store."""


class AttackRun(Run, kw_only=True, tag="attack"):
    """A run of `echowall attack`: its `kind` is `attack`."""

    seed: int
    """Of the fuzz: the same seed makes the same cases."""
    attacks: list[Attack]
    """What was tried, in the order in which it is shown."""
    outcomes: list[Outcome]
    """What came of it."""
    interrupted: bool = False
    """Whether the run was ended before its time, so that outcomes are missing; never in the store."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A computer, and the tool's Python on it."""

    system: str
    """The kernel and its version."""
    processor: str
    """As the kernel calls it."""
    cores: int
    """How many the run could use."""
    python: str
    """The version of Python that the tool ran on."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A check as it was put: the question, and which answers were right."""

    id: str
    """The check's id."""
    group: str
    """The group of checks that it belongs to."""
    section: str
    """Where the answer is laid down, as in `RFC 6455, 5.5.2`."""
    question: str
    """One sentence."""
    expects: tuple[str, ...]
    """The outcomes that pass."""
    sends: str = ""
    """What is sent, in a sentence or a few; empty in runs before this was kept."""


class Target(msgspec.Struct, kw_only=True):
    """What was examined: a service of the lab by one route, or a URL."""

    name: str
    """The service's name, or the URL."""
    url: str
    """The address that was asked."""
    via: Route | None = None
    """The route, `direct` or `proxy`; null for a URL."""
    versions: dict[str, str] = {}
    """What the service's `/about` says it has loaded; empty for a URL."""
    limits: Limits | None = None
    """What the service was configured to bear; null for a URL."""
    mends: Literal["on", "off"] | None = None
    """Whether the service mended what its stack gets wrong; null for a URL."""

    def facts(self) -> dict[str, Any]:
        """What every target says of itself, to make one of another kind of it."""
        return {field: getattr(self, field) for field in Target.__struct_fields__}

    @property
    def label(self) -> str:
        """The name, and by which route."""
        return f"{self.name} ({self.via})" if self.via else self.name


class Examined(Target, kw_only=True):
    """A target, and what the checks found about it."""

    results: list[Result] = []
    """One for each check that was put, in the order of the run's `checks`."""


class Conformed(Target, kw_only=True):
    """A target, and what the Autobahn Testsuite found about it."""

    results: list[CaseResult] = []
    """One for each case that was put, in the suite's order."""


class Benched(Target, kw_only=True):
    """A target, and what it costs."""

    again: bool = False
    """Whether this is the second instance of the yardstick, which is there to show the noise."""
    tuned: bool = False
    """Whether it ran with what its `service.toml` declares as `[[tuned]]`, and not with its usual settings."""
    workers: int | None = None
    """How many worker processes `--workers` asked for; null where it ran with its usual number."""
    settings: dict[str, Setting] = {}
    """With what it ran, by name: `deflate`, `ping_interval`, `max_message`, `buffers`, `loop`, `workers`, `threads`;
    what is not known is missing, and of a URL only `deflate` is known."""
    gate: list[Result] = []
    """What the checks of the groups `messages` and `honesty` found wrong before the first round, known deviations too;
    empty where nothing was. What of it withholds all figures the figures' `refusals` say."""
    cores: list[int] = []
    """The CPUs to which the server was kept; empty where it was not kept to any."""
    measurements: list[Measurement] = []
    """One for each round and step, in the order in which they were made; none where the gate withholds everything."""
    figures: list[Figure] = []
    """One for each step that it was measured in, over all rounds."""

    @property
    def label(self) -> str:
        """The name, and what tells it from others of that name."""
        further = [self.via or "", "bare" if self.mends == "off" else "", "again" if self.again else ""]
        further += ["tuned" if self.tuned else "", f"{self.workers} workers" if self.workers else ""]
        words = ", ".join(word for word in further if word and word != "direct")
        return f"{self.name} ({words})" if words else self.name


class Soaked(Target, kw_only=True):
    """A target, and what became of it while sockets talked for a long time."""

    sockets: int
    """How many it had."""
    windows: list[Window]
    """The parts of the time that are whole, one after the other. The first two are not in the trends."""
    errors: Errors
    """What went wrong. None of it was timed."""
    memory_trend: Trend | None = None
    """Of the memory, in bytes an hour; null where it may not be seen."""
    descriptors_trend: Trend | None = None
    """Of the open descriptors, in descriptors an hour; null where they may not be seen."""
    latency_trend: Trend | None = None
    """Of the median of the latency, in microseconds an hour; null where too little came back."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What one target was like in a part of the time of a soak."""

    memory: int | None
    """The median of the memory of its processes, in bytes; a page that several share counts in part for each."""
    descriptors: int | None
    """The median of how many descriptors its processes had open."""
    p50: float | None
    """The median of the latency from the sending of a message, in microseconds; null where nothing came back."""
    p99: float | None
    """Its 99th percentile."""
    echoes: int
    """How many right echoes came back."""


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """By how much something grows in an hour, with its interval of 95 %."""

    slope: float
    """The slope of a line through the windows, by least squares."""
    low: float
    """The interval's beginning: above 0, it grows."""
    high: float
    """The interval's end."""

    @property
    def grows(self) -> bool:
        """Whether that can be told apart from standing still."""
        return self.low > 0


#: What part of its growth a stack may keep of its open files.
MAY_KEEP = 0.1


class Held(Target, kw_only=True):
    """A target, and what became of many idle sockets."""

    max_sockets: int | None
    """How many it serves by its own settings or a mend; null where nothing limits them."""
    asked: int
    """How many were asked for."""
    held: int
    """How many were open at the same time."""
    right: int
    """How many of them had one echo right."""
    refused: dict[str, int]
    """What became of the others: `HTTP 503`, `cut off`, `no answer`, and of those that had been open `cut later`; empty
    where there are none."""
    start: Amount
    """What its processes had before."""
    full: Amount
    """With all sockets open."""
    end: Amount
    """When they had gone: as soon as both were back, else after a minute."""
    seconds: float
    """How long after their end that was."""
    same: bool
    """Whether its processes are those that it had at the start."""

    @property
    def faults(self) -> list[str]:
        """What is wrong, in words for the user. Memory is told and not judged: allocators keep some of it for later."""
        due = min(self.asked, self.max_sockets or self.asked)
        growth = self.full.descriptors - self.start.descriptors
        kept = self.end.descriptors - self.start.descriptors
        return [
            *([f"{due - self.held:,} of {due:,} sockets were not held"] if self.held < due else []),
            *([f"it held {self.held:,}, more than its max_sockets"] if self.held > due else []),
            *([f"{self.held - self.right:,} echoes were not right"] if self.right < self.held else []),
            *(["its processes were not the same in the end"] if not self.same else []),
            *([f"it kept {kept:,} open files"] if kept > MAY_KEEP * growth else []),
        ]

    @property
    def kept(self) -> float:
        """What part of the memory's growth was kept."""
        return (self.end.memory - self.start.memory) / max(1, self.full.memory - self.start.memory)


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """What a stack's processes have."""

    memory: int
    """Resident, in bytes."""
    descriptors: int
    """Open files."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a service was configured to bear, by its `service.toml`."""

    max_message: int | None
    """Bytes; null where there is no limit."""
    ping_interval: int | None
    """Seconds; null where the server never pings."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What one setting of a server is."""

    value: str
    """As in `on`, `20 s`, `1048576 B`, `uvloop`."""
    source: Literal["default", "set", "tuned", "seen"]
    """Where it comes from: the library's default; the exhibit's own code; what `--tuned` or `--workers` changed; or, of
    a URL, the answer to the handshake."""


class Result(msgspec.Struct, kw_only=True):
    """The answer of one target to one check."""

    check: str
    """The check's id."""
    verdict: Verdict
    """What came of it."""
    outcome: str
    """What was observed, in the check's fixed words."""
    detail: str = ""
    """Figures and circumstances that vary from run to run."""
    seconds: float = 0.0
    """How long the check took; not a measure of the server."""


class CaseResult(msgspec.Struct, kw_only=True):
    """The answer of one target to one case of the Autobahn Testsuite."""

    case: str
    """The case's id, as in `7.1.5`."""
    verdict: Verdict
    """What came of it."""
    outcome: str
    """What was observed: `as expected`; `failed`, which the suite says of the messages; `wrong close`, which it says of
    the end of the connection alone; `not offered`, `over the limit`, `no end`, `not put`."""
    behavior: str
    """How the messages went, in the suite's own words."""
    close: str
    """How the connection ended, in the suite's own words."""
    close_code: int | None
    """The code of the target's close frame; null where there was none."""
    detail: str = ""
    """Figures and circumstances that vary from run to run."""
    seconds: float = 0.0
    """How long the case took; not a measure of the server."""


Load = Literal["echo", "connections", "idle", "room", "push"]
Unit = Literal["message", "MiB", "connection", "socket", "delivery", "listener"]
Transport = Literal["websocket", Push]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a scenario: one way of sending messages."""

    name: str
    """As in `64 B at 1000/s`."""
    scenario: str
    """Whose part it is: `rate`, `saturation`, `large`, `connect`, `churn`, `slow`, `idle`, `room`, `push`."""
    load: Load
    """What is done: `echo` is messages that come back on connections that stay; `connections` is connections that are
    opened, have some messages echoed, and are closed, each followed by another; `idle` is connections that are left
    alone, and are asked in the end whether they live; `room` is one who speaks in the chat room, and others who hear
    it; `push` is the same by one transport of several."""
    unit: Unit
    """What is counted: rates are such a second, and the cost is for each. Sockets that are left alone are as many as
    live, and the cost is for each of them and each second. A delivery is a message to one of those who hear it. A
    listener is one of those where nothing is said, with a cost for each and each second."""
    rate: float | None
    """Messages a second over all connections, each at its planned time (open loop); null where each connection sends
    its next message when one has come back (closed loop), and where none is sent."""
    in_flight: int | None
    """How many messages of each connection are underway, in a closed loop; null in an open one."""
    size: int
    """Bytes of a message."""
    binary: bool
    """Whether the messages are binary, and not text."""
    messages: int | None = None
    """How many are echoed on each connection before it is closed; null where connections stay."""
    connections: int
    """How many; of those that do not stay, how many at a time; in the chat room, how many hear."""
    across: bool = False
    """Whether the one who speaks in the chat room is on the yardstick's service, as it runs, and the others are not."""
    deflate: bool = False
    """Whether permessage-deflate is offered, as a browser does."""
    stuck: int = 0
    """How many of them never read what they are sent, while they go on sending 64 KiB 32 times a second."""
    transport: Transport | None = None
    """By what one listens, in the scenario `push`; null in any other. A long poll waits 25 s at most."""
    every: float | None = None
    """Seconds from one message to the next, in the scenario `push`; null where nothing is said until the end."""
    polled: float | None = None
    """Seconds from one poll of a listener to the next; null where they do not poll."""
    warmup: float
    """Seconds that were left out at the beginning."""
    seconds: float
    """How long was measured after that, in each round."""


class Why(StrEnum):
    """Why a figure is withheld."""

    GATE = "gate"
    """The echo is not right: the checks of the groups `messages` and `honesty` found messages that are lost or altered,
    so that nothing was measured."""
    TROUBLE = "trouble"
    """There was no run: the connections could not be opened, for one."""
    ENDED = "ended"
    """The server stopped answering, or closed every connection."""
    RATE = "rate"
    """Less than 98 % of what was offered came back in time, so it cannot hold the rate."""
    GENERATOR = "generator"
    """The generator was the limit: the 99th percentile of its lateness is over a tenth of that of the latency, or it
    used over 85 % of its core, in a closed loop with the time in which it waited for that core."""
    SAMPLES = "samples"
    """Fewer than 100 samples lie beyond the percentile."""
    WORKER = "worker"
    """A worker that had a share of the load went away."""
    WRONG = "wrong"
    """In the scenario `push`, which no gate stands before: a listener did not hear each message exactly once and in
    order, or a request failed."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that is withheld."""

    why: Why
    """The rule."""
    withheld: str
    """What is: `everything`, `latency`, `cost`, `throughput`, or a percentile."""
    says: str
    """One sentence, with the figures."""


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles of a time, in microseconds; null where fewer than 100 samples lie beyond one."""

    samples: int
    """How many there are."""
    p50: float | None
    """The median."""
    p90: float | None
    """The 90th percentile."""
    p99: float | None
    """The 99th percentile."""
    p999: float | None
    """The percentile 99.9."""
    longest: float
    """The one longest time: not a percentile, and of no use in comparing."""


class Errors(msgspec.Struct, kw_only=True):
    """What went wrong, in messages or connections, from the first on, warm-up included. None of these was timed."""

    lost: int = 0
    """Never came back."""
    twice: int = 0
    """Came back once more."""
    altered: int = 0
    """Were not what had been sent, or their checksum was wrong."""
    strays: int = 0
    """Came back on another connection."""
    disordered: int = 0
    """Came back after one that was sent later."""
    unanswered: int = 0
    """Were still underway when the run's patience was at an end."""
    unsent: int = 0
    """Were not sent, because their connection had ended."""
    connections: int = 0
    """Connections (not messages) that ended before the run did."""
    refused: int = 0
    """Connections that could not be opened; of those that have to stay, the run takes none."""
    unclosed: int = 0
    """Connections whose close frame was not answered."""
    failed: int = 0
    """Requests (not messages) that were answered with another status than 200 or 304, or not at all."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, name) for name in self.__struct_fields__)

    @classmethod
    def together(cls, several: Collection[Errors]) -> Errors:
        """The sum of these."""
        return cls(**{name: sum(getattr(one, name) for one in several) for name in cls.__struct_fields__})


class Measurement(msgspec.Struct, kw_only=True):
    """One step, in one round."""

    step: str
    """The step's name."""
    round: int
    """From 1 on."""
    offered: float | None
    """Units of the step that were planned, a second; null in a closed loop."""
    achieved: float
    """Right echoes a second, in units of the step."""
    size: int | None = None
    """Bytes of a message, where these are fewer than the step has: the service takes no longer ones."""
    sent: int
    """Messages, or connections that were tried, warm-up included."""
    errors: Errors
    """What went wrong."""
    latency: str
    """From the planned time of a message to its echo (in a closed loop: from the time of sending), as an encoded
    HdrHistogram of nanoseconds. Of new connections: from connect() to the answer of the handshake."""
    uncorrected: str
    """From the time of sending to the echo; empty in a closed loop."""
    lateness: str
    """From the planned time to the time of sending: the generator's own fault; empty in a closed loop."""
    generator: float
    """The share of one core that the generator used, but for waiting busily until a message is due."""
    starved: float
    """The share of the time in which it could have gone on, but waited for a CPU; 0 where the kernel does not say."""
    cores: list[int]
    """The CPUs on which the generator could run."""
    cpu: float | None
    """The server's CPU time, in microseconds for each unit of the step; null for a URL."""
    proxy_cpu: float | None
    """The proxy's, on that route; null on any other."""
    memory: int | None
    """The server's at the end of the step, as the proportional set size of all its processes, in bytes; null for a
    URL."""
    socket_memory: float | None = None
    """By how much that grew from before the connections were opened, in bytes for each; null where they are not left
    alone, and for a URL."""
    requests: float | None = None
    """HTTP requests that were answered, a second, by all listeners together; null but in the scenario `push`."""
    opened: float | None = None
    """Connections that the listeners opened, a second: where the server ends idle ones before the next poll, for one;
    null but in the scenario `push`."""
    down: float | None = None
    """Bytes that came to the listeners, for each unit of the step, headers, empty answers and control frames included:
    the payload of TCP. Null but in the scenario `push`, and where the system does not count them."""
    up: float | None = None
    """Bytes that the listeners sent, likewise."""
    refusals: list[Refusal]
    """What is withheld of this."""
    shares: list[Share] = []
    """What each worker of a Dask cluster had of the load; empty where one generator had all of it."""


class Share(msgspec.Struct, kw_only=True):
    """A worker's part of a measurement."""

    worker: str
    """What the cluster calls it."""
    host: str
    """The name of its machine, or of its container."""
    connections: int
    """How many were its own."""
    offered: float | None
    """Messages a second that it was to send; null in a closed loop."""
    achieved: float
    """Right echoes a second."""
    lateness: str
    """From the planned time to the time of sending; empty in a closed loop."""
    generator: float
    """The share of one core that it used."""
    starved: float
    """The share of the time in which it waited for a CPU."""
    cores: list[int]
    """The CPUs on which it could run."""
    gone: str
    """Why it is left out of the measurement; empty where it is not."""


class Figure(msgspec.Struct, kw_only=True):
    """One step, over all rounds. What is withheld is null here."""

    step: str
    """The step's name."""
    size: int | None = None
    """Bytes of a message, where these are fewer than the step has: the service takes no longer ones."""
    rounds: int
    """How many rounds it is made of: those in which the generator was the limit are left out of the latency."""
    offered: float | None
    """Units of the step that were planned, a second; null in a closed loop."""
    throughput: float | None
    """Right echoes a second, in units of the step: the mean of the rounds."""
    errors: Errors
    """What went wrong, in all rounds together."""
    latency: Spread | None
    """From the planned time (in a closed loop: from the time of sending); of new connections, that of the
    handshake."""
    uncorrected: Spread | None
    """From the time of sending; null in a closed loop."""
    lateness: Spread | None
    """The generator's own; null in a closed loop."""
    cpu: Estimate | None
    """The server's CPU time, in microseconds for each unit of the step; null for a URL."""
    proxy_cpu: Estimate | None
    """The proxy's, on that route; null on any other."""
    memory: Estimate | None
    """The server's, in bytes; null for a URL."""
    socket_memory: Estimate | None = None
    """By how much that grew for each connection, in bytes; null where they are not left alone, and for a URL."""
    requests: float | None = None
    """HTTP requests that were answered, a second, by all listeners together: the mean of the rounds; null but in the
    scenario `push`."""
    opened: float | None = None
    """Connections that the listeners opened, a second, likewise."""
    down: float | None = None
    """Bytes of TCP's payload that came to the listeners, for each unit of the step, likewise."""
    up: float | None = None
    """Bytes that the listeners sent, likewise."""
    refusals: list[Refusal]
    """What is withheld."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A mean over rounds, with its interval of 95 %: a bootstrap over the rounds."""

    mean: float
    """The geometric mean."""
    low: float
    """The interval's beginning."""
    high: float
    """The interval's end."""
    rounds: int
    """Over how many."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A target with another, or with itself in another step, by the ratio within each round."""

    target: str
    """Its label."""
    to: str
    """The label of the other."""
    step: str
    """The step's name."""
    to_step: str | None = None
    """The other's, where it is another: the same without the connections that never read."""
    quantity: str
    """`cpu`, `memory`, `socket_memory`, `p50`, `p99` or `throughput`."""
    ratio: Estimate
    """To the other's: 2 is twice as much."""
    distinguishable: bool
    """Whether the interval does not hold 1, and a sign test over the rounds agrees (at 5 %, so that it takes six rounds
    at least). If not, nothing can be said."""


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivered message costs where one is said more rarely than was measured. It is not measured, but the sum
    of two things that were, in each round: what it costs at the longest interval of the run, and what a listener costs
    in the seconds that are more, while nothing is said. There is none of long polls, which a message restarts."""

    target: str
    """Its label."""
    transport: Transport
    """By what one listens."""
    polled: float | None
    """Seconds from one poll to the next; null where one does not poll."""
    every: float
    """Seconds from one message to the next, for which this is."""
    step: str
    """The name of the step at the longest interval that was measured."""
    quiet: str
    """The name of the step in which nothing was said."""
    cpu: Estimate
    """The server's CPU time, in microseconds for each delivered message, and on that route the proxy's."""


class Crossover(msgspec.Struct, frozen=True, kw_only=True):
    """How seldom messages have to be for push to cost less CPU for each delivered message than polling does: the
    server's, and on that route the proxy's too."""

    target: str
    """Its label."""
    push: Transport
    """`websocket` or `events`."""
    polled: float
    """Seconds from one poll to the next, of those that it is compared with."""
    side: Literal["within", "below", "above"]
    """Where it lies: within the intervals that were measured; below, for push costs less at all of them; or above, for
    polling still costs less at the longest."""
    at: float | None
    """Seconds from one message to the next: from here on push costs less. Between two intervals that were measured, the
    costs are taken to lie on straight lines. Null where it is not within."""
    low: float
    """The beginning of the interval of 95 %, in seconds; one that is `shortest` lies there or below."""
    high: float
    """Its end; one that is `longest` lies there or above."""
    shortest: float
    """The shortest interval between messages that was measured of both, in seconds."""
    longest: float
    """The longest."""
    rounds: int
    """Over how many."""


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """An attack on the lab."""

    id: str
    """By which `--only` chooses it."""
    does: str
    """What is done, in a sentence."""
    holds: str
    """What has to hold meanwhile and after it, in a sentence."""


class Outcome(msgspec.Struct, kw_only=True):
    """What came of an attack on one target."""

    attack: str
    """The attack's id."""
    target: str
    """The service's name, `proxy`, or the name of a container."""
    tried: int
    """How many attempts were made: connections, requests, or facts that were looked at."""
    faults: list[str]
    """What did not hold, a sentence for each; empty where all did."""
    measured: dict[str, float]
    """What was measured, by what it is, with its unit."""
    seconds: float
    """How long it took."""
    skipped: str = ""
    """Why it was not tried, and what to do about it; empty where it was."""


class Changes(msgspec.Struct, kw_only=True):
    """What `echowall bench compare --json` writes: what changed from one benchmark to another. It is no run."""

    schema: int = SCHEMA
    """That of the two runs."""
    before: str
    """The id of the run that is compared with."""
    after: str
    """The id of the run that is compared."""
    tolerance: float
    """How much worse something may get, in per cent."""
    yardstick: str
    """Whose figures, by the same route and in the same round, those that depend on the machine are divided by; empty
    where the figures themselves are compared."""
    differences: list[Difference]
    """In what else the two runs differ, so that it may be the cause."""
    only_before: list[str]
    """Labels of targets, and names of steps, that only the first run has; and steps that are not the same in both."""
    only_after: list[str]
    """The same of the second run."""
    changes: list[Change]
    """One for each target, step and quantity that both runs have rounds of."""
    troubles: list[Trouble]
    """One for each target and step in which a round went wrong in either run."""
    withheld: list[str]
    """What cannot be compared, though one of the runs has a figure of it, and why: a sentence each."""

    @property
    def worse(self) -> bool:
        """Whether anything is."""
        return any(one.worse for one in self.changes) or any(one.worse for one in self.troubles)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something in which two runs differ, beside their figures."""

    what: str
    """As in `processor`, or `versions of` and a label."""
    before: str
    """In the first run; empty where there is none."""
    after: str
    """In the second."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity of a target in a step, in two runs."""

    target: str
    """Its label in both."""
    step: str
    """The step's name in both."""
    quantity: str
    """`cpu`, `proxy_cpu`, `memory`, `socket_memory`, `p50`, `p90`, `p99` or `throughput`."""
    unit: Unit
    """What the step counts."""
    before: float
    """The geometric mean over the rounds of the first run, in the unit of the results."""
    after: float
    """The same of the second."""
    ratio: Estimate
    """Of the second run to the first, after both were divided by the yardstick's where that is done: 2 is twice as
    much. Its `rounds` are those of the run that has fewer."""
    judged: bool
    """Not so of the yardstick and its second instance, by which the others are compared: they show the noise."""
    chance: float | None
    """How likely it is that anything at all would differ so clearly in a comparison of two runs if nothing had changed;
    null where this is not tested: with too few rounds, and where it is not judged."""
    distinguishable: bool
    """Whether that is under 5 %, and the interval does not hold 1. It takes six rounds in both runs."""
    worse: bool
    """Whether it is distinguishable, and worse by more than the tolerance."""
    better: bool
    """Whether it is distinguishable, and better."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A target and a step of which rounds went wrong: the server did not hold the rate or ended the run, connections
    could not be opened, or messages went wrong."""

    target: str
    """Its label in both runs."""
    step: str
    """The step's name in both."""
    before: int
    """In how many rounds, in the first run."""
    of_before: int
    """Of how many."""
    after: int
    """In how many rounds, in the second run."""
    of_after: int
    """Of how many."""
    says: list[str]
    """What went wrong, of both, each once."""
    chance: float | None
    """As of a Change."""
    worse: bool
    """Whether there are more in the second run, and the chance is under 5 %. There is no tolerance."""


def empty_fields(run: Run) -> Iterator[str]:
    """The paths of the fields that are null or empty and may not be in a run of the lab's services.

    As in `targets[3].versions`.
    """
    yield from _empty(msgspec.to_builtins(run), "")


def _empty(value: Any, path: str) -> Iterator[str]:
    if value is None or (isinstance(value, (str, list, dict)) and not value):
        if path.rpartition(".")[2] not in _MAY_BE_EMPTY:
            yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "measurements" and value.get("gate"):
                continue  # there are none where the gate withholds everything
            yield from _empty(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _empty(inner, f"{path}[{number}]")

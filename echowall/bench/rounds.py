"""Rounds: in each, every target gets a server and every step is measured on it, in an order of the round's own."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from echowall.bench import judging, scenarios
from echowall.bench.contenders import Contender, Meter, Served
from echowall.bench.driving import GeneratorError, generate
from echowall.bench.fleet import Fleet
from echowall.bench.plan import SPARE, Aim, Plan, Report
from echowall.check.acquaintance import preflight
from echowall.lab import procfs
from echowall.lab.lab import LabError
from echowall.results.model import Measurement, Step

#: What a server takes to start, and a generator beside the time that it measures, in seconds: for the estimate alone.
_START, _AROUND = 2.0, 1.5
#: How long opening the connections may take: so many seconds, and one for each so many.
_WITHIN, _WITHIN_FOR = 10.0, 100
#: How many are opened a second, for the estimate alone.
_OPENED = 500
#: How long nothing may come back, in seconds, and how much longer for each MiB of a message.
_PATIENCE, _PATIENCE_FOR_MIB = 5.0, 1.0


class Unfit(NamedTuple):
    """A target that could not be measured, and why."""

    target: str
    """Its label."""
    why: str


class Place(NamedTuple):
    """Where a run is."""

    round: int
    """From 1 on."""
    label: str
    """Of the target."""
    step: str


class Rounds:
    """Measures every step of every contender, round after round. Only whole rounds count."""

    def __init__(
        self,
        contenders: Sequence[Contender],
        steps: Sequence[Step],
        count: int,
        seed: int,
        fleet: Fleet | None = None,
        speaker: Callable[[], Aim] | None = None,
    ) -> None:
        """The load comes from the fleet, or where there is none from a generator on this machine. `speaker` is the chat
        room of another service, for steps in which what is said comes from there.
        """
        self.contenders, self.steps, self.count, self.seed = list(contenders), steps, count, seed
        self.finished = 0
        """How many rounds are whole."""
        self.unfit: list[Unfit] = []
        """What is left out from the round on in which it failed."""
        self.clock = Clock(estimated(len(self.contenders), steps, count))
        self._fleet, self._speaker = fleet, speaker
        self._core = None if fleet else cores()[0]
        self._order = random.Random(seed)  # noqa: S311 - no secret

    def run(self, tell: Callable[[Place], None]) -> None:
        """Measure. `tell` is called before each measurement, and once a second meanwhile.

        Interrupted, it leaves what the whole rounds before have found.
        """
        for number in range(1, self.count + 1):
            found: list[tuple[Contender, list[Measurement]]] = []
            for contender in self._order.sample(self.contenders, len(self.contenders)):
                try:
                    found.append((contender, self._round(number, contender, tell)))
                except (LabError, GeneratorError) as error:
                    self._reject(contender, str(error))
            if not self.contenders:
                return
            for contender, measurements in found:
                contender.benched.measurements += measurements
            self.finished = number

    def _reject(self, contender: Contender, why: str) -> None:
        self.contenders.remove(contender)
        self.unfit.append(Unfit(contender.benched.label, why))

    def _round(self, number: int, contender: Contender, tell: Callable[[Place], None]) -> list[Measurement]:
        """All steps, on one server if they may be. Raises LabError and GeneratorError."""
        batches = scenarios.batches(self.steps)
        return [
            one
            for batch in self._order.sample(batches, len(batches))
            for one in self._batch(number, contender, batch, tell)
        ]

    def _batch(
        self, number: int, contender: Contender, steps: Sequence[Step], tell: Callable[[Place], None]
    ) -> list[Measurement]:
        """These steps on one server. Raises LabError and GeneratorError."""
        found = []
        label = contender.benched.label
        with contender.served() as served:
            if self._fleet and (why := self._fleet.objection(served.target)):
                raise LabError(why)
            if why := asyncio.run(preflight(served.target)):
                raise LabError(served.target.secrets.hide(why).removeprefix(served.target.url).lstrip())
            self.clock.started()
            for step in self._order.sample(list(steps), len(steps)):
                limits = contender.benched.limits
                size = scenarios.size(step, self.steps, limits.max_message if limits else None)
                if size is not None and scenarios.serves(contender.service, step):
                    place = Place(number, label, step.name)
                    found.append(asyncio.run(self._measure(place, served, step, size, tell)))
                self.clock.measured(step)
        return found

    async def _measure(
        self, place: Place, served: Served, step: Step, size: int, tell: Callable[[Place], None]
    ) -> Measurement:
        plan = Plan(
            aim=served.room if step.load in ("room", "push") else served.aim,
            speaker=self._speaker() if step.across and self._speaker else None,
            load=step.load,
            transport=step.transport or "websocket",
            polled=step.polled,
            connections=step.connections,
            stuck=step.stuck,
            rate=step.rate,
            in_flight=step.in_flight or 1,
            size=size,
            binary=step.binary,
            messages=step.messages or 1,
            warmup=step.warmup,
            seconds=step.seconds,
            deflate=step.deflate,
            within=_WITHIN + step.connections / _WITHIN_FOR,
            patience=_PATIENCE + _PATIENCE_FOR_MIB * size / scenarios.MIB,
            core=self._core,
        )
        if wrong := _too_many(served, step):
            return _measurement(place, step, plan, Report(trouble=wrong), _Used(None), _Used(None))
        server, proxy = _Used(served.server), _Used(served.proxy)

        def begin() -> None:
            server.begin()
            proxy.begin()

        def end() -> None:
            server.end()
            proxy.end()

        async def keep_telling() -> None:
            while True:
                tell(place)
                await asyncio.sleep(1)

        telling = asyncio.create_task(keep_telling())
        try:
            report = await (self._fleet.generate if self._fleet else generate)(plan, begin, end)
        finally:
            telling.cancel()
        report.trouble = served.target.secrets.hide(report.trouble)
        return _measurement(place, step, plan, report, server, proxy)


class _Used:
    """What a server, or the proxy, uses between the beginning and the end."""

    def __init__(self, meter: Meter | None) -> None:
        self._meter = meter
        self._before: float | None = None
        self.memory_before = meter.memory() if meter else None
        """In bytes, before any connection was opened."""
        self.seconds: float | None = None
        self.memory: int | None = None
        """In bytes, at the end, with all connections open."""

    def begin(self) -> None:
        if self._meter:
            self._before = self._meter.cpu()

    def end(self) -> None:
        if self._meter and self._before is not None:
            self.seconds = self._meter.cpu() - self._before
            self.memory = self._meter.memory()

    def of(self, units: float) -> float | None:
        """Microseconds for each of so many units."""
        return None if self.seconds is None or not units else self.seconds * 1e6 / units


def _too_many(served: Served, step: Step) -> str | None:
    """Why the server cannot have so many connections; None where nothing is known to be in the way."""
    limit = procfs.open_files(served.pid) if served.pid else None
    if limit is None or step.connections <= limit - SPARE:
        return None
    return (
        f"the server may open {limit:,} files, which allows {max(0, limit - SPARE):,} connections and not "
        f"{step.connections:,}; raise `ulimit -n` before you start the lab, or lower --connections"
    )


def _measurement(place: Place, step: Step, plan: Plan, report: Report, server: _Used, proxy: _Used) -> Measurement:
    achieved = report.achieved * (plan.size / scenarios.MIB if step.unit == "MiB" else 1)
    units = achieved * (plan.seconds if report.lasted is None else report.lasted)
    return Measurement(
        step=place.step,
        round=place.round,
        offered=plan.offered,
        achieved=achieved,
        size=plan.size if plan.size != step.size else None,
        sent=report.sent,
        errors=report.errors,
        latency=report.latency,
        uncorrected=report.uncorrected,
        lateness=report.lateness,
        generator=report.cpu,
        starved=report.starved,
        cores=report.cores,
        cpu=server.of(units),
        proxy_cpu=proxy.of(units),
        memory=server.memory,
        socket_memory=(
            (server.memory - server.memory_before) / plan.connections
            if step.unit == "socket" and server.memory and server.memory_before
            else None
        ),
        requests=report.requests,
        opened=report.opened,
        down=_each(report.down, units),
        up=_each(report.up, units),
        refusals=judging.refusals(plan, report),
        shares=report.shares,
    )


def _each(total: int | None, units: float) -> float | None:
    return None if total is None or not units else total / units


def cores() -> tuple[int | None, list[int]]:
    """The CPU for the generator, and those for the server. Where there are not two, both have any: None and none."""
    if not hasattr(os, "sched_getaffinity"):
        return None, []
    *rest, last = sorted(os.sched_getaffinity(0))
    return (last, rest) if rest else (None, [])


def estimated(targets: int, steps: Sequence[Step], rounds: int) -> float:
    """How long a run takes, in seconds."""
    starts = _START * len(scenarios.batches(steps))
    return targets * rounds * (starts + sum(_takes(step) for step in steps))


def _takes(step: Step) -> float:
    """Seconds that a step takes, with the opening of its connections."""
    return step.warmup + step.seconds + _AROUND + step.connections / _OPENED + (step.polled or 0.0)


class Clock:
    """How much of a run is left. What it takes beside measuring is learnt on the way."""

    def __init__(self, total: float) -> None:
        """`total` is the estimate, in seconds."""
        self.total = total
        self._planned, self._began = 0.0, time.monotonic()

    def started(self) -> None:
        """A server has started."""
        self._planned += _START

    def measured(self, step: Step) -> None:
        """A step was measured."""
        self._planned += _takes(step)

    def left(self) -> float:
        """In seconds."""
        pace = (time.monotonic() - self._began) / self._planned if self._planned else 1.0
        return max(0.0, (self.total - self._planned) * pace)

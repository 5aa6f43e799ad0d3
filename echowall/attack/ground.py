"""What every attack has: the lab, how it is reached, and a bar that shows how far it is."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import wraps
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from rich.markup import escape
from rich.progress import Progress

from echowall.catalog.catalog import Service
from echowall.check import targets
from echowall.check.wire import RefusedError, Target, UnreachableError, connect
from echowall.check.wire.frames import FrameError
from echowall.lab import procfs
from echowall.lab.lab import Lab, LabError, trusting
from echowall.results.model import Attack, Outcome

#: How long a service may take to answer an ordinary client, in seconds.
PATIENCE = 10.0
#: How long a service may take to give back what it has opened, in seconds.
_SETTLES = 60.0
#: The largest head of an answer, in bytes.
_LARGEST = 1 << 20


class Bar(Protocol):
    """Shows how far an attack on a target is."""

    def __call__(self, steps: int = 1) -> None:
        """So many more steps are done."""


class Ground(NamedTuple):
    """What is attacked, and how."""

    lab: Lab
    everyone: list[Service]
    """All services of the catalog."""
    services: list[Service]
    """Those that are attacked."""
    seed: int
    """Of all that is random."""
    cases: int
    """Of the fuzz, for each service."""
    only_case: int | None
    """The only case of the fuzz to be put; None for all."""
    seconds: int
    """How long a slow attack lasts."""
    progress: Progress

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Bar]:
        """Show a bar meanwhile."""
        task = self.progress.add_task(escape(label), total=total)

        def advance(steps: int = 1) -> None:
            self.progress.advance(task, steps)

        try:
            yield advance
        finally:
            self.progress.remove_task(task)

    @property
    def proxy(self) -> Place:
        """Where the proxy is."""
        base, certificate = urlsplit(self.lab.base_url()), self.lab.certificate()
        return place(base.hostname or "", base.port or 0, trusting(certificate) if certificate else None)

    def direct(self, service: Service) -> Target:
        """The service's echo, past the proxy. Raises LabError."""
        target = targets.direct(service, self.lab.endpoint(service.name)).target
        place(target.host, target.port)
        return target

    def proxied(self, service: Service) -> Target:
        """The service's echo, through the proxy. Raises LabError."""
        return targets.proxied(service, self.lab).target


class Place(NamedTuple):
    """Where something listens."""

    host: str
    port: int
    tls: ssl.SSLContext | None

    @property
    def netloc(self) -> str:
        """For the Host header."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"


def place(host: str, port: int, tls: ssl.SSLContext | None = None) -> Place:
    """A place that may be attacked. Raises LabError for an address that is not of this machine or a private network."""
    try:
        allowed = host == "localhost" or ipaddress.ip_address(host).is_private
    except ValueError:
        allowed = False
    if not allowed:
        raise LabError(
            f"the lab is published at {host}, which is no address of this machine or of a private network; "
            "attack it on a machine where it listens on loopback"
        )
    return Place(host, port, tls)


@contextmanager
def timed(attack: Attack, target: str) -> Iterator[Outcome]:
    """What comes of an attack on a target, for whoever makes it to fill in. Tells how long that took."""
    began = time.monotonic()
    outcome = Outcome(attack=attack.id, target=target, tried=0, faults=[], measured={}, seconds=0.0)
    yield outcome
    outcome.seconds = round(time.monotonic() - began, 1)


#: Fills in what comes of an attack on one service.
OnOne = Callable[[Ground, Service, Outcome], Awaitable[None]]


def one_by_one(attack: Attack) -> Callable[[OnOne], Callable[[Ground], AsyncGenerator[Outcome, None]]]:
    """Of what attacks one service make what attacks each in turn."""

    def of(attacked: OnOne) -> Callable[[Ground], AsyncGenerator[Outcome, None]]:
        @wraps(attacked)
        async def each(ground: Ground) -> AsyncGenerator[Outcome, None]:
            for service in ground.services:
                with timed(attack, service.name) as outcome:
                    await attacked(ground, service, outcome)
                yield outcome

        return each

    return of


@asynccontextmanager
async def dialled(where: Place) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection, which is aborted at the end. Raises OSError, or TimeoutError within PATIENCE."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(
            where.host, where.port, limit=_LARGEST, ssl=where.tls, server_hostname=where.host if where.tls else None
        )
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()


async def exchange(where: Place, request: bytes, quiet: float = 0.5, most: float = PATIENCE) -> bytes:
    """Send these bytes, and give what comes back until that much silence, or the end, or `most` seconds.

    Nothing where there is no connection.
    """
    heard = b""
    with suppress(OSError, TimeoutError):
        async with dialled(where) as (reader, writer), asyncio.timeout(most):
            writer.write(request)
            await writer.drain()
            while True:
                async with asyncio.timeout(most if not heard else quiet):
                    if not (data := await reader.read(1 << 16)):
                        break
                heard += data
    return heard


async def echoes(target: Target, within: float = PATIENCE) -> str:
    """Why an ordinary client gets no echo of what it says within that many seconds; empty where it does."""
    said = "is anybody there?"
    try:
        async with asyncio.timeout(within), connect(target) as connection:
            await connection.say(said)
            reaction = await connection.reaction(said, within)
    except (UnreachableError, RefusedError, FrameError) as error:
        return str(error)
    except TimeoutError:
        return f"no echo within {within:g} s"
    return "" if reaction == "echo" else reaction


async def eventually(target: Target, within: float) -> str:
    """The same as soon as there is an echo, and at the latest after that many seconds."""
    deadline = time.monotonic() + within
    while True:
        trouble = await echoes(target)
        if not trouble or time.monotonic() > deadline:
            return trouble
        await asyncio.sleep(0.5)


class Vitals(NamedTuple):
    """A service's processes."""

    first: int
    """The id of its first process."""
    pids: frozenset[int]
    """Those of all of them."""
    descriptors: int | None
    """How many are open; None where it may not be seen."""
    memory: int | None
    """In bytes; None where it may not be seen."""


def vitals(lab: Lab, name: str) -> Vitals:
    """Look at a service's processes. Raises LabError where it does not run, and procfs.UnknownError."""
    first = lab.part(name).pid
    pids = procfs.family(first)
    return Vitals(first, frozenset(pids), procfs.descriptors(pids), procfs.proportional_set_size(pids))


def ended(ground: Ground, service: Service, before: Vitals) -> int:
    """How many of the service's processes are there no more."""
    try:
        return len(before.pids - vitals(ground.lab, service.name).pids)
    except LabError:
        return len(before.pids)


async def settle(ground: Ground, service: Service, before: Vitals, outcome: Outcome) -> None:
    """Wait until the service has given back its descriptors, and note what it has."""
    began = time.monotonic()
    after = vitals(ground.lab, service.name)
    if before.descriptors is None or after.descriptors is None:
        outcome.skipped = "its descriptors were not counted: only root may see those of another user's processes"
        return
    while after.descriptors and after.descriptors > before.descriptors and time.monotonic() < began + _SETTLES:
        await asyncio.sleep(1)
        after = vitals(ground.lab, service.name)
    outcome.measured |= {"descriptors before": before.descriptors, "descriptors after": after.descriptors or 0}
    if before.memory and after.memory:
        outcome.measured |= {
            "MiB before": round(before.memory / 2**20, 1),
            "MiB after": round(after.memory / 2**20, 1),
        }
    if after.descriptors and after.descriptors > before.descriptors:
        outcome.faults.append(
            f"{_SETTLES:g} s later it has {after.descriptors} descriptors open, and had {before.descriptors} before"
        )

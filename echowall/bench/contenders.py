"""What is measured: endpoints by their URLs, and services of the lab, which get a fresh server for each round."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol

import msgspec

from echowall.bench import cost
from echowall.bench.plan import Aim, Tls
from echowall.catalog.catalog import Route, Service
from echowall.check import targets
from echowall.check.targets import Subject, versions
from echowall.check.wire import Target
from echowall.lab import procfs
from echowall.lab.lab import PATIENCE, Lab, LabError, Variant, fresh
from echowall.results.model import Benched, Limits, Setting

#: For how long no process may come or go before a server's workers are all there, in seconds.
_SETTLING = 0.5


class Meter(Protocol):
    """What a server, or the proxy, costs."""

    def cpu(self) -> float:
        """CPU time that it has used so far, in seconds. It takes less than a millisecond."""

    def memory(self) -> int | None:
        """Its proportional set size in bytes; None where that may not be seen."""


class Served(NamedTuple):
    """A server that runs, to be loaded."""

    subject: Subject
    aim: Aim
    server: Meter | None = None
    """What it costs; None where that is not known."""
    proxy: Meter | None = None
    """What the proxy before it costs; None where there is none."""
    pid: int | None = None
    """Its first process on this machine; None where that is not known."""

    @property
    def room(self) -> Aim:
        """Its chat room, where it is a service of the lab."""
        return chat(self.aim)

    @property
    def target(self) -> Target:
        """How it is asked."""
        return self.subject.target


class Contender(Protocol):
    """Something to measure."""

    benched: Benched
    """What is kept of it."""
    service: Service | None
    """The service of the lab; None for a URL."""

    def served(self) -> AbstractContextManager[Served]:
        """A server of it for one round. Raises LabError if there is none."""


class Foreign:
    """An endpoint that a URL names. Nothing is known of its server, which stays the same."""

    service: Service | None = None

    def __init__(self, subject: Subject, tls: Tls) -> None:
        examined = subject.examined
        self.benched = Benched(name=examined.name, url=examined.url)
        self._served = Served(subject, aim(subject.target, tls))

    @contextmanager
    def served(self) -> Iterator[Served]:
        yield self._served


class Entry(NamedTuple):
    """A service of the lab, by one route: as it is, without its mends, tuned, or with so many workers."""

    service: Service
    via: Route
    bare: bool = False
    again: bool = False
    """Whether it is the yardstick's second instance."""
    tuned: bool = False
    workers: int | None = None

    def variant(self) -> Variant:
        """The instance beside the lab's own that is measured."""
        if self.bare:
            return fresh("bare", "without its mends", {"MENDS": "off"})
        if self.tuned:
            return fresh("tuned", "tuned", {one.variable: one.value for one in self.service.tuned})
        if self.workers and self.service.workers:
            words = f"{self.workers} workers"
            return fresh(words.replace(" ", "-"), f"with {words}", {self.service.workers.variable: str(self.workers)})
        return fresh()

    def settings(self) -> Mapping[str, Setting]:
        """What it is to run with, by its service.toml."""
        declared = msgspec.structs.asdict(self.service.settings) if self.service.settings else {}
        found = {name: Setting(value=one.value, source=one.source) for name, one in declared.items() if one}
        if self.tuned:
            found |= {one.setting: Setting(value=one.to, source="tuned") for one in self.service.tuned}
        if self.workers:
            found["workers"] = Setting(value=str(self.workers), source="tuned")
        return found

    def benched(self) -> Benched:
        """What is to be kept of it, as far as that is known before it has run."""
        limits = self.service.limits
        return Benched(
            name=self.service.name,
            url="",
            via=self.via,
            limits=Limits(max_message=limits.max_message, ping_interval=limits.ping_interval),
            mends="off" if self.bare else "on",
            again=self.again,
            tuned=self.tuned,
            workers=self.workers,
            settings=dict(self.settings()),
        )


class Further(NamedTuple):
    """How else the services are measured than as they are."""

    bare: bool = False
    """Without their mends, those that have some."""
    tuned: bool = False
    """With what their documentation has for throughput, those that say it."""
    workers: int | None = None
    """With so many worker processes, those whose server has the option."""


def entries(
    yardstick: Service | None,
    services: Iterable[Service],
    routes: Sequence[Route],
    further: Further,
) -> list[Entry]:
    """The yardstick twice by each route, then the others, and behind each how else it is measured."""
    found = [Entry(yardstick, via, again=again) for via in routes for again in (False, True)] if yardstick else []
    for service in services:
        if not yardstick or service.name != yardstick.name:
            found += [Entry(service, via) for via in routes]
        if further.bare and service.has_mends:
            found.append(Entry(service, "direct", bare=True))
        if further.tuned and service.tuned:
            found.append(Entry(service, "direct", tuned=True))
        if further.workers and service.workers:
            found.append(Entry(service, "direct", workers=further.workers))
    return found


def without(services: Sequence[Service], further: Further) -> Iterator[str]:
    """Sentences on who is left out of what else is measured, for want of an option."""
    if further.tuned and (names := [one.name for one in services if not one.tuned]):
        yield f"--tuned leaves out {', '.join(names)}: no service.toml of these says how to tune it"
    if further.workers and (names := [one.name for one in services if not one.workers]):
        yield f"--workers leaves out {', '.join(names)}: no service.toml of these has such an option of the server"


class Direct:
    """A service of the lab, past the proxy: an instance of its own for each round."""

    def __init__(self, lab: Lab, entry: Entry, cores: Sequence[int]) -> None:
        """The server is kept to these CPUs, if there are any."""
        self.benched = entry.benched()
        self.service: Service | None = entry.service
        self._lab, self._entry, self._cores = lab, entry, cores

    @contextmanager
    def served(self) -> Iterator[Served]:
        service, entry = self._entry.service, self._entry
        with self._lab.beside(service.name, entry.variant()) as endpoint:
            subject = (targets.bare if entry.bare else targets.direct)(service, endpoint)
            if entry.workers:
                _await_workers(service.name, endpoint.pid, entry.workers)
            _introduce(self.benched, subject)
            _keep(self.benched, endpoint.pid, self._cores)
            server = cost.meter(endpoint.pid, endpoint.container)
            yield Served(subject, aim(subject.target, Tls()), server, pid=endpoint.pid)


class Proxied:
    """A service of the lab, through the proxy, which knows only the lab's own: that is started anew for each round."""

    def __init__(self, lab: Lab, entry: Entry, cores: Sequence[int]) -> None:
        """The server is kept to these CPUs, if there are any; the proxy is not."""
        self.benched = entry.benched()
        self.service: Service | None = entry.service
        self._lab, self._entry, self._cores = lab, entry, cores

    @contextmanager
    def served(self) -> Iterator[Served]:
        lab, name = self._lab, self._entry.service.name
        subject = targets.proxied(self._entry.service, lab)
        lab.stop(name)
        lab.start(name)
        deadline = time.monotonic() + PATIENCE
        while not _introduce(self.benched, subject):
            if time.monotonic() > deadline:
                raise LabError(f"{name} did not answer through the proxy within {PATIENCE} s after it was started anew")
            time.sleep(0.2)
        server, proxy = lab.part(name), lab.part("proxy")
        _keep(self.benched, server.pid, self._cores)
        certificate = lab.certificate()
        spoken = Tls(shown=str(certificate) if certificate else None)
        aimed = msgspec.structs.replace(aim(subject.target, spoken), one_address=lab.kind != "processes")
        yield Served(subject, aimed, cost.meter(*server), cost.meter(*proxy), server.pid)


def _introduce(benched: Benched, subject: Subject) -> bool:
    """Note where the service is and which versions it has loaded; says whether it told them."""
    benched.url = subject.examined.url
    found = asyncio.run(versions(subject))
    benched.versions = found or benched.versions
    return bool(found)


def _await_workers(name: str, pid: int, workers: int) -> None:
    """Wait until all its processes are there, for what is counted and kept to a CPU is those of that moment.

    Raises LabError if they do not come, or if it cannot be seen.
    """
    deadline = time.monotonic() + PATIENCE
    before: list[int] = []
    try:
        while len(family := procfs.family(pid)) <= workers or family != before:  # the first one answers nobody
            if time.monotonic() > deadline:
                raise LabError(f"{name} has {len(family)} processes after {PATIENCE} s, too few for {workers} workers")
            before = family
            time.sleep(_SETTLING)
    except procfs.UnknownError as error:
        raise LabError(f"the workers of {name} cannot be counted: {error}") from None


def _keep(benched: Benched, pid: int, cores: Sequence[int]) -> None:
    try:
        kept = bool(cores) and procfs.keep_to(procfs.family(pid), cores)
    except procfs.UnknownError:
        kept = False
    benched.cores = list(cores) if kept else []


def chat(echo: Aim) -> Aim:
    """The chat room of the service whose echo is there."""
    return msgspec.structs.replace(echo, url=echo.url.removesuffix("foobar/") + "chat/")


def running_chat(lab: Lab, service: Service) -> Aim:
    """The chat room of the lab's own instance of a service, past the proxy. Raises LabError where it does not run."""
    return chat(aim(targets.direct(service, lab.endpoint(service.name)).target, Tls()))


def aim(target: Target, tls: Tls) -> Aim:
    """The same endpoint, as a generator is told it."""
    tunnel = target.tunnel
    host = [("Host", target.host_header)] if target.host_header else []
    return Aim(
        url=target.address or target.url,
        headers=(*host, *target.headers),
        subprotocols=target.subprotocols,
        tls=tls,
        proxy=(tunnel.host, tunnel.port, tunnel.authorization) if tunnel else None,
    )

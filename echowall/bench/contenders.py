"""What is measured: endpoints by their URLs, and services of the lab, which get a fresh server for each round."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
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
from echowall.lab.lab import FRESH, FRESH_BARE, PATIENCE, Lab, LabError
from echowall.results.model import Benched, Limits


class Meter(Protocol):
    """What a server, or the proxy, costs."""

    def cpu(self) -> float:
        """CPU time that it has used so far, in seconds. It takes less than a millisecond."""

    def memory(self) -> int | None:
        """Its proportional set size in bytes; None where that may not be seen."""


class Served(NamedTuple):
    """A server that runs, to be loaded."""

    target: Target
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


class Contender(Protocol):
    """Something to measure."""

    benched: Benched
    """What is kept of it."""

    def served(self) -> AbstractContextManager[Served]:
        """A server of it for one round. Raises LabError if there is none."""


class Foreign:
    """An endpoint that a URL names. Nothing is known of its server, which stays the same."""

    def __init__(self, subject: Subject, tls: Tls) -> None:
        examined = subject.examined
        self.benched = Benched(name=examined.name, url=examined.url)
        self._served = Served(subject.target, aim(subject.target, tls))

    @contextmanager
    def served(self) -> Iterator[Served]:
        yield self._served


class Entry(NamedTuple):
    """A service of the lab, by one route, as it is or without its mends."""

    service: Service
    via: Route
    bare: bool = False
    again: bool = False
    """Whether it is the yardstick's second instance."""

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
        )


def entries(
    yardstick: Service | None, services: Iterable[Service], routes: Sequence[Route], *, bare: bool
) -> list[Entry]:
    """The yardstick twice by each route, then the others; with `bare`, those with mends once more, without them."""
    found = [Entry(yardstick, via, again=again) for via in routes for again in (False, True)] if yardstick else []
    for service in services:
        if not yardstick or service.name != yardstick.name:
            found += [Entry(service, via) for via in routes]
        if bare and service.has_mends:
            found.append(Entry(service, "direct", bare=True))
    return found


class Direct:
    """A service of the lab, past the proxy: an instance of its own for each round."""

    def __init__(self, lab: Lab, entry: Entry, cores: Sequence[int]) -> None:
        """The server is kept to these CPUs, if there are any."""
        self.benched = entry.benched()
        self._lab, self._entry, self._cores = lab, entry, cores

    @contextmanager
    def served(self) -> Iterator[Served]:
        service, bare = self._entry.service, self._entry.bare
        with self._lab.beside(service.name, FRESH_BARE if bare else FRESH) as endpoint:
            subject = (targets.bare if bare else targets.direct)(service, endpoint)
            _introduce(self.benched, subject)
            _keep(self.benched, endpoint.pid, self._cores)
            server = cost.meter(endpoint.pid, endpoint.container)
            yield Served(subject.target, aim(subject.target, Tls()), server, pid=endpoint.pid)


class Proxied:
    """A service of the lab, through the proxy, which knows only the lab's own: that is started anew for each round."""

    def __init__(self, lab: Lab, entry: Entry, cores: Sequence[int]) -> None:
        """The server is kept to these CPUs, if there are any; the proxy is not."""
        self.benched = entry.benched()
        self._lab, self._entry, self._cores = lab, entry, cores

    @contextmanager
    def served(self) -> Iterator[Served]:
        lab, name = self._lab, self._entry.service.name
        subject = targets.proxied(self._entry.service, lab.base_url())
        lab.stop(name)
        lab.start(name)
        deadline = time.monotonic() + PATIENCE
        while not _introduce(self.benched, subject):
            if time.monotonic() > deadline:
                raise LabError(f"{name} did not answer through the proxy within {PATIENCE} s after it was started anew")
            time.sleep(0.2)
        server, proxy = lab.part(name), lab.part("proxy")
        _keep(self.benched, server.pid, self._cores)
        aimed = aim(subject.target, Tls())
        yield Served(subject.target, aimed, cost.meter(*server), cost.meter(*proxy), server.pid)


def _introduce(benched: Benched, subject: Subject) -> bool:
    """Note where the service is and which versions it has loaded; says whether it told them."""
    benched.url = subject.examined.url
    found = asyncio.run(versions(subject.about)) if subject.about else {}
    benched.versions = found or benched.versions
    return bool(found)


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

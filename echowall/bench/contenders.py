"""What is measured: endpoints by their URLs, and services of the lab, which get a fresh server for each round."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol

from echowall.bench.plan import Aim, Tls
from echowall.check.targets import Subject
from echowall.check.wire import Target
from echowall.results.model import Benched


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

"""Nobody says anything in the room for a while: streams of events keep their connections open by comments. Meanwhile
the echo of each exhibit runs alone, without the service that mounts it: `./run echo`."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from e2e.support import push
from e2e.support.lab_operator import direct, running_lab
from e2e.support.settings import IN_CONTAINER
from e2e.support.websocket import CLIENTS, PATIENCE, NoAnswerError
from echowall.catalog.catalog import Service
from echowall.lab.lab import ECHO, LabError

pytestmark = pytest.mark.room_alone

#: Seconds, more than any comment may take.
LONG = 50
#: Echoes that start at the same time.
AT_ONCE = 3
ASKED = "Is anybody there?"


@dataclass
class Quiet:
    """What happened while the room was quiet."""

    comments: dict[str, float | str] = field(default_factory=dict)
    """The seconds until the first comment of each stream of events, by its address; or what went wrong with it."""
    echoes: dict[str, str] = field(default_factory=dict)
    """What each echo answered that ran alone, or what went wrong with it."""


@pytest.fixture(scope="module")
def quiet(base_url: str, services: list[Service]) -> Quiet:
    """Somebody listens to each stream, directly and proxied, until it tells a comment, and the echoes run meanwhile."""
    listed = [service for service in services if "events" in service.push]
    addresses = [address for service in listed for address in (direct(service), f"{base_url}/{service.name}")]
    alone = [] if IN_CONTAINER else services
    found = Quiet()
    with ThreadPoolExecutor(len(addresses)) as ears, ThreadPoolExecutor(AT_ONCE) as hands:
        comments = ears.map(_first_comment, addresses)
        echoes = hands.map(_echo_alone, alone)
        found.comments = dict(zip(addresses, comments, strict=True))
        found.echoes = {service.name: echo for service, echo in zip(alone, echoes, strict=True)}
    return found


def _first_comment(address: str) -> float | str:
    start = time.monotonic()
    try:
        with push.listen(address, silence=LONG) as events:
            while not events.next().comment:
                pass
    except NoAnswerError as error:
        return str(error)
    return time.monotonic() - start


def _echo_alone(service: Service) -> str:
    try:
        with running_lab().beside(service.name, ECHO) as endpoint:
            url = f"http://{endpoint.host}:{endpoint.port}/foobar/"
            with CLIENTS[service.protocol](url) as client:
                return str(client.echo(ASKED))
    except (NoAnswerError, LabError, OSError) as error:
        return f"{type(error).__name__}: {error}"


def test_a_comment_comes_every_15_s(quiet: Quiet, subtests: pytest.Subtests) -> None:
    assert quiet.comments
    for address, seconds in quiet.comments.items():
        with subtests.test(address):
            assert isinstance(seconds, float), seconds
            assert 10 < seconds < 15 + PATIENCE


@pytest.mark.operator
def test_the_echo_runs_alone(quiet: Quiet, service: Service) -> None:
    assert quiet.echoes[service.name] == ASKED

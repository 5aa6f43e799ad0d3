"""Services and Redis go down during a conversation: whoever listens by plain HTTP hears what those inside hear."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import pytest

from e2e.stories.conversation import Person, talking
from e2e.stories.listening import Listener
from e2e.support.lab_lock import LabLock
from e2e.support.lab_operator import REDIS, Operator
from echowall.catalog.catalog import Push, Service

pytestmark = pytest.mark.operator

#: Seconds in which a listener has to have heard the last word.
PATIENCE = 30


@dataclass
class Record:
    """Who was in one stack's room: someone by a WebSocket, and a listener for each other way that it has."""

    person: Person
    listeners: dict[Push, Listener]


@pytest.fixture(scope="module")
def conversation(base_url: str, services: list[Service], lab_lock: LabLock) -> dict[str, Record]:
    """The stacks that push are stopped, one half after the other, and then Redis is killed."""
    pushing = [service for service in services if service.push]
    mark = f"mark-{secrets.token_hex(4)}"
    with (
        lab_lock.exclusive(),
        Operator(base_url, services) as operator,
        ThreadPoolExecutor(sum(len(service.push) for service in pushing)) as pool,
    ):
        records = {
            service.name: Record(
                Person(base_url, service, mark, service.name),
                {way: Listener(base_url, service, way, mark) for way in service.push},
            )
            for service in pushing
        }
        people = [record.person for record in records.values()]
        goodbyes = {person.goodbye for person in people}
        over = Event()
        try:
            listeners = [listener for record in records.values() for listener in record.listeners.values()]
            for listener in listeners:
                pool.submit(listener.listen, over, goodbyes, seconds=PATIENCE)
            for listener in listeners:
                assert listener.listening.wait(PATIENCE), listener.trouble
            with talking(people, pause=0.2) as everybody_speaks:
                everybody_speaks(3)
                for half in (pushing[::2], pushing[1::2]):
                    operator.stop(*half)
                    operator.start(*half)
                    everybody_speaks(2)
                operator.kill(REDIS)
                everybody_speaks(2)
                operator.start(REDIS)
        finally:
            over.set()
    return records


@pytest.mark.push
def test_a_listener_hears_everything_once_over_restarts_of_services_and_of_redis(
    conversation: dict[str, Record], service: Service
) -> None:
    record = conversation[service.name]

    record.person.assert_heard_the_same_as(other.person for other in conversation.values())
    for way, listener in record.listeners.items():
        assert not listener.trouble, f"{way}: {listener.trouble}"
        assert listener.heard == record.person.heard, f"{way}: {len(listener.heard)} heard"

"""The lab is changed while everybody talks: nginx reads its configuration anew, and a service is restarted replica by
replica. (make load does the latter to every service.)"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from e2e.stories.conversation import Person, talking
from e2e.stories.record import noting_trouble
from e2e.stories.rolling import PEOPLE, roll, rolling
from e2e.support import websocket
from e2e.support.lab_operator import Operator
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.operator


@dataclass
class Reloaded:
    """What happened to one stack when nginx read its configuration anew: to someone in the room, and to a socket of
    the echo that was open all the time."""

    person: Person
    echoed: bool = False
    trouble: str = ""


@pytest.fixture(scope="module")
def reloaded(base_url: str, services: list[Service]) -> dict[str, Reloaded]:
    """Everybody talks, and nginx is told to read its configuration anew."""
    mark = f"mark-{secrets.token_hex(4)}"
    with Operator(base_url, services) as operator, ExitStack() as stack:
        story = {it.name: Reloaded(Person(base_url, it, mark, it.name)) for it in services}
        echoes = {it.name: stack.enter_context(websocket.connect(base_url, it)) for it in services}
        with talking([record.person for record in story.values()], pause=0.1) as talk:
            talk.go_on(2)
            operator.reload_proxy()
            talk.go_on(2)
            for name, client in echoes.items():
                with noting_trouble(story[name]):
                    story[name].echoed = client.echo("still here?") == "still here?"
    return story


@pytest.mark.room_alone
def test_a_reload_of_the_proxy_cuts_no_socket_and_loses_nothing(
    reloaded: dict[str, Reloaded], service: Service
) -> None:
    record = reloaded[service.name]

    assert not record.trouble
    assert record.echoed
    assert record.person.closes == []
    record.person.assert_heard_the_same_as(other.person for other in reloaded.values())


@pytest.mark.alone
def test_nothing_is_lost_while_replicas_restart_one_by_one_and_one_goes(
    base_url: str, operator: Operator, plain: Service, services: list[Service], mark: str
) -> None:
    if not operator.in_containers:
        pytest.skip("the lab runs as processes: only a container has replicas")
    other = next(service for service in services if service != plain)
    operator.scale(plain, 2)

    with rolling(base_url, plain, other, mark) as story:
        roll(operator, plain, story)

    story.assert_nothing_was_lost()
    assert story.codes.keys() <= {1001, 1012}
    assert story.codes.total() >= PEOPLE, "nobody was on a replica that ended"
    assert story.online == PEOPLE

"""A service runs in several containers behind the one proxy, and one of them is killed."""

import pytest

from e2e.support import room
from e2e.support.lab_operator import Operator
from e2e.support.room import Enter, texts
from echowall.catalog.catalog import Service

pytestmark = [pytest.mark.operator, pytest.mark.alone]


@pytest.fixture
def replicas(operator: Operator, plain: Service) -> None:
    """The service runs three times."""
    if not operator.in_containers:
        pytest.skip("the lab runs as processes: only a container has replicas")
    operator.scale(plain, 3)


@pytest.mark.usefixtures("replicas")
def test_three_replicas_share_the_room(
    base_url: str, enter: Enter, plain: Service, other: Service, mark: str, operator: Operator
) -> None:
    watcher = enter(other)
    visitors = [enter(plain) for _ in range(30)]
    for visitor in visitors:
        visitor.history()
    watcher.until_online({plain.name: 30}, seconds=20)
    for number, visitor in enumerate(visitors):
        visitor.say(mark, f"{number} of 30")
    heard = [visitor.hear(mark, 30) for visitor in (watcher, *visitors)]
    assert all(messages == heard[0] for messages in heard)

    operator.kill_replica(plain)

    watcher.say(mark, "who is left?")
    dropped = [visitor for visitor in visitors if not visitor.hears(mark)]
    assert 0 < len(dropped) < 30, f"of 30 sockets {len(dropped)} were on the container that was killed"
    for _ in dropped:
        with room.enter(base_url, plain, heard[0][-1].id) as back:
            assert texts(back.hear(mark)) == ["who is left?"]

"""A flood of talk in the chat room, with sockets that never read it: readers hear everything, nobody is held up, and
nothing piles up in memory."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from e2e.load import flood
from e2e.load.flood import Outcome
from e2e.support import websocket
from e2e.support.lab_operator import Operator
from e2e.support.room import ids
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.operator


@pytest.fixture(scope="module")
def flooded(base_url: str, services: list[Service]) -> Iterator[dict[str, Outcome]]:
    """50,000 messages of 1,000 characters, heard by one socket of each stack, and not read by three others."""
    with Operator(base_url, services) as operator:
        yield flood.flood(base_url, services, operator, f"flood-{secrets.token_hex(4)}")


def test_a_reader_hears_the_whole_flood_once_and_in_order(flooded: dict[str, Outcome], service: Service) -> None:
    outcome = flooded[service.name]

    assert not outcome.trouble
    assert len(outcome.said) == flood.MESSAGES
    assert len(outcome.heard) == flood.MESSAGES
    assert {message.text for message in outcome.heard} == outcome.said
    orders = [message.order for message in outcome.heard]
    assert orders == sorted(set(orders))
    assert ids(outcome.heard) == ids(next(iter(flooded.values())).heard)


def test_sockets_that_do_not_read_do_not_fill_the_memory(flooded: dict[str, Outcome], service: Service) -> None:
    """Without a bound each of the three would take 50 MB. The room's own log takes a good 20 MB."""
    outcome = flooded[service.name]

    assert sum(outcome.processes_before.values()) > 2**20, "found no processes of the service"
    assert outcome.grown < 75 * 2**20, f"{service.name} grew by {outcome.grown / 2**20:.0f} MiB"


@pytest.mark.check("chat-slow-reader")
def test_a_socket_that_does_not_read_is_closed(flooded: dict[str, Outcome], service: Service) -> None:
    outcome = flooded[service.name]
    ends = [end for _, end in outcome.stuck]

    assert len(ends) == flood.STUCK
    # A library that does not let the service send 1013 sends 4013, and one without close codes sends none (1005).
    # Socket.IO disconnects, which has no code of its own.
    nearest = {1013, 4013, 1005, 1006} | ({1000} if service.protocol == "socket.io" else set())
    # A socket that reads nothing answers no ping either. On a slow machine the keepalive may end it first.
    if service.limits.ping_interval and outcome.seconds > service.limits.ping_interval:
        nearest |= {1000, 1001, 1008, 1011}
    for end in ends:
        assert isinstance(end, websocket.Close), end
        assert end.code in nearest, f"{service.name} closed with {end}"


def test_a_socket_that_does_not_read_was_sent_the_beginning(flooded: dict[str, Outcome], service: Service) -> None:
    """What was sent before the close is in order and without a gap."""
    outcome = flooded[service.name]
    whole_flood = ids(outcome.heard)

    for told, _ in outcome.stuck:
        assert told, f"{service.name} sent nothing"
        assert told == whole_flood[: len(told)]


@pytest.mark.push("events")
def test_a_stream_of_events_that_is_not_read_is_cut_off(flooded: dict[str, Outcome], service: Service) -> None:
    """It was sent the beginning, in order and without a gap."""
    outcome = flooded[service.name]
    whole_flood = ids(outcome.heard)

    assert [deaf.cut_off for deaf in outcome.deaf] == [True] * flood.STUCK
    for deaf in outcome.deaf:
        assert deaf.told, f"{service.name} sent nothing"
        assert deaf.told == whole_flood[: len(deaf.told)]
        assert len(deaf.told) < flood.MESSAGES


def test_the_service_is_still_running_after_the_flood(flooded: dict[str, Outcome], service: Service) -> None:
    outcome = flooded[service.name]

    assert outcome.processes_after.keys() == outcome.processes_before.keys()
    assert outcome.slowest_about < 5, f"/about took up to {outcome.slowest_about:.1f} s"

"""A service goes away and comes back: the others do not notice, and the page says so and reconnects."""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack

import httpx
import pytest
from playwright.sync_api import expect

from e2e import wire
from e2e.lab import Lab
from e2e.room import Visitor
from e2e.wall import Wall
from echowall.catalog import Service

pytestmark = pytest.mark.operator

#: What a browser says of its own accord when a service is not there.
NOT_THERE = ("WebSocket connection to", "Failed to load resource: the server responded with a status of 50[234]")


@pytest.mark.check("shutdown-close")
def test_sigterm_closes_open_sockets_with_a_reason_to_go(
    base_url: str, service: Service, lab: Lab, enter: Callable[..., Visitor]
) -> None:
    visitor = enter(service)
    visitor.history()
    with wire.connect(base_url, service) as client:
        client.echo("before the end")

        lab.stop(service)

        assert client.wait_closed().code in (1001, 1012)
        assert visitor.client.wait_closed().code in (1001, 1012)


def test_sigterm_ends_a_service_within_5_s_even_with_sockets_open(
    base_url: str, service: Service, lab: Lab, enter: Callable[..., Visitor]
) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(wire.connect(base_url, service)) for _ in range(20)]
        clients += [enter(service).client for _ in range(20)]

        stopping = timed(lambda: lab.stop(service))

        for client in clients:
            client.wait_closed()
    overhead = timed(lambda: lab.stop(service))  # what the tool takes to stop what is stopped
    assert stopping - overhead < 5, f"{service.name} took {stopping:.1f} s, of which the tool {overhead:.1f} s"


@pytest.mark.expects_console(*NOT_THERE)
def test_a_killed_service_is_shown_down_and_reconnected_to(wall: Wall, service: Service, lab: Lab) -> None:
    pane = wall.open(service=service.name)
    pane.connect()

    lab.kill(service)

    expect(pane.entries("event", "close")).not_to_have_count(0)
    lab.start(service)
    expect(pane.connection).to_have_text("Connected", timeout=60_000)
    wall.say("back again")
    pane.expect_received("back again")


@pytest.mark.expects_console(*NOT_THERE)
def test_what_is_being_typed_survives_a_service_going_down(wall: Wall, plain: Service, lab: Lab) -> None:
    pane = wall.open()
    pane.own_endpoint.check()
    pane.endpoint_url.fill("wss://half-typed.exam")

    lab.stop(plain)

    expect(pane.row(plain.name)).to_have_attribute("data-status", "down", timeout=20_000)
    expect(pane.endpoint_url).to_have_value("wss://half-typed.exam")


@pytest.mark.expects_console(*NOT_THERE)
def test_a_stopped_service_is_named_until_it_is_back_without_a_reload(wall: Wall, plain: Service, lab: Lab) -> None:
    pane = wall.open(service=plain.name)
    pane.connect()

    lab.stop(plain)

    expect(pane.row(plain.name)).to_have_attribute("data-status", "down", timeout=20_000)
    expect(pane.root.get_by_text(f"{plain.title} is down").filter(visible=True)).not_to_have_count(0)
    expect(pane.connection).to_have_text(re.compile(r"^(Reconnecting in \d+ s \(attempt \d+\)|Connecting…)$"))
    expect(pane.entries("event", "reconnect")).not_to_have_count(0)
    lab.start(plain)
    expect(pane.connection).to_have_text("Connected", timeout=60_000)
    expect(pane.row(plain.name)).to_have_attribute("data-status", "up", timeout=20_000)
    expect(pane.root.get_by_text(f"{plain.title} is down").filter(visible=True)).to_have_count(0)


@pytest.mark.expects_console(*NOT_THERE)
def test_a_service_that_went_down_by_sigterm_is_shown_with_its_close_code(wall: Wall, plain: Service, lab: Lab) -> None:
    pane = wall.open(service=plain.name)
    pane.connect()

    lab.stop(plain)

    expect(pane.entries("event", "close").first).to_contain_text(re.compile("1001|1012"))


@pytest.mark.expects_console(*NOT_THERE)
def test_reconnecting_can_be_turned_off(wall: Wall, plain: Service, lab: Lab) -> None:
    pane = wall.open(service=plain.name)
    pane.reconnects.uncheck()
    pane.connect()

    lab.kill(plain)

    expect(pane.connection).to_have_text("Disconnected")
    expect(pane.entries("event", "close")).to_have_count(1)
    expect(pane.entries("event", "reconnect")).to_have_count(0)


@pytest.mark.expects_console(*NOT_THERE)
def test_reconnecting_can_be_given_up(wall: Wall, plain: Service, lab: Lab) -> None:
    pane = wall.open(service=plain.name)
    pane.connect()
    lab.stop(plain)
    expect(pane.connection).to_have_text(re.compile("^Reconnecting"), timeout=20_000)

    pane.disconnect_button.click()

    expect(pane.connection).to_have_text("Disconnected")


@pytest.mark.expects_console(*NOT_THERE)
def test_connecting_to_a_service_that_is_down_says_so(wall: Wall, plain: Service, lab: Lab) -> None:
    lab.stop(plain)
    pane = wall.open(service=plain.name)
    pane.reconnects.uncheck()

    pane.connect_button.click()

    expect(pane.entries("event", "close")).to_contain_text("1006")
    expect(pane.root.get_by_text(f"{plain.title} is down").filter(visible=True)).not_to_have_count(0)


def test_the_others_still_echo(base_url: str, services: list[Service], service: Service, lab: Lab) -> None:
    others = [other for other in services if other != service]
    open_before = [wire.connect(base_url, other) for other in others]

    lab.kill(service)

    assert len(others) == len(services) - 1
    for client in open_before:
        with client:
            assert client.echo("undisturbed?") == "undisturbed?"
    for other in others:
        with wire.connect(base_url, other) as client:
            assert client.echo("and who comes new?") == "and who comes new?"


def test_the_proxy_names_a_service_that_is_down(base_url: str, plain: Service, lab: Lab) -> None:
    lab.stop(plain)

    answer = wire.request(base_url, f"/{plain.name}/about")

    assert answer.status in (502, 503)
    assert answer.json["service"] == plain.name
    assert plain.name in answer.json["error"]


def test_the_proxy_refuses_a_websocket_to_a_service_that_is_down(base_url: str, plain: Service, lab: Lab) -> None:
    lab.stop(plain)

    with pytest.raises(wire.RefusedError) as refusal:
        wire.connect(base_url, plain)

    assert refusal.value.status in (502, 503)


def test_the_proxy_says_so_within_2_s(http: httpx.Client, plain: Service, lab: Lab) -> None:
    lab.stop(plain)

    assert http.get(f"/{plain.name}/about", timeout=2).status_code in (502, 503)
    assert http.get(f"/{plain.name}/foobar/", timeout=2).status_code in (502, 503)


def timed(action: Callable[[], None]) -> float:
    """The seconds that it took."""
    start = time.monotonic()
    action()
    return time.monotonic() - start

"""An endpoint of one's own that speaks Socket.IO, or Server-Sent Events."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from e2e.page.conftest import AssertAccessible
from e2e.support.pages import EchoPage
from e2e.support.room import Enter
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside


@pytest.mark.protocol("socket.io")
def test_an_own_endpoint_speaks_socket_io(echo: EchoPage, service: Service, base_url: str) -> None:
    pane = echo.open(url=f"{base_url}/{service.name}/foobar/", protocol="socket.io")
    expect(pane.endpoint_protocol).to_have_value("socket.io")
    pane.connect()

    echo.say("Hello, wall!")

    pane.expect_totals(1, 1)
    expect(pane.tally).to_have_text("1 same")
    assert pane.received() == ["Hello, wall!"]


@pytest.mark.inside
@pytest.mark.push("events")
def test_an_own_endpoint_speaks_server_sent_events(
    echo: EchoPage, services: list[Service], enter: Enter, base_url: str, mark: str, assert_accessible: AssertAccessible
) -> None:
    service = next(service for service in services if "events" in service.push)
    speaker = enter(service)
    speaker.history()
    pane = echo.open(service=services[0].name)
    pane.own_endpoint.check()
    pane.endpoint_protocol.select_option(label="Server-Sent Events")
    pane.endpoint_url.fill(f"{base_url}/{service.name}/chat/events")
    pane.connect()

    speaker.say("somebody", mark)

    heard = pane.entries("received", "text").filter(has_text=mark)
    expect(heard).to_have_attribute("data-mark", "unasked")
    expect(heard).to_contain_text("pushed")
    expect(heard.locator(".wrong")).to_have_count(0)  # it has promised no echo
    expect(echo.composer).to_contain_text("Server-Sent Events only come: nothing can be sent.")
    expect(echo.send).to_be_disabled()
    assert_accessible()
    pane.disconnect_button.click()
    expect(pane.entries("event", "close")).to_contain_text("closed by the page")


@pytest.mark.expects_console("status of 404")
def test_what_is_no_stream_of_events_is_told(echo: EchoPage, base_url: str, plain: Service) -> None:
    pane = echo.open(url=f"{base_url}/healthz", protocol="events")
    pane.reconnects.uncheck()

    for address, complaint in (
        (f"{base_url}/healthz", "not “text/event-stream”"),
        (f"{base_url}/{plain.name}/no-such-thing", "HTTP 404"),
    ):
        pane.endpoint_url.fill(address)
        pane.connect_button.click()
        expect(pane.entries("event", "close").last).to_contain_text(complaint)
        expect(pane.connection).to_have_text("Disconnected")


def test_an_address_of_another_protocol_is_refused(echo: EchoPage, plain: Service) -> None:
    pane = echo.open(service=plain.name)
    pane.own_endpoint.check()
    pane.endpoint_protocol.select_option(label="Server-Sent Events")
    pane.endpoint_url.fill("ws://127.0.0.1/")

    pane.connect_button.click()

    expect(pane.alert.filter(has_text="it must begin with http:// or https://")).to_be_visible()
    pane.endpoint_protocol.select_option(label="WebSocket")
    expect(pane.alert.filter(has_text=re.compile(r"\w"))).to_have_count(0)

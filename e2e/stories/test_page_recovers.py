"""What the page shows while a service or Redis is down, and how it goes on when they are back."""

import re
from typing import get_args, get_type_hints

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.support import websocket
from e2e.support.console import SERVICE_DOWN
from e2e.support.lab_operator import REDIS, Operator
from e2e.support.pages import ChatPage, EchoPage
from e2e.support.room import Enter
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.operator

RECONNECTING = re.compile(r"^(Reconnecting in \d+ s \(attempt \d+\)|Connecting…)$")


@pytest.mark.alone
@pytest.mark.expects_console(*SERVICE_DOWN)
def test_a_stopped_service_is_shown_down_until_it_is_back_without_a_reload(
    context: BrowserContext,
    base_url: str,
    http: httpx.Client,
    plain: Service,
    operator: Operator,
    subtests: pytest.Subtests,
) -> None:
    typing, watching, once, leaving, late = (EchoPage(context.new_page()) for _ in range(5))
    typing.open()
    typing.first.own_endpoint.check()
    typing.first.endpoint_url.fill("wss://half-typed.exam")
    for echo in (once, late):
        echo.open(service=plain.name)
        echo.first.reconnects.uncheck()
    once.first.connect()
    for echo in (watching, leaving):
        echo.open(service=plain.name).connect()
    is_down = re.compile(f"{re.escape(plain.title)} is down")

    operator.stop(plain)

    with subtests.test("the proxy names it, within 2 s"):
        answer = http.get(f"/{plain.name}/about", timeout=2)
        assert answer.status_code in (502, 503)
        assert answer.json()["service"] == plain.name
        assert plain.name in answer.json()["error"]
        assert http.get(f"/{plain.name}/foobar/", timeout=2).status_code in (502, 503)
    with subtests.test("the proxy refuses a WebSocket to it"):
        with pytest.raises(websocket.RefusedError) as refusal:
            websocket.connect(base_url, plain)
        assert refusal.value.status in (502, 503)
    with subtests.test("the page shows it down, and gives the close code"):
        expect(watching.first.row(plain.name)).to_have_attribute("data-status", "down", timeout=20_000)
        expect(watching.first.root.get_by_text(is_down).filter(visible=True)).not_to_have_count(0)
        expect(watching.first.connection).to_have_text(RECONNECTING)
        expect(watching.first.entries("event", "close").first).to_contain_text(re.compile("1001|1012"))
        expect(watching.first.entries("event", "reconnect")).not_to_have_count(0)
    with subtests.test("what somebody is typing is kept"):
        expect(typing.first.row(plain.name)).to_have_attribute("data-status", "down", timeout=20_000)
        expect(typing.first.endpoint_url).to_have_value("wss://half-typed.exam")
    with subtests.test("reconnecting can be turned off"):
        expect(once.first.connection).to_have_text("Disconnected")
        expect(once.first.entries("event", "close")).to_have_count(1)
        expect(once.first.entries("event", "reconnect")).to_have_count(0)
    with subtests.test("reconnecting can be stopped"):
        expect(leaving.first.connection).to_have_text(re.compile("^Reconnecting"), timeout=20_000)
        leaving.first.disconnect_button.click()
        expect(leaving.first.connection).to_have_text("Disconnected")
    with subtests.test("connecting to a service that is down says so"):
        late.first.connect_button.click()
        expect(late.first.entries("event", "close")).to_contain_text("1006")
        expect(late.first.root.get_by_text(is_down).filter(visible=True)).not_to_have_count(0)

    operator.start(plain)

    with subtests.test("it is back without a reload"):
        expect(watching.first.connection).to_have_text("Connected", timeout=60_000)
        expect(watching.first.row(plain.name)).to_have_attribute("data-status", "up", timeout=20_000)
        expect(watching.first.root.get_by_text(is_down).filter(visible=True)).to_have_count(0)
    with subtests.test("a page that does not reconnect stays disconnected"):
        for echo in (once, leaving, late):
            expect(echo.first.connection).to_have_text("Disconnected")


@pytest.mark.alone
@pytest.mark.expects_console(*SERVICE_DOWN)
@pytest.mark.parametrize("protocol", get_args(get_type_hints(Service)["protocol"]))
def test_the_chat_catches_up_when_its_stack_is_back(
    page: Page, services: list[Service], enter: Enter, mark: str, operator: Operator, protocol: str
) -> None:
    service = next(service for service in services if service.protocol == protocol)
    somebody = enter(next(other for other in services if other != service))
    chat = ChatPage(page)
    chat.open(service.name)
    somebody.say(mark, "before")
    expect(chat.messages(mark)).to_have_count(1)

    operator.stop(service)
    for number in range(12):
        somebody.say(mark, f"{number} meanwhile")
    somebody.hear(mark, 13)
    operator.start(service)

    expect(chat.events("caught-up").last).to_have_attribute("data-count", "12", timeout=60_000)
    expect(chat.messages(mark)).to_have_count(13)
    chat.expect_nothing_twice_or_out_of_order()


@pytest.mark.room_alone
def test_the_chat_says_that_redis_is_down_and_keeps_what_was_written(
    page: Page, plain: Service, mark: str, operator: Operator
) -> None:
    chat = ChatPage(page)
    chat.open(plain.name)

    operator.stop(REDIS)
    expect(chat.connection).to_have_text(re.compile("^Redis does not answer"), timeout=20_000)
    chat.composer.fill(f"{mark} patience")
    chat.composer.press("Enter")
    expect(chat.alert).to_have_text(re.compile(r"\w"))
    expect(chat.composer).to_have_value(f"{mark} patience")
    operator.start(REDIS)

    chat.expect_inside()
    chat.composer.press("Enter")
    expect(chat.messages(mark)).to_have_count(1)
    expect(chat.root.locator("li[data-pending]")).to_have_count(0)
    chat.expect_nothing_twice_or_out_of_order()

"""The page verifies every echo: what comes back is marked, and where it is not what was sent, explained."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from e2e.page.conftest import Visit
from e2e.support.pages import EchoPage, Pane
from echowall.catalog.catalog import Known, Service

pytestmark = pytest.mark.outside

Deviating = Callable[[str], tuple[Service, Known]]

OWN = "wss://own.example/"


@pytest.fixture
def deviating(services: list[Service]) -> Deviating:
    """Finds a service by a check of which the catalog knows that it fails it."""

    def find(check: str) -> tuple[Service, Known]:
        for service in services:
            if service.protocol == "websocket" and (known := service.known_deviation(check, "proxy")):
                return service, known
        pytest.skip(f"no service is known to fail {check}")

    return find


def expect_explained(entry: Locator, known: Known) -> None:
    """Expect that the entry opens the known deviation, with its reason and its link."""
    entry.get_by_text("known deviation", exact=True).click()
    expect(entry).to_contain_text(known.reason)
    expect(entry.get_by_role("link", name="upstream")).to_have_attribute("href", known.link)


def answering(
    page: Page, answer: Callable[[WebSocketRoute, str | bytes], None], url: str = OWN, hello: str = ""
) -> None:
    """Make the endpoint at that address one that answers as a test says."""

    def play(route: WebSocketRoute) -> None:
        route.on_message(lambda message: answer(route, message))
        if hello:
            route.send(hello)

    page.route_web_socket(url, play)


# Each mark, on a stack that earns it


def test_binary_that_comes_back_as_text_is_marked(echo: EchoPage, deviating: Deviating) -> None:
    service, known = deviating("binary")
    pane = echo.open(service=service.name)
    pane.connect()

    echo.say("65 63 68 6f", kind="Hex")

    answer = pane.entries("received")
    expect(answer).to_have_attribute("data-mark", "type")
    expect(answer).to_contain_text("≠ text for binary")
    expect_explained(answer, known)
    expect(pane.tally).to_have_text("1 of the other type")
    assert [entry.mark for entry in pane.export() if entry.direction == "received"] == ["type"]


def test_a_message_of_which_only_the_beginning_comes_back_is_marked(echo: EchoPage, deviating: Deviating) -> None:
    service, known = deviating("fragments")  # Chromium sends a message of this size in fragments
    pane = echo.open(service=service.name)
    pane.connect()

    echo.say_preset("1 MiB")

    answer = pane.entries("received")
    expect(answer).to_have_attribute("data-mark", "cut", timeout=15_000)
    expect(answer).to_contain_text(re.compile(r"≠ cut short: [\d.]+ KiB of 1 MiB"))
    expect_explained(answer, known)


@pytest.mark.browser_context_args  # a clock stays with its page
def test_a_message_that_nothing_answers_is_marked(echo: EchoPage, deviating: Deviating) -> None:
    service, known = deviating("empty-message")
    echo.page.clock.install()
    pane = echo.open(service=service.name)
    pane.connect()

    echo.say("")
    echo.say("after the empty one")
    expect(pane.entries("received")).to_have_attribute("data-mark", "same")
    echo.page.clock.fast_forward(5_000)

    unanswered = pane.entries("sent").first
    expect(unanswered).to_have_attribute("data-mark", "none")
    expect(unanswered).to_contain_text("∅ no answer after 5 s")
    expect_explained(unanswered, known)
    expect(pane.tally).to_have_text("1 same · 1 unanswered")


def test_a_close_with_another_code_than_was_asked_for_is_marked(echo: EchoPage, deviating: Deviating) -> None:
    service, known = deviating("close-code")
    pane = echo.open(service=service.name)
    pane.connect()

    pane.disconnect("4001", "seen enough")

    close = pane.entries("event", "close")
    expect(close).to_have_attribute("data-mark", "code")
    expect(close).to_contain_text("while the page asked for 4001")
    expect_explained(close, known)


@pytest.mark.browser_context_args  # a route of WebSockets stays with its page
def test_a_message_that_comes_back_altered_is_marked(page: Page, echo: EchoPage, plain: Service) -> None:
    def play(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(lambda message: route.send(str(message).replace("wall", "well")))

    page.route_web_socket(f"**/{plain.name}/foobar/", play)
    pane = echo.open(service=plain.name)
    pane.connect()

    echo.say("Hello, wall!")

    answer = pane.entries("received")
    expect(answer).to_have_attribute("data-mark", "altered")
    expect(answer).to_contain_text("≠ altered: not what was sent")
    expect(answer).not_to_contain_text("known deviation")
    pane.open_in_full(answer)
    expect(pane.drawer).to_contain_text("The first 8 characters are the same.")
    expect(pane.drawer.get_by_role("deletion")).to_have_text("a")
    expect(pane.drawer.get_by_role("insertion")).to_have_text("e")
    expect(pane.sparkline).to_have_accessible_name("Round-trip time: nothing measured yet")


def test_the_marks_are_in_chinese_too(echo: EchoPage, plain: Service) -> None:
    echo.load(f"/?service={plain.name}&connect=1&lang=zh")
    page = echo.page
    expect(page.locator("[data-kind=open]")).to_have_count(1)

    page.locator("textarea").fill("回音壁")
    page.locator("textarea").press("Control+Enter")

    expect(page.locator("[data-mark=same]")).to_contain_text("✓ 一致")
    expect(page.get_by_role("status", name="回声核对")).to_have_text("一致 1")


# An endpoint of one's own, which has not promised an echo


@pytest.mark.browser_context_args  # a route of WebSockets stays with its page
def test_an_endpoint_of_your_own_is_not_accused(page: Page, echo: EchoPage) -> None:
    answering(page, lambda route, message: route.send(f"{message}"[:2] if message == "cut" else "{}"), hello="welcome")
    pane = echo.open(url=OWN, connect="1")
    pane.expect_connected()

    echo.say("cut")
    expect(pane.entries("received")).to_have_count(2)
    echo.say("a request")

    answers = pane.entries("received")
    expect(answers).to_have_count(3)
    for answer, words in zip(
        answers.all(), ("pushed:", "the beginning of what was sent: 2 B of 3 B", "another message"), strict=True
    ):
        expect(answer).to_contain_text(words)
        expect(answer.locator(".wrong, details")).to_have_count(0)
    expect(pane.tally).to_have_text("1 in part · 1 other answers · 1 pushed")


def test_a_password_is_neither_in_the_address_nor_in_the_log_nor_in_the_export(
    echo: EchoPage, base_url: str, plain: Service
) -> None:
    url = f"{base_url.replace('http', 'ws', 1).replace('://', '://me:secret@', 1)}/{plain.name}/foobar/"
    pane = echo.open(url=url, connect="1")
    pane.expect_connected()

    expect(echo.page).not_to_have_url(re.compile("secret"))
    expect(pane.entries("event", "open")).to_contain_text("://me:•••@")
    pane.disconnect()
    pane.endpoint_url.fill(url.replace("secret", "another-secret"))
    pane.connect()
    expect(echo.page).not_to_have_url(re.compile("secret"))
    expect(pane.log).not_to_contain_text("secret")
    with echo.page.expect_download() as download:
        pane.export_button.click()
    assert "secret" not in download.value.path().read_text("utf-8")


# A message in full


@pytest.mark.browser_context_args(permissions=["clipboard-read", "clipboard-write"])
def test_a_message_opens_in_full_and_can_be_copied(echo: EchoPage, connected: Pane) -> None:
    number, list_of_two = "12345678901234567890", "[2]"
    message = f'{{"number": {number}, "list": [true, "deep"]}}'
    echo.say(message, kind="JSON")
    connected.expect_totals(1, 1)

    connected.open_in_full(connected.entries("received"))

    drawer = connected.drawer
    tree = drawer.locator("ew-json").first
    expect(tree).to_contain_text(f"number: {number}")
    expect(tree).not_to_contain_text("deep")
    tree.get_by_text(list_of_two).click()
    expect(tree).to_contain_text('1: "deep"')
    expect(drawer.get_by_label("Hex", exact=True)).to_contain_text("7b 22 6e 75")
    drawer.get_by_role("button", name="Copy").click()
    expect(drawer.get_by_role("status")).to_have_text("Copied.")
    assert echo.page.evaluate("navigator.clipboard.readText()") == message


def test_messages_are_gone_through_by_keyboard_and_counted_anew_with_each_connection(
    echo: EchoPage, connected: Pane, other: Service, subtests: pytest.Subtests
) -> None:
    echo.say("68 69", kind="Hex")
    connected.expect_totals(1, 1)

    with subtests.test("messages in full can be gone through by keyboard"):
        heading = connected.drawer.get_by_role("heading", level=2)
        connected.log.focus()
        echo.page.keyboard.press("Enter")
        expect(heading).to_have_text("Received · binary")
        echo.page.keyboard.press("ArrowLeft")
        expect(heading).to_have_text("Sent · binary")
        echo.page.keyboard.press("Escape")

        expect(connected.drawer).to_have_count(0)
        expect(connected.log).to_be_focused()
        echo.page.keyboard.press("Enter")
        expect(heading).to_have_text("Received · binary")
        echo.page.keyboard.press("Escape")

    with subtests.test("what is counted and timed starts anew with each connection"):
        expect(connected.sparkline).to_have_accessible_name(
            re.compile(r"p50 \(median\) \d.*, p95 \d.*, echoes counted: 1$")
        )

        connected.disconnect()
        connected.expect_totals(1, 1)
        connected.stack(other.title).check()

        connected.expect_totals(0, 0)
        expect(connected.tally).to_have_text("")
        expect(connected.sparkline).to_have_accessible_name("Round-trip time: nothing measured yet")


@pytest.mark.browser_context_args  # a route of WebSockets stays with its page
def test_panes_side_by_side_draw_their_times_on_one_scale(page: Page, echo: EchoPage) -> None:
    slow = "wss://slow.example/"
    answering(page, lambda route, message: route.send(message))

    def answer_late(route: WebSocketRoute, message: str | bytes) -> None:
        page.wait_for_timeout(400)
        route.send(message)

    answering(page, answer_late, slow)
    echo.open(**{"url": OWN, "compare-url": slow, "connect": "1"})
    echo.first.expect_connected()
    echo.second.expect_connected()

    echo.say("to both")

    echo.second.expect_totals(1, 1)
    top, bottom = 2, 26
    for pane, low, high in ((echo.first, 15, bottom), (echo.second, top, top)):
        points = pane.sparkline.locator("polyline").get_attribute("points") or ""
        heights = [float(point.split(",")[1]) for point in points.split()]
        assert all(low <= height <= high for height in heights), points


# What the page says


def test_what_was_not_looked_at_is_said(echo: EchoPage, connected: Pane, visit: Visit) -> None:
    with visit("long JSON is not said to be none"):
        echo.say(f'["{300 * 1024 * "x"}"]', kind="JSON")
        connected.expect_totals(1, 1)
        connected.view_as.select_option(label="JSON")
        expect(connected.entries("received")).to_contain_text("(over 256 KiB: not laid out as JSON)")
        expect(connected.entries("received")).not_to_contain_text("(not JSON)")
        connected.view_as.select_option(label="Text")

    with visit("a search says what it has not looked at"):
        echo.say(f"{70_000 * 'x'}needle")
        connected.expect_totals(1, 1)
        connected.search.fill("needle")
        expect(connected.log).to_contain_text("Nothing matches in what was searched.")
        expect(connected.log).to_contain_text("2 may match further on.")
        expect(connected.log).not_to_contain_text("No message matches.")
        connected.search.fill("xxx")
        expect(connected.entries("received")).to_have_count(1)
        expect(connected.log).not_to_contain_text("may match further on")


@pytest.mark.expects_console("WebSocket connection to")
def test_a_refusal_after_subprotocols_were_offered_says_what_may_be_the_reason(echo: EchoPage, plain: Service) -> None:
    pane = echo.open(service=plain.name)
    pane.reconnects.uncheck()
    pane.subprotocols.fill("no-such-subprotocol")

    pane.connect_button.click()

    expect(pane.entries("event", "error")).to_contain_text(
        "offered subprotocols (no-such-subprotocol): where the server selects none of them, the browser ends"
    )
    expect(pane.entries("event", "close")).to_contain_text("never came about")


@pytest.mark.browser_context_args(permissions=["local-network-access"])
def test_a_page_that_came_by_https_reaches_this_machine_in_plain_text(
    page: Page, echo: EchoPage, base_url: str, services: list[Service]
) -> None:
    service = next(service for service in services if service.foreign_origin == "accepted")
    https = "https://wall.example"
    page.route(
        f"{https}/**", lambda route: route.fulfill(response=route.fetch(url=route.request.url.replace(https, base_url)))
    )
    echo.load(f"{https}/?connect=1&url={base_url.replace('http', 'ws', 1)}/{service.name}/foobar/")

    echo.first.expect_connected()
    echo.say("in plain text")
    expect(echo.first.entries("received")).to_have_attribute("data-mark", "same")

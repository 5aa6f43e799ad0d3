"""The chat room as people see it: every stack, one conversation."""

import re
from typing import Any, get_args, get_type_hints

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, WebSocketRoute, expect

from e2e.support.console import SERVICE_DOWN
from e2e.support.lab_operator import REDIS, Operator
from e2e.support.pages import ChatPage
from e2e.support.room import Enter
from e2e.support.settings import ARTIFACTS
from echowall.catalog.catalog import Service

SHOTS = ARTIFACTS / "chat"


@pytest.fixture
def chat(page: Page) -> ChatPage:
    """The page, not yet opened."""
    return ChatPage(page)


@pytest.fixture
def inside(chat: ChatPage, plain: Service) -> ChatPage:
    """Somebody in the room."""
    chat.open(plain.name)
    return chat


@pytest.mark.alone  # so many pages draw whatever anybody says
def test_everybody_sees_everybody(context: BrowserContext, services: list[Service], mark: str) -> None:
    def hello(service: Service) -> str:
        return f"Hello from {service.title}. 大家好！ ({mark})"

    chats = {service: ChatPage(context.new_page()) for service in services}
    for service, chat in chats.items():
        chat.page.set_viewport_size({"width": 640, "height": 900})
        chat.open(service.name)

    for service, chat in chats.items():
        chat.say(hello(service))
        expect(chat.messages(hello(service))).to_have_count(1)

    for own, chat in chats.items():
        said = chat.messages(mark)
        expect(said).to_have_count(len(services))
        shown = said.evaluate_all(
            """rows => rows.map((row) => [row.dataset.service, row.querySelector(".badge").textContent,
                row.querySelector(".text").textContent, "mine" in row.dataset])"""
        )
        assert shown == [[service.name, service.title, hello(service), service == own] for service in services]
        for service in services:
            expect(chat.count_online(service.name)).to_have_attribute("data-count", re.compile(r"^[1-9]\d*$"))
        chat.expect_nothing_twice_or_out_of_order()
        chat.page.screenshot(path=SHOTS / f"{own.name}.png")


def test_what_is_said_is_heard(chat: ChatPage, service: Service, enter: Enter, other: Service, mark: str) -> None:
    elsewhere = enter(other)
    chat.open(service.name)

    chat.say(f"{mark} from the page")
    (message,) = elsewhere.hear(mark)
    elsewhere.say("somebody", f"{mark} from elsewhere")

    assert message.service == service.name
    expect(chat.messages(f"{mark} from elsewhere").locator(".badge")).to_have_text(other.title)
    expect(chat.messages(f"{mark} from the page")).to_have_count(1)
    expect(chat.composer).to_have_value("")


def test_the_nick_is_kept(inside: ChatPage, plain: Service, mark: str) -> None:
    inside.nick.fill(mark)
    inside.nick.press("Enter")
    inside.reload()
    inside.expect_inside()

    inside.say("still me")

    expect(inside.nick).to_have_value(mark)
    expect(inside.messages("still me").filter(has_text=mark).locator(".nick")).to_have_text(mark)


def test_markup_stays_text(inside: ChatPage, enter: Enter, plain: Service, mark: str) -> None:
    attack = '<img src=x onerror="window.attacked = true"><script>window.attacked = true</script>'
    somebody = enter(plain)

    somebody.say(f"<b>{mark}</b>", attack + mark)

    row = inside.messages(attack + mark)
    expect(row.locator(".text")).to_have_text(attack + mark)
    expect(row.locator(".nick")).to_have_text(f"<b>{mark}</b>")
    expect(row.locator("img, script, b")).to_have_count(0)
    assert inside.page.evaluate("window.attacked") is None


def test_text_is_shown_as_it_was_said(inside: ChatPage, enter: Enter, plain: Service, mark: str) -> None:
    somebody = enter(plain)
    text = f"  one\n\ttwo  three 👩🏽‍🚀 שלום {mark}"

    somebody.say(mark, text)

    assert inside.messages(mark).locator(".text").text_content() == text


def test_the_stack_can_be_changed_in_the_middle(
    inside: ChatPage, services: list[Service], enter: Enter, plain: Service, mark: str
) -> None:
    somebody = enter(plain)
    for service in services:
        inside.stack.select_option(service.name)
        inside.expect_inside()
        inside.say(f"{mark} by {service.name}")
        expect(inside.messages(f"{mark} by {service.name}")).to_have_attribute("data-service", service.name)
        somebody.say(mark, f"an answer to {service.name}")

    expect(inside.messages(mark)).to_have_count(2 * len(services))
    inside.expect_nothing_twice_or_out_of_order()


def test_leaving_and_joining_misses_nothing(inside: ChatPage, enter: Enter, plain: Service, mark: str) -> None:
    somebody = enter(plain)
    inside.leave.click()
    expect(inside.connection).to_have_text("Disconnected")
    for number in range(120):
        somebody.say(mark, f"{number} meanwhile")
    somebody.hear(mark, 120)

    inside.join.click()

    # Others may have spoken too; how many they are exactly is shown where a stack comes back.
    expect(inside.events("caught-up").last).to_have_text(re.compile(r"Caught up: \d{3} messages"))
    expect(inside.messages(mark)).to_have_count(120)
    inside.expect_nothing_twice_or_out_of_order()


# Writing


def test_enter_sends_and_shift_enter_does_not(inside: ChatPage, mark: str) -> None:
    inside.composer.fill(f"{mark} one")
    inside.composer.press("Shift+Enter")
    inside.composer.press_sequentially("two")
    inside.composer.press("Enter")

    expect(inside.messages(mark)).to_have_count(1)
    assert inside.messages(mark).locator(".text").text_content() == f"{mark} one\ntwo"


def test_the_enter_of_an_input_method_sends_nothing(inside: ChatPage, context: BrowserContext, mark: str) -> None:
    keys = context.new_cdp_session(inside.page)
    inside.composer.fill(mark)
    inside.composer.press("End")

    keys.send("Input.imeSetComposition", {"text": "nihao", "selectionStart": 5, "selectionEnd": 5})
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    keys.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})  # raw: an input method lets no character by
    keys.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    keys.send("Input.insertText", {"text": "你好"})

    expect(inside.composer).to_have_value(re.compile("你好$"))
    expect(inside.messages(mark)).to_have_count(0)
    # Safari ends the composition first, and gives the Enter away by its key code only.
    inside.composer.dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
    expect(inside.messages(mark)).to_have_count(0)
    inside.composer.press("Enter")
    expect(inside.messages(f"{mark}")).to_have_count(1)
    expect(inside.messages("你好").filter(has_text=mark)).to_have_count(1)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(" \n\t", id="blank"),
        pytest.param("🚀" * 2001, id="too long by one"),
    ],
)
def test_what_the_room_would_refuse_is_refused_with_a_reason(inside: ChatPage, mark: str, text: str) -> None:
    inside.composer.fill(text)
    inside.composer.press("Enter")

    expect(inside.alert).to_have_text(re.compile(r"\w"))
    expect(inside.composer).to_have_value(text)
    inside.say(mark)
    expect(inside.messages(mark)).to_have_count(1)
    expect(inside.alert.filter(has_text=re.compile(r"\w"))).to_have_count(0)


def test_2000_emoji_can_be_said(inside: ChatPage, mark: str) -> None:
    text = mark + "🚀" * (2000 - len(mark))

    inside.say(text)

    expect(inside.messages(mark).locator(".text")).to_have_text(text)


def test_a_nick_too_long_or_blank_is_refused(inside: ChatPage, mark: str) -> None:
    for nick in ("n" * 33, "  "):
        inside.nick.fill(nick)
        inside.nick.blur()
        expect(inside.alert).to_have_text(re.compile(r"\w"))

    inside.nick.fill(mark)
    inside.nick.blur()
    inside.say("under a proper nick")

    expect(inside.messages(mark)).to_have_count(1)


def test_on_a_phone_enter_makes_a_new_line(
    playwright: Playwright,
    browser: Any,
    browser_context_args: dict[str, Any],
    base_url: str,
    plain: Service,
    mark: str,
) -> None:
    phone = {key: value for key, value in playwright.devices["Pixel 7"].items() if key != "default_browser_type"}
    with browser.new_context(**{**browser_context_args, **phone, "base_url": base_url}) as context:
        chat = ChatPage(context.new_page())
        chat.open(plain.name)
        chat.composer.tap()
        chat.composer.press_sequentially(f"{mark} one")
        chat.composer.press("Enter")
        chat.composer.press_sequentially("two")
        expect(chat.messages(mark)).to_have_count(0)

        chat.send.tap()

        assert chat.messages(mark).locator(".text").text_content() == f"{mark} one\ntwo"
        width, screen = chat.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= screen


# What is lost on the way


class Wire:
    """The line between the page and the service, cut where a test wants it."""

    def __init__(self, page: Page) -> None:
        self.deaf = self.dumb = False
        self._server: WebSocketRoute | None = None
        page.route_web_socket(re.compile("/chat/"), self._route)

    def cut(self) -> None:
        assert self._server
        self._page.close(code=1012, reason="cut")
        self._server.close(code=1000)

    def _route(self, page: WebSocketRoute) -> None:
        self._page, self._server = page, page.connect_to_server()
        server = self._server
        page.on_message(lambda message: None if self.dumb else server.send(message))
        server.on_message(lambda message: None if self.deaf else page.send(message))


@pytest.mark.expects_console(*SERVICE_DOWN)
def test_what_did_not_get_there_is_shown_and_can_be_said_again(chat: ChatPage, plain: Service, mark: str) -> None:
    wire = Wire(chat.page)
    chat.open(plain.name)
    wire.dumb = True
    chat.say(f"{mark} into the void")
    expect(chat.root.locator("li[data-pending=sending]")).to_have_count(1)

    wire.cut()
    wire.dumb = False

    expect(chat.unsaid()).to_have_count(1, timeout=30_000)
    expect(chat.unsaid()).to_contain_text("not said")
    chat.expect_inside()
    chat.unsaid().get_by_role("button", name="Say again").click()
    expect(chat.messages(mark)).to_have_count(1)
    expect(chat.unsaid()).to_have_count(0)


@pytest.mark.expects_console(*SERVICE_DOWN)
def test_what_got_there_is_not_taken_for_lost(chat: ChatPage, plain: Service, enter: Enter, mark: str) -> None:
    wire, somebody = Wire(chat.page), enter(plain)
    chat.open(plain.name)
    wire.deaf = True
    chat.say(f"{mark} and no answer")
    somebody.hear(mark)

    wire.cut()
    wire.deaf = False

    chat.expect_inside()
    expect(chat.messages(mark)).to_have_count(1)
    expect(chat.root.locator("li[data-pending]")).to_have_count(0)
    chat.expect_nothing_twice_or_out_of_order()


@pytest.mark.operator
@pytest.mark.expects_console(*SERVICE_DOWN)
@pytest.mark.parametrize("protocol", get_args(get_type_hints(Service)["protocol"]))
def test_a_stack_that_comes_back_brings_what_was_missed(
    chat: ChatPage, services: list[Service], enter: Enter, mark: str, operator: Operator, protocol: str
) -> None:
    service = next(service for service in services if service.protocol == protocol)
    somebody = enter(next(other for other in services if other != service))
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


@pytest.mark.operator
def test_redis_away_is_shown_and_what_was_written_is_kept(inside: ChatPage, mark: str, operator: Operator) -> None:
    operator.stop(REDIS)
    expect(inside.connection).to_have_text(re.compile("^Redis does not answer"), timeout=20_000)
    inside.composer.fill(f"{mark} patience")
    inside.composer.press("Enter")
    expect(inside.alert).to_have_text(re.compile(r"\w"))
    expect(inside.composer).to_have_value(f"{mark} patience")

    operator.start(REDIS)

    inside.expect_inside()
    inside.composer.press("Enter")
    expect(inside.messages(mark)).to_have_count(1)
    expect(inside.root.locator("li[data-pending]")).to_have_count(0)
    inside.expect_nothing_twice_or_out_of_order()

"""The chat room in the page: every stack, one conversation."""

import re
from typing import Any, get_args, get_type_hints

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, WebSocketRoute, expect

from e2e.support.console import SERVICE_DOWN
from e2e.support.pages import ChatPage
from e2e.support.room import Enter, Message
from e2e.support.settings import ARTIFACTS
from echowall.catalog.catalog import Service


@pytest.fixture
def chat(page: Page) -> ChatPage:
    """The chat room's page, not yet opened."""
    return ChatPage(page)


@pytest.fixture
def inside(chat: ChatPage, plain: Service) -> ChatPage:
    """The page of somebody who is in the room."""
    chat.open(plain.name)
    return chat


def test_the_page_shows_the_messages_of_every_stack(
    chat: ChatPage, services: list[Service], plain: Service, enter: Enter, mark: str
) -> None:
    """That every stack hears every other one is asked of the sockets, in stories/test_together.py."""

    def hello(service: Service) -> str:
        return f"Hello from {service.title}. 大家好！ ({mark})"

    visitors = [enter(service) for service in services]
    chat.open(plain.name)

    for visitor in visitors:
        visitor.say("somebody", hello(visitor.service))
        visitor.hear(hello(visitor.service))
    chat.say(f"And mine. ({mark})")

    said = chat.messages(mark)
    expect(said).to_have_count(len(services) + 1)
    shown = said.evaluate_all(
        """rows => rows.map((row) => [row.dataset.service, row.querySelector(".badge").textContent,
            row.querySelector(".text").textContent, "mine" in row.dataset])"""
    )
    others = [[service.name, service.title, hello(service), False] for service in services]
    assert shown == [*others, [plain.name, plain.title, f"And mine. ({mark})", True]]
    expect(chat.stacks_online).to_have_count(len(services))
    present = chat.stacks_online.evaluate_all("rows => rows.map((row) => row.dataset.service)")
    assert set(present) == {service.name for service in services}
    chat.expect_nothing_twice_or_out_of_order()
    chat.page.screenshot(path=ARTIFACTS / "chat.png")


@pytest.mark.parametrize("protocol", get_args(get_type_hints(Service)["protocol"]))
def test_the_page_and_another_stack_hear_each_other(
    chat: ChatPage, services: list[Service], enter: Enter, mark: str, protocol: str
) -> None:
    service = next(service for service in services if service.protocol == protocol)
    other = next(other for other in services if other != service)
    elsewhere = enter(other)
    chat.open(service.name)

    chat.say(f"{mark} from the page")
    (message,) = elsewhere.hear(mark)
    elsewhere.say("somebody", f"{mark} from elsewhere")

    assert message.service == service.name
    expect(chat.messages(f"{mark} from elsewhere").locator(".badge")).to_have_text(other.title)
    expect(chat.messages(f"{mark} from the page")).to_have_count(1)
    expect(chat.composer).to_have_value("")


def test_the_nick_is_kept_when_the_page_is_reloaded(inside: ChatPage, plain: Service, mark: str) -> None:
    inside.nick.fill(mark)
    inside.nick.press("Enter")
    inside.reload()
    inside.expect_inside()

    inside.say("still me")

    expect(inside.nick).to_have_value(mark)
    expect(inside.messages("still me").filter(has_text=mark).locator(".nick")).to_have_text(mark)


def test_what_was_written_is_shown_exactly_and_as_text(
    inside: ChatPage, enter: Enter, plain: Service, mark: str, subtests: pytest.Subtests
) -> None:
    somebody = enter(plain)

    with subtests.test("markup is shown as text"):
        attack = '<img src=x onerror="window.attacked = true"><script>window.attacked = true</script>'
        somebody.say(f"<b>{mark}</b>", attack + mark)
        row = inside.messages(attack + mark)
        expect(row.locator(".text")).to_have_text(attack + mark)
        expect(row.locator(".nick")).to_have_text(f"<b>{mark}</b>")
        expect(row.locator("img, script, b")).to_have_count(0)
        assert inside.page.evaluate("window.attacked") is None

    with subtests.test("blanks, lines and scripts stay as they are"):
        text = f"  one\n\ttwo  three 👩🏽‍🚀 שלום {mark}"
        somebody.say(mark, text)
        assert inside.messages(f"three 👩🏽‍🚀 שלום {mark}").locator(".text").text_content() == text


def test_the_stack_can_be_changed_during_a_conversation(
    inside: ChatPage, services: list[Service], enter: Enter, plain: Service, mark: str
) -> None:
    somebody = enter(plain)
    heard: list[Message] = []
    for service in services:
        inside.stack.select_option(service.name)
        inside.expect_inside()
        inside.say(f"{mark} by {service.name}")
        expect(inside.messages(f"{mark} by {service.name}")).to_have_attribute("data-service", service.name)
        somebody.say(mark, f"an answer to {service.name}")
        heard += somebody.hear(mark, 2)

    expect(inside.messages(mark)).to_have_count(2 * len(services))
    inside.expect_nothing_twice_or_out_of_order()
    assert [message.service for message in heard if message.nick != mark] == [service.name for service in services]


def test_nothing_is_missed_by_leaving_and_joining_again(
    inside: ChatPage, enter: Enter, plain: Service, mark: str
) -> None:
    somebody = enter(plain)
    inside.leave.click()
    expect(inside.connection).to_have_text("Disconnected")
    for number in range(120):
        somebody.say(mark, f"{number} meanwhile")
    somebody.hear(mark, 120)

    inside.join.click()

    # Other tests may have spoken too. The exact number is tested in stories/test_page_recovers.py.
    expect(inside.events("caught-up").last).to_have_text(re.compile(r"Caught up: \d{3} messages"))
    expect(inside.messages(mark)).to_have_count(120)
    inside.expect_nothing_twice_or_out_of_order()


# Writing


def test_the_enter_key_of_an_input_method_sends_nothing(inside: ChatPage, context: BrowserContext, mark: str) -> None:
    keys = context.new_cdp_session(inside.page)
    inside.composer.fill(mark)
    inside.composer.press("End")

    keys.send("Input.imeSetComposition", {"text": "nihao", "selectionStart": 5, "selectionEnd": 5})
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    keys.send(
        "Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter}
    )  # raw: an input method keeps the character to itself
    keys.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    keys.send("Input.insertText", {"text": "你好"})

    expect(inside.composer).to_have_value(re.compile("你好$"))
    expect(inside.messages(mark)).to_have_count(0)
    # Safari ends the composition first. Only the key code tells that this Enter was the input method's.
    inside.composer.dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
    expect(inside.messages(mark)).to_have_count(0)
    inside.composer.press("Enter")
    expect(inside.messages(f"{mark}")).to_have_count(1)
    expect(inside.messages("你好").filter(has_text=mark)).to_have_count(1)


def test_what_is_written_is_sent_or_refused_with_a_reason(
    inside: ChatPage, mark: str, subtests: pytest.Subtests
) -> None:
    with subtests.test("Enter sends, and Shift+Enter does not"):
        inside.composer.fill(f"{mark} one")
        inside.composer.press("Shift+Enter")
        inside.composer.press_sequentially("two")
        inside.composer.press("Enter")
        expect(inside.messages(mark)).to_have_count(1)
        assert inside.messages(mark).locator(".text").text_content() == f"{mark} one\ntwo"

    for name, text in {"empty": "", "blank": " \n\t", "too long by one": "🚀" * 2001}.items():
        with subtests.test(f"a text that is {name} is refused"):
            inside.composer.fill(text)
            inside.composer.press("Enter")
            expect(inside.alert).to_have_text(re.compile(r"\w"))
            expect(inside.composer).to_have_value(text)
            inside.say(f"{mark} after one that was {name}")
            expect(inside.messages(f"{mark} after one that was {name}")).to_have_count(1)
            expect(inside.alert.filter(has_text=re.compile(r"\w"))).to_have_count(0)

    with subtests.test("2000 emoji are accepted"):
        text = f"{mark} emoji" + "🚀" * (2000 - len(f"{mark} emoji"))
        inside.say(text)
        expect(inside.messages(f"{mark} emoji").locator(".text")).to_have_text(text)

    with subtests.test("a nick that is blank or too long is refused"):
        for nick in ("n" * 33, "  "):
            inside.nick.fill(nick)
            inside.nick.blur()
            expect(inside.alert).to_have_text(re.compile(r"\w"))
        inside.nick.fill(mark)
        inside.nick.blur()
        inside.say(f"{mark} under a proper nick")
        expect(inside.messages(f"{mark} under a proper nick").locator(".nick")).to_have_text(mark)
    assert inside.messages(mark).count() == 6, "something was said that was refused"


def test_enter_starts_a_new_line_on_a_phone(
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


# When messages are lost


class Line:
    """The connection between the page and the service. A test can cut it, or lose what goes one way."""

    def __init__(self, page: Page) -> None:
        self.loses_received = self.loses_sent = False
        self._server: WebSocketRoute | None = None
        page.route_web_socket(re.compile("/chat/"), self._route)

    def cut(self) -> None:
        assert self._server
        self._page.close(code=1012, reason="cut")
        self._server.close(code=1000)

    def _route(self, page: WebSocketRoute) -> None:
        self._page, self._server = page, page.connect_to_server()
        server = self._server
        page.on_message(lambda message: None if self.loses_sent else server.send(message))
        server.on_message(lambda message: None if self.loses_received else page.send(message))


@pytest.mark.expects_console(*SERVICE_DOWN)
def test_a_message_that_was_lost_is_shown_and_can_be_sent_again(chat: ChatPage, plain: Service, mark: str) -> None:
    line = Line(chat.page)
    chat.open(plain.name)
    line.loses_sent = True
    chat.say(f"{mark} into the void")
    expect(chat.root.locator("li[data-pending=sending]")).to_have_count(1)

    line.cut()
    line.loses_sent = False

    expect(chat.unsaid()).to_have_count(1, timeout=30_000)
    expect(chat.unsaid()).to_contain_text("not said")
    chat.expect_inside()
    chat.unsaid().get_by_role("button", name="Say again").click()
    expect(chat.messages(mark)).to_have_count(1)
    expect(chat.unsaid()).to_have_count(0)


@pytest.mark.expects_console(*SERVICE_DOWN)
def test_a_message_that_arrived_is_not_shown_as_lost(chat: ChatPage, plain: Service, enter: Enter, mark: str) -> None:
    line, somebody = Line(chat.page), enter(plain)
    chat.open(plain.name)
    line.loses_received = True
    chat.say(f"{mark} and no answer")
    somebody.hear(mark)

    line.cut()
    line.loses_received = False

    chat.expect_inside()
    expect(chat.messages(mark)).to_have_count(1)
    expect(chat.root.locator("li[data-pending]")).to_have_count(0)
    chat.expect_nothing_twice_or_out_of_order()

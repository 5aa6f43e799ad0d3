"""The page by keyboard alone."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from e2e.page.focus import FOCUS, TAB_STOPS, tab_to
from e2e.support.pages import ChatPage, EchoPage
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside


def test_a_whole_conversation_can_be_held(echo: EchoPage, plain: Service, subtests: pytest.Subtests) -> None:
    pane, keyboard = echo.open(service=plain.name), echo.page.keyboard

    with subtests.test("connecting does not lose the focus"):
        tab_to(echo.page, pane.connect_button)
        keyboard.press("Enter")
        pane.expect_connected()
        assert echo.page.evaluate("document.activeElement !== document.body"), "the focus fell off the page"

    with subtests.test("a message is written and sent"):
        tab_to(echo.page, echo.message)
        keyboard.type("by keyboard alone")
        keyboard.press("Control+Enter")
        pane.expect_received("by keyboard alone")

    with subtests.test("the log can be scrolled"):
        echo.say_preset("200 messages")
        pane.expect_totals(201, 201, timeout=15_000)
        echo.message.focus()
        tab_to(echo.page, pane.log.locator("xpath=ancestor-or-self::*[@tabindex='0'][1]"), key="Shift+Tab")
        keyboard.press("Home")
        expect(pane.entries("event", "open")).to_be_in_viewport()

    with subtests.test("the connection is closed"):
        tab_to(echo.page, pane.disconnect_button, key="Shift+Tab")
        keyboard.press("Enter")
        expect(pane.connection).to_have_text("Disconnected")


def test_another_stack_is_chosen_and_how_it_is_done_is_read(
    echo: EchoPage, plain: Service, subtests: pytest.Subtests
) -> None:
    pane = echo.open(service=plain.name)

    with subtests.test("the arrow keys choose another stack"):
        tab_to(echo.page, pane.stack(plain.title))
        echo.page.keyboard.press("ArrowDown")
        expect(pane.stack(plain.title)).not_to_be_checked()
        expect(echo.page).not_to_have_url(re.compile(rf"[?&]service={plain.name}(&|$)"))
        echo.page.keyboard.press("ArrowUp")
        expect(pane.stack(plain.title)).to_be_checked()

    with subtests.test("how it is done can be opened"):
        tab_to(echo.page, pane.how.locator("xpath=ancestor-or-self::*[self::summary or self::button]"))
        echo.page.keyboard.press("Enter")
        expect(pane.source).to_be_visible()

    with subtests.test("the source can be scrolled"):
        scrollable = pane.source.evaluate(
            "region => [region, ...region.querySelectorAll('*')]"
            ".filter(it => it.scrollWidth > it.clientWidth && /auto|scroll/.test(getComputedStyle(it).overflowX))"
            ".every(it => it.tabIndex === 0)"
        )
        assert scrollable, "a part that scrolls cannot have the focus"


def test_nothing_traps_the_focus(echo: EchoPage, plain: Service) -> None:
    echo.open(service=plain.name)
    stops: list[str] = []

    for _ in range(TAB_STOPS):
        echo.page.keyboard.press("Tab")
        stops.append(echo.page.evaluate(FOCUS)[0])

    assert stops.count(stops[0]) > 1, "the focus never came back to the first stop"
    assert all(before != after for before, after in pairwise(stops)), "the focus got stuck"


@pytest.mark.inside
def test_a_chat_can_be_held(page: Page, plain: Service, mark: str) -> None:
    chat, keyboard = ChatPage(page), page.keyboard
    chat.open(plain.name)

    tab_to(page, chat.nick)
    keyboard.press("ControlOrMeta+a")
    keyboard.type(mark)
    tab_to(page, chat.composer)
    keyboard.type("by keyboard alone")
    keyboard.press("Enter")

    expect(chat.messages(mark).locator(".text")).to_have_text("by keyboard alone")
    tab_to(page, chat.leave, key="Shift+Tab")
    keyboard.press("Enter")
    expect(chat.connection).to_have_text("Disconnected")
    tab_to(page, chat.join)
    keyboard.press("Enter")
    chat.expect_inside()

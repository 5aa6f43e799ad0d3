"""Accessibility of the page in every state: on any of three screens axe finds nothing, and nothing is too wide.

Axe asks everything on the light screen. The dark one differs from it in colours alone, and that of a phone in its
width, so there axe asks what depends on these.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from e2e.page.conftest import AssertAccessible
from e2e.support.console import BAD_GATEWAY
from e2e.support.pages import ChatPage, EchoPage, RacePage, ResultsPage, StacksPage
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside


class Check(Protocol):
    """The fixture `assert_right_on_every_screen`."""

    def __call__(self, within: str = "") -> None:
        """Assert that all is right; within that part, where the rest is as it was when it was all looked at."""


#: The rules of axe that depend on colours.
OF_COLOURS = ("color-contrast", "link-in-text-block")
#: The rules of axe that depend on the width of the screen.
OF_WIDTH = ("scrollable-region-focusable", "target-size")
#: In pixels.
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}


@pytest.fixture
def assert_right_on_every_screen(page: Page, assert_accessible: AssertAccessible) -> Check:
    """Asserts that axe finds nothing on the page as it is now, and that it does not scroll sideways: on a light screen,
    on a dark one, and on one of the size of a phone. It leaves the page on the light one."""

    def assert_fits() -> None:
        width, screen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= screen, f"the page is {width} px wide on a screen of {screen} px"

    def check(within: str = "") -> None:
        page.emulate_media(color_scheme="light")
        assert_accessible(within=within)
        assert_fits()
        page.emulate_media(color_scheme="dark")
        assert_accessible(*OF_COLOURS, within=within)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(PHONE)
        assert_accessible(*OF_WIDTH, within=within)
        assert_fits()
        page.set_viewport_size(DESK)

    return check


def test_at_the_start_and_with_how_it_is_done(
    echo: EchoPage,
    plain: Service,
    other: Service,
    services: list[Service],
    assert_right_on_every_screen: Check,
    subtests: pytest.Subtests,
) -> None:
    pane = echo.open(service=plain.name)
    most_deviating = max(services, key=lambda service: service.deviations)
    most_mended = max(services, key=lambda service: len(service.mended))

    with subtests.test("at the start"):
        assert_right_on_every_screen()

    with subtests.test("with a filter that matches few stacks"):
        pane.filter.fill(other.title)
        assert_right_on_every_screen(within="ew-selector")
        pane.filter.fill("")

    with subtests.test("with a naive handler chosen"):
        pane.stack(next(service.title for service in services if service.naive)).check()
        pane.handler.select_option("naive")
        assert_right_on_every_screen(within=".talk")

    with subtests.test("with how it is done open"):
        pane.stack(most_deviating.title).check()
        pane.how.click()
        pane.known_summary.click()
        expect(pane.known_deviations).to_be_visible()
        assert_right_on_every_screen()

    with subtests.test("with the mends of a stack open"):
        pane.page.keyboard.press("Escape")
        pane.stack(most_mended.title).check()
        pane.how.click()
        pane.mends_summary.click()
        expect(pane.mends).to_be_visible()
        assert_right_on_every_screen(within="ew-source")


def test_with_messages_of_every_kind_in_every_view_and_another_in_the_box(
    echo: EchoPage, plain: Service, assert_right_on_every_screen: Check
) -> None:
    pane = echo.open(service=plain.name)
    pane.connect()
    echo.say('{"list": [1, 2], "long": "' + 400 * "x" + '"}')
    echo.say("00 ff", kind="Hex")
    pane.expect_totals(2, 2)
    pane.disconnect("3000", "seen enough")
    pane.connect()
    assert_right_on_every_screen()

    for view in ("JSON", "Hex"):
        pane.view_as.select_option(label=view)
        expect(pane.entries("received").first).to_be_visible()
        assert_right_on_every_screen(within="ew-log")

    for kind in ("JSON", "Hex", "File"):
        echo.kind(kind).check()
        assert_right_on_every_screen(within="ew-composer")


def test_with_an_echo_that_is_wrong_and_explained(
    echo: EchoPage, services: list[Service], assert_right_on_every_screen: Check
) -> None:
    pane = echo.open(service=next(service.name for service in services if service.known_deviation("binary", "proxy")))
    pane.connect()
    echo.say("65 63 68 6f", kind="Hex")
    pane.entries("received").get_by_text("known deviation", exact=True).click()

    assert_right_on_every_screen()
    pane.open_in_full(pane.entries("received"))
    assert_right_on_every_screen(within="dialog[open]")


def test_side_by_side(echo: EchoPage, plain: Service, other: Service, assert_right_on_every_screen: Check) -> None:
    echo.open(service=plain.name, compare=other.name)
    echo.first.connect()
    echo.second.connect()
    echo.say("Hello, both")
    echo.second.expect_totals(1, 1)

    assert_right_on_every_screen()


def test_with_errors_shown(echo: EchoPage, plain: Service, assert_right_on_every_screen: Check) -> None:
    pane = echo.open(service="no-such-stack", compare=plain.name)
    pane.choose("Own endpoint")
    pane.endpoint_url.fill("ws://" + 80 * "long" + ":99999/")
    pane.connect_button.click()
    echo.second.connect()
    echo.say("{", kind="JSON")
    expect(echo.error).to_be_visible()

    assert_right_on_every_screen()


def test_in_chinese(echo: EchoPage, plain: Service, assert_right_on_every_screen: Check) -> None:
    echo.load(f"/?service={plain.name}&lang=zh&connect=1")
    expect(echo.page.locator("[data-kind=open]")).to_have_count(1)

    assert_right_on_every_screen()


def test_with_the_sheet_of_stacks_open_and_a_filter_that_matches_none(
    echo: EchoPage, plain: Service, other: Service, assert_right_on_every_screen: Check
) -> None:
    echo.open(service=plain.name, compare=other.name)
    echo.first.chosen.click()
    assert_right_on_every_screen(within="ew-selector")
    echo.page.keyboard.press("Escape")
    echo.second.chosen.click()
    echo.second.filter.fill("no such stack " * 20)
    expect(echo.second.matches).to_contain_text("0 of")
    assert_right_on_every_screen()


@pytest.mark.expects_console(BAD_GATEWAY)
def test_with_a_stack_that_does_not_run(
    page: Page,
    echo: EchoPage,
    plain: Service,
    take_down: Callable[[Service], None],
    assert_right_on_every_screen: Check,
) -> None:
    take_down(plain)
    pane = echo.open(service=plain.name)
    expect(pane.row(plain.name)).to_have_attribute("data-status", "down")

    assert_right_on_every_screen()
    table = StacksPage(page)
    table.open()
    expect(table.row(plain.name)).to_have_attribute("data-status", "down")
    assert_right_on_every_screen()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_in_the_table_of_stacks(page: Page, language: str, assert_right_on_every_screen: Check) -> None:
    EchoPage(page).load(f"/?view=stacks&sort=lines&order=desc&lang={language}")
    expect(page.get_by_role("table")).to_be_visible()

    assert_right_on_every_screen()
    page.get_by_role("searchbox").fill("no such stack")
    expect(page.locator("tr[data-service]")).to_have_count(0)
    assert_right_on_every_screen()


@pytest.mark.apart
def test_in_the_views_of_what_was_measured(page: Page, assert_right_on_every_screen: Check) -> None:
    for name, query, cell in (
        ("Compare", {}, "wrong"),
        ("Behaviour", {"view": "behaviour", "group": "closing"}, ""),
        ("Conformance", {"view": "conformance"}, "7"),
    ):
        view = ResultsPage(page, name)
        view.open(**query)
        expect(view.root.locator("[data-cell]").first).to_be_visible()
        assert_right_on_every_screen()
        if cell:
            view.root.locator(f'td[data-column="{cell}"] button').first.click()
            view.drawer.locator("summary").first.click()
            assert_right_on_every_screen(within="dialog[open]")


@pytest.mark.apart
def test_in_the_costs(page: Page, assert_right_on_every_screen: Check) -> None:
    EchoPage(page).load("/?view=cost")
    page.get_by_label("Your own result").set_input_files(Path(__file__).with_name("bench.json"))
    expect(page.get_by_role("img", name="Latency by percentile")).to_be_visible()

    assert_right_on_every_screen()


def test_in_the_race(page: Page, services: list[Service], assert_right_on_every_screen: Check) -> None:
    wrong = next(service for service in services if service.known_deviation("empty-message", "proxy"))
    race = RacePage(page)
    race.open(count="1", kind="empty", stacks=f"{wrong.name},{services[-1].name}")
    assert_right_on_every_screen()

    race.start.click()
    race.row(wrong.name).get_by_text("known deviation").click(timeout=30_000)
    assert_right_on_every_screen()


def test_in_a_demonstration(echo: EchoPage, assert_right_on_every_screen: Check) -> None:
    echo.open(view="echo")
    echo.demos.click()
    assert_right_on_every_screen()

    echo.page.locator("[data-demo=vanished]").get_by_role("button").click()
    expect(echo.demo.get_by_role("button", name="Again")).to_be_visible()
    assert_right_on_every_screen()


@pytest.mark.inside
def test_in_the_chat_room(page: Page, plain: Service, mark: str, assert_right_on_every_screen: Check) -> None:
    chat = ChatPage(page)
    chat.open(plain.name)
    chat.say(f"{mark} {'wide' * 200}")
    expect(chat.messages(mark)).to_have_count(1)

    assert_right_on_every_screen()


@pytest.mark.inside
def test_in_the_chat_room_with_something_wrong(page: Page, plain: Service, assert_right_on_every_screen: Check) -> None:
    chat = ChatPage(page)
    chat.open(plain.name)
    chat.composer.fill(" ")
    chat.composer.press("Control+Enter")
    chat.nick.fill("n" * 40)
    chat.nick.blur()
    chat.leave.click()
    expect(chat.connection).to_have_text("Disconnected")

    assert_right_on_every_screen()

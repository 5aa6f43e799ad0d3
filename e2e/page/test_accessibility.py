"""Accessibility of the page in every state: axe finds nothing on any of three screens, and nothing is too wide."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e.support.console import BAD_GATEWAY
from e2e.support.pages import ChatPage, EchoPage, StacksPage
from echowall.catalog.catalog import Service

Check = Callable[[], None]


@pytest.fixture(params=["light", "dark", "phone"])
def page(page: Page, request: pytest.FixtureRequest) -> Page:
    """The page on each of three screens: light, dark, and the size of a phone."""
    page.emulate_media(color_scheme="dark" if request.param == "dark" else "light", reduced_motion="reduce")
    if request.param == "phone":
        page.set_viewport_size({"width": 360, "height": 740})
    return page


@pytest.fixture
def assert_fits(echo: EchoPage) -> Check:
    """Asserts that the page does not scroll sideways."""

    def check() -> None:
        width, screen = echo.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= screen, f"the page is {width} px wide on a screen of {screen} px"

    return check


def test_at_the_start(echo: EchoPage, assert_accessible: Check, assert_fits: Check) -> None:
    echo.open()

    assert_accessible()
    assert_fits()


def test_with_messages_of_every_kind(
    echo: EchoPage, plain: Service, assert_accessible: Check, assert_fits: Check
) -> None:
    pane = echo.open(service=plain.name)
    pane.connect()
    echo.say('{"long": "' + 400 * "x" + '"}')
    echo.say("00 ff", kind="Hex")
    pane.expect_totals(2, 2)
    pane.disconnect("3000", "seen enough")
    pane.connect()

    assert_accessible()
    assert_fits()


def test_in_the_other_views(echo: EchoPage, plain: Service, assert_accessible: Check, assert_fits: Check) -> None:
    pane = echo.open(service=plain.name)
    pane.connect()
    echo.say('{"list": [1, 2], "long": "' + 400 * "x" + '"}')
    pane.expect_totals(1, 1)
    for view in ("JSON", "Hex"):
        pane.view_as.select_option(label=view)

        expect(pane.entries("received")).to_be_visible()
        assert_accessible()
        assert_fits()


def test_side_by_side(
    echo: EchoPage, plain: Service, other: Service, assert_accessible: Check, assert_fits: Check
) -> None:
    echo.open(service=plain.name, compare=other.name)
    echo.first.connect()
    echo.second.connect()
    echo.say("Hello, both")
    echo.second.expect_totals(1, 1)

    assert_accessible()
    assert_fits()


def test_with_how_it_is_done_open(
    echo: EchoPage, services: list[Service], assert_accessible: Check, assert_fits: Check
) -> None:
    most_deviating = max(services, key=lambda service: service.deviations)
    pane = echo.open(service=most_deviating.name)
    pane.how.click()
    pane.known_summary.click()
    expect(pane.known_deviations).to_be_visible()

    assert_accessible()
    assert_fits()


def test_with_the_mends_of_a_stack_open(
    echo: EchoPage, services: list[Service], assert_accessible: Check, assert_fits: Check
) -> None:
    most_mended = max(services, key=lambda service: len(service.mended))
    pane = echo.open(service=most_mended.name)
    pane.how.click()
    pane.mends_summary.click()
    expect(pane.mends).to_be_visible()

    assert_accessible()
    assert_fits()


def test_with_a_naive_handler_chosen(
    echo: EchoPage, services: list[Service], assert_accessible: Check, assert_fits: Check
) -> None:
    echo.open(service=next(service.name for service in services if service.naive), handler="naive")

    assert_accessible()
    assert_fits()


def test_with_errors_shown(echo: EchoPage, plain: Service, assert_accessible: Check, assert_fits: Check) -> None:
    pane = echo.open(service="no-such-stack", compare=plain.name)
    pane.own_endpoint.check()
    pane.endpoint_url.fill("ws://" + 80 * "long" + ":99999/")
    pane.connect_button.click()
    echo.second.connect()
    echo.say("{", kind="JSON")
    expect(echo.error).to_be_visible()

    assert_accessible()
    assert_fits()


def test_with_another_kind_of_message(echo: EchoPage, plain: Service, assert_accessible: Check) -> None:
    echo.open(service=plain.name)
    for kind in ("JSON", "Hex", "File"):
        echo.kind(kind).check()

        assert_accessible()


def test_in_chinese(echo: EchoPage, plain: Service, assert_accessible: Check, assert_fits: Check) -> None:
    echo.load(f"/?service={plain.name}&lang=zh&connect=1")
    expect(echo.page.locator("[data-kind=open]")).to_have_count(1)

    assert_accessible()
    assert_fits()


def test_with_a_filter_that_matches_few_stacks(
    echo: EchoPage, plain: Service, other: Service, assert_accessible: Check, assert_fits: Check
) -> None:
    echo.open(service=plain.name, compare=other.name)
    echo.first.filter.fill(other.title)
    echo.second.filter.fill("no such stack " * 20)
    expect(echo.second.matches).to_contain_text("0 of")

    assert_accessible()
    assert_fits()


@pytest.mark.expects_console(BAD_GATEWAY)
def test_with_a_stack_that_does_not_run(
    page: Page,
    echo: EchoPage,
    plain: Service,
    take_down: Callable[[Service], None],
    assert_accessible: Check,
    assert_fits: Check,
) -> None:
    take_down(plain)
    pane = echo.open(service=plain.name)
    expect(pane.row(plain.name)).to_have_attribute("data-status", "down")

    assert_accessible()
    assert_fits()
    table = StacksPage(page)
    table.open()
    expect(table.row(plain.name)).to_have_attribute("data-status", "down")
    assert_accessible()
    assert_fits()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_in_the_table_of_stacks(page: Page, language: str, assert_accessible: Check, assert_fits: Check) -> None:
    EchoPage(page).load(f"/?view=stacks&sort=lines&order=desc&lang={language}")
    expect(page.get_by_role("table")).to_be_visible()

    assert_accessible()
    assert_fits()
    page.get_by_role("searchbox").fill("no such stack")
    expect(page.locator("tr[data-service]")).to_have_count(0)
    assert_accessible()
    assert_fits()


def test_in_the_chat_room(page: Page, plain: Service, mark: str, assert_accessible: Check, assert_fits: Check) -> None:
    chat = ChatPage(page)
    chat.open(plain.name)
    chat.say(f"{mark} {'wide' * 200}")
    expect(chat.messages(mark)).to_have_count(1)

    assert_accessible()
    assert_fits()


def test_in_the_chat_room_with_something_wrong(
    page: Page, plain: Service, assert_accessible: Check, assert_fits: Check
) -> None:
    chat = ChatPage(page)
    chat.open(plain.name)
    chat.composer.fill(" ")
    chat.composer.press("Control+Enter")
    chat.nick.fill("n" * 40)
    chat.nick.blur()
    chat.leave.click()
    expect(chat.connection).to_have_text("Disconnected")

    assert_accessible()
    assert_fits()

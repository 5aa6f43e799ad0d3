"""The guided demonstrations: "Show me" opens two panes and plays what goes wrong."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from e2e.support.console import BAD_GATEWAY
from e2e.support.pages import EchoPage
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside

#: Those that a known deviation earns, and what the browser cannot do itself.
RECORDED = ("fragments-apart", "vanished")


def show(echo: EchoPage, demo: str) -> Locator:
    """Play a demonstration to its end. Returns the strip that tells of it."""
    echo.demos.click()
    echo.page.locator(f"[data-demo={demo}]").get_by_role("button").click()
    expect(echo.demo.get_by_role("button", name="Again")).to_be_visible(timeout=60_000)
    return echo.demo


@pytest.mark.parametrize("shows", ["phantom-messages", "none-at-close"])
def test_a_naive_handler_is_shown_going_wrong(echo: EchoPage, services: list[Service], shows: str) -> None:
    """Those that disturb others on the same service are in stories/test_naive_handlers.py."""
    assert_shown(echo, services, shows)


def assert_shown(echo: EchoPage, services: list[Service], shows: str) -> None:
    """Play the demonstration of a naive handler. Assert that it tells what went wrong, and leaves nothing behind."""
    service = next(service for service in services if service.naive and service.naive.shows == shows)
    assert service.naive
    echo.open(view="echo")

    strip = show(echo, shows)

    told = strip.get_by_role("status", name="What happens").inner_text()
    assert service.title in told
    match shows:
        case "frozen-server":
            waited = re.search(r"up to ([\d.]+) s", told)
            assert waited, told
            assert float(waited[1]) > 1, told
            assert "40 of its 40" in told
        case "none-at-close":
            before, after = (int(number) for number in re.findall(r'"present": ?(\d+)', told))
            assert after > before, told
        case _:
            left, right = (int(number) for number in re.findall(r"(\d+) (?:came back )?on the", told))
            assert left > 1, told
            assert right == 1, told
    expect(strip).to_contain_text(service.naive.summary)
    strip.get_by_text("The lines that do it").click()
    expect(strip.locator("pre")).to_contain_text("naive")
    expect(echo.first.handler).to_have_value("naive")
    expect(echo.second.handler).to_have_value("healthy")
    strip.get_by_role("button", name="Close").click()
    expect(echo.demo).to_have_count(0)
    for pane in (echo.first, echo.second):
        expect(pane.connection).to_have_text("Disconnected")


@pytest.mark.parametrize("check", RECORDED)
def test_what_a_browser_cannot_do_is_said_and_the_kept_frames_are_linked(
    echo: EchoPage, services: list[Service], check: str
) -> None:
    echo.open(view="echo")

    strip = show(echo, check)

    expect(strip).to_contain_text(check)
    able = [known for service in services if (known := service.known_deviation(check, "proxy"))]
    assert any(known.reason in strip.inner_text() for known in able)
    strip.get_by_role("link", name="Every frame of the kept run").click()
    expect(echo.page.get_by_role("dialog")).to_contain_text(check)


@pytest.mark.expects_console(BAD_GATEWAY)
def test_a_demonstration_that_nobody_can_give_says_so(
    echo: EchoPage, services: list[Service], take_down: Callable[[Service], None]
) -> None:
    able = [service for service in services if service.naive and service.naive.shows == "frozen-server"]
    for service in able:
        take_down(service)
    pane = echo.open(view="echo")
    expect(pane.row(able[0].name)).to_have_attribute("data-status", "down")

    echo.demos.click()

    listed = echo.page.locator("[data-demo=frozen-server]")
    expect(listed).to_contain_text(f"Start one of: {able[0].title}.")
    expect(listed.get_by_role("button")).to_have_count(0)


@pytest.mark.browser_context_args(locale="en-GB")  # a route of WebSockets stays with its page
def test_a_demonstration_can_be_stopped(echo: EchoPage) -> None:
    echo.page.route_web_socket(re.compile("/foobar/"), lambda _: None)  # nothing is answered: else it might have ended
    echo.open(view="echo")
    echo.demos.click()
    echo.page.locator("[data-demo=phantom-messages]").get_by_role("button").click()
    for pane in (echo.first, echo.second):
        expect(pane.connection).to_have_text("Connected")  # before that, Chromium warns of what is closed too early
    echo.demo.get_by_role("button", name="Stop").click()

    expect(echo.demo).to_have_count(0)
    for pane in (echo.first, echo.second):
        expect(pane.connection).to_have_text("Disconnected")

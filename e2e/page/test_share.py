"""What one takes away: a link to what is set, and commands that do the same; and the colours, which are kept."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from e2e.page.conftest import AssertAccessible
from e2e.support.pages import EchoPage
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside


def line(dialog: Locator, name: str) -> str:
    """What the dialog has to be copied under that name."""
    return dialog.get_by_label(name, exact=True).first.inner_text()


def test_a_link_has_handler_subprotocols_and_message(
    echo: EchoPage, services: list[Service], assert_accessible: AssertAccessible
) -> None:
    service = next(service for service in services if service.naive)
    pane = echo.open(service=service.name, handler="naive")
    pane.subprotocols.fill("chat, echo")
    echo.compose("JSON", '{"a": "ä & b"}')
    echo.share.click()
    expect(echo.shared).to_be_visible()
    assert_accessible()

    echo.page.goto(line(echo.shared, "Link"))

    expect(pane.stack(service.title)).to_be_checked()
    expect(pane.handler).to_have_value("naive")
    expect(pane.subprotocols).to_have_value("chat, echo")
    expect(echo.kind("JSON")).to_be_checked()
    expect(echo.message).to_have_value('{"a": "ä & b"}')
    expect(pane.connection).to_have_text("Disconnected")  # whoever follows a link connects by themselves


def test_commands_have_what_a_browser_cannot_set_and_no_password(echo: EchoPage, plain: Service) -> None:
    pane = echo.open(service=plain.name)
    pane.own_endpoint.check()
    pane.endpoint_url.fill("wss://me:secret@example.org/echo")
    pane.endpoint_url.blur()
    pane.subprotocols.fill("chat")
    echo.compose("Text", "it's me")

    echo.share.focus()
    echo.page.keyboard.press("Enter")
    echo.shared.get_by_label("A header of the handshake").fill("Authorization: Bearer x")

    expect(echo.shared).to_contain_text("A browser lets no page set the headers")
    check, websocat = line(echo.shared, "echowall check"), line(echo.shared, "websocat")
    assert check == (
        ".venv/bin/echowall check --subprotocol chat --header 'Authorization: Bearer x' wss://me@example.org/echo"
    )
    assert websocat.startswith("printf '%s\\n' 'it'\\''s me' | websocat ")
    assert "secret" not in echo.shared.inner_text()
    echo.page.keyboard.press("Escape")
    expect(echo.shared).to_be_hidden()
    expect(echo.share).to_be_focused()


@pytest.mark.browser_context_args(color_scheme="dark")
def test_the_colours_are_the_systems_or_those_that_one_chose_which_are_kept(echo: EchoPage) -> None:
    echo.open()
    root = echo.page.locator("html")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    expect(root).to_have_attribute("data-theme", "dark")
    dark = echo.page.evaluate(background)

    echo.theme.select_option(label="☀ Light")

    expect(root).to_have_attribute("data-theme", "light")
    assert echo.page.evaluate(background) != dark
    echo.reload()
    expect(root).to_have_attribute("data-theme", "light")
    expect(echo.theme).to_have_value("light")
    echo.theme.select_option(label="◐ System colours")
    expect(root).to_have_attribute("data-theme", "dark")
    assert echo.page.evaluate(background) == dark
    echo.page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-theme", "light")

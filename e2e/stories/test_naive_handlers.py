"""Naive handlers that keep a whole service from answering, or mix up the messages of others, as the page shows them."""

import pytest
from playwright.sync_api import Page, expect

from e2e.page.test_demos import assert_shown
from e2e.support.pages import EchoPage
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("shows", ["frozen-server", "nul-fragments"])
def test_a_naive_handler_that_disturbs_others_is_shown_going_wrong(
    page: Page, services: list[Service], shows: str
) -> None:
    assert_shown(EchoPage(page), services, shows)


@pytest.mark.naive("nul-fragments")
def test_the_naive_handler_shows_the_fragments_of_a_large_message(page: Page, service: Service) -> None:
    echo = EchoPage(page)
    pane = echo.open(service=service.name, handler="naive")
    pane.connect()

    echo.say_preset("1 MiB")

    expect(pane.log.locator("[data-direction=received][data-size='1']")).not_to_have_count(0)
    assert pane.received()[0] == "\0"

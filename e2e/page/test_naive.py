"""The page shows how the handler that one would write first goes wrong, and that the right one beside it does not."""

import re

import pytest
from playwright.sync_api import expect

from e2e.support.pages import EchoPage
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside


@pytest.mark.naive("phantom-messages")
def test_phantom_messages_are_shown_for_the_naive_handler_only(echo: EchoPage, service: Service) -> None:
    echo.open(service=service.name, handler="naive", compare=service.name)
    echo.first.connect()
    echo.second.connect()

    echo.say("Did I say more than this?")

    phantoms = echo.first.page.locator("[data-direction=received][data-size='0']")
    naive = echo.first.log.locator(phantoms)
    # The first comes at once and another every 5 s. By the third the right handler would have sent one too.
    expect(naive.nth(2)).to_be_attached(timeout=30_000)
    echo.second.expect_totals(1, 1)
    assert echo.second.received() == ["Did I say more than this?"]
    assert echo.first.received()[:2] == ["Did I say more than this?", ""]
    assert service.naive
    expect(naive.first).to_contain_text("+ unasked: nothing was sent that it could answer")
    naive.first.get_by_text("naive handler", exact=True).click()
    expect(naive.first).to_contain_text(service.naive.summary)


def test_the_naive_handler_is_explained_where_it_is_chosen(echo: EchoPage, services: list[Service]) -> None:
    service = next(service for service in services if service.naive)
    assert service.naive
    pane = echo.open(service=service.name)

    pane.handler.select_option("naive")

    expect(pane.root.get_by_text(service.naive.summary)).to_be_visible()
    expect(echo.page).to_have_url(re.compile("handler=naive"))


@pytest.mark.naive("phantom-messages")
def test_why_a_stack_sends_empty_messages_is_three_choices_away(echo: EchoPage, service: Service) -> None:
    echo.load("/")

    echo.page.get_by_role("navigation").get_by_role("link", name="Echo", exact=True).click()
    echo.first.choose(service.title)
    echo.first.handler.select_option("naive")

    assert service.naive
    expect(echo.first.root.get_by_text(service.naive.summary)).to_be_visible()

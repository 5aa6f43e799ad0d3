"""The view "Push or poll": the same room, heard in several ways at once."""

import re
from collections.abc import Callable
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from e2e.support.pages import PushPage
from echowall.catalog.catalog import Service


@pytest.fixture
def view(page: Page) -> PushPage:
    """The view, not yet opened."""
    return PushPage(page)


@pytest.fixture
def able(services: list[Service]) -> list[Service]:
    """The services whose room can be heard in another way than by the WebSocket."""
    return [service for service in services if service.push]


def test_every_stack_is_heard_in_each_of_its_ways_and_once(
    view: PushPage, able: list[Service], assert_accessible: Callable[[], None]
) -> None:
    view.open()
    expect(view.stack.get_by_role("option")).to_have_text([service.title for service in able])
    view.pace.fill("1")
    for service in able:
        view.stack.select_option(service.title)
        transports = [*service.push, "websocket"]
        expect(view.lanes).to_have_count(len(transports))
        view.say()
        for transport in transports:
            expect(view.lane(transport)).to_have_attribute("data-heard", re.compile("[1-9]"))
            expect(view.lane(transport)).to_have_attribute("data-repeats", "0")
            expect(view.figure(transport, "late")).to_contain_text("ms")
            expect(view.figure(transport, "bytes")).to_have_text(re.compile(r"\d+ B|[\d.]+ KiB"))
        expect(view.page).to_have_url(re.compile(f"view=push&service={service.name}$"))
    schemes: list[Literal["light", "dark"]] = ["light", "dark"]
    for scheme in schemes:
        view.page.emulate_media(color_scheme=scheme)
        assert_accessible()


def test_each_way_asks_as_its_name_says(view: PushPage, able: list[Service]) -> None:
    """Polls are counted as the browser sends them, and so are answers without news."""
    service = max(able, key=lambda service: len(service.push))
    requests: dict[str, int] = {"poll": 0, "long-poll": 0, "events": 0}

    def count(request: Request) -> None:
        url = urlsplit(request.url)
        if url.path == f"/{service.name}/chat/poll":
            requests["long-poll" if "wait" in parse_qs(url.query) else "poll"] += 1
        elif url.path == f"/{service.name}/chat/events":
            requests["events"] += 1

    view.page.on("request", count)
    view.open(service=service.name)
    view.pace.fill("1")
    view.root.get_by_label("Something is said").select_option("when I press the button")

    expect(view.figure("poll", "requests")).to_have_text(re.compile(r"[4-9], \d empty"))
    assert requests["poll"] >= 4
    assert requests["events"] == 1
    expect(view.figure("events", "requests")).to_have_text("1")
    expect(view.figure("websocket", "requests")).to_have_text("1")
    view.page.get_by_role("navigation").get_by_role("link", name="Stacks").click()
    expect(view.root).to_be_hidden()
    stopped = dict(requests)
    view.page.wait_for_timeout(1500)
    assert requests == stopped, "it goes on listening when another view is shown"

"""The view "Push or poll": the same room, heard in several ways at once."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from e2e.support.pages import PushPage
from echowall.catalog.catalog import ROOT, Service
from echowall.results import store
from echowall.results.model import BenchRun


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
    view.open(service=able[0].name)
    expect(view.stack.get_by_role("option")).to_have_text([service.title for service in able])
    view.pace.fill("1")
    for number, service in enumerate(able):
        if number:  # what came before it has been heard by then: Chromium warns of a WebSocket that is closed too soon
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


def test_a_benchmark_of_push_is_shown_with_its_curves_and_where_they_cross(
    view: PushPage, able: list[Service], assert_accessible: Callable[[], None]
) -> None:
    """push.json is what `echowall bench --scenario push --rounds 1 --via proxy` wrote on a busy machine. Here the store
    holds no benchmark.
    """

    def without_benchmarks(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"steps": [], "costs": []})

    view.page.route("**/results/index.json", without_benchmarks)
    file = Path(__file__).with_name("push.json")
    run = json.loads(file.read_text("utf-8"))
    measured = {target["name"] for target in run["targets"]}
    service = next(service for service in reversed(able) if service.name in measured)
    view.open(service=service.name)
    view.add_result(file)

    crossings = [one for one in run["crossovers"] if one["target"].split(" ")[0] == service.name]
    assert crossings
    expect(view.crossings).to_have_count(len(crossings))
    ways = {(step["transport"], step["polled"]) for step in run["steps"] if step["every"]}
    expect(view.measured.get_by_role("row")).to_have_count(1 + len(ways))
    expect(view.measured.get_by_role("img")).to_be_visible()
    assert_accessible()
    view.measured.get_by_label("Show").select_option("Bytes that come for each message, with all headers")
    expect(view.measured.get_by_role("cell").first).to_contain_text("B")

    unmeasured = next(service for service in able if service.name not in measured)
    view.stack.select_option(unmeasured.title)
    expect(view.measured).to_contain_text("No benchmark of this stack is kept yet")


def test_push_or_poll_for_a_message_a_minute_is_a_click_away(view: PushPage) -> None:
    runs = [run for run in store.runs(ROOT) if isinstance(run, BenchRun)]
    if not any(step.scenario == "push" for run in runs for step in run.steps):
        pytest.skip("no benchmark of push is published")
    view.load("/")

    view.page.get_by_role("navigation").get_by_role("link", name="Push or poll", exact=True).click()

    expect(view.measured.get_by_role("columnheader", name="every 60 s")).to_be_visible()
    expect(view.measured.get_by_role("row").nth(1)).to_contain_text("µs")
    expect(view.crossings.first).to_contain_text("less CPU time")

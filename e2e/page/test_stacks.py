"""The table of all stacks: every fact, sorting, filtering, and the way from there to the echo."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.page.filter import matching
from e2e.page.focus import tab_to
from e2e.support.console import BAD_GATEWAY
from e2e.support.pages import EchoPage, StacksPage
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside

Key = Callable[[Service], Any]

ERAS = ["article", "modern", "yardstick"]
MAINTENANCE = ["active", "occasional", "dormant"]
CONCURRENCY = {"async": "async/await"}

#: The columns that are sorted by a value, with the value. BY_WORD are the ones that are sorted as words.
BY_VALUE: dict[str, Key] = {
    "Era": lambda service: ERAS.index(service.era),
    "Latest release": lambda service: service.released,
    "Maintenance": lambda service: MAINTENANCE.index(service.maintenance),
    "Echo lines": lambda service: service.lines,
    "Known deviations": lambda service: service.deviations,
    "Mended": lambda service: service.mends,
}
BY_WORD = ("Stack", "Framework", "Server", "Concurrency")

#: Whether the texts are in ascending order, as the browser compares them.
ASCENDS = """texts => texts.every((text, index) =>
  index === 0 || texts[index - 1].localeCompare(text, "en", { sensitivity: "base", numeric: true }) <= 0)"""


@pytest.fixture
def table(page: Page) -> StacksPage:
    """The table, open."""
    table = StacksPage(page)
    table.open()
    return table


def test_the_table_shows_every_fact_of_every_stack(table: StacksPage, services: list[Service]) -> None:
    assert table.names() == [service.name for service in services]
    columns = table.headers.all_inner_texts()
    assert columns == [
        "Stack",
        "Era",
        "Framework",
        "Server",
        "Concurrency",
        "Latest release",
        "Maintenance",
        "Echo lines",
        "Known deviations",
        "Mended",
        "Status",
    ]
    for service in services:
        row = table.row(service.name)
        expect(row.get_by_role("rowheader")).to_contain_text(service.title)
        expect(row).to_have_attribute("data-status", "up")
        expect(row.get_by_role("cell")).to_have_text(
            [
                {"article": "Article", "modern": "Modern", "yardstick": "Yardstick"}[service.era],
                service.framework,
                service.server,
                CONCURRENCY.get(service.concurrency, service.concurrency),
                f"{service.released:%-d %b %Y}".replace("Sep", "Sept"),  # as the browser writes it in British English
                service.maintenance,
                str(service.lines),
                str(service.deviations),
                str(service.mends),
                "up",
            ]
        )
        expect(row.locator("time")).to_have_attribute("datetime", service.released.isoformat())


def test_a_column_of_values_is_sorted_both_ways(
    table: StacksPage, services: list[Service], subtests: pytest.Subtests
) -> None:
    expect(table.root.locator("[aria-sort]")).to_have_count(0)
    for column, key in BY_VALUE.items():
        for order, backwards in (("ascending", False), ("descending", True), ("ascending", False)):
            with subtests.test(f"{column}, {order}"):
                table.sort(column)

                expect(table.header(column)).to_have_attribute("aria-sort", order)
                expect(table.root.locator("[aria-sort]")).to_have_count(1)
                expected = sorted(services, key=key, reverse=backwards)  # stable: equal values stay in their order
                assert table.names() == [service.name for service in expected]


def test_a_column_of_words_is_sorted_both_ways(
    table: StacksPage, services: list[Service], subtests: pytest.Subtests
) -> None:
    for column in BY_WORD:
        for order in ("ascending", "descending"):
            with subtests.test(f"{column}, {order}"):
                table.sort(column)

                expect(table.header(column)).to_have_attribute("aria-sort", order)
                assert len(table.names()) == len(services)
                texts = [text.splitlines()[0] for text in table.texts(column)]
                assert table.page.evaluate(ASCENDS, texts if order == "ascending" else texts[::-1]), texts


@pytest.mark.expects_console(BAD_GATEWAY)
def test_stacks_that_do_not_run_can_be_sorted_to_one_end(
    page: Page, services: list[Service], take_down: Callable[[Service], None]
) -> None:
    missing = services[len(services) // 2]
    take_down(missing)
    table = StacksPage(page)
    table.open(sort="status")
    rest = [service.name for service in services if service != missing]

    expect(table.row(missing.name)).to_contain_text("not running")
    for name in rest:
        expect(table.row(name)).to_have_attribute("data-status", "up")
    assert table.names() == [*rest, missing.name]
    table.sort("Status")
    assert table.names() == [missing.name, *rest]


def test_the_address_keeps_the_order_and_the_page_the_filter(table: StacksPage, services: list[Service]) -> None:
    table.sort("Echo lines")
    expect(table.page).to_have_url(re.compile(r"\?view=stacks&sort=lines$"))
    table.sort("Echo lines")
    expect(table.page).to_have_url(re.compile(r"\?view=stacks&sort=lines&order=desc$"))
    wanted = services[0].framework

    table.filter.fill(wanted.upper())

    expected = sorted(services, key=lambda service: service.lines, reverse=True)
    few = matching(expected, wanted)
    expect(table.matches).to_have_text(f"{len(few)} of {len(services)} match")
    assert table.names() == few
    table.reload()
    expect(table.header("Echo lines")).to_have_attribute("aria-sort", "descending")
    expect(table.filter).to_have_value(wanted.upper())
    assert table.names() == few
    table.filter.press("Escape")
    expect(table.root.locator("tr[data-service]")).to_have_count(len(services))
    assert table.names() == [service.name for service in expected]
    table.filter.fill('<b>"no such stack"</b>')
    expect(table.root.get_by_text("No stack matches.")).to_be_visible()
    assert table.names() == []


@pytest.mark.parametrize("column", ["no-such-column", "constructor", "<img src=x>"])
def test_an_unknown_column_in_the_address_sorts_nothing(page: Page, services: list[Service], column: str) -> None:
    table = StacksPage(page)

    table.open(sort=column, order="desc")

    expect(table.root.locator("[aria-sort]")).to_have_count(0)
    assert table.names() == [service.name for service in services]


def test_each_stack_opens_in_the_echo_and_back_returns_to_the_table(
    table: StacksPage, echo: EchoPage, services: list[Service], subtests: pytest.Subtests
) -> None:
    table.sort("Server")
    names = table.names()
    links = table.root.locator("tr[data-service] a").evaluate_all("links => links.map(link => link.search)")
    assert links == [f"?service={name}" for name in names]

    for service in {service.protocol: service for service in services}.values():
        with subtests.test(service.name):
            table.link(service.name).click()

            expect(echo.first.stack(service.title)).to_be_checked()
            expect(echo.page).to_have_url(re.compile(rf"\?service={service.name}$"))
            echo.page.go_back()
            expect(table.header("Server")).to_have_attribute("aria-sort", "ascending")
            assert table.names() == names


def test_an_open_connection_moves_to_the_stack_that_is_opened(
    echo: EchoPage, table: StacksPage, plain: Service, other: Service
) -> None:
    pane = echo.open(service=plain.name)
    pane.connect()
    echo.page.get_by_role("link", name="Stacks", exact=True).click()

    table.link(other.name).click()

    expect(pane.entries("event", "open").filter(has_text=f"/{other.name}/")).to_have_count(1)
    pane.expect_connected()
    echo.say("over there")
    pane.expect_totals(1, 1)


def test_the_table_can_be_used_by_keyboard_alone(table: StacksPage, echo: EchoPage, services: list[Service]) -> None:
    keyboard = table.page.keyboard
    expect(echo.page).to_have_title("Stacks · Echo Wall")
    keyboard.press("Control+k")
    expect(table.filter).to_be_focused()
    tab_to(table.page, table.header("Known deviations").get_by_role("button"))
    keyboard.press("Enter")
    keyboard.press("Space")
    expect(table.header("Known deviations")).to_have_attribute("aria-sort", "descending")
    most = max(services, key=lambda service: service.deviations)
    tab_to(table.page, table.link(most.name))

    keyboard.press("Enter")

    expect(echo.first.stack(most.title)).to_be_checked()
    expect(echo.first.root.get_by_role("heading", name=most.title, exact=True)).to_be_focused()
    expect(echo.page).to_have_title("Echo Wall")
    echo.page.go_back()
    expect(table.filter).to_be_visible()
    keyboard.press("Control+k")  # though what has the focus is in the view that is out of sight now
    expect(table.filter).to_be_focused()
    keyboard.type(services[0].title)
    expect(table.matches).not_to_be_empty()
    first = table.names()[0]
    keyboard.press("Enter")
    expect(echo.page).to_have_url(re.compile(rf"\?service={first}$"))


def test_the_table_speaks_chinese(page: Page, services: list[Service]) -> None:
    EchoPage(page).load("/?view=stacks&lang=zh&sort=released")

    expect(page).to_have_title("服务一览 · 回音壁")
    oldest = min(services, key=lambda service: service.released)
    date = f"{oldest.released.year}年{oldest.released.month}月{oldest.released.day}日"
    expect(page.locator("tbody tr").first).to_contain_text(date)
    expect(page.get_by_role("columnheader", name="最近发布")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="English", exact=True).click()
    expect(page.get_by_role("columnheader", name="Latest release")).to_have_attribute("aria-sort", "ascending")

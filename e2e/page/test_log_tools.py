"""The tools of the log: search, order, the slowest, export of what is filtered, import, HAR."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from e2e.page.conftest import AssertAccessible
from e2e.support.pages import EchoPage, Pane

pytestmark = pytest.mark.outside

#: Which takes for ever on a text of many a: each a may be in any of many groups.
CATASTROPHIC = "(a+)+$"


@pytest.fixture
def talked(echo: EchoPage, connected: Pane) -> Pane:
    """A pane with some messages in its log, each with its echo after it, and the tools that are seldom needed."""
    for number, message in enumerate(("one apple", "two PEARS, three apples", "a" * 100 + "!"), start=1):
        echo.say(message)
        connected.expect_totals(number, number)
    connected.tools.click()
    return connected


def test_what_the_search_finds_is_highlighted(
    echo: EchoPage, talked: Pane, assert_accessible: AssertAccessible, subtests: pytest.Subtests
) -> None:
    with subtests.test("words"):
        talked.search.fill("APPLE")
        expect(talked.found).to_have_text(["apple"] * 4)
        assert_accessible()

    talked.regex.check()
    with subtests.test("a regular expression"):
        talked.show.select_option(label="Received")
        talked.search.fill(r"^\w+ pears|apples?$")
        expect(talked.found).to_have_text(["apple", "two PEARS", "apples"])
        talked.show.select_option(label="All")

    with subtests.test("a bad expression is said to be bad"):
        talked.search.fill("(apple")
        told = talked.alert.filter(has_text="“(apple” is not a regular expression")
        expect(told).to_contain_text("Unterminated group")
        expect(talked.search).to_have_attribute("aria-invalid", "true")
        assert_accessible()

    with subtests.test("it can be corrected"):
        talked.search.fill("(apple)")
        expect(talked.found).to_have_count(4)
        expect(talked.search).not_to_have_attribute("aria-invalid", "true")

    with subtests.test("an expression that takes for ever is ended while the page goes on"):
        talked.search.fill(CATASTROPHIC)
        echo.say("still here")  # while the expression is looked for
        talked.expect_totals(4, 4)
        expect(talked.alert.filter(has_text=f"“{CATASTROPHIC}” was ended")).to_be_visible()
        talked.search.fill("still")
        expect(talked.found).to_have_count(2)


def test_the_log_is_sorted_and_the_slowest_is_a_button_away(echo: EchoPage, talked: Pane) -> None:
    talked.show.select_option(label="Received")
    talked.order.select_option(label="largest first")
    expect(talked.entries().first).to_contain_text("a" * 100)

    talked.order.select_option(label="newest first")
    echo.say("the newest")
    expect(talked.entries().first).to_contain_text("the newest")

    talked.order.select_option(label="slowest first")
    shown = talked.entries("received")
    expect(shown).to_have_count(4)
    times = [float(row.get_attribute("data-rtt") or 0) for row in shown.all()]
    assert times == sorted(times, reverse=True)
    slowest = shown.first.locator(".payload").inner_text()
    talked.slowest.click()
    expect(talked.drawer.get_by_label("Text", exact=True)).to_have_text(slowest)


def test_the_log_is_exported_and_imported(talked: Pane, tmp_path: Path, subtests: pytest.Subtests) -> None:
    with subtests.test("a HAR has the handshake and the messages"):
        [entry] = talked.export_har()["log"]["entries"]
        assert entry["request"]["url"].startswith(("ws://", "wss://"))
        assert entry["response"]["status"] == 101
        messages = [(message["type"], message["opcode"], message["data"]) for message in entry["_webSocketMessages"]]
        assert messages[:2] == [("send", 1, "one apple"), ("receive", 1, "one apple")]
        assert len(messages) == 6

    with subtests.test("a file that is no export is refused"):
        file = tmp_path / "notes.jsonl"
        file.write_text('{"time": "2026-01-01T00:00:00Z", "direction": "sideways"}\n')
        talked.import_file(file)
        expect(talked.alert.filter(has_text="notes.jsonl, line 1")).to_contain_text("direction")
        expect(talked.entries("event", "import")).to_have_count(0)

    with subtests.test("what is filtered is exported and imported again"):
        talked.regex.check()
        talked.search.fill("apples?$")
        with talked.page.expect_download() as download:
            talked.export_button.click()
        exported = tmp_path / "exported.jsonl"
        download.value.save_as(exported)
        talked.search.fill("")
        talked.clear.click()

        talked.import_file(exported)

        expect(talked.entries("event", "import")).to_contain_text("exported.jsonl: 4 lines")
        entries = [entry for entry in talked.export() if entry.direction != "event"]
        assert [(entry.direction, entry.message, entry.mark) for entry in entries] == [
            ("sent", "one apple", None),
            ("received", "one apple", "same"),
            ("sent", "two PEARS, three apples", None),
            ("received", "two PEARS, three apples", "same"),
        ]
        talked.expect_totals(0, 0)  # nothing of it is of this connection


def test_thousands_of_messages_are_drawn_a_few_at_a_time_in_every_order(echo: EchoPage, connected: Pane) -> None:
    connected.tools.click()
    # Rows that one rendering adds: however busy the machine is, what holds up the page is how many there are.
    connected.log.locator("ol").evaluate(
        """list => {
            const isRow = ({ localName }) => localName === "li";
            const count = (sum, { addedNodes }) => sum + [...addedNodes].filter(isRow).length;
            window.added = [];
            const observer = new MutationObserver(changes => window.added.push(changes.reduce(count, 0)));
            observer.observe(list, { childList: true });
        }"""
    )

    echo.times.fill("15")
    echo.say_preset("200 messages")
    connected.expect_totals(3_000, 3_000, timeout=60_000)
    expect(connected.entries()).to_have_count(500)
    for order in ("newest first", "slowest first", "largest first", "as they came"):
        connected.order.select_option(label=order)
        expect(connected.entries()).to_have_count(500)
    connected.regex.check()
    connected.search.fill(r"\d")
    expect(connected.found.first).to_be_visible()

    added = echo.page.evaluate("window.added")
    assert max(added) <= 50, sorted(added)[-10:]


@pytest.mark.expects_console("Failed to load resource: net::ERR_FAILED")
def test_the_search_asks_again_for_its_worker_that_was_lost(talked: Pane) -> None:
    lost: list[str] = []

    def abort(route: Route) -> None:
        lost.append(route.request.url)
        route.abort()

    talked.page.route("**/search-worker.js", abort, times=2)
    talked.regex.check()

    talked.search.fill("apples?$")

    expect(talked.found).to_have_count(4)
    assert len(lost) == 2

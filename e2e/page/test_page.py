"""What the page does with any service: addresses, sending, the log, two languages."""

import base64
import json
import re
from datetime import datetime
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.page.conftest import Visit
from e2e.support.pages import ChatPage, EchoPage, Pane, StacksPage
from echowall.catalog.catalog import ROOT, Service
from echowall.check.suite import ALL

pytestmark = pytest.mark.outside


def endpoint(base_url: str, service: Service) -> str:
    """The address of a service's echo, as a person would type it."""
    return f"{base_url.replace('http', 'ws', 1)}/{service.name}/foobar/"


# The address


def test_the_page_lists_every_stack(echo: EchoPage, services: list[Service], subtests: pytest.Subtests) -> None:
    pane = echo.open()

    with subtests.test("it is called Echo Wall"):
        expect(echo.page).to_have_title("Echo Wall")
        expect(echo.page.get_by_role("heading", level=1)).to_have_text("Echo Wall")
        expect(echo.page.get_by_role("main")).to_be_visible()

    with subtests.test("every service can be chosen and is up"):
        rows = pane.root.locator("[data-service][data-status]")
        expect(rows).to_have_count(len(services))
        expect(pane.root.locator("[data-service][data-status=up]")).to_have_count(len(services))
        shown = rows.evaluate_all(
            "rows => rows.map(row => [row.dataset.service, row.querySelector('label').innerText])"
        )
        assert shown == [[service.name, service.title] for service in services]

    with subtests.test("services are grouped by era"):
        for legend, era in (("From the article", "article"), ("Modern", "modern"), ("Yardstick", "yardstick")):
            group = pane.root.get_by_role("group", name=legend).get_by_role("radio")
            expect(group).to_have_count(sum(service.era == era for service in services))
        expect(pane.root.get_by_role("group", name="Your own").get_by_role("radio")).to_have_count(1)


def test_what_is_chosen_is_in_the_address_and_connects_when_asked(
    echo: EchoPage, plain: Service, other: Service, subtests: pytest.Subtests
) -> None:
    pane = echo.open(service=plain.name)

    with subtests.test("the page does not connect by itself"):
        expect(pane.row(plain.name)).to_have_attribute("data-status", "up")
        expect(pane.connection).to_have_text("Disconnected")
        expect(pane.entries()).to_have_count(0)

    with subtests.test("a second stack can be opened and closed"):
        expect(echo.second.root).to_have_count(0)
        echo.side_by_side.check()
        expect(echo.second.root).to_be_visible()
        expect(echo.page).to_have_url(re.compile("compare="))
        echo.side_by_side.uncheck()
        expect(echo.second.root).to_have_count(0)
        expect(echo.page).not_to_have_url(re.compile("compare="))

    with subtests.test("choosing a stack puts it in the address"):
        pane.stack(other.title).check()
        expect(echo.page).to_have_url(re.compile(rf"[?&]service={other.name}(&|$)"))
        pane.stack(plain.title).check()
        expect(echo.page).to_have_url(re.compile(rf"[?&]service={plain.name}(&|$)"))

    with subtests.test("the send button is enabled only while connected"):
        expect(echo.send).to_be_disabled()
        pane.connect()
        expect(echo.send).to_be_enabled()
        pane.disconnect()
        expect(echo.send).to_be_disabled()

    with subtests.test("a close is explained"):
        close = pane.entries("event", "close")
        expect(close).to_contain_text("1000")
        expect(close).to_contain_text("clean")
        expect(close).not_to_contain_text("not clean")
        expect(close).to_contain_text(re.compile(r"normal", re.IGNORECASE))

    with subtests.test("connecting again after a disconnect works"):
        pane.connect()
        echo.say("Here I am again")
        pane.expect_totals(1, 1)
        assert pane.received() == ["Here I am again"]


def test_the_page_connects_by_itself_when_the_address_says_so(echo: EchoPage, plain: Service) -> None:
    pane = echo.open(service=plain.name, connect="1")

    pane.expect_connected()


def test_your_own_endpoint_can_be_used(echo: EchoPage, base_url: str, plain: Service) -> None:
    pane = echo.open()
    pane.own_endpoint.check()
    pane.endpoint_url.fill(endpoint(base_url, plain))
    pane.connect()

    echo.say("Hello from my own")

    pane.expect_totals(1, 1)
    assert pane.received() == ["Hello from my own"]


def test_a_deep_link_opens_your_own_endpoint(echo: EchoPage, base_url: str, plain: Service) -> None:
    pane = echo.open(url=endpoint(base_url, plain), connect="1")

    expect(pane.own_endpoint).to_be_checked()
    expect(pane.endpoint_url).to_have_value(endpoint(base_url, plain))
    pane.expect_connected()


def test_a_deep_link_opens_two_stacks(echo: EchoPage, plain: Service, other: Service) -> None:
    echo.open(service=plain.name, compare=other.name)

    expect(echo.side_by_side).to_be_checked()
    for pane, service in ((echo.first, plain), (echo.second, other)):
        expect(pane.chosen).to_contain_text(service.title)
        pane.chosen.click()
        expect(pane.stack(service.title)).to_be_checked()
        pane.page.keyboard.press("Escape")


def test_a_reload_keeps_the_settings(echo: EchoPage, plain: Service) -> None:
    pane = echo.open(service=plain.name)
    pane.subprotocols.fill("echo")
    pane.close_code.fill("4001")
    pane.close_reason.fill("seen enough")
    pane.reconnects.uncheck()
    pane.view_as.select_option(label="Hex")
    echo.kind("JSON").check()
    echo.times.fill("3")
    echo.every.fill("10")

    echo.reload()

    expect(pane.subprotocols).to_have_value("echo")
    expect(pane.close_code).to_have_value("4001")
    expect(pane.close_reason).to_have_value("seen enough")
    expect(pane.reconnects).not_to_be_checked()
    expect(pane.view_as).to_have_value("hex")
    expect(echo.kind("JSON")).to_be_checked()
    expect(echo.times).to_have_value("3")
    expect(echo.every).to_have_value("10")
    pane.connect()
    echo.say("{}", kind="JSON")
    pane.expect_totals(3, 3)
    expect(pane.entries("received").first).to_contain_text("7b 7d")
    pane.disconnect()
    expect(pane.entries("event", "close")).to_contain_text("4001")


# Sending


def test_what_is_sent(echo: EchoPage, connected: Pane, visit: Visit) -> None:
    with visit("Control+Enter sends"):
        echo.compose("Text", "by keyboard")
        echo.message.press("Control+Enter")
        connected.expect_totals(1, 1)

    with visit("Enter starts a new line"):
        echo.compose("Text", "one")
        echo.message.press("End")
        echo.message.press("Enter")
        echo.message.press_sequentially("two")
        expect(echo.message).to_have_value("one\ntwo")
        connected.expect_totals(0, 0)

    with visit("the arrow keys recall what was sent"):
        echo.say("first")
        echo.say("second")
        echo.message.fill("")
        echo.message.press("ArrowUp")
        expect(echo.message).to_have_value("second")
        echo.message.press("ArrowUp")
        expect(echo.message).to_have_value("first")
        echo.message.press("ArrowDown")
        expect(echo.message).to_have_value("second")
        connected.expect_totals(2, 2)

    with visit("lines and spaces come back untrimmed"):
        text = "  two\n\n\tlines  \n"
        echo.say(text)
        connected.expect_totals(1, 1)
        assert connected.received() == [text]

    with visit("JSON comes back"):
        document = {"to": "wall", "n": [1, 2.5, None, True], "text": '"quoted" 回'}
        echo.say(json.dumps(document), kind="JSON")
        connected.expect_totals(1, 1)
        assert [json.loads(message) for message in connected.received()] == [document]

    with visit("hex is sent as the bytes it spells"):
        echo.say("00 FF 7f", kind="Hex")
        connected.expect_totals(1, 1)
        assert connected.received() == [b"\x00\xff\x7f"]

    for preset in ("Hello", "Unicode", "Empty", "HTML", "64 KiB", "1 MiB"):
        with visit(f"the preset {preset} comes back"):
            echo.say_preset(preset)
            connected.expect_totals(1, 1, timeout=15_000)
            sent, received = connected.export()
            assert received.message == sent.message


def test_what_is_sent_again_and_again(echo: EchoPage, connected: Pane, visit: Visit) -> None:
    with visit("the number and the time are filled in"):
        echo.times.fill("3")
        echo.say('{"n": {{n}}, "now": "{{now}}"}', kind="JSON")
        connected.expect_totals(3, 3)
        messages = [json.loads(message) for message in connected.received()]
        assert [message["n"] for message in messages] == [1, 2, 3]
        assert all(datetime.fromisoformat(message["now"]) for message in messages)

    with visit("a message is sent so many times at an interval"):
        echo.times.fill("4")
        echo.every.fill("100")
        echo.say("again")
        connected.expect_totals(4, 4)
        times = [datetime.fromisoformat(entry.time) for entry in connected.export() if entry.direction == "sent"]
        assert (times[-1] - times[0]).total_seconds() >= 0.29

    with visit("it can be stopped"):
        echo.times.fill("10000")
        echo.every.fill("200")
        echo.say("again")
        expect(connected.entries("sent")).not_to_have_count(0)
        echo.stop.click()
        expect(echo.send).to_be_enabled()
        sent = sum(entry.direction == "sent" for entry in connected.export())
        assert 0 < sent < 200
        echo.times.fill("1")
        echo.say("the last one")
        connected.expect_totals(sent + 1, sent + 1)


def test_a_saved_message_is_there_after_a_reload_until_it_is_forgotten(echo: EchoPage, connected: Pane) -> None:
    echo.compose("Hex", "00 ff")
    echo.composer.get_by_role("button", name="Save", exact=True).click()

    echo.reload()
    connected.connect()
    echo.preset.select_option(label="00 ff")
    echo.send.click()

    connected.expect_totals(1, 1)
    assert connected.received() == [b"\x00\xff"]
    echo.preset.select_option(label="00 ff")
    echo.composer.get_by_role("button", name="Forget", exact=True).click()
    echo.reload()
    expect(echo.preset.get_by_role("option", name="00 ff")).to_have_count(0)


# The connection


def test_leaving_the_page_closes_the_socket_quietly(echo: EchoPage, connected: Pane, other: Service) -> None:
    echo.say("before I go")
    connected.expect_totals(1, 1)

    pane = echo.open(service=other.name)

    expect(pane.connection).to_have_text("Disconnected")


# The log


def test_what_the_log_shows_and_exports(echo: EchoPage, connected: Pane, subtests: pytest.Subtests) -> None:
    echo.say("回音壁")
    connected.expect_totals(1, 1)
    echo.say("00 ff", kind="Hex")
    connected.expect_totals(2, 2)
    echo.say('{"a":[1,2]}', kind="JSON")
    connected.expect_totals(3, 3)

    with subtests.test("an entry has its direction, kind and size"):
        for direction in ("sent", "received"):
            expect(connected.entries(direction, "text").first).to_have_attribute("data-size", "9")
            expect(connected.entries(direction, "binary")).to_have_attribute("data-size", "2")
        expect(connected.entries("event", "open")).to_have_count(1)

    with subtests.test("a round trip is timed"):
        expect(connected.entries("received").first).to_have_attribute("data-rtt", re.compile(r"^\d+(\.\d+)?$"))
        expect(connected.sparkline).to_be_visible()

    with subtests.test("each line starts with an arrow"):
        starts = connected.entries().evaluate_all(
            """lines => lines.map((line) => {
                const arrow = line.querySelector(".arrow").getBoundingClientRect();
                return [arrow.width, arrow.x - line.getBoundingClientRect().x];
            })"""
        )
        assert len(starts) == 7
        for width, x in starts:
            assert width > 0
            assert 0 < x < 40

    with subtests.test("it is exported as JSON lines"):
        with echo.page.expect_download() as download:
            connected.export_button.click()

        assert download.value.suggested_filename.endswith(".jsonl")
        lines = [json.loads(line) for line in download.value.path().read_text("utf-8").splitlines()]
        opened, *messages = lines
        assert opened["kind"] == "open"
        told = {(it["direction"], it["kind"], it["size"], it["data"]) for it in messages}
        encoded = base64.b64encode(b"\x00\xff").decode()
        assert told == {
            (direction, kind, size, data)
            for direction in ("sent", "received")
            for kind, size, data in (("text", 9, "回音壁"), ("binary", 2, encoded), ("text", 11, '{"a":[1,2]}'))
        }
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in lines)

    with subtests.test("it shows only the chosen kind"):
        for label, count in {"Sent": 3, "Received": 3, "Events": 1, "All": 7}.items():
            connected.show.select_option(label=label)
            expect(connected.entries()).to_have_count(count)

    with subtests.test("the view of JSON lays it out"):
        connected.view_as.select_option(label="JSON")
        expect(connected.entries("received").last).to_contain_text('"a": [')

    with subtests.test("the view of bytes shows them"):
        connected.view_as.select_option(label="Hex")
        expect(connected.entries("received").last).to_contain_text(re.compile("7b ?22 ?61 ?22", re.IGNORECASE))
        connected.view_as.select_option(label="Text")

    with subtests.test("it can be searched"):
        connected.search.fill('"A":')
        expect(connected.entries()).to_have_count(2)
        expect(connected.entries("received")).to_contain_text('{"a":[1,2]}')
        connected.search.fill("")

    with subtests.test("it can be cleared"):
        expect(connected.entries()).to_have_count(7)
        connected.clear.click()
        expect(connected.entries()).to_have_count(0)


def test_a_long_log_is_read_back_while_it_grows(echo: EchoPage, connected: Pane, subtests: pytest.Subtests) -> None:
    echo.preset.select_option(label="200 messages")
    for number in range(1, 6):
        echo.send.click()
        connected.expect_totals(200 * number, 200 * number, timeout=15_000)

    with subtests.test("it leaves only some lines on the page"):
        assert connected.entries().count() < 1000
        expect(connected.entries().last).to_be_in_viewport()
        assert len(connected.received()) == 1000

    with subtests.test("it does not scroll while you read back"):
        connected.log.hover()
        echo.page.mouse.wheel(0, -1500)
        expect(connected.new).to_have_count(0)
        echo.say("news")
        expect(connected.new).to_have_text("2 new")
        connected.new.click()
        expect(connected.entries("received").filter(has_text="news")).to_be_in_viewport()
        expect(connected.new).to_have_count(0)


# Two languages


def test_the_page_speaks_chinese_and_remembers_it_and_a_link_may_ask_for_it(echo: EchoPage) -> None:
    echo.open()

    echo.page.get_by_role("button", name="中文", exact=True).click()

    expect(echo.page.get_by_role("heading", level=1)).to_have_text("回音壁")
    expect(echo.page.locator("html")).to_have_attribute("lang", re.compile("^zh"))
    echo.load("/")  # the address does not say it any more
    expect(echo.page.get_by_role("heading", level=1)).to_have_text("回音壁")
    echo.page.get_by_role("button", name="English", exact=True).click()
    expect(echo.page.get_by_role("heading", level=1)).to_have_text("Echo Wall")
    echo.load("/?lang=zh")
    expect(echo.page.get_by_role("heading", level=1)).to_have_text("回音壁")


@pytest.mark.browser_context_args(locale="zh-CN")
def test_a_chinese_reader_gets_the_chinese_page(echo: EchoPage) -> None:
    echo.load("/")

    expect(echo.page.get_by_role("heading", level=1)).to_have_text("回音壁")


def test_switching_the_language_keeps_the_connection(echo: EchoPage, connected: Pane) -> None:
    echo.say("before")
    connected.expect_totals(1, 1)

    echo.page.get_by_role("button", name="中文", exact=True).click()
    echo.page.get_by_role("button", name="English", exact=True).click()

    connected.expect_connected()
    connected.expect_totals(1, 1)


def test_the_chinese_page_says_in_chinese_what_the_catalog_and_the_checks_say(
    page: Page, services: list[Service]
) -> None:
    chinese = json.loads((ROOT / "services/sentences.zh.json").read_text())
    service = max(services, key=lambda one: len(one.known))
    known = service.known[0]
    check = next(one for one in ALL if one.id == known.checks[0])

    EchoPage(page).load(f"/?service={service.name}&lang=zh")
    expect(page.locator(".summary [lang=zh]")).to_have_text(chinese[service.summary])

    page.goto(f"/?{urlencode({'view': 'behaviour', 'cell': f'{service.name} {check.id}', 'lang': 'zh'})}")
    answer = page.get_by_role("dialog").locator(f'[data-check="{check.id}"]')
    for english in (check.question, check.sends, known.reason):
        expect(answer).to_contain_text(chinese[english])
        expect(answer).not_to_contain_text(english)
    expect(answer.locator("[data-verdict] [lang=zh]").first).to_be_visible()


@pytest.mark.expects_console("Failed to load resource: net::ERR_FAILED")
def test_what_has_no_chinese_stays_english_and_is_marked_so(page: Page, plain: Service) -> None:
    page.route("**/sentences.zh.json", lambda route: route.abort())

    EchoPage(page).load(f"/?service={plain.name}&lang=zh")

    expect(page.locator(".summary [lang=en]")).to_have_text(plain.summary)


# When the network loses a file


FAILED_TO_LOAD = pytest.mark.expects_console("Failed to load resource: net::ERR_FAILED")


def lose(page: Page, file: str, *, times: int | None = None) -> list[str]:
    """Lose the first `times` answers with that file, or all of them. Returns the addresses, as they are lost."""
    lost: list[str] = []

    def abort(route: Route) -> None:
        lost.append(route.request.url)
        route.abort()

    page.route(f"**/{file}", abort, times=times)
    return lost


@pytest.mark.inside
@FAILED_TO_LOAD
@pytest.mark.parametrize("files", [("services.json", "chat.js", "chat.css"), ("room.js",)])
def test_the_chat_asks_again_for_files_that_were_lost(page: Page, plain: Service, files: tuple[str, ...]) -> None:
    lost = {file: lose(page, file, times=2) for file in files}

    ChatPage(page).open(plain.name)

    expect(page.get_by_role("alert")).to_have_count(0)
    assert {file: len(urls) for file, urls in lost.items()} == dict.fromkeys(files, 2)


@FAILED_TO_LOAD
def test_the_table_asks_again_for_files_that_were_lost(page: Page, services: list[Service]) -> None:
    files = ("services.json", "stacks.js", "stacks.css")
    lost = {file: lose(page, file, times=2) for file in files}
    table = StacksPage(page)

    table.open()

    assert table.names() == [service.name for service in services]
    expect(page.get_by_role("alert")).to_have_count(0)
    assert {file: len(urls) for file, urls in lost.items()} == dict.fromkeys(files, 2)


@FAILED_TO_LOAD
def test_the_source_panel_asks_again_for_files_that_were_lost(echo: EchoPage, plain: Service) -> None:
    files = ("highlight.js", "services/*/*.*")
    pane = echo.open(service=plain.name)
    lost = {file: lose(echo.page, file, times=2) for file in files}

    pane.how.click()

    expect(pane.source_of(plain.sources[0]).locator("code")).to_be_visible()
    assert {file: len(urls) for file, urls in lost.items()} == dict.fromkeys(files, 2)


@FAILED_TO_LOAD
@pytest.mark.protocol("socket.io")
def test_a_connection_fails_when_its_client_cannot_be_loaded_and_is_tried_again(
    echo: EchoPage, service: Service
) -> None:
    lost = lose(echo.page, "socket*.js", times=5)  # three of the first attempt, and two of the second
    pane = echo.open(service=service.name)

    pane.connect()

    expect(pane.entries("event", "error")).to_have_count(1)
    expect(pane.entries("event", "open")).to_have_count(1)
    echo.say("Hello, wall!")
    pane.expect_totals(1, 1)
    assert len(lost) == 5


@FAILED_TO_LOAD
def test_your_own_endpoint_works_without_the_list_of_stacks(echo: EchoPage, plain: Service, base_url: str) -> None:
    lost = lose(echo.page, "services.json")
    pane = echo.open(service=plain.name)

    alert = echo.page.get_by_role("alert")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("The list of stacks could not be loaded")
    pane.own_endpoint.check()
    pane.endpoint_url.fill(endpoint(base_url, plain))
    pane.connect()
    echo.say("Hello, wall!")
    pane.expect_totals(1, 1)
    assert lost


# What the page costs


@pytest.mark.browser_context_args  # a context of its own, which has kept nothing
def test_the_first_view_weighs_at_most_220_kb_on_the_wire(echo: EchoPage, services: list[Service]) -> None:
    echo.load("/")
    expect(echo.page.locator("tr[data-subject]")).to_have_count(len(services))
    expect(echo.page.locator("tr[data-subject] svg").first).to_be_visible()

    assert_weighs_at_most(echo.page, 220_000)


@pytest.mark.browser_context_args
def test_the_echo_weighs_at_most_260_kb_with_its_panel_and_its_clients(echo: EchoPage, services: list[Service]) -> None:
    sockets = next((service for service in services if service.protocol == "socket.io"), services[0])
    pane = echo.open(service=sockets.name)
    pane.connect()
    pane.how.click()
    expect(pane.source).to_be_visible()

    assert_weighs_at_most(echo.page, 260_000)


def assert_weighs_at_most(page: Page, most: int) -> None:
    """Assert that what the page has loaded so far is at most so many bytes on the wire."""
    sizes = page.evaluate(
        "performance.getEntries().filter(({transferSize}) => transferSize).map(e => [e.name, e.transferSize])"
    )

    assert len(sizes) > 5
    assert sum(size for _, size in sizes) <= most, sorted(sizes, key=lambda it: -it[1])[:10]


def test_everything_is_loaded_from_the_lab_and_once(echo: EchoPage, base_url: str, connected: Pane) -> None:
    names = echo.page.evaluate("performance.getEntriesByType('resource').map(({name}) => name)")
    assert names
    assert [name for name in names if not name.startswith(f"{base_url}/")] == []

    echo.reload()
    connected.connect()

    loaded = echo.page.evaluate(
        "performance.getEntriesByType('resource').map(({ name, transferSize }) => [name, transferSize])"
    )
    own = [(name, size) for name, size in loaded if "/assets/" in name]
    assert len(own) > 50
    assert [(name, size) for name, size in own if size] == []

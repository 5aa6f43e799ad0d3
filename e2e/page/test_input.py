"""Bad input in every field: the page says what is wrong, sends nothing, and stays connected."""

import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import expect

from e2e.page.conftest import Visit
from e2e.support.pages import EchoPage, Pane
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside

MIB = 1024 * 1024
#: Texts that are not the address of a WebSocket, and a part of what the page says about each.
MALFORMED_URLS = {
    "": "There is no address",
    "nonsense": "“nonsense”",
    "ws:": "“ws:”",
    "ws://": "“ws://”",
    "http//127.0.0.1": "“http//127.0.0.1”",
    "ftp://127.0.0.1/": "“ftp://127.0.0.1/”",
    "javascript:alert(1)": "“javascript:alert(1)”",
    "ws://127.0.0.1:99999/": "“ws://127.0.0.1:99999/”",
    "ws://[::1/": "“ws://[::1/”",
    "ws://127.0.0.1/#fragment": "“#fragment”",
    "//": "“//”",
    "🙂": "“🙂”",
}
ATTACK = '<img src=x onerror="window.attacked = true"><script>window.attacked = true</script>'


def expect_still_talking(echo: EchoPage, pane: Pane) -> None:
    """Expect that nothing was sent, and that a proper message is sent next."""
    pane.expect_totals(0, 0)
    pane.expect_connected()
    echo.say("all right")
    pane.expect_totals(1, 1)
    assert pane.received() == ["all right"]


def test_a_bad_message_is_refused(
    echo: EchoPage, connected: Pane, visit: Visit, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    refused: dict[Literal["JSON", "Hex"], tuple[str, ...]] = {
        "Hex": ("xyz", "abc", "0x4g", "12 3", "回音", "<b>"),
        "JSON": ("{a: 1}", "[1, 2", "nothing", "", '{"a": 1} {"b": 2}', "<b>", "[NaN]"),
    }
    for kind, texts in refused.items():
        for text in texts:
            with subtests.test(f"{text!r} is no {kind}"):
                echo.compose(kind, "" if text else "{")
                echo.message.fill(text)
                expect(echo.error).to_have_count(0)
                echo.send.click()
                expect(echo.error).to_have_text(re.compile(r"\w"))
    connected.expect_totals(0, 0)
    connected.expect_connected()

    with subtests.test("the error goes away when the message is corrected"):
        echo.say("{}", kind="JSON")
        connected.expect_totals(1, 1)
        expect(echo.error).to_have_count(0)

    with visit("a file of 32 MiB is refused with the limit"):
        file = tmp_path / "large.bin"
        with file.open("wb") as sparse:
            sparse.truncate(32 * MIB)
        echo.say_file(file)
        expect(echo.error).to_contain_text("16 MiB")
        expect_still_talking(echo, connected)

    with visit("no file is refused"):
        echo.kind("File").check()
        echo.send.click()
        expect(echo.error).to_have_text(re.compile(r"\w"))
        expect_still_talking(echo, connected)

    with visit("an empty file is sent as an empty message"):
        file = tmp_path / "empty.bin"
        file.touch()
        echo.say_file(file)
        connected.expect_totals(1, 1)
        assert connected.received() == [b""]

    for times, every in (("0", "0"), ("1.5", "0"), ("10001", "0"), ("2", "-1")):
        with visit(f"{times} times every {every} ms is refused"):
            echo.times.fill(times)
            echo.every.fill(every)
            echo.say("again")
            expect(echo.error).to_contain_text(f"“{times if every == '0' else every}” is not a")
            echo.times.fill("1")
            echo.every.fill("")
            expect_still_talking(echo, connected)

    with visit("HTML is shown and never run"):
        echo.say(ATTACK)
        connected.expect_totals(1, 1)
        connected.search.fill(ATTACK)
        expect(connected.entries("received")).to_contain_text(ATTACK)
        for view in ("JSON", "Hex", "Text"):
            connected.view_as.select_option(label=view)
            expect(connected.log.locator("img, script")).to_have_count(0)
        assert echo.page.evaluate("window.attacked") is None
        connected.search.fill("")

    with visit("a search takes the signs of an expression literally"):
        echo.say("see ([.*")
        connected.expect_totals(1, 1)
        connected.search.fill("([.*")
        expect(connected.entries("received")).to_have_count(1)
        connected.search.fill("(.*)")
        expect(connected.entries()).to_have_count(0)
        connected.search.fill("")


def test_a_bad_close_is_refused(echo: EchoPage, connected: Pane, subtests: pytest.Subtests) -> None:
    for code in ("0", "999", "1001", "1006", "2999", "5000", "-1", "3000.5", "1e99"):
        with subtests.test(f"the code {code}"):
            connected.close_code.fill(code)
            connected.disconnect_button.click()
            expect(connected.alert).to_contain_text(f"“{code}”")
    connected.close_code.fill("")
    expect_still_talking(echo, connected)

    with subtests.test("a reason longer than 123 bytes"):
        connected.close_code.fill("3000")
        connected.close_reason.fill("回" * 42)
        connected.disconnect_button.click()
        expect(connected.alert.filter(has_text="123")).to_be_visible()
        connected.close_reason.fill("回" * 41)
        connected.disconnect()


@pytest.mark.parametrize("parameters", [("service", "compare", "handler", "lang", "connect"), ("url",)])
def test_html_in_the_address_is_never_run(echo: EchoPage, parameters: tuple[str, ...]) -> None:
    echo.open(view="echo", **dict.fromkeys(parameters, ATTACK))

    expect(echo.page.locator("main img[src=x], main script")).to_have_count(0)
    assert echo.page.evaluate("window.attacked") is None


def test_unknown_services_in_the_address_are_refused_and_the_known_ones_are_named(
    echo: EchoPage, services: list[Service]
) -> None:
    echo.open(service="no-such-stack", compare="nor-this-one")

    for unknown in ("no-such-stack", "nor-this-one"):
        alert = echo.page.get_by_role("alert").filter(has_text=unknown)
        expect(alert).to_be_visible()
        for service in services:
            expect(alert).to_contain_text(service.name)


def test_nonsense_in_the_address_leaves_a_working_page(echo: EchoPage, plain: Service) -> None:
    nonsense = dict.fromkeys(("handler", "lang", "connect", "compare-handler", "protocol"), "no-such-thing")
    pane = echo.open(service=plain.name, **nonsense)

    pane.connect()
    expect_still_talking(echo, pane)


def test_what_cannot_be_connected_with_is_refused(echo: EchoPage, plain: Service, subtests: pytest.Subtests) -> None:
    pane = echo.open(service=plain.name)

    for name in ("a b", "écho", "a/b", "x{", "回音", '"echo"', "a;b"):
        with subtests.test(f"the subprotocol {name}"):
            pane.subprotocols.fill(f"echo, {name}")
            pane.connect_button.click()
            expect(pane.alert).to_contain_text(f"“{name}”")
            expect(pane.connection).to_have_text("Disconnected")

    with subtests.test("a subprotocol named twice"):
        pane.subprotocols.fill("echo, chat, echo")
        pane.connect_button.click()
        expect(pane.alert).to_contain_text("“echo”")
        expect(pane.connection).to_have_text("Disconnected")

    with subtests.test("and none is right"):
        pane.subprotocols.fill("")
        pane.connect()
        pane.disconnect()

    pane.own_endpoint.check()
    for url, complaint in MALFORMED_URLS.items():
        with subtests.test(f"the endpoint {url}"):
            pane.endpoint_url.fill(url)
            pane.connect_button.click()
            expect(pane.alert).to_contain_text(complaint)
            expect(pane.endpoint_url).to_have_attribute("aria-invalid", "true")
            expect(pane.connection).to_have_text("Disconnected")


@pytest.mark.expects_console("WebSocket connection to")
def test_an_endpoint_that_does_not_listen_is_shown_as_disconnected(echo: EchoPage, base_url: str) -> None:
    pane = echo.open(url=f"{base_url.partition(':')[0].replace('http', 'ws')}://127.0.0.1:9/")
    pane.reconnects.uncheck()

    pane.connect_button.click()

    close = pane.entries("event", "close")
    expect(close).to_contain_text("never came about: 1006")
    expect(close).not_to_contain_text("lost with no close frame")
    expect(pane.connection).to_have_text("Disconnected")


def test_a_malformed_endpoint_in_the_address_is_refused(echo: EchoPage) -> None:
    pane = echo.open(url="nonsense", connect="1")

    expect(pane.alert.filter(has_text=re.compile(r"\w"))).to_be_visible()
    expect(pane.connection).to_have_text("Disconnected")


def test_nothing_can_be_sent_before_the_page_is_connected(echo: EchoPage, plain: Service) -> None:
    pane = echo.open(service=plain.name)
    echo.compose("Text", "into the void")

    expect(echo.send).to_be_disabled()
    echo.message.press("Control+Enter")

    pane.expect_totals(0, 0)

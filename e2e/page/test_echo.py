"""The page with every service: what is sent comes back."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, expect

from e2e.support.known import as_known
from e2e.support.pages import EchoPage, Pane
from echowall.catalog.catalog import ROOT, Known, Mended, Service

pytestmark = pytest.mark.outside


def test_each_stack_gives_back_what_is_sent_and_changing_it_closes_the_old_socket(
    echo: EchoPage, services: list[Service], plain: Service, subtests: pytest.Subtests
) -> None:
    pane = echo.open(service=plain.name)
    pane.connect()
    for service in (*(it for it in services if it != plain), plain):
        with subtests.test(service.name):
            pane.clear.click()
            pane.stack(service.title).check()
            expect(pane.entries("event", "open")).to_contain_text(f"/{service.name}/")
            pane.expect_connected()
            expect_conversation(echo, pane, service)
            kinds = [entry.kind for entry in pane.export() if entry.kind in ("open", "close")]
            assert kinds == ["close", "open"]


def test_a_deep_link_selects_the_service(
    echo: EchoPage, one_of_each_protocol: list[Service], subtests: pytest.Subtests
) -> None:
    for service in one_of_each_protocol:
        with subtests.test(service.name):
            pane = echo.open(service=service.name)
            expect(pane.stack(service.title)).to_be_checked()
            expect(pane.connection).to_have_text("Disconnected")
            pane.connect()
            expect_conversation(echo, pane, service)


def expect_conversation(echo: EchoPage, pane: Pane, service: Service) -> None:
    """Expect what is sent to come back, over a connection with nothing said yet."""
    plain, unicode = "Hello, wall!", "回音壁 — naïve, Ωμέγα, עברית, 👩🏽‍🚀🇨🇳, \u200b\uffff\U0010ffff"
    expect(pane.row(service.name)).to_have_attribute("data-status", "up")
    if service.protocol == "websocket" and service.settings:  # Socket.IO does not tell
        deflates = service.settings.deflate.value == "on"
        agreed = "Extensions: permessage-deflate" if deflates else "No extensions."
        expect(pane.entries("event", "open")).to_contain_text(agreed)

    echo.say(plain)
    pane.expect_totals(1, 1)
    echo.say(unicode)
    pane.expect_totals(2, 2)

    expect(pane.entries("received", "text").first).to_contain_text(plain)
    messages = [entry for entry in pane.export() if entry.direction != "event"]
    assert [(entry.direction, entry.message) for entry in messages] == [
        (direction, message) for message in (plain, unicode) for direction in ("sent", "received")
    ]
    assert {entry.mark for entry in messages if entry.direction == "received"} == {"same"}


def test_many_messages_come_back_in_order_over_each_protocol(
    echo: EchoPage, one_of_each_protocol: list[Service], subtests: pytest.Subtests
) -> None:
    for service in one_of_each_protocol:
        with subtests.test(service.name):
            pane = echo.open(service=service.name)
            pane.connect()

            echo.say_preset("64 KiB")
            pane.expect_totals(1, 1)
            echo.say_preset("200 messages")
            pane.expect_totals(201, 201, timeout=30_000)

            messages = [entry for entry in pane.export() if entry.direction != "event"]
            sent = [entry.message for entry in messages if entry.direction == "sent"]
            received = [entry for entry in messages if entry.direction == "received"]
            assert received[0].size == 64 * 1024
            assert [entry.message for entry in received] == sent
            assert {entry.mark for entry in received} == {"same"}
            assert len(set(sent)) == 201, "the messages are not all different, so their order would not show"


def test_an_empty_message_a_file_and_1_mib_come_back_over_each_protocol(
    echo: EchoPage, one_of_each_protocol: list[Service], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    could_be_text, every_byte = tmp_path / "could-be-text.bin", tmp_path / "every-byte.bin"
    could_be_text.write_bytes(b"echo")
    every_byte.write_bytes(bytes(range(256)))
    for service in one_of_each_protocol:
        pane = echo.open(service=service.name)
        pane.connect()

        with subtests.test("an empty message", service=service.name), as_known(service, "empty-message"):
            echo.say("")
            echo.say("after the empty one")

            pane.expect_received("after the empty one")
            assert pane.received() == ["", "after the empty one"]

        with subtests.test("a binary file", service=service.name), as_known(service, "binary"):
            connect_anew(pane)

            echo.say_file(could_be_text)
            pane.expect_totals(1, 1)
            assert pane.received() == [b"echo"]
            echo.say_file(every_byte)
            pane.expect_totals(2, 2)
            assert pane.received() == [b"echo", bytes(range(256))]

        with subtests.test("1 MiB", service=service.name), as_known(service, "large-message", "fragments"):
            connect_anew(pane)

            echo.say_preset("1 MiB")

            pane.expect_totals(1, 1, timeout=15_000)
            sent, received = (entry for entry in pane.export() if entry.direction != "event")
            assert received.size == 1024 * 1024
            assert received.message == sent.message


def test_the_subprotocol_that_was_selected_is_shown(echo: EchoPage, plain: Service) -> None:
    pane = echo.open(service=plain.name)
    pane.subprotocols.fill("chat, echo")

    pane.connect()

    expect(pane.root.get_by_text("Subprotocol: echo", exact=True)).to_be_visible()


def connect_anew(pane: Pane) -> None:
    """Leave whatever connection there is, or the attempts to have one again, and open another one with an empty log."""
    if pane.connection.inner_text() != "Disconnected":
        pane.disconnect()
    pane.clear.click()
    expect(pane.entries()).to_have_count(0)
    pane.connect()
    expect(pane.entries("event", "open")).to_have_count(1)


@pytest.mark.protocol("socket.io")
def test_a_disconnect_is_shown_with_its_reason_and_without_a_code(echo: EchoPage, service: Service) -> None:
    pane = echo.open(service=service.name)
    pane.connect()

    pane.disconnect()

    close = pane.entries("event", "close")
    expect(close).to_have_count(1)
    expect(close).to_contain_text("io client disconnect")
    expect(close).not_to_contain_text("1000")


# These go through several services in one page, because they are about changing the service.


def test_the_same_message_goes_to_both_stacks_side_by_side(
    echo: EchoPage, services: list[Service], subtests: pytest.Subtests
) -> None:
    echo.open(service=services[0].name, compare=services[1].name)
    echo.first.connect()
    echo.second.connect()

    of_protocol = {service.protocol: service for service in services}  # the last of each, and the first of all
    for one, two in permutations((services[0], *of_protocol.values()), 2):
        with subtests.test(f"{one.name} and {two.name}"):
            for pane, service in ((echo.first, one), (echo.second, two)):
                pane.choose(service.title)
                pane.expect_connected()
                pane.clear.click()

            echo.say(f"Hello, {one.name} and {two.name}")

            for pane in (echo.first, echo.second):
                pane.expect_received(f"Hello, {one.name} and {two.name}")
                assert pane.received() == [f"Hello, {one.name} and {two.name}"]


def test_the_page_shows_handlers_versions_source_facts_deviations_and_mends_of_each_stack(
    echo: EchoPage, http: httpx.Client, services: list[Service], subtests: pytest.Subtests
) -> None:
    pane = echo.open(service=services[-1].name)
    echo.page.set_viewport_size({"width": 1440, "height": 900})  # room for the source beside the conversation
    pane.how.click()
    pane.known_summary.click()

    for service in services:
        with subtests.test(service.name):
            pane.stack(service.title).check()

            expect(pane.connection).to_have_text("Disconnected")
            expect(pane.handler).to_have_count(1 if service.naive else 0)
            expect_versions(http, pane, service)
            expect_sources(
                http, pane, service, shown=service.sources if service is services[0] else service.sources[:1]
            )
            expect_facts(pane, service)


def expect_versions(http: httpx.Client, pane: Pane, service: Service) -> None:
    """Expect the versions that are running."""
    about = http.get(f"/{service.name}/about").json()
    shown = pane.versions.get_by_role("listitem")
    expect(shown).to_have_count(len(about["versions"]))
    texts = shown.all_inner_texts()
    for name, version in about["versions"].items():
        assert any(name in text and version in text for text in texts)


def expect_sources(http: httpx.Client, pane: Pane, service: Service, *, shown: Sequence[str]) -> None:
    """Expect every file of the source to be there, and these of them to be shown."""
    assert set(service.sources) <= set(pane.root.get_by_role("button").all_inner_texts())
    for file in reversed(service.sources):  # the first is shown at the start, so it comes last
        source = (ROOT / "services" / service.name / file).read_text("utf-8")
        assert http.get(f"/services/{service.name}/{file}").text == source
        if file in shown:
            pane.root.get_by_role("button", name=file, exact=True).click()
            expect(pane.source_of(file)).to_have_text(source, use_inner_text=False)


def expect_facts(pane: Pane, service: Service) -> None:
    """Expect the facts of the catalog."""
    expect(pane.root.locator("dl").filter(has_text=service.framework)).to_contain_text(service.server)
    expect(pane.known_summary).to_have_text(f"Known deviations: {service.deviations}")
    expect(pane.known_deviations.get_by_role("listitem")).to_have_count(max(1, len(service.known)))
    expect_causes(pane.known_deviations, service.known)
    if service.mended:
        if not pane.mends.is_visible():
            pane.mends_summary.click()
        expect(pane.mends_summary).to_have_text(f"Mended by the service: {service.mends}")
        expect_causes(pane.mends, service.mended)
        for text, mended in zip(pane.mends.get_by_role("listitem").all_inner_texts(), service.mended, strict=True):
            assert "Without the mend:" in text
            assert f"mended by {mended.by}" in text
    else:
        expect(pane.mends_summary).to_have_count(0)


def expect_causes(entries: Locator, causes: Sequence[Known | Mended]) -> None:
    """Expect of each entry its checks, what they observe, the reason, and the link."""
    links = entries.get_by_role("link").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert links == [cause.link for cause in causes]
    for text, cause in zip(entries.get_by_role("listitem").all_inner_texts(), causes, strict=False):
        for part in (*cause.checks, cause.outcome, cause.reason):
            assert " ".join(part.split()) in " ".join(text.split())

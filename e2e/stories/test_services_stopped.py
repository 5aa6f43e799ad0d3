"""Services go away and come back: the others do not notice, nobody misses a word, and the page reconnects."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from playwright.sync_api import Error as PlaywrightError

from e2e.stories.conversation import Person, talking
from e2e.stories.record import noting_trouble
from e2e.support import room, websocket
from e2e.support.console import SERVICE_DOWN, Console
from e2e.support.lab_lock import LabLock
from e2e.support.lab_operator import Operator
from e2e.support.pages import EchoPage, Pane
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.operator

RECONNECTING = re.compile(r"^(Reconnecting in \d+ s \(attempt \d+\)|Connecting…)$")
#: Sockets of the echo, and as many of the room, that are open when a service is stopped.
OPEN = 20


@dataclass
class Felt:
    """What went wrong, if anything did, in how many tries."""

    tried: int = 0
    trouble: str = ""


@dataclass
class Downfall:
    """What became of one stack, and what it felt when others went down."""

    person: Person
    farewells: list[websocket.Close] = field(default_factory=list)
    seconds: float = 0
    trouble: str = ""
    neighbours: Felt = field(default_factory=Felt)
    page: Felt = field(default_factory=Felt)


Story = dict[str, Downfall]


def halves(services: list[Service]) -> Iterator[tuple[list[Service], list[Service]]]:
    """One half of the stacks goes down while the other stays, and the other way round."""
    yield services[::2], services[1::2]
    yield services[1::2], services[::2]


def begin(base_url: str, services: list[Service]) -> Story:
    """Someone talks by each stack."""
    mark = f"mark-{secrets.token_hex(4)}"
    return {service.name: Downfall(Person(base_url, service, mark, service.name)) for service in services}


@pytest.fixture(scope="module")
def stopped(base_url: str, services: list[Service], lab_lock: LabLock) -> Story:
    """Half of the stacks are stopped by SIGTERM, with sockets open and under a conversation, and then the others."""
    with lab_lock.exclusive(), Operator(base_url, services) as operator:
        story = begin(base_url, services)
        with talking([fallen.person for fallen in story.values()], pause=0.5) as everybody_speaks:
            everybody_speaks(3)
            for half, _ in halves(services):
                with ExitStack() as stack:
                    open_sockets = {service.name: open_some(base_url, service, stack) for service in half}
                    seconds = operator.time_to_stop(*half)
                    for service in half:
                        fallen = story[service.name]
                        with noting_trouble(fallen):
                            fallen.seconds = seconds[service.name]
                            fallen.farewells = [client.wait_closed() for client in open_sockets[service.name]]
                operator.start(*half)
    return story


@pytest.mark.check("shutdown-close")
def test_sigterm_closes_open_sockets_with_a_reason_to_go(stopped: Story, service: Service) -> None:
    farewells = stopped[service.name].farewells

    assert {close.code for close in farewells} <= {1001, 1012}, f"{service.name} closed with {set(farewells)}"
    assert len(farewells) == 2 * OPEN


def test_sigterm_ends_a_service_within_5_s_even_with_sockets_open(stopped: Story, service: Service) -> None:
    fallen = stopped[service.name]

    assert not fallen.trouble
    assert 0 < fallen.seconds < 5, f"{service.name} took {fallen.seconds:.1f} s"


@pytest.fixture(scope="module")
def killed(
    base_url: str, services: list[Service], lab_lock: LabLock, browser: Browser, browser_context_args: dict[str, Any]
) -> Story:
    """Half of the stacks are killed at once under a conversation, and then the other half. Each has a page open."""
    with (
        lab_lock.exclusive(),
        Operator(base_url, services) as operator,
        browser.new_context(**browser_context_args) as context,
        Console(context, SERVICE_DOWN) as console,
    ):
        story = begin(base_url, services)
        with talking([fallen.person for fallen in story.values()], pause=0.5) as everybody_speaks:
            everybody_speaks(3)
            for half, others in halves(services):
                pages = {service.name: open_page(context, service) for service in half}
                with ExitStack() as stack:
                    bystanders = {it.name: stack.enter_context(websocket.connect(base_url, it)) for it in others}

                    operator.kill(*half)

                    for name, bystander in bystanders.items():
                        with tried(story[name].neighbours):
                            assert bystander.echo("undisturbed?") == "undisturbed?"
                    for other in others:
                        with tried(story[other.name].neighbours), websocket.connect(base_url, other) as client:
                            assert client.echo("and who comes new?") == "and who comes new?"
                for name, (_, pane) in pages.items():
                    with tried(story[name].page):
                        expect(pane.entries("event", "close")).not_to_have_count(0)
                operator.start(*half)
                for name, (echo, pane) in pages.items():
                    with tried(story[name].page):
                        expect(pane.connection).to_have_text("Connected", timeout=60_000)
                        echo.say("back again")
                        pane.expect_received("back again")
                    echo.page.close()
        for fallen in story.values():  # which of the pages it was, a browser's context does not tell
            fallen.page.trouble = "\n".join(filter(None, [fallen.page.trouble, *console.unexpected()]))
    return story


def test_a_killed_service_is_shown_down_and_reconnected_to(killed: Story, service: Service) -> None:
    assert killed[service.name].page == Felt(tried=2)


def test_a_service_still_echoes_when_others_are_killed(killed: Story, service: Service) -> None:
    assert killed[service.name].neighbours == Felt(tried=2)


def test_nothing_is_lost_when_services_are_killed_in_the_middle(killed: Story, service: Service) -> None:
    killed[service.name].person.assert_heard_the_same_as(fallen.person for fallen in killed.values())


def test_nothing_is_lost_when_services_are_stopped_in_the_middle(stopped: Story, service: Service) -> None:
    stopped[service.name].person.assert_heard_the_same_as(fallen.person for fallen in stopped.values())


@pytest.mark.expects_console(*SERVICE_DOWN)
def test_a_stopped_service_is_named_until_it_is_back_without_a_reload(
    context: BrowserContext,
    base_url: str,
    http: httpx.Client,
    plain: Service,
    operator: Operator,
    subtests: pytest.Subtests,
) -> None:
    typing, watching, once, leaving, late = (EchoPage(context.new_page()) for _ in range(5))
    typing.open()
    typing.first.own_endpoint.check()
    typing.first.endpoint_url.fill("wss://half-typed.exam")
    for echo in (once, late):
        echo.open(service=plain.name)
        echo.first.reconnects.uncheck()
    once.first.connect()
    for echo in (watching, leaving):
        echo.open(service=plain.name).connect()
    is_down = re.compile(f"{re.escape(plain.title)} is down")

    operator.stop(plain)

    with subtests.test("the proxy names it, within 2 s"):
        answer = http.get(f"/{plain.name}/about", timeout=2)
        assert answer.status_code in (502, 503)
        assert answer.json()["service"] == plain.name
        assert plain.name in answer.json()["error"]
        assert http.get(f"/{plain.name}/foobar/", timeout=2).status_code in (502, 503)
    with subtests.test("the proxy refuses a WebSocket to it"):
        with pytest.raises(websocket.RefusedError) as refusal:
            websocket.connect(base_url, plain)
        assert refusal.value.status in (502, 503)
    with subtests.test("the page shows it down, and gives the close code"):
        expect(watching.first.row(plain.name)).to_have_attribute("data-status", "down", timeout=20_000)
        expect(watching.first.root.get_by_text(is_down).filter(visible=True)).not_to_have_count(0)
        expect(watching.first.connection).to_have_text(
            re.compile(r"^(Reconnecting in \d+ s \(attempt \d+\)|Connecting…)$")
        )
        expect(watching.first.entries("event", "close").first).to_contain_text(re.compile("1001|1012"))
        expect(watching.first.entries("event", "reconnect")).not_to_have_count(0)
    with subtests.test("what is being typed survives"):
        expect(typing.first.row(plain.name)).to_have_attribute("data-status", "down", timeout=20_000)
        expect(typing.first.endpoint_url).to_have_value("wss://half-typed.exam")
    with subtests.test("reconnecting can be turned off"):
        expect(once.first.connection).to_have_text("Disconnected")
        expect(once.first.entries("event", "close")).to_have_count(1)
        expect(once.first.entries("event", "reconnect")).to_have_count(0)
    with subtests.test("reconnecting can be given up"):
        expect(leaving.first.connection).to_have_text(re.compile("^Reconnecting"), timeout=20_000)
        leaving.first.disconnect_button.click()
        expect(leaving.first.connection).to_have_text("Disconnected")
    with subtests.test("connecting to what is down says so"):
        late.first.connect_button.click()
        expect(late.first.entries("event", "close")).to_contain_text("1006")
        expect(late.first.root.get_by_text(is_down).filter(visible=True)).not_to_have_count(0)

    operator.start(plain)

    with subtests.test("it is back without a reload"):
        expect(watching.first.connection).to_have_text("Connected", timeout=60_000)
        expect(watching.first.row(plain.name)).to_have_attribute("data-status", "up", timeout=20_000)
        expect(watching.first.root.get_by_text(is_down).filter(visible=True)).to_have_count(0)
    with subtests.test("who gave up or wanted no reconnecting stays away"):
        for echo in (once, leaving, late):
            expect(echo.first.connection).to_have_text("Disconnected")


def open_some(base_url: str, service: Service, stack: ExitStack) -> list[websocket.Client]:
    """Sockets of its echo and of its room, of which each has been answered."""
    echoes = [stack.enter_context(websocket.connect(base_url, service)) for _ in range(OPEN)]
    visitors = [stack.enter_context(room.enter(base_url, service)) for _ in range(OPEN)]
    for client in echoes:
        client.echo("before the end")
    for visitor in visitors:
        visitor.history()
    return [*echoes, *(visitor.client for visitor in visitors)]


def open_page(context: BrowserContext, service: Service) -> tuple[EchoPage, Pane]:
    """A page that is connected to it."""
    echo = EchoPage(context.new_page())
    pane = echo.open(service=service.name)
    pane.connect()
    return echo, pane


@contextmanager
def tried(felt: Felt) -> Iterator[None]:
    """Remember what goes wrong in it, unless something did before."""
    try:
        yield
    except (AssertionError, PlaywrightError) as error:
        felt.trouble = felt.trouble or str(error)
    felt.tried += 1

"""Services are stopped and killed, one half of them at a time: the others go on, and nobody loses a message."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

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

#: Sockets of the echo, and as many of the room, that are open when a service is stopped.
OPEN = 20


@dataclass
class Tries:
    """How often something was tried, and the first thing that went wrong."""

    count: int = 0
    trouble: str = ""


@dataclass
class Record:
    """What happened to one stack when it went down, and when the others did."""

    person: Person
    closes: list[websocket.Close] = field(default_factory=list)
    seconds: float = 0
    trouble: str = ""
    while_others_are_down: Tries = field(default_factory=Tries)
    page: Tries = field(default_factory=Tries)


Story = dict[str, Record]


def halves(services: list[Service]) -> Iterator[tuple[list[Service], list[Service]]]:
    """The stacks that go down together, and those that stay up: first one half, then the other."""
    yield services[::2], services[1::2]
    yield services[1::2], services[::2]


def begin(base_url: str, services: list[Service]) -> Story:
    """A record for each stack, with someone who talks by it."""
    mark = f"mark-{secrets.token_hex(4)}"
    return {service.name: Record(Person(base_url, service, mark, service.name)) for service in services}


@pytest.fixture(scope="module")
def stopped(base_url: str, services: list[Service], lab_lock: LabLock) -> Story:
    """Half of the stacks are stopped by SIGTERM with open sockets, during a conversation. Then the other half is."""
    with lab_lock.exclusive(), Operator(base_url, services) as operator:
        story = begin(base_url, services)
        with talking([record.person for record in story.values()], pause=0.5) as everybody_speaks:
            everybody_speaks(3)
            for half, _ in halves(services):
                with ExitStack() as stack:
                    open_sockets = {service.name: open_some(base_url, service, stack) for service in half}
                    seconds = operator.time_to_stop(*half)
                    for service in half:
                        record = story[service.name]
                        with noting_trouble(record):
                            record.seconds = seconds[service.name]
                            record.closes = [client.wait_closed() for client in open_sockets[service.name]]
                operator.start(*half)
    return story


@pytest.mark.check("shutdown-close")
def test_sigterm_closes_every_open_socket_with_1001_or_1012(stopped: Story, service: Service) -> None:
    closes = stopped[service.name].closes

    assert {close.code for close in closes} <= {1001, 1012}, f"{service.name} closed with {set(closes)}"
    assert len(closes) == 2 * OPEN


def test_sigterm_ends_a_service_within_5_s_even_with_sockets_open(stopped: Story, service: Service) -> None:
    record = stopped[service.name]

    assert not record.trouble
    assert 0 < record.seconds < 5, f"{service.name} took {record.seconds:.1f} s"


def test_nothing_is_lost_when_services_are_stopped_during_a_conversation(stopped: Story, service: Service) -> None:
    stopped[service.name].person.assert_heard_the_same_as(record.person for record in stopped.values())


@pytest.fixture(scope="module")
def killed(
    base_url: str, services: list[Service], lab_lock: LabLock, browser: Browser, browser_context_args: dict[str, Any]
) -> Story:
    """Half of the stacks are killed at once, during a conversation and with a page open on each. Then the other half
    is."""
    with (
        lab_lock.exclusive(),
        Operator(base_url, services) as operator,
        browser.new_context(**browser_context_args) as context,
        Console(context, SERVICE_DOWN) as console,
    ):
        story = begin(base_url, services)
        with talking([record.person for record in story.values()], pause=0.5) as everybody_speaks:
            everybody_speaks(3)
            for half, others in halves(services):
                pages = {}
                for service in half:
                    with noting_trouble(story[service.name].page):
                        pages[service.name] = open_page(context, service)
                with ExitStack() as stack:
                    bystanders = {it.name: stack.enter_context(websocket.connect(base_url, it)) for it in others}

                    operator.kill(*half)

                    for name, bystander in bystanders.items():
                        with trying(story[name].while_others_are_down):
                            assert bystander.echo("undisturbed?") == "undisturbed?"
                    for other in others:
                        with (
                            trying(story[other.name].while_others_are_down),
                            websocket.connect(base_url, other) as client,
                        ):
                            assert client.echo("and a new connection?") == "and a new connection?"
                for name, (_, pane) in pages.items():
                    with trying(story[name].page):
                        expect(pane.entries("event", "close")).not_to_have_count(0)
                operator.start(*half)
                for name, (echo, pane) in pages.items():
                    with trying(story[name].page):
                        expect(pane.connection).to_have_text("Connected", timeout=60_000)
                        echo.say("back again")
                        pane.expect_received("back again")
                    echo.page.close()
        for record in story.values():  # a context does not tell which of its pages complained
            record.page.trouble = "\n".join(filter(None, [record.page.trouble, *console.unexpected()]))
    return story


def test_the_page_notices_that_its_service_was_killed_and_reconnects(killed: Story, service: Service) -> None:
    assert killed[service.name].page == Tries(count=2)


def test_a_service_still_echoes_when_others_are_killed(killed: Story, service: Service) -> None:
    assert killed[service.name].while_others_are_down == Tries(count=2)


def test_nothing_is_lost_when_services_are_killed_during_a_conversation(killed: Story, service: Service) -> None:
    killed[service.name].person.assert_heard_the_same_as(record.person for record in killed.values())


def open_some(base_url: str, service: Service, stack: ExitStack) -> list[websocket.Client]:
    """Open sockets of the service's echo and of its room. Each has had an answer."""
    echoes = [stack.enter_context(websocket.connect(base_url, service)) for _ in range(OPEN)]
    visitors = [stack.enter_context(room.enter(base_url, service)) for _ in range(OPEN)]
    for client in echoes:
        client.echo("before the end")
    for visitor in visitors:
        visitor.history()
    return [*echoes, *(visitor.client for visitor in visitors)]


def open_page(context: BrowserContext, service: Service) -> tuple[EchoPage, Pane]:
    """Open a page that is connected to the service."""
    echo = EchoPage(context.new_page())
    pane = echo.open(service=service.name)
    pane.connect()
    return echo, pane


@contextmanager
def trying(tries: Tries) -> Iterator[None]:
    """Count a try, and note the first thing that goes wrong in any of them."""
    try:
        yield
    except (AssertionError, PlaywrightError) as error:
        tries.trouble = tries.trouble or str(error)
    tries.count += 1

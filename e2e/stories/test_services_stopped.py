"""Services are stopped and killed, one half of them at a time: the others go on, and nobody loses a message. Those that
are stopped start again while Redis is away, and Redis itself is killed at the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, get_args, get_type_hints

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from playwright.sync_api import Error as PlaywrightError

from e2e.stories.conversation import Person, talking
from e2e.stories.listening import Listener, listening
from e2e.stories.record import noting_trouble
from e2e.support import room, websocket
from e2e.support.console import SERVICE_DOWN, Console
from e2e.support.lab_operator import REDIS, Operator
from e2e.support.pages import EchoPage, Pane
from e2e.support.room import Meanwhile, Message
from echowall.catalog.catalog import Push, Service

pytestmark = [pytest.mark.operator, pytest.mark.alone]

#: Sockets of the echo, and as many of the room, that are open when a service is stopped.
OPEN = 10
#: Seconds after which a service has to have noticed that Redis is down or back.
NOTICED = 15
#: Seconds in which a listener has to have heard the last word.
PATIENCE = 30
#: What a service may speak.
PROTOCOLS: tuple[str, ...] = get_args(get_type_hints(Service)["protocol"])


@dataclass
class Start:
    """What a service that was started without Redis told a visitor before and after Redis was back."""

    last: Message | None = None
    """The last message in the room when Redis went away."""
    before: Meanwhile | None = None
    after: Meanwhile | None = None
    trouble: str = ""


@dataclass
class Stopped:
    """What happened to one stack when it was stopped, and who was in its room: someone by a WebSocket, and a listener
    for each other way that it has."""

    person: Person
    listeners: dict[Push, Listener]
    closes: list[websocket.Close] = field(default_factory=list)
    seconds: float = 0
    start: Start = field(default_factory=Start)
    trouble: str = ""


@dataclass
class Tries:
    """How often something was tried, and the first thing that went wrong."""

    count: int = 0
    trouble: str = ""


@dataclass
class Killed:
    """What happened to one stack when it was killed, and when the others were."""

    person: Person
    ends: Tries = field(default_factory=Tries)
    while_others_are_down: Tries = field(default_factory=Tries)


def halves(services: list[Service]) -> Iterator[tuple[list[Service], list[Service]]]:
    """The stacks that go down together, and those that stay up: first one half, then the other."""
    yield services[::2], services[1::2]
    yield services[1::2], services[::2]


@pytest.fixture(scope="module")
def stopped(base_url: str, services: list[Service]) -> dict[str, Stopped]:
    """Half of the stacks are stopped by SIGTERM with open sockets, during a conversation, and start again while Redis
    is away. Then the other half is. At the end Redis is killed while everybody talks."""
    mark = f"mark-{secrets.token_hex(4)}"
    with Operator(base_url, services) as operator:
        story = {
            service.name: Stopped(
                Person(base_url, service, mark, service.name),
                {way: Listener(base_url, service, way, mark) for way in service.push},
            )
            for service in services
        }
        people = [record.person for record in story.values()]
        listeners = [listener for record in story.values() for listener in record.listeners.values()]
        with (
            listening(listeners, {person.goodbye for person in people}, seconds=PATIENCE),
            talking(people, pause=0.2) as talk,
        ):
            talk.go_on(3)
            for half, others in halves(services):
                with ExitStack() as stack:
                    open_sockets = {service.name: open_some(base_url, service, stack) for service in half}
                    seconds = operator.time_to_stop(*half)
                    for service in half:
                        record = story[service.name]
                        with noting_trouble(record):
                            record.seconds = seconds[service.name]
                            record.closes = [client.wait_closed() for client in open_sockets[service.name]]
                talk.go_on(2)
                with talk.paused():
                    start_without_redis(base_url, operator, others[0], {it: story[it.name].start for it in half})
                talk.go_on(2)
            operator.kill(REDIS)
            talk.go_on(3)
            operator.start(REDIS)
    return story


def start_without_redis(base_url: str, operator: Operator, witness: Service, starts: dict[Service, Start]) -> None:
    """Start these services in an outage of Redis, which somebody by the `witness` sees coming."""
    with ExitStack() as stack:
        speaker = stack.enter_context(room.enter(base_url, witness))
        speaker.history()
        speaker.say("before", "before")
        speaker.hear("before")
        operator.stop(REDIS)
        speaker.until_live(False, seconds=NOTICED)
        operator.start(*starts)
        visitors = []
        for service, start in starts.items():
            start.last = speaker.last
            with noting_trouble(start):
                visitor = stack.enter_context(room.enter(base_url, service))
                start.before = visitor.until_live(False, seconds=NOTICED)
                visitors.append((visitor, start))
        operator.start(REDIS)
        for visitor, start in visitors:
            with noting_trouble(start):
                start.after = visitor.until_live(seconds=NOTICED)


@pytest.mark.check("shutdown-close")
def test_sigterm_closes_every_open_socket_with_1001_or_1012(stopped: dict[str, Stopped], service: Service) -> None:
    closes = stopped[service.name].closes

    assert {close.code for close in closes} <= {1001, 1012}, f"{service.name} closed with {set(closes)}"
    assert len(closes) == 2 * OPEN


def test_sigterm_ends_a_service_within_5_s_even_with_sockets_open(
    stopped: dict[str, Stopped], service: Service
) -> None:
    record = stopped[service.name]

    assert not record.trouble
    assert 0 < record.seconds < 5, f"{service.name} took {record.seconds:.1f} s"


def test_a_service_starts_without_redis_and_sends_the_history_once_redis_is_back(
    stopped: dict[str, Stopped], service: Service
) -> None:
    start = stopped[service.name].start

    assert not start.trouble
    assert start.before == Meanwhile([], [])
    assert start.after
    assert not start.after.errors
    assert 0 < len(start.after.messages) <= 50
    assert start.after.messages[-1] == start.last
    assert start.last
    assert start.last.text == "before"


def test_nothing_is_lost_when_services_are_stopped_and_redis_is_killed_during_a_conversation(
    stopped: dict[str, Stopped], service: Service
) -> None:
    stopped[service.name].person.assert_heard_the_same_as(record.person for record in stopped.values())


@pytest.mark.push
def test_a_listener_hears_everything_once_over_restarts_of_services_and_of_redis(
    stopped: dict[str, Stopped], service: Service
) -> None:
    record = stopped[service.name]

    for way, listener in record.listeners.items():
        assert not listener.trouble, f"{way}: {listener.trouble}"
        assert listener.heard == record.person.heard, f"{way}: {len(listener.heard)} heard"


@pytest.fixture(scope="module")
def killed(
    base_url: str, services: list[Service], browser: Browser, browser_context_args: dict[str, Any]
) -> tuple[dict[str, Killed], dict[str, Tries]]:
    """Half of the stacks are killed at once, during a conversation and with a page open on one of each protocol. Then
    the other half is. What happened to each stack, and to the pages by protocol."""
    mark = f"mark-{secrets.token_hex(4)}"
    shown = [next(service for service in services if service.protocol == protocol) for protocol in PROTOCOLS]
    shown_pages = {protocol: Tries() for protocol in PROTOCOLS}
    with (
        Operator(base_url, services) as operator,
        browser.new_context(**browser_context_args) as context,
        Console(context, SERVICE_DOWN) as console,
    ):
        story = {service.name: Killed(Person(base_url, service, mark, service.name)) for service in services}
        with talking([record.person for record in story.values()], pause=0.5) as talk:
            talk.go_on(3)
            for half, others in halves(services):
                pages = {}
                for service in half:
                    if service in shown:
                        with noting_trouble(shown_pages[service.protocol]):
                            pages[service.protocol] = open_page(context, service)
                with ExitStack() as stack:
                    doomed = {it.name: stack.enter_context(websocket.connect(base_url, it)) for it in half}
                    bystanders = {it.name: stack.enter_context(websocket.connect(base_url, it)) for it in others}

                    operator.kill(*half)

                    for name, client in doomed.items():
                        with trying(story[name].ends):
                            client.wait_gone()
                    for name, bystander in bystanders.items():
                        with trying(story[name].while_others_are_down):
                            assert bystander.echo("undisturbed?") == "undisturbed?"
                    for other in others:
                        with (
                            trying(story[other.name].while_others_are_down),
                            websocket.connect(base_url, other) as client,
                        ):
                            assert client.echo("and a new connection?") == "and a new connection?"
                for protocol, (_, pane) in pages.items():
                    with trying(shown_pages[protocol]):
                        expect(pane.entries("event", "close")).not_to_have_count(0)
                operator.start(*half)
                for service in half:
                    with trying(story[service.name].ends), websocket.connect(base_url, service) as client:
                        assert client.echo("back again?") == "back again?"
                for protocol, (echo, pane) in pages.items():
                    with trying(shown_pages[protocol]):
                        expect(pane.connection).to_have_text("Connected", timeout=60_000)
                        echo.say("back again")
                        pane.expect_received("back again")
                    echo.page.close()
        for tries in shown_pages.values():  # a context does not tell which of its pages complained
            tries.trouble = "\n".join(filter(None, [tries.trouble, *console.unexpected()]))
    return story, shown_pages


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_page_notices_that_its_service_was_killed_and_reconnects(
    killed: tuple[dict[str, Killed], dict[str, Tries]], protocol: str
) -> None:
    assert killed[1][protocol] == Tries(count=2)


def test_a_service_that_is_killed_drops_its_sockets_and_echoes_again_once_it_is_back(
    killed: tuple[dict[str, Killed], dict[str, Tries]], service: Service
) -> None:
    assert killed[0][service.name].ends == Tries(count=2)


def test_a_service_still_echoes_when_others_are_killed(
    killed: tuple[dict[str, Killed], dict[str, Tries]], service: Service
) -> None:
    assert killed[0][service.name].while_others_are_down == Tries(count=2)


def test_nothing_is_lost_when_services_are_killed_during_a_conversation(
    killed: tuple[dict[str, Killed], dict[str, Tries]], service: Service
) -> None:
    killed[0][service.name].person.assert_heard_the_same_as(record.person for record in killed[0].values())


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

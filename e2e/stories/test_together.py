"""All stacks in the chat room at once. Each fixture is a story that happens once and records what every stack heard.
Each test compares one stack with the record."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle

import pytest

from e2e.stories.record import noting_trouble
from e2e.support import room
from e2e.support.room import Meanwhile, Message, Visitor
from e2e.support.websocket import NoAnswerError
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.room_alone

#: Messages that each stack says in the conversation.
EACH = 30
#: Messages that are said while someone of each stack is away.
AWAY = 500
#: Messages that are said while someone of each stack leaves and comes back.
COMING_AND_GOING = 600
#: Seconds for hearing everything, on a machine that is busy with all stacks at once.
PATIENCE = 30


@dataclass
class Heard:
    """What was heard by one stack, as far as it got."""

    messages: list[Message] = field(default_factory=list)
    trouble: str = ""

    def by(self, speaker: str) -> list[str]:
        """What the speaker of that stack was heard saying."""
        return [message.text for message in self.messages if message.service == speaker]


class Story:
    """What somebody of each stack said, and what was heard of it by each stack."""

    def __init__(self, services: list[Service]) -> None:
        self.mark = f"mark-{secrets.token_hex(4)}"
        self.said: dict[str, list[str]] = {service.name: [] for service in services}
        self.heard = {service.name: Heard() for service in services}
        self.trouble = ""

    def say(self, speakers: list[Visitor], count: int, *, pause: float = 0) -> None:
        """Have the speakers take turns until that many messages are said. `pause` is in seconds."""
        for number, speaker in zip(range(count), cycle(speakers), strict=False):
            text = f"{number} 回音壁 👩🏽‍🚀"
            self.said[speaker.service.name].append(text)
            speaker.say(self.mark, text)
            time.sleep(pause)

    def assert_everything_was_heard_by(self, service: Service) -> None:
        """Assert that this stack heard everything: the messages of each speaker in the order in which they were said,
        and all messages in the same order as every other stack."""
        heard = self.heard[service.name]
        for speaker, said in self.said.items():
            assert heard.by(speaker) == said, (
                f"{service.name} delivered something else than {speaker} said. {heard.trouble} {self.trouble}"
            )
        assert not heard.trouble
        for name, other in self.heard.items():
            assert heard.messages == other.messages or other.trouble, f"{service.name} heard something else than {name}"


@contextmanager
def everywhere(base_url: str, services: list[Service]) -> Iterator[list[Visitor]]:
    """Somebody of each stack in the room, who has heard the history."""
    with ExitStack() as inside:
        visitors = [inside.enter_context(room.enter(base_url, service)) for service in services]
        for visitor in visitors:
            visitor.history()
        yield visitors


#: Texts that look like an id of a message and are none.
NO_IDS = {
    **{text: text for text in ("0", "x", "-", "+", "$", ">", "*", "(1-1", "-1-1", "1-", "1-1-1", "1.5-0", "0x1-1")},
    "fullwidth digits": "１-１",
    "an underscore": "1_0-0",
    "a space before it": " 1-1",
    "a line feed after it": "1-1\n",
    "NUL after it": "1-1\0",
    "more than 64 bits": "99999999999999999999-0",
    "1000 digits": "1-" + "9" * 1000,
    "markup": "<script>",
}


@pytest.fixture(scope="module")
def conversation(base_url: str, services: list[Service]) -> Story:
    """Everybody speaks, in turns."""
    story = Story(services)

    def hear(visitor: Visitor) -> None:
        heard = story.heard[visitor.service.name]
        with noting_trouble(heard):
            visitor.hear(story.mark, EACH * len(services), seconds=PATIENCE, into=heard.messages)

    with everywhere(base_url, services) as visitors, ThreadPoolExecutor(len(services)) as pool:
        story.say(visitors, EACH * len(services))
        list(pool.map(hear, visitors))
    return story


def test_every_stack_hears_every_message_in_the_same_order(conversation: Story, service: Service) -> None:
    conversation.assert_everything_was_heard_by(service)


@pytest.fixture(scope="module")
def absence(base_url: str, services: list[Service]) -> Story:
    """Somebody of each stack says something, leaves, and comes back after 500 messages."""
    story = Story(services)

    def come_back(service: Service, after: Message) -> None:
        heard = story.heard[service.name]
        with noting_trouble(heard), room.enter(base_url, service, after.id) as visitor:
            visitor.hear(story.mark, AWAY, seconds=PATIENCE, into=heard.messages)

    with ThreadPoolExecutor(len(services)) as pool:
        with everywhere(base_url, services) as visitors:
            before = [_say_and_hear(visitor, secrets.token_hex(4)) for visitor in visitors]
        with everywhere(base_url, services) as visitors:
            story.say(visitors, AWAY)
            with noting_trouble(story):  # what one stack does not deliver, all others miss
                visitors[0].hear(story.mark, AWAY, seconds=PATIENCE)
        list(pool.map(come_back, services, before))
    return story


def test_nothing_is_lost_by_being_away_for_500_messages(absence: Story, service: Service) -> None:
    absence.assert_everything_was_heard_by(service)


@pytest.fixture(scope="module")
def coming_and_going(base_url: str, services: list[Service]) -> Story:
    """Somebody of each stack leaves and comes back ten times while others talk."""
    story = Story(services)

    def come_and_go(visitor: Visitor) -> None:
        heard = story.heard[visitor.service.name]
        with noting_trouble(heard), ExitStack() as inside:
            for rounds in range(1, 11):
                visitor.hear(story.mark, 20 * rounds, seconds=PATIENCE, into=heard.messages)
                visitor.leave()
                after = heard.messages[-1].id
                visitor = inside.enter_context(room.enter(base_url, visitor.service, after))
            visitor.hear(story.mark, COMING_AND_GOING, seconds=PATIENCE, into=heard.messages)

    with (
        everywhere(base_url, services) as talking,
        everywhere(base_url, services) as restless,
        ThreadPoolExecutor(len(services)) as pool,
    ):
        going = pool.map(come_and_go, restless)
        story.say(talking, COMING_AND_GOING, pause=0.005)
        list(going)
    return story


def test_nothing_is_lost_by_leaving_and_coming_back_while_others_talk(
    coming_and_going: Story, service: Service
) -> None:
    coming_and_going.assert_everything_was_heard_by(service)


@dataclass
class Newcomer:
    """What somebody who entered a quiet room was told, and what they then heard of their own message."""

    latest: list[Message]
    """The last 50 messages of the room at that time."""
    told: Meanwhile = field(default_factory=lambda: Meanwhile([], []))
    heard: list[str] = field(default_factory=list)
    trouble: str = ""


@pytest.fixture(scope="module")
def newcomers(base_url: str, services: list[Service]) -> dict[str, dict[str, Newcomer]]:
    """Somebody of each stack enters without `after`, with an empty one, and with each of NO_IDS."""
    mark = f"mark-{secrets.token_hex(4)}"
    newcomers: dict[str, dict[str, Newcomer]] = {service.name: {} for service in services}
    with room.enter(base_url, services[0]) as speaker:
        for number in range(60):
            speaker.say(mark, f"{number} of 60")
        latest = speaker.hear(mark, 60)
        for service in services:
            # What was said by another service may be in this one's log a moment later.
            with suppress(NoAnswerError), room.enter(base_url, service, latest[-2].id) as early:
                early.hear(mark)
            for name, after in {"none": None, "empty": "", **NO_IDS}.items():
                newcomer = newcomers[service.name][name] = Newcomer(latest[-50:])
                with noting_trouble(newcomer), room.enter(base_url, service, after) as visitor:
                    newcomer.told = visitor.until_live()
                    visitor.say(mark, f"{service.name}, after {name}")
                    latest += speaker.hear(mark)
                    newcomer.heard = [message.text for message in visitor.hear(mark)]
    return newcomers


def test_a_newcomer_hears_the_last_50_messages_in_order(
    newcomers: dict[str, dict[str, Newcomer]], service: Service, subtests: pytest.Subtests
) -> None:
    for after in ("none", "empty"):
        with subtests.test(after):
            newcomer = newcomers[service.name][after]

            assert not newcomer.trouble
            assert newcomer.told == Meanwhile(newcomer.latest, [])


def test_an_invalid_after_gets_an_error_and_then_the_last_50_messages(
    newcomers: dict[str, dict[str, Newcomer]], service: Service, subtests: pytest.Subtests
) -> None:
    for name, after in NO_IDS.items():
        with subtests.test(name):
            newcomer = newcomers[service.name][name]
            assert not newcomer.trouble
            assert len(newcomer.told.errors) == 1, f"{service.name} answered after={after[:30]!r}: {newcomer.told}"
            assert newcomer.told.messages == newcomer.latest
            assert newcomer.heard == [f"{service.name}, after {name}"]


@pytest.fixture(scope="module")
def all_that_is_kept(base_url: str, services: list[Service]) -> dict[str, Heard]:
    """What each stack tells somebody who enters after the id 0-0, up to a message that was said before."""
    kept = {service.name: Heard() for service in services}
    with room.enter(base_url, services[0]) as speaker:
        last = _say_and_hear(speaker, f"mark-{secrets.token_hex(4)}")
    for service in services:
        with noting_trouble(kept[service.name]), room.enter(base_url, service, "0-0") as visitor:
            told = visitor.history(seconds=PATIENCE)
            kept[service.name].messages = [message for message in told if message.order <= last.order]
    return kept


def test_a_visitor_from_the_beginning_hears_all_that_is_kept(
    all_that_is_kept: dict[str, Heard], service: Service, other: Service
) -> None:
    one, two = (all_that_is_kept[it.name] for it in (service, other))

    assert not one.trouble
    here, there = one.messages, two.messages
    # Each process trims its own log, so the two differ at the beginning and nowhere else.
    first = max(here[0].order, there[0].order)
    both = [[message for message in told if message.order >= first] for told in (here, there)]
    assert both[0] == both[1]
    assert len(both[0]) >= min(10_000, len(here), len(there)) - 1_000


def _say_and_hear(visitor: Visitor, mark: str) -> Message:
    visitor.say(mark, f"by {visitor.service.name}")
    (message,) = visitor.hear(mark)
    return message

"""The chat room by plain HTTP, as services/README.md has it: polls, long polls and events, directly and proxied."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from e2e.support import push, raw_http, websocket
from e2e.support.dialling import arrived, dial
from e2e.support.lab_operator import direct
from e2e.support.room import Enter, Message, ids
from e2e.support.websocket import PATIENCE
from echowall.catalog.catalog import Service

#: Seconds, far more than anything here takes if it works.
LONG = 50
#: An id after which nothing comes, whoever else talks in the room.
NEVER = "9999999999999-0"


@pytest.fixture(params=["direct", "proxy"])
def address(request: pytest.FixtureRequest, base_url: str, service: Service) -> str:
    """Where the service's paths begin, by either route."""
    return direct(service) if request.param == "direct" else f"{base_url}/{service.name}"


# Polls


@pytest.mark.push("poll")
def test_a_poll_hears_what_is_said_after_its_cursor(
    http: httpx.Client, address: str, enter: Enter, service: Service, mark: str
) -> None:
    speaker = enter(service)
    cursor = push.poll(http, address).news.after

    for number in range(20):
        speaker.say(mark, f"{number} of 20, 回音壁")

    assert hear(http, address, cursor, mark, 20) == speaker.hear(mark, 20)


@pytest.mark.push("poll")
def test_a_poll_without_a_cursor_gets_one_and_no_message(http: httpx.Client, address: str) -> None:
    answer = push.poll(http, address)

    assert answer.news.messages == []
    assert answer.tag == answer.news.after
    assert answer.headers.get_list("Cache-Control") == ["no-cache"]


@pytest.mark.push("poll")
def test_where_nothing_was_said_a_poll_is_answered_with_304(http: httpx.Client, address: str) -> None:
    answer = push.poll(http, address)
    deadline = time.monotonic() + PATIENCE
    while answer.status != 304:  # others may be talking
        assert time.monotonic() < deadline, answer
        before = answer
        answer = push.poll(http, address, before.news.after, known=before.tag)

    assert answer.body == b""
    assert answer.tag == before.tag
    assert answer.headers.get_list("Cache-Control") == ["no-cache"]


@pytest.mark.push("poll")
def test_polls_share_a_connection(address: str) -> None:
    url = urlsplit(address)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=PATIENCE)
    connection.sock = dial(address, PATIENCE)
    first = connection.sock
    for tag, status in (("", 200), ("*", 304), ("", 200)):
        connection.request("GET", f"{url.path}/chat/poll", headers={"If-None-Match": tag})
        response = connection.getresponse()
        response.read()
        assert response.status == status

    assert connection.sock is first
    connection.close()


@pytest.mark.push("long-poll")
def test_a_long_poll_ends_as_soon_as_something_is_said(
    http: httpx.Client, address: str, enter: Enter, service: Service, mark: str
) -> None:
    speaker = enter(service)
    speaker.history()
    cursor = push.poll(http, address).news.after
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(wait_for, http, address, cursor, mark)
        time.sleep(0.2)  # so that it waits already
        speaker.say(mark, "wake up")

        assert [heard.result()] == speaker.hear(mark)


@pytest.mark.push("long-poll")
def test_thirty_long_polls_are_held_and_hold_up_nobody(address: str, base_url: str, service: Service) -> None:
    url = urlsplit(address)
    request = f"GET {url.path}/chat/poll?after={NEVER}&wait=30 HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()
    with ExitStack() as stack:
        held = [stack.enter_context(dial(address, PATIENCE)) for _ in range(30)]
        for connection in held:
            connection.sendall(request)

        with websocket.connect(base_url, service) as client:
            assert client.echo("still there?") == "still there?"
        assert raw_http.request(base_url, f"/{service.name}/about").status == 200

        time.sleep(0.5)
        answers = [come for connection in held if (come := arrived(connection)) is not None]
        assert not answers, f"{len(answers)} were not held: {answers[0]!r}"


@pytest.mark.push("long-poll")
def test_a_long_poll_ends_after_its_time(http: httpx.Client, address: str) -> None:
    start = time.monotonic()

    answers = [push.poll(http, address, NEVER, wait=0.7), push.poll(http, address, NEVER, wait=0.7, known=NEVER)]

    assert [answer.status for answer in answers] == [200, 304]
    assert [answer.tag for answer in answers] == [NEVER, NEVER]
    assert answers[0].news.messages == []
    assert 1.3 < time.monotonic() - start < PATIENCE


# Events


@pytest.mark.push("events")
@pytest.mark.room_alone
def test_a_stream_begins_like_a_visit_and_goes_on_live(address: str, enter: Enter, service: Service, mark: str) -> None:
    """Alone: a visit begins with the last 50 messages, whoever said them."""
    speaker = enter(service)
    speaker.say(mark, "before")
    before = speaker.hear(mark)

    with push.listen(address) as events:
        assert events.hear(mark) == before
        for number in range(20):
            speaker.say(mark, f"{number} of 20, 回音壁\n\ndata: {number}")
        assert events.hear(mark, 20) == speaker.hear(mark, 20)

    assert events.retry
    assert events.headers["Content-Type"].partition(";")[0] == "text/event-stream"
    assert events.headers.get_list("Cache-Control") == ["no-store"]


@pytest.mark.push("events")
@pytest.mark.parametrize("by_header", [True, False], ids=["by-header", "by-parameter"])
def test_a_stream_goes_on_after_the_last_message_that_was_heard(
    address: str, enter: Enter, service: Service, mark: str, by_header: bool
) -> None:
    speaker = enter(service)
    speaker.say(mark, "0")
    heard = speaker.hear(mark)
    for number in range(1, 5):
        speaker.say(mark, f"{number}, missed")
        last = heard[-1].id
        again = push.listen(address, "1-1", last_event_id=last) if by_header else push.listen(address, last)
        with again as events:
            heard += events.hear(mark)
            speaker.say(mark, f"{number}, live")
            heard += events.hear(mark)

    assert heard[1:] == speaker.hear(mark, 8)
    assert len(set(ids(heard))) == 9


@pytest.mark.push("events")
def test_events_ask_a_proxy_not_to_buffer_them(service: Service) -> None:
    with push.listen(direct(service)) as events:
        assert events.headers["X-Accel-Buffering"] == "no"


@pytest.mark.room_alone
def test_listeners_who_do_not_read_hold_up_nobody(
    enter: Enter, services: list[Service], mark: str, subtests: pytest.Subtests
) -> None:
    """They get 3.6 MB, more than is kept for them on the way. All stacks at once, as each hears each message; somebody
    of a stack without such listeners says it all, so that none of these holds up the others. And alone: visitors who do
    not read meanwhile, as those of other tests, are cut off."""
    listed = [service for service in services if "events" in service.push]
    outsider = enter(next(service for service in services if service not in listed))
    visitors = [enter(service) for service in listed]
    with ExitStack() as stack:
        for service in listed:
            for _ in range(3):
                stack.enter_context(push.unread(direct(service)))
        streams = [stack.enter_context(push.listen(direct(service))) for service in listed]
        with ThreadPoolExecutor(2 * len(listed)) as pool:
            inside = [pool.submit(visitor.hear, mark, 450, seconds=LONG) for visitor in visitors]
            streamed = [pool.submit(stream.hear, mark, 450, seconds=LONG) for stream in streams]
            for number in range(450):
                outsider.say(mark, f"{number} ".ljust(2000, "🧱"))
            said = outsider.hear(mark, 450, seconds=LONG)

        for visitor, one, two in zip(visitors, inside, streamed, strict=True):
            with subtests.test(visitor.service.name):
                assert one.result() == said
                assert two.result() == said
                visitor.say("somebody", f"still there, by {visitor.service.name}? {mark}")
                assert visitor.hears(f"by {visitor.service.name}? {mark}")


# Bad input

BAD_QUERIES = {
    "no id": {"after": "x"},
    "half an id": {"after": "1795350353143"},
    "an id and more": {"after": "1-1 OR 1=1"},
    "an id of 2000 digits": {"after": "1" * 2000 + "-1"},
    "a NUL": {"after": "1-1\0"},
    "a line end": {"after": "1-1\r\nX-Injected: 1"},
    "other digits": {"after": "٣-٣"},
}
BAD_WAITS = {
    "too long": "61",
    "negative": "-1",
    "no number": "soon",
    "NaN": "nan",
    "endless": "inf",
    "2000 digits": "1" * 2000,
}
BAD_HEADERS = {"no id": "x", "half an id": "1795350353143-", "an id of 2000 digits": "1" * 2000 + "-1"}
METHODS = ("POST", "PUT", "DELETE", "PATCH")


@pytest.mark.push("poll")
def test_a_poll_after_no_id_is_refused_in_words(address: str, subtests: pytest.Subtests) -> None:
    for name, query in BAD_QUERIES.items():
        with subtests.test(name):
            assert_refused_in_words(ask(address, f"poll?{urlencode(query)}"), "not the id of a message")


@pytest.mark.push("long-poll")
def test_a_wait_that_is_none_is_refused_in_words(address: str, subtests: pytest.Subtests) -> None:
    for name, wait in BAD_WAITS.items():
        with subtests.test(name):
            assert_refused_in_words(ask(address, f"poll?after=1-1&wait={wait}"), "from 0 to 60")


@pytest.mark.push("events")
def test_events_after_no_id_are_refused_in_words(address: str, subtests: pytest.Subtests) -> None:
    for name, query in BAD_QUERIES.items():
        with subtests.test(name):
            assert_refused_in_words(ask(address, f"events?{urlencode(query)}"), "not the id of a message")


@pytest.mark.push("events")
def test_a_last_event_id_that_is_none_is_refused_in_words(address: str, subtests: pytest.Subtests) -> None:
    for name, last in BAD_HEADERS.items():
        with subtests.test(name):
            answer = ask(address, "events?after=1-1", headers={"Last-Event-ID": last})
            assert_refused_in_words(answer, "Last-Event-ID=")


@pytest.mark.push("poll")
def test_a_poll_takes_no_other_method(address: str) -> None:
    assert {method: ask(address, "poll", method).status for method in METHODS} == dict.fromkeys(METHODS, 405)


@pytest.mark.push("events")
def test_events_take_no_other_method(address: str) -> None:
    assert {method: ask(address, "events", method).status for method in METHODS} == dict.fromkeys(METHODS, 405)


def hear(http: httpx.Client, address: str, after: str, mark: str, count: int) -> list[Message]:
    """The next messages of that mark, by polls that follow each other."""
    heard: list[Message] = []
    deadline = time.monotonic() + PATIENCE
    while len(heard) < count:
        assert time.monotonic() < deadline, f"{address}: {len(heard)} of {count} came"
        news = push.poll(http, address, after).news
        heard += [message for message in news.messages if message.nick == mark]
        after = news.after
    return heard


def wait_for(http: httpx.Client, address: str, after: str, mark: str) -> Message:
    """The next message of that mark, by long polls. Each of them ends with a message, if maybe somebody else's."""
    deadline = time.monotonic() + PATIENCE
    while True:
        news = push.poll(http, address, after, wait=LONG).news
        assert news.messages, f"{address} ended a long poll with {news}"
        for message in news.messages:
            if message.nick == mark:
                return message
        after = news.after
        assert time.monotonic() < deadline, f"{address}: it did not come"


def ask(address: str, target: str, method: str = "GET", *, headers: dict[str, str] | None = None) -> raw_http.Response:
    body = None if method == "GET" else b""
    return raw_http.request(address, f"/chat/{target}", method=method, headers=headers, body=body)


def assert_refused_in_words(answer: raw_http.Response, words: str) -> None:
    assert answer.status == 400, answer
    assert words in answer.json["error"]
    assert len(answer.body) < 500
    assert "x-injected" not in answer.headers

"""The room by plain HTTP, as far as every Python stack does the same: what a poll is answered, and what events say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from room import KEPT, Room
from room.push import LONGEST, POLLED, QUIET, Answer, BadRequestError, Listener, Poll


class Clock:
    """A clock that the test puts forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Bell:
    """What a request is woken by, and dropped by."""

    def __init__(self) -> None:
        self.rung = 0

    def ring(self) -> None:
        self.rung += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("room.push.monotonic", clock)
    return clock


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def room() -> Room:
    """A room in which sixty messages were said."""
    room = Room("alpha")
    fill(room, 1, 60)
    return room


def fill(room: Room, first: int, last: int, *, complete: bool = True) -> None:
    room.add(entries(first, last), complete=complete)


def entries(first: int, last: int) -> Iterator[tuple[str, dict[str, str]]]:
    for number in range(first, last + 1):
        yield f"{number}-{number}", {"service": "alpha", "nick": "n", "text": f"message {number}"}


def poll(room: Room, after: str = "", wait: str = "", tags: str = "") -> Poll:
    return Poll(room, lambda: None, after=after, wait=wait, tags=tags)


def listen(room: Room, after: str = "", last_event_id: str = "") -> Listener:
    return Listener(room, lambda: None, after=after, last_event_id=last_event_id)


def answer(poll: Poll) -> Answer:
    answer = poll.answer()
    assert answer, "it waits"
    return answer


def body(answer: Answer) -> Any:
    assert answer.headers["Content-Type"] == "application/json"
    return json.loads(answer.body)


# Polls


def test_a_poll_without_an_id_is_told_which_is_the_latest_and_no_message(room: Room) -> None:
    first = answer(poll(room))

    assert (first.status, body(first)) == (200, {"after": "60-60", "messages": []})


def test_a_poll_without_an_id_does_not_wait(room: Room, clock: Clock) -> None:
    assert answer(poll(room, wait="10")).status == 200


def test_a_poll_of_an_empty_room_begins_before_its_first_message() -> None:
    room = Room("alpha")
    room.add([], complete=True)

    cursor = body(answer(poll(room)))["after"]
    fill(room, 1, 2)

    assert len(body(answer(poll(room, cursor)))["messages"]) == 2


def test_a_poll_is_told_what_came_after_its_id_as_a_socket_is_told_it(room: Room) -> None:
    told = answer(poll(room, "57-57"))

    visitor = room.enter("57-57", lambda: None)
    assert body(told) == {"after": "60-60", "messages": [json.loads(message) for message in visitor.untold()]}
    assert [message["id"] for message in body(told)["messages"]] == ["58-58", "59-59", "60-60"]
    assert told.headers["Cache-Control"] == "no-cache"


def test_polls_that_follow_each_other_are_told_each_message_once(room: Room) -> None:
    fill(room, 61, 2 * POLLED + 100)
    heard: list[str] = []
    cursor = "0-0"
    while messages := (told := body(answer(poll(room, cursor))))["messages"]:
        assert len(messages) <= POLLED
        heard += [message["text"] for message in messages]
        cursor = told["after"]

    assert heard == [f"message {number}" for number in range(1, 2 * POLLED + 101)]


def test_a_poll_after_an_id_that_is_no_longer_kept_is_told_the_messages_that_are(room: Room) -> None:
    fill(room, 61, KEPT + 200)

    messages = body(answer(poll(room, "1-1")))["messages"]

    assert messages[0]["id"] == "201-201"


@pytest.mark.parametrize("tags", ['"60-60"', 'W/"60-60"', '"1-1", W/"60-60"', "*", ' "60-60" '])
def test_a_client_that_has_the_answer_gets_304_and_no_body(room: Room, tags: str) -> None:
    unchanged = answer(poll(room, "60-60", tags=tags))

    assert unchanged == Answer("", 304, {"ETag": '"60-60"', "Cache-Control": "no-cache"})


@pytest.mark.parametrize("tags", ["", '"59-59"', "60-60", '"160-60"', '"'])
def test_a_client_that_does_not_have_the_answer_gets_it_whole(room: Room, tags: str) -> None:
    whole = answer(poll(room, "60-60", tags=tags))

    assert (whole.status, body(whole)) == (200, {"after": "60-60", "messages": []})
    assert whole.headers["ETag"] == '"60-60"'


def test_the_tag_changes_with_each_message(room: Room) -> None:
    tag = answer(poll(room, "60-60")).headers["ETag"]
    fill(room, 61, 61)

    changed = answer(poll(room, "60-60", tags=tag))

    assert changed.status == 200
    assert changed.headers["ETag"] != tag


def test_a_long_poll_is_answered_at_once_where_there_are_messages(room: Room, clock: Clock) -> None:
    assert len(body(answer(poll(room, "59-59", wait="10")))["messages"]) == 1


@pytest.mark.parametrize(("tags", "status"), [("", 200), ('"60-60"', 304)])
def test_a_long_poll_waits_for_its_time_and_is_told_that_there_was_nothing(
    room: Room, clock: Clock, tags: str, status: int
) -> None:
    waiting = poll(room, "60-60", wait="2.5", tags=tags)

    assert (waiting.answer(), waiting.left()) == (None, 2.5)
    clock.now += 2
    assert (waiting.answer(), waiting.left()) == (None, 0.5)
    clock.now += 1
    assert (answer(waiting).status, waiting.left()) == (status, 0)


def test_a_long_poll_is_woken_by_a_message_until_it_has_its_answer(room: Room, clock: Clock, bell: Bell) -> None:
    with Poll(room, bell.ring, after="60-60", wait="10", tags='"60-60"') as waiting:
        assert waiting.answer() is None
        fill(room, 61, 62)
        assert bell.rung == 1
        assert body(answer(waiting))["after"] == "62-62"
    fill(room, 63, 63)

    assert bell.rung == 1
    assert room.polls == set()


def test_a_long_poll_is_no_socket_in_the_room(room: Room, clock: Clock) -> None:
    with poll(room, "60-60", wait="10"):
        assert room.visitors == set()


def test_a_poll_is_told_that_redis_is_away_where_it_has_nothing_to_hear(room: Room) -> None:
    room.lost()

    away = answer(poll(room, "60-60", tags='"60-60"'))

    assert away.status == 503
    assert away.headers["Retry-After"] == "1"
    assert "Redis does not answer" in body(away)["error"]


def test_a_poll_hears_what_was_said_before_redis_went_away(room: Room) -> None:
    room.lost()

    assert len(body(answer(poll(room, "59-59")))["messages"]) == 1


def test_a_long_poll_outlasts_an_absence_of_redis(room: Room, clock: Clock) -> None:
    room.lost()
    waiting = poll(room, "60-60", wait="10")

    assert waiting.answer() is None
    fill(room, 61, 61)
    assert len(body(answer(waiting))["messages"]) == 1


@pytest.mark.parametrize("after", ["", "60-60"])
def test_a_poll_of_a_process_that_has_not_read_the_room_yet_is_refused_for_now(after: str) -> None:
    room = Room("alpha")
    fill(room, 1, 50, complete=False)

    assert answer(poll(room, after)).status == 503


def test_a_poll_with_the_cursor_of_another_stack_keeps_it_until_there_is_more(room: Room) -> None:
    assert body(answer(poll(room, "62-62"))) == {"after": "62-62", "messages": []}
    fill(room, 61, 63)
    assert [message["id"] for message in body(answer(poll(room, "62-62")))["messages"]] == ["63-63"]


NO_IDS = ["x", "0", "-", "1-", "1-x", "1" * 20 + "-1", "1-1 ", " 1-1", "٣-٣", "\0", "1-1\n", "x" * 10_000, "1-1,2-2"]


@pytest.mark.parametrize("after", NO_IDS)
def test_an_id_that_is_none_is_refused_in_words(room: Room, after: str) -> None:
    for ask in (lambda: poll(room, after), lambda: listen(room, after), lambda: listen(room, "1-1", after)):
        with pytest.raises(BadRequestError, match="is not the id of a message; those look like") as refusal:
            ask()

        assert refusal.value.answer.status == 400
        assert body(refusal.value.answer) == {"error": str(refusal.value)}
        assert len(refusal.value.answer.body) < 300


NO_WAITS = ["-1", "61", "60.1", "x", "nan", "inf", "1e1", " 1", "1 ", "1.", ".5", "٣", "1" * 5_000, "0x1", "+1", "1_0"]


@pytest.mark.parametrize("wait", NO_WAITS)
def test_a_wait_that_is_none_or_too_long_is_refused_in_words(room: Room, wait: str) -> None:
    with pytest.raises(BadRequestError, match=f"is not a number of seconds from 0 to {LONGEST}") as refusal:
        poll(room, "1-1", wait=wait)

    assert refusal.value.answer.status == 400


# Events


def events(text: str) -> list[dict[str, str]]:
    """Each event's fields, of a text without comments."""
    assert text.endswith("\n\n")
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in text[:-2].split("\n\n")]


def test_a_stream_begins_with_when_to_connect_again_and_the_latest_messages(room: Room) -> None:
    opening, *told = events(listen(room).text())

    visitor = room.enter("", lambda: None)
    assert opening == {"retry": "1000"}
    assert [event["data"] for event in told] == visitor.untold()
    assert [event["id"] for event in told] == [f"{number}-{number}" for number in range(11, 61)]


def test_the_state_has_no_id(room: Room) -> None:
    listener = listen(room, "60-60")

    assert events(listener.text()) == [{"retry": "1000"}, {"data": '{"live":true}'}]
    assert listener.text() == ""


@pytest.mark.parametrize(("after", "last"), [("58-58", ""), ("", "58-58"), ("3-3", "58-58")])
def test_a_stream_goes_on_after_the_last_event(room: Room, after: str, last: str) -> None:
    told = events(listen(room, after, last).text())

    assert [event.get("id") for event in told] == [None, "59-59", "60-60"]


def test_a_message_of_several_lines_is_one_line_of_data(room: Room) -> None:
    text = "one\ntwo\rthree\r\nfour\u2028five\n\nid: 1-1\n\n"
    listener = listen(room, "60-60")
    listener.text()
    room.add([("61-0", {"service": "alpha", "nick": "n", "text": text})], complete=True)

    [event] = events(listener.text())

    assert json.loads(event["data"])["text"] == text
    assert event["id"] == "61-0"


def test_a_comment_comes_every_fifteen_seconds_whatever_else_is_told(room: Room, clock: Clock) -> None:
    listener = listen(room, "60-60")
    comments = 0
    for number in range(61, 61 + 4 * int(QUIET)):
        fill(room, number, number)
        comments += listener.text().count("\n:")
        assert 0 <= listener.left() <= QUIET
        clock.now += 1

    assert comments == 3


def test_a_silent_stream_is_due_when_its_comment_is(room: Room, clock: Clock) -> None:
    listener = listen(room, "60-60")
    listener.text()

    assert listener.left() == QUIET
    clock.now += QUIET
    assert listener.left() == 0
    assert listener.text() == ": still here\n\n"
    assert (listener.text(), listener.left()) == ("", QUIET)


def test_a_listener_is_in_the_room_until_it_leaves(room: Room, bell: Bell) -> None:
    listener = Listener(room, bell.ring, after="60-60", last_event_id="")
    with listener:
        assert room.visitors == {listener}
        fill(room, 61, 61)
        assert bell.rung == 1

    assert room.visitors == set()


def test_a_listener_who_does_not_read_is_dropped(room: Room, bell: Bell) -> None:
    listener = listen(room, "60-60")
    listener.drop = bell.ring
    with listener:
        listener.text()
        fill(room, 61, 3 * KEPT)

        assert (listener.behind, bell.rung) == (True, 1)
        assert listener.text() == ""
        assert room.visitors == set()


def test_polls_and_messages_may_come_from_any_thread(room: Room) -> None:
    """Each of four threads follows the room by polls while a fifth one fills it."""
    heard: list[list[str]] = [[] for _ in range(4)]

    def follow(mine: list[str]) -> None:
        news = threading.Event()
        cursor = "60-60"
        while len(mine) < 500:
            with Poll(room, news.set, after=cursor, wait="30", tags="") as waiting:
                while not (told := waiting.answer()):
                    news.wait(waiting.left())
                    news.clear()
            cursor = json.loads(told.body)["after"]
            mine += [message["id"] for message in json.loads(told.body)["messages"]]

    followers = [threading.Thread(target=follow, args=[mine], daemon=True) for mine in heard]
    for follower in followers:
        follower.start()
    for number in range(61, 561):
        fill(room, number, number)
    for follower in followers:
        follower.join(20)

    assert heard == [[f"{number}-{number}" for number in range(61, 561)]] * 4

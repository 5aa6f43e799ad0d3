"""The log of the chat room that every Python stack shares: what each visitor is told, in what order, and when."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from room import BATCH, HISTORY, KEPT, Room, Visitor, from_json


class Woken:
    """What a visitor of a test is woken and dropped by."""

    def __init__(self) -> None:
        self.times = 0
        self.dropped = 0

    def wake(self) -> None:
        self.times += 1

    def drop(self) -> None:
        self.dropped += 1


def entries(first: int, last: int) -> Iterator[tuple[str, dict[str, str]]]:
    for number in range(first, last + 1):
        yield f"{number}-{number}", {"service": "alpha", "nick": "n", "text": f"message {number}"}


def fill(room: Room, first: int, last: int) -> None:
    room.add(entries(first, last), complete=True)


def told(visitor: Visitor) -> list[Any]:
    """All that the visitor is to be told now."""
    heard: list[Any] = []
    while batch := visitor.untold():
        assert len(batch) <= BATCH
        heard += map(json.loads, batch)
    return heard


def texts(heard: list[Any]) -> list[str]:
    return [message["text"] for message in heard if "text" in message]


@pytest.fixture
def room() -> Room:
    return Room("alpha")


@pytest.fixture
def woken() -> Woken:
    return Woken()


def test_someone_new_is_told_the_latest_messages_and_then_that_this_was_all(room: Room, woken: Woken) -> None:
    fill(room, 1, 60)

    heard = told(room.enter("", woken.wake))

    assert texts(heard[:-1]) == [f"message {number}" for number in range(61 - HISTORY, 61)]
    assert heard[0] == {"id": "11-11", "service": "alpha", "nick": "n", "text": "message 11", "ts": 11}
    assert heard[-1] == {"live": True}


def test_someone_new_is_told_no_message_before_all_have_been_read(room: Room, woken: Woken) -> None:
    room.add(entries(1, 500), complete=False)
    visitor = room.enter("", woken.wake)

    assert told(visitor) == [{"live": False}]
    room.add(entries(501, 510), complete=True)
    heard = told(visitor)
    assert texts(heard) == [f"message {number}" for number in range(511 - HISTORY, 511)]
    assert heard[-1] == {"live": True}


def test_someone_new_hears_what_is_said_from_then_on_even_while_redis_is_away(room: Room, woken: Woken) -> None:
    fill(room, 1, 60)
    room.lost()
    visitor = room.enter("", woken.wake)

    room.add(entries(61, 160), complete=False)

    assert texts(told(visitor)) == [f"message {number}" for number in range(61 - HISTORY, 161)]


@pytest.mark.parametrize(("after", "first"), [("30-30", 31), ("30-1000", 31), ("0-0", 1), ("60-60", None)])
def test_who_comes_back_is_told_everything_since(room: Room, woken: Woken, after: str, first: int | None) -> None:
    fill(room, 1, 60)

    heard = texts(told(room.enter(after, woken.wake)))

    assert heard == ([f"message {number}" for number in range(first, 61)] if first else [])


def test_ids_are_compared_as_numbers(room: Room, woken: Woken) -> None:
    room.add([(f"5-{number}", {"service": "a", "nick": "n", "text": str(number)}) for number in (9, 10)], complete=True)

    assert texts(told(room.enter("5-9", woken.wake))) == ["10"]


def test_what_another_stack_has_told_already_is_not_told_again(room: Room, woken: Woken) -> None:
    fill(room, 1, 10)
    visitor = room.enter("12-12", woken.wake)

    assert told(visitor) == [{"live": True}]
    fill(room, 11, 14)
    assert texts(told(visitor)) == ["message 13", "message 14"]


@pytest.mark.parametrize("after", ["x", "0", "-", "1-", "1-x", "1" * 20 + "-1", "1-1 ", "٣-٣", "x" * 10_000])
def test_an_id_that_is_none_is_refused_and_the_latest_are_told(room: Room, woken: Woken, after: str) -> None:
    fill(room, 1, 60)

    refusal, *heard = told(room.enter(after, woken.wake))

    assert refusal["error"].startswith("after=")
    assert len(refusal["error"]) <= 200
    assert len(texts(heard)) == HISTORY


def test_news_wake_everybody_and_no_news_wake_nobody(room: Room, woken: Woken) -> None:
    room.enter("", woken.wake)

    def wakes(*calls: Callable[[], object]) -> list[int]:
        times = []
        for call in calls:
            before = woken.times
            call()
            times.append(woken.times - before)
        return times

    def read() -> None:
        room.add([], complete=True)

    def meet() -> None:
        room.meet(["foobar:online:alpha:host:8000"], ["2"])

    assert wakes(lambda: fill(room, 1, 3), read, meet, meet, room.lost, room.lost, read, read) == [
        1,
        0,
        1,
        0,
        1,
        0,
        1,
        0,
    ]


def test_a_lost_redis_is_told_once_and_so_is_its_return(room: Room, woken: Woken) -> None:
    fill(room, 1, 1)
    visitor = room.enter("", woken.wake)
    told(visitor)

    room.lost()
    room.lost()
    assert told(visitor) == [{"live": False}]
    room.add(entries(2, 2), complete=False)
    assert texts(told(visitor)) == ["message 2"]
    fill(room, 3, 3)
    heard = told(visitor)
    assert texts(heard) == ["message 3"]
    assert heard[-1] == {"live": True}


def test_presence_is_summed_by_stack_and_leaves_out_who_is_alone_with_nobody(room: Room, woken: Woken) -> None:
    keys = [f"foobar:online:{name}" for name in ("alpha:a:1", "alpha:b:1", "beta:a:2", "gone:a:3", "empty:a:4")]
    visitor = room.enter("", woken.wake)

    room.meet(keys, ["2", "1", "4", None, "0"])

    assert {"online": {"alpha": 3, "beta": 4}} in told(visitor)
    assert told(visitor) == []


def test_who_leaves_is_neither_woken_nor_counted(room: Room, woken: Woken) -> None:
    with room.enter("", woken.wake, woken.drop) as visitor:
        assert room.visitors == {visitor}
    fill(room, 1, 20_000)

    assert room.visitors == set()
    assert (woken.times, woken.dropped) == (0, 0)


def test_who_has_left_keeps_nothing_of_the_socket(room: Room) -> None:
    """Its drop leads to the socket's task, and may be led to by it: the socket would be kept until the cycle is."""
    woken = Woken()
    socket = weakref.ref(woken)

    with room.enter("", woken.wake, woken.drop) as visitor:
        del woken
        assert socket() is not None

    assert socket() is None, f"{visitor} still has it"


def test_the_log_is_bounded_and_who_falls_behind_is_dropped_once(room: Room, woken: Woken) -> None:
    fill(room, 1, 10)
    slow, reader = room.enter("5-5", woken.wake, woken.drop), room.enter("5-5", lambda: None, pytest.fail)

    for start in range(11, 30_000, 500):
        fill(room, start, start + 499)
        told(reader)
        assert len(room._log) <= KEPT + 1_500

    assert slow.behind
    assert slow.untold() == []
    assert woken.dropped == 1
    assert not reader.behind
    assert room.visitors == {reader}


def test_who_enters_at_the_beginning_of_the_log_is_not_behind_at_once(room: Room, woken: Woken) -> None:
    for start in range(1, 11_000, 500):
        fill(room, start, start + 499)
    visitor = room.enter("1-1", woken.wake, woken.drop)

    fill(room, 11_001, 11_400)

    assert not visitor.behind
    assert len(texts(told(visitor))) >= KEPT


def test_a_message_is_encoded_once_however_many_hear_it(woken: Woken) -> None:
    encoded: list[object] = []
    room = Room("alpha", encode=lambda what: encoded.append(what) or what)  # type: ignore[func-returns-value]
    visitors = [room.enter("", woken.wake) for _ in range(10)]

    fill(room, 1, 3)

    for visitor in visitors:
        while visitor.untold():
            pass
    assert len([what for what in encoded if "text" in what]) == 3  # type: ignore[operator]


def test_many_threads_hear_all_of_it_in_order(room: Room) -> None:
    fill(room, 1, 1)
    heard: list[list[str]] = [[] for _ in range(8)]
    bells = [threading.Event() for _ in heard]

    def listen(number: int) -> None:
        with room.enter("1-1", bells[number].set) as visitor:
            while len(heard[number]) < 5_000 and bells[number].wait(10):
                bells[number].clear()
                heard[number] += texts(told(visitor))

    threads = [threading.Thread(target=listen, args=[number]) for number in range(len(heard))]
    for thread in threads:
        thread.start()
    for start in range(2, 5_002, 10):
        fill(room, start, start + 9)
    for thread in threads:
        thread.join(20)

    assert heard == [[f"message {number}" for number in range(2, 5_002)]] * len(heard)


@pytest.mark.parametrize(
    ("message", "wrong"),
    [
        ("hello", "malformed"),
        ('{"nick": "n"}', "missing required field `text`"),
        ('{"nick": "n", "text": " "}', "regex"),
        ('{"nick": "' + "n" * 33 + '", "text": "x"}', "length <= 32"),
        ("[" * 100_000, "Expected `object`"),
        ('{"nick": "n", "text": ' + "[" * 100_000, "Expected `str`"),
        (b"\xff", "malformed"),
        ("", "truncated"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(room: Room, message: str | bytes, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong) as error:
        from_json(message)

    answer = json.loads(room.malformed(error.value))
    assert answer["error"].endswith("send a nick of 1 to 32 characters and a text of 1 to 2000")

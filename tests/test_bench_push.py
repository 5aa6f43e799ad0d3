"""The load of the scenario push: by each transport, against a room of whose faults it has to know."""

from __future__ import annotations

import asyncio
import re
import socket
from collections import Counter
from statistics import median
from typing import Any

import msgspec
import pytest

from echowall.bench import judging
from echowall.bench.driving import generate
from echowall.bench.loads.http import Answer, Events, MalformedError, Reader
from echowall.bench.loads.wire import Bytes, Wire
from echowall.bench.plan import Aim, Plan, Report
from echowall.results.model import Errors, Why
from tests.rooms import Caller, Fault, Room, third

#: Each transport, with the plan's part for it. Polls that do not wait come often, so that tests do not take long.
WAYS: dict[str, dict[str, Any]] = {
    "websocket": {},
    "events": {},
    "long-poll": {},
    "poll": {"polled": 0.1},
}


def run(room: Room, way: str, **plan: Any) -> tuple[Plan, Report]:
    """A short run: 28 messages to five who listen, 7 of them in the warm-up."""
    wanted: dict[str, Any] = {"connections": 5, "rate": 35.0, "warmup": 0.2, "seconds": 0.6, "patience": 2.0}
    wanted |= {"load": "push", "transport": way} | WAYS[way] | plan

    async def measured() -> tuple[Plan, Report]:
        async with room.open() as aim:
            planned = Plan(aim=aim, **wanted)
            return planned, await generate(planned)

    return asyncio.run(measured())


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.mark.parametrize("way", WAYS)
def test_by_each_transport_all_hear_what_one_says(room: Room, way: str) -> None:
    plan, report = run(room, way)

    assert (report.trouble, report.ended, report.errors) == ("", "", Errors())
    assert report.sent == 28
    assert plan.offered == 175.0
    assert report.achieved > 0
    assert judging.decode(report.latency).get_total_count() == 5 * 21  # without those of the warm-up
    assert len(room.said) == 28 + 2  # and something to those who are gone, so that a service finds out
    assert report.down
    heard = report.achieved * plan.seconds
    assert report.down > 0.8 * len(room.said[0]) * heard  # on the edges there may be one without the other
    assert (report.opened, len(room.callers)) == (0.0, 6)
    asked = [one for one in room.requests if one.caller > 1]
    assert all(one.fields["host"] in plan.aim.url for one in asked)
    if way in ("websocket", "events"):
        assert (report.requests, report.up) == (0.0, 0)
    else:
        assert report.requests
        assert report.up
        asked_within = report.requests * plan.seconds
        assert report.up / asked_within == pytest.approx(len(_request(plan, way)), rel=0.2)


def _request(plan: Plan, way: str) -> bytes:
    """What a poll looks like."""
    host = plan.aim.url.split("/")[2]
    wait = "&wait=25.000" if way == "long-poll" else ""
    return (
        f"GET /alpha/chat/poll?after=10-0{wait} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n"
        'If-None-Match: "10-0"\r\n\r\n'
    ).encode()


@pytest.mark.parametrize("way", WAYS)
def test_a_room_that_has_just_started_is_waited_for(way: str) -> None:
    _, report = run(Room(wakes=0.5), way)

    assert (report.trouble, report.errors) == ("", Errors())


def test_what_is_said_seldom_is_said_before_the_end(room: Room) -> None:
    _, report = run(
        room, "events", rate=0.75, warmup=0.4, seconds=1.0
    )  # 0.4 s before the time that is measured, and 0.93 s after its beginning

    assert (report.sent, report.paced) == (2, 5.0)
    assert judging.decode(report.latency).get_total_count() == 5


def test_polls_go_on_after_the_last_message_and_cost_little_where_there_is_none(room: Room) -> None:
    _, report = run(room, "poll", rate=4.0, polled=0.05)

    statuses = Counter(one.status for one in room.requests if one.caller > 1)
    assert statuses[304] > statuses[200]
    first, *others = [one for one in room.requests if one.caller == 2]
    assert first.target == "/alpha/chat/poll"
    assert all(one.fields["if-none-match"] == f'"{one.target.partition("after=")[2]}"' for one in others)
    assert report.errors == Errors()


def test_polls_of_several_are_not_all_at_once(room: Room) -> None:
    run(room, "poll", connections=4, rate=None, polled=0.4, seconds=1.6)

    polls = [one for one in room.requests if "after" in one.target]
    rounds = [polls[start : start + 4] for start in range(0, len(polls) - 3, 4)]
    assert len(rounds) >= 3
    assert median(one[-1].at - one[0].at for one in rounds) > 0.15  # it is 0.3, unless all are late


@pytest.mark.parametrize("way", ["poll", "long-poll"])
def test_a_connection_that_the_server_ends_is_opened_again_and_nothing_is_lost(way: str) -> None:
    room = Room(keeps=3)

    _, report = run(room, way)

    assert (report.trouble, report.errors) == ("", Errors())
    assert report.opened
    assert len(room.callers) > 10


@pytest.mark.parametrize("way", WAYS)
def test_where_nothing_is_said_until_the_end_it_is_shown_that_all_listen(room: Room, way: str) -> None:
    plan, report = run(room, way, rate=None, wait=0.5, seconds=1.0)

    assert (report.trouble, report.ended, report.errors) == ("", "", Errors())
    assert report.achieved == 5
    assert plan.offered is None
    assert len(room.said) == 3
    asks = {"poll": 50.0, "long-poll": 10.0}
    assert report.requests == pytest.approx(asks.get(way, 0.0), abs=asks.get(way, 0.0) / 2)
    report.cpu = report.starved = 0.0  # this machine may be busy
    report.requests = asks.get(way, 0.0)
    assert judging.refusals(plan, report) == []


def faulty() -> Fault:
    """Of every ten messages one is lost to the second in the room, doubled for the third, told after the next to the
    fourth and altered for the fifth.
    """
    kept: list[bytes] = []

    def told(caller: Caller, number: int, message: bytes) -> list[bytes]:
        wrong = number % 10 == 0
        match caller.number:
            case 2:
                return [] if wrong else [message]
            case 3:
                return [message] * (2 if wrong else 1)
            case 4 if wrong:
                kept[:] = [message]
                return []
            case 4 if number % 10 == 1:
                return [message, *kept]
            case 5 if wrong:
                return [message.replace(b" 0000", b" xxxx")]
        return [message]

    return told


@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_heard_as_it_was_said_is_counted_and_withholds_everything(way: str) -> None:
    plan, report = run(Room(faulty()), way, patience=0.5)

    assert (report.sent, report.errors) == (28, Errors(lost=3 + 3, twice=3, disordered=3, altered=3))
    (refusal,) = judging.refusals(plan, report)
    assert (refusal.why, refusal.withheld) == (Why.WRONG, judging.EVERYTHING)
    assert refusal.says == (
        "what was said was not heard as it has to be: 6 lost, 3 came twice, 3 altered, 3 out of order"
    )


def test_one_who_hears_nothing_in_the_end_is_lost() -> None:
    plan, report = run(Room(third(lambda *_: [])), "events", rate=None, patience=0.3)

    assert (report.achieved, report.errors) == (4, Errors(lost=1))
    assert [one.why for one in judging.refusals(plan, report)] == [Why.WRONG]


def test_a_stream_that_ends_is_counted_as_a_connection_that_ended() -> None:
    plan, report = run(Room(streams=10), "events", patience=0.3)

    assert report.errors.connections == 5
    assert report.errors.lost > 0
    assert [one.why for one in judging.refusals(plan, report)] == [Why.WRONG]


def test_polls_that_are_refused_are_counted_and_told() -> None:
    def limited(caller: Caller) -> int:
        return 429 if caller.number == 3 and caller.asked > 3 else 200

    plan, report = run(Room(status=limited), "poll", patience=0.3)

    assert report.errors.failed > 0
    assert report.trouble.endswith("requests failed, the last one: HTTP 429 'no luck'")
    assert [one.why for one in judging.refusals(plan, report)] == [Why.TROUBLE]


def test_a_long_poll_that_is_not_answered_is_given_up_in_words() -> None:
    def held(caller: Caller) -> int:
        return 0 if caller.number == 3 and caller.asked > 1 else 200

    _, report = run(Room(status=held), "long-poll", wait=0.1, patience=0.2)

    assert re.search(r"the last one: no answer within 0\.2\d? s$", report.trouble)
    assert report.errors.failed == 1  # and it is asked again, on another connection


@pytest.mark.parametrize("way", ["poll", "events"])
def test_a_room_that_is_not_there_is_trouble_in_words(way: str) -> None:
    plan = Plan(aim=Aim(url="ws://127.0.0.1:1/chat/"), load="push", transport=way, connections=2, rate=10.0)  # type: ignore[arg-type]

    assert asyncio.run(generate(plan)).trouble == "the room could not be entered: Connection refused"


def test_a_room_whose_first_poll_is_refused_is_trouble_in_words() -> None:
    _, report = run(Room(status=lambda _: 404), "poll")

    assert report.trouble == "the room could not be entered: HTTP 404 'no luck'"


def test_on_the_loopback_network_listeners_come_from_several_addresses(room: Room) -> None:
    run(room, "poll", connections=250, polled=1.0)

    assert Counter(one.address for one in room.callers) == {"127.0.0.1": 201, "127.0.0.2": 50}  # and the one who speaks


@pytest.mark.parametrize(
    ("plan", "says"),
    {
        "polls": (
            {"transport": "poll", "polled": 0.25, "connections": 501, "rate": 1.0},
            "the proxy takes 2,000 polls a second from one address, and not 2,004; "
            "lower --connections, or poll more seldom",
        ),
        "long polls": (
            {"transport": "long-poll", "connections": 201, "rate": 10.0},
            "the proxy takes 2,000 polls a second from one address, and not 2,010; "
            "lower --connections, or poll more seldom",
        ),
        "connections": (
            {"transport": "events", "connections": 2000, "rate": 1.0},
            "the proxy takes 2,000 connections from one address, and one speaks beside the 2,000 who listen; "
            "lower --connections",
        ),
    }.values(),
)
def test_what_the_proxy_would_not_take_from_one_address_is_refused(plan: dict[str, Any], says: str) -> None:
    aim = Aim(url="ws://127.0.0.1:1/chat/", one_address=True)

    report = asyncio.run(generate(Plan(aim=aim, load="push", **plan)))

    assert report.trouble == says


def test_polls_that_a_service_cannot_answer_so_often_are_told() -> None:
    plan = Plan(aim=Aim(url="ws://x/"), load="push", transport="poll", polled=1.0, connections=100, rate=None)

    found = judging.refusals(plan, Report(achieved=100.0, requests=80.0))

    assert [(one.why, one.withheld) for one in found] == [(Why.RATE, "latency"), (Why.RATE, "cost")]
    assert found[0].says == "cannot hold 100 polls/s: 80/s were answered in time"
    assert judging.refusals(plan, Report(achieved=100.0, requests=98.0)) == []


# What is read


PLAIN = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "7-0"\r\n\r\nhello'
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;name=value\r\nlo\r\n0\r\nX-Trailer: 1\r\n\r\n"
)
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" + PLAIN
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
UNCHANGED = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 40\r\n\r\n"


@pytest.mark.parametrize(
    ("response", "status", "body"),
    [
        (PLAIN, 200, b"hello"),
        (CHUNKED, 200, b"hello"),
        (INTERIM, 200, b"hello"),
        (EMPTY, 200, b""),
        (UNCHANGED, 304, b""),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_response_is_read_wherever_it_is_cut(response: bytes, status: int, body: bytes, size: int) -> None:
    reader = Reader()
    for _ in range(2):  # one after the other
        found = [reader.feed(response[at : at + size]) for at in range(0, len(response), size)]
        assert found[:-1] == [None] * (len(found) - 1)
        assert isinstance(found[-1], Answer)
        assert (found[-1].status, found[-1].body) == (status, body)


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    reader = Reader()

    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\nhello") is None
    ended = reader.end()
    assert ended
    assert ended.body == b"hello"
    assert Reader().end() is None


def test_what_is_cut_off_is_no_response() -> None:
    for cut in (PLAIN[:-1], CHUNKED[:-2]):
        reader = Reader()
        assert reader.feed(cut) is None
        assert reader.end() is None


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naXY",
        PLAIN + b"more",
        b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000,
    ],
)
def test_what_is_no_response_is_refused(response: bytes) -> None:
    with pytest.raises(MalformedError):
        Reader().feed(response)


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_events_are_read_wherever_they_are_cut(line_end: bytes, size: int) -> None:
    stream = b'retry: 1000\n\n: a comment\n\nid: 1-0\ndata: {"a": 1}\n\ndata:b\ndata: c\n\n'.replace(b"\n", line_end)
    events = Events()

    found = [one for at in range(0, len(stream), size) for one in events.feed(stream[at : at + size])]

    assert found == [b'{"a": 1}', b"b\nc"]


def test_the_bytes_of_connections_are_counted_until_their_ends() -> None:
    async def talked() -> tuple[Bytes, Bytes, int]:
        wire, served = Wire(), asyncio.Semaphore(0)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(100) * 7)
            await writer.drain()
            await reader.read()
            writer.close()
            await writer.wait_closed()
            served.release()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            for _ in range(2):
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                tap = wire.tap(writer.transport)
                writer.write(b"x" * 100)
                await reader.readexactly(700)
                during = wire.total()
                writer.close()
                await writer.wait_closed()
                tap.close()
                tap.close()
                await served.acquire()
        return during, wire.total(), wire.opened

    during, after, opened = asyncio.run(talked())

    assert (during, after, opened) == (Bytes(1400, 200), Bytes(1400, 200), 2)


def test_where_the_system_does_not_count_bytes_there_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    here, there = socket.socketpair()
    wire = Wire()

    class Transport(asyncio.BaseTransport):
        def get_extra_info(self, name: str, default: Any = None) -> Any:
            return here

    tap = wire.tap(Transport())

    assert (wire.total(), wire.counts) == (Bytes(0, 0), False)
    for one in (tap, here, there):
        one.close()


def test_a_plan_says_how_many_files_it_takes() -> None:
    plan = Plan(aim=Aim(url="ws://x/"), connections=100, rate=None)

    assert (plan.files, msgspec.structs.replace(plan, load="push").files) == (164, 264)

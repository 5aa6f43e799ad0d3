"""The loads that are not messages on connections that stay, against servers of whose faults they have to know."""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from echowall.bench import judging
from echowall.bench.clock import Start
from echowall.bench.driving import generate
from echowall.bench.loads import connections, stuck, talk
from echowall.bench.loads.hearing import Ear
from echowall.bench.opening import Opener
from echowall.bench.plan import Aim, Plan, Report
from echowall.results.model import Errors, Why


class House:
    """A server, and who was there."""

    def __init__(self) -> None:
        self.guests: list[Guest] = []
        self.present = self.most = 0

    @asynccontextmanager
    async def open(self, guest: type[Guest]) -> AsyncIterator[Aim]:
        """Serve, in this process, with such connections; gives the address. The generator is in another process."""

        def accept(request: WSUpgradeRequest) -> Guest | None:
            return guest(self, len(self.guests) + 1, request)

        server = await ws_create_server(accept, "127.0.0.1", 0)
        async with server:
            yield Aim(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/echo")


class Guest(WSListener):
    """A connection of the server's, without a fault. The first is number 1."""

    def __init__(self, house: House, number: int, request: WSUpgradeRequest) -> None:
        self.house, self.number, self.request = house, number, request
        self.messages: list[bytes] = []
        self.closed = False
        """Whether a close frame came."""
        house.guests.append(self)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.house.present += 1
        self.house.most = max(self.house.most, self.house.present)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.house.present -= 1

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            self.closed = True
            self.answer_close()
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY):
            self.messages.append(frame.get_payload_as_bytes())
            self.answer(frame.msg_type, self.messages[-1])

    def answer(self, kind: WSMsgType, message: bytes) -> None:
        self.transport.send(kind, message)

    def answer_close(self) -> None:
        self.transport.send_close(WSCloseCode.OK)
        self.transport.disconnect()


def run(guest: type[Guest] = Guest, **plan: Any) -> tuple[Plan, Report, House]:
    """A short run against such a server."""
    house = House()
    wanted: dict[str, Any] = {
        "load": "connections",
        "connections": 4,
        "rate": None,
        "warmup": 0.2,
        "seconds": 0.8,
        "patience": 1.0,
    }

    async def measured() -> tuple[Plan, Report]:
        async with house.open(guest) as aim:
            planned = Plan(aim=aim, **wanted | plan)
            return planned, await generate(planned)

    return (*asyncio.run(measured()), house)


@pytest.mark.parametrize("messages", [1, 10])
def test_each_connection_has_its_messages_echoed_and_is_closed(messages: int) -> None:
    plan, report, house = run(messages=messages)

    assert (report.trouble, report.errors) == ("", Errors())
    assert report.sent == len(house.guests) > 20
    assert {len(set(guest.messages)) for guest in house.guests} == {messages}
    assert all(guest.closed for guest in house.guests)
    assert house.most <= plan.connections
    measured = round(report.achieved * (report.lasted or 0))
    assert 0 < measured < report.sent  # without those of the warm-up
    assert judging.decode(report.latency).get_total_count() == measured
    report.cpu = report.starved = 0.0  # this machine may be busy: as if the generator had had its core
    assert judging.refusals(plan, report) == []


def faulty(fault: Callable[[Guest, WSMsgType, bytes], object]) -> type[Guest]:
    """Every tenth connection answers like that."""

    class Faulty(Guest):
        def answer(self, kind: WSMsgType, message: bytes) -> None:
            if self.number % 10:
                super().answer(kind, message)
            else:
                fault(self, kind, message)

    return Faulty


class Rude(Guest):
    """Every tenth connection is cut in the place of an answer to the close frame."""

    def answer_close(self) -> None:
        if self.number % 10:
            super().answer_close()
        else:
            self.transport.disconnect(graceful=False)


FAULTS: dict[str, tuple[str, type[Guest]]] = {
    "is silent": ("lost", faulty(lambda *_: None)),
    "changes the last byte": (
        "altered",
        faulty(lambda guest, kind, message: guest.transport.send(kind, message[:-1] + b"~")),
    ),
    "makes text binary": (
        "altered",
        faulty(lambda guest, _, message: guest.transport.send(WSMsgType.BINARY, message)),
    ),
    "closes in place of an echo": ("lost", faulty(lambda guest, *_: guest.answer_close())),
    "does not answer the close frame": ("unclosed", Rude),
}


@pytest.mark.parametrize(("counted", "guest"), FAULTS.values(), ids=FAULTS)
def test_each_connection_that_goes_wrong_is_counted_and_not_timed(counted: str, guest: type[Guest]) -> None:
    _, report, house = run(guest, patience=2.0)  # a busy machine may take long for an echo

    assert report.trouble == ""
    assert report.errors == Errors(**{counted: len(house.guests) // 10})
    assert report.errors.total > 0
    assert judging.decode(report.latency).get_total_count() == round(report.achieved * (report.lasted or 0))


def test_a_server_that_does_not_end_closed_connections_is_not_waited_for() -> None:
    class Lingering(Guest):
        def answer_close(self) -> None:
            self.transport.send_close(WSCloseCode.OK)

    _, report, house = run(Lingering, connections=2, seconds=2.5, warmup=0.1)

    assert report.errors == Errors()
    assert 2 < report.sent == len(house.guests) < 10  # each takes a second


def test_where_connections_are_refused_the_run_is_given_up_in_words() -> None:
    class Full(Guest):
        def __new__(cls, house: House, number: int, _request: WSUpgradeRequest) -> Any:
            return super().__new__(cls) if number <= 5 else None

    plan, report, _ = run(Full, seconds=30.0)

    assert report.errors.refused > 10
    assert f"{report.errors.refused} of {report.sent} connections could not be opened: " in report.trouble
    assert [(one.why, one.withheld) for one in judging.refusals(plan, report)] == [(Why.TROUBLE, "everything")]


def test_nobody_there_is_trouble_in_words() -> None:
    plan = Plan(aim=Aim(url="ws://127.0.0.1:1/"), load="connections", connections=2, rate=None, warmup=0.1, seconds=0.3)

    report = asyncio.run(generate(plan))

    assert report.trouble.endswith("connections could not be opened: Connection refused")


def test_there_is_a_bound_to_how_many_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 50)
    house = House()

    async def measured() -> Report:
        async with house.open(Guest) as aim:
            plan = Plan(aim=aim, load="connections", connections=4, rate=None, warmup=0.0, seconds=30.0)
            return await connections.run(plan, Start(plan))

    report = asyncio.run(measured())

    assert (report.sent, len(house.guests), report.errors) == (50, 50, Errors())
    assert report.lasted is not None
    assert report.lasted < 20


@pytest.mark.parametrize("deflate", [False, True])
def test_idle_connections_are_left_alone_and_asked_once_in_the_end(*, deflate: bool) -> None:
    told: list[int] = []
    house = House()

    async def measured() -> Report:
        async with house.open(Guest) as aim:
            plan = Plan(aim=aim, load="idle", connections=50, rate=None, warmup=0.2, seconds=0.5, deflate=deflate)
            marks = [lambda: told.append(sum(len(guest.messages) for guest in house.guests))] * 2
            return await generate(plan, *marks)

    report = asyncio.run(measured())

    assert (report.trouble, report.ended, report.errors) == ("", "", Errors())
    assert report.achieved == len(house.guests) == 50
    assert told == [0, 0]  # when the time begins that is measured, and when it ends
    assert [len(guest.messages) for guest in house.guests] == [1] * 50
    offered = {guest.request.headers.get("Sec-WebSocket-Extensions") for guest in house.guests}
    assert offered == {"permessage-deflate; client_max_window_bits" if deflate else None}


def test_an_idle_connection_understands_what_was_compressed() -> None:
    class Compressing(Guest):
        def answer(self, kind: WSMsgType, message: bytes) -> None:
            deflated = zlib.compressobj(wbits=-15)
            data = deflated.compress(message) + deflated.flush(zlib.Z_SYNC_FLUSH)
            self.transport.send(kind, data[:-4], True, True)

    _, report, _ = run(Compressing, load="idle", deflate=True)

    assert (report.achieved, report.errors) == (4, Errors())


class Leaving(Guest):
    """Every tenth connection is closed after a while."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        if not self.number % 10:
            asyncio.get_running_loop().call_later(0.3, self.answer_close)


IDLE_FAULTS: dict[str, tuple[str, type[Guest]]] = {
    name: fault for name, fault in FAULTS.items() if name != "does not answer the close frame"
} | {"closes before": ("connections", Leaving)}


@pytest.mark.parametrize(("counted", "guest"), IDLE_FAULTS.values(), ids=IDLE_FAULTS)
def test_an_idle_connection_that_does_not_live_is_counted(counted: str, guest: type[Guest]) -> None:
    _, report, _ = run(guest, load="idle", connections=50, patience=1.0)

    assert (report.achieved, report.errors) == (45, Errors(**{counted: 5}))


def test_where_no_idle_connection_lives_the_server_ended_the_run() -> None:
    class Mute(Guest):
        def answer(self, kind: WSMsgType, message: bytes) -> None:
            pass

    plan, report, _ = run(Mute, load="idle", patience=0.3)

    assert (report.ended, report.errors) == ("stopped answering", Errors(lost=4))
    assert [(one.why, one.withheld) for one in judging.refusals(plan, report)] == [(Why.ENDED, "everything")]


class InRoom(Guest):
    """One in the chat room of a service: tells what was said before, then that it is live, and then what is said."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.tell({"id": "1-0", "service": "alpha", "nick": "bench", "text": "0badcafe 000000", "ts": 1})
        self.tell({"online": {"alpha": self.house.present}})
        self.tell({"live": True})

    def tell(self, told: object) -> None:
        self.transport.send(WSMsgType.TEXT, msgspec.json.encode(told))

    def told(self, said: list[dict[str, Any]]) -> None:
        for one in said:
            self.tell(one)

    def answer(self, kind: WSMsgType, message: bytes) -> None:
        said = {"id": f"2-{len(self.messages)}", "service": "alpha", "ts": 2} | msgspec.json.decode(message)
        for one in self.house.guests:
            if isinstance(one, InRoom) and one.present:
                one.hear(len(self.messages), said)

    def hear(self, number: int, said: dict[str, Any]) -> None:
        """The message of that number, from 1 on."""
        self.tell(said)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        super().on_ws_disconnected(transport)
        self.present = False

    present = True


def test_what_one_says_in_the_room_all_hear() -> None:
    plan, report, house = run(InRoom, load="room", connections=5, rate=50.0, seconds=0.8)

    assert (report.trouble, report.ended, report.errors) == ("", "", Errors())
    assert report.sent == 50
    assert len(house.guests) == 6  # who speaks, too
    (speaker,) = [guest for guest in house.guests if guest.messages]
    assert len(set(speaker.messages)) == 50
    assert {len(message) for message in speaker.messages} == {talk.SIZE}
    assert plan.offered == 250.0
    assert judging.decode(report.latency).get_total_count() == 5 * 40  # without those of the warm-up
    assert judging.decode(report.lateness).get_total_count() == 40


def third(fault: Callable[[InRoom, int, dict[str, Any]], object]) -> type[Guest]:
    """The third in the room hears every tenth message like that."""

    class Faulty(InRoom):
        def hear(self, number: int, said: dict[str, Any]) -> None:
            if self.number == 3 and number % 10 in (0, 1):
                fault(self, number, said)
            else:
                super().hear(number, said)

    return Faulty


def _swapped(guest: InRoom, number: int, said: dict[str, Any]) -> None:
    """Every tenth comes after the next."""
    if number % 10:
        guest.tell(said)
        if number > 1:
            guest.tell(guest.kept)  # type: ignore[attr-defined]
    else:
        guest.kept = said  # type: ignore[attr-defined]


ROOM_FAULTS: dict[str, tuple[Errors, type[Guest]]] = {
    "one does not hear it": (Errors(lost=5), third(lambda guest, number, said: guest.told([said] * bool(number % 10)))),
    "one hears it twice": (
        Errors(twice=5),
        third(lambda guest, number, said: guest.told([said] * (1 if number % 10 else 2))),
    ),
    "it comes after the next": (Errors(disordered=4, lost=1), third(_swapped)),
    "its number is not what was said": (
        Errors(lost=5, altered=5),
        third(
            lambda guest, number, said: guest.tell(said if number % 10 else said | {"text": said["text"][:9] + "x" * 6})
        ),
    ),
}


@pytest.mark.parametrize(("counted", "guest"), ROOM_FAULTS.values(), ids=ROOM_FAULTS)
def test_what_is_not_heard_as_it_was_said_is_counted(counted: Errors, guest: type[Guest]) -> None:
    _, report, _ = run(guest, load="room", connections=5, rate=50.0, seconds=0.8, patience=0.3)

    assert (report.sent, report.errors) == (50, counted)


def test_who_speaks_may_be_in_another_services_room() -> None:
    here, there = House(), House()

    class Elsewhere(InRoom):
        def answer(self, kind: WSMsgType, message: bytes) -> None:
            self.house = here
            super().answer(kind, message)
            self.house = there

    async def measured() -> Report:
        async with here.open(InRoom) as aim, there.open(Elsewhere) as speaker:
            plan = Plan(
                aim=aim, speaker=speaker, load="room", connections=3, rate=50.0, warmup=0.2, seconds=0.8, patience=1.0
            )
            return await generate(plan)

    report = asyncio.run(measured())

    assert (report.trouble, report.errors, report.sent) == ("", Errors(), 50)
    assert (len(here.guests), len(there.guests)) == (3, 1)
    assert not any(guest.messages for guest in here.guests)


def test_a_room_that_does_not_become_live_is_trouble_in_words() -> None:
    _, report, _ = run(load="room", rate=50.0, within=0.5)

    assert report.trouble == "only 0 of 4 were in the room and live within 0.5 s"


def test_one_that_does_not_read_goes_on_sending_and_the_others_are_measured() -> None:
    waiting: list[int] = []

    class Watched(Guest):
        def pause_writing(self) -> None:
            waiting.append(self.number)

    _, report, house = run(Watched, load="echo", rate=100.0, connections=5, stuck=1, seconds=4.0)

    assert report.errors == Errors()
    assert report.sent == 420
    long = {guest.number: [len(one) for one in guest.messages] for guest in house.guests}
    (number,) = [number for number, sizes in long.items() if sizes[0] == stuck.SIZE]
    assert set(long[number]) == {stuck.SIZE}
    assert len(long[number]) <= 10 * stuck.RATE  # it is no flood
    assert waiting == [number]  # what it is sent is not read
    assert [len(sizes) for at, sizes in long.items() if at != number] == [105] * 4


@pytest.mark.parametrize("one_address", [False, True])
def test_on_the_loopback_network_many_connections_come_from_several_addresses(*, one_address: bool) -> None:
    sources: list[str] = []

    class Known(Guest):
        def on_ws_connected(self, transport: WSTransport) -> None:
            super().on_ws_connected(transport)
            sources.append(transport.underlying_transport.get_extra_info("peername")[0])

    async def opened() -> None:
        async with House().open(Known) as aim:
            aim = msgspec.structs.replace(aim, one_address=one_address)
            opener = Opener(Plan(aim=aim, connections=401, rate=None))
            ears = [Ear() for _ in range(401)]
            await opener.open_all(ears)
            for ear in ears:
                ear.transport.disconnect()

    asyncio.run(opened())

    several = {"127.0.0.1": 200, "127.0.0.2": 200, "127.0.0.3": 1}
    assert Counter(sources) == ({"127.0.0.1": 401} if one_address else several)

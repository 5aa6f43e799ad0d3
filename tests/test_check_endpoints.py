"""`echowall check` on endpoints that are no silent echoes: nothing is wrong with them, and a mistake is still found."""

from __future__ import annotations

import asyncio
import io
import json
import re
import ssl
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec
import pytest
from rich.console import Console

from echowall.catalog.catalog import ROOT
from echowall.check import runner
from echowall.check.examination import Answer, Examination
from echowall.check.registry import CHECKS, Check, Observation
from echowall.check.runner import Report, run, wrong
from echowall.check.suite import ALL
from echowall.check.targets import Manner, of_urls
from echowall.check.wire import PLAIN, Limiter, Message, Target, Transcript
from echowall.check.wire.frames import BINARY, TEXT
from echowall.check.wire.hearsay import Hearsay
from echowall.check.wire.wrapping import Wrapping, place
from echowall.results.model import Examined, Result
from echowall.results.verdicts import Verdict
from tests.faulty.endpoints import ENDPOINTS, MISTAKES, TOKEN

PLAINLY = Manner(tls=ssl.create_default_context())
#: They are asked one thing at a time, while all others are asked everything at once.
PATIENTLY = msgspec.structs.replace(PLAINLY, slack=7.0)
WRAPPED = '{"type": "say", "text": "MESSAGE"}'
#: They take most of the time, and tell no more of greetings and talk than others do.
HEAVY = {"deflate-history", "deflate-sizes", "large-message", "lengths", "binary-lengths", "order"}
QUICK = [check for check in ALL if not (check.waits or check.ends or check.local or check.id in HEAVY)]
IDLE = [check for check in ALL if check.idle]
#: It is known to talk only by those that watch an idle connection.
SLOWLY = "Ticks every three seconds"
NO_ECHO = r"\d+ checks in need of an echo are left out"


class Case(NamedTuple):
    """How an endpoint is asked, and what has to be said of it, as a pattern. Nothing is said of a silent echo."""

    says: str
    manner: Manner = PLAINLY
    path: str = "/foobar/"


CASES: dict[str, Case] = {
    "Greets with a line": Case("greets each connection with 1 message, which is set apart"),
    "Greets with two lines": Case("greets each connection with 2 messages, which are set apart"),
    "Greets with JSON that differs each time": Case("greets each connection with 1 message, which is set apart"),
    "Greets with one message, or two, or three": Case(
        "greets each connection with messages, whose number differs, and which are set apart"
    ),
    "Ticks each second, in JSON": Case("talks by itself, which is passed over"),
    "Ticks every three seconds": Case(
        "talks by itself now and then, which is passed over from now on", msgspec.structs.replace(PLAINLY, idle=4.0)
    ),
    "A room with somebody in it who talks without end": Case(
        "is a room, where clients hear each other: it is asked one thing at a time"
    ),
    "Says something else before each echo": Case("talks by itself, which is passed over"),
    "Takes three connections at once, and answers others with 429": Case(
        "limits connections: .*one thing at a time", PATIENTLY
    ),
    "Takes three connections at once, and closes others with 1013": Case(
        "limits connections: .*one thing at a time", PATIENTLY
    ),
    "Wants a token first": Case(
        "greets each connection with 1 message, which is set apart",
        msgspec.structs.replace(PLAINLY, first=(TOKEN,)),
    ),
    "Speaks JSON with the message in it": Case("", msgspec.structs.replace(PLAINLY, wrap=WRAPPED)),
    "Speaks Socket.IO": Case("", msgspec.structs.replace(PLAINLY, protocol="socket.io"), path="/"),
    "Answers with words around the message": Case(
        r"answers a message with \"Message text was: MESSAGE\" \(--unwrap 'Message text was: MESSAGE' finds the echo "
        rf"in it\): {NO_ECHO}"
    ),
    "Answers everything with the same": Case(
        rf'answers a message with "{{"ok": true}}", which is no echo: {NO_ECHO}',
    ),
    "Only pushes": Case(f"talks by itself, which is passed over; answers no message: {NO_ECHO}"),
    "Never answers a message": Case(f"answers no message: {NO_ECHO}"),
}
#: What finds each mistake.
FOUND_BY = {
    "RSV1 accepted": "reserved-bits",
    "Each close answered with 1011": "close-normal",
    "Angle brackets escaped": "verbatim",
}
FEW = [CHECKS[one] for one in ("text", "pong-payload", *FOUND_BY.values())]
INTERRUPTS = "Says something else before each echo"


MISTAKEN = {
    f"{endpoint}: {mistake}": (endpoint, mistake)
    for endpoint in ENDPOINTS
    for mistake, found_by in FOUND_BY.items()
    if not (CHECKS[found_by].echo and CASES[endpoint].says.endswith(NO_ECHO))
}


class Found(NamedTuple):
    """What came of one endpoint."""

    examined: Examined
    told: list[str]
    answers: list[Answer]

    def outcomes(self, *verdicts: Verdict) -> list[str]:
        results = self.examined.results
        return [f"{one.check}: {one.outcome} ({one.detail})" for one in results if one.verdict in verdicts]


Results = dict[str, Found]


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Of all endpoints by name, and of those with a mistake."""
    command = [sys.executable, "-m", "tests.faulty.endpoints"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield json.loads(process.stdout.readline())
        process.kill()


async def examine(ports: Mapping[str, int], cases: Mapping[str, Case], checks: list[Check]) -> Results:
    """Put the checks to all of these at once."""
    told = io.StringIO()
    examination = Examination(len(cases), Console(file=told, width=10_000), unexpected)
    subjects = {
        name: of_urls([f"ws://127.0.0.1:{ports[name]}{case.path}"], case.manner)[0] for name, case in cases.items()
    }
    await examination.examine(list(subjects.values()), checks)
    assert examination.unfit == []
    lines = told.getvalue().splitlines()
    urls = {name: subject.examined.url for name, subject in subjects.items()}
    return {
        name: Found(
            subjects[name].examined,
            [line.removeprefix(f"{url}: ") for line in lines if line.startswith(url)],
            [answer for answer in examination.answers if answer.target == url],
        )
        for name, url in urls.items()
    }


def unexpected(_: Examined, result: Result) -> bool:
    return wrong(Target(url="ws://none/"), result)


@pytest.fixture(scope="module")
def examined(ports: dict[str, int]) -> tuple[Results, Results]:
    """The endpoints, and the same with a mistake each."""
    quickly = {name: case for name, case in CASES.items() if name != SLOWLY}
    wrongly = {name: CASES[endpoint] for name, (endpoint, _) in MISTAKEN.items()}

    async def both() -> tuple[Results, Results]:
        found, slow, mistaken = await asyncio.gather(
            examine(ports, quickly, QUICK),
            examine(ports, {SLOWLY: CASES[SLOWLY]}, [*QUICK, *IDLE]),
            examine(ports, wrongly, FEW),
        )
        return found | slow, mistaken

    return asyncio.run(both())


@pytest.fixture
def found(examined: tuple[Results, Results]) -> Results:
    return examined[0]


@pytest.fixture
def mistaken(examined: tuple[Results, Results]) -> Results:
    return examined[1]


def test_every_endpoint_is_asked() -> None:
    assert CASES.keys() == ENDPOINTS.keys()
    assert FOUND_BY.keys() == MISTAKES.keys()


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_wrong_with_an_endpoint_that_is_no_silent_echo(name: str, found: Results) -> None:
    assert found[name].outcomes(Verdict.FAIL, Verdict.ERROR, Verdict.UNDECIDED) == []
    assert len(found[name].outcomes(Verdict.PASS)) >= 45


@pytest.mark.parametrize("name", CASES)
def test_what_an_endpoint_is_like_is_told_in_a_sentence(name: str, found: Results) -> None:
    told = [line for line in found[name].told if not re.match(r"\d+ of \d+ checks left out", line)]

    assert len(told) == bool(CASES[name].says), told
    assert all(re.fullmatch(CASES[name].says, line) for line in told), told


@pytest.mark.parametrize("name", MISTAKEN)
def test_a_mistake_of_such_an_endpoint_is_found(name: str, mistaken: Results) -> None:
    check = CHECKS[FOUND_BY[MISTAKEN[name][1]]]
    [answer] = [one for one in mistaken[name].answers if one.result.check == check.id]
    interrupted = check.echo and answer.transcript.passed_over

    wrong = {one.check for one in mistaken[name].examined.results if one.verdict is not Verdict.PASS}
    assert wrong == {check.id}, mistaken[name].outcomes(Verdict.FAIL, Verdict.ERROR, Verdict.UNDECIDED)
    assert answer.result.verdict is (Verdict.UNDECIDED if interrupted else Verdict.FAIL)


def test_what_is_undecided_says_why(mistaken: Results) -> None:
    [told] = mistaken[f"{INTERRUPTS}: Angle brackets escaped"].outcomes(Verdict.UNDECIDED)

    assert "9 messages of its own or others' came in between, so that the answer cannot be told from that" in told


def test_an_idle_connection_on_which_something_comes_is_no_question_to_who_talks(found: Results) -> None:
    outcomes = {one.check: one for one in found[SLOWLY].examined.results}

    assert outcomes.keys() >= {check.id for check in IDLE}
    assert outcomes["server-pings"].verdict is Verdict.PASS
    assert outcomes["phantom-idle"].verdict is Verdict.UNSUPPORTED
    assert outcomes["phantom-idle"].detail.startswith("about messages that nobody asked for, and it talks by itself")


def test_what_was_set_apart_is_in_the_transcript(found: Results) -> None:
    def notes(name: str) -> list[str]:
        [answer] = [one for one in found[name].answers if one.result.check == "text"]
        return [event.what for event in answer.transcript.events if event.direction == "note"]

    assert notes("Greets with two lines") == ["set apart, as the greeting: 2 messages"]
    [note] = notes(INTERRUPTS)
    assert note.startswith('passed over, as it is not ours: text "zoe: by the way')


def test_what_is_said_first_is_in_no_transcript(found: Results) -> None:
    events = [event for answer in found["Wants a token first"].answers for event in answer.transcript.events]

    assert sum(event.what == "what --first says" for event in events) > 50
    assert [event for event in events if "open-sesame" in event.what or b"open-sesame" in event.data] == []


# -- what came unexpected is asked again


def asking(answers: Iterable[str], **options: bool) -> Check:
    """A check that finds these, one after the other; only `right` is."""
    coming = iter(answers)

    async def experiment(_: Target) -> Observation | str:
        return next(coming)

    return msgspec.structs.replace(CHECKS["text"], id="made-up", expects=("right",), experiment=experiment, **options)


def put(check: Check, target: Target | None = None) -> list[Result]:
    found: list[Result] = []
    report: Report = lambda _, result, __: found.append(result)  # noqa: E731
    asyncio.run(run([target or Target(url="ws://none/", revived=False)], [check], report))
    return found


@pytest.mark.parametrize("options", [{}, {"waits": True}, {"alone": True}])
def test_what_came_unexpected_is_asked_again_and_the_second_answer_counts(options: dict[str, bool]) -> None:
    [mended] = put(asking(["wrong", "right"], **options))
    [twice] = put(asking(["wrong", "wrong"], **options))
    [other] = put(asking(["wrong", "worse"], **options))
    [right] = put(asking(["right"], **options))

    assert (mended.verdict, mended.detail) == (Verdict.PASS, "asked again alone; the first time: wrong")
    assert (twice.verdict, twice.detail) == (Verdict.FAIL, "asked twice")
    assert (other.outcome, other.detail) == ("worse", "asked again alone; the first time: wrong")
    assert (right.verdict, right.detail) == (Verdict.PASS, "")


@pytest.mark.parametrize(("times", "verdict"), [(3, Verdict.PASS), (4, Verdict.FAIL)])
def test_what_the_proxy_of_the_lab_turned_away_is_asked_until_it_is_let_in(times: int, verdict: Verdict) -> None:
    answers = iter([*["HTTP 429"] * times, "right"])

    async def experiment(target: Target) -> str:
        answer = next(answers)
        target.transcript.turned_away = answer != "right"
        return answer

    [found] = put(msgspec.structs.replace(asking([]), experiment=experiment))

    assert found.verdict is verdict


def test_what_stops_the_service_is_asked_once() -> None:
    [stopped] = put(asking(["wrong"], ends=True))

    assert (stopped.verdict, stopped.detail) == (Verdict.FAIL, "")


def test_a_breach_that_was_seen_stays_one_although_the_second_answer_is_right() -> None:
    answers = iter(["wrong", "right"])

    async def experiment(target: Target) -> str:
        answer = next(answers)
        if answer == "wrong":
            target.transcript.breaches.append(("frame", "masked"))
        return answer

    logs: list[Transcript] = []
    check = msgspec.structs.replace(asking([]), experiment=experiment)
    target = Target(url="ws://none/", limiter=Limiter())
    asyncio.run(run([target], [check], lambda _, __, log: logs.append(log)))

    assert [log.breaches for log in logs] == [[("frame", "masked")]]


def test_an_interrupted_run_reports_what_was_to_be_asked_again() -> None:
    async def interrupt() -> list[Result]:
        answers, asked_again = iter(["wrong"]), asyncio.Event()

        async def experiment(_: Target) -> str:
            for answer in answers:
                return answer
            asked_again.set()
            return await asyncio.sleep(60, "right")

        found: list[Result] = []
        check = msgspec.structs.replace(asking([]), experiment=experiment)
        running = asyncio.create_task(run([Target(url="ws://none/")], [check], lambda _, one, __: found.append(one)))
        await asked_again.wait()
        running.cancel()
        await asyncio.wait([running])
        return found

    [reported] = asyncio.run(interrupt())

    assert (reported.verdict, reported.outcome) == (Verdict.FAIL, "wrong")


def test_an_endpoint_that_turns_away_is_not_asked_side_by_side_any_longer() -> None:
    underway, turned_away = set[object](), list[object]()

    async def experiment(target: Target) -> str:
        underway.add(one := object())
        try:
            if len(underway) > 3:
                turned_away.append(one)
                target.transcript.turned_away = True
                return "close 1013"
            await asyncio.sleep(0.01)
            return "right"
        finally:
            underway.remove(one)

    found, told = list[Result](), list[str]()
    checks = [
        msgspec.structs.replace(asking([]), id=f"made-up-{number}", experiment=experiment) for number in range(30)
    ]
    target = Target(url="ws://none/", limiter=Limiter())
    report: Report = lambda _, result, __: found.append(result)  # noqa: E731
    asyncio.run(run([target], checks, report, tell=lambda _, what: told.append(what)))

    assert sorted(one.check for one in found) == sorted(check.id for check in checks)
    assert {one.verdict for one in found} == {Verdict.PASS}
    assert 0 < len(turned_away) <= runner.AT_ONCE
    assert told == [runner.LIMITED]


def test_an_endpoint_that_always_turns_away_limits_nothing() -> None:
    async def experiment(target: Target) -> str:
        target.transcript.turned_away = True
        return "close 1008"

    told: list[str] = []
    limiter = Limiter()
    check = msgspec.structs.replace(asking([]), experiment=experiment)
    target = Target(url="ws://none/", limiter=limiter)
    asyncio.run(run([target], [check], lambda *_: None, tell=lambda _, what: told.append(what)))

    assert (limiter.connections, told) == (None, [])


def test_asking_again_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "AGAIN_WITHIN", 0.0)

    [first] = put(asking(["wrong"]))

    assert (first.outcome, first.detail) == ("wrong", "not asked again, as so much else was")


@pytest.mark.parametrize("connections", [1, 2])
def test_an_endpoint_that_greets_may_be_asked_to_take_few_connections(connections: int, ports: dict[str, int]) -> None:
    name = "Greets with two lines"
    case = CASES[name]._replace(manner=msgspec.structs.replace(PLAINLY, connections=connections))

    found = asyncio.run(examine(ports, {name: case}, FEW))[name]

    assert found.told == [case.says]
    assert {one.verdict for one in found.examined.results} == {Verdict.PASS}


# -- whose a message is


@pytest.mark.parametrize(
    ("heard", "ours"),
    [
        ("brick 17", True),
        ("BRICK 17", True),
        ("you said: brick 17", True),
        ("brick", True),
        ("", True),
        ('{"tick": 5}', False),
        ("zoe: hello all of you", False),
        ("Is this a wall?", False),
    ],
)
def test_a_message_is_ours_if_it_may_be_made_of_what_was_said(heard: str, ours: bool) -> None:
    hearsay = Hearsay()
    hearsay.say(b"brick 17")
    hearsay.say(b"x")

    assert hearsay.is_ours(heard.encode()) is ours


# -- how a message is put into other text


@pytest.mark.parametrize(
    ("template", "unwrap", "text", "sent", "answer"),
    [
        (WRAPPED, None, 'a "b"\n\x00é', '{"type": "say", "text": "a \\"b\\"\\n\\u0000é"}', None),
        ('["say", {"a": ["MESSAGE!"]}]', None, "x", '["say", {"a": ["x!"]}]', None),
        ("say <MESSAGE>", None, 'a "b"', 'say <a "b">', None),
        (WRAPPED, "/data/0/a~1b~0", "x", '{"type": "say", "text": "x"}', '{"data": [{"a/b~": "x"}]}'),
        (WRAPPED, '{"said": "MESSAGE"}', "x", '{"type": "say", "text": "x"}', '{"id": 1, "said": "x"}'),
        (WRAPPED, "MESSAGE", "x", '{"type": "say", "text": "x"}', "x"),
        ("MESSAGE", "> MESSAGE", "x", "x", "> x"),
    ],
)
def test_a_message_is_put_into_a_template_and_found_again(
    template: str, unwrap: str | None, text: str, sent: str, answer: str | None
) -> None:
    codec = Wrapping(template, place(unwrap or template))

    assert codec.wrap(text.encode()).decode() == sent
    assert codec.wrap(b"ab").startswith(codec.begin(b"a"))
    assert codec.unwrap(Message(TEXT, (answer or sent).encode())) == Message(TEXT, text.encode())


@pytest.mark.parametrize("received", ["no JSON", "[]", "3", '{"text": 3}', '{"data": "x"}', "[" * 100_000, "\ud800"])
def test_a_message_that_has_no_such_place_is_left_as_it_is(received: str) -> None:
    codec = Wrapping(WRAPPED, place("/text"))
    message = Message(TEXT, received.encode("utf-8", "surrogatepass"))

    assert codec.unwrap(message) == message
    assert codec.unwrap(Message(BINARY, b"\xff")) == Message(BINARY, b"\xff")
    assert codec.wrap(b"wall \xff") == b'{"type": "say", "text": "wall \xff"}'


def test_the_default_path_and_query_of_socket_io_are_added_where_they_are_missing() -> None:
    manner = msgspec.structs.replace(PLAINLY, protocol="socket.io")
    urls = ["ws://a.example", "ws://a.example/x/?EIO=4&b=1", "ws://a.example/?transport=websocket&token=abc"]

    targets = [subject.target for subject in of_urls(urls, manner)]

    assert [target.resource for target in targets] == [
        "/socket.io/?EIO=4&transport=websocket",
        "/x/?EIO=4&b=1&transport=websocket",
        "/socket.io/?transport=websocket&token=abc&EIO=4",
    ]
    assert targets[2].url == "ws://a.example/socket.io/?transport=websocket&token=***"
    assert of_urls(["ws://a.example"], PLAINLY)[0].target.codec is PLAIN

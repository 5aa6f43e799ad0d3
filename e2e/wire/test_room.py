"""The chat room of services/README.md, on the wire: history, changing stacks, bad and unusual input, who is there."""

import json
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from wsproto.frame_protocol import Opcode

from e2e.support import raw_http, room, websocket
from e2e.support.dialling import origin_of
from e2e.support.room import Enter, Message, Visitor, texts
from e2e.support.websocket import ClosedError, NoAnswerError
from echowall.catalog.catalog import Service

#: Seconds in which an error comes, which some stacks are known never to send.
SOON = 3


@pytest.fixture
def twenty(enter: Enter, service: Service, mark: str) -> list[Message]:
    """Twenty messages in the room, said by the stack under test, all under one nick. (Five hundred are missed and heard
    in stories/test_together.py: each message wakes every stack.)"""
    speaker = enter(service)
    for number in range(20):
        speaker.say(f"twenty {mark}", f"{number} of 20")
    return speaker.hear(f"twenty {mark}", 20)


# History


def test_a_visitor_who_enters_after_an_id_hears_everything_since(
    enter: Enter, service: Service, mark: str, twenty: list[Message], subtests: pytest.Subtests
) -> None:
    nick = twenty[0].nick

    with subtests.test("the id of a message"):
        history = enter(service, twenty[9].id).history()
        assert [message for message in history if message.nick == nick] == twenty[10:]
        assert history[0].order > twenty[9].order

    with subtests.test("an id between two messages"):
        milliseconds, number = twenty[12].order
        history = enter(service, f"{milliseconds}-{number + 1000}").history()
        later = [message for message in twenty if message.order > (milliseconds, number + 1000)]
        assert [message for message in history if message.nick == nick] == later

    with subtests.test("the last id"):
        visitor = enter(service, twenty[-1].id)
        history = visitor.history()
        visitor.say(mark, "something new")
        assert nick not in {message.nick for message in history}
        assert texts(visitor.hear(mark)) == ["something new"]


def test_a_message_heard_by_another_stack_is_not_repeated(
    enter: Enter, service: Service, other: Service, mark: str
) -> None:
    elsewhere = enter(other)
    for number in range(10):
        elsewhere.say(mark, f"{number}, heard elsewhere")
        (heard,) = elsewhere.hear(mark)

        # This stack may not have the message yet.
        visitor = enter(service, heard.id)
        elsewhere.say(mark, f"{number}, heard here")

        assert texts(visitor.hear(mark)) == [f"{number}, heard here"]
        elsewhere.hear(mark)


# Changing stacks


def test_a_visitor_can_continue_by_another_stack(enter: Enter, service: Service, other: Service, mark: str) -> None:
    visitor = enter(service)
    visitor.history()
    heard: list[Message] = []
    for number in range(10):
        visitor.say(mark, f"{number}")
        heard += visitor.hear(mark)
        visitor = enter((other, service)[number % 2], heard[-1].id)

    visitor.say(mark, "last")

    assert texts([*heard, *visitor.hear(mark)]) == [*map(str, range(10)), "last"]


# Bad input


def _say(text: object, nick: object = "mark", **more: object) -> str:
    return json.dumps({"nick": nick, "text": text, **more})


MALFORMED = {
    "no JSON": "hello",
    "half of it": '{"nick": "mark", "te',
    "two at once": _say("one") + _say("two"),
    "a trailing comma": '{"nick": "mark", "text": "x",}',
    "single quotes": "{'nick': 'mark', 'text': 'x'}",
    "null": "null",
    "true": "true",
    "a number": "1",
    "a string": '"hello"',
    "an array": '["mark", "x"]',
    "an empty object": "{}",
    "no text": '{"nick": "mark"}',
    "no nick": '{"text": "x"}',
    "an unknown key": _say("x", colour="red"),
    "an id of one's own": _say("x", id="1-1"),
    "somebody else's stack": _say("x", service="mark"),
    "a number for the text": _say(1),
    "null for the text": _say(None),
    "an object for the text": _say({"text": "x"}),
    "an array for the nick": _say("x", ["mark"]),
    "true for the nick": _say("x", True),
    "NaN": '{"nick": "mark", "text": NaN}',
    "a number beyond all bounds": '{"nick": "mark", "text": 1e999}',
    "a number of 5000 digits": f'{{"nick": "mark", "text": {"9" * 5000}}}',
    "an empty text": _say(""),
    "an empty nick": _say("x", ""),
    "a blank text": _say(" \t\r\n\u3000\u2003"),
    "a blank nick": _say("x", " \u00a0"),
    "a text too long by one": _say("x" * 2001),
    "a text of emoji too long by one": _say("🚀" * 2001),
    "a nick too long by one": _say("x", "n" * 33),
    "half an emoji in the text": '{"nick": "mark", "text": "\\ud83d"}',
    "the other half": '{"nick": "mark", "text": "x \\ude80 x"}',
    "the halves the wrong way round": '{"nick": "mark", "text": "\\ude80\\ud83d"}',
    "half an emoji in the nick": '{"nick": "\\ud83d", "text": "x"}',
    "half an emoji for a key": '{"nick": "mark", "text": "x", "\\ud83d": 1}',
    "nested 50 deep": '{"nick": "mark", "text": ' + "[" * 50 + "]" * 50 + "}",
    "a text of a million characters": _say("x" * 1_000_000),
    "a million unknown letters": json.dumps({"x" * 1_000_000: 1}),
}


def test_only_the_sender_is_told_of_a_bad_message(
    enter: Enter, service: Service, other: Service, mark: str, subtests: pytest.Subtests
) -> None:
    beside, elsewhere = enter(service), enter(other)
    sender = None
    for name, wrong in MALFORMED.items():
        with subtests.test(name):
            at_fault, sender = sender or enter(service), None  # another for the next case, if this one fails

            at_fault.client.send_json(wrong.replace('"mark"', f'"{mark}"'))

            assert at_fault.error()
            sender = at_fault

    sender = sender or enter(service)
    sender.say(mark, "and now right")
    for visitor in (sender, beside, elsewhere):
        assert texts(visitor.hear(mark)) == ["and now right"]


@pytest.mark.check("chat-deep-nesting")
def test_json_nested_100_000_deep_gets_an_error(enter: Enter, service: Service, mark: str) -> None:
    sender = enter(service)

    sender.client.send_json(f'{{"nick": "{mark}", "text": {"[" * 100_000}{"]" * 100_000}}}')

    assert sender.error(seconds=SOON)


def test_json_nested_100_000_deep_does_not_end_the_service(enter: Enter, service: Service, mark: str) -> None:
    sender, beside = enter(service), enter(service)

    sender.client.send_json(f'{{"nick": "{mark}", "text": {"[" * 100_000}{"]" * 100_000}}}')
    sender.say(mark, "and now right")

    assert texts(beside.hear(mark)) == ["and now right"]


@pytest.mark.check("chat-empty-message")
def test_an_empty_message_gets_an_error(enter: Enter, service: Service) -> None:
    sender = enter(service)

    sender.client.send_json("")

    assert sender.error(seconds=SOON)


def test_binary_that_is_not_json_gets_an_error(enter: Enter, service: Service, mark: str) -> None:
    sender = enter(service)

    sender.client.send(b"\xff\xfe\x00binary\x80")

    assert sender.error()
    sender.say(mark, "and now in words")
    assert texts(sender.hear(mark)) == ["and now in words"]


def test_bad_messages_get_errors_and_the_good_ones_between_them_are_heard(
    enter: Enter, service: Service, mark: str
) -> None:
    sender = enter(service)

    for number in range(20):
        sender.client.send_json("wrong")
        sender.say(mark, f"right {number}")

    right, errors = answers(sender, mark, 40)
    assert texts(right) == [f"right {number}" for number in range(20)]
    assert len(errors) == 20


def test_a_duplicate_key_does_not_break_the_room(enter: Enter, service: Service, mark: str) -> None:
    """JSON leaves open which of the two counts, and whether a duplicate is an error (RFC 8259, section 4)."""
    sender = enter(service)

    sender.client.send_json(f'{{"nick": "{mark}", "text": "one", "text": "two"}}')
    answers(sender, mark, 1)

    sender.say(mark, "and now once")
    assert texts(sender.hear(mark)) == ["and now once"]


NOT_UTF8 = b'{"nick": "%s", "text": "\xff\xc3("}'


@pytest.mark.check("chat-invalid-utf8")
def test_text_that_is_not_utf8_gets_an_error_or_closes_the_socket(enter: Enter, service: Service, mark: str) -> None:
    """RFC 6455, section 8.1, has the connection fail. The contract of the room allows an error in its place."""
    sender = enter(service)
    sender.history()

    sender.client.send_frame(Opcode.TEXT, NOT_UTF8 % mark.encode())

    with suppress(ClosedError):
        assert sender.error(seconds=SOON)


def test_text_that_is_not_utf8_does_not_disturb_others(
    enter: Enter, service: Service, other: Service, mark: str
) -> None:
    sender, beside, elsewhere = enter(service), enter(service), enter(other)
    sender.history()

    sender.client.send_frame(Opcode.TEXT, NOT_UTF8 % mark.encode())

    beside.say(mark, "still here")
    assert texts(beside.hear(mark)) == texts(elsewhere.hear(mark)) == ["still here"]


def test_a_message_over_the_limit_closes_only_its_own_socket(
    enter: Enter, service: Service, mark: str, limit: int
) -> None:
    sender, beside = enter(service), enter(service)

    with suppress(NoAnswerError):  # the service may cut it in the middle of the message
        sender.client.send_json(_say("x" * limit))
    with pytest.raises(ClosedError):
        sender.error()

    beside.say(mark, "still here")
    assert texts(beside.hear(mark)) == ["still here"]


# Unusual input

UNUSUAL = {
    "markup": "<img src=x onerror=alert(1)><script>alert(2)</script>&lt;b&gt;</li>",
    "quotes and backslashes": '"\'`\\" \\u0041 \\n \\\\ ${1+1} {{7*7}} %s %00 {0}',
    "control characters": "".join(map(chr, range(0x20))) + "\x7f\x80\x85\x9f",
    "NUL in the middle": "a\0b\0",
    "line ends": "one\ntwo\r\nthree\u2028four\u2029five\x0bsix\x0cseven",
    "bidirectional overrides": "\u202eesrever\u202c \u2066isolated\u2069 \u200f שלום \u061c سلام",
    "noncharacters": "\ufffe\uffff\ufdd0\U0001ffff\U0010ffff",
    "combining and joined": "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A 👩‍👩‍👧‍👦 🇨🇳 é é \u200b\u200d\ufeff",
    "words of Redis": "*3\r\n$3\r\nDEL\r\n$6\r\nfoobar\r\n XADD foobar MAXLEN 0 * $ > - + 0-0",
    "a message of the room": '{"id": "1-1", "service": "x", "nick": "y", "text": "z", "ts": 1}',
    "a packet of Socket.IO": '42["message",{}]',
    "spaces around": "   kept as they are \n",
    "2000 characters": "x" * 1000 + "é" * 1000,
}


def test_unusual_text_comes_back_as_it_was(
    enter: Enter, service: Service, other: Service, mark: str, subtests: pytest.Subtests
) -> None:
    three: list[Visitor] = []
    for name, unusual in UNUSUAL.items():
        with subtests.test(name):
            speaker, listener, back = three or [enter(service), enter(other), enter(other)]
            three = []  # new visitors for the next case, if this one fails
            nick = unusual[:19] + mark

            back.say(nick, unusual)
            speaker.say(nick, unusual)

            for visitor in (speaker, listener, back):
                messages = visitor.hear(mark, 2)
                assert [(message.nick, message.text) for message in messages] == [(nick, unusual)] * 2
                assert {message.service for message in messages} == {service.name, other.name}
            three = [speaker, listener, back]


def test_limits_count_characters_and_not_bytes_or_surrogates(enter: Enter, service: Service, mark: str) -> None:
    speaker = enter(service)
    nick, text = "🚀" * (32 - len(mark)) + mark, "🚀" * 2000

    speaker.say(nick, text)

    assert [(message.nick, message.text) for message in speaker.hear(mark)] == [(nick, text)]


# Who is there, who may enter, and who leaves


def test_a_newcomer_is_told_who_is_online(enter: Enter, service: Service, other: Service) -> None:
    enter(other)
    visitor = enter(service)

    while not {service.name, other.name} <= visitor.online.keys():
        visitor.next(5)

    assert all(count > 0 for count in visitor.online.values())


def test_who_closes_is_let_go_of(enter: Enter, service: Service) -> None:
    """A server ends the TCP connection after the closing handshake (RFC 6455, section 7.1.1)."""
    visitor = enter(service)
    visitor.history()

    visitor.client.close()

    visitor.client.wait_gone()


def test_a_plain_get_is_refused(base_url: str, service: Service) -> None:
    answer = raw_http.request(base_url, f"/{service.name}/chat/")

    assert 400 <= answer.status < 500, f"{service.name} answered {answer.status} {answer.body[:200]!r}"


def test_a_foreign_origin_is_treated_as_the_catalog_says(base_url: str, service: Service) -> None:
    own, sibling = origin_of(base_url), f"http://{urlsplit(base_url).hostname}.elsewhere.example"

    with websocket.connect(base_url, service, "chat/", origin=own) as client:
        assert room.Visitor(client, service).history() is not None
    try:
        with websocket.connect(base_url, service, "chat/", origin=sibling) as client:
            room.Visitor(client, service).history()
            welcome = "accepted"
    except websocket.RefusedError as refusal:
        welcome = "refused" if 400 <= refusal.status < 500 else str(refusal)
    assert welcome == service.foreign_origin


def answers(visitor: Visitor, mark: str, count: int) -> tuple[list[Message], list[str]]:
    """The next messages of that mark and errors, `count` of both together."""
    messages: list[Message] = []
    errors: list[str] = []
    while len(messages) + len(errors) < count:
        match visitor.next():
            case Message() as message if message.nick == mark:
                messages.append(message)
            case room.Error(error):
                errors.append(error)
    return messages, errors

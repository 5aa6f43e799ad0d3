"""Cases of the fuzz: a handshake and frames of which one thing or a few are wrong, made from a seed and a number.

They have the structure of what a client sends (RFC 9112, RFC 6455): random bytes alone get no further than the first
line. The same seed and number make the same bytes.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Literal, NamedTuple

from echowall.check.wire import Codec
from echowall.check.wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_payload, encode

#: Bytes that mean something in HTTP, in frames, in UTF-8 or in DEFLATE.
_TELLING = b"\x00\x01\x0a\x0d\x20\x22\x2c\x3a\x3b\x7e\x7f\x80\x81\x82\x88\x89\x8a\xc0\xc1\xed\xf4\xfe\xff"
_LENGTHS = (
    0,
    1,
    124,
    125,
    126,
    127,
    128,
    65535,
    65536,
    70_000,
    *(2**bits - less for bits in (31, 32, 63, 64) for less in (1, 0)),
)[:-1]
_CODES = (None, 0, 1, 999, 1000, 1001, 1002, 1004, 1005, 1006, 1007, 1009, 1015, 1016, 2999, 3000, 4999, 5000, 65535)
_NOT_UTF8 = (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"ab\xf0\x9f\x98")
_JSON = (b"{", b"[]", b"null", b'{"nick": 1}', b'{"nick": "\\ud800", "text": "x"}', b"[" * 5000, b'{"a":' * 2000,
         b'{"nick": "", "text": ""}', b"1e999", b'"\\u0000"')  # fmt: skip
_VALUES = (
    "",
    " ",
    ",",
    ";",
    "\t",
    "\x00",
    "\xff\xfe",
    "x" * 7000,
    "a, " * 500,
    "=",
    '"',
    "websocket, websocket",
    "13, 8",
)
#: Headers that servers of WebSockets read.
_READ = {
    "Sec-WebSocket-Extensions": (
        "permessage-deflate; client_max_window_bits=99",
        "permessage-deflate; server_max_window_bits=0",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; =",
        "permessage-deflate;;",
        ", ".join(["permessage-deflate"] * 200),
        "x-webkit-deflate-frame",
        'a; b="\\',
    ),
    "Sec-WebSocket-Protocol": ("echo, echo", "\xe9", ",".join("abc" for _ in range(500)), "echo;q=1", "a b"),
    "Sec-WebSocket-Version": ("", "0", "-1", "8", "99999999999999999999", "13.0", "0x0d"),
    "Sec-WebSocket-Key": ("", "AAAA", "=" * 24, "A" * 5000, "dGhlIHNhbXBsZSBub25jZQ", "\xff" * 24),
    "Upgrade": ("", "h2c", "websocket, h2c", "WebSocket/13", "TLS/1.0"),
    "Connection": ("", "close", "close, Upgrade", "Upgrade, Upgrade", "keep-alive"),
    "Host": ("", "a b", "[", "x" * 3000, "127.0.0.1:99999", "a:b:c", "\xe4.example"),
    "Origin": ("null", "http://", "javascript:alert(1)", "http://a, http://b", "\xff"),
    "Content-Length": ("0", "-1", "5", "99999999999999999999", "1, 2", "0x10"),
    "Transfer-Encoding": ("chunked", "identity", "chunked, chunked", "\x0bchunked"),
    "Cookie": ("\xe9=\xe9", "=", "a=" + "b" * 6000, ";" * 500),
    "Expect": ("100-continue", "200-ok"),
    "X-Forwarded-For": ("127.0.0.1" + ", ::1" * 300, "\x00"),
    "Content-Type": ("multipart/form-data; boundary=", "text/html; charset=\xff"),
}
_LINES = (
    "GET",
    "GET {target}",
    "GET {target} HTTP/0.9",
    "GET {target} HTTP/2.0",
    "GET {target} HTTP/1.1.1",
    "GET {target} HTTP/1.0",
    "GET  {target}  HTTP/1.1",
    "get {target} HTTP/1.1",
    "POST {target} HTTP/1.1",
    "HEAD {target} HTTP/1.1",
    "CONNECT localhost:1 HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "PRI * HTTP/2.0",
    "X" * 3000 + " {target} HTTP/1.1",
    "GET http://localhost{target} HTTP/1.1",
    "GET //{target} HTTP/1.1",
    "GET {target}%00 HTTP/1.1",
    "GET {target}%ff%fe HTTP/1.1",
    "GET {target}\xff HTTP/1.1",
    "GET {target}?%zz=%&&&==&after=\x00 HTTP/1.1",
    "GET {target}?after=%ff HTTP/1.1",
    "GET {target}?" + "a=b&" * 1500 + " HTTP/1.1",
    "GET \\ HTTP/1.1",
    "GET {target}#x HTTP/1.1",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)

#: What ends the head of a request (RFC 9112, section 2.1).
_EMPTY_LINE = b"\r\n\r\n"

Lines = list[str]


class Case(NamedTuple):
    """What is sent over one connection."""

    number: int
    head: bytes
    """The handshake."""
    frames: tuple[bytes, ...]
    """What follows it."""
    waits: bool
    """Whether the frames wait for the answer to the handshake."""
    pieces: int
    """In how many pieces what follows is written."""
    end: Literal["close", "half", "reset"]
    """How the connection ends on our side, unless the server ends it: orderly, our half first (FIN), or by a reset."""

    def without_fragments(self) -> Case:
        """The same up to the first frame, as a server reads them, that is a part of a message of several.

        For a server the frames begin behind the first empty line, which may be elsewhere than the handshake was to end.
        """
        sent = self.head + b"".join(self.frames)
        head, end, _ = sent.partition(_EMPTY_LINE)
        at = len(head) + len(end)
        while end and at + 2 <= len(sent):
            if not sent[at] & 0x80 or not sent[at] & 0x0F:
                begin = len(self.head)
                return self._replace(head=sent[: min(at, begin)], frames=(sent[begin:at],) if at > begin else ())
            length = sent[at + 1] & 0x7F
            extended = {126: 2, 127: 8}.get(length, 0)
            if extended:
                length = int.from_bytes(sent[at + 2 : at + 2 + extended], "big")
            at += 2 + extended + (4 if sent[at + 1] & 0x80 else 0) + length
        return self

    def bytes_in_words(self) -> str:
        """All that is sent, for a report."""
        following = " ".join(frame.hex() for frame in self.frames)
        return f"{self.head!r} and then, in hex, {following or 'nothing'}"


def make(seed: int, number: int, host: str, query: str, codec: Codec) -> Case:
    """That case. `host` is for the Host header, and `query` what the protocol above WebSocket adds to the target's."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311  no secret
    path = "/chat/" if dice.random() < 0.1 else "/foobar/"
    lines = _handshake(dice, host, f"{path}?{query}" if query else path)
    broken = dice.random() < 0.4
    if broken:
        for _ in range(dice.randint(1, 2)):
            dice.choice(_WRONG_HEADS)(dice, lines)
    head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
    if broken and dice.random() < 0.25:
        head = _mutated(dice, head)
    frames = [_frame(dice, step.say) for step in codec.opening if step.say is not None and dice.random() < 0.95]
    for _ in range(dice.randint(0, 6)):
        frames += dice.choice(_TALK)(dice, codec)
    if frames and dice.random() < 0.2:
        at = dice.randrange(len(frames))
        frames[at] = _mutated(dice, frames[at])
    if frames and dice.random() < 0.1:
        frames[-1] = frames[-1][: dice.randrange(len(frames[-1]) + 1)]
    return Case(
        number,
        head,
        tuple(frames),
        waits=dice.random() < 0.8,
        pieces=dice.choice((1, 1, 1, 2, 5)),
        end=dice.choice(("close", "half", "reset")),
    )


def _handshake(dice: random.Random, host: str, target: str) -> Lines:
    key = base64.b64encode(dice.randbytes(16)).decode()
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    if dice.random() < 0.3:
        lines.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
    if dice.random() < 0.2:
        lines.append("Sec-WebSocket-Protocol: echo, other")
    return lines


def _mutated(dice: random.Random, data: bytes) -> bytes:
    """The same with one to three bytes, or runs of bytes, changed, added or taken away."""
    found = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(found) + 1)
        match dice.randrange(5):
            case 0:
                found[at : at + 1] = dice.randbytes(1)
            case 1:
                found[at : at + 1] = bytes([dice.choice(_TELLING)])
            case 2:
                found[at:at] = bytes(dice.choices(_TELLING, k=dice.randint(1, 8)))
            case 3:
                del found[at : at + dice.randint(1, 16)]
            case 4:
                found[at:at] = found[at : at + dice.randint(1, 64)]
    return bytes(found)


# Heads of which something is wrong


def _drop(dice: random.Random, lines: Lines) -> None:
    if len(lines) > 1:
        del lines[dice.randrange(1, len(lines))]


def _double(dice: random.Random, lines: Lines) -> None:
    lines.insert(dice.randrange(1, len(lines) + 1), dice.choice(lines))


def _value(dice: random.Random, lines: Lines) -> None:
    at = dice.randrange(len(lines))
    lines[at] = f"{lines[at].partition(':')[0]}: {dice.choice(_VALUES)}"


def _header(dice: random.Random, lines: Lines) -> None:
    name = dice.choice(list(_READ))
    value = dice.choice(_READ[name])
    others = [line for line in lines if not line.lower().startswith(f"{name.lower()}:")]
    lines[:] = [*(lines if dice.random() < 0.2 else others), f"{name}: {value}"]


def _line(dice: random.Random, lines: Lines) -> None:
    target = lines[0].split(" ")[1] if lines[0].count(" ") > 1 else "/foobar/"
    lines[0] = dice.choice(_LINES).replace("{target}", target)


def _spelling(dice: random.Random, lines: Lines) -> None:
    """What stands where the name, the colon or the end of a line should."""
    at = dice.randrange(len(lines))
    name, _, value = lines[at].partition(":")
    lines[at] = dice.choice(
        (
            f"{name} : {value}",
            f"{name}{value}",
            f":{value}",
            f" {lines[at]}",
            f"{name}:\r\n {value}",
            f"{name}:{value}\n",
            f"{name}:{value}\r",
            f"{name.upper()}:{value}",
            f"{name}\x00:{value}",
            f"{name}(:{value}",
        )
    )


def _many(dice: random.Random, lines: Lines) -> None:
    lines += [f"X-{number}: {dice.randrange(1000)}" for number in range(dice.choice((50, 150, 1000)))]


_WRONG_HEADS: tuple[Callable[[random.Random, Lines], None], ...] = (
    *(_drop, _double, _value, _header, _header, _header, _line, _spelling, _many),
)


# Frames, right and wrong


def _frame(dice: random.Random, payload: bytes, opcode: int = TEXT, **wrong: int | bool | None) -> bytes:
    return encode(opcode, payload, key=dice.randbytes(4), **wrong)  # type: ignore[arg-type]


def _text(dice: random.Random, codec: Codec) -> bytes:
    said = dice.choice((b"", b"hello", "回音壁 🙂".encode(), b"x" * dice.choice((125, 126, 1000, 70_000)), *_JSON))
    return codec.wrap(said) if dice.random() < 0.7 else said


def _right(dice: random.Random, codec: Codec) -> list[bytes]:
    if dice.random() < 0.3:
        return [_frame(dice, dice.randbytes(dice.choice((0, 1, 125, 126, 65536))), BINARY)]
    return [_frame(dice, _text(dice, codec))]


def _control(dice: random.Random, _: Codec) -> list[bytes]:
    size = dice.choice((0, 1, 125, 125, 126, 1000))
    return [_frame(dice, dice.randbytes(size), dice.choice((PING, PONG)), fin=dice.random() < 0.9)]


def _fragments(dice: random.Random, codec: Codec) -> list[bytes]:
    """Of one message: in order, or with something in between, or without a beginning or an end."""
    payload = _text(dice, codec)
    count = dice.choice((2, 3, 50))
    size = len(payload) // count + 1
    parts = [payload[at * size : (at + 1) * size] for at in range(count)]
    sent = [
        _frame(dice, part, CONTINUATION if at else dice.choice((TEXT, BINARY)), fin=at == count - 1)
        for at, part in enumerate(parts)
    ]
    match dice.randrange(5):
        case 0:
            sent.insert(dice.randrange(len(sent)), _frame(dice, b"between", dice.choice((PING, TEXT, CLOSE))))
        case 1:
            del sent[0]
        case 2:
            del sent[-1]
    return sent


def _bits(dice: random.Random, codec: Codec) -> list[bytes]:
    """Opcodes, reserved bits and masking as they may not be."""
    return [
        _frame(
            dice,
            _text(dice, codec)[:2000],
            dice.randrange(16),
            fin=dice.random() < 0.8,
            rsv=dice.choice((0, 0x10, 0x20, 0x40, 0x70)),
            masked=dice.random() < 0.8,
        )
    ]


def _length(dice: random.Random, _: Codec) -> list[bytes]:
    """A length that is not that of the payload, or is not written as it should be."""
    length = dice.choice(_LENGTHS)
    forms = [form for form, most in ((7, 1 << 7), (16, 1 << 16), (64, 1 << 64)) if length < most]
    payload = dice.randbytes(dice.choice((0, 1, 5, 126, 2000)))
    return [_frame(dice, payload, dice.choice((TEXT, BINARY, PING)), length=length, form=dice.choice(forms))]


def _utf8(dice: random.Random, codec: Codec) -> list[bytes]:
    return [_frame(dice, codec.wrap(b"a" * dice.choice((0, 3, 1000)) + dice.choice(_NOT_UTF8)))]


def _deflate(dice: random.Random, _: Codec) -> list[bytes]:
    """What says that it is compressed, and is not, or is cut off."""
    payload = dice.choice(
        (dice.randbytes(60), b"\xca\x48\xcd\xc9\xc9\x07", b"\xca\x48", b"", b"\x00\x00\x00\xff\xff", b"\x07")
    )
    return [_frame(dice, payload, dice.choice((TEXT, BINARY, CONTINUATION, PING)), rsv=0x40)]


def _close(dice: random.Random, codec: Codec) -> list[bytes]:
    """A close frame, and maybe more after it."""
    payload = dice.choice(
        (
            close_payload(dice.choice(_CODES), dice.choice((b"", b"bye", b"r" * 123, b"r" * 200, *_NOT_UTF8))),
            b"\x03",
        )
    )
    after = _right(dice, codec) if dice.random() < 0.4 else []
    return [_frame(dice, payload, CLOSE), *after]


_TALK: tuple[Callable[[random.Random, Codec], list[bytes]], ...] = (
    *(_right, _right, _control, _fragments, _bits, _length, _utf8, _deflate, _close),
)

"""What was found, for people to read: as entries of service.toml, and frame by frame. Tables are in tables.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from echowall.catalog.catalog import Route, Service
from echowall.check.examination import Answer
from echowall.check.judging import standing
from echowall.check.registry import Check
from echowall.check.wire import Event, Transcript, printable
from echowall.check.wire.frames import mask
from echowall.check.wire.secrets import Secrets
from echowall.check.wire.stream import KEPT
from echowall.results.model import Examined
from echowall.results.verdicts import Standing, Verdict


def toml(examined: Iterable[Examined], services: Mapping[str, Service]) -> str:
    """The wrong answers that service.toml does not list, as entries for it that lack their causes.

    Of a service with its mends off they are `[[mended]]` entries, otherwise `[[known]]`.
    """
    found: dict[tuple[str, str, str, bool], list[Route | None]] = {}
    routes: dict[str, set[Route | None]] = {}
    for target in examined:
        routes.setdefault(target.name, set()).add(target.via)
        for result in target.results:
            kind, _ = standing(result, target, services.get(target.name))
            if kind is Standing.SURPRISE and result.verdict is Verdict.FAIL:
                key = target.name, result.check, result.outcome, target.mends == "off"
                found.setdefault(key, []).append(target.via)
    lines = []
    for (name, check, outcome, bare), vias in found.items():
        both = bare or len(vias) > 1 or routes[name] == {None}
        lines += [
            f"# services/{name}/service.toml" if name in services else f"# {name}",
            "[[mended]]" if bare else "[[known]]",
            f"checks = [{_quoted(check)}]",
            *(['by = "TODO: the function or class of mends.py"'] if bare else []),
            f"outcome = {_quoted(outcome)}",
            'reason = "TODO: the cause, in the library"',
            'link = "https://example.org/TODO"',
            *([] if both else [f"via = {_quoted(str(vias[0]))}"]),
            "",
        ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A string as TOML has it, whose escapes are among JSON's."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


def explain(console: Console, check: Check, answers: Iterable[Answer]) -> None:
    """Print the question, its section, and for each target every byte that was sent and received."""
    console.print(f"[bold]{check.id}[/bold] · {check.group} · {check.section}", highlight=False)
    console.print(escape(check.question), highlight=False)
    console.print(f"Right: {escape(' or '.join(check.expects))}.", highlight=False)
    for name, result, log in answers:
        mark = _STYLES.get(result.verdict, "red")
        console.print(
            f"\n[bold]{escape(name)}[/bold]: [{mark}]{result.verdict}[/{mark}], {escape(result.outcome)}",
            highlight=False,
        )
        if result.detail:
            console.print(f"  {escape(result.detail)}", highlight=False)
        for event in _shortened(log.events):
            console.print(_told(event, log), highlight=False, soft_wrap=True)


_STYLES = {Verdict.PASS: "green", Verdict.UNSUPPORTED: "dim", Verdict.UNDECIDED: "yellow"}
_ARROWS = {"sent": "→", "received": "←", "note": "·"}
_MARGIN = " " * 14
_HEAD = re.compile(rb"(HTTP/|[A-Z]+ \S+ HTTP/)[0-9.]+[ \r]")


def _told(event: Event | str, log: Transcript) -> Text:
    """What happened in a line, and beneath it every byte that was kept of it."""
    if isinstance(event, str):
        return Text(f"           {event}", style="dim")
    number = f"[{event.connection}] " if log.connections > 1 else ""
    text = Text(f"{event.at:9.3f} s {number}{_ARROWS[event.direction]} {event.what}")
    for line in _bytes(event, log.secrets):
        text.append(f"\n{_MARGIN}{line}", style="dim")
    return text


def _bytes(event: Event, secrets: Secrets) -> Iterator[str]:
    if _HEAD.match(event.data):
        for line in re.split("\r?\n", event.data.decode("utf-8", "backslashreplace")):
            if line:
                yield printable(line, KEPT)
        return
    rest = event.data
    while frame := _first_frame(rest):
        head, key, payload = frame
        yield f"head {head.hex(' ')}" + (f"   mask {key.hex(' ')}" if key else "   no mask")
        yield from _dump(secrets.hide_bytes(mask(payload, key)) if key else payload)
        rest = rest[len(head) + len(key) + len(payload) :]
    yield from _dump(rest)
    if len(event.data) == KEPT:
        yield f"… only the first {KEPT} bytes are kept"


def _first_frame(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """The head, the key and the masked payload of the frame that the data begin with; None where it is not whole.

    Of a frame that was cut off because of its length there is the beginning of the payload.
    """
    if len(data) < 2:
        return None
    form, masked = data[1] & 0x7F, bool(data[1] & 0x80)
    start = 2 + {126: 2, 127: 8}.get(form, 0)
    length = form if form < 126 else int.from_bytes(data[2:start], "big")
    end = start + (4 if masked else 0)
    if len(data) < end or (len(data) < end + length and len(data) < KEPT):
        return None
    return data[:start], data[start:end], data[end : end + length]


def _dump(data: bytes) -> Iterator[str]:
    """Sixteen bytes a line, as hex and as text."""
    for start in range(0, len(data), 16):
        part = data[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in part)
        yield f"{start:04x}  {part.hex(' '):47}  {text}"


def _shortened(events: list[Event], most: int = 1000) -> list[Event | str]:
    """A very long transcript without its middle."""
    if len(events) <= most:
        return list(events)
    half = most // 2
    return [*events[:half], f"({len(events) - most} more)", *events[-half:]]

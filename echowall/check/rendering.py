"""What was found, for people to read: as entries of service.toml, and frame by frame. Tables are in tables.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from echowall.catalog.catalog import Route, Service
from echowall.check.examination import Answer
from echowall.check.judging import standing
from echowall.check.registry import Check
from echowall.check.wire import Event
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
    """Print the question, its section, and for each target what was sent and received."""
    console.print(f"[bold]{check.id}[/bold] · {check.group} · {check.section}", highlight=False)
    console.print(escape(check.question), highlight=False)
    console.print(f"Right: {escape(' or '.join(check.expects))}.", highlight=False)
    for name, result, log in answers:
        mark = "green" if result.verdict is Verdict.PASS else "dim" if result.verdict is Verdict.UNSUPPORTED else "red"
        console.print(
            f"\n[bold]{escape(name)}[/bold]: [{mark}]{result.verdict}[/{mark}], {escape(result.outcome)}",
            highlight=False,
        )
        if result.detail:
            console.print(f"  {escape(result.detail)}", highlight=False)
        for event in _shortened(log.events):
            console.print(_line(event, log.connections > 1), highlight=False, soft_wrap=True)


_ARROWS = {"sent": "→", "received": "←", "note": "·"}


def _line(event: Event | str, numbered: bool) -> Text:
    if isinstance(event, str):
        return Text(f"           {event}", style="dim")
    number = f"[{event.connection}] " if numbered else ""
    text = Text(f"{event.at:9.3f} s {number}{_ARROWS[event.direction]} {event.what}")
    if event.data:
        shown = event.data[:24].hex(" ")
        text.append(f"   {shown}{' …' if len(event.data) > 24 else ''}", style="dim")
    return text


def _shortened(events: list[Event], most: int = 40) -> list[Event | str]:
    """A long transcript without its middle."""
    if len(events) <= most:
        return list(events)
    half = most // 2
    return [*events[:half], f"({len(events) - most} more)", *events[-half:]]

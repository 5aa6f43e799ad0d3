"""Every check, as Markdown: what it asks, what is sent, what is right, and which stacks answer otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from echowall.catalog import catalog
from echowall.catalog.catalog import Known, Mended, Service
from echowall.check.registry import GROUPS, Check
from echowall.check.suite import ALL
from echowall.markdown import table as markdown_table
from echowall.results.behaviour import source_of_mend

_SECTION = re.compile(r"RFC (?P<number>\d+), (?P<section>[\d.]+)")


def document(root: Path) -> str:
    """All checks by group, with the deviations that the catalog of this checkout knows."""
    services = catalog.load(root)
    parts = []
    for group in GROUPS:
        parts.append(f"## {group.capitalize()}")
        parts += ["\n\n".join(_about(check, services, root)) for check in ALL if check.group == group]
    return "\n\n".join(parts)


def _about(check: Check, services: Iterable[Service], root: Path) -> Iterator[str]:
    yield f"### `{check.id}`"
    yield check.question
    yield from check.remarks
    facts = [f"**Sent:** {check.sends}", f"**Right:** {_either(check.expects)}", f"**From:** {_linked(check.section)}"]
    if asked := ", ".join(_conditions(check)):
        facts.append(f"**Asked:** {asked}")
    yield "\n".join(f"- {fact}" for fact in facts)
    if rows := list(_deviations(check, services, root)):
        yield markdown_table(["stack", "answer", "why"], rows)


def _either(outcomes: tuple[str, ...]) -> str:
    quoted = [f"`{outcome}`" for outcome in outcomes]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _linked(section: str) -> str:
    """Where the answer is laid down, as a link."""
    if found := _SECTION.fullmatch(section):
        return f"[{section}](https://www.rfc-editor.org/rfc/rfc{found['number']}#section-{found['section']})"
    file, _, what = section.partition(", ")
    return f"[{what}](../{file})"


def _conditions(check: Check) -> Iterator[str]:
    """Of what, and when, the check is asked, where that is not of everything in every run."""
    if check.local:
        yield "of services of the lab on this machine, past the proxy"
    elif check.intrusive:
        yield "of a URL with `--intrusive` only"
    if check.plain:
        yield "where messages have no other protocol around them"
    if check.alone or check.ends:
        yield "when nothing else is asked" if check.alone else "last of all"


def _deviations(check: Check, services: Iterable[Service], root: Path) -> Iterator[list[str]]:
    """Rows of a table: the stacks that answer otherwise, and those that would without their mends."""
    for service in services:
        for known in service.known:
            if check.id in known.checks:
                yield _row(service, _answer(known), known)
        for mended in service.mended:
            if check.id in mended.checks:
                mend = source_of_mend(service, mended.by, root)
                yield _row(service, f"{_answer(mended)} without its mend {mend}", mended)


def _answer(deviation: Known | Mended) -> str:
    return f"{deviation.outcome} ({deviation.via})" if deviation.via else deviation.outcome


def _row(service: Service, answer: str, deviation: Known | Mended) -> list[str]:
    return [service.title, answer, f"{deviation.reason} [Source]({deviation.link})"]

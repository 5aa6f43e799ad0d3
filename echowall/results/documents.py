"""The generated parts of the documents: from the catalog and the newest results, so that they cannot go stale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from echowall.catalog import catalog
from echowall.catalog.contract import ROOM
from echowall.check import rendering, report

#: Each generated part stands between a pair of comments that names it.
BEGIN = "<!-- {name}: written by `make format` from {source} -->"
END = "<!-- /{name} -->"


class Part(NamedTuple):
    """A generated part of a document."""

    source: str
    """What it is written from, for the comment above it."""
    write: Callable[[Path], str]
    """Its text, from a checkout's folder. Raises ValueError where something that it needs is not there."""


def files(root: Path) -> list[Path]:
    """The documents of a checkout that have generated parts."""
    return [file for pattern in DOCUMENTS for file in sorted(root.glob(pattern))]


def refreshed(file: Path, root: Path) -> str:
    """The text of one of these documents with its parts written anew.

    Raises ValueError where the comments that enclose a part are not there.
    """
    text = file.read_text("utf-8")
    parts = next(parts for pattern, parts in DOCUMENTS.items() if file in root.glob(pattern))
    for name in parts:
        part = PARTS[name]
        begin, end = BEGIN.format(name=name, source=part.source), END.format(name=name)
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"{file}: put `{begin}` and `{end}` on lines of their own where the part belongs")
        text = f"{before}{begin}\n{part.write(root)}\n{end}{after}"
    return text


def stacks(root: Path) -> str:
    """The stacks as a Markdown table, one row each."""
    header = ["stack", "era", "server", "concurrency", "lines", "latest release", "maintenance", "known deviations"]
    rows = [_row(header), _row(["---"] * len(header))]
    for service in catalog.load(root):
        rows.append(
            _row(
                [
                    f"[{service.title}](services/{service.name}/{service.sources[0]})",
                    service.era,
                    service.server,
                    service.concurrency,
                    str(service.lines),
                    str(service.released),
                    service.maintenance,
                    f"[{service.deviations}](services/{service.name}/service.toml)",
                ]
            )
        )
    return "\n".join(rows)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def behaviour(root: Path) -> str:
    """What the newest run of `echowall check` found, where the stacks differ: a table for each era.

    Raises ValueError where there are no results, or a file that holds none.
    """
    services = catalog.load(root)
    file = report.newest(root / "results/check")
    run = report.read(file)
    tables = []
    for era in dict.fromkeys(service.era for service in services):
        names = {service.name for service in services if service.era == era}
        found = [target for target in run.targets if target.name in names]
        if found:  # a stack may be younger than the run
            tables.append(f"### {era.capitalize()}\n\n{rendering.markdown(found, only_deviating=True)}")
    kind = f" as {run.lab}" if run.lab else ""
    source = f"[{run.date:%Y-%m-%d}, {run.machine.cores} cores{kind}](results/check/{file.name})"
    return "\n\n".join([*tables, f"From the run of {source}."])


def room(_root: Path) -> str:
    """The chat room's checks as a Markdown table."""
    rows = [_row([f"`{check}`", holds]) for check, holds in ROOM.items()]
    return "\n".join([_row(["id", "what the check holds"]), _row(["---", "---"]), *rows])


PARTS = {
    "stacks": Part("services/*/service.toml", stacks),
    "behaviour": Part("the newest file in results/check", behaviour),
    "room": Part("echowall/catalog/contract.py", room),
}
#: Which parts each document has.
DOCUMENTS = {"README*.md": ("stacks", "behaviour"), "services/README.md": ("room",)}

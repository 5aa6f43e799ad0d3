"""The README's tables, generated from the catalog and from the newest results so that they cannot go stale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from echowall.catalog.catalog import ROOT, Service
from echowall.check import rendering, report

#: Each table stands between a pair of comments that names it.
BEGIN = "<!-- {name}: written by `echowall readme` from {source} -->"
END = "<!-- /{name} -->"
STACKS, BEHAVIOUR = "stacks", "behaviour"
SOURCES = {STACKS: "services/*/service.toml", BEHAVIOUR: "the newest file in results/check"}


def table(services: list[Service]) -> str:
    """The stacks as a Markdown table, one row each."""
    header = ["stack", "era", "server", "concurrency", "lines", "latest release", "maintenance", "known deviations"]
    rows = [_row(header), _row(["---"] * len(header))]
    for service in services:
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


def behaviour(services: list[Service], results: Path) -> str:
    """What the newest run of `echowall check` found, where the stacks differ: a table for each era.

    Raises ValueError where there are no results, or a file that holds none.
    """
    file = report.newest(results)
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


def refreshed(file: Path, services: list[Service], results: Path = ROOT / "results/check") -> str:
    """The text of `file` with its tables written anew.

    Raises ValueError where the comments that enclose one are not there.
    """
    text = file.read_text("utf-8")
    tables: dict[str, Callable[[], str]] = {
        STACKS: lambda: table(services),
        BEHAVIOUR: lambda: behaviour(services, results),
    }
    for name, write in tables.items():
        begin, end = BEGIN.format(name=name, source=SOURCES[name]), END.format(name=name)
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"{file}: put `{begin}` and `{end}` on lines of their own where the table belongs")
        text = f"{before}{begin}\n{write()}\n{end}{after}"
    return text

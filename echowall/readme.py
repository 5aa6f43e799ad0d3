"""The README's table of stacks, generated from the catalog so that it cannot go stale."""

from __future__ import annotations

from pathlib import Path

from echowall.catalog import Service

BEGIN = "<!-- stacks: written by `echowall readme` from services/*/service.toml -->"
END = "<!-- /stacks -->"


def table(services: list[Service]) -> str:
    """The stacks as a Markdown table, one row each."""
    header = ["stack", "server", "concurrency", "its latest release", "maintenance", "known deviations"]
    rows = [_row(header), _row(["---"] * len(header))]
    for service in services:
        rows.append(
            _row(
                [
                    f"[{service.title}](services/{service.name}/app.py)",
                    service.server,
                    service.concurrency,
                    str(service.released),
                    service.maintenance,
                    ", ".join(f"`{known.check}`" for known in service.known) or "none",
                ]
            )
        )
    return "\n".join(rows)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def refreshed(file: Path, services: list[Service]) -> str:
    """The text of `file` with its table of stacks written anew.

    Raises ValueError where the two comments that enclose the table are not there.
    """
    before, begin, rest = file.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file}: put `{BEGIN}` and `{END}` on lines of their own where the table belongs")
    return f"{before}{begin}\n{table(services)}\n{end}{after}"

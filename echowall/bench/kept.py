"""The commands `echowall bench compare` and `echowall bench report`, on runs that were kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from echowall import options
from echowall.bench import judging, rendering, report, telling
from echowall.bench.compare import TOLERANCE, NothingInCommonError, few_rounds
from echowall.bench.compare import compare as compared
from echowall.results import store
from echowall.results.model import SCHEMA, BenchRun
from echowall.results.store import StoreError

out = Console()
err = Console(stderr=True, soft_wrap=True)

Markdown = Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")]


def compare(
    before: Annotated[Path, typer.Argument(metavar="A.json", help="The run to compare with.", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="B.json", help="The run to compare.", show_default=False)],
    tolerance: Annotated[float, typer.Option(metavar="PERCENT", help="How much worse something may get.")] = TOLERANCE,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the changes there, as JSON.")] = None,
    markdown: Markdown = False,
) -> None:
    """Say what changed from one benchmark to another: a regression test.

    Both files are from `echowall bench --json`. What both have in common is compared, by target, step and quantity. Where both have the yardstick, what depends on the machine is divided by the yardstick's own in the same round first, so that the two may be from different machines.

    A change counts where it can be told from noise, which takes 6 rounds in both runs. However much is compared, one comparison in twenty at most finds something where nothing changed.

    Exit status: 1 where something is worse by more than the tolerance and distinguishable, or went wrong in distinguishably more rounds; 0 where nothing is; 2 for misuse.
    """  # noqa: E501 - help fits its lines into the terminal's width
    if not 0 <= tolerance < 100:
        raise typer.BadParameter(f"--tolerance {tolerance:g}: write a number of per cent, from 0 to under 100")
    runs = (_read(before), _read(after))
    if json:
        options.writable("--json", json)
    try:
        found = compared(*runs, tolerance)
    except NothingInCommonError as error:
        raise typer.BadParameter(f"{before} and {after}: {error}") from None
    if json:
        json.write_bytes(msgspec.json.encode(found) + b"\n")
    if markdown:
        sys.stdout.write(telling.markdown(found) + "\n")
    else:
        out.print(telling.tables(found))
    if few := few_rounds(*runs):
        err.print(few, highlight=False, markup=False)
    sys.exit(1 if found.worse else 0)


def draw(
    run: Annotated[Path, typer.Argument(metavar="RUN.json", help="The run.", show_default=False)],
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report there, with charts.")] = None,
    markdown: Markdown = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the figures as CSV.")] = False,
) -> None:
    """Show a benchmark again that was kept, without measuring anything.

    The file is from `echowall bench --json`, or of those in `results/bench`. The report is one file that loads nothing.
    """
    if markdown and csv:
        raise typer.BadParameter("--markdown and --csv both print to standard output; choose one")
    found = _read(run)
    if html:
        options.writable("--html", html)
        report.write(found, html)
    if csv:
        sys.stdout.write(rendering.comma_separated(found))
    elif markdown:
        sys.stdout.write(rendering.markdown(found) + "\n")
    elif not html:
        out.print(rendering.tables(found))


def _read(file: Path) -> BenchRun:
    """The benchmark in that file. Raises BadParameter where it holds none, or none that this version understands."""
    wanted = "name a file that `echowall bench --json` wrote"
    try:
        head: Any = msgspec.json.decode(file.read_bytes())
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}; {wanted}") from None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise typer.BadParameter(f"{file} is not JSON; {wanted}") from None
    if not isinstance(head, dict) or "kind" not in head:
        raise typer.BadParameter(f"{file} holds no run; {wanted}")
    if head["kind"] != "bench":
        raise typer.BadParameter(f"{file} holds a run of another kind, {head['kind']!r}; {wanted}")
    if head.get("schema") != SCHEMA:
        theirs = f"schema {head.get('schema')!r}, and this version of Echo Wall reads {SCHEMA}"
        raise typer.BadParameter(f"{file} has {theirs}; measure anew, or use the version that wrote it")
    try:
        run = store.read(file)
    except StoreError as error:
        raise typer.BadParameter(f"{error}; {wanted}") from None
    assert isinstance(run, BenchRun)  # noqa: S101 - its kind says so
    for target in run.targets:
        for one in target.measurements:
            for encoded in (one.latency, one.uncorrected, one.lateness):
                _try(file, encoded)
    return run


def _try(file: Path, encoded: str) -> None:
    try:
        judging.decode(encoded)
    except Exception as error:  # the library's own, zlib's, binascii's and others
        raise typer.BadParameter(f"{file} holds a histogram that cannot be read ({error}); measure anew") from None

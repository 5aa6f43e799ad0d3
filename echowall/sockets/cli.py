"""The command `echowall sockets`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from echowall import options
from echowall.catalog import catalog
from echowall.catalog.catalog import CatalogError, Service
from echowall.check import targets
from echowall.check.registry import UnsupportedError
from echowall.lab.lab import Lab, LabError
from echowall.results.model import Run
from echowall.results.provenance import Beginning
from echowall.sockets import crowd
from echowall.sockets.crowd import TooManyError
from echowall.sockets.holding import Held, hold

MIB = 1 << 20
out = Console()
err = Console(stderr=True, soft_wrap=True)


class SocketsRun(Run, kw_only=True, tag="sockets"):
    """A run of `echowall sockets`: its `kind` is `sockets`."""

    stacks: list[Held]
    interrupted: bool = False


def command(running: Callable[[], Lab]) -> Callable[..., None]:
    """The command; `running` gives the lab that runs, or raises LabError."""

    def sockets(
        names: Annotated[list[str] | None, typer.Argument(metavar="[NAME | ERA]...", help="Which stacks.")] = None,
        count: Annotated[int, typer.Option("--sockets", min=1, max=60_000, help="How many for each stack.")] = 10_000,
        json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results there, as JSON.")] = None,
    ) -> None:
        """Hold many idle sockets on each stack in turn, through the proxy, and drop them all at once.

        Each has to get one echo right while all are open. Then memory and open files are watched for a minute.

        Exit status: 0 where each stack held as many as it declares and let go of them, 1 where not, 2 for misuse.
        """
        if json:
            options.writable("--json", json)
        try:
            chosen = catalog.choose(catalog.load(), names or [])
            crowd.allow(count)
        except (CatalogError, TooManyError) as error:
            raise typer.BadParameter(str(error)) from None
        lab, beginning, found, interrupted = running(), Beginning(), [], False
        if lab.certificate():
            raise LabError("this measures the lab without TLS: start it by `make up`")
        try:
            with options.sigterm_like_ctrl_c(), _progress() as progress:
                for service in chosen:
                    found.append(uvloop.run(_hold(lab, service, count, progress)))
        except KeyboardInterrupt:
            interrupted = True
        except UnsupportedError as error:
            raise LabError(str(error)) from None
        run = SocketsRun(**beginning.facts(lab.engine()), stacks=found, interrupted=interrupted)
        if json:
            json.write_bytes(msgspec.json.encode(run) + b"\n")
        if found:
            out.print(_table(found))
        wrong = [f"{one.name}: {fault}" for one in found for fault in one.faults]
        for line in wrong:
            err.print(f"[red]{line}[/red]", highlight=False)
        if interrupted:
            err.print("[red]echowall:[/red] interrupted; what had ended by then is above", highlight=False)
            sys.exit(130)
        sys.exit(1 if wrong else 0)

    return sockets


async def _hold(lab: Lab, service: Service, count: int, progress: Progress) -> Held:
    endpoint, (host, port) = lab.endpoint(service.name), lab.proxy()
    target = msgspec.structs.replace(
        targets.proxied(service, lab).target, address=f"ws://{host}:{port}/{service.name}/foobar/", pid=endpoint.pid
    )
    task = progress.add_task(service.name, total=count, what="opening")

    def told(what: str, done: int, total: int) -> None:
        progress.update(task, what=what, completed=done, total=total)

    return await hold(target, service.limits.max_sockets, count, told)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("{task.fields[what]}"), console=err)


def _table(found: list[Held]) -> Table:
    table = Table("stack", box=None)
    for title in ("limit", "held", "echoes right", "memory, MiB", "a socket, KiB", "kept", "open files", "after"):
        table.add_column(title, justify="right")
    table.add_column("refused")
    for one in found:
        amounts = (one.start, one.full, one.end)
        table.add_row(
            one.name,
            f"{one.limit:,}" if one.limit else "–",
            f"{one.held:,}",
            f"{one.right:,}",
            " → ".join(f"{amount.memory / MIB:.0f}" for amount in amounts),
            f"{(one.full.memory - one.start.memory) / max(1, one.held) / 1024:.1f}",
            f"{max(0, one.kept):.0%}",
            " → ".join(f"{amount.descriptors:,}" for amount in amounts),
            f"{one.seconds:.0f} s",
            ", ".join(f"{number} × {how}" for how, number in one.refused.items()),
        )
    return table

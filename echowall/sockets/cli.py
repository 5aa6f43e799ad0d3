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

from echowall import options
from echowall.catalog import catalog
from echowall.catalog.catalog import CatalogError, Service
from echowall.check import targets
from echowall.check.registry import UnsupportedError
from echowall.lab.lab import Lab, LabError
from echowall.results import store
from echowall.results.model import Held, SocketsRun
from echowall.results.provenance import Beginning
from echowall.sockets import crowd, rendering
from echowall.sockets.crowd import TooManyError
from echowall.sockets.holding import hold

out = Console()
err = Console(stderr=True, soft_wrap=True)


def command(running: Callable[[], Lab]) -> Callable[..., None]:
    """The command; `running` gives the lab that runs, or raises LabError."""

    def sockets(
        names: Annotated[list[str] | None, typer.Argument(metavar="[NAME | ERA]...", help="Which stacks.")] = None,
        count: Annotated[int, typer.Option("--sockets", min=1, max=60_000, help="How many for each stack.")] = 10_000,
        json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the run there as JSON.")] = None,
        save: options.Save = False,
    ) -> None:
        """Hold many idle sockets on each stack in turn, through the proxy, and drop them all at once.

        Each has to get one echo right while all are open. Then memory and open files
        are watched for a minute.

        Ctrl-C or SIGTERM ends it. The stacks that were done by then are printed and
        written, and not kept.

        Exit status:
        0    each stack held as many as it declares, and let go of them
        1    one did not
        2    misuse
        130  it was interrupted
        """
        if json:
            options.writable("--json", json)
        try:
            chosen = catalog.choose(catalog.load(), names or [])
            crowd.allow(count)
        except (CatalogError, TooManyError) as error:
            raise typer.BadParameter(str(error)) from None
        lab, beginning, interrupted = running(), Beginning(), False
        found: list[Held] = []
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
        run = SocketsRun(**beginning.facts(lab.engine()), sockets=count, targets=found, interrupted=interrupted)
        if json:
            json.write_bytes(store.encode(run))
        if found:
            out.print(rendering.table(found))
        wrong = [f"{one.name}: {fault}" for one in found for fault in one.faults]
        for line in wrong:
            err.print(f"[red]{line}[/red]", highlight=False)
        if save and not interrupted:
            options.keep(run)
        if interrupted:
            err.print("[red]echowall:[/red] interrupted; what had ended by then is above", highlight=False)
            sys.exit(130)
        sys.exit(1 if wrong else 0)

    return sockets


async def _hold(lab: Lab, service: Service, count: int, progress: Progress) -> Held:
    endpoint, (host, port) = lab.endpoint(service.name), lab.proxy()
    subject = targets.proxied(service, lab)
    subject.examined.versions = await targets.versions(subject)
    subject = subject._replace(
        target=msgspec.structs.replace(
            subject.target, address=f"ws://{host}:{port}/{service.name}/foobar/", pid=endpoint.pid
        )
    )
    task = progress.add_task(service.name, total=count, what="opening")

    def told(what: str, done: int, total: int) -> None:
        progress.update(task, what=what, completed=done, total=total)

    return await hold(subject, service.limits.max_sockets, count, told)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("{task.fields[what]}"), console=err)

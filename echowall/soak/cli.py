"""`echowall soak`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from echowall import options
from echowall.bench.driving import versions
from echowall.check import targets
from echowall.lab.lab import Lab
from echowall.options import err
from echowall.results import store
from echowall.results.model import SoakRun
from echowall.results.provenance import Beginning
from echowall.soak import rendering
from echowall.soak.soaking import WINDOWS, Aimed, Soak
from echowall.soak.sockets import SIZE

out = Console()


def command(running: Callable[[], Lab]) -> Callable[..., None]:
    """The command, for a lab that `running` finds."""

    def soak(
        names: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="[NAME | ERA]...", help="Only these services, or those of an era; without any, all."
            ),
        ] = None,
        minutes: Annotated[float, typer.Option(min=0.2, max=24 * 60, help="How long.")] = 30,
        sockets: Annotated[int, typer.Option(min=1, max=10_000, help="Over all services together.")] = 200,
        rate: Annotated[float, typer.Option(min=0.1, max=100, help="Messages a second of each socket.")] = 5,
        json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the run there as JSON.")] = None,
        save: options.Save = False,
    ) -> None:
        """Find out whether memory, descriptors or latency of a stack grow while sockets talk for long.

        The services are asked as they run, past the proxy, all at the same time. Every
        echo is verified. The time has 20 parts; of the last 18, a line is drawn through
        the memory of each service, its open descriptors and its median latency. What
        grows by more than chance explains is marked.

        Ctrl-C or SIGTERM ends it. What was whole by then is printed, written and, if it
        is half of the time or more, kept.

        Exit status:
        0    nothing went wrong
        1    messages were lost or altered, or connections ended
        2    misuse
        130  it was interrupted
        """
        services = options.plain_services(names or [])
        if sockets < len(services):
            raise typer.BadParameter(f"--sockets {sockets}: {len(services)} services take one each at least")
        if json:
            options.writable("--json", json)
        lab = running()
        aimed = []
        for service in services:
            endpoint = lab.endpoint(service.name)
            aimed.append(Aimed(targets.direct(service, endpoint), endpoint.pid))
        beginning = Beginning()
        soak = Soak(aimed, sockets, rate, minutes * 60)
        ended_early = _run(soak)
        run = SoakRun(
            **beginning.facts(lab.engine()),
            generator=versions(),
            rate=rate,
            size=SIZE,
            planned=soak.seconds,
            window=soak.window,
            lateness=soak.lateness,
            targets=[stack.found for stack in soak.stacks],
            interrupted=soak.whole < WINDOWS / 2,
        )
        if json:
            json.write_bytes(store.encode(run))
        out.print(rendering.table(run.targets))
        out.print(f"The generator sent 99 % of its messages within {run.lateness / 1000:,.1f} ms of their time.")
        if save and not run.interrupted:
            options.keep(run)
        if ended_early:
            err.print(f"[red]echowall:[/red] interrupted: {soak.whole} of {WINDOWS} parts of the time were whole")
            sys.exit(130)
        sys.exit(1 if any(one.errors.total for one in run.targets) else 0)

    return soak


def _run(soak: Soak) -> bool:
    """Soak, and show how far it is; says whether that was interrupted."""
    bar = Progress(TextColumn("{task.completed} of {task.total}"), BarColumn(), TimeRemainingColumn(), console=err)
    done = bar.add_task("", total=WINDOWS)

    def tell() -> None:
        bar.update(done, completed=soak.whole)
        if not err.is_terminal:
            err.print(f"{soak.whole} of {WINDOWS}", highlight=False)

    found = [stack.found for stack in soak.stacks]
    live = Live(
        get_renderable=lambda: rendering.progress(found, bar), console=err, refresh_per_second=1, transient=True
    )
    try:
        with options.sigterm_like_ctrl_c(), live if err.is_terminal else nullcontext():
            uvloop.run(soak.run(tell))
    except KeyboardInterrupt:
        return True
    return False

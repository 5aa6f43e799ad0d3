"""The command `echowall attack`."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from echowall import options
from echowall.attack import ATTACKS
from echowall.attack.ground import Ground
from echowall.catalog import catalog
from echowall.catalog.catalog import CatalogError, Service
from echowall.lab.lab import Lab
from echowall.results import store
from echowall.results.model import Attack, AttackRun, Outcome
from echowall.results.provenance import Beginning

#: The cases of the fuzz for each service, and the seconds of a slow attack.
CASES, SECONDS = 10_000, 30
out = Console()
err = Console(stderr=True, soft_wrap=True)


def command(running: Callable[[], Lab]) -> Callable[..., None]:
    """The command; `running` gives the lab that runs, or raises LabError."""

    def attack(
        names: Annotated[
            list[str] | None,
            typer.Argument(metavar="[NAME | ERA]...", help="Services of the lab, or all of an era; without any, all."),
        ] = None,
        only: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this attack; may be repeated.")] = None,
        cases: Annotated[int, typer.Option(min=1, help="How many cases of the fuzz each service gets.")] = CASES,
        seed: Annotated[
            int | None, typer.Option(min=0, help="Of the fuzz; by default another one each time, which is told.")
        ] = None,
        case: Annotated[
            int | None, typer.Option(min=0, metavar="NUMBER", help="Put only this case of the fuzz, with --seed.")
        ] = None,
        seconds: Annotated[int, typer.Option(min=5, max=600, help="How long each slow attack lasts.")] = SECONDS,
        json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results there, as JSON.")] = None,
        save: options.Save = False,
        list_: Annotated[bool, typer.Option("--list", help="List the attacks, and do nothing.")] = False,
    ) -> None:
        """Attack the running lab: fuzz, slow clients, full memory, smuggling, foreign names, what contains it.

        Only this machine is attacked, and the networks of the lab's own containers.

        Exit status: 0 where all held, 1 where not, 2 for misuse.
        """
        if list_:
            _list()
            return
        chosen = _chosen(only)
        if case is not None and (seed is None or [one.id for one in chosen] != ["fuzz"]):
            raise typer.BadParameter("--case goes with --only fuzz and the --seed that made it")
        if json:
            options.writable("--json", json)
        everyone, attacked = _services(names)
        lab = running()
        seed = random.SystemRandom().randrange(1 << 31) if seed is None else seed
        err.print(f"seed {seed}", highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        progress = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
        ground = Ground(lab, everyone, attacked, seed, cases, case, seconds, progress)
        beginning = Beginning()
        outcomes: list[Outcome] = []
        interrupted = False
        try:
            with progress, options.sigterm_like_ctrl_c():
                asyncio.run(_attack(ground, chosen, outcomes))
        except KeyboardInterrupt:
            interrupted = True
        places = {service.name: place for place, service in enumerate(everyone)}
        attacks = [one.id for one in chosen]
        outcomes.sort(key=lambda one: (attacks.index(one.attack), places.get(one.target, -1), one.target))
        run = AttackRun(
            **beginning.facts(lab.engine()), seed=seed, attacks=chosen, outcomes=outcomes, interrupted=interrupted
        )
        if json:
            json.write_bytes(store.encode(run))
        _show(run)
        if interrupted:
            err.print("[red]echowall:[/red] interrupted; what had ended by then is above", highlight=False)
            sys.exit(130)
        if save:
            options.keep(run)
        sys.exit(1 if any(one.faults for one in outcomes) else 0)

    return attack


def _list() -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("attack", "does", "and what has to hold"):
        table.add_column(header)
    for one in ATTACKS:
        table.add_row(one.id, one.does, one.holds)
    out.print(table)


def _chosen(only: list[str] | None) -> list[Attack]:
    known = {one.id: one for one in ATTACKS}
    if unknown := [name for name in only or [] if name not in known]:
        raise typer.BadParameter(f"--only {unknown[0]}: there is no such attack; there are {', '.join(known)}")
    return [one for one in known.values() if not only or one.id in only]


def _services(names: Iterable[str] | None) -> tuple[list[Service], list[Service]]:
    """All services, and those that are meant."""
    everyone = catalog.load()
    try:
        return everyone, catalog.choose(everyone, names or [])
    except CatalogError as error:
        raise typer.BadParameter(str(error)) from None


async def _attack(ground: Ground, chosen: Iterable[Attack], outcomes: list[Outcome]) -> None:
    """One attack after the other. Cancelled, it keeps what has ended."""
    for one in chosen:
        async with aclosing(ATTACKS[one](ground)) as found:
            async for outcome in found:
                outcomes.append(outcome)
                _tell(outcome)


def _tell(outcome: Outcome) -> None:
    """Say at once what came of it, in a line; each fault in one more."""
    figures = ", ".join(f"{value:g} {what}" for what, value in outcome.measured.items())
    mark = "[red]✗[/red]" if outcome.faults else "[dim]–[/dim]" if not outcome.tried else "[green]✓[/green]"
    parts = [f"{outcome.tried:,} tried" if outcome.tried else "", figures, outcome.skipped]
    told = "; ".join(filter(None, parts))
    err.print(f"{mark} {outcome.attack} {escape(outcome.target)}: {escape(told)}", highlight=False)
    for fault in outcome.faults:
        err.print(f"    {escape(fault)}", highlight=False)


def _show(run: AttackRun) -> None:
    """Each attack, and on how many targets what it is about held."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("attack", "tried", "held", "not", "not tried"):
        table.add_column(header, justify="left" if header == "attack" else "right")
    for one in run.attacks:
        of = [outcome for outcome in run.outcomes if outcome.attack == one.id]
        held = [outcome for outcome in of if outcome.tried and not outcome.faults]
        wrong, untried = sum(bool(it.faults) for it in of), sum(not it.tried and not it.faults for it in of)
        table.add_row(one.id, f"{sum(it.tried for it in of):,}", *map(str, (len(held), wrong, untried)))
    out.print(table)

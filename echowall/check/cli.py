"""The command `echowall check`."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from echowall.catalog import catalog
from echowall.catalog.catalog import CatalogError, Service
from echowall.check import judging, rendering, report
from echowall.check.registry import GROUPS, Check, Result
from echowall.check.report import Examined, Run
from echowall.check.runner import applies, preflight, run
from echowall.check.suite import ALL
from echowall.check.wire import ENGINE_IO, PLAIN, Target, Transcript
from echowall.lab.lab import Lab

#: By what a service of the lab speaks.
CODECS = {"websocket": PLAIN, "socket.io": ENGINE_IO}

out = Console()
err = Console(stderr=True, soft_wrap=True)


class Via(StrEnum):
    """How the services of the lab are reached."""

    DIRECT = "direct"
    PROXY = "proxy"
    BOTH = "both"


def command(running: Callable[[], Lab]) -> Callable[..., None]:
    """The command; `running` gives the lab that runs, or raises LabError."""

    def check(
        targets: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="[NAME | ERA | URL]...",
                help="Services of the lab, all of an era, or ws:// and wss:// URLs; without any, the whole lab.",
            ),
        ] = None,
        group: Annotated[list[str] | None, typer.Option(help="Only checks of this group; may be repeated.")] = None,
        only: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this check; may be repeated.")] = None,
        via: Annotated[Via, typer.Option(help="The route to a service of the lab.")] = Via.BOTH,
        json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results there, as JSON.")] = None,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
        toml: Annotated[
            bool,
            typer.Option("--toml", help="Print what service.toml does not know yet, as entries of it without causes."),
        ] = False,
        jobs: Annotated[int, typer.Option(min=1, max=16, help="How many services are examined at a time.")] = 3,
        explain: Annotated[
            str | None, typer.Option(metavar="ID", help="Put one question, and show every frame.")
        ] = None,
        list_: Annotated[bool, typer.Option("--list", help="List the checks, and put none.")] = False,
        intrusive: Annotated[
            bool, typer.Option("--intrusive", help="Put rude questions to a URL too: floods, resets, bombs.")
        ] = False,
        subprotocol: Annotated[list[str] | None, typer.Option(help="Offered to a URL; may be repeated.")] = None,
        header: Annotated[
            list[str] | None, typer.Option(metavar="'NAME: VALUE'", help="Sent to a URL; may be repeated.")
        ] = None,
        ca: Annotated[Path | None, typer.Option(help="The CA's certificate, for a wss:// URL.")] = None,
        insecure: Annotated[bool, typer.Option("--insecure", help="Trust any certificate.")] = False,
    ) -> None:
        """Find out what each stack, or any echo endpoint, really does on the wire.

        Exit status: 0 where all is as the contract and the known deviations say, 1 where not, 2 for misuse.
        """
        chosen = _choose(group or [], [explain] if explain else only or [])
        if list_:
            _list(chosen)
            return
        if json:
            _writable(json)
        urls = [target for target in targets or [] if "://" in target]
        services = {} if targets and len(urls) == len(targets) else {one.name: one for one in catalog.load()}
        try:
            named = catalog.choose(list(services.values()), [one for one in targets or [] if "://" not in one])
        except CatalogError as error:
            raise typer.BadParameter(str(error)) from None
        tls = _tls(ca, insecure)
        wanted = [_foreign(url, header or [], subprotocol or [], tls, intrusive) for url in urls]
        the_lab = running() if named else None
        if the_lab:
            wanted += _own(the_lab, named, via)
        examination = Examination(wanted, chosen, jobs)
        try:
            asyncio.run(examination.run())
        except KeyboardInterrupt:
            err.print("[red]echowall:[/red] interrupted; nothing was written")
            sys.exit(130)
        examined = [examination.found[target.url] for target in wanted if target.url in examination.found]
        if json:
            kind = the_lab.kind if the_lab else None
            results = Run(date=report.now(), machine=report.machine(), lab=kind, targets=examined)
            json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
        if explain:
            rendering.explain(out, chosen[0], examination.logs)
        elif markdown:
            sys.stdout.write(rendering.markdown(examined) + "\n")
        elif toml:
            sys.stdout.write(rendering.toml(examined, services))
        elif examined:
            out.print(rendering.table(examined, services))
        found = judging.surprises(examined, services)
        for surprise in found:
            err.print(
                f"[red]{escape(surprise.target)}[/red] {surprise.check}: {escape(surprise.what)}", highlight=False
            )
        if examined:
            asked = sum(len(target.results) for target in examined)
            err.print(f"{asked} answers, {len(found)} not as expected", highlight=False)
        sys.exit(1 if found or examination.unfit else 0)

    return check


class Examination:
    """A run over several targets, shown as it goes."""

    def __init__(self, targets: list[Target], checks: list[Check], jobs: int) -> None:
        self._targets, self._checks, self._jobs = targets, checks, jobs
        self.found: dict[str, Examined] = {}
        """By URL."""
        self.logs: list[tuple[str, Result, Transcript]] = []
        self.unfit = 0
        """How many targets could not be examined."""
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=err,
            transient=True,
        )
        self._bars: dict[str, int] = {}

    async def run(self) -> None:
        with self._progress:
            troubles = await asyncio.gather(*(preflight(target) for target in self._targets))
            fit = []
            for target, trouble in zip(self._targets, troubles, strict=True):
                if trouble is None:
                    fit.append(target)
                    self._prepare(target)
                else:
                    self.unfit += 1
                    self._progress.console.print(
                        f"[red]{escape(_label(target))}[/red] {escape(trouble)}", highlight=False
                    )
            await run(fit, self._checks, self._note, jobs=self._jobs)

    def _prepare(self, target: Target) -> None:
        self.found[target.url] = Examined(name=target.name, url=target.url, via=target.via)
        total = sum(applies(check, target) for check in self._checks)
        self._bars[target.url] = self._progress.add_task(_label(target), total=total)

    def _note(self, target: Target, result: Result, log: Transcript) -> None:
        self.found[target.url].results.append(result)
        self.logs.append((_label(target), result, log))
        self._progress.advance(self._bars[target.url])  # type: ignore[arg-type]


def _label(target: Target) -> str:
    return f"{target.name} ({target.via})" if target.via else target.name


def _choose(groups: Iterable[str], only: Iterable[str]) -> list[Check]:
    ids = {check.id for check in ALL}
    for group in groups:
        if group not in GROUPS:
            raise typer.BadParameter(f"no group {group!r}; there are {', '.join(GROUPS)}")
    for one in only:
        if one not in ids:
            raise typer.BadParameter(f"no check {one!r}; `echowall check --list` lists them")
    return [check for check in ALL if (not groups or check.group in groups) and (not only or check.id in only)]


def _list(checks: Iterable[Check]) -> None:
    grid = Table.grid(Column(no_wrap=True), Column(ratio=1), padding=(0, 2))
    group = None
    for check in checks:
        if check.group != group:
            group = check.group
            grid.add_row(f"[bold]{group}[/bold]")
        grid.add_row(f"  {check.id}", f"{escape(check.question)} [dim]{check.section}[/dim]")
    out.print(grid)


def _own(the_lab: Lab, services: Iterable[Service], via: Via) -> list[Target]:
    """The targets of services of the lab, by one route or both."""
    base = the_lab.base_url().replace("http", "ws", 1)
    targets = []
    for service in services:
        common = Target(
            url=f"{base}/{service.name}/foobar/",
            name=service.name,
            codec=CODECS[service.protocol],
            max_message=service.limits.max_message,
            intrusive=True,
        )
        if via is not Via.PROXY:
            host, port, pid = the_lab.endpoint(service.name)
            targets.append(msgspec.structs.replace(common, url=f"ws://{host}:{port}/foobar/", via="direct", pid=pid))
        if via is not Via.DIRECT:
            targets.append(msgspec.structs.replace(common, via="proxy"))
    return targets


def _foreign(
    url: str, headers: Iterable[str], subprotocols: Iterable[str], tls: ssl.SSLContext, intrusive: bool
) -> Target:
    address = urlsplit(url)
    try:
        valid = address.scheme in ("ws", "wss") and address.hostname and address.port != 0
    except ValueError:  # a port that is none
        valid = False
    if not valid:
        raise typer.BadParameter(f"{url!r} is no WebSocket URL; write ws://HOST[:PORT]/PATH or wss://…")
    pairs = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip() or any(char in header for char in "\r\n"):
            raise typer.BadParameter(f"--header {header!r} is none; write 'Name: value'")
        pairs.append((name.strip(), value.strip()))
    return Target(
        url=url,
        name=url,
        headers=tuple(pairs),
        subprotocols=tuple(subprotocols),
        tls=tls if address.scheme == "wss" else None,
        intrusive=intrusive,
    )


def _tls(ca: Path | None, insecure: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
    except OSError as error:
        raise typer.BadParameter(f"--ca {ca}: {error.strerror or error}; name a file of PEM certificates") from None
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _writable(file: Path) -> None:
    """Sees beforehand that the results will find their place."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"--json {file}: {error.strerror}; name a file that can be written") from None
    if file.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK):
        raise typer.BadParameter(f"--json {file}: it cannot be written; name a file that can")

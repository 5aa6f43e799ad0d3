"""The commands of `echowall`."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from typer.core import TyperGroup

from echowall import documents
from echowall.attack import cli as attack
from echowall.bench import cli as bench
from echowall.bench import kept
from echowall.catalog import catalog, compose, lint, lock, new
from echowall.catalog.catalog import ROOT, CatalogError, Service
from echowall.catalog.lock import LockError
from echowall.catalog.new import NewError
from echowall.check import cli as check
from echowall.conformance import cli as conformance
from echowall.conformance.install import SuiteError
from echowall.deploy import cli as deploy
from echowall.lab import lab as running
from echowall.lab import ports, signals, site, system, tls, turn
from echowall.lab.containers import Containers
from echowall.lab.lab import PATIENCE, Board, Lab, LabError
from echowall.lab.processes import Processes
from echowall.lab.site import SiteError
from echowall.lab.state import changing
from echowall.lab.system import PackagesError
from echowall.lab.tls import Identity
from echowall.results.store import StoreError
from echowall.soak import cli as soak
from echowall.soak.soaking import SoakError
from echowall.sockets import cli as sockets


class _Commands(TyperGroup):
    """Commands whose names may have two words, of which the first may be a command itself: `bench`, `bench compare`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As the base class does: the name, the command, and the arguments that are left."""
        two = " ".join(args[:2])
        return super().resolve_command(ctx, [two, *args[2:]] if two in self.commands else args)


app = typer.Typer(
    cls=_Commands,
    help="Echo Wall (回音壁): ways to serve WebSockets from Python, side by side.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
out = Console()
err = Console(stderr=True, soft_wrap=True)

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Services, or `proxy` or `redis`.")]


def main() -> None:
    """Run the command line; what a user can mend is one line, never a traceback."""
    try:
        app()
    except OSError as error:
        if os.strerror(errno.ENOSPC) not in str(error):  # which shutil.Error says in its text only
            raise
        err.print("[red]echowall:[/red] the disk is full; free some of it, and run the command again")
        sys.exit(1)
    except (
        CatalogError,
        LabError,
        LockError,
        NewError,
        SiteError,
        PackagesError,
        SoakError,
        StoreError,
        SuiteError,
    ) as error:
        err.print(f"[red]echowall:[/red] {escape(str(error))}", highlight=False)
        sys.exit(1)


@app.command()
def services(
    json: Annotated[bool, typer.Option("--json", help="Print the whole catalog as JSON.")] = False,
) -> None:
    """List the services of the lab."""
    listed = catalog.load()
    if json:
        sys.stdout.write(catalog.services_json(listed).decode() + "\n")
        return
    table = Table(
        Column("name", no_wrap=True),
        Column("stack", overflow="fold"),
        Column("server", overflow="fold"),
        Column("concurrency", no_wrap=True),
        Column("released", no_wrap=True),
        Column("known", justify="right"),
        Column("mended", justify="right"),
    )

    for service in listed:
        table.add_row(
            service.name,
            service.title,
            service.server,
            service.concurrency,
            str(service.released),
            str(service.deviations),
            str(service.mends),
        )
    out.print(table)


@app.command()
def up(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME | ERA]...", help="Only these services, or those of an era; without any, all."),
    ] = None,
    docker: Annotated[bool, typer.Option("--docker", help="In containers, by Docker Compose.")] = False,
    secure: Annotated[
        bool, typer.Option("--tls", help="By HTTPS and WSS, with a certificate of a CA of the lab's own.")
    ] = False,
    cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="By TLS, with this certificate (PEM, intermediates after it).")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key, in PEM.")] = None,
    hsts: Annotated[
        int,
        typer.Option(
            metavar="SECONDS", min=0, help="Have browsers that came by TLS come by nothing else for so long: HSTS."
        ),
    ] = 0,
) -> None:
    """Start the lab, without Docker unless told otherwise, and wait until it is healthy.

    ECHOWALL_BIND and ECHOWALL_PORT say where. ECHOWALL_TRUSTED_PROXIES has the addresses
    and networks of proxies in front of it that tell who the client is, and ECHOWALL_HOSTS the
    names by which it may be asked for, beside localhost and addresses.
    """
    listed = catalog.load()
    chosen = catalog.choose(listed, names or [])
    with signals.raised(), changing(ROOT):
        identity = _identity(secure, cert, key)
        if hsts and not identity:
            raise typer.BadParameter("--hsts is for a lab with TLS: add --tls, or --cert and --key")
        running.trusted_proxies()  # raises, before anything is stopped, if they are wrong
        running.allowed_hosts()  # as well
        _start(listed, chosen, identity, hsts, docker=docker)


def _start(listed: list[Service], chosen: list[Service], identity: Identity | None, hsts: int, *, docker: bool) -> None:
    """Start the lab anew, and say how that went."""
    processes, containers = Processes(), Containers()
    other: Lab = processes if docker else containers
    if other.running():
        raise LabError(f"the lab already runs as {other.kind}; stop it first: `make down`")
    lab: Lab = containers if docker else processes
    again = lab.running()
    if processes.orphans():  # which hold the port that is asked for
        processes.down()
    if not again or _moves(lab):  # before anything is stopped
        ports.require_free()
    certificate = tls.shown(ROOT) if identity else None
    board = Board([*(service.name for service in chosen), "proxy"], out)
    if docker:
        if not containers.available():
            raise LabError("no Docker Engine with Compose 2 answers; start one, or leave out --docker")
        containers.up(listed, chosen, identity, hsts)
        with board.shown():
            running.wait_until_healthy(lab, chosen, board, certificate)
    else:
        if again:  # start its services with the configuration of today
            processes.down()
        try:
            with board.shown():
                processes.up(listed, chosen, board, identity, hsts)
                running.wait_until_healthy(lab, chosen, board, certificate)
        except BaseException:
            processes.down()
            raise
    _report(lab, board)
    if identity and identity.ca:
        ca = identity.ca.relative_to(ROOT)
        out.print(
            f"Its certificate is of the lab's own CA, {ca}: let your browser trust that (docs/deploying.md says how),\n"
            f"and name it to programs: `echowall check wss://… --ca {ca}`, `curl --cacert {ca} …`",
            highlight=False,
            soft_wrap=True,
        )


def _identity(secure: bool, cert: Path | None, key: Path | None) -> Identity | None:
    """What the proxy shows; None for plain HTTP."""
    if (cert is None) != (key is None):
        raise typer.BadParameter("--cert and --key go together: name a certificate and its private key")
    if cert and key:
        return tls.given(cert, key)
    return tls.own(ROOT, tls.names(running.address()[0])) if secure else None


def _moves(lab: Lab) -> bool:
    """Whether the running lab is to move to another port."""
    _, port = running.address()
    try:
        return urlsplit(lab.base_url()).port != port
    except LabError:  # it is not known where it is; starting it anew will show
        return False


def _report(lab: Lab, board: Board) -> None:
    failed = board.named("failed")
    for name in failed:
        err.print(f"\n[red]{name} did not come up.[/red] The end of its log:", highlight=False)
        err.print(escape(lab.log(name, 20)) or "(empty)", highlight=False)
    if "proxy" in failed or len(failed) == len(board.states) - 1:
        raise LabError("the lab did not come up; `make logs` has more, `make down` clears it away")
    healthy = f"{len(board.named('healthy')) - 1} of {len(board.states) - 1} services healthy"
    out.print(f"\nEcho Wall is up as {lab.kind}, {healthy}: [bold]{lab.base_url()}[/bold]", highlight=False)


@app.command()
def down() -> None:
    """Stop the lab, whichever way it runs."""
    processes, containers = Processes(), Containers()
    labs: list[Lab] = [processes, containers]
    with changing(ROOT, patience=PATIENCE):
        stopped = [lab.kind for lab in labs if lab.running()]
        if processes.orphans():
            stopped.append("what its killed supervisor left running")
        for lab in labs:
            lab.down()
    out.print(f"Stopped the lab ({' and '.join(stopped)})." if stopped else "The lab is not running.")


@app.command()
def status(
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show which services answer, and the versions they have loaded."""
    listed = catalog.load()
    lab = _running()
    found = running.health(lab, listed)
    if json:
        out.print_json(data=found)
        return
    table = Table(Column("name", no_wrap=True), "stack", Column("state", no_wrap=True), "versions")
    for service in listed:
        versions = found[service.name]
        state = "[red]down[/red]" if versions is None else "[green]healthy[/green]"
        table.add_row(service.name, service.title, state, ", ".join(f"{k} {v}" for k, v in (versions or {}).items()))
    out.print(f"Echo Wall runs as {lab.kind} at [bold]{lab.base_url()}[/bold]", highlight=False)
    out.print(table)


@app.command()
def logs() -> None:
    """Follow the logs of everything, until Ctrl-C."""
    _running().follow()


@app.command()
def start(names: Names) -> None:
    """Start services of the running lab."""
    _running(*names).start(*names)


@app.command()
def stop(names: Names) -> None:
    """Stop services of the running lab by SIGTERM."""
    _running(*names).stop(*names)


@app.command()
def kill(
    names: Names,
    signal: Annotated[str, typer.Option(help="The signal's name, without SIG.")] = "KILL",
) -> None:
    """Send services of the running lab a signal."""
    _running(*names).kill(signal, *names)


def _running(*names: str) -> Lab:
    known = [*(service.name for service in catalog.load()), "proxy", "redis"]
    for name in names:
        if name not in known:
            raise LabError(f"no service named {name!r}; there are {', '.join(known)}")
    for lab in (Processes(), Containers()):
        if lab.running():
            return lab
    raise LabError("the lab is not running; start it with `make up`")


def _alone(command: str) -> Callable[[], Lab]:
    """What gives the running lab to this command, which nobody else may ask anything meanwhile."""

    def running() -> Lab:
        lab = _running()
        turn.take(ROOT, f"`echowall {command}`", lambda why: err.print(why, highlight=False, markup=False))
        return lab

    return running


app.command("check")(check.command(_alone("check")))
app.command("conformance")(conformance.command(_alone("conformance")))
app.command("attack")(attack.command(_alone("attack")))
app.command("bench")(bench.command(_alone("bench")))
app.command("sockets")(sockets.command(_alone("sockets")))
app.command("bench compare")(kept.compare)
app.command("bench report")(kept.draw)
app.command("soak")(soak.command(_alone("soak")))
app.command("deploy swarm")(deploy.swarm)
app.command("deploy kubernetes")(deploy.kubernetes)
app.command("deploy images")(deploy.images)


class Era(StrEnum):
    """When a stack is from."""

    ARTICLE = "article"
    MODERN = "modern"


@app.command("new")
def create(
    name: Annotated[str, typer.Argument(help="Its folder, URL prefix and container.")],
    title: Annotated[str, typer.Option(help="How people call it.", show_default="the name, capitalised")] = "",
    era: Annotated[Era, typer.Option()] = Era.MODERN,
    package: Annotated[
        list[str] | None,
        typer.Option(help="What it needs beside Uvicorn; may be repeated, itself first.", show_default="the name"),
    ] = None,
    bare: Annotated[bool, typer.Option("--bare", help="It needs nothing beside Uvicorn.")] = False,
) -> None:
    """Add a stack: all of its service but the echo, for you to fill in."""
    packages = package or ([] if bare else [name])
    wanted = new.Wanted(name=name, title=title or name.replace("-", " ").title(), era=era.value, packages=packages)
    try:
        folder = new.create(wanted)
    except LockError as error:
        cure = "say what it needs by --package, or by --bare that it needs nothing"
        raise NewError(f"{error} Nothing was added; {cure}") from None
    except OSError as error:
        raise NewError(f"{error.filename or 'services'}: {error.strerror}; nothing was added") from None
    left = f"Added services/{name} and its block in {compose.FILE}. What is left to write:"
    out.print(left, highlight=False, soft_wrap=True)
    for fault in lint.faults([name]):
        out.print(f"  {escape(str(fault))}", highlight=False, soft_wrap=True)
    out.print(
        f"The echo is in {folder.relative_to(ROOT)}/echo.py; services/README.md goes on from there.", highlight=False
    )


@app.command("lint")
def lint_services(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Without any, all of them.")] = None,
) -> None:
    """Say exactly what the services' folders lack.

    Exit status: 0 where they lack nothing, 1 where they do, 2 for misuse.
    """
    try:
        found = lint.faults(names or [])
    except CatalogError as error:
        raise typer.BadParameter(str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{error}; run from a whole checkout of Echo Wall") from None
    for fault in found:
        out.print(escape(str(fault)), highlight=False, soft_wrap=True)
    if found:
        sys.exit(1)
    count = len(names or catalog.folders())
    out.print(f"{count} service{'s lack' if count > 1 else ' lacks'} nothing.", highlight=False)


@app.command("lock")
def lock_parts(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Services, or `tool`, `tests`, `page`; without any, everything."),
    ] = None,
) -> None:
    """Lock the requirements anew: the latest of what the exact pins leave open."""
    chosen = [part for part in lock.choose(lock.parts(), names or []) if part.locked]
    failed = 0
    for number, part in enumerate(chosen, start=1):
        file = (part.folder / str(part.locked)).relative_to(ROOT)
        before = _contents(ROOT / file)
        try:
            with err.status(f"{number} of {len(chosen)}: {part.name}"):
                lock.lock(part)
        except (LockError, OSError) as error:
            failed += 1
            err.print(f"[red]{file}:[/red] {escape(str(error))}", highlight=False)
        else:
            out.print(f"{file}: {'as it was' if _contents(ROOT / file) == before else 'changed'}", highlight=False)
    if failed:
        raise LockError(f"{failed} of {len(chosen)} could not be locked; their files are as they were")


def _contents(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


@app.command()
def outdated(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="Services, or `tool`, `tests`, `page`, `template`; without any, everything."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    fail: Annotated[bool, typer.Option("--fail", help="End with 1 where a pin is behind.")] = False,
) -> None:
    """List the pins that are behind their packages' latest releases, pre-releases not counted."""
    chosen = lock.choose(lock.parts(), names or [])
    with err.status("asking for the latest releases"):
        found = lock.outdated(chosen)
    if json:
        out.print_json(data=msgspec.to_builtins(found))
    elif found:
        table = Table(Column("part", no_wrap=True), Column("package", no_wrap=True), "pinned", "latest")
        for pin in found:
            table.add_row(pin.part, pin.package, pin.pinned, pin.latest)
        out.print(table)
    else:
        out.print("No pin is behind.")
    sys.exit(1 if found and fail else 0)


@app.command(hidden=True)
def libraries() -> None:
    """Install the page's packages from their lock file, if they are not (for make)."""
    site.install_libraries()


@app.command(hidden=True)
def need(commands: list[str]) -> None:
    """See that these commands of the system's are there, and install them if not (for make)."""
    system.install(system.missing(commands))


@app.command("site", hidden=True)
def build_site(
    dest: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    vendor: Annotated[Path | None, typer.Option(help="The page's libraries, copied already.")] = None,
) -> None:
    """Write the proxy's configuration and the page for the containers (the proxy's image does this)."""
    listed = catalog.load()
    if dest.exists():
        raise SiteError(f"{dest} is there already; name a folder that is not")
    site.build(listed, dest / "site", vendor=vendor)
    site.configure_container(listed, dest, hosts=running.allowed_hosts())


@app.command("compose", hidden=True)
def write_compose() -> None:
    """Write services/stacks.yaml from the catalog."""
    if compose.write():
        out.print(f"wrote {compose.FILE}")


@app.command("documents", hidden=True)
def write_documents() -> None:
    """Write the generated parts of the documents anew (for make)."""
    for file in documents.files(ROOT):
        try:
            fresh = documents.refreshed(file, ROOT)
        except ValueError as error:
            raise CatalogError(str(error)) from None
        if not file.exists() or fresh != file.read_text("utf-8"):
            file.write_text(fresh, "utf-8")
            out.print(f"wrote {file.relative_to(ROOT)}", highlight=False)

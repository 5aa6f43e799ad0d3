"""The command `echowall check`."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from echowall import options
from echowall.catalog import catalog
from echowall.catalog.catalog import CatalogError, Service
from echowall.check import judging, junit, rendering, tables, unmended
from echowall.check.examination import Examination
from echowall.check.judging import Surprise
from echowall.check.registry import GROUPS, Check
from echowall.check.suite import ALL
from echowall.check.targets import Manner, Subject, of_lab, of_urls
from echowall.check.wire import PATIENCE
from echowall.lab.lab import Lab
from echowall.results import behaviour, store
from echowall.results.model import CheckRun

out = Console()
err = Console(stderr=True, soft_wrap=True)
_STDOUT = Path("-")


class Protocol(StrEnum):
    """What a URL speaks."""

    WEBSOCKET = "websocket"
    SOCKET_IO = "socket.io"


def command(running: Callable[[], Lab]) -> Callable[..., None]:
    """The command; `running` gives the lab that runs, or raises LabError."""

    def check(
        targets: options.Targets = None,
        group: Annotated[list[str] | None, typer.Option(help="Only checks of this group; may be repeated.")] = None,
        only: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this check; may be repeated.")] = None,
        via: options.Route = options.Via.BOTH,
        bare: Annotated[
            bool, typer.Option("--bare", help="Ask further instances with their mends off, one at a time, directly.")
        ] = False,
        json: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Write the results there as JSON; `-` is standard output.")
        ] = None,
        junit_: Annotated[
            Path | None, typer.Option("--junit", metavar="FILE", help="Write them there as JUnit XML, for CI.")
        ] = None,
        save: options.Save = False,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
        toml: Annotated[
            bool,
            typer.Option("--toml", help="Print what service.toml does not know yet, as entries of it without causes."),
        ] = False,
        jobs: Annotated[int, typer.Option(min=1, max=16, help="How many services are examined at a time.")] = 4,
        explain: Annotated[
            str | None, typer.Option(metavar="ID", help="Put one question, and show every frame.")
        ] = None,
        list_: Annotated[bool, typer.Option("--list", help="List the checks, and put none.")] = False,
        intrusive: Annotated[
            bool, typer.Option("--intrusive", help="Put rude questions to a URL too: floods, resets, bombs.")
        ] = False,
        subprotocol: options.Subprotocols = None,
        header: options.Headers = None,
        first: Annotated[
            list[str] | None,
            typer.Option(
                metavar="MESSAGE",
                help="Said first on each connection to a URL, as it is: a token, a `connection_init`; may be repeated. "
                "It is kept secret, and what answers it is part of the greeting.",
            ),
        ] = None,
        wrap: Annotated[
            str | None,
            typer.Option(
                metavar="TEMPLATE",
                help="Put each message to a URL into this text, where it has MESSAGE: "
                '\'{"type": "say", "text": "MESSAGE"}\'. It is escaped where the template is JSON.',
            ),
        ] = None,
        unwrap: Annotated[
            str | None,
            typer.Option(
                metavar="TEMPLATE|POINTER",
                help="Where the echo is in what comes back: a text with MESSAGE in it, or a JSON Pointer (/data/text); "
                "by default the same place as in --wrap.",
            ),
        ] = None,
        protocol: Annotated[
            Protocol,
            typer.Option(
                help="What a URL speaks above WebSocket. For socket.io the path /socket.io/ and the query are added "
                "where they are missing."
            ),
        ] = Protocol.WEBSOCKET,
        ca: options.Ca = None,
        cert: options.Cert = None,
        key: options.Key = None,
        proxy: options.Proxy = None,
        timeout: Annotated[
            float,
            typer.Option(metavar="SECONDS", min=PATIENCE, help="How long an answer of a URL may take."),
        ] = PATIENCE,
        idle: Annotated[
            float | None,
            typer.Option(
                metavar="SECONDS",
                min=1,
                max=3600,
                help="How long an idle connection is watched: by default 8 for a URL, 75 with --group endurance; "
                "22 for a service of the lab.",
            ),
        ] = None,
        connections: Annotated[
            int | None, typer.Option(metavar="N", min=1, help="Open at most so many connections to a URL at once.")
        ] = None,
        rate: Annotated[
            float | None, typer.Option(metavar="N", min=0.1, help="Open at most so many new ones a second.")
        ] = None,
        insecure: options.Insecure = False,
    ) -> None:
        """Find out what each stack, or any endpoint, really does on the wire.

        With --bare, one more instance of each stack is started with its mends off,
        one at a time, and asked directly. It has to fail each mended check as
        service.toml says, and to answer all others as it always does.

        What is not as expected is asked once more, alone. An answer that cannot
        be told from what a URL says by itself is undecided, and fails no run.

        Ctrl-C or SIGTERM ends the run. What was found until then is kept and printed.

        Exit status:
        0    all is as the contract and the known deviations say
        1    something is not, or a target could not be asked
        2    misuse
        130  the run was interrupted
        """
        chosen = _choose(group or [], [explain] if explain else only or [])
        if list_:
            _list(chosen)
            return
        urls, names = options.split(targets)
        if not (math.isfinite(timeout) and math.isfinite(rate or 0) and math.isfinite(idle or 0)):
            raise typer.BadParameter(
                "--timeout and --idle take a number of seconds, --rate one of connections a second"
            )
        if json == _STDOUT and (explain or markdown or toml):
            raise typer.BadParameter("--json - has standard output for itself: leave out --explain, --markdown, --toml")
        if json and json != _STDOUT:
            options.writable("--json", json)
        if junit_:
            options.writable("--junit", junit_)
        if save and (urls or len(chosen) < len(ALL)):
            raise typer.BadParameter("--save keeps whole runs over the lab's services: leave out URLs and choices")
        if bare and (urls or via is options.Via.PROXY):
            raise typer.BadParameter("--bare asks services of the lab, directly: leave out URLs and --via proxy")
        services = {} if urls and not names else {one.name: one for one in catalog.load()}
        try:
            named = [] if urls and not names else catalog.choose(list(services.values()), names)
        except CatalogError as error:
            raise typer.BadParameter(str(error)) from None
        foreign = _foreign(
            urls,
            Manner(
                headers=tuple(header or []),
                subprotocols=tuple(subprotocol or []),
                first=tuple(first or []),
                wrap=wrap,
                unwrap=unwrap,
                protocol=protocol.value,
                tls=options.tls_context(ca, cert, key, insecure=insecure),
                proxy=proxy,
                slack=timeout - PATIENCE,
                idle=idle or (75 if "endurance" in (group or []) else 8),
                connections=connections,
                rate=rate,
                intrusive=intrusive,
            ),
        )
        the_lab = running() if named else None
        examination = Examination(
            jobs, err, lambda target, result: judging.unexpected(result, target, services.get(target.name))
        )
        interrupted = False
        try:
            with examination.shown(), options.sigterm_like_ctrl_c():
                if the_lab and bare:
                    unmended.examine(examination, the_lab, options.with_mends(named, names), chosen)
                else:
                    own = _own(the_lab, named, via, idle) if the_lab else []
                    asyncio.run(examination.examine([*foreign, *own], chosen))
        except KeyboardInterrupt:
            interrupted = True
        run = examination.record(the_lab.engine() if the_lab else None, interrupted=interrupted)
        if json and json != _STDOUT:
            json.write_bytes(store.encode(run))
        if junit_:
            junit_.write_bytes(junit.encode(run, services, examination.unfit))
        if json == _STDOUT:
            sys.stdout.buffer.write(store.encode(run))
        elif explain:
            rendering.explain(out, chosen[0], examination.answers)
        elif markdown:
            sys.stdout.write(behaviour.markdown(run.targets, run.checks) + "\n")
        elif toml:
            sys.stdout.write(rendering.toml(run.targets, services))
        elif run.targets:
            tables.show(out, run.targets, services, partial=len(chosen) < len(ALL))
        surprises = judging.surprises(run.targets, services, [] if interrupted else chosen)
        _tell(run, surprises)
        if interrupted:
            err.print("[red]echowall:[/red] interrupted: this is what was found until then", highlight=False)
            sys.exit(130)
        if save:
            options.keep(run)
        sys.exit(1 if surprises or examination.unfit else 0)

    return check


def _tell(run: CheckRun, surprises: list[Surprise]) -> None:
    """Say what is not as expected, and of how many answers."""
    for one in surprises:
        err.print(f"[red]{escape(one.target)}[/red] {one.check}: {escape(one.what)}", highlight=False)
    if run.targets:
        asked = sum(len(target.results) for target in run.targets)
        err.print(f"{asked} answer{'' if asked == 1 else 's'}, {len(surprises)} not as expected", highlight=False)


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
    """One line a check, whatever the terminal's width, so that grep finds all of it."""
    ids, groups = (max(map(len, column)) for column in ([check.id for check in ALL], GROUPS))
    for check in checks:
        line = f"{check.id:{ids}}  {check.group:{groups}}  {check.question} ({check.section})"
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _own(the_lab: Lab, services: Sequence[Service], via: options.Via, idle: float | None) -> list[Subject]:
    """Services of the lab, by one route or both; their idle connections are watched for so long, if that is said."""
    routes = {"directly": via is not options.Via.PROXY, "by_proxy": via is not options.Via.DIRECT}
    subjects = of_lab(services, the_lab, **routes)
    if idle is None:
        return subjects
    return [one._replace(target=msgspec.structs.replace(one.target, idle=idle)) for one in subjects]


def _foreign(urls: Iterable[str], manner: Manner) -> list[Subject]:
    try:
        return of_urls(urls, manner)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None

"""The command `echowall conformance`."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from echowall import options
from echowall.catalog import autobahn, expected
from echowall.catalog.autobahn import UnknownCasesError
from echowall.catalog.catalog import ROOT, Service
from echowall.check import targets as checked
from echowall.check.acquaintance import preflight
from echowall.check.targets import versions
from echowall.conformance import install, judging, mapping, rendering
from echowall.conformance.examination import Examination, Subject
from echowall.conformance.judging import Expecting, Surprise
from echowall.conformance.wstest import Address
from echowall.lab.lab import BARE, Lab, LabError, fresh
from echowall.results import behaviour, store
from echowall.results.model import ConformanceRun, Conformed

#: How many cases with the same surprise are named.
_SHOWN = 12
#: For so many cases that a stack is known to fail, it may have another instance.
_MANY = 40
out = Console()
err = Console(stderr=True, soft_wrap=True)


def command(running: Callable[[], Lab]) -> Callable[..., None]:
    """The command; `running` gives the lab that runs, or raises LabError."""

    def conformance(
        targets: options.Targets = None,
        chosen: Annotated[
            list[str] | None,
            typer.Option(
                "--cases",
                metavar="quick|ci|full|PATTERN",
                help="Which cases: a set, or a pattern of ids such as '7.1.*'; may be repeated.",
                show_default="quick",
            ),
        ] = None,
        via: options.Route = options.Via.DIRECT,
        bare: Annotated[
            bool, typer.Option("--bare", help="Test further instances with their mends off, one at a time, directly.")
        ] = False,
        json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results there, as JSON.")] = None,
        junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write them there as JUnit's XML.")] = None,
        save: options.Save = False,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
        jobs: Annotated[int, typer.Option(min=1, max=16, help="How many targets are tested at a time.")] = 6,
        instances: Annotated[
            int,
            typer.Option(
                min=1,
                max=4,
                help="Start up to so many instances of a stack that fails many cases; each is put a part of them.",
            ),
        ] = 1,
        explain: Annotated[str | None, typer.Option(metavar="CASE", help="Put one case, and show every frame.")] = None,
        subprotocol: options.Subprotocols = None,
        ca: options.Ca = None,
        insecure: options.Insecure = False,
    ) -> None:
        """Put the Autobahn Testsuite, unchanged, to each stack, or to any echo endpoint.

        It needs CPython 2.7, on PATH or in pyenv, or a Docker Engine, where it runs in a container.

        With --bare, one more instance of each stack is started with its mends off, one at a time, and tested directly.

        The suite waits a second in most cases that fail. With --instances, a stack that is known to fail many of them
        is tested by several instances at once, each in a turn of --jobs.

        Exit status: 0 where all is as each conformance.toml says, 1 where not, 2 for misuse.
        """
        words = [explain] if explain else chosen or ["quick"]
        try:
            put = autobahn.choose(words)
        except UnknownCasesError as error:
            raise typer.BadParameter(str(error)) from None
        if explain and len(put) > 1:
            raise typer.BadParameter(f"--explain shows one case, and {explain!r} is {len(put)}; name one, as in 7.1.5")
        urls, names = options.split(targets)
        for option, file in (("--json", json), ("--junit", junit)):
            if file:
                options.writable(option, file)
        if save and (urls or explain):
            raise typer.BadParameter("--save keeps runs over the lab's services: leave out URLs and --explain")
        if bare and (urls or via is not options.Via.DIRECT):
            raise typer.BadParameter("--bare tests services of the lab, directly: leave out URLs and --via")
        if instances > 1 and (urls or bare or save or via is not options.Via.DIRECT):
            # What is kept is about the services that run, and does not say how many instances answered.
            raise typer.BadParameter(
                "--instances tests further instances of the lab's services, directly: "
                "leave out URLs, --bare, --via and --save"
            )
        named = [] if urls and not names else options.plain_services(names)
        services = {one.name: Expecting(one, expected.read(ROOT / "services" / one.name)) for one in named}
        foreign = _foreign(urls, subprotocol or [], ca, insecure=insecure)
        if not named and not foreign:
            return
        the_lab = running() if named else None
        suite = install.find(the_lab.kind if the_lab else None)
        examination = Examination(suite, put, words, jobs, err)
        tested = options.with_mends(named, names) if bare else named
        known_to_fail = Counter(
            name
            for name, (_, expectations) in services.items()
            for case in put
            if expectations.known_failure(case, "direct")
        )
        interrupted = False
        unfit: list[tuple[str, str]] = []
        try:
            with examination.shown(), options.sigterm_like_ctrl_c(), ExitStack() as running_beside:
                if the_lab and bare:
                    unfit += _bare(examination, the_lab, tested, known_to_fail)
                else:
                    own = _own(the_lab, tested, via) if the_lab else []
                    if the_lab and instances > 1:
                        for service, (_, addresses) in zip(tested, own, strict=True):
                            count = min(instances, 1 + known_to_fail[service.name] // _MANY)
                            addresses += running_beside.enter_context(_further(the_lab, service, count))
                    unfit += asyncio.run(_examine(examination, [*foreign, *own], known_to_fail))
        except KeyboardInterrupt:
            interrupted = True
        run = examination.record(the_lab.engine() if the_lab else None)
        run.interrupted = interrupted
        if json:
            json.write_bytes(store.encode(run))
        if junit:
            junit.write_bytes(rendering.encode(run, services, unfit))
        if explain:
            rendering.explain(out, put[0], mapping.check_of(put[0]), run.targets, examination.reports, services)
        elif markdown:
            sys.stdout.write(behaviour.cases(run.targets) + "\n")
        elif run.targets:
            out.print(rendering.table(run.targets, services))
        surprises = judging.surprises(run.targets, services)
        _tell(run, surprises)
        if interrupted:
            err.print("[red]echowall:[/red] interrupted; what had ended by then is above", highlight=False)
            sys.exit(130)
        if save and not unfit:
            options.keep(run)
        sys.exit(1 if surprises or unfit else 0)

    return conformance


async def _examine(
    examination: Examination,
    subjects: Iterable[tuple[checked.Subject, Sequence[Address]]],
    known_to_fail: Counter[str],
) -> list[tuple[str, str]]:
    """Test those that are echo servers; says of the others why not, and gives that."""
    fit, unfit = [], []
    for subject, addresses in subjects:
        if trouble := await preflight(subject.target):
            label = subject.examined.label
            unfit.append(_unfit(label, subject.target.secrets.hide(trouble).removeprefix(label).lstrip()))
            continue
        fields = {key: getattr(subject.examined, key) for key in Conformed.__struct_fields__ if key != "results"}
        examined = Conformed(**fields)
        examined.versions = await versions(subject)
        fit.append(Subject(addresses, examined, known_to_fail[examined.name]))
    await examination.examine(fit)
    return unfit


def _unfit(label: str, why: str) -> tuple[str, str]:
    """Say that this target cannot be tested."""
    err.print(f"[red]{escape(label)}[/red] {escape(why)}", highlight=False)
    return label, why


def _bare(
    examination: Examination, lab: Lab, services: Iterable[Service], known_to_fail: Counter[str]
) -> list[tuple[str, str]]:
    """Start an instance of each with MENDS=off, test it, and stop it; gives those that could not be tested, and why."""
    unfit: list[tuple[str, str]] = []
    for service in services:
        try:
            with lab.beside(service.name, BARE) as endpoint:
                subject = checked.bare(service, endpoint)
                unfit += asyncio.run(_examine(examination, [(subject, [Address(subject.target.url)])], known_to_fail))
        except LabError as error:
            unfit.append(_unfit(service.name, str(error)))
    return unfit


def _own(lab: Lab, services: Sequence[Service], via: options.Via) -> list[tuple[checked.Subject, list[Address]]]:
    """Services of the lab, by one route or both."""
    routes = {"directly": via is not options.Via.PROXY, "by_proxy": via is not options.Via.DIRECT}
    found = checked.of_lab(services, lab, **routes)
    # The suite cannot trust a single certificate. The question before it, whether this is an echo server, does.
    return [(subject, [Address(subject.target.url, insecure=subject.target.tls is not None)]) for subject in found]


@contextmanager
def _further(lab: Lab, service: Service, count: int) -> Iterator[list[Address]]:
    """Where further instances of the service are, which make so many together with the running one."""
    with ExitStack() as running:
        variants = [fresh(str(number), f"number {number}") for number in range(2, count + 1)]
        endpoints = [running.enter_context(lab.beside(service.name, variant)) for variant in variants]
        yield [Address(checked.direct(service, endpoint).target.url) for endpoint in endpoints]


def _foreign(
    urls: Iterable[str], subprotocols: list[str], ca: Path | None, *, insecure: bool
) -> list[tuple[checked.Subject, list[Address]]]:
    # The suite knows nothing of proxies, so the question whether it is an echo server goes without one, too.
    manner = checked.Manner(
        subprotocols=tuple(subprotocols), tls=options.tls_context(ca, None, None, insecure=insecure), proxy="none"
    )
    try:
        found = checked.of_urls(urls, manner)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    trusted = ca.resolve() if ca else None
    return [
        (one, [Address(target.address or target.url, tuple(subprotocols), insecure, trusted, target.secrets.hide)])
        for one in found
        for target in [one.target]
    ]


def _tell(run: ConformanceRun, surprises: list[Surprise]) -> None:
    """Say what is not as expected, of each cause once, and of how many answers."""
    by_cause: dict[tuple[str, str], list[str]] = {}
    for one in surprises:
        by_cause.setdefault((one.target, one.what), []).append(one.case)
    for (target, what), found in by_cause.items():
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        line = f"[red]{escape(target)}[/red] {', '.join(found[:_SHOWN])}{more}: {escape(what)}"
        err.print(line, highlight=False)
    if run.targets:
        put = sum(len(target.results) for target in run.targets)
        err.print(f"{put} answer{'' if put == 1 else 's'}, {len(surprises)} not as expected", highlight=False)

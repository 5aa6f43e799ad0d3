"""The command `echowall bench`."""

from __future__ import annotations

import math
import random
import resource
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.markup import escape

from echowall import options
from echowall.bench import gate, permission, rendering, report, scenarios, summary
from echowall.bench.contenders import Contender, Direct, Foreign, Further, Proxied, entries, running_chat, without
from echowall.bench.estimates import LEAST_ROUNDS
from echowall.bench.fleet import Fleet
from echowall.bench.plan import LEAST, SPARE, Tls
from echowall.bench.rounds import Place, Rounds, cores, estimated
from echowall.bench.scenarios import SCENARIOS, Option, Wishes
from echowall.catalog import catalog
from echowall.catalog.catalog import Route, Service
from echowall.check.targets import Manner, Subject, of_urls
from echowall.check.wire.target import IDLE
from echowall.lab.lab import Lab, LabError
from echowall.results import store
from echowall.results.model import BenchRun, Figure, Step
from echowall.results.provenance import Beginning

#: How many rounds there are of services and of URLs, if the user does not say.
_ROUNDS, _ROUNDS_OF_URLS = LEAST_ROUNDS, 1
#: How long an endpoint of somebody else's is watched in silence at most, in seconds.
_IDLE = 8.0
#: More than these no generator of one process can do.
_MOST_CONNECTIONS, _MOST_RATE = 20_000, 1_000_000.0
_LARGEST = 16 << 20
#: The longest interval between messages, or polls, and the longest step, in seconds.
_MOST_SELDOM, _LONGEST = 600.0, 3600.0
out = Console()
err = Console(stderr=True, soft_wrap=True)


def _scenarios() -> str:
    """What there is to choose from, for help."""
    return " ".join(["What is sent; may be repeated.", *(f"{one.name}: {one.about}" for one in SCENARIOS.values())])


def command(running: Callable[[], Lab]) -> Callable[..., None]:
    """The command; `running` gives the lab that runs, or raises LabError."""

    def bench(
        targets: options.Targets = None,
        scenario: Annotated[
            list[str] | None,
            typer.Option(metavar="|".join(SCENARIOS), help=_scenarios(), show_default="rate"),
        ] = None,
        rate: Annotated[
            list[float] | None,
            typer.Option(metavar="N", help="Messages a second over all connections; may be repeated."),
        ] = None,
        size: Annotated[list[int] | None, typer.Option(metavar="BYTES", help="Of a message; may be repeated.")] = None,
        every: Annotated[
            list[float] | None,
            typer.Option(
                metavar="SECONDS",
                help="From one message to the next, for push; may be repeated.",
                show_default=" ".join(f"{one:g}" for one in scenarios.EVERY),
            ),
        ] = None,
        polled: Annotated[
            list[float] | None,
            typer.Option(
                metavar="SECONDS",
                help="From one poll of a listener to the next, for push; may be repeated.",
                show_default=" ".join(f"{one:g}" for one in scenarios.POLLED),
            ),
        ] = None,
        binary: Annotated[bool, typer.Option("--binary", help="Send binary messages, and not text.")] = False,
        connections: Annotated[
            int | None,
            typer.Option(
                metavar="N",
                min=1,
                max=_MOST_CONNECTIONS,
                help="How many; for room and push, how many listen.",
                show_default="as the scenario has it",
            ),
        ] = None,
        seconds: Annotated[
            float | None,
            typer.Option(
                metavar="N",
                min=0.1,
                max=3600,
                help="How long each step is measured, in each round.",
                show_default="as the scenario has it",
            ),
        ] = None,
        rounds: Annotated[
            int | None,
            typer.Option(
                min=1,
                max=1000,
                help="How often each step is measured; two stacks can be told apart from 6 on.",
                show_default="6, of URLs 1",
            ),
        ] = None,
        via: options.Route = options.Via.DIRECT,
        bare: Annotated[
            bool, typer.Option("--bare", help="Measure each stack that mends something with its mends off, too.")
        ] = False,
        scheduler: Annotated[
            str | None,
            typer.Option(
                metavar="ADDRESS",
                help="Have the workers of the Dask scheduler there send the messages, as in tcp://127.0.0.1:8786.",
            ),
        ] = None,
        tuned: Annotated[
            bool,
            typer.Option(
                "--tuned",
                help="Measure each stack, too, with what its documentation has for throughput; see its service.toml.",
            ),
        ] = False,
        workers: Annotated[
            int | None,
            typer.Option(metavar="N", min=2, max=64, help="Measure each stack that can with N worker processes, too."),
        ] = None,
        seed: Annotated[
            int | None, typer.Option(min=0, help="For the order within rounds.", show_default="another each time")
        ] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only say what would be measured, and for how long.")
        ] = False,
        json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results there, as JSON.")] = None,
        html: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Write a report there, one file with charts and tables.")
        ] = None,
        save: options.Save = False,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False,
        csv: Annotated[bool, typer.Option("--csv", help="Print the figures as CSV.")] = False,
        subprotocol: options.Subprotocols = None,
        header: options.Headers = None,
        ca: options.Ca = None,
        cert: options.Cert = None,
        key: options.Key = None,
        insecure: options.Insecure = False,
        proxy: options.Proxy = None,
        i_may_load_this: Annotated[
            bool,
            typer.Option(
                "--i-may-load-this",
                help="Load a URL that is neither on this machine nor on a private network, up to "
                f"{permission.MOST_RATE:,.0f} messages a second over {permission.MOST_CONNECTIONS} connections.",
            ),
        ] = False,
    ) -> None:
        """Find out what a message costs each stack, or any echo endpoint, and how long it takes.

        Each message is sent at a planned time, and its latency counts from there. How
        late the generator itself was is measured as well, and what it cannot stand
        behind is withheld, with the reason.

        Before the first round each target is put the checks of the groups messages
        and honesty. One that loses or alters messages has no figure, whether or not
        that is known of it.

        A service of the lab gets an instance of its own in each round; with --via
        proxy the lab's own is started anew. The stacks are compared with the
        yardstick, which is in every round twice.

        `echowall bench report` shows a run that --json kept, and `echowall bench
        compare` what changed between two.

        Ctrl-C or SIGTERM ends the run. The rounds that were whole by then are kept
        and printed.

        Exit status:
        0    all was measured
        1    a target could not be, or has another echo than is known of it
        2    misuse
        130  the run was interrupted
        """
        wishes = Wishes(
            rates=rate or [],
            sizes=size or [],
            every=every or [],
            polled=polled or [],
            connections=connections,
            seconds=seconds,
        )
        steps = _steps(scenario or ["rate"], wishes, binary=binary)
        urls, names = options.split(targets)
        if markdown and csv:
            raise typer.BadParameter("--markdown and --csv both print to standard output; choose one")
        for option, file in (("--json", json), ("--html", html)):
            if file:
                options.writable(option, file)
        if save and urls:
            raise typer.BadParameter("--save keeps runs over the lab's services: leave out URLs")
        for option in [
            name for name, given in {"--bare": bare, "--tuned": tuned, "--workers": workers}.items() if given
        ]:
            if via is not options.Via.DIRECT:
                raise typer.BadParameter(f"{option} measures instances that the proxy does not know: leave out --via")
            if urls and not names:
                raise typer.BadParameter(f"{option} is for services of the lab, and not for URLs")
        tls = Tls(ca=_name(ca), cert=_name(cert), key=_name(key), insecure=insecure)
        manner = Manner(
            headers=tuple(header or []),
            subprotocols=tuple(subprotocol or []),
            tls=options.tls_context(ca, cert, key, insecure=insecure),
            proxy=proxy,
            idle=min(_IDLE, seconds or _IDLE),
        )
        if urls and (rooms := [step.scenario for step in steps if step.load in ("room", "push")]):
            raise typer.BadParameter(
                f"the scenario {rooms[0]} is for services of the lab, which have the chat room: leave out URLs"
            )
        if scheduler and (alone := [step.scenario for step in steps if step.load != "echo" or step.stuck]):
            raise typer.BadParameter(f"the scenario {alone[0]} takes one generator: leave out --scheduler")
        foreign = _foreign(urls, manner, steps, allowed=i_may_load_this)
        services = [] if urls and not names else _serving(options.plain_services(names), steps)
        routes = [route for route in get_args(Route) if via in (options.Via.BOTH, route)]
        count = rounds or (_ROUNDS if services else _ROUNDS_OF_URLS)
        further = Further(bare=bare, tuned=tuned, workers=workers)
        for line in without(services, further):
            err.print(escape(line), highlight=False)
        if dry_run:
            listed = entries(_yardstick(steps) or services[0], services, routes, further) if services else []
            labels = [one.benched().label for one in listed] + [subject.examined.label for subject in foreign]
            asking = gate.estimated(len(labels), IDLE if services else manner.idle)
            rendering.plan(out, labels, steps, count, asking + estimated(len(labels), steps, count))
            return
        the_lab = running() if services else None
        yardstick = _running_yardstick(the_lab, services, steps) if the_lab else None
        contenders: list[Contender] = [Foreign(subject, tls) for subject in foreign]
        if the_lab:
            server_cores = [] if scheduler else cores()[1]
            for entry in entries(yardstick, services, routes, further):
                kind = Direct if entry.via == "direct" else Proxied
                contenders.append(kind(the_lab, entry, server_cores))
        beginning = Beginning()
        chance = seed if seed is not None else random.SystemRandom().getrandbits(32)
        with Fleet(scheduler) if scheduler else nullcontext() as fleet:
            found = _ask(contenders)
            speaker = partial(running_chat, the_lab, yardstick) if the_lab and yardstick else None
            measured = Rounds(found.fit if found else [], steps, count, chance, fleet, speaker)
            interrupted = found is None or _run(measured)
        run = summary.record(
            beginning, measured, contenders, yardstick.name if yardstick else "", the_lab, interrupted=interrupted
        )
        if json:
            json.write_bytes(store.encode(run))
        if html:
            report.write(run, html)
        if run.targets:
            _print(run, markdown=markdown, csv=csv)
        unfit = [*(found.unfit if found else []), *measured.unfit]
        for one in unfit:
            err.print(f"[red]{escape(one.target)}[/red] {escape(one.why)}", highlight=False)
        if interrupted:
            whole = f"{run.rounds} of {count} rounds were whole; they are above" if run.rounds else "no round was whole"
            err.print(f"[red]echowall:[/red] interrupted: {whole}", highlight=False)
            sys.exit(130)
        wrong = unfit or (found and found.surprises)
        if save and not wrong:
            options.keep(run)
        sys.exit(1 if wrong else 0)

    return bench


def _steps(
    names: Sequence[str],
    wishes: Wishes,
    *,
    binary: bool,
) -> list[Step]:
    """What the options ask for. Raises BadParameter."""
    for name in names:
        if name not in SCENARIOS:
            raise typer.BadParameter(f"no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    for rate in wishes.rates:
        if not (math.isfinite(rate) and 0 < rate <= _MOST_RATE):
            raise typer.BadParameter(f"--rate {rate:g}: write a number of messages a second, up to {_MOST_RATE:,.0f}")
    for size in wishes.sizes:
        if not LEAST <= size <= _LARGEST:
            wrong = f"--size {size}: a message has {LEAST} bytes at least, for its number and checksum"
            raise typer.BadParameter(f"{wrong}, and {_LARGEST:,} at most")
    for option, given in (("every", wishes.every), ("polled", wishes.polled)):
        for value in given:
            if not 0.01 <= value <= _MOST_SELDOM or round(100 * value) != 100 * value:
                wrong = f"--{option} {value:g}: write a number of seconds, from 0.01 to {_MOST_SELDOM:g}"
                raise typer.BadParameter(f"{wrong}, with two digits after the point at most")
    if wishes.connections and (many := _too_many(wishes.connections)):
        raise typer.BadParameter(many)
    if wishes.seconds is not None and not math.isfinite(wishes.seconds):
        raise typer.BadParameter("--seconds takes a number of seconds")
    asked: dict[Option, Sequence[float]] = {
        "rate": wishes.rates,
        "size": wishes.sizes,
        "every": wishes.every,
        "polled": wishes.polled,
    }
    for option, given in asked.items():
        if given and not any(option in SCENARIOS[name].takes for name in names):
            takers = ", ".join(name for name, one in SCENARIOS.items() if option in one.takes)
            raise typer.BadParameter(f"--{option} is for a scenario that takes it ({takers}), and not for {names[0]}")
    steps = scenarios.of_wishes(names, wishes, binary=binary)
    if long := next((one for one in steps if one.seconds > _LONGEST), None):
        raise typer.BadParameter(
            f"the step {long.name!r} would take {long.seconds:,g} s, for in it both intervals pass a whole number of "
            f"times; choose --every and --polled of which one is a multiple of the other"
        )
    return steps


def _serving(services: list[Service], steps: Sequence[Step]) -> list[Service]:
    """Those that take part in any of the steps; the others are named. Raises BadParameter where none does."""
    found = [one for one in services if any(scenarios.serves(one, step) for step in steps)]
    left = [
        one.name for one in services if not any(step.load == "push" and scenarios.serves(one, step) for step in steps)
    ]
    if any(step.load == "push" for step in steps) and left:
        err.print(
            escape(f"push leaves out {', '.join(left)}: their rooms have no other transport than WebSockets"),
            highlight=False,
        )
    if not found:
        having = ", ".join(one.name for one in catalog.load() if one.push)
        raise typer.BadParameter(f"the scenario push takes a service with several transports: {having or 'none has'}")
    return found


def _too_many(connections: int) -> str | None:
    """Why a generator cannot have so many; None where it can."""
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY or connections <= limit - SPARE:
        return None
    return (
        f"--connections {connections}: a process here may open {limit:,} files, which allows {limit - SPARE:,} "
        "connections; raise `ulimit -n`, or ask for fewer"
    )


def _foreign(urls: Sequence[str], manner: Manner, steps: Sequence[Step], *, allowed: bool) -> list[Subject]:
    """The endpoints that URLs name. Raises BadParameter for one that is none, or that may not be loaded so."""
    try:
        found = of_urls(dict.fromkeys(urls), manner)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    for subject in found:
        target = subject.target
        if wrong := permission.objection(target.url, target.host, steps, allowed=allowed):
            raise typer.BadParameter(wrong)
    return found


def _yardstick(steps: Sequence[Step]) -> Service | None:
    """None where there is none, or where it takes part in no step."""
    every = (one for one in catalog.load() if one.era == "yardstick")
    return next((one for one in every if any(scenarios.serves(one, step) for step in steps)), None)


def _running_yardstick(lab: Lab, services: Sequence[Service], steps: Sequence[Step]) -> Service | None:
    """The yardstick, or, where it does not run or takes no part, the first of the others. Raises LabError where one of
    these does not run.
    """
    for service in services:
        lab.part(service.name)
    yardstick = _yardstick(steps)
    if yardstick is None:
        return services[0]
    try:
        lab.part(yardstick.name)
    except LabError:
        err.print(f"{yardstick.name} does not run: {services[0].name} is the yardstick", highlight=False)
        return services[0]
    return yardstick


def _name(file: Path | None) -> str | None:
    return str(file.resolve()) if file else None


def _ask(contenders: Sequence[Contender]) -> gate.Found | None:
    """Put the gate's checks to all of them, and show how far it is; None where that was interrupted."""
    count = sum(not one.benched.again for one in contenders)
    status = err.status("starting what is to be asked") if err.is_terminal else None

    def tell(labels: Sequence[str], before: int) -> None:
        what = f"asking whether the echo is right, {before + 1} to {before + len(labels)} of {count}"
        if status:
            status.update(escape(f"{what}: {', '.join(labels)}"))
        else:
            err.print(what, highlight=False)

    try:
        with options.sigterm_like_ctrl_c(), status or nullcontext():
            return gate.put(contenders, tell)
    except KeyboardInterrupt:
        return None


def _run(measured: Rounds) -> bool:
    """Measure, and show how far it is; says whether that was interrupted."""
    last: list[Place] = []

    @cache  # reading histograms takes time that a measurement would miss
    def figures(_finished: int, step: str) -> list[tuple[str, Figure]]:
        return _sofar(measured, step)

    def shown() -> RenderableType:
        return rendering.progress(measured, last[-1] if last else None, lambda step: figures(measured.finished, step))

    def tell(place: Place) -> None:
        if not err.is_terminal and (not last or last[-1].round != place.round):
            err.print(f"round {place.round} of {measured.count}", highlight=False)
        last[:] = [place]

    live = Live(get_renderable=shown, console=err, refresh_per_second=1, transient=True)
    try:
        with options.sigterm_like_ctrl_c(), live if err.is_terminal else nullcontext():
            measured.run(tell)
    except KeyboardInterrupt:
        return True
    return False


def _sofar(measured: Rounds, name: str) -> list[tuple[str, Figure]]:
    """The figures of one step, by the rounds that are whole."""
    step = next(one for one in measured.steps if one.name == name)
    found = []
    for contender in measured.contenders:
        of_step = [one for one in contender.benched.measurements if one.step == name]
        if of_step:
            found.append((contender.benched.label, summary.figure(step, of_step, 0)))
    return found


def _print(run: BenchRun, *, markdown: bool, csv: bool) -> None:
    if markdown:
        sys.stdout.write(rendering.markdown(run) + "\n")
    elif csv:
        sys.stdout.write(rendering.comma_separated(run))
    else:
        out.print(rendering.tables(run))

"""Many idle sockets: what `echowall sockets` finds about a faultless server, and about some that are at fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import uvloop
from rich.console import Console

from echowall import documents
from echowall.catalog import catalog
from echowall.check.targets import Subject
from echowall.check.wire import Target
from echowall.results import store
from echowall.results.model import Amount, Examined, Held, Limits, SocketsRun
from echowall.results.store import StoreError
from echowall.sockets import crowd, rendering
from echowall.sockets.holding import hold
from tests.faulty.forked import serving
from tests.runs import facts

COUNT = 100


def found(fault: str = "", limit: int | None = None, path: str = "foobar") -> Held:
    """What is found about the server with that fault, without waiting long for what it keeps."""
    with serving(fault) as server:
        url = f"ws://127.0.0.1:{server.port}/{path}/"
        subject = Subject(Target(url=url, name=fault, pid=server.pid), Examined(name=fault, url=url))
        return uvloop.run(hold(subject, limit, COUNT, lambda *_: None, patience=2))


def test_a_faultless_server_holds_all_and_lets_them_go() -> None:
    held = found()

    assert (held.asked, held.held, held.right, held.refused, held.same) == (COUNT, COUNT, COUNT, {}, True)
    assert held.full.descriptors - held.start.descriptors == COUNT
    assert held.faults == []


def test_a_few_more_than_the_declared_limit_are_asked_for_and_a_stack_that_takes_them_is_told_of() -> None:
    held = found(limit=10)

    assert held.asked == 30
    assert held.faults == ["it held 30, more than its max_sockets"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("Text echoed in upper case", "echoes were not right"),
        ("File left open for each client", "open files"),
    ],
)
def test_a_fault_is_told(fault: str, told: str) -> None:
    assert [one for one in found(fault).faults if told in one]


def test_sockets_that_are_cut_before_all_are_open_are_not_held() -> None:
    held = found("All connections cut at once when the 120th comes")

    assert held.refused["cut later"] > 0  # the others were still asked for
    assert held.held == held.right == COUNT - sum(held.refused.values())
    assert f"{COUNT - held.held} of {COUNT} sockets were not held" in held.faults


def test_how_sockets_were_refused_is_told() -> None:
    held = found(path="nowhere")

    assert held.refused == {"HTTP 404": COUNT}
    assert "100 of 100 sockets were not held" in held.faults


def test_a_connection_that_ends_before_its_echo_is_asked_for_is_not_right() -> None:
    async def right(target: Target) -> int:
        clients = crowd.Crowd(target)
        await clients.open(3, lambda _: None)
        clients.sockets[0].transport.abort()
        await asyncio.sleep(0.1)  # in which it is closed
        try:
            return await clients.echoes(lambda _: None)
        finally:
            clients.drop()

    with serving("") as server:
        assert uvloop.run(right(Target(url=f"ws://127.0.0.1:{server.port}/foobar/"))) == 2


def test_of_a_process_that_ended_no_memory_is_told() -> None:
    ended = kept("alpha")
    ended.same = False

    assert "| – | its process ended |" in rendering.markdown([ended], {})


def test_the_table_fits_into_a_terminal_of_80_columns() -> None:
    longest = max((service.name for service in catalog.load()), key=len)
    one = kept(longest, held=8877)
    one.full = one.end = Amount(memory=1035 * 2**20, descriptors=10_018)
    shown = StringIO()

    Console(file=shown, width=80).print(rendering.table([one]))

    assert "…" not in shown.getvalue()
    assert "40 → 1035 → 1035" in shown.getvalue()
    assert "12 → 10,018 → 10,018" in shown.getvalue()


def test_more_sockets_than_this_process_may_open_are_refused_with_what_to_do() -> None:
    with pytest.raises(crowd.TooManyError, match="raise the limit"):
        crowd.allow(1 << 40)


def kept(name: str, *, held: int = 990, **facts: Any) -> Held:
    """What became of a thousand sockets of a stack that has these MiB and open files before, with all, and after."""
    start, full, end = (
        Amount(memory=mib * 2**20, descriptors=files) for mib, files in ((40, 12), (60, 1012), (45, 12))
    )
    return Held(
        name=name,
        url="ws://127.0.0.1:8080/alpha/foobar/",
        via="proxy",
        versions={"python": "3.13.5"},
        limits=Limits(max_message=None, ping_interval=None),
        mends="on",
        max_sockets=None,
        asked=1000,
        held=held,
        right=held,
        refused={"HTTP 503": 1000 - held} if held < 1000 else {},
        start=start,
        full=full,
        end=end,
        seconds=2.4,
        same=True,
        **facts,
    )


def run(second: int, *found: Held, interrupted: bool = False) -> SocketsRun:
    began = datetime(2026, 11, 29, 12, 0, second, tzinfo=UTC)
    return SocketsRun(**facts(began), sockets=1000, targets=list(found), interrupted=interrupted)


def test_a_run_is_kept_and_read_again_and_an_interrupted_one_is_not(tmp_path: Path) -> None:
    one = run(0, kept("alpha"), kept("beta", held=1000))

    assert store.read(store.add(one, tmp_path)) == one
    assert '"kind": "sockets"' in (tmp_path / "results/index.json").read_text()
    with pytest.raises(StoreError, match="interrupted"):
        store.add(run(1, kept("alpha"), interrupted=True), tmp_path)


def test_the_documents_have_the_newest_of_each_stack_and_say_of_which_there_is_none(
    checkout: Path, add_service: Callable[..., Path]
) -> None:
    for name in ("alpha", "beta", "gamma"):
        add_service(name)
    for one in (run(0, kept("alpha"), kept("beta")), run(1, kept("alpha", held=1000))):
        store.add(one, checkout)

    table, runs = documents.sockets(checkout, "en").split("\n\n")

    title = next(iter(catalog.load(checkout))).title
    assert table.splitlines()[2:] == [
        f"| {title} | – | 1,000 | 1,000 | 1,000 | 40 → 60 → 45 | 20.5 | 25% | 12 → 1,012 → 12 | 2 s | – |",
        f"| {title} | – | 1,000 | 990 | 990 | 40 → 60 → 45 | 20.7 | 25% | 12 → 1,012 → 12 | 2 s | 10 × HTTP 503 |",
    ]
    assert [line for line in runs.splitlines() if "20261129T120000Z" in line] == [runs.splitlines()[0]]
    assert runs.splitlines()[-1] == f"- None is kept yet of {title}."

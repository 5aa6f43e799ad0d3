"""Load from the workers of a real Dask cluster."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from echowall.bench import judging
from echowall.bench.fleet import Fleet, Worker, split
from echowall.bench.plan import Aim, Plan, Report
from echowall.catalog.catalog import ROOT
from echowall.check.wire import Target
from echowall.lab.lab import LabError
from echowall.lab.procfs import family
from echowall.results import store
from echowall.results.model import BenchRun, Errors, Why
from tests.commands import BOUND
from tests.forks import ENVIRONMENT
from tests.interruptible import interruptible
from tests.ports import free_port
from tests.test_bench_cli import bench, command

WORKERS = 3
Cluster = tuple[str, list[subprocess.Popen[bytes]]]


@contextmanager
def part(kind: str, *arguments: str, path: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A scheduler or a worker; `path` is searched for packages before all else."""
    with subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments, "--no-dashboard"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(one for one in (path, str(ROOT)) if one)},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def cluster(workers: int, path: str = "") -> Iterator[Cluster]:
    """A scheduler and so many workers: the scheduler's address, and the workers' processes."""
    address = f"tcp://127.0.0.1:{free_port()}"
    with ExitStack() as parts:
        host, port = address.removeprefix("tcp://").split(":")
        parts.enter_context(part("scheduler", "--host", host, "--port", port))
        started = [
            parts.enter_context(
                part("worker", address, "--nthreads", "1", "--no-nanny", "--name", f"worker-{number}", path=path)
            )
            for number in range(1, workers + 1)
        ]
        _wait(address, workers)
        yield address, started


def _wait(address: str, workers: int) -> None:
    from distributed import Client

    host, port = address.removeprefix("tcp://").split(":")
    _until(lambda: _listens(host, int(port)))
    with Client(address, timeout=BOUND, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(workers, timeout=BOUND)


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), BOUND).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def echo(echo: int) -> str:
    """A faultless echo server's URL."""
    return f"ws://127.0.0.1:{echo}/foobar/"


@pytest.fixture(scope="module")
def workers() -> Iterator[Cluster]:
    """A scheduler and three workers."""
    with cluster(WORKERS) as started:
        yield started


@pytest.fixture
def three(workers: Cluster) -> str:
    """Their scheduler's address."""
    return workers[0]


def load(fleet: Fleet, plan: Plan, meanwhile: Callable[[], None] = lambda: None) -> Report:
    """Have the fleet carry it out; `meanwhile` is called when the time begins that is measured."""
    return asyncio.run(fleet.generate(plan, meanwhile, lambda: None))


def test_each_worker_has_its_share_and_they_are_put_together(three: str, echo: str) -> None:
    plan = Plan(aim=Aim(url=echo), connections=7, rate=350.0, warmup=0.2, seconds=1.0)
    with Fleet(three) as fleet:
        report = load(fleet, plan)

    assert report.errors == Errors()
    assert [one.worker for one in report.shares] == ["worker-1", "worker-2", "worker-3"]
    assert [one.connections for one in report.shares] == [3, 2, 2]
    assert sum(one.offered or 0 for one in report.shares) == pytest.approx(350.0)
    assert not any(one.gone for one in report.shares)
    counts = [judging.decode(one.lateness).get_total_count() for one in report.shares]
    assert all(counts)
    assert judging.decode(report.lateness).get_total_count() == sum(counts) <= 350  # a busy machine sends fewer
    assert judging.decode(report.latency).get_total_count() == sum(counts)
    assert sum(counts) < report.sent <= 420  # with the warm-up
    assert report.achieved == pytest.approx(sum(one.achieved for one in report.shares))


def test_there_is_no_worker_without_a_connection(three: str, echo: str) -> None:
    with Fleet(three) as fleet:
        report = load(fleet, Plan(aim=Aim(url=echo), connections=2, rate=None, warmup=0.1, seconds=0.3))

    assert [one.connections for one in report.shares] == [1, 1]
    assert report.achieved > 0


def test_the_parts_of_a_plan_are_the_plan() -> None:
    plan = Plan(aim=Aim(url="ws://127.0.0.1/"), connections=50, rate=2000.0, core=1)

    parts = split(plan, 3)

    assert [one.connections for one in parts] == [17, 17, 16]
    assert sum(one.rate or 0 for one in parts) == pytest.approx(2000.0)
    assert {(one.core, one.agreed, one.size) for one in parts} == {(None, True, plan.size)}
    assert len(split(plan, 1)) == 1


def test_a_worker_that_dies_is_told_and_its_share_is_left_out(echo: str) -> None:
    plan = Plan(aim=Aim(url=echo), connections=6, rate=300.0, warmup=0.2, seconds=2.0)
    with cluster(WORKERS) as (address, workers), Fleet(address) as fleet:
        report = load(fleet, plan, workers[1].kill)
        after = load(fleet, plan)

    assert [one.gone for one in report.shares] == ["", "went away", ""]
    refused = {one.withheld: one for one in judging.refusals(plan, report) if one.why is Why.WORKER}
    assert refused.keys() == {judging.COST, judging.THROUGHPUT}
    assert refused[judging.COST].says == "worker worker-2 went away: its 2 of 6 connections are left out"
    counted = judging.decode(report.lateness).get_total_count()
    assert counted == sum(judging.decode(one.lateness).get_total_count() for one in report.shares if not one.gone) > 0
    assert not report.shares[1].lateness
    assert [one.worker for one in after.shares] == ["worker-1", "worker-3"]
    assert [one.connections for one in after.shares] == [3, 3]


def test_where_the_last_worker_dies_that_is_an_error(echo: str) -> None:
    plan = Plan(aim=Aim(url=echo), connections=1, rate=50.0, warmup=0.2, seconds=1.0)
    with cluster(1) as (address, workers):
        with Fleet(address) as fleet:
            report = load(fleet, plan, workers[0].kill)
            with pytest.raises(LabError, match=f"the Dask scheduler at {address} has no workers"):
                load(fleet, plan)
        with pytest.raises(LabError) as raised, Fleet(address):
            pass

    assert report.trouble == "worker worker-1 went away"
    assert str(raised.value) == f"the Dask scheduler at {address} has no workers; start some, and run this again"


def test_what_a_worker_cannot_connect_to_is_told(three: str) -> None:
    with Fleet(three) as fleet:
        plan = Plan(aim=Aim(url=f"ws://127.0.0.1:{free_port()}/"), connections=3, rate=50.0, seconds=0.5)
        report = load(fleet, plan)

    assert report.trouble == "worker worker-1: 1 connections could not be opened: Connection refused"


def test_the_command_spreads_its_load(three: str, echo: str, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    arguments = (echo, "--scheduler", three, "--rate", "300", "--seconds", "0.5", "--connections", "6")

    done = bench(*arguments, "--json", str(file))

    assert done.returncode == 0, done.stderr
    run = store.read(file)
    assert isinstance(run, BenchRun)
    [measurement] = run.targets[0].measurements
    assert [one.connections for one in measurement.shares] == [2, 2, 2]
    assert measurement.errors == Errors()


def test_ctrl_c_ends_the_generators_of_all_workers(workers: Cluster, echo: str) -> None:
    address, processes = workers
    arguments = command(echo, "--scheduler", address, "--rate", "100", "--seconds", "600", "--connections", "4")
    with interruptible(arguments, env=ENVIRONMENT) as run:
        _until(lambda: all(_generators(process.pid) for process in processes))
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=BOUND)
    _until(lambda: not any(_generators(process.pid) for process in processes))

    assert run.returncode == 130
    assert said.endswith("echowall: interrupted: no round was whole\n")
    assert "Traceback" not in said


def _generators(pid: int) -> list[int]:
    """The generators of a worker that run."""
    found = []
    for one in family(pid):
        words = Path(f"/proc/{one}/cmdline").read_bytes() if Path(f"/proc/{one}").exists() else b""
        if b"echowall.bench.generator" in words:
            found.append(one)
    return found


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BOUND
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:{free}", "no Dask scheduler answers at tcp://127.0.0.1:"),
        ("nonsense://x", "--scheduler nonsense://x: that is no scheduler's address; write it as tcp://127.0.0.1:8786"),
        ("tcp://127.0.0.1", "--scheduler tcp://127.0.0.1: that is no scheduler's address"),
        ("tcp://127.0.0.1:x", "--scheduler tcp://127.0.0.1:x: that is no scheduler's address"),
        ("", "--scheduler : that is no scheduler's address"),
    ],
)
def test_a_scheduler_that_is_none_is_told(address: str, said: str) -> None:
    with pytest.raises(LabError) as raised, Fleet(address.format(free=free_port())):
        pass

    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)


def test_a_worker_with_another_generator_is_told(tmp_path: Path) -> None:
    facts = tmp_path / "picows-0.1.dist-info" / "METADATA"
    facts.parent.mkdir()
    facts.write_text("Metadata-Version: 2.1\nName: picows\nVersion: 0.1\n")

    with cluster(1, str(tmp_path)) as (address, _), pytest.raises(LabError) as raised, Fleet(address):
        pass

    assert str(raised.value).startswith("worker worker-1 has picows 0.1, and not ")


def test_a_worker_elsewhere_cannot_load_this_machines_own_address(three: str, monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = Target(url="ws://127.0.0.1:8000/"), Target(url="ws://192.0.2.1:8000/")
    with Fleet(three) as fleet:
        assert fleet.objection(near) is None
        here = fleet.workers()
        monkeypatch.setattr(fleet, "workers", lambda: [Worker("tcp://192.0.2.7:1", "afar", "another", 0), *here])

        assert fleet.objection(far) is None
        assert fleet.objection(near) == (
            "worker afar is not on this machine, and 127.0.0.1 is each machine's own address: "
            "name one that the workers reach as well"
        )

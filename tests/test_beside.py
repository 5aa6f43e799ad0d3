"""A bare instance: the service with MENDS=off, beside the running one, and gone however the run ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from echowall.bench import cost
from echowall.lab import site
from echowall.lab.containers import Containers
from echowall.lab.lab import BARE, Endpoint, LabError, fresh
from echowall.lab.processes import Processes
from tests.clones import APP, Checkout
from tests.interruptible import interruptible

LABS = {"processes": Processes, "containers": Containers}
FRAGILE = f"import os\nif os.environ.get('MENDS') == 'off': raise SystemExit('without mends I am nothing')\n{APP}"
#: A run that has a bare instance, says where it is, and goes on until it is ended.
RUN = """
import sys, time
from pathlib import Path
from echowall.lab.lab import BARE
from echowall.lab.{module} import {kind}
with {kind}(Path(sys.argv[1])).beside("good", BARE) as endpoint:
    print(*endpoint[:3], flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module", params=LABS)
def checkout(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """One whose lab runs, of either kind, with one service that needs no mends and one that does."""
    if request.param == "containers":
        request.getfixturevalue("engine")
    site.install_libraries()
    checkout = Checkout(tmp_path_factory.mktemp(request.param) / "echowall")
    checkout.add("fragile", FRAGILE)
    try:
        up = checkout.echowall("up", *(["--docker"] if request.param == "containers" else []))
        assert up.returncode == 0, up.stdout + up.stderr
        yield checkout
    finally:
        checkout.discard()


@pytest.fixture
def lab(checkout: Checkout) -> Processes | Containers:
    """The lab of the checkout."""
    processes = Processes(checkout.folder)
    return processes if processes.running() else Containers(checkout.folder)


def about(endpoint: Endpoint) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"http://{endpoint.host}:{endpoint.port}/about", trust_env=False).json()
    return answer


def begun(checkout: Checkout) -> list[Path]:
    """What a run keeps there while it has a bare instance, or is about to."""
    return [path for path in (checkout.folder / ".echowall/beside").glob("*") if path.suffix != ".lock"]


def gone(lab: Processes | Containers, checkout: Checkout, endpoint: Endpoint | None = None) -> bool:
    """Whether nothing of a bare instance is left; where it was is told by `endpoint`."""
    if isinstance(lab, Processes):
        with lab._supervisor() as supervisor:
            kept = [process["name"] for process in supervisor.getAllProcessInfo() if "bare" in process["name"]]
    else:
        listed = lab.compose("ps", "--all", "--format", "{{.Name}}").split()
        kept = [name for name in listed if "bare" in name]
    if endpoint:
        with suppress(OSError), socket.create_connection((endpoint.host, endpoint.port), timeout=1):
            kept.append("a listener")
    return not begun(checkout) and not kept


def test_it_runs_without_mends_beside_the_mended_one(lab: Processes | Containers, checkout: Checkout) -> None:
    with lab.beside("good", BARE) as bare:
        mended = lab.endpoint("good")

        assert (about(bare)["mends"], about(mended)["mends"]) == ("off", "on")
        assert bare.pid != mended.pid
        assert (bare.host, bare.port) != (mended.host, mended.port)
        assert "MENDS=off" in Path(f"/proc/{bare.pid}/environ").read_text().split("\0")
        assert checkout.answers() == checkout.folder.parent.name  # the proxy goes on asking the mended one
        with httpx.Client(base_url=f"http://127.0.0.1:{checkout.port}") as client:
            page = [client.get("/good/about").json()["mends"] for _ in range(20)]
        assert set(page) == {"on"}
        assert not gone(lab, checkout, bare)

    assert gone(lab, checkout, bare)
    assert about(lab.endpoint("good"))["mends"] == "on"


def test_what_runs_a_part_is_told_and_can_be_measured(lab: Processes | Containers, checkout: Checkout) -> None:
    with lab.beside("good", fresh()) as instance:
        meter = cost.meter(instance.pid, instance.container)

        assert meter
        assert meter.cpu() > 0
        assert (meter.memory() or 0) > 1 << 20
        assert lab.part("good").pid == lab.endpoint("good").pid != instance.pid
        assert about(instance)["mends"] == "on"
    for name in ("good", "proxy"):
        pid, container = lab.part(name)
        assert cost.meter(pid, container)
        assert isinstance(cost.meter(pid, container), cost.OfContainer) == isinstance(lab, Containers)
    with pytest.raises(LabError, match="nobody"):
        lab.part("nobody")


def test_it_is_gone_where_the_run_fails(lab: Processes | Containers, checkout: Checkout) -> None:
    with pytest.raises(ZeroDivisionError), lab.beside("good", BARE) as bare:
        raise ZeroDivisionError

    assert gone(lab, checkout, bare)


def test_it_is_gone_where_it_has_just_ended_by_itself(lab: Processes | Containers, checkout: Checkout) -> None:
    for delay in (0, 0.02, 0.05, 0.1, 0.2):  # the lab is about to start it again
        with lab.beside("good", BARE) as bare:
            time.sleep(1.5)  # longer than a process has to run before its end is one that is mended
            os.kill(bare.pid, signal.SIGKILL)
            time.sleep(delay)

        assert gone(lab, checkout, bare)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_is_gone_where_a_signal_ends_the_run(
    lab: Processes | Containers, checkout: Checkout, number: signal.Signals
) -> None:
    with a_run(lab, checkout) as run:
        bare = come_up(run)
        assert about(bare)["mends"] == "off"

        run.send_signal(number)
        time.sleep(0.05)
        run.send_signal(number)  # somebody who cannot wait

        run.wait(20)
        assert run.returncode != 0
    assert gone(lab, checkout, bare)


@pytest.mark.parametrize("delay", [0, 0.1, 0.3, 0.6])
def test_it_is_gone_where_a_signal_ends_the_run_while_it_comes_up(
    lab: Processes | Containers, checkout: Checkout, delay: float
) -> None:
    with a_run(lab, checkout) as run:
        deadline = time.monotonic() + 20
        while not begun(checkout) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert begun(checkout)
        time.sleep(delay)
        run.terminate()
        run.wait(20)

    assert gone(lab, checkout)


def test_one_that_a_killed_run_left_is_replaced_by_the_next(lab: Processes | Containers, checkout: Checkout) -> None:
    with a_run(lab, checkout) as run:
        left = come_up(run)
    assert about(left)["mends"] == "off"

    with lab.beside("good", BARE) as bare:
        assert about(bare)["mends"] == "off"
        assert bare.pid != left.pid
        assert not Path(f"/proc/{left.pid}").exists()

    assert gone(lab, checkout, bare)


def test_a_second_run_is_refused_as_long_as_the_first_lasts(lab: Processes | Containers, checkout: Checkout) -> None:
    with lab.beside("good", BARE) as bare:
        with pytest.raises(LabError, match="another run has an instance of good without its mends; wait until"):
            lab.beside("good", BARE).__enter__()
        assert about(bare)["mends"] == "off"


def test_one_that_dies_is_brought_back(lab: Processes | Containers, checkout: Checkout) -> None:
    with lab.beside("good", BARE) as bare:
        os.kill(bare.pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        answer: dict[str, Any] = {}
        while not answer and time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                answer = about(bare)
            time.sleep(0.1)

        assert answer["mends"] == "off"


def test_one_that_does_not_come_up_says_why_and_leaves_nothing(lab: Processes | Containers, checkout: Checkout) -> None:
    with pytest.raises(LabError, match=r"fragile did not come up without its mends\.(.|\n)*without mends I am nothing"):
        lab.beside("fragile", BARE).__enter__()

    assert gone(lab, checkout)


def test_a_service_that_does_not_run_has_none(lab: Processes | Containers, checkout: Checkout) -> None:
    lab.stop("fragile")
    try:
        with pytest.raises(LabError, match="fragile does not run; `echowall start fragile` starts it"):
            lab.beside("fragile", BARE).__enter__()
    finally:
        lab.start("fragile")


def test_one_that_a_killed_run_left_is_no_part_of_the_lab_and_down_removes_it(
    lab: Processes | Containers, checkout: Checkout
) -> None:
    with a_run(lab, checkout) as run:
        left = come_up(run)
    if isinstance(lab, Containers):  # as if the rest of the lab had been removed by hand
        lab.compose("rm", "--stop", "--force", "good", "fragile", "proxy", "redis")
        assert about(left)["mends"] == "off"
        assert not lab.running()

    assert checkout.echowall("down").returncode == 0

    deadline = time.monotonic() + 5
    while Path(f"/proc/{left.pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{left.pid}").exists()
    if isinstance(lab, Containers):
        label = '{{.Label "com.docker.compose.project.working_dir"}}'
        listed = subprocess.run(
            ["docker", "ps", "--all", "--format", label], capture_output=True, text=True, check=True
        )
        assert str(checkout.folder) not in listed.stdout.splitlines()


@contextmanager
def a_run(lab: Processes | Containers, checkout: Checkout) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own, killed at the end if it has not ended."""
    program = RUN.format(module=lab.kind, kind=type(lab).__name__)
    command = [sys.executable, "-c", program, str(checkout.folder)]
    with interruptible(command) as run:
        yield run


def come_up(run: subprocess.Popen[str]) -> Endpoint:
    """Where the run's bare instance is, once it has come up."""
    assert run.stdout
    assert run.stderr
    line = run.stdout.readline()
    assert line, run.stderr.read()
    host, port, pid = line.split()
    return Endpoint(host, int(port), int(pid))

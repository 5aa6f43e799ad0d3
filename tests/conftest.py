"""Shared by the tool's tests: a checkout in miniature, with services of its own."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console
from xdist.remote import Producer

from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT
from echowall.lab import lab
from echowall.lab.containers import Containers
from echowall.lab.lab import Board
from echowall.lab.processes import Processes
from echowall.lab.tls import Identity
from tests.ports import free_port
from tests.scheduler import Scheduler

FACTS = """\
title = "A stack"
summary = "One sentence."
framework = "Framework"
server = "Server"
concurrency = "async"
era = "modern"
protocol = "websocket"
homepage = "https://example.org/"
documentation = "https://example.org/docs"
released = 2026-01-31
foreign_origin = "accepted"
settings = {{ {settings} }}
""".format(
    settings=", ".join(
        f'{name} = {{ value = "{value}", source = "default" }}'
        for name, value in {
            "deflate": "on",
            "ping_interval": "none",
            "max_message": "none",
            "loop": "asyncio",
            "workers": "1",
            "threads": "1",
        }.items()
    )
)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler:
    """Decide which worker runs which test."""
    return Scheduler(config, log)


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker Engine, without which the test is skipped. It is asked when the first test needs it."""
    if not Containers().available():
        pytest.skip("no Docker Engine answers")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the real page and proxy, and no services."""
    shutil.copytree(ROOT / "nginx", tmp_path / "nginx")
    (tmp_path / "frontend").symlink_to(ROOT / "frontend")
    (tmp_path / "services").mkdir()
    return tmp_path


@pytest.fixture
def add_service(checkout: Path) -> Callable[..., Path]:
    """Add a service folder to the checkout: its `service.toml`, and its `app.py`, which `run` starts."""

    def add(name: str, facts: str = FACTS, app: str = "") -> Path:
        folder = checkout / "services" / name
        folder.mkdir()
        (folder / "service.toml").write_text(facts)
        (folder / "echo.py").write_text("print('the echo')\n")
        (folder / "app.py").write_text(app)
        (folder / "requirements.txt").write_text("")
        (folder / "run").write_text("#!/bin/sh\nexec python app.py\n")
        (folder / "run").chmod(0o755)
        return folder

    return add


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A free port, which is the lab's."""
    port = free_port()
    monkeypatch.setenv("ECHOWALL_PORT", str(port))
    monkeypatch.delenv("ECHOWALL_BIND", raising=False)
    return port


@pytest.fixture
def processes(checkout: Path) -> Iterator[Processes]:
    """The checkout's lab, of processes; it is stopped at the end."""
    processes = Processes(checkout)
    yield processes
    if processes.running():
        processes.down()


def bring_up(processes: Processes, checkout: Path, *names: str, identity: Identity | None = None) -> Board:
    """Start a lab in miniature, or only these of its services, and wait until all are healthy or have failed.

    The proxy speaks TLS if it has an `identity`.
    """
    services = catalog.load(checkout)
    chosen = catalog.choose(services, names)
    board = Board([*(service.name for service in chosen), "proxy"], Console(file=io.StringIO()))
    processes.up(services, chosen, board, identity)
    lab.wait_until_healthy(processes, chosen, board, processes.certificate())
    return board


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    """A faultless echo server; gives its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faulty"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        yield int(server.stdout.readline())
        server.terminate()

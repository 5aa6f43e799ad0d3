"""Two checkouts side by side never meet, in processes or in containers: `echowall up` and `down` in real ones."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from echowall.catalog import compose
from echowall.catalog.catalog import ROOT
from echowall.lab import site
from echowall.lab.containers import Containers
from echowall.lab.lab import LabError
from tests.conftest import FACTS

APP = """
import http.server, json, os

class About(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"service": "good", "versions": {"checkout": "CHECKOUT"}}).encode())

address = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
http.server.ThreadingHTTPServer(address, About).serve_forever()
"""
DOCKERFILE = """\
FROM python:3.13-slim-trixie
WORKDIR /app
COPY app.py run ./
USER 65532:65532
CMD ["./run"]
"""


class Checkout:
    """A whole checkout with one service, whose /about tells which checkout it is of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        for part in ("echowall", "nginx", "frontend"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        (folder / "frontend/node_modules").symlink_to(ROOT / "frontend/node_modules")
        service = folder / "services/good"
        service.mkdir(parents=True)
        (folder / "services/_room").mkdir()
        for file in ("docker-compose.yml", ".env", ".dockerignore", "requirements.txt", "services/base.yaml"):
            shutil.copy(ROOT / file, folder / file)
        (service / "service.toml").write_text(FACTS)
        (service / "app.py").write_text(APP.replace("CHECKOUT", folder.parent.name))
        (service / "requirements.txt").write_text("")
        (service / "Dockerfile").write_text(DOCKERFILE)
        (service / "run").write_text("#!/bin/sh\nexec python3 app.py\n")
        (service / "run").chmod(0o755)
        compose.write(folder)

    def echowall(self, *arguments: str, port: int | None = None) -> subprocess.CompletedProcess[str]:
        """The checkout's own tool."""
        return self._run(sys.executable, "-m", "echowall", *arguments, port=port)

    def compose(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`docker compose`, as typed in the checkout's folder."""
        return self._run("docker", "compose", *arguments)

    def answers(self) -> str | None:
        """Which checkout answers at its port; None where none does."""
        try:
            versions = httpx.get(f"http://127.0.0.1:{self.port}/good/about", trust_env=False).json()["versions"]
        except httpx.HTTPError:
            return None
        return str(versions["checkout"])

    def _run(self, *command: str, port: int | None = None) -> subprocess.CompletedProcess[str]:
        own = {"PWD": str(self.folder), "PYTHONPATH": str(self.folder), "ECHOWALL_PORT": str(port or self.port)}
        environment = os.environ | own | {"NO_COLOR": "1", "COLUMNS": "200"}
        for name in ("ECHOWALL_BIND", "COMPOSE_PROJECT_NAME"):
            environment.pop(name, None)
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Callable[[str], Checkout]]:
    """Make checkouts, all in folders of one name, each in a folder of its own. Nothing of them is left at the end."""
    site.install_libraries()
    made: list[Checkout] = []

    def make(name: str) -> Checkout:
        made.append(Checkout(tmp_path / name / "echowall"))
        return made[-1]

    yield make
    for checkout in made:
        checkout.echowall("down")
        if Containers().available():
            checkout.compose("--profile", "*", "down", "--volumes", "--rmi", "local", "--remove-orphans")


@pytest.fixture(params=["processes", "containers"])
def up(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The command that starts a lab, of either kind."""
    if request.param == "processes":
        return ("up",)
    if not Containers().available():
        pytest.skip("no Docker Engine answers")
    return ("up", "--docker")


def test_two_checkouts_of_one_name_run_side_by_side(clone: Callable[[str], Checkout], up: tuple[str, ...]) -> None:
    here, there = clone("here"), clone("there")

    started = here.echowall(*up)
    assert started.returncode == 0, started.stdout + started.stderr
    refused = there.echowall(*up, port=here.port)

    assert refused.returncode == 1
    assert f"the lab of the checkout {here.folder} listens there; choose another port, as in" in refused.stderr
    assert "down" not in refused.stderr
    assert here.answers() == "here"

    started = there.echowall(*up)
    assert started.returncode == 0, started.stdout + started.stderr
    assert (here.answers(), there.answers()) == ("here", "there")

    stopped = here.echowall("down")
    assert stopped.stdout.startswith("Stopped the lab (")
    assert (here.answers(), there.answers()) == (None, "there")
    assert here.echowall("down").stdout == "The lab is not running.\n"
    assert "the lab is not running" in here.echowall("status").stderr
    assert "checkout there" in there.echowall("status").stdout

    assert there.echowall("down").returncode == 0
    assert there.answers() is None


def test_a_lab_that_docker_compose_started_is_found(clone: Callable[[str], Checkout]) -> None:
    if not Containers().available():
        pytest.skip("no Docker Engine answers")
    here, there = clone("here"), clone("there")
    project = f"echowall-test-{here.port}"

    started = here.compose("--project-name", project, "up", "--detach", "--wait", "good")
    assert started.returncode == 0, started.stderr
    started = there.compose("up", "--detach", "--wait")
    assert started.returncode == 0, started.stderr

    assert "checkout here" in here.echowall("status").stdout
    assert "checkout there" in there.echowall("status").stdout
    assert there.echowall("down").stdout == "Stopped the lab (containers).\n"
    assert (here.answers(), there.answers()) == ("here", None)

    # What the tool starts, `docker compose` finds, too.
    assert there.echowall("up", "--docker").returncode == 0
    assert set(there.compose("ps", "--services").stdout.split()) == {"good", "proxy", "redis"}

    assert (
        here.compose("--project-name", project, "--profile", "*", "down", "--volumes", "--rmi", "local").returncode == 0
    )
    assert there.answers() == "there"


def test_a_project_of_another_checkout_is_not_taken(
    clone: Callable[[str], Checkout], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Containers().available():
        pytest.skip("no Docker Engine answers")
    here, there = clone("here"), clone("there")
    project = f"echowall-test-{here.port}"
    assert here.compose("--project-name", project, "up", "--detach", "redis").returncode == 0
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", project)

    try:
        with pytest.raises(
            LabError, match=rf"the Compose project {project} is that of the lab in {here.folder}; choose"
        ):
            Containers(there.folder).up([], [])
    finally:
        here.compose("--project-name", project, "--profile", "*", "down", "--volumes")

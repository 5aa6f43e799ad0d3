"""Whole checkouts, each with a tool and a lab of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from echowall.catalog import compose
from echowall.catalog.catalog import ROOT
from echowall.lab.containers import Containers
from tests.conftest import FACTS
from tests.ports import free_port

APP = """
import http.server, json, os

about = {"service": "good", "versions": {"checkout": "CHECKOUT"}, "mends": os.environ.get("MENDS", "on")}

class About(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(about).encode())

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


def copied(part: str, folder: Path, but: Sequence[str] = ()) -> None:
    """Copy a part of this checkout there, with its compiled modules: to compile the tool anew takes a second of CPU
    time. Those that are just being written have names of their own meanwhile, and are left out.
    """
    shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("*.pyc.*", *but))


class Checkout:
    """A whole checkout with one service, whose /about tells which checkout it is of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        for part in ("echowall", "nginx", "frontend"):
            copied(part, folder, but=("node_modules",))
        (folder / "frontend/node_modules").symlink_to(ROOT / "frontend/node_modules")
        (folder / "services/_room").mkdir(parents=True)
        (folder / "results").mkdir()
        shutil.copy(ROOT / "results/index.json", folder / "results")
        for file in ("docker-compose.yml", ".env", ".dockerignore", "requirements.txt", "services/base.yaml"):
            shutil.copy(ROOT / file, folder / file)
        self.add("good", APP)

    def add(self, name: str, app: str) -> None:
        """Add a service."""
        service = self.folder / "services" / name
        service.mkdir()
        (service / "service.toml").write_text(FACTS)
        (service / "app.py").write_text(app.replace("CHECKOUT", self.folder.parent.name))
        (service / "requirements.txt").write_text("")
        (service / "Dockerfile").write_text(DOCKERFILE)
        (service / "run").write_text("#!/bin/sh\nexec python3 app.py\n")
        (service / "run").chmod(0o755)
        compose.write(self.folder)

    def discard(self) -> None:
        """Stop its lab, and remove what the engine has of it."""
        self.echowall("down")
        if Containers().available():
            self.compose("--profile", "*", "down", "--volumes", "--rmi", "local", "--remove-orphans")

    def echowall(self, *arguments: str, port: int | None = None) -> subprocess.CompletedProcess[str]:
        """The checkout's own tool."""
        return self._run(sys.executable, "-m", "echowall", *arguments, port=port)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, without waiting for its end."""
        command = [sys.executable, "-m", "echowall", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.folder, env=self._environment(self.port), stdout=pipe, stderr=pipe, text=True
        )

    def compose(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`docker compose`, as typed in the checkout's folder."""
        return self._run("docker", "compose", *arguments)

    def answers(self) -> str | None:
        """Which checkout answers at its port; None where none does."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/good/about", trust_env=False)
        except httpx.HTTPError:
            return None
        return str(answer.json()["versions"]["checkout"]) if answer.is_success else None

    def _run(self, *command: str, port: int | None = None) -> subprocess.CompletedProcess[str]:
        environment = self._environment(port or self.port)
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    def _environment(self, port: int) -> dict[str, str]:
        own = {"PWD": str(self.folder), "PYTHONPATH": str(self.folder), "ECHOWALL_PORT": str(port)}
        environment = os.environ | own | {"NO_COLOR": "1", "COLUMNS": "200"}
        for name in ("ECHOWALL_BIND", "COMPOSE_PROJECT_NAME"):
            environment.pop(name, None)
        return environment

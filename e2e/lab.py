"""Stop and start services of the running lab, whichever of its two ways it runs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

from echowall.catalog import Service

ROOT = Path(__file__).resolve().parent.parent


class Lab:
    """`echowall stop`, `kill` and `start`, with what was stopped put back at the end."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._disturbed: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._disturbed:
            self._tool("start", name)
            self._wait_until_up(name)

    def stop(self, service: Service) -> None:
        """SIGTERM, as an operator stops it; returns once it is gone."""
        self._disturbed.add(service.name)
        self._tool("stop", service.name)

    def kill(self, service: Service) -> None:
        """SIGKILL: no farewell."""
        self._disturbed.add(service.name)
        self._tool("kill", service.name)

    def start(self, service: Service) -> None:
        """Start it again; returns once it answers through the proxy."""
        self._tool("start", service.name)
        self._wait_until_up(service.name)

    def _wait_until_up(self, name: str, *, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not self._about(name):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} was to be up within {seconds:g} s, and is not")
            time.sleep(0.1)

    def _about(self, name: str) -> bool:
        try:
            url = f"{self._base_url}/{name}/about"
            return httpx.get(url, timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    @staticmethod
    def _tool(*arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "echowall", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"echowall {' '.join(arguments)} failed: {done.stderr or done.stdout}")

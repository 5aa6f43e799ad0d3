"""Where and when a run takes place: the checkout, the machine, the time."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from echowall.catalog.catalog import ROOT
from echowall.results.model import Machine


class Checkout(NamedTuple):
    """The state of the source. Both are None where it is no checkout of git's."""

    commit: str | None
    clean: bool | None
    """Whether all but `results/` was as committed."""


def checkout(root: Path = ROOT) -> Checkout:
    """The commit that is checked out there, and whether anything was changed since."""
    try:
        top, commit = _git(root, "rev-parse", "--show-toplevel", "HEAD").splitlines()
        if Path(top) != root.resolve():  # a copy that lies within some other checkout
            return Checkout(None, None)
        return Checkout(commit, not _git(root, "status", "--porcelain", "--", ".", ":(exclude)results"))
    except (OSError, ValueError, subprocess.CalledProcessError):
        return Checkout(None, None)


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


def machine() -> Machine:
    """This one."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=processor,
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        python=platform.python_version(),
    )


class Beginning:
    """When a run began, and on which source. It is now."""

    def __init__(self) -> None:
        self._began, self._checkout = now(), checkout()

    def facts(self, engine: str | None) -> dict[str, Any]:
        """The fields of a Run that ends now. `engine` is what runs the lab's services; None where none took part."""
        commit, clean = self._checkout
        return {
            "id": identifier(self._began, commit),
            "began": self._began,
            "ended": now(),
            "commit": commit,
            "clean": clean,
            "machine": machine(),
            "engine": engine,
        }


def now() -> datetime:
    """The time in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def identifier(began: datetime, commit: str | None) -> str:
    """A run's id: `20261129T031500Z-57132d4`."""
    return f"{began:%Y%m%dT%H%M%SZ}-{commit[:7] if commit else 'none'}"

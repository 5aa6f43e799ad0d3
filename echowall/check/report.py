"""What the checks found, as it is written to a file."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from echowall.catalog.catalog import Route
from echowall.check.registry import Result


class Examined(msgspec.Struct, kw_only=True):
    """One target and all that was found about it."""

    name: str
    url: str
    via: Route | None = None
    """The route, of a service of the lab."""
    versions: dict[str, str] = {}
    results: list[Result] = []

    @property
    def label(self) -> str:
        """Its name, and by which route."""
        return f"{self.name} ({self.via})" if self.via else self.name


class Machine(msgspec.Struct, kw_only=True):
    """Where a run took place."""

    system: str
    processor: str
    cores: int
    python: str


class Run(msgspec.Struct, kw_only=True):
    """A run of `echowall check`, as it is written to a file; docs/results.md describes it."""

    schema: int = 1
    date: datetime
    """UTC."""
    machine: Machine
    lab: str | None = None
    """`containers` or `processes`; None where no service of the lab was examined."""
    targets: list[Examined]


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


def now() -> datetime:
    """To the second, in UTC."""
    return datetime.now(UTC).replace(microsecond=0)


def newest(folder: Path) -> Path:
    """The latest run in a folder of results. Raises ValueError where there is none."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise ValueError(f"{folder}: no results here; write some by `echowall check --json {folder}/DATE.json`")
    return files[-1]


def read(file: Path) -> Run:
    """The run in a file. Raises ValueError where it holds none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Run)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{file}: no results of `echowall check`: {error}") from None

"""The stacks with their mends off: one more instance of each, one at a time, asked directly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from echowall.catalog import mends
from echowall.catalog.catalog import ROOT, Service
from echowall.check import targets
from echowall.check.examination import Examination
from echowall.lab.lab import BARE, Lab, LabError


def has_mends(service: Service, root: Path = ROOT) -> bool:
    """Whether there is anything to switch off, or service.toml says so."""
    return bool(service.mended or mends.files(root / "services" / service.name))


def examine(examination: Examination, lab: Lab, services: Iterable[Service], console: Console) -> None:
    """Start an instance of each with MENDS=off, put the checks to it, and stop it.

    One that does not start is told on the console and counted as unfit, and the rest are examined.
    """
    for service in services:
        try:
            with lab.beside(service.name, BARE) as endpoint:
                asyncio.run(examination.examine([targets.bare(service, endpoint)]))
        except LabError as error:
            examination.unfit += 1
            console.print(f"[red]{service.name}[/red] {escape(str(error))}", highlight=False)

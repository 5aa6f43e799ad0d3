"""Where a service's mends are: `mends.py` in its folder, or the same in its own language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple


class Place(NamedTuple):
    """A line of a file."""

    file: Path
    line: int
    """From 1."""


def place(folder: Path, name: str) -> Place | None:
    """Where a function, a class or, as in `Server.receive`, a method begins; None where there is none of the name."""
    for file in sorted(folder.glob("mends.*")):
        lines = file.read_text("utf-8", "replace").splitlines()
        line = 0
        for part in name.split("."):
            defines = re.compile(rf"\s*(export )?(async )?((def|class|function|const) )?{re.escape(part)}\b\s*[(:=]")
            line = next((number for number, text in enumerate(lines[line:], line + 1) if defines.match(text)), 0)
            if not line:
                break
        if line:
            return Place(file, line)
    return None

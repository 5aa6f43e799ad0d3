"""Whoever asks a lab something has it to themselves: the answers of two at a time would be about each other as well."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from echowall.lab.lab import LabError

#: Seconds that somebody waits for those before them. An attack on every stack takes half of it; a soak may take longer.
PATIENCE = 3600
_PAUSE = 0.2
#: The turns of this process, which end with it.
_held: dict[Path, IO[str]] = {}


def take(root: Path, who: str, tell: Callable[[str], None], *, patience: float = PATIENCE) -> None:
    """Have the lab of this checkout until the process ends. It is no error to have it already.

    `who` is told to those who come meanwhile, as in "echowall check". Where somebody else has it, this waits, and tells
    for whom. Raises LabError after `patience` seconds.
    """
    path = root / ".echowall" / "turn"
    if path in _held:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    deadline = time.monotonic() + patience
    told = ""
    while not _locked(file):
        file.seek(0)
        holder = file.read().strip() or "somebody"
        if time.monotonic() > deadline:
            file.close()
            raise LabError(f"{holder} has had the lab for more than {patience:g} s; end it, or try again later")
        if holder != told:
            tell(f"{holder} has the lab; this waits until it is done (Ctrl-C ends it)")
            told = holder
        time.sleep(_PAUSE)
    file.truncate(0)
    file.write(f"{who} (process {os.getpid()})\n")
    file.flush()
    _held[path] = file


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

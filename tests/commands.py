"""The command `echowall` in a process of its own.

It is forked from one that has imported it, which takes a fortieth of the time that `python -m echowall` needs before it
does anything. What a test interrupts, or runs in another environment, starts as `python -m echowall`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from echowall.catalog.catalog import ROOT
from tests.forks import ENVIRONMENT, forked

#: Seconds in which every run has to end.
BOUND = 60


def echowall(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in ENVIRONMENT, to which more may be added. Raises subprocess.TimeoutExpired after BOUND."""
    if environment:
        return subprocess.run(
            [sys.executable, "-m", "echowall", *arguments],
            cwd=ROOT,
            env=ENVIRONMENT | environment,
            capture_output=True,
            text=True,
            timeout=BOUND,
            check=False,
        )
    command = ["echowall", *arguments]
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        with forked(_run, command, out, err) as process:
            ended = process.ended(BOUND)
        if ended is None:
            raise subprocess.TimeoutExpired(command, BOUND, out.read_bytes(), err.read_bytes())
        return subprocess.CompletedProcess(command, ended, out.read_text("utf-8"), err.read_text("utf-8"))


def _run(command: list[str], out: Path, err: Path) -> None:
    """What `python -m echowall` does, with its output in these files."""
    from echowall.cli import main  # which was imported before the fork

    for descriptor, file in ((1, out), (2, err)):
        with file.open("wb") as opened:
            os.dup2(opened.fileno(), descriptor)
    sys.argv = command
    with (
        open(1, "w", encoding="utf-8", closefd=False) as sys.stdout,
        open(2, "w", encoding="utf-8", closefd=False, buffering=1) as sys.stderr,
    ):
        main()

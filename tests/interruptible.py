"""A command that a test interrupts."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from echowall.catalog.catalog import ROOT


@contextmanager
def interruptible(
    command: list[str], *, env: Mapping[str, str] | None = None, background: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """Run that where Ctrl-C ends it or, as a job in the `background` is, where it does not, however the tests are run.

    It is gone at the end, whatever happens.
    """
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN if background else signal.SIG_DFL),
    ) as process:
        try:
            yield process
        finally:
            process.kill()

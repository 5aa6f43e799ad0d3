"""Processes that do not have to import everything anew: a server that has imported it all forks them."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, forkserver
from multiprocessing.context import ForkServerProcess
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from echowall.catalog.catalog import ROOT

#: The environment of the processes, far from any lab; and what a command says is one line each, however long.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}

#: Seconds in which a killed process is gone.
BOUND = 10

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.warm", "tests.commands", "tests.faulty.forked"])

#: Threads take turns with what belongs to all of them: the environment, and how each process ended. The server says
#: that once, and multiprocessing asks it of every process whenever one starts: a second reader finds nothing left.
_TURN = threading.Lock()


class Forked(NamedTuple):
    """A process that was forked."""

    pid: int
    process: ForkServerProcess

    def ended(self, within: float) -> int | None:
        """Its exit status, for which it has so many seconds. A negative one is the signal; None means that it runs."""
        connection.wait([self.process.sentinel], within)
        with _TURN:
            return self.process.exitcode


@contextmanager
def forked(target: Callable[..., None], *arguments: Any) -> Iterator[Forked]:
    """A process that calls the function of a module with these arguments. It is gone at the end of the block."""
    process = _FORKS.Process(target=_call, args=(target, *arguments))
    with _TURN:
        with _environment():  # some modules look at it while they are imported
            forkserver.ensure_running()
        process.start()
    assert process.pid
    running = Forked(process.pid, process)
    try:
        yield running
    finally:
        process.kill()
        running.ended(BOUND)


def _call(target: Callable[..., None], *arguments: Any) -> None:
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    os.chdir(ROOT)
    target(*arguments)


def _end_with(parent: BaseProcess) -> None:
    """Die when the tests do, whatever ends them."""
    parent.join()
    os._exit(1)


@contextmanager
def _environment() -> Iterator[None]:
    """Have ENVIRONMENT alone while the block runs, and no terminal."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update({**ENVIRONMENT, "TERM": "dumb"})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

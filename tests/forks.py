"""Processes that do not have to import everything anew: a server that has imported it all forks them."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from multiprocessing.process import BaseProcess
from typing import Any

from echowall.catalog.catalog import ROOT

#: The environment of the processes, far from any lab; and what a command says is one line each, however long.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.warm", "tests.commands", "tests.faulty.forked"])

#: Threads take turns to start the server: each changes the environment of all meanwhile.
_STARTING = threading.Lock()


@contextmanager
def forked(target: Callable[..., None], *arguments: Any) -> Iterator[ForkServerProcess]:
    """A process that calls the function of a module with these arguments. It is gone at the end of the block."""
    with _STARTING, _environment():  # some modules look at it while they are imported
        forkserver.ensure_running()
    process = _FORKS.Process(target=_call, args=(target, *arguments))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


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

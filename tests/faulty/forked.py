"""The servers of this folder, each in a process of its own that does not have to import anything."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import NamedTuple

from tests.faulty.faults import FAULTS
from tests.faulty.harmless import HARMLESS, PARTICULAR
from tests.faulty.server import Server, Session
from tests.forks import forked


class Running(NamedTuple):
    """A server that listens on that port of loopback."""

    port: int
    pid: int


@contextmanager
def serving(name: str = "") -> Iterator[Running]:
    """The server of that fault, of that harmless manner, or without a name the faultless one, while the block runs."""
    told, tells = Pipe(duplex=False)
    with told, forked(_serve, name, tells) as process:
        tells.close()
        with open(told.fileno(), closefd=False) as lines:
            port = int(lines.readline())
        yield Running(port, process.pid)


def _serve(name: str, tells: Connection) -> None:
    session = FAULTS[name].session if name in FAULTS else (HARMLESS | PARTICULAR).get(name, Session)
    with open(tells.fileno(), "w", closefd=False) as sys.stdout:
        asyncio.run(Server(session).serve())

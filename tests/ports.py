"""Ports for what a test starts by itself."""

from __future__ import annotations

import itertools
import os
import socket
from contextlib import closing, suppress

#: Below the ports that a lab without Docker chooses, and below the ephemeral ones: no port 0 becomes one of these.
_FIRST, _EACH = 10_000, 1_000
#: Which of pytest-xdist's processes this is: each has a thousand ports of its own.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_turn = itertools.count()


def free_port() -> int:
    """A port on which nobody listens, and which no other test is given. The port above it is free, too, and stays so.

    Raises OSError if all of this process's ports are taken.
    """
    for _ in range(0, _EACH, 2):
        port = _FIRST + _WORKER * _EACH + next(_turn) * 2 % _EACH
        with suppress(OSError), closing(socket.create_server(("127.0.0.1", port))):
            socket.create_server(("127.0.0.1", port + 1)).close()
            return port
    raise OSError(f"all {_EACH} ports from {_FIRST + _WORKER * _EACH} are taken")

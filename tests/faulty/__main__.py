"""`python -m tests.faulty [FAULT]`: an echo server on a free port of loopback, which it prints."""

from __future__ import annotations

import asyncio
import sys

from tests.faulty.faults import FAULTS
from tests.faulty.server import Server, Session

if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name and name not in FAULTS:
        raise SystemExit(f"There is no fault {name!r}; there are {', '.join(FAULTS)}.")
    asyncio.run(Server(FAULTS[name].session if name else Session).serve())

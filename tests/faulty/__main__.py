"""`python -m tests.faulty [FAULT | ENDPOINT]`: a server on a free port of loopback, which it prints."""

from __future__ import annotations

import asyncio
import sys

from tests.faulty.endpoints import ENDPOINTS
from tests.faulty.faults import FAULTS
from tests.faulty.harmless import HARMLESS
from tests.faulty.server import Server, Session

if __name__ == "__main__":
    sessions = {name: fault.session for name, fault in FAULTS.items()} | HARMLESS | ENDPOINTS | {"": Session}
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in sessions:
        raise SystemExit(f"There is no fault {name!r}; there are {', '.join(filter(None, sessions))}.")
    asyncio.run(Server(sessions[name]).serve())

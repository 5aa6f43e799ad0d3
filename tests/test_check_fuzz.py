"""The checks, put to a server whose answers are mutated: each ends within its bound, in an answer and no exception."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter

from echowall.catalog.catalog import ROOT
from echowall.check.registry import Check
from echowall.check.runner import ask
from echowall.check.suite import ALL
from echowall.check.wire import Target

#: Connections, of which about every second has a mutated answer. FUZZ=20000 does it thoroughly.
CONNECTIONS = int(os.environ.get("FUZZ", "300"))
SEED = int(os.environ.get("SEED", "1"))
AT_ONCE = 48
#: Seconds that a check may take beyond its bound, on a busy machine.
GRACE = 5.0


def test_no_answer_of_a_server_ends_in_an_exception_or_without_an_end() -> None:
    command = [sys.executable, "-m", "tests.faulty.fuzz", str(SEED)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        try:
            connections, trouble = asyncio.run(_put(Target(url=f"ws://127.0.0.1:{port}/foobar/", intrusive=True)))
        finally:
            process.kill()

    assert connections >= CONNECTIONS
    assert trouble == Counter()


async def _put(target: Target) -> tuple[int, Counter[str]]:
    """How many connections there were, and what went wrong, by the check and the words for it."""
    checks = [check for check in ALL if not (check.waits or check.local or check.ends)]
    slots = asyncio.Semaphore(AT_ONCE)
    trouble: Counter[str] = Counter()
    connections = 0

    async def one(check: Check) -> None:
        nonlocal connections
        async with slots:
            began = time.monotonic()
            result, transcript = await ask(target, check)
        connections += transcript.connections
        if result.outcome == "the check failed":
            trouble[f"{check.id}: {result.detail}"] += 1
        if time.monotonic() - began > check.seconds + GRACE:
            trouble[f"{check.id}: {time.monotonic() - began:.0f} s"] += 1

    await asyncio.gather(*map(one, checks))
    rounds = CONNECTIONS // connections + 1
    await asyncio.gather(*(one(check) for _ in range(rounds) for check in checks))
    return connections, trouble

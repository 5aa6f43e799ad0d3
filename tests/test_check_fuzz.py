"""The checks, put to a server whose answers are mutated: each ends within its bound, in an answer and no exception."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from echowall.catalog.catalog import ROOT
from echowall.check.acquaintance import Acquaintance, meet
from echowall.check.registry import Check
from echowall.check.runner import ask
from echowall.check.suite import ALL
from echowall.check.wire import Habits, Target

#: Connections, of which about every second has a mutated answer. FUZZ=20000 does it thoroughly.
CONNECTIONS = int(os.environ.get("FUZZ", "150"))
SEED = int(os.environ.get("SEED", "1"))
AT_ONCE = 48
#: Seconds that a check may take beyond its bound, on a busy machine.
GRACE = 5.0


def test_no_answer_of_a_server_ends_in_an_exception_or_without_an_end() -> None:
    with _fuzzed() as url:
        connections, trouble = asyncio.run(_put(Target(url=url, intrusive=True)))

    assert connections >= CONNECTIONS
    assert trouble == Counter()


def test_no_answer_of_a_server_spoils_getting_acquainted() -> None:
    async def meet_often(target: Target) -> list[Acquaintance | str]:
        return await asyncio.gather(*(meet(target) for _ in range(min(200, CONNECTIONS // 6))))

    began = time.monotonic()
    with _fuzzed() as url:
        met = asyncio.run(meet_often(Target(url=url, first=("Who is there?",))))

    assert all(isinstance(one, Acquaintance) or one for one in met)
    assert time.monotonic() - began < 60


@contextmanager
def _fuzzed() -> Iterator[str]:
    """The URL of a server with mutated answers."""
    command = [sys.executable, "-m", "tests.faulty.fuzz", str(SEED)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        try:
            yield f"ws://127.0.0.1:{int(process.stdout.readline())}/foobar/"
        finally:
            process.kill()


async def _put(target: Target) -> tuple[int, Counter[str]]:
    """How many connections there were, and what went wrong, by the check and the words for it.

    Now and then the server is taken for one that greets and talks.
    """
    talkative = msgspec.structs.replace(target, habits=Habits(greetings=None, talks=True))
    dice = random.Random(SEED)  # noqa: S311  no secret
    checks = [check for check in ALL if not (check.waits or check.local or check.ends)]
    turns = itertools.cycle(checks)
    trouble: Counter[str] = Counter()
    put = connections = 0

    async def one(check: Check) -> None:
        nonlocal connections
        began = time.monotonic()
        result, transcript = await ask(dice.choice((target, talkative)), check)
        connections += transcript.connections
        if result.outcome == "the check failed":
            trouble[f"{check.id}: {result.detail}"] += 1
        if time.monotonic() - began > check.seconds + GRACE:
            trouble[f"{check.id}: {time.monotonic() - began:.0f} s"] += 1

    async def until_enough() -> None:
        nonlocal put
        while put < len(checks) or connections < CONNECTIONS:
            put += 1
            await one(next(turns))

    await asyncio.gather(*(until_enough() for _ in range(AT_ONCE)))
    return connections, trouble

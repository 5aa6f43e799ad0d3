"""Slow clients by the hundreds, from slowhttptest, while another client is served."""

from __future__ import annotations

import asyncio
import math
import re
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import cycle

from echowall.attack.ground import PATIENCE, Ground, echoes, timed
from echowall.catalog.catalog import ROOT
from echowall.results import store
from echowall.results.model import Attack, Outcome

HEADERS, BODIES, READS = (
    Attack(
        id=f"slow-{what}",
        does=f"1,000 connections through the proxy that {how} (slowhttptest).",
        holds="Meanwhile another client gets the echo of each service in turn, over a new socket, within 3 s, "
        "or three times what it waited before.",
    )
    for what, how in (
        ("headers", "never end their request's headers"),
        ("bodies", "send their request's body a few bytes at a time"),
        ("reads", "read a large answer a few bytes at a time"),
    )
)
CONNECTIONS = 1000
#: How many new ones there are a second: below what nginx lets one address ask.
_RATE = 150
#: How long the other client may wait for an echo, in seconds. On a busy machine it may wait so many times as long as
#: before the attack. How long it pauses between two.
_BOUND, _TIMES, _EVERY = 3.0, 3.0, 0.1
#: How large the answer may be that a thousand clients do not read, in bytes. The kernel keeps it for each of them,
#: and what it has for TCP is the whole machine's: see net.ipv4.tcp_mem.
_LARGEST_READ = 150_000
#: How long it is watched before the attack, in seconds.
_BEFORE = 5
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


async def headers(ground: Ground) -> AsyncGenerator[Outcome, None]:
    """Slowloris."""
    with timed(HEADERS, "proxy") as outcome:
        await _slow(ground, outcome, "-H", "/")
    yield outcome


async def bodies(ground: Ground) -> AsyncGenerator[Outcome, None]:
    """R-U-Dead-Yet, to a service."""
    with timed(BODIES, "proxy") as outcome:
        await _slow(ground, outcome, "-B", f"/{ground.services[0].name}/about")
    yield outcome


async def reads(ground: Ground) -> AsyncGenerator[Outcome, None]:
    """Slow Read, of the largest file that the page has and that does not fill the kernel's memory for TCP."""
    fitting = [file for file in store.files() if file.stat().st_size <= _LARGEST_READ]
    largest = max(fitting, key=lambda file: file.stat().st_size, default=ROOT / "frontend/index.html")
    path = largest.relative_to(ROOT if fitting else ROOT / "frontend")
    with timed(READS, "proxy") as outcome:
        await _slow(ground, outcome, "-X", f"/{path}", "-w", "10", "-y", "20", "-z", "5")
    yield outcome


async def _slow(ground: Ground, outcome: Outcome, *arguments: str) -> None:
    mode, path, *more = arguments
    program = shutil.which("slowhttptest")
    if not program:
        outcome.skipped = "slowhttptest is not here: `apt-get install slowhttptest`"
        return
    options = ("-c", str(CONNECTIONS), "-r", str(_RATE), "-l", str(ground.seconds), "-i", "5", "-p", "3", "-v", "1")
    command = (program, mode, *options, *more, "-u", f"{ground.lab.base_url()}{path}")
    with ground.bar(outcome.attack, ground.seconds + _BEFORE) as bar:
        before, _ = await _be_served(ground, _BEFORE, PATIENCE)
        most = max([_BOUND, *(_TIMES * seconds for seconds in before)])
        bar(_BEFORE)
        async with _running(command) as process:
            watching = asyncio.create_task(_connected(process.stdout))
            took, failures = await _be_served(ground, ground.seconds, most)
            bar(ground.seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await process.wait()
        held = await watching
    outcome.tried = held
    outcome.faults = [f"another client: {failure}" for failure in failures[:5]]
    if held < CONNECTIONS / 2:
        outcome.faults.append(f"slowhttptest held no more than {held} connections at once, so this says little")
    if not took:
        outcome.faults.append("another client got no echo at all")
    outcome.measured = {
        "slow connections at once": held,
        "echoes meanwhile": len(took),
        "ms at the median before": _milliseconds(before, 0.5),
        "ms at most before": _milliseconds(before, 1.0),
        "ms at the median": _milliseconds(took, 0.5),
        "ms at the 99th percentile": _milliseconds(took, 0.99),
        "ms at most": _milliseconds(took, 1.0),
    }


async def _be_served(ground: Ground, seconds: float, most: float) -> tuple[list[float], list[str]]:
    """For so long, open a new socket to one service after the other and wait for an echo, for `most` seconds each: what
    each took, in seconds, and why some got none.
    """
    took: list[float] = []
    failures: list[str] = []
    until = time.monotonic() + seconds
    for service in cycle(ground.services):
        began = time.monotonic()
        if began > until:
            return took, failures
        if trouble := await echoes(ground.proxied(service), most):
            failures.append(f"{service.name}: {trouble}")
        else:
            took.append(time.monotonic() - began)
        await asyncio.sleep(_EVERY)
    return took, failures


@asynccontextmanager
async def _running(command: tuple[str, ...]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _connected(output: asyncio.StreamReader | None) -> int:
    """How many connections it had at most, as it says itself, by the time it ends."""
    most = 0
    while output and (data := await output.read(1 << 16)):
        for found in re.findall(r"connected:\s+(\d+)", _COLOURS.sub("", data.decode("utf-8", "replace"))):
            most = max(most, int(found))
    return most


def _milliseconds(took: list[float], quantile: float) -> float:
    """That quantile of the times, by the nearest rank."""
    if not took:
        return 0.0
    return round(sorted(took)[max(0, math.ceil(quantile * len(took)) - 1)] * 1000, 1)

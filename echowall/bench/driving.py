"""Runs a generator in a process of its own, and sees that it ends."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from importlib.metadata import version

import msgspec
import picows
import uvloop

from echowall.bench.plan import BEGIN, END, Plan, Report

#: How long a generator may take to start, and to count in the end, in seconds: what it has to count, and this.
START, COUNT = 20.0, 60.0
#: The longest line that it may write: the report with its histograms, in bytes.
LINE = 1 << 22


class GeneratorError(Exception):
    """The generator ended without a report, or did not end. This is a fault of the tool's, or of the machine."""


def versions() -> dict[str, str]:
    """The versions of what sends the messages."""
    return {library.__name__: version(library.__name__) for library in (picows, uvloop)}


def _nothing() -> None:
    pass


async def generate(plan: Plan, begin: Callable[[], None] = _nothing, end: Callable[[], None] = _nothing) -> Report:
    """Have a generator carry the plan out; `begin` and `end` are called when the time that is measured begins and ends.

    Raises GeneratorError. Whatever happens, the process is gone afterwards.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "echowall.bench.generator",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE,
    )
    assert process.stdin  # noqa: S101 - these three are pipes
    assert process.stdout  # noqa: S101
    assert process.stderr  # noqa: S101
    complaint = asyncio.create_task(process.stderr.read())
    bound = START + plan.bound + COUNT
    try:
        async with asyncio.timeout(bound):
            process.stdin.write(msgspec.json.encode(plan) + b"\n")
            while line := (await process.stdout.readline()).decode().strip():
                if line == BEGIN:
                    begin()
                elif line == END:
                    end()
                else:
                    report = msgspec.json.decode(line, type=Report)
                    await process.wait()
                    return report
            said = (await complaint).decode(errors="replace").strip().splitlines()
    except TimeoutError:
        raise GeneratorError(f"the generator did not end within {bound:g} s, and was stopped") from None
    finally:
        if process.returncode is None:  # one that has ended must not be asked again: asyncio has its status already
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        complaint.cancel()
        await process.wait()
    raise GeneratorError(f"the generator failed: {said[-1] if said else 'it says nothing'}")

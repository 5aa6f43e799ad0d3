"""Fuzz: thousands of connections to each service, each with a handshake or frames of which something is wrong."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

from echowall.attack.cases import Case, make
from echowall.attack.ground import Bar, Ground, dialled, echoes, ended, eventually, place, settle, timed, vitals
from echowall.catalog.catalog import Service
from echowall.check.wire import Target
from echowall.lab.lab import LabError
from echowall.lab.procfs import UnknownError
from echowall.results.model import Attack, Outcome

FUZZ = Attack(
    id="fuzz",
    does="Handshakes and frames, each with something wrong in it, sent directly to the service.",
    holds="The service answers all along, none of its processes ends, and it has no more descriptors open than before.",
)
#: How many connections there are at once, and after how many the service is looked at.
_AT_ONCE, _BATCH = 32, 250
#: How long a service may take to come up again, in seconds.
_RETURNS = 60.0
#: How long an answer to a handshake may take before the rest is sent all the same, how long a server may keep silent
#: before the connection is ended, and how long that takes at most, in seconds.
_ANSWERS, _QUIET, _MOST = 1.0, 0.05, 1.5
#: The check whose outcome says of a service that fragments end its process: it is `cut off` then.
_FRAGMENTS_END = "fragments-apart"
#: After how many faults a service is left alone.
_FAULTS = 3
#: How long it is looked for which case was at fault, in seconds.
_SEARCH = 60.0
#: How much of a case is told.
_TOLD = 400
#: How many ordinary connections come first, so that the service has opened what it opens once.
_WARM = 40


async def attack(ground: Ground) -> AsyncGenerator[Outcome, None]:
    """Each service, some at a time."""
    waiting = asyncio.Semaphore(3)

    async def one(service: Service) -> Outcome:
        async with waiting:
            with timed(FUZZ, service.name) as outcome:
                await _fuzz(ground, service, outcome)
            return outcome

    tasks = [asyncio.create_task(one(service)) for service in ground.services]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _fuzz(ground: Ground, service: Service, outcome: Outcome) -> None:
    numbers = range(ground.cases) if ground.only_case is None else [ground.only_case]
    try:
        target = ground.direct(service)
        with ground.bar(f"fuzz {service.name}", len(numbers)) as bar:
            await _put_all(ground, service, target, numbers, outcome, bar)
    except (LabError, UnknownError) as error:
        outcome.faults.append(str(error))


async def _put_all(
    ground: Ground, service: Service, target: Target, numbers: Sequence[int], outcome: Outcome, bar: Bar
) -> None:
    for _ in range(_WARM):
        if trouble := await eventually(target, _RETURNS):
            outcome.faults.append(f"it gives no echo before anything was tried: {trouble}")
            return
    await asyncio.sleep(1)
    before = vitals(ground.lab, service.name)
    cases = [make(ground.seed, number, target.netloc, target.codec.query, target.codec) for number in numbers]
    known = service.known_deviation(_FRAGMENTS_END, "direct")
    if known and known.outcome == "cut off":
        cases = [case.without_fragments() for case in cases]
        outcome.skipped = f"fragments were left out, for they are known to end it: {known.reason}"
    alive = before
    for start in range(0, len(cases), _BATCH):
        batch = cases[start : start + _BATCH]
        await _put(target, batch, bar)
        outcome.tried += len(batch)
        trouble = await echoes(target)
        gone = ended(ground, service, alive)
        if trouble or gone:
            what = f"{gone} of its processes ended" if gone else f"it gave no echo: {trouble}"
            back = await eventually(target, _RETURNS)
            if back:
                outcome.faults.append(f"{what}, and {_RETURNS:g} s later still: {back}; {_among(ground, batch)}")
                return
            culprit = await _culprit(ground, service, target, batch)
            if gone or culprit:
                outcome.faults.append(f"{what}; {culprit or _among(ground, batch)}")
            else:  # it was slow, maybe because the machine is
                outcome.measured["pauses of 10 s"] = outcome.measured.get("pauses of 10 s", 0) + 1
            if len(outcome.faults) >= _FAULTS:
                return
            target, before = ground.direct(service), vitals(ground.lab, service.name)
            alive = before
    await settle(ground, service, before, outcome)
    if trouble := await eventually(ground.proxied(service), _RETURNS):
        outcome.faults.append(f"through the proxy it gives no echo afterwards: {trouble}")


async def _put(target: Target, cases: Sequence[Case], bar: Bar) -> None:
    waiting = iter(cases)

    async def worker() -> None:
        for case in waiting:
            await _send(target, case)
            bar()

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(_AT_ONCE, len(cases))):
            workers.create_task(worker())


async def _send(target: Target, case: Case) -> None:
    """One connection. Whatever the server does is right, as long as it goes on serving."""
    with suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
        async with dialled(place(target.host, target.port)) as (reader, writer), asyncio.timeout(_MOST):
            writer.write(case.head)
            if case.waits:
                with suppress(TimeoutError, asyncio.LimitOverrunError):
                    async with asyncio.timeout(_ANSWERS):
                        await reader.readuntil(b"\r\n\r\n")
            for piece in _cut(b"".join(case.frames), case.pieces):
                writer.write(piece)
                async with asyncio.timeout(_ANSWERS):
                    await writer.drain()
                await asyncio.sleep(0)
            if case.end == "half":
                # Only when all has been written: asyncio would else do it later, and tell of a reset in a traceback.
                writer.transport.set_write_buffer_limits(0)
                async with asyncio.timeout(_ANSWERS):
                    await writer.drain()
                writer.write_eof()
            with suppress(TimeoutError):
                while True:
                    async with asyncio.timeout(_QUIET):
                        if not await reader.read(1 << 16):
                            return
            if case.end == "reset":
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _cut(data: bytes, pieces: int) -> list[bytes]:
    size = len(data) // pieces + 1
    return [data[start : start + size] for start in range(0, len(data), size)]


async def _culprit(ground: Ground, service: Service, target: Target, batch: Sequence[Case]) -> str:
    """Which case of the batch is at fault by itself, each time, with as few frames as it takes; empty where none is."""
    deadline = time.monotonic() + _SEARCH

    async def harms(case: Case) -> bool:
        try:
            alive = vitals(ground.lab, service.name)
            current = ground.direct(service)
        except LabError:
            return False
        await _send(current, case)
        await asyncio.sleep(0.05)
        hurt = bool(await echoes(current)) or bool(ended(ground, service, alive))
        if hurt:
            await eventually(target, _RETURNS)
        return hurt

    for case in batch:
        if time.monotonic() > deadline:
            break
        if not (await harms(case) and await harms(case)):
            continue
        at = 0
        while at < len(case.frames) and time.monotonic() < deadline:
            fewer = case._replace(frames=(*case.frames[:at], *case.frames[at + 1 :]))
            if await harms(fewer):
                case = fewer
            else:
                at += 1
        told = case.bytes_in_words()
        return f"by case {case.number} of seed {ground.seed}: {told[:_TOLD]}{'…' if len(told) > _TOLD else ''}"
    return ""


def _among(ground: Ground, batch: Sequence[Case]) -> str:
    return f"by one or several of the cases {batch[0].number} to {batch[-1].number} of seed {ground.seed}"

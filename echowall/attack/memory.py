"""What fills a server's memory: zip bombs, clients that do not read, and handshakes that do not end."""

from __future__ import annotations

import asyncio
import math
import time
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress

from echowall.attack.ground import (
    PATIENCE,
    Bar,
    Ground,
    dialled,
    echoes,
    ended,
    eventually,
    one_by_one,
    place,
    settle,
    vitals,
)
from echowall.catalog.catalog import Service
from echowall.check.wire import Headers, RefusedError, Target, UnreachableError, connect, handshake
from echowall.check.wire.frames import RSV1, TEXT, FrameError, encode
from echowall.lab.lab import LabError
from echowall.lab.procfs import UnknownError
from echowall.results.model import Attack, Outcome

_MIB = 2**20
#: Of which each client has its own connection, sent directly to the service.
_BOMBS, _READERS, _HALVES = 100, 250, 2000
#: How large a bomb is when it is inflated, and how many burst at a time.
_BOMB, _AT_ONCE = 10 * _MIB, 8
#: How much a client sends that reads nothing, in messages of so many bytes. The kernel keeps a part of it, and what it
#: has for TCP is the whole machine's: see net.ipv4.tcp_mem.
_EACH, _MESSAGE = 4 * _MIB, 64 * 1024
#: How often these come. What they leave behind when they go adds up, or it does not.
_TIMES = 3
#: How much memory a service may have; its container may have no more (services/base.yaml).
_BOUND = 512 * _MIB
#: How long all clients together may take to have done their part, how long those stay then that hold something, how
#: long a service may take to come up again, and how often its memory is looked at, in seconds.
_ALL, _HELD, _RETURNS, _EVERY = 90.0, 10.0, 60.0, 0.2
#: How many clients open a connection at a time.
_OPENING = 100
#: What a client may meet with: whatever the server does is right, as long as it goes on serving.
_FAILURES = (UnreachableError, RefusedError, FrameError, OSError, TimeoutError)

BOMBS, READERS, HALVES = (
    Attack(
        id=name,
        does=does,
        holds=f"No process of the service ends, it never has over {_BOUND // _MIB} MiB, and afterwards it gives an "
        "echo and has no more descriptors open than before.",
    )
    for name, does in (
        ("bombs", f"{_BOMBS} compressed messages that inflate to {_BOMB // _MIB} MiB of zeros, {_AT_ONCE} at a time."),
        (
            "slow-readers",
            f"{_READERS} clients at once that send up to {_EACH // _MIB} MiB each, read no echo and break off; "
            f"{_TIMES} times over.",
        ),
        ("half-handshakes", f"{_HALVES:,} clients at once that send half of a handshake, and no more for 10 s."),
    )
)

#: One client: it has done its part when the block begins, and is there until it ends.
Client = Callable[[], AbstractAsyncContextManager[None]]
#: What presses on a service while the block runs. It gives how many clients did their part.
Siege = Callable[[Target, Bar], AbstractAsyncContextManager[int]]


@one_by_one(BOMBS)
async def bombs(ground: Ground, service: Service, outcome: Outcome) -> None:
    """Each as a message of its own connection, where permessage-deflate is agreed (RFC 7692)."""
    try:
        target = ground.direct(service)
        async with connect(target, headers=_offering(target), greet=False) as raw:
            if not raw.response.header("Sec-WebSocket-Extensions"):
                outcome.skipped = "it takes no compressed messages"
                return
    except (LabError, UnreachableError, RefusedError) as error:
        outcome.faults.append(f"it cannot be asked whether it takes compressed messages: {error}")
        return
    await _press(ground, service, outcome, _bombs, _BOMBS)


@one_by_one(READERS)
async def readers(ground: Ground, service: Service, outcome: Outcome) -> None:
    """All of them stay until each has sent what is taken of it."""
    await _press(ground, service, outcome, _readers, _READERS, _TIMES)


@one_by_one(HALVES)
async def halves(ground: Ground, service: Service, outcome: Outcome) -> None:
    """The proxy would keep them from the service."""
    await _press(ground, service, outcome, _halves, _HALVES)


async def _press(
    ground: Ground, service: Service, outcome: Outcome, siege: Siege, clients: int, times: int = 1
) -> None:
    try:
        target = ground.direct(service)
        if trouble := await eventually(target, _RETURNS):
            outcome.faults.append(f"it gives no echo before anything was tried: {trouble}")
            return
        before = vitals(ground.lab, service.name)
        highest = [before.memory or 0]
        meanwhile: list[float] = []
        with ground.bar(f"{outcome.attack} {service.name}", clients * times) as bar:
            watching = asyncio.create_task(_watch(ground, service, highest))
            try:
                for _ in range(times):
                    async with siege(target, bar) as tried:
                        outcome.tried += tried
                        began = time.monotonic()
                        silent = bool(await echoes(target))
                        meanwhile.append(math.inf if silent else time.monotonic() - began)
                    if (trouble := await _returns(ground, service)) or ended(ground, service, before):
                        break
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
        gone = ended(ground, service, before)
        if max(meanwhile) < math.inf:
            outcome.measured["ms to another's echo meanwhile"] = round(max(meanwhile) * 1000, 1)
        if before.memory is not None:
            outcome.measured["MiB at most"] = round(max(highest) / _MIB, 1)
        if gone:
            outcome.faults.append(f"{gone} of its processes ended")
        elif max(highest) > _BOUND:
            outcome.faults.append(f"it had {max(highest) / _MIB:.0f} MiB, and may have {_BOUND // _MIB}")
        if trouble:
            outcome.faults.append(f"{_RETURNS:g} s later it gives no echo: {trouble}")
        elif not gone:
            await settle(ground, service, before, outcome)
    except (LabError, UnknownError) as error:
        outcome.faults.append(str(error))


async def _returns(ground: Ground, service: Service) -> str:
    """Why it gives no echo, not even after a while; empty where it does."""
    deadline = time.monotonic() + _RETURNS
    while True:
        try:
            return await eventually(ground.direct(service), max(0.0, deadline - time.monotonic()))
        except LabError as error:  # it does not run, and may be on its way
            if time.monotonic() > deadline:
                return str(error)
        await asyncio.sleep(0.5)


async def _watch(ground: Ground, service: Service, highest: list[int]) -> None:
    """Note how much memory it has."""
    while True:
        with suppress(LabError, UnknownError):
            highest.append(vitals(ground.lab, service.name).memory or 0)
        await asyncio.sleep(_EVERY)


@asynccontextmanager
async def _crowd(clients: Sequence[Client], bar: Bar) -> AsyncIterator[int]:
    """All of them at once, until each has done its part or failed; they are let go at the end."""
    done = 0
    over = asyncio.Semaphore(0)

    async def one(client: Client) -> None:
        nonlocal done
        with suppress(*_FAILURES):
            async with AsyncExitStack() as stack:
                with suppress(*_FAILURES):
                    await stack.enter_async_context(client())
                    done += 1
                over.release()
                bar()
                await asyncio.Event().wait()

    tasks = [asyncio.create_task(one(client)) for client in clients]
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_ALL):
                for _ in tasks:
                    await over.acquire()
        yield done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _offering(target: Target) -> Headers:
    return [*handshake(target), ("Sec-WebSocket-Extensions", "permessage-deflate")]


@asynccontextmanager
async def _bombs(target: Target, bar: Bar) -> AsyncIterator[int]:
    at_once = asyncio.Semaphore(_AT_ONCE)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    zeros = target.codec.wrap(b"0" * _BOMB)
    data = (deflater.compress(zeros) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")

    @asynccontextmanager
    async def client() -> AsyncIterator[None]:
        async with at_once, connect(target, headers=_offering(target)) as ws:
            await ws.write(encode(TEXT, data, rsv=RSV1), "a bomb")
            await ws.hear(PATIENCE)  # an echo, a close, or the end: all are right
        yield

    async with _crowd([client] * _BOMBS, bar) as burst:
        yield burst


@asynccontextmanager
async def _readers(target: Target, bar: Bar) -> AsyncIterator[int]:
    opening = asyncio.Semaphore(_OPENING)

    @asynccontextmanager
    async def client() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            async with opening:
                ws = await stack.enter_async_context(connect(target, receive_buffer=4096))
            message = encode(TEXT, ws.wrap(b"x" * _MESSAGE))
            with suppress(TimeoutError):
                for _ in range(_EACH // _MESSAGE):
                    async with asyncio.timeout(1.5):
                        await ws.write(message, "what it does not read")
            yield

    async with _crowd([client] * _READERS, bar) as stuffed:
        await asyncio.sleep(_HELD)  # so that the service reads what the kernel still keeps for it
        yield stuffed


@asynccontextmanager
async def _halves(target: Target, bar: Bar) -> AsyncIterator[int]:
    opening = asyncio.Semaphore(_OPENING)
    half = f"GET {target.resource} HTTP/1.1\r\nHost: {target.netloc}\r\nUpgrade: webso".encode()

    @asynccontextmanager
    async def client() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            async with opening:
                _, writer = await stack.enter_async_context(dialled(place(target.host, target.port)))
            writer.write(half)
            yield

    async with _crowd([client] * _HALVES, bar) as held:
        await asyncio.sleep(_HELD)
        yield held

"""Connections that are opened and then left alone. One message on each shows in the end that it still lives."""

from __future__ import annotations

import asyncio
from time import monotonic_ns

import msgspec
from picows import WSCloseCode, WSMsgType, WSTransport

from echowall.bench.clock import SECOND, Start
from echowall.bench.loads.hearing import Ear
from echowall.bench.opening import connect_all
from echowall.bench.payload import Payload
from echowall.bench.plan import Plan, Report
from echowall.results.model import Errors

#: How long after the end they are asked, in seconds: until then it is read what the server used and takes.
_MOMENT = 0.5
#: How many are asked at a time whether they live.
_AT_ONCE = 32


class _Idle(Ear):
    def __init__(self) -> None:
        super().__init__()
        self.gone = False
        self._answer: asyncio.Future[tuple[bytes, WSMsgType]] | None = None

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.gone = True
        self._settle(b"", WSMsgType.CLOSE)

    def heard(self, message: bytes, kind: WSMsgType) -> None:
        self._settle(message, kind)

    def closed(self) -> None:
        self.gone = True
        self.transport.disconnect()

    def _settle(self, message: bytes, kind: WSMsgType) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result((message, kind))

    async def ask(self, message: bytes, kind: WSMsgType) -> tuple[bytes, WSMsgType]:
        """What comes back for it: a close where the connection ends."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.send(kind, message)
        return await self._answer


async def run(plan: Plan, start: Start) -> Report:
    """Carry the plan out: what is achieved is how many connections live in the end."""
    idle = [_Idle() for _ in range(plan.connections)]
    if trouble := await connect_all(plan, idle):
        return Report(trouble=trouble)
    clock = await start.clock()
    clock.start()
    await asyncio.sleep((clock.end - monotonic_ns()) / SECOND)
    clock.stop()
    await asyncio.sleep(_MOMENT)
    errors = Errors(connections=sum(one.gone for one in idle))
    living = await _living(plan, [one for one in idle if not one.gone], errors)
    for one in idle:
        if not one.gone:
            one.transport.send_close(WSCloseCode.OK)
            one.transport.disconnect()
    return msgspec.structs.replace(
        clock.report(plan.seconds),
        ended="" if living else "closed every connection" if errors.connections else "stopped answering",
        sent=plan.connections - errors.connections,
        achieved=float(living),
        errors=errors,
    )


async def _living(plan: Plan, idle: list[_Idle], errors: Errors) -> int:
    """How many of them have their message come back; the others are counted among the errors."""
    payload = Payload(plan.size, binary=plan.binary)
    kind = WSMsgType.BINARY if plan.binary else WSMsgType.TEXT
    turn = asyncio.Semaphore(_AT_ONCE)
    deadline = asyncio.get_running_loop().time() + 2 * plan.patience

    async def asked(number: int, one: _Idle) -> bool:
        message = payload.maker(number)(number)
        try:
            async with asyncio.timeout_at(deadline), turn, asyncio.timeout(plan.patience):
                answer = await one.ask(message, kind)
        except TimeoutError:
            errors.lost += 1
            return False
        if answer[1] is WSMsgType.CLOSE:
            errors.lost += 1
        elif answer != (message, kind):
            errors.altered += 1
        return answer == (message, kind)

    return sum(await asyncio.gather(*(asked(number, one) for number, one in enumerate(idle))))

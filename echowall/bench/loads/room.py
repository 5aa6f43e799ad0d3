"""The chat room of a service of the lab: one says something at fixed times, and many hear it.

The messages are short, and few: they stay in the room's log, like what anybody says. See services/README.md.
"""

from __future__ import annotations

import asyncio

from picows import WSError

from echowall.bench.clock import Start
from echowall.bench.loads.talk import Hearer, Talk, Visitor, count, settle, speak
from echowall.bench.opening import Opener, reason
from echowall.bench.plan import Plan, Report
from echowall.check.wire.errors import UnreachableError


async def run(plan: Plan, start: Start) -> Report:
    """Carry the plan out: what is achieved is deliveries, of each message to each who hears."""
    talk, speaker = Talk(), Visitor()
    hearers = [Hearer(talk) for _ in range(plan.connections)]
    try:
        async with asyncio.timeout(plan.within):
            await Opener(plan).open_all(hearers)
            await Opener(plan, plan.speaker).open(speaker)
            await asyncio.gather(*(one.live for one in (*hearers, speaker)))
    except TimeoutError:
        live = sum(one.live.done() and not one.live.cancelled() for one in hearers)
        return Report(trouble=f"only {live} of {plan.connections} were in the room and live within {plan.within:g} s")
    except (OSError, WSError, UnreachableError) as error:
        return Report(trouble=f"the room could not be entered: {reason(error)}")
    clock = await start.clock()
    await speak(plan, talk, speaker, clock)
    clock.stop()
    talk.errors.connections = sum(one.gone for one in (*hearers, speaker))
    await settle(talk, hearers, plan.patience)
    for one in (*hearers, speaker):
        one.leave()
    return count(plan, talk, clock)

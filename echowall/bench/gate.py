"""The gate: what has no right echo has no figure.

Before the first round the checks of the groups `messages` and `honesty` are put to an instance of each target, as it
will be measured and by the same route. A known deviation is as wrong here as any other answer: a stack that loses a
message, or alters one, has done less than the others in the same time. What withholds everything is that, and a
question that could not be put. What a server does to a message over its limit, and what its control frames look like,
changes no echo: that is told beside the figures.

The settings that are said of a service are held to what can be seen of them at the same time.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple, Protocol

from echowall.bench.contenders import Contender, Served
from echowall.bench.judging import EVERYTHING
from echowall.bench.rounds import Unfit
from echowall.check import judging, runner
from echowall.check.acquaintance import meet, preflight
from echowall.check.examination import heeding
from echowall.check.registry import Check
from echowall.check.suite import ALL
from echowall.check.wire import RefusedError, Target, Transcript, UnreachableError, connect, handshake
from echowall.check.wire.extensions import DEFLATE
from echowall.lab.lab import LabError
from echowall.results.model import Benched, Examined, Refusal, Result, Setting, Why
from echowall.results.verdicts import Standing, Verdict

CHECKS: list[Check] = [check for check in ALL if check.group in ("messages", "honesty")]
#: How many targets are asked at the same time: most of it is waiting.
AT_ONCE = 9
#: What a browser offers.
_OFFER = "permessage-deflate; client_max_window_bits"
#: The loop that `/about` tells by its version.
_UVLOOP = "uvloop"
#: What of `server-frames` is about control frames.
_CONTROL = frozenset(
    {
        "a close code that may not be sent",
        "half a close code",
        "a control frame in fragments",
        "a control frame of more than 125 bytes",
    }
)
#: How long it takes, in seconds, beside watching idle connections: for the estimate alone.
_ASKING = 10.0


class Tell(Protocol):
    """Called with the labels of those that are asked at the same time, and with how many were asked before."""

    def __call__(self, labels: Sequence[str], before: int) -> None: ...


class Found(NamedTuple):
    """What the gate found."""

    fit: list[Contender]
    """What may be measured."""
    unfit: list[Unfit]
    """What could not be asked."""
    surprises: list[str]
    """Labels of those that answered otherwise than their service.toml says; all wrong answers of a URL are that."""


def put(contenders: Sequence[Contender], tell: Tell) -> Found:
    """Ask all of them, and note in each what was wrong, and with what it runs.

    The yardstick's second instance is not asked: it is the same server. Interrupted, it leaves nothing behind.
    """
    found = Found([], [], [])
    asked = [one for one in contenders if not one.benched.again]
    for start in range(0, len(asked), AT_ONCE):
        batch = asked[start : start + AT_ONCE]
        with ExitStack() as stack:
            served: dict[int, Served] = {}
            for place, contender in enumerate(batch):
                try:
                    served[place] = stack.enter_context(contender.served())
                except LabError as error:
                    found.unfit.append(Unfit(contender.benched.label, str(error)))
            asyncio.run(_examine(batch, served, found, partial(tell, before=start)))
    plain = {(one.benched.name, one.benched.via): one for one in asked if is_plain(one.benched)}
    for second in (one for one in contenders if one.benched.again):
        first = plain[second.benched.name, second.benched.via]
        second.benched.gate, second.benched.settings = first.benched.gate, first.benched.settings
        if first in found.fit:
            found.fit.append(second)
    found.fit.sort(key=contenders.index)
    return found


def refusals(benched: Benched) -> list[Refusal]:
    """What the gate withholds of a target, and why: everything, or nothing."""
    wrong = ", ".join(f"{one.check}: {one.outcome}" for one in benched.gate if withholds(one))
    return [Refusal(why=Why.GATE, withheld=EVERYTHING, says=f"its echo is not right: {wrong}")] if wrong else []


def withholds(result: Result) -> bool:
    """Whether that answer is one because of which there is no figure."""
    if result.verdict is Verdict.ERROR:
        return True
    if result.verdict is not Verdict.FAIL:
        return False
    match result.check:
        case "message-limit":
            return result.outcome == "a lower limit than declared"
        case "server-frames":
            return not _CONTROL.issuperset(result.outcome.split(", "))
    return True


def estimated(targets: int, idle: float) -> float:
    """How long it takes, in seconds, for so many targets that are each watched for `idle` seconds."""
    return math.ceil(targets / AT_ONCE) * (_ASKING + idle)


async def _examine(
    batch: Sequence[Contender], served: Mapping[int, Served], found: Found, tell: Callable[[Sequence[str]], None]
) -> None:
    """Ask those that are served, by their place in the batch."""
    tell([one.benched.label for one in batch])
    targets = await asyncio.gather(*(_introduced(batch[place], one) for place, one in served.items()))
    asked: dict[int, tuple[Contender, Examined]] = {}
    for place, target in zip(served, targets, strict=True):
        if isinstance(target, Target):
            asked[id(target)] = batch[place], served[place].subject.examined
        else:
            found.unfit.append(Unfit(batch[place].benched.label, target))

    def note(target: Target, result: Result, _: Transcript) -> None:
        contender, examined = asked[id(target)]
        standing, _why = judging.standing(result, examined, contender.service)
        if standing in (Standing.SURPRISE, Standing.ERROR):
            surprises.add(contender.benched.label)
        if result.verdict not in (Verdict.PASS, Verdict.UNSUPPORTED):
            contender.benched.gate.append(result)

    def unexpected(target: Target, result: Result) -> bool:
        contender, examined = asked[id(target)]
        return judging.unexpected(result, examined, contender.service)

    surprises: set[str] = set()
    fit = [target for target in targets if isinstance(target, Target)]
    await runner.run(fit, CHECKS, note, jobs=AT_ONCE, unexpected=unexpected)
    places = {check.id: place for place, check in enumerate(CHECKS)}
    for contender, _ in asked.values():
        contender.benched.gate.sort(key=lambda result: places[result.check])
        if not refusals(contender.benched):
            found.fit.append(contender)
    found.surprises.extend(sorted(surprises))


async def _introduced(contender: Contender, served: Served) -> Target | str:
    """How it is asked, with its settings noted as far as they can be seen; or why it cannot be measured."""
    target = served.target
    if why := await preflight(target):
        return target.secrets.hide(why).removeprefix(target.url).lstrip()
    headers = [*handshake(target), ("Sec-WebSocket-Extensions", _OFFER)]
    try:
        async with connect(target, headers=headers, greet=False) as ws:
            deflates = DEFLATE in (ws.response.header("Sec-WebSocket-Extensions") or "")
    except (RefusedError, UnreachableError) as error:
        return target.secrets.hide(f"takes no client that offers permessage-deflate: {error}")
    if wrong := _contradiction(contender.benched, deflates=deflates):
        return wrong
    if contender.service is None:
        known = await meet(target)
        return target.secrets.hide(known) if isinstance(known, str) else heeding(target, known)
    return target


def _contradiction(benched: Benched, *, deflates: bool) -> str:
    """What is seen to be otherwise than its settings say; empty where nothing is."""
    seen = "on" if deflates else "off"
    deflate = benched.settings.setdefault("deflate", Setting(value=seen, source="seen"))
    if deflate.value != seen:
        return _otherwise("deflate", deflate.value, f"the handshake {seen}")
    loop = benched.settings.get("loop")
    if loop and (loop.value == _UVLOOP) != (_UVLOOP in benched.versions):
        without = "has it" if _UVLOOP in benched.versions else "does not have uvloop"
        return _otherwise("loop", loop.value, f"/about {without}")
    return ""


def _otherwise(setting: str, said: str, seen: str) -> str:
    return f"is not measured: its service.toml says that {setting} is {said}, but {seen}; correct the one or the other"


def is_plain(benched: Benched) -> bool:
    """Whether it ran as the lab's own does."""
    return benched.mends != "off" and not benched.tuned and not benched.workers

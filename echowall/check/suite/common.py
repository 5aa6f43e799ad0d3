"""What several groups of checks share: how they ask, and how they word what they found."""

from __future__ import annotations

import time

from echowall.check.registry import Observation, UnsupportedError
from echowall.check.wire import PATIENCE, Closed, Connection, Ended, Message, Target, observe
from echowall.check.wire.frames import CLOSE, PONG, Frame, close_code

#: Most servers answer a breach of the protocol within this time, in seconds. After it, a message finds out whether the
#: connection goes on.
SOON = 0.5


#: Right answers to a close with 1000, or without a code. "Typically" the code comes back, says RFC 6455, 5.5.1, and a
#: server may as well say that it goes away.
CLOSES = ("close 1000", "close without a code", "close 1001")


async def affordable(ws: Connection, most: int, seconds: float = 5.0) -> int:
    """How many messages to send at once: `most`, or as many as a slow server echoes in that time, and ten at least.

    One echo tells of a quick server. Of another ten at once do, as one alone may be late for other reasons.
    """
    for count in (1, 10):
        began = time.monotonic()
        for _ in range(count):
            await ws.say("wall")
        for _ in range(count):
            if not (await ws.reaction("wall")).startswith("echo"):
                return most  # the check itself finds out why
        each = (time.monotonic() - began) / count
        if each * most <= seconds:
            return most
    return max(10, int(seconds / each))


def fewer(outcome: Observation | str, sent: int, most: int) -> Observation | str:
    """The outcome, with the number of messages that were sent in its detail where it is not what it should be."""
    observed = Observation.of(outcome)
    if sent == most:
        return observed
    only = f"only {sent} of {most:,} messages, as each takes long"
    return Observation(observed.outcome, f"{observed.detail}, {only}" if observed.detail else only)


async def pong(ws: Connection, payload: bytes, within: float = PATIENCE) -> str:
    """What answers a ping that has been sent. Everything else but the close is passed over on the way.

    That goes for other pongs, too: a server may send some that nobody asked for (RFC 6455, section 5.5.3). One with
    another payload is the answer only where none with this one comes.
    """
    deadline = time.monotonic() + within
    other = "no pong"
    while True:
        found = await ws.frame(max(0.0, deadline - time.monotonic()))
        if isinstance(found, Ended):
            return other if found.how == "silence" else "cut off"
        if found.opcode == PONG:
            other = compare(found, payload)
            if found.payload == payload:
                return other
        if found.opcode == CLOSE:
            return close_of(found)


async def rejection(ws: Connection) -> str:
    """What becomes of a breach of the protocol that has been sent.

    Apart from a close, a cut and silence, the outcome may be `ignored`, where the next message comes back as if
    nothing had happened, or `taken for a message`.
    """
    heard = await ws.hear(SOON)
    if isinstance(heard, Ended) and heard.how == "silence":
        await ws.say("fence")
        heard = await ws.hear()
    if isinstance(heard, Message):
        return "ignored" if heard.data == b"fence" else "taken for a message"
    if isinstance(heard, Closed):
        return observe(heard)
    return heard.how if heard.how == "silence" else "cut off"


def compare(found: Frame, payload: bytes) -> str:
    """How a pong's payload compares with the one that it should have."""
    if found.payload == payload:
        return "pong with its payload"
    return "pong with another payload" if found.payload else "empty pong"


def close_of(found: Frame) -> str:
    """A close frame in the words of observe()."""
    return observe(Closed(close_code(found.payload)))


def brief(outcome: str) -> str:
    """An outcome that does not quote what came."""
    return "another message" if outcome.startswith("other message") else outcome


def summary(found: dict[str, str]) -> str:
    """The outcome of several experiments of one kind, by label: the common one, or each with its labels."""
    outcomes = list(dict.fromkeys(found.values()))
    if len(outcomes) == 1:
        return outcomes[0]
    named = {outcome: ", ".join(label for label, its in found.items() if its == outcome) for outcome in outcomes}
    return "; ".join(f"{outcome} for {labels}" for outcome, labels in named.items())


def pid_of(target: Target) -> int:
    """The service's first process. Raises UnsupportedError where it does not run on this machine."""
    if target.pid is None:
        raise UnsupportedError("the service does not run on this machine")
    return target.pid

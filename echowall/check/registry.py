"""What a check is, and the list of all checks. A check is one question to an endpoint, asked by a coroutine."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, Protocol, TypedDict, Unpack

import msgspec

from echowall.check.wire import Target
from echowall.check.wire.transcript import Where

Group = Literal[
    "handshake", "messages", "fragmentation", "control", "closing", "errors", "compression", "honesty", "endurance"
]
GROUPS: tuple[Group, ...] = (
    "handshake", "messages", "fragmentation", "control", "closing", "errors", "compression", "honesty", "endurance"
)  # fmt: skip


class Observation(NamedTuple):
    """What was observed: the outcome in a few fixed words, and the details in other words."""

    outcome: str
    detail: str = ""

    @classmethod
    def of(cls, observed: Observation | str) -> Observation:
        """Of what an experiment gives: an observation, or its outcome alone."""
        return observed if isinstance(observed, Observation) else cls(observed)


class UnsupportedError(Exception):
    """The endpoint does not have what the check asks about: says what."""


Experiment = Callable[[Target], Awaitable[Observation | str]]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A question, and the outcomes that are right answers to it."""

    id: str
    group: Group
    section: str
    """Where the answer is laid down: `RFC 6455, 5.5.2`."""
    expects: tuple[str, ...]
    """An outcome passes if it is one of these."""
    question: str
    """One sentence."""
    sends: str
    """What is sent, in a sentence or a few."""
    remarks: tuple[str, ...]
    """What else is to be said of it, in paragraphs."""
    experiment: Experiment
    waits: bool = False
    """It mostly waits on clocks, so it runs beside the others."""
    alone: bool = False
    """It disturbs others, or others would disturb it."""
    intrusive: bool = False
    """It asks more of a server than a polite client may: floods, resets, many sockets."""
    ends: bool = False
    """It stops the service, so it comes last."""
    local: bool = False
    """It needs the service's processes: to signal or to measure them."""
    plain: bool = False
    """It needs messages that travel as they are, with no protocol above WebSocket around them."""
    idle: bool = False
    """It watches a connection for the target's idle time, which it may take longer than `seconds`."""
    echo: bool = False
    """It needs the echo of what it says: without one it has no answer, or one that cannot be wrong."""
    binary: bool = False
    """It needs binary messages to be echoed."""
    quiet: bool = False
    """It needs an endpoint that says nothing of its own."""
    gathers: Where | None = None
    """Breaches of this kind, in any exchange of the run, are its answer too, so it is told last."""
    seconds: float = 30.0
    """How long it may take at most."""


class Options(TypedDict, total=False):
    """What of a Check is not the same for most."""

    waits: bool
    alone: bool
    intrusive: bool
    ends: bool
    local: bool
    plain: bool
    idle: bool
    echo: bool
    binary: bool
    quiet: bool
    gathers: Where | None
    seconds: float


class Register(Protocol):
    """The decorator of a group's checks."""

    def __call__(
        self,
        id: str,  # noqa: A002
        section: str,
        expects: str | tuple[str, ...],
        **options: Unpack[Options],
    ) -> Callable[[Experiment], Experiment]: ...


CHECKS: dict[str, Check] = {}
_SENT = "Sent: "


def checks_of(group: Group, **common: Unpack[Options]) -> Register:
    """The decorator that makes a coroutine a check of the group.

    The first paragraph of its docstring is the question, and the one that begins with `Sent:` says what is sent. What
    is `common` holds for each check of the group that does not say otherwise. Raises ValueError for a check without
    such a paragraph, and for two of one id.
    """

    def check(
        id: str,  # noqa: A002
        section: str,
        expects: str | tuple[str, ...],
        **options: Unpack[Options],
    ) -> Callable[[Experiment], Experiment]:
        def register(experiment: Experiment) -> Experiment:
            if id in CHECKS:
                raise ValueError(f"there are two checks {id!r}")
            found: Options = {**common, **options}
            paragraphs = [" ".join(one.split()) for one in (inspect.getdoc(experiment) or "").split("\n\n")]
            question, *others = paragraphs
            sends = [one.removeprefix(_SENT) for one in others if one.startswith(_SENT)]
            if len(sends) != 1:
                raise ValueError(f"the docstring of {id!r} needs one paragraph that begins with {_SENT!r}")
            CHECKS[id] = Check(
                id=id,
                group=group,
                section=section,
                expects=(expects,) if isinstance(expects, str) else expects,
                question=question,
                sends=sends[0],
                remarks=tuple(one for one in others if not one.startswith(_SENT)),
                experiment=experiment,
                **found,
            )
            return experiment

        return register

    return check

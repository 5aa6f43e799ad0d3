"""What the tables show of each step: its columns and what they are, by what the step counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from echowall.results.model import Estimate, Figure, Spread, Step

NONE = "–"


class Column(NamedTuple):
    """A column of a table."""

    title: str
    cell: Callable[[Step, Figure], str]


class Columns(NamedTuple):
    """The columns of a table, behind the target's name."""

    columns: tuple[Column, ...]
    legend: str
    """What they are, and in which units."""


def of(step: Step) -> Columns:
    """Those of that step's table."""
    return _PUSHED if step.load == "push" and step.unit == "delivery" else _BY_UNIT[step.unit]


def estimate(found: Estimate | None, unit: float = 1) -> str:
    """A mean, in that unit."""
    return NONE if found is None else f"{found.mean / unit:.1f}"


def _plain(value: float | None, digits: int = 0) -> str:
    return NONE if value is None else f"{value:,.{digits}f}"


def _milliseconds(spread: Spread | None, percentile: str) -> str:
    value = getattr(spread, percentile) if spread else None
    return f"{value / 1000:.2f}" if value is not None else NONE


def _latency(*percentiles: str) -> list[Column]:
    def column(percentile: str) -> Column:
        return Column(percentile, lambda _, figure: _milliseconds(figure.latency, percentile))

    return [column(one) for one in percentiles]


def _throughput(title: str, digits: int = 0) -> Column:
    def cell(_: Step, figure: Figure) -> str:
        return NONE if figure.throughput is None else f"{figure.throughput:,.{digits}f}"

    return Column(title, cell)


_LATE = Column("late", lambda _, figure: _milliseconds(figure.lateness, "p99"))
_CPU = Column("CPU", lambda _, figure: estimate(figure.cpu))
_MEMORY = Column("memory", lambda _, figure: estimate(figure.memory, 1 << 20))
_REQUESTS = Column("req/s", lambda _, figure: _plain(figure.requests))
_OPENED = Column("conn/s", lambda _, figure: _plain(figure.opened))
_DOWN = Column("down", lambda _, figure: _plain(figure.down, 1))
_UP = Column("up", lambda _, figure: _plain(figure.up, 1))
_ERRORS = Column("errors", lambda _, figure: str(figure.errors.total))

_BY_UNIT = {
    "message": Columns(
        (_throughput("msg/s"), *_latency("p50", "p90", "p99"), _LATE, _CPU, _MEMORY, _ERRORS),
        """\
p50, p90, p99: latency from the planned time of each message (in a closed loop: from the time of sending), in ms
late: the generator's own lateness at p99, in ms · CPU: the server's, in µs a message · memory: its PSS, in MiB""",
    ),
    "MiB": Columns(
        (
            Column("sent", lambda step, figure: f"{figure.size or step.size:,} B"),
            _throughput("MiB/s", 1),
            *_latency("p50"),
            Column("CPU/MiB", _CPU.cell),
            _MEMORY,
            _ERRORS,
        ),
        """\
sent: the size of each message, which is no more than the service takes · MiB/s: of payload, one way
p50: from the time of sending to the whole echo, in ms · CPU/MiB: the server's CPU, in µs for each MiB
memory: its PSS, in MiB""",
    ),
    "delivery": Columns(
        (
            Column("offered", lambda _, figure: _plain(figure.offered)),
            _throughput("heard/s"),
            *_latency("p50", "p90", "p99"),
            _CPU,
            _MEMORY,
            _ERRORS,
        ),
        """\
offered, heard/s: deliveries a second, of each message to each who hears · p50, p90, p99: from the planned time of
saying it to hearing it, in ms · CPU: of the service that they hear it from, in µs a delivery, without Redis
memory: its PSS, in MiB""",
    ),
    "socket": Columns(
        (
            _throughput("living"),
            Column("KiB/socket", lambda _, figure: estimate(figure.socket_memory, 1 << 10)),
            _CPU,
            _MEMORY,
            _ERRORS,
        ),
        """\
living: sockets that echoed a message in the end · KiB/socket: by how much the server's PSS grew, for each
CPU: the server's, in µs a second for each socket · memory: its PSS, in MiB""",
    ),
    "connection": Columns(
        (_throughput("conn/s"), *_latency("p50", "p90", "p99"), _CPU, _MEMORY, _ERRORS),
        """\
conn/s: handshakes, each connection being used and closed · p50, p90, p99: from connect() to the answer of the
handshake, in ms · CPU: the server's, in µs a connection · memory: its PSS, in MiB""",
    ),
    "listener": Columns(
        (_throughput("listening"), _REQUESTS, _OPENED, _CPU, _DOWN, _UP, _ERRORS),
        """\
listening: those who heard what was said in the end · req/s, conn/s: HTTP requests, and connections opened, by all
CPU: the server's, in µs a second for each listener · down, up: bytes of TCP's payload to and from each, a second""",
    ),
}

_PUSHED = Columns(
    (
        _throughput("heard/s"),
        *_latency("p50", "p99"),
        _REQUESTS,
        _OPENED,
        _CPU,
        _DOWN,
        _UP,
        _ERRORS,
    ),
    """\
heard/s: deliveries, of each message to each who listens · p50, p99: from the planned time of saying it to hearing it,
in ms · req/s, conn/s: HTTP requests, and connections opened, by all · CPU: of the service, in µs a delivery, with what
empty polls take · down, up: bytes of TCP's payload to and from the listeners, a delivery, headers and empty answers
included""",
)

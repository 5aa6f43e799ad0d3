"""What is measured of a target, one quantity after the other: their names and units, and which way is better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from echowall.bench.judging import COST, EVERYTHING, LATENCY, THROUGHPUT, named
from echowall.results.model import Estimate, Figure, Refusal, Step


class Quantity(NamedTuple):
    """One of them."""

    key: str
    """As in the results: a field of Figure, or of its latency."""
    title: str
    """For people, in the middle of a sentence."""
    unit: str | Mapping[str, str]
    """For people; where it depends on what a step counts, by the step's unit."""
    scale: float = 1.0
    """How much of the unit that the results have makes one of that unit."""
    digits: int = 1
    """How many are shown after the point."""
    better: Literal["lower", "higher"] = "lower"
    """Which way."""
    by_machine: bool = True
    """Whether a faster machine makes it better. It then goes with the yardstick's, where there is one."""
    withheld: str = COST
    """What a refusal withholds if it withholds this. LATENCY for those that are percentiles of it."""

    def unit_in(self, counted: str) -> str:
        """For people, in a step that counts that: a `message`, a `MiB`, and so on; see Unit."""
        return self.unit if isinstance(self.unit, str) else self.unit[counted]

    def shown(self, value: float) -> str:
        """A value of the results, for people, without its unit."""
        return f"{value / self.scale:,.{self.digits}f}"


def _percentile(key: str) -> Quantity:
    return Quantity(key, f"latency at {named(key)}", "ms", 1000, 3, withheld=LATENCY)


_COST = {
    "message": "µs a message",
    "MiB": "µs a MiB",
    "connection": "µs a connection",
    "socket": "µs a second for each",
    "delivery": "µs a delivery",
    "listener": "µs a second for each",
}
_THROUGHPUT = {
    "message": "messages/s",
    "MiB": "MiB/s",
    "connection": "connections/s",
    "socket": "living sockets",
    "delivery": "deliveries/s",
    "listener": "listeners",
}
_BYTES = {unit: words.replace("µs", "bytes") for unit, words in _COST.items()}

#: Each estimate of a Figure is here, in the order in which they are shown.
QUANTITIES = {
    one.key: one
    for one in (
        Quantity("cpu", "the server's CPU", _COST),
        Quantity("proxy_cpu", "the proxy's CPU", _COST),
        Quantity("memory", "the server's memory", "MiB", 1 << 20, by_machine=False, withheld=EVERYTHING),
        Quantity(
            "socket_memory",
            "the server's memory for each socket",
            "KiB",
            1 << 10,
            by_machine=False,
            withheld=EVERYTHING,
        ),
        Quantity("down", "what comes to the listeners", _BYTES, by_machine=False),
        Quantity("up", "what the listeners send", _BYTES, by_machine=False),
        _percentile("p50"),
        _percentile("p90"),
        _percentile("p99"),
        Quantity("throughput", "throughput", _THROUGHPUT, better="higher", withheld=THROUGHPUT),
    )
}


def of_step(step: Step) -> list[Quantity]:
    """Those that a step tells something by: the throughput of an open loop is what was offered."""
    return [one for one in QUANTITIES.values() if not (step.rate and one.key == "throughput")]


def of_figure(figure: Figure, quantity: Quantity) -> Estimate | float | None:
    """What a figure has of it: an estimate with its interval, or a value without one. None where it is withheld."""
    holder = figure.latency if quantity.withheld == LATENCY else figure
    return getattr(holder, quantity.key, None)


def reasons(quantity: Quantity, refusals: Iterable[Refusal]) -> list[str]:
    """Why it is withheld, by these refusals, each once."""
    wanted = (quantity.key, quantity.withheld, EVERYTHING)
    return list(dict.fromkeys(one.says for one in refusals if one.withheld in wanted))

"""What a measurement can stand behind, and what it refuses to report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hdrh.histogram import HdrHistogram

from echowall.bench.plan import Plan, Report
from echowall.results.model import Errors, Measurement, Refusal, Spread, Why

#: How much of what is offered has to come back in time.
HELD = 0.98
#: How much of the latency the generator's lateness may be, by their 99th percentiles.
LATE = 0.1
#: How much of its core the generator may use.
BUSY = 0.85
#: How many samples have to lie beyond a percentile.
BEYOND = 100
PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}
#: What is withheld.
EVERYTHING, LATENCY, COST, THROUGHPUT = "everything", "latency", "cost", "throughput"
_MICROSECOND = 1000


def refusals(plan: Plan, report: Report) -> list[Refusal]:
    """What of that report cannot be stood behind. The number of samples is judged over all rounds: see spread()."""
    if report.trouble:
        return [_refuse(Why.TROUBLE, EVERYTHING, report.trouble)]
    if report.ended:
        ending = f"the server {report.ended} after {_count(report.sent, 'message')}"
        return [_refuse(Why.ENDED, EVERYTHING, ending)]
    if plan.load == "push" and (wrong := _wrong(plan, report)):
        return wrong
    offered = plan.offered and plan.offered - sum(one.offered or 0.0 for one in report.shares if one.gone)
    return _gone(report) + _of_load(offered, report)


def _wrong(plan: Plan, report: Report) -> list[Refusal]:
    """What is withheld because a listener did not hear each message once and in order, or could not poll so often."""
    if report.errors.total:
        found = ", ".join(f"{count:,} {words}" for words, count in _heard_wrongly(report.errors) if count)
        return [_refuse(Why.WRONG, EVERYTHING, f"what was said was not heard as it has to be: {found}")]
    polls = plan.connections / plan.polled if plan.polled else 0.0
    if _limit(plan.offered, report) or (report.requests or 0.0) >= HELD * polls:
        return []
    cannot = f"cannot hold {polls:,.0f} polls/s: {report.requests or 0.0:,.0f}/s were answered in time"
    return [_refuse(Why.RATE, withheld, cannot) for withheld in (LATENCY, COST)]


def _heard_wrongly(errors: Errors) -> Iterator[tuple[str, int]]:
    yield "lost", errors.lost
    yield "came twice", errors.twice
    yield "altered", errors.altered
    yield "out of order", errors.disordered
    yield "connections ended", errors.connections


def _gone(report: Report) -> list[Refusal]:
    """What cannot be told where a worker went away: the server had messages of it that nobody counted."""
    gone = [one for one in report.shares if one.gone]
    if not gone:
        return []
    of = sum(one.connections for one in report.shares)
    words = [f"worker {one.worker} {one.gone}: its {one.connections} of {of} connections are left out" for one in gone]
    return [_refuse(Why.WORKER, withheld, "; ".join(words)) for withheld in (COST, THROUGHPUT)]


def _of_load(offered: float | None, report: Report) -> list[Refusal]:
    """What is withheld because the load was not what it was to be. `offered` is None in a closed loop."""
    if limit := _limit(offered, report):
        return [_refuse(Why.GENERATOR, withheld, limit) for withheld in (LATENCY, COST if offered else THROUGHPUT)]
    held = not offered or report.achieved >= HELD * offered
    if late := _late(offered, report):
        return [_refuse(Why.GENERATOR, withheld, late) for withheld in ((LATENCY,) if held else (LATENCY, COST))]
    if held:
        return []
    cannot = f"cannot hold {offered:,.0f}/s: {report.achieved:,.0f}/s came back in time"
    return [_refuse(Why.RATE, withheld, cannot) for withheld in (LATENCY, COST)]


def _limit(offered: float | None, report: Report) -> str | None:
    """Why the generator could not send so much; None where it could."""
    if report.cpu > BUSY:
        return f"the generator was the limit: it used {report.cpu:.0%} of its core"
    if not offered and report.cpu + report.starved > BUSY:
        used = f"it used {report.cpu:.0%} of its core, and waited for it for {report.starved:.0%} of the time"
        return f"the generator was the limit: {used}"
    if offered and report.paced < HELD * offered:
        return f"the generator was the limit: of {offered:,.0f}/s it sent only {report.paced:,.0f}/s"
    return None


def _late(offered: float | None, report: Report) -> str | None:
    """Why the generator was too late for that latency; None where it was not."""
    if not offered:
        return None
    late, latency = (_at(decode(one), 99.0) for one in (report.lateness, report.latency))
    if late <= LATE * latency:
        return None
    return (
        f"the generator was the limit: it was {late:,.0f} µs late at p99, "
        f"which is more than a tenth of the latency, {latency:,.0f} µs"
    )


def spread(histogram: HdrHistogram) -> Spread | None:
    """The percentiles that the histogram of nanoseconds has enough samples for; None where it has none at all."""
    samples = histogram.get_total_count()
    if not samples:
        return None
    # All at once: one by one, each would count the whole histogram.
    found = histogram.get_percentile_to_value_dict([*PERCENTILES.values(), 100.0])
    shown = {name: found[at] / _MICROSECOND if samples >= needed(at) else None for name, at in PERCENTILES.items()}
    return Spread(samples=samples, longest=found[100.0] / _MICROSECOND, **shown)


def too_few(found: Spread) -> list[Refusal]:
    """The percentiles that are withheld for want of samples."""
    return [
        _refuse(
            Why.SAMPLES,
            name,
            f"{named(name)} takes {needed(at):,} messages, for {BEYOND} to lie beyond it; there were {found.samples:,}",
        )
        for name, at in PERCENTILES.items()
        if getattr(found, name) is None
    ]


def named(percentile: str) -> str:
    """As people write it: `p99.9`."""
    return "p99.9" if percentile == "p999" else percentile


def needed(percentile: float) -> int:
    """How many samples it takes for BEYOND of them to lie beyond the percentile: 10,000 for the 99th."""
    return round(BEYOND / (1 - percentile / 100))


def is_withheld(what: str, found: Iterable[Refusal]) -> bool:
    """Whether one of these refusals withholds it."""
    return any(one.withheld in (what, EVERYTHING) for one in found)


def decode(encoded: str) -> HdrHistogram:
    """An encoded histogram; an empty one where there is none."""
    return HdrHistogram.decode(encoded) if encoded else HdrHistogram(1, 3600 * 10**9, 3)


def merged(measurements: Sequence[Measurement], which: str) -> HdrHistogram:
    """One histogram of those measurements: `latency`, `uncorrected` or `lateness`."""
    return together(getattr(one, which) for one in measurements)


def together(encoded: Iterable[str]) -> HdrHistogram:
    """One histogram of these encoded ones; where one is empty there was none."""
    histogram = decode("")
    for one in encoded:
        if one:
            histogram.decode_and_add(one)
    return histogram


def _at(histogram: HdrHistogram, percentile: float) -> float:
    """In microseconds."""
    return float(histogram.get_value_at_percentile(percentile)) / _MICROSECOND


def _refuse(why: Why, withheld: str, says: str) -> Refusal:
    return Refusal(why=why, withheld=withheld, says=says)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

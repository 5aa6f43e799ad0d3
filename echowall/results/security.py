"""What the kept runs of `echowall attack` say, as docs/security.md tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from echowall.markdown import table as markdown_table
from echowall.results import store
from echowall.results.model import Attack, AttackRun, Outcome

_NO_RUN = "The store of results holds no run of `make attack` yet."


def document(root: Path) -> str:
    """The newest outcome of each attack on each target: what held, what was measured, and what did not hold."""
    runs = [run for run in store.runs(root) if isinstance(run, AttackRun)]
    if not runs:
        return _NO_RUN
    attacks = {attack.id: attack for run in runs for attack in run.attacks}
    newest = {(outcome.attack, outcome.target): (outcome, run) for run in runs for outcome in run.outcomes}
    outcomes = [outcome for outcome, _ in newest.values()]
    used = {run.id: run for _, run in newest.values()}
    parts = [_summary(attacks.values(), outcomes)]
    for attack in attacks.values():
        of = [outcome for outcome in outcomes if outcome.attack == attack.id]
        if any(outcome.measured for outcome in of):
            parts.append(f"## `{attack.id}`\n\n{_figures(of)}")
    faults = [f"- `{it.attack}` {it.target}: {fault}" for it in outcomes for fault in it.faults]
    parts.append("\n".join(["## What did not hold", "", *(faults or ["All of it held."])]))
    parts.append("\n".join(["## The runs", "", *_sources(used.values())]))
    return "\n\n".join(parts)


def _summary(attacks: Iterable[Attack], outcomes: Sequence[Outcome]) -> str:
    rows = []
    for attack in attacks:
        of = [outcome for outcome in outcomes if outcome.attack == attack.id]
        tried = [outcome for outcome in of if outcome.tried or outcome.faults]
        held = sum(not outcome.faults for outcome in tried)
        where = f"{held} of {len(tried)}" if tried else "not tried"
        rows.append([f"`{attack.id}`", attack.does, attack.holds, f"{sum(it.tried for it in of):,}", where])
    return markdown_table(["attack", "what is done", "what has to hold", "attempts", "held"], rows)


def _figures(outcomes: Sequence[Outcome]) -> str:
    """A row for each target, a column for each figure."""
    names = list(dict.fromkeys(name for outcome in outcomes for name in outcome.measured))
    rows = []
    for outcome in sorted(outcomes, key=lambda outcome: outcome.target):
        figures = [f"{outcome.measured[name]:,g}" if name in outcome.measured else "–" for name in names]
        held = "no" if outcome.faults else "yes"
        rows.append([outcome.target, f"{outcome.tried:,}", *figures, f"{outcome.seconds:g}", held])
    return markdown_table(["target", "attempts", *names, "seconds", "held"], rows)


def _sources(runs: Iterable[AttackRun]) -> Iterator[str]:
    for run in runs:
        attacks, targets = len(run.attacks), len({outcome.target for outcome in run.outcomes})
        yield (
            f"- [{run.id}](../results/attack/{run.id}.json): {attacks} attack{'' if attacks == 1 else 's'}, "
            f"{targets} target{'' if targets == 1 else 's'}, "
            f"seed {run.seed}, {run.engine}, {run.machine.processor}, {run.machine.cores} cores, "
            f"{(run.ended - run.began).total_seconds() / 60:.0f} min."
        )

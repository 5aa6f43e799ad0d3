"""What a run of the lab found, and what it ran on, as it is kept. docs/results.md is written from this module."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from echowall.catalog.catalog import Route
from echowall.results.verdicts import Verdict

SCHEMA = 2
#: The only fields of a run in the store that may be null or empty.
_MAY_BE_EMPTY = frozenset({"max_message", "ping_interval", "detail", "close_code"})


class Run(msgspec.Struct, kw_only=True, tag_field="kind"):
    """What every run says of itself. The key `kind` says what kind of run it is."""

    schema: int = SCHEMA
    """It grows when a key changes its meaning."""
    id: str
    """When it began and at which commit: `20261129T031500Z-57132d4`. It is the file's name in the store."""
    began: datetime
    """UTC, to the second."""
    ended: datetime
    """UTC, to the second."""
    commit: str | None
    """The checkout's commit when the run began; null where the tool runs from no checkout."""
    clean: bool | None
    """Whether the checkout, but for `results/`, was as committed; null where there is no commit."""
    machine: Machine
    """Where the run took place."""
    engine: str | None
    """What ran the services: `processes`, or the container engine and its version; null for URLs alone."""


class CheckRun(Run, kw_only=True, tag="check"):
    """A run of `echowall check`: its `kind` is `check`."""

    checks: list[Question]
    """The checks that were put, in the order in which they are shown."""
    targets: list[Examined]
    """What was examined, and what was found."""
    interrupted: bool = False
    """Whether the run was ended before its time, so that answers are missing; never in the store."""


class ConformanceRun(Run, kw_only=True, tag="conformance"):
    """A run of `echowall conformance`: its `kind` is `conformance`."""

    suite: str
    """The release of the Autobahn Testsuite."""
    cases: list[str]
    """Which cases were put: the name of a set (`quick`, `ci`, `full`), or patterns of ids."""
    targets: list[Conformed]
    """What was tested, and what was found."""
    interrupted: bool = False
    """Whether the run was ended before its time, so that answers are missing; never in the store."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A computer, and the tool's Python on it."""

    system: str
    """The kernel and its version."""
    processor: str
    """As the kernel calls it."""
    cores: int
    """How many the run could use."""
    python: str
    """The version of Python that the tool ran on."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A check as it was put: the question, and which answers were right."""

    id: str
    """The check's id."""
    group: str
    """The group of checks that it belongs to."""
    section: str
    """Where the answer is laid down, as in `RFC 6455, 5.5.2`."""
    question: str
    """One sentence."""
    expects: tuple[str, ...]
    """The outcomes that pass."""


class Target(msgspec.Struct, kw_only=True):
    """What was examined: a service of the lab by one route, or a URL."""

    name: str
    """The service's name, or the URL."""
    url: str
    """The address that was asked."""
    via: Route | None = None
    """The route, `direct` or `proxy`; null for a URL."""
    versions: dict[str, str] = {}
    """What the service's `/about` says it has loaded; empty for a URL."""
    limits: Limits | None = None
    """What the service was configured to bear; null for a URL."""
    mends: Literal["on", "off"] | None = None
    """Whether the service mended what its stack gets wrong; null for a URL."""

    @property
    def label(self) -> str:
        """The name, and by which route."""
        return f"{self.name} ({self.via})" if self.via else self.name


class Examined(Target, kw_only=True):
    """A target, and what the checks found about it."""

    results: list[Result] = []
    """One for each check that was put, in the order of the run's `checks`."""


class Conformed(Target, kw_only=True):
    """A target, and what the Autobahn Testsuite found about it."""

    results: list[CaseResult] = []
    """One for each case that was put, in the suite's order."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a service was configured to bear, by its `service.toml`."""

    max_message: int | None
    """Bytes; null where there is no limit."""
    ping_interval: int | None
    """Seconds; null where the server never pings."""


class Result(msgspec.Struct, kw_only=True):
    """The answer of one target to one check."""

    check: str
    """The check's id."""
    verdict: Verdict
    """What came of it."""
    outcome: str
    """What was observed, in the check's fixed words."""
    detail: str = ""
    """Figures and circumstances that vary from run to run."""
    seconds: float = 0.0
    """How long the check took; not a measure of the server."""


class CaseResult(msgspec.Struct, kw_only=True):
    """The answer of one target to one case of the Autobahn Testsuite."""

    case: str
    """The case's id, as in `7.1.5`."""
    verdict: Verdict
    """What came of it."""
    outcome: str
    """What was observed: `as expected`; `failed`, which the suite says of the messages; `wrong close`, which it says of
    the end of the connection alone; `not offered`, `over the limit`, `no end`, `not put`."""
    behavior: str
    """How the messages went, in the suite's own words."""
    close: str
    """How the connection ended, in the suite's own words."""
    close_code: int | None
    """The code of the target's close frame; null where there was none."""
    detail: str = ""
    """Figures and circumstances that vary from run to run."""
    seconds: float = 0.0
    """How long the case took; not a measure of the server."""


def empty_fields(run: Run) -> Iterator[str]:
    """The paths of the fields that are null or empty and may not be in a run of the lab's services.

    As in `targets[3].versions`.
    """
    yield from _empty(msgspec.to_builtins(run), "")


def _empty(value: Any, path: str) -> Iterator[str]:
    if value is None or (isinstance(value, (str, list, dict)) and not value):
        if path.rpartition(".")[2] not in _MAY_BE_EMPTY:
            yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _empty(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _empty(inner, f"{path}[{number}]")

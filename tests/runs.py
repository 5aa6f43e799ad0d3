"""Runs that never took place, for the tests of what is kept and shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from echowall.results import provenance
from echowall.results.model import Machine

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def facts(began: datetime = datetime(2026, 11, 29, 12, tzinfo=UTC)) -> dict[str, Any]:
    """What every run says of itself, of one that began then."""
    return {
        "id": provenance.identifier(began, COMMIT),
        "began": began,
        "ended": began,
        "commit": COMMIT,
        "clean": True,
        "machine": Machine(system="Linux 6.12", processor="A processor", cores=2, python="3.11.2"),
        "engine": "processes",
    }

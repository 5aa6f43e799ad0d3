"""The words for what came of a question, the same for every kind of run."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What came of one question to one target."""

    PASS = "pass"  # noqa: S105
    """A right answer."""
    FAIL = "fail"
    """Another answer, whether it was expected of this target or not."""
    UNDECIDED = "undecided"
    """Another answer, but talk that has nothing to do with the question came in between, so that the two cannot be
    told apart; never of a service of the lab."""
    UNSUPPORTED = "unsupported"
    """The target does not have what is asked about, and need not."""
    LIMIT = "limit"
    """The message would be over the limit that the target declares, so it was not sent."""
    ERROR = "error"
    """The question could not be put: no connection, for one."""


class Standing(StrEnum):
    """How an answer compares with what the catalog says of the target."""

    PASS = "pass"  # noqa: S105
    """Right, and by the stack itself."""
    MENDED = "mended"
    """Right, because the service mends what the stack gets wrong."""
    KNOWN = "known"
    """Wrong, as a known deviation says."""
    UNDECIDED = "undecided"
    """It cannot be told from talk that has nothing to do with the question."""
    UNSUPPORTED = "unsupported"
    """The target does not have what is asked about, and need not."""
    LIMIT = "limit"
    """The message would be over the limit that the target declares, so it was not sent."""
    SURPRISE = "surprise"
    """Not what the catalog says: better or worse."""
    ERROR = "error"
    """The question could not be put."""


#: How each is shown in a table: a mark, and rich's style for it.
MARKS: dict[Standing, tuple[str, str]] = {
    Standing.PASS: ("✓", "green"),
    Standing.MENDED: ("◐", "green"),
    Standing.KNOWN: ("≈", "yellow"),
    Standing.UNDECIDED: ("?", "yellow"),
    Standing.LIMIT: ("▲", "dim"),
    Standing.UNSUPPORTED: ("–", "dim"),
    Standing.SURPRISE: ("✗", "bold red"),
    Standing.ERROR: ("!", "bold red"),
}

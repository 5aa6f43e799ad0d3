"""The JSON report of the Autobahn Testsuite, in its own words: `index.json`, and a file for each case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

#: What the report calls the one target of a run.
AGENT = "target"


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    """A case in `index.json`."""

    behavior: str
    behavior_close: str
    remote_close_code: int | None
    duration: int
    reportfile: str


class CaseReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the suite reports of one case."""

    behavior: str
    """How the messages went: `OK`, `NON-STRICT`, `INFORMATIONAL`, `UNIMPLEMENTED` or `FAILED`."""
    behavior_close: str
    """How the connection ended: `OK`, `INFORMATIONAL`, `FAILED BY CLIENT`, `WRONG CODE`, `UNCLEAN` or `FAILED`."""
    remote_close_code: int | None = None
    """The code of the target's close frame."""
    duration: int = 0
    """Milliseconds."""
    description: str = ""
    """What the case does, in HTML."""
    expectation: str = ""
    """What it expects, in HTML."""
    result: str = ""
    result_close: str = ""
    dropped_by_me: bool = False
    """Whether the suite ended the TCP connection, and not the target."""
    wirelog: list[list[Any]] = []
    """What was sent and received; see frames()."""


def read(folder: Path) -> dict[str, CaseReport]:
    """The cases that a report in that folder tells of, by id; none where there is no report."""
    try:
        index = msgspec.json.decode((folder / "index.json").read_bytes(), type=dict[str, dict[str, _Entry]])
    except (OSError, msgspec.MsgspecError):
        return {}
    return {case: _read(folder, entry) for case, entry in index.get(AGENT, {}).items()}


def _read(folder: Path, entry: _Entry) -> CaseReport:
    """A case's own file, or what the index says where the suite could not write that file."""
    try:
        return msgspec.json.decode((folder / entry.reportfile).read_bytes(), type=CaseReport)
    except (OSError, msgspec.MsgspecError):
        return CaseReport(
            behavior=entry.behavior,
            behavior_close=entry.behavior_close,
            remote_close_code=entry.remote_close_code,
            duration=entry.duration,
        )


_OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}


def frames(report: CaseReport) -> list[str]:
    """The wire log, a line for each frame and each wait.

    The rows of a wire log begin with what they are: TF and RF a frame sent or received, CT, KL and TI a wait before
    the next step, before the suite fails the connection, before it closes it; the others say what the lines before
    them imply, or are the octets of these frames.
    """
    lines = []
    for row in report.wirelog:
        match row:
            case ["TF", [length, payload], opcode, fin, rsv, *_]:
                lines.append(_frame("→", opcode, fin, rsv, length, payload))
            case ["RF", [length, payload], opcode, fin, rsv, *_]:
                lines.append(_frame("←", opcode, fin, rsv, length, payload))
            case ["CT", seconds, *_]:
                lines.append(f"· wait {seconds} s")
            case ["KL" | "TI", seconds]:
                lines.append(f"· end the connection in {seconds} s, if it has not ended by then")
            case ["KLE" | "TIE"]:
                lines.append("· that time is over")
            case ["WLM", False]:
                lines.append("· the frames that follow are not recorded")
    return [*lines, f"· the {'suite' if report.dropped_by_me else 'target'} ended the TCP connection"]


def _frame(arrow: str, opcode: int, fin: bool, rsv: int, length: int, payload: str) -> str:
    what = _OPCODES.get(opcode, f"opcode 0x{opcode:X}")
    marks = "" if fin else ", more to come"
    marks += f", reserved bits {rsv}" if rsv else ""
    return f"{arrow} {what}, {length:,} bytes{marks}   {payload}".rstrip()

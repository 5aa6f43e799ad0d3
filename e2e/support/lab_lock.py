"""Who may use the lab at the same time: many who leave it as it is, or one who does not.

The suite runs in several processes. A lock file between them is held shared by an ordinary test, and exclusively by
one that stops services, and by the stories that do or that fill the room: what others said would be out of sight.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, LOCK_SH, flock
from pathlib import Path


class Turns:
    """Turns at the lab, between the processes that know the same folder."""

    def __init__(self, folder: Path) -> None:
        self._gate = folder / "gate.lock"
        self._lab = folder / "lab.lock"
        self._mine = ""

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Use the lab beside others who do."""
        with self._turn("shared"), ExitStack() as turn:
            with _held(self._gate, LOCK_SH):
                turn.enter_context(_held(self._lab, LOCK_SH))
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the lab to oneself. Who waits for that lets nobody new in, so that it comes."""
        with self._turn("alone"), _held(self._gate, LOCK_EX), _held(self._lab, LOCK_EX):
            yield

    @contextmanager
    def _turn(self, kind: str) -> Iterator[None]:
        if self._mine:  # it would wait for itself for ever
            raise RuntimeError(f"a turn at the lab was to begin ({kind}) within another ({self._mine})")
        self._mine = kind
        try:
            yield
        finally:
            self._mine = ""


@contextmanager
def _held(file: Path, kind: int) -> Iterator[None]:
    with file.open("w") as handle:
        flock(handle, kind)
        yield

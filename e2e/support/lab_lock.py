"""A lock on the lab between the processes of pytest-xdist: many tests that leave the lab as it is hold it together, and
a test that disturbs the lab holds it alone.

An ordinary test holds the lock shared. A test that stops services holds it exclusively, and so does a story, because a
story either stops services or fills the room until what other tests said is out of sight.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, LOCK_SH, flock
from pathlib import Path


class LabLock:
    """A lock shared by all processes that create it with the same folder."""

    def __init__(self, folder: Path) -> None:
        self._gate = folder / "gate.lock"
        self._lab = folder / "lab.lock"
        self._held = ""

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Use the lab together with other holders. Raises RuntimeError where this process already holds the lock."""
        with self._holding("shared"), ExitStack() as hold:
            with _locked(self._gate, LOCK_SH):
                hold.enter_context(_locked(self._lab, LOCK_SH))
            yield

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Have the lab alone. The gate keeps new holders out while this waits for the old ones to finish.

        Raises RuntimeError where this process already holds the lock.
        """
        with self._holding("exclusive"), _locked(self._gate, LOCK_EX), _locked(self._lab, LOCK_EX):
            yield

    @contextmanager
    def _holding(self, kind: str) -> Iterator[None]:
        if self._held:  # it would wait for itself for ever
            raise RuntimeError(f"the lab lock was asked for ({kind}) by a process that already holds it ({self._held})")
        self._held = kind
        try:
            yield
        finally:
            self._held = ""


@contextmanager
def _locked(file: Path, kind: int) -> Iterator[None]:
    with file.open("w") as handle:
        flock(handle, kind)
        yield

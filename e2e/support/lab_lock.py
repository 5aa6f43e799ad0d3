"""Locks on the lab between the processes of pytest-xdist: many tests that leave the lab as it is hold it together, and
a test that disturbs the lab holds it alone.

An ordinary test holds both the lab and its chat room shared. A test that stops services holds the lab exclusively, and
so does a story that does. A story that fills the room until what other tests said is out of sight, or needs silence
in it, holds the room exclusively: whoever never enters the room goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from fcntl import LOCK_EX, LOCK_SH, flock
from pathlib import Path


class LabLock:
    """A lock shared by all processes that create it with the same folder."""

    def __init__(self, folder: Path) -> None:
        self._lab = _Lock(folder / "lab")
        self._room = _Lock(folder / "room")
        self._held = ""

    @contextmanager
    def shared(self, *, outside: bool = False) -> Iterator[None]:
        """Use the lab together with other holders, and its room unless one stays `outside` of it. Raises RuntimeError
        where this process already holds the lock."""
        with self._holding("shared"), self._lab.shared(), nullcontext() if outside else self._room.shared():
            yield

    @contextmanager
    def room(self) -> Iterator[None]:
        """Have the room alone, and use the rest of the lab together with others.

        Raises RuntimeError where this process already holds the lock.
        """
        with self._holding("room"), self._lab.shared(), self._room.exclusive():
            yield

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Have the lab alone. Raises RuntimeError where this process already holds the lock."""
        with self._holding("exclusive"), self._lab.exclusive():
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


class _Lock:
    """A lock with a gate before it, which keeps new holders out while somebody who wants it alone waits for the old
    ones to finish."""

    def __init__(self, name: Path) -> None:
        self._gate = name.with_suffix(".gate")
        self._file = name.with_suffix(".lock")

    @contextmanager
    def shared(self) -> Iterator[None]:
        with ExitStack() as hold:
            with _locked(self._gate, LOCK_SH):
                hold.enter_context(_locked(self._file, LOCK_SH))
            yield

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with _locked(self._gate, LOCK_EX), _locked(self._file, LOCK_EX):
            yield


@contextmanager
def _locked(file: Path, kind: int) -> Iterator[None]:
    with file.open("w") as handle:
        flock(handle, kind)
        yield

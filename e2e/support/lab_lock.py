"""Locks on the lab between the processes of pytest-xdist: many tests that leave the lab as it is hold it together, and
a test that disturbs the lab holds it alone.

The chat room has a lock of its own. A story that fills the room until what other tests said is out of sight, or needs
silence in it, or stops Redis, holds the room alone: whoever never enters the room goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from fcntl import LOCK_EX, LOCK_SH, flock
from pathlib import Path


class Use(Enum):
    """What a test uses of the lab. Of two members, the second leaves less to others."""

    NOTHING = "no service, and not the room"
    LAB = "services, and never the room"
    ROOM = "services, and the room together with others"
    ROOM_ALONE = "services, and the room alone"
    LAB_ALONE = "the lab alone"

    @property
    def alone(self) -> bool:
        """Whether others have to wait."""
        return self in (Use.ROOM_ALONE, Use.LAB_ALONE)


class LabLock:
    """A lock shared by all processes that create it with the same folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lab = _Lock(folder / "lab")
        self._room = _Lock(folder / "room")
        self._held = ExitStack()
        self._use = Use.NOTHING

    def hold(self, use: Use) -> None:
        """Hold what this use takes. Nothing is done where it is held already."""
        if use is self._use:
            return
        self.release()
        with ExitStack() as taken:
            if use is not Use.NOTHING:
                taken.enter_context(self._lab.held(alone=use is Use.LAB_ALONE))
            if use in (Use.ROOM, Use.ROOM_ALONE):
                taken.enter_context(self._room.held(alone=use is Use.ROOM_ALONE))
            self._held = taken.pop_all()
        self._use = use

    def release(self) -> None:
        """Let go of what is held."""
        self._held.close()
        self._use = Use.NOTHING


class _Lock:
    """A lock with a gate before it, which keeps new holders out while somebody who wants it alone waits for the old
    ones to finish."""

    def __init__(self, name: Path) -> None:
        self._gate = name.with_suffix(".gate")
        self._file = name.with_suffix(".lock")

    @contextmanager
    def held(self, *, alone: bool) -> Iterator[None]:
        with ExitStack() as hold:
            with _locked(self._gate, LOCK_EX if alone else LOCK_SH):
                hold.enter_context(_locked(self._file, LOCK_EX if alone else LOCK_SH))
            yield


@contextmanager
def _locked(file: Path, kind: int) -> Iterator[None]:
    with file.open("w") as handle:
        flock(handle, kind)
        yield

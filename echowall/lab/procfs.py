"""What Linux's /proc tells of processes: which there are, and their memory and CPU time, descendants included."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


class UnknownError(Exception):
    """It cannot be measured here, or may not be seen. The message says why."""


def family(pid: int) -> list[int]:
    """The process and all its descendants. Raises UnknownError where there is no /proc.

    Linux tells the children of a process where it was built to (CONFIG_PROC_CHILDREN), as that of all distributions
    is. Elsewhere all processes of the machine are asked for their parents, which takes hundreds of times as long.
    """
    if not (_PROC / "self" / "stat").exists():
        raise UnknownError("processes can be measured on Linux only")
    children = _children if (_PROC / "thread-self" / "children").exists() else _by_parent().get
    found = [pid]
    for parent in found:  # grows on the way
        found += children(parent) or []
    return found


def _children(pid: int) -> list[int]:
    """The children of a process, whichever of its threads has started them; none where there is no such process.

    One may be left out while another ends, says proc(5).
    """
    found: list[int] = []
    with suppress(OSError):
        for thread in (_PROC / str(pid) / "task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def _by_parent() -> dict[int, list[int]]:
    """The children of each process that has some."""
    found: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and (fields := stat(int(entry.name))):
            found.setdefault(int(fields[1]), []).append(int(entry.name))
    return found


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; none where there is no such process."""
    with suppress(OSError):
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return []


def runs(pid: int) -> bool:
    """Whether there is such a process, and it has not ended; for that it needs no /proc."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return stat(pid)[:1] not in (["Z"], ["X"])


def orphaned(session: int) -> list[int]:
    """The processes of a session whose leader has ended; none while the leader lives, or where there is no /proc.

    As long as one of them lives, no other process gets the leader's pid: it is still the session's.
    """
    found = {
        int(entry.name): fields
        for entry in _PROC.glob("[0-9]*")
        if (fields := stat(int(entry.name))) and int(fields[3]) == session and fields[0] not in "ZX"
    }
    return [] if session in found else sorted(found)


def folder(pid: int) -> Path | None:
    """The working directory of a process; None where it has ended, or may not be seen."""
    with suppress(OSError):
        return (_PROC / str(pid) / "cwd").readlink()
    return None


def ticks(pids: Iterable[int]) -> float:
    """CPU time that these processes have used so far, in seconds, to a hundredth."""
    return sum((int(fields[11]) + int(fields[12])) / _TICKS for pid in pids if (fields := stat(pid)))


def nanoseconds(pid: int) -> int:
    """CPU time that one process has used so far, threads that have ended included; 0 where there is no such process.

    A process has a clock of its own, whose id is made of its pid: see clock_getcpuclockid(3).
    """
    with suppress(OSError):
        return time.clock_gettime_ns((~pid << 3) | 2)
    return 0


def proportional_set_size(pids: Iterable[int]) -> int | None:
    """The memory of these processes in bytes, in which a page that several share counts in part for each; None where it
    may not be seen.
    """
    total = 0
    for pid in pids:
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError:
            return None
        total += next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    return total or None


def descriptors(pids: Iterable[int]) -> int | None:
    """How many descriptors these processes have open together; None where that may not be seen."""
    total = 0
    for pid in pids:
        try:
            total += len(list((_PROC / str(pid) / "fd").iterdir()))
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError:
            return None
    return total or None


def open_files(pid: int) -> int | None:
    """How many files that process may have open; None where that is not told, or there is no limit."""
    with suppress(OSError):
        lines = (_PROC / str(pid) / "limits").read_text().splitlines()
        found = next((line.split()[3] for line in lines if line.startswith("Max open files ")), "")
        return int(found) if found.isdecimal() else None
    return None


def keep_to(pids: Iterable[int], cores: Iterable[int]) -> bool:
    """Keep all threads of these processes, and what they start, to these CPUs; says whether that could be done."""
    done = False
    for pid in pids:
        with suppress(FileNotFoundError):
            for task in (_PROC / str(pid) / "task").iterdir():
                try:
                    os.sched_setaffinity(int(task.name), cores)
                    done = True
                except ProcessLookupError:
                    continue
                except OSError:
                    return False
    return done

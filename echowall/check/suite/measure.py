"""What a service's processes cost, read from Linux's /proc: memory, CPU time and sockets."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from echowall.check.registry import UnsupportedError
from echowall.lab import procfs

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    try:
        return procfs.family(pid)
    except procfs.UnknownError as error:
        raise UnsupportedError(str(error)) from None


def running(pid: int) -> bool:
    """Whether the process runs. One that ended and that its parent has not waited for does not."""
    fields = procfs.stat(pid)
    return bool(fields) and fields[0] != "Z"


@contextmanager
def held(pid: int) -> Iterator[None]:
    """The process and its descendants do nothing meanwhile. Raises UnsupportedError where they may not be stopped."""
    stopped = []
    try:
        for one in family(pid):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGSTOP)
                stopped.append(one)
        yield
    except PermissionError:
        raise UnsupportedError("the service may not be signalled; it takes its user, or root") from None
    finally:
        for one in stopped:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


def memory(pid: int) -> int:
    """Resident memory of the process and its descendants, in bytes."""
    return sum(int(fields[21]) * _PAGE for one in family(pid) if (fields := procfs.stat(one)))


@dataclass
class Peak:
    """By how many bytes resident memory had grown at its highest; 0 until that is known."""

    grown: int = 0


@contextmanager
def peak(pid: int) -> Iterator[Peak]:
    """The most memory that the process and its descendants take meanwhile. Raises UnsupportedError where it may not be
    measured.

    The kernel keeps the highest figure of each process; a 5 in its `clear_refs` sets that back (proc(5)).
    """
    found, pids = Peak(), family(pid)
    before = memory(pid)
    try:
        for one in pids:
            with suppress(FileNotFoundError, ProcessLookupError):
                (_PROC / str(one) / "clear_refs").write_text("5")
    except OSError:
        raise UnsupportedError("the service's memory may not be measured; it takes its user, or root") from None
    yield found
    found.grown = max(0, sum(map(_highest, pids)) - before)


def _highest(pid: int) -> int:
    with suppress(OSError):
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
    return 0


def cpu(pid: int) -> float:
    """CPU time that the process and its descendants have used so far, in seconds."""
    return procfs.ticks(family(pid))


def threads(pid: int) -> int:
    """How many threads the family has."""
    return sum(int(fields[17]) for one in family(pid) if (fields := procfs.stat(one)))


def descriptors(pid: int) -> int:
    """How many files the process and its descendants have open. Raises UnsupportedError where they may not be seen."""
    count = 0
    for one in family(pid):
        try:
            count += sum(1 for _ in (_PROC / str(one) / "fd").iterdir())
        except FileNotFoundError:
            continue
        except PermissionError:
            raise UnsupportedError("the service's open files may not be seen; it takes its user or root") from None
    return count


def sockets(pid: int) -> set[str]:
    """The inodes of the sockets that the process and its descendants have open.

    Raises UnsupportedError where they may not be seen."""
    found = set()
    for one in family(pid):
        try:
            for entry in (_PROC / str(one) / "fd").iterdir():
                with suppress(FileNotFoundError):
                    kind, _, inode = str(entry.readlink()).partition(":")
                    if kind == "socket":
                        found.add(inode.strip("[]"))
        except FileNotFoundError:
            continue
        except PermissionError:
            raise UnsupportedError("the service's open files may not be seen; it takes its user or root") from None
    return found


def queued(pid: int, client_ports: Set[int]) -> int:
    """How many bytes the kernel holds of the TCP connections from those ports, unread or not received, at both ends.

    The receive buffer of one socket may take 32 MiB where an administrator allows it (tcp_rmem in tcp(7)): then a
    client has sent that much, though the server has read none of it.
    """
    found: dict[str, int] = {}
    for process in (str(pid), "self"):  # in a container, the server has a network namespace of its own
        for fields in _tcp(process):
            if client_ports & {_port(fields[1]), _port(fields[2])}:
                found[fields[9]] = sum(int(queue, 16) for queue in fields[4].split(":"))
    return sum(found.values())


def unacknowledged(pid: int, client_port: int) -> dict[str, int]:
    """How many bytes each of the process's TCP sockets towards that port has sent without a receipt, by inode."""
    sockets = [fields for fields in _tcp(str(pid)) if _port(fields[2]) == client_port]
    return {fields[9]: int(fields[4].partition(":")[0], 16) for fields in sockets}


def _tcp(process: str) -> Iterator[list[str]]:
    """The TCP sockets of the process's network namespace, as the fields of /proc/PID/net/tcp (proc_net_tcp)."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / process / "net" / table).read_text().splitlines()[1:]:
                yield line.split()


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)

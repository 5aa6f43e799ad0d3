"""What a server costs: its CPU time by the kernel's accounting, and its memory as proportional set size.

A process and its descendants have clocks of their own. A container has a control group, which counts whatever runs in
it: `cpuacct.usage` where those are of version 1, `cpu.stat` of version 2. Where they cannot be seen from here, the
engine tells.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
from contextlib import closing
from pathlib import Path

from echowall.lab import procfs

_GROUPS, _PROC = Path("/sys/fs/cgroup"), Path("/proc")
_SECOND = 1e9
_SOCKET = "/var/run/docker.sock"
#: How long the engine may take to answer, in seconds.
_PATIENCE = 10


class OfProcesses:
    """A process and its descendants. One that is started and ends between two readings is not counted."""

    def __init__(self, pid: int) -> None:
        """Raises UnknownError where processes cannot be measured."""
        self._pid = pid
        self._known = dict.fromkeys(procfs.family(pid), 0)

    def cpu(self) -> float:
        # Looking for new descendants takes longer, so that is left to memory(). Who has ended keeps what it used.
        for pid, before in self._known.items():
            self._known[pid] = max(before, procfs.nanoseconds(pid))
        return sum(self._known.values()) / _SECOND

    def memory(self) -> int | None:
        return procfs.proportional_set_size(procfs.family(self._pid))


class OfContainer:
    """A container."""

    def __init__(self, pid: int, container: str, groups: Path = _GROUPS, proc: Path = _PROC) -> None:
        """`pid` is its first process, if the engine runs on this machine; `container` is its id."""
        self._pid, self._container = pid, container
        self._counter = counter(pid, container, groups, proc)

    def cpu(self) -> float:
        """Raises UnknownError where neither the control group nor the engine tells."""
        if self._counter is None:
            return _told_by_engine(self._container)
        return read(self._counter)

    def memory(self) -> int | None:
        return None if self._counter is None else procfs.proportional_set_size(procfs.family(self._pid))


def counter(pid: int, container: str, groups: Path = _GROUPS, proc: Path = _PROC) -> Path | None:
    """The file in which the kernel counts the CPU time of that container; None where it cannot be seen from here, or
    where the process is another, since the engine is in a virtual machine.
    """
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return None
    candidates = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if container not in path:
            continue
        if "cpuacct" in controllers.split(","):
            candidates += [groups / name / path.lstrip("/") / "cpuacct.usage" for name in (controllers, "cpuacct")]
        elif not controllers:
            candidates.append(groups / path.lstrip("/") / "cpu.stat")
    return next((file for file in candidates if file.exists()), None)


def read(file: Path) -> float:
    """The CPU time in one of those files, in seconds."""
    text = file.read_text()
    if file.name == "cpuacct.usage":
        return int(text) / _SECOND
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("usage_usec ")) / 1e6


def _told_by_engine(container: str) -> float:
    try:
        with closing(_Engine("docker", timeout=_PATIENCE)) as engine:
            engine.request("GET", f"/containers/{container}/stats?stream=false&one-shot=true")
            return int(json.load(engine.getresponse())["cpu_stats"]["cpu_usage"]["total_usage"]) / _SECOND
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise procfs.UnknownError(f"the engine does not tell what container {container[:12]} uses: {error}") from None


class _Engine(http.client.HTTPConnection):
    """The engine's API, at its socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.environ.get("DOCKER_HOST", "").partition("unix://")[2] or _SOCKET)


def meter(pid: int, container: str) -> OfProcesses | OfContainer | None:
    """What measures a part of the lab; None where that cannot be measured."""
    try:
        one = OfContainer(pid, container) if container else OfProcesses(pid)
        one.cpu()
    except procfs.UnknownError:
        return None
    return one

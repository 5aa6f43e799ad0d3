"""Stop and start parts of the running lab, and look at their processes, whichever of its two ways it runs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import httpx

from e2e.support import room
from e2e.support.websocket import NoAnswerError
from echowall.catalog.catalog import ROOT, Service
from echowall.lab.containers import Containers
from echowall.lab.lab import Lab as AnyLab
from echowall.lab.processes import Processes

PATIENCE = 60
REDIS = "redis"


class Lab:
    """What `echowall stop`, `kill` and `start` do; what was stopped is put back at the end. A part is a service or
    REDIS."""

    def __init__(self, base_url: str, services: Iterable[Service]) -> None:
        self._base_url = base_url
        self._services = list(services)
        self._disturbed: set[str] = set()
        self._scaled: set[str] = set()
        processes = Processes(ROOT)
        self._lab: AnyLab = processes if processes.running() else Containers()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._scaled:
            self._scale(name, 1)
        self.start(*(self._disturbed - {REDIS}))
        self.start(*self._disturbed)  # Redis last: the rooms need their services

    def stop(self, *parts: Service | str) -> None:
        """SIGTERM, as an operator stops them; returns once they are gone."""
        self._lab.stop(*self._disturb(parts))

    def kill(self, *parts: Service | str) -> None:
        """SIGKILL: no farewell."""
        self._lab.kill("KILL", *self._disturb(parts))

    def start(self, *parts: Service | str) -> None:
        """Start them again; returns once a service answers through the proxy, and Redis in every service's room."""
        names = [_name(part) for part in parts]
        if names:
            self._lab.start(*names)
        for name in names:
            self._wait_until_up(name)
            self._disturbed.discard(name)

    def time_to_stop(self, *services: Service) -> dict[str, float]:
        """Stop them, and say how many seconds each took from SIGTERM to its end."""
        names = self._disturb(services)
        if self.in_containers:
            since = time.time()
            self._lab.stop(*names)
            return _times_to_die(since, time.time() + 1)  # the engine tells of an end a moment after it
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(self._time_to_stop, names), strict=True))

    def _time_to_stop(self, name: str) -> float:
        start = time.monotonic()
        self._lab.stop(name)
        return time.monotonic() - start

    def _disturb(self, parts: Iterable[Service | str]) -> list[str]:
        names = [_name(part) for part in parts]
        self._disturbed.update(names)
        return names

    @property
    def in_containers(self) -> bool:
        """Whether the lab runs in containers, so that a service can have replicas."""
        return isinstance(self._lab, Containers)

    def scale(self, service: Service, replicas: int) -> None:
        """Run so many containers of the service; returns once they are healthy."""
        self._scaled.add(service.name)
        self._scale(service.name, replicas)

    def kill_replica(self, service: Service) -> None:
        """SIGKILL for one of its containers."""
        _docker("kill", self._containers(service)[0])

    def processes(self, service: Service) -> dict[int, int]:
        """Its processes on this machine, each with its resident memory in bytes."""
        if self.in_containers:
            pids = [pid for container in self._containers(service) for pid in _family(container)]
        else:
            pids = _group(self._lab.endpoint(service.name).pid)
        return {pid: resident for pid in pids if (resident := resident_memory(pid))}

    def _containers(self, service: Service) -> list[str]:
        return _docker("compose", "ps", "--quiet", service.name).split()

    def _scale(self, name: str, replicas: int) -> None:
        options = ("--detach", "--no-recreate", "--no-deps", "--no-build", "--wait", "--scale", f"{name}={replicas}")
        _docker("compose", "up", *options, name)

    def _wait_until_up(self, name: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not (self._rooms_are_live() if name == REDIS else self._about(name)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} was to be up within {PATIENCE} s, and is not")
            time.sleep(0.1)

    def _about(self, name: str) -> bool:
        try:
            url = f"{self._base_url}/{name}/about"
            return httpx.get(url, timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _rooms_are_live(self) -> bool:
        try:
            for service in self._services:
                with room.enter(self._base_url, service) as visitor:
                    visitor.history()
        except NoAnswerError:
            return False
        return True


def resident_memory(pid: int) -> int:
    """What a process has in memory, in bytes; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _family(container: str) -> list[int]:
    """The container's first process and its descendants: a health check that happens to run is none of them."""
    family = [int(_docker("inspect", "--format", "{{.State.Pid}}", container))]
    pairs = [line.split() for line in _docker("top", container, "-o", "pid,ppid").splitlines()[1:]]
    for pid in family:  # which grows meanwhile
        family += [int(child) for child, parent in pairs if int(parent) == pid]
    return family


def _group(leader: int) -> list[int]:
    """A service's first process and the rest of its process group."""

    def group(pid: int) -> int:
        try:
            return os.getpgid(pid)
        except ProcessLookupError:
            return 0

    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if group(int(entry.name)) == leader]


def _times_to_die(since: float, until: float) -> dict[str, float]:
    """Seconds from the first signal to the end of each of this lab's containers that ended in that time."""
    project = _docker("compose", "ps", "--format", "{{.Project}}").split()[0]
    told = _docker(
        "events",
        *("--since", f"{since:.9f}", "--until", f"{until:.9f}"),
        *("--filter", f"label=com.docker.compose.project={project}", "--filter", "event=kill", "--filter", "event=die"),
        *("--format", '{{.Action}} {{.TimeNano}} {{index .Actor.Attributes "com.docker.compose.service"}}'),
    )
    signalled: dict[str, int] = {}
    took = {}
    for action, nanoseconds, name in map(str.split, told.splitlines()):
        if action == "kill":
            signalled.setdefault(name, int(nanoseconds))
        else:
            took[name] = (int(nanoseconds) - signalled.get(name, int(nanoseconds))) / 1e9  # 0 where it died by itself
    return took


def _name(part: Service | str) -> str:
    return part if isinstance(part, str) else part.name


def _docker(*arguments: str) -> str:
    return _run("docker", *arguments)


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed: {done.stderr or done.stdout}")
    return done.stdout

"""The operator of the running lab: stops, kills and starts parts of it, and looks at their processes."""

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
from e2e.support.dialling import trust
from e2e.support.settings import IN_CONTAINER
from e2e.support.websocket import NoAnswerError
from echowall.catalog.catalog import ROOT, Service
from echowall.lab import procfs
from echowall.lab.containers import Containers
from echowall.lab.lab import Lab, LabError
from echowall.lab.processes import Processes

#: Seconds after which a part that was started has to be up.
PATIENCE = 60
REDIS = "redis"


def running_lab() -> Lab:
    """The lab of this checkout, of whichever kind."""
    processes = Processes()
    return processes if processes.running() else Containers()


def direct(service: Service) -> str:
    """The address of the service itself, past the proxy."""
    if IN_CONTAINER:
        return f"http://{service.name}:8000"
    endpoint = running_lab().endpoint(service.name)
    return f"http://{endpoint.host}:{endpoint.port}"


class Operator:
    """Does what `echowall stop`, `kill` and `start` do, in containers and with processes alike. A part of the lab is a
    service or REDIS. What was stopped is started again at the end of the block."""

    def __init__(self, base_url: str, services: Iterable[Service]) -> None:
        self._base_url = base_url
        self._services = list(services)
        self._disturbed: set[str] = set()
        self._scaled: set[str] = set()
        self._lab = running_lab()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._scaled:
            self._scale(name, 1)
        self.start(*(self._disturbed - {REDIS}))
        self.start(*self._disturbed)  # Redis last: it is up when every service's room is, so the services come first

    def stop(self, *parts: Service | str) -> None:
        """Stop parts by SIGTERM, and return once they are gone."""
        self._lab.stop(*self._disturb(parts))

    def kill(self, *parts: Service | str) -> None:
        """Kill parts by SIGKILL."""
        self._lab.kill("KILL", *self._disturb(parts))

    def start(self, *parts: Service | str) -> None:
        """Start parts again, and wait for each: a service until it answers through the proxy, Redis until every
        service's room is live. Raises TimeoutError after PATIENCE seconds."""
        names = [_name(part) for part in parts]
        if names:
            self._lab.start(*names)
        for name in names:
            self._wait_until_up(name)
            self._disturbed.discard(name)

    def time_to_stop(self, *services: Service) -> dict[str, float]:
        """Stop services, and give the seconds that each took from SIGTERM to its end, by name."""
        names = self._disturb(services)
        if self.in_containers:
            since = time.time()
            self._lab.stop(*names)
            project = self._compose("ps", "--format", "{{.Project}}").split()[0]
            return _times_to_die(project, since, time.time() + 1)  # the engine tells of an end a moment after it
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(self._time_to_stop, names), strict=True))

    @property
    def in_containers(self) -> bool:
        """Whether the lab runs in containers, so that a service can have replicas."""
        return isinstance(self._lab, Containers)

    def scale(self, service: Service, replicas: int) -> None:
        """Run that many containers of the service, and return once they are healthy."""
        self._scaled.add(service.name)
        self._scale(service.name, replicas)

    def kill_replica(self, service: Service) -> None:
        """Kill one of the service's containers by SIGKILL."""
        _docker("kill", self.replicas(service)[0])

    def replicas(self, service: Service) -> list[str]:
        """The service's containers, by their ids."""
        return self._compose("ps", "--quiet", service.name).split()

    def restart_replica(self, container: str) -> None:
        """Stop a container by SIGTERM and start it again, and return once it is healthy. Raises TimeoutError after
        PATIENCE seconds."""
        _docker("restart", "--time", "6", container)
        deadline = time.monotonic() + PATIENCE
        while _docker("inspect", "--format", "{{.State.Health.Status}}", container).strip() != "healthy":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{container} is not healthy {PATIENCE} s after it was started anew")
            time.sleep(0.1)

    def reload_proxy(self) -> None:
        """Have nginx read its configuration anew, and return once it has workers that do. Raises TimeoutError after
        PATIENCE seconds."""
        master = self._lab.part("proxy").pid
        before = set(procfs.family(master))
        self._lab.kill("HUP", "proxy")
        deadline = time.monotonic() + PATIENCE
        while not set(procfs.family(master)) - before:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nginx has no new worker {PATIENCE} s after SIGHUP")
            time.sleep(0.1)

    def processes(self, service: Service) -> dict[int, int]:
        """The service's processes on this machine, by pid, each with its resident memory in bytes; empty where the
        service does not run. In a container the health check is not one of them: the engine starts it."""
        try:
            family = procfs.family(self._lab.endpoint(service.name).pid)
        except LabError:
            return {}
        return {pid: resident for pid in family if (resident := resident_memory(pid))}

    def _time_to_stop(self, name: str) -> float:
        start = time.monotonic()
        self._lab.stop(name)
        return time.monotonic() - start

    def _disturb(self, parts: Iterable[Service | str]) -> list[str]:
        names = [_name(part) for part in parts]
        self._disturbed.update(names)
        return names

    def _scale(self, name: str, replicas: int) -> None:
        options = ("--detach", "--no-recreate", "--no-deps", "--no-build", "--wait", "--scale", f"{name}={replicas}")
        self._compose("up", *options, name)

    def _compose(self, *arguments: str) -> str:
        assert isinstance(self._lab, Containers), "only containers have replicas"
        return self._lab.compose(*arguments)

    def _wait_until_up(self, name: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not (self._rooms_are_live() if name == REDIS else self._answers(name)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} is not up {PATIENCE} s after it was started; `make logs` shows its log")
            time.sleep(0.1)

    def _answers(self, name: str) -> bool:
        about = f"{self._base_url}/{name}/about"
        try:
            return httpx.get(about, timeout=5, trust_env=False, verify=trust()).status_code == 200
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
    """The memory that a process has resident, in bytes; 0 where the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _times_to_die(project: str, since: float, until: float) -> dict[str, float]:
    """The seconds from its first signal to its end, for each container that ended in that time, by service."""
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
    command = ("docker", *arguments)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed: {done.stderr or done.stdout}")
    return done.stdout

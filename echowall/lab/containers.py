"""The lab in containers: a thin hand on `docker compose`."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from echowall.catalog.catalog import ROOT, Service
from echowall.lab import state
from echowall.lab.lab import Endpoint, LabError, address, url
from echowall.lab.state import Listener

#: Where a service listens in its container, and nginx in its own.
_PORT, _PROXY_PORT = 8000, 8080


class Containers:
    """The lab of docker-compose.yml; see echowall.lab.lab.Lab."""

    kind = "containers"

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def available(self) -> bool:
        """Whether a Docker Engine with Compose 2 answers."""
        if not shutil.which("docker"):
            return False
        engine = self._run("docker", "info", check=False)
        return engine.returncode == 0 and self._run("docker", "compose", "version", check=False).returncode == 0

    @property
    def project(self) -> str | None:
        """The Compose project of the containers that were started from this checkout; None where there are none.

        It need not be the one that `up` would choose: `docker compose up` may have been told another.
        """
        return next(iter(self._projects()), None)

    def running(self) -> bool:
        return self.project is not None

    def up(self, services: list[Service], chosen: list[Service]) -> None:
        """Build what changed of those chosen of all services, and start them; the build's output goes to the terminal.

        Raises LabError where that fails for the whole lab.
        """
        project = self.project or self._own_project()
        parts = ["redis", "proxy", *(service.name for service in chosen)]
        if self._show(project, "up", "--detach", "--build", *parts):
            raise LabError("`docker compose up` failed; it says why above (is the port taken? set ECHOWALL_PORT)")
        listeners = {service.name: Listener(host=service.name, port=_PORT) for service in services}
        state.write(self._root, state.now("containers", address(), None, listeners))

    def down(self) -> None:
        for project in self._projects():
            self._compose_of(project, "--profile", "*", "down", "--remove-orphans", "--timeout", "6")
        state.remove(self._root)

    def base_url(self) -> str:
        """Asked of the engine: `docker compose up` may have started the lab, and that writes no .echowall/lab.json."""
        bind, _, port = self.compose("port", "proxy", str(_PROXY_PORT)).strip().rpartition(":")
        return url(bind.strip("[]"), int(port))

    def start(self, *names: str) -> None:
        self.compose("up", "--detach", "--no-deps", "--no-build", *names)

    def stop(self, *names: str) -> None:
        self.compose("stop", *names)

    def kill(self, signal: str, *names: str) -> None:
        self.compose("kill", "--signal", signal, *names)

    def dead(self, name: str) -> bool:
        with suppress(LabError, ValueError):
            listed = self.compose("ps", "--all", "--format", "json", name).splitlines()
            return any(
                container["State"] in ("exited", "dead", "restarting") or container["Health"] == "unhealthy"
                for container in map(json.loads, listed)
            )
        return False

    def endpoint(self, name: str) -> Endpoint:
        identifiers = self.compose("ps", "--quiet", name).split()
        if not identifiers:
            raise LabError(f"{name} does not run; `echowall start {name}` starts it")
        facts = json.loads(self._run("docker", "inspect", identifiers[0]).stdout)[0]
        host = next(iter(facts["NetworkSettings"]["Networks"].values()))["IPAddress"]
        endpoint = Endpoint(host, _PORT, facts["State"]["Pid"])
        try:
            socket.create_connection(endpoint[:2], timeout=2).close()
        except OSError as error:
            raise LabError(
                f"{name} cannot be reached at {host} port {_PORT} from this machine ({error}); "
                "where the engine is in a virtual machine, only --via proxy works"
            ) from None
        return endpoint

    def log(self, name: str, lines: int) -> str:
        return self.compose("logs", "--no-color", "--no-log-prefix", "--tail", str(lines), name)

    def follow(self) -> None:
        with suppress(KeyboardInterrupt):
            self._show(self._known_project(), "logs", "--follow", "--tail", "20")

    def compose(self, *arguments: str) -> str:
        """What `docker compose` prints about this lab. Raises LabError with its complaint, or where no lab is there."""
        return self._compose_of(self._known_project(), *arguments)

    def _compose_of(self, project: str, *arguments: str) -> str:
        return self._run("docker", "compose", "--ansi", "never", "--project-name", project, *arguments).stdout

    def _show(self, project: str, *arguments: str) -> int:
        """Let `docker compose` speak to the terminal itself; gives its exit status."""
        command = ["docker", "compose", "--project-name", project, *arguments]
        return subprocess.run(command, cwd=self._root, env=self._environment(), check=False).returncode

    def _known_project(self) -> str:
        if project := self.project:
            return project
        raise LabError("no container of this checkout's lab is there; start it with `make up`")

    def _own_project(self) -> str:
        """The project that Compose names after this checkout's path. Raises LabError where another checkout has it."""
        name: str = json.loads(self._run("docker", "compose", "config", "--format", "json").stdout)["name"]
        for folder, project in self._containers():
            if project == name:  # and it is not of this checkout, or it would have been found
                raise LabError(
                    f"the Compose project {name} is that of the lab in {folder}; "
                    f"choose another name, as in `make up COMPOSE_PROJECT_NAME={name}-2`"
                )
        return name

    def _projects(self) -> list[str]:
        """The projects of this checkout's containers, the newest first. Who names them by hand may have several."""
        own = [project for folder, project in self._containers() if Path(folder).resolve() == self._root.resolve()]
        return list(dict.fromkeys(own))

    def _containers(self) -> list[tuple[str, str]]:
        """For every container that Compose has made on this engine: the folder and the project, the newest first.

        None where no engine answers.
        """
        if not shutil.which("docker"):
            return []
        labels = '{{.Label "com.docker.compose.project.working_dir"}}\t{{.Label "com.docker.compose.project"}}'
        listed = self._run("docker", "ps", "--all", "--format", labels, check=False).stdout
        pairs = (line.partition("\t") for line in listed.splitlines())
        return [(folder, project) for folder, _, project in pairs if folder]

    def _environment(self) -> dict[str, str]:
        # PWD is what docker-compose.yml names the project by. A shell sets it; running a command in a folder does not.
        return os.environ | {"PWD": str(self._root)}

    def _run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self._root, env=self._environment(), capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise LabError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
        return done

"""The lab in containers: a thin hand on `docker compose`."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from contextlib import suppress

from echowall.catalog.catalog import ROOT, Service
from echowall.lab import state
from echowall.lab.lab import Endpoint, LabError, address, url
from echowall.lab.state import Listener

#: Where a service listens in its container, and nginx in its own.
_PORT, _PROXY_PORT = 8000, 8080


class Containers:
    """The lab of docker-compose.yml; see echowall.lab.lab.Lab."""

    kind = "containers"

    def available(self) -> bool:
        """Whether a Docker Engine with Compose 2 answers."""
        if not shutil.which("docker"):
            return False
        engine = _run("docker", "info", check=False)
        return engine.returncode == 0 and _run("docker", "compose", "version", check=False).returncode == 0

    def running(self) -> bool:
        return self.available() and bool(_compose("ps", "--all", "--quiet").strip())

    def up(self, services: list[Service], chosen: list[Service]) -> None:
        """Build what changed of those chosen of all services, and start them; the build's output goes to the terminal.

        Raises LabError where that fails for the whole lab.
        """
        listeners = {service.name: Listener(host=service.name, port=_PORT) for service in services}
        state.write(ROOT, state.now("containers", address(), None, listeners))
        names = [service.name for service in chosen]
        command = ["docker", "compose", "up", "--detach", "--build", "redis", "proxy", *names]
        done = subprocess.run(command, cwd=ROOT, check=False)
        if done.returncode:
            raise LabError("`docker compose up` failed; it says why above (is the port taken? set ECHOWALL_PORT)")

    def down(self) -> None:
        _compose("--profile", "*", "down", "--remove-orphans", "--timeout", "6")
        state.remove(ROOT)

    def base_url(self) -> str:
        """Asked of the engine: `docker compose up` may have started the lab, and that writes no .echowall/lab.json."""
        bind, _, port = _compose("port", "proxy", str(_PROXY_PORT)).strip().rpartition(":")
        return url(bind.strip("[]"), int(port))

    def start(self, *names: str) -> None:
        _compose("up", "--detach", "--no-deps", "--no-build", *names)

    def stop(self, *names: str) -> None:
        _compose("stop", *names)

    def kill(self, signal: str, *names: str) -> None:
        _compose("kill", "--signal", signal, *names)

    def dead(self, name: str) -> bool:
        with suppress(LabError, ValueError):
            listed = _compose("ps", "--all", "--format", "json", name).splitlines()
            return any(
                container["State"] in ("exited", "dead", "restarting") or container["Health"] == "unhealthy"
                for container in map(json.loads, listed)
            )
        return False

    def endpoint(self, name: str) -> Endpoint:
        identifiers = _compose("ps", "--quiet", name).split()
        if not identifiers:
            raise LabError(f"{name} does not run; `echowall start {name}` starts it")
        facts = json.loads(_run("docker", "inspect", identifiers[0]).stdout)[0]
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
        return _compose("logs", "--no-color", "--no-log-prefix", "--tail", str(lines), name)

    def follow(self) -> None:
        with suppress(KeyboardInterrupt):
            subprocess.run(["docker", "compose", "logs", "--follow", "--tail", "20"], cwd=ROOT, check=False)


def _compose(*arguments: str) -> str:
    return _run("docker", "compose", "--ansi", "never", *arguments).stdout


def _run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise LabError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done

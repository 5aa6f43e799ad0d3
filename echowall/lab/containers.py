"""The lab in containers, run by `docker compose`."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

from echowall.catalog import compose
from echowall.catalog.catalog import ROOT, Service
from echowall.lab import beside, site, state, tls
from echowall.lab.lab import Endpoint, LabError, Part, Variant, address, allowed_hosts, trusted_proxies, url
from echowall.lab.state import Listener
from echowall.lab.tls import Identity

#: Where a service listens in its container, and nginx in its own.
_PORT, _PROXY_PORT = 8000, 8080

#: Where the proxy's container has the volume with a configuration that is not its image's.
_OWN = Path("/own")

#: The label of a proxy's container that says whether it speaks TLS.
_TLS = "echowall.tls"

#: The label of an instance beside the lab; its value is the name of its container.
_BESIDE = "echowall.beside"

#: The states of a container that runs, as the engine names them.
_RUNS = ("running", "paused", "restarting")


class _Container(NamedTuple):
    """A container that Compose has made."""

    identifier: str
    runs: bool
    folder: str
    """Where Compose was run."""
    project: str
    service: str
    part: bool
    """Whether it is a part of a lab. An instance beside the lab is not, nor is what `docker compose run` made."""


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
        """The Compose project of the containers that were started from this checkout; None if there are none.

        It can be another one than `up` would choose, if somebody ran `docker compose --project-name`.
        """
        return next((own.project for own in self._own() if own.part), None)

    def running(self) -> bool:
        return self.project is not None

    def engine(self) -> str:
        return f"Docker Engine {self._run('docker', 'version', '--format', '{{.Server.Version}}').stdout.strip()}"

    def up(
        self, services: list[Service], chosen: list[Service], identity: Identity | None = None, hsts: int = 0
    ) -> None:
        """Build what changed of the chosen services, and start them. The output of the build goes to the terminal.

        The proxy speaks TLS if it has an `identity`; `hsts` is then as in site.Tls. Raises LabError if Compose fails.
        """
        project = self.project or self._own_project()
        trusted, hosts = trusted_proxies(), allowed_hosts()
        environment = {}
        if identity or trusted:  # the names alone are in the image
            environment = self._configure(project, services, identity, hsts, trusted, hosts)
        if identity:
            tls.serve(self._root, identity)
        parts = ["redis", "proxy", *(service.name for service in chosen)]
        if self._show(project, "up", "--detach", "--build", *parts, environment=environment):
            raise LabError("`docker compose up` failed; it says why above (is the port taken? set ECHOWALL_PORT)")
        listeners = {service.name: Listener(host=service.name, port=_PORT) for service in services}
        started = state.now("containers", address(), None, listeners, tls=identity is not None)
        state.write(self._root, started)

    def _configure(
        self,
        project: str,
        services: list[Service],
        identity: Identity | None,
        hsts: int,
        trusted: list[str],
        hosts: list[str],
    ) -> dict[str, str]:
        """Put another configuration than its image's into the proxy's volume, with the key.

        Gives the environment with which Compose starts the proxy by it. A volume reaches any engine, and keeps the key
        from the image and from other users of this machine. Raises LabError.
        """
        if self._show(project, "build", "proxy"):
            raise LabError("`docker compose build proxy` failed; it says why above")
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder)
            if identity:
                shutil.copy(identity.certificate, made / "certificate.pem")
                shutil.copy(identity.key, made / "key.pem")
            spoken = site.Tls(Path("certificate.pem"), Path("key.pem"), hsts) if identity else None
            known = [*hosts, *(tls.hosts(identity) if identity else [])]
            site.configure_container(services, made, tls=spoken, trusted=trusted, hosts=known, root=self._root)
            contents = {file.name: file.read_bytes() for file in sorted(made.iterdir())}
        # A place of its own for each, so that Compose makes the container anew where something changed.
        place = hashlib.sha256(repr(contents).encode()).hexdigest()[:12]
        packed = _packed({f"{place}/{name}": data for name, data in contents.items()})
        unpack = f"rm -rf {_OWN}/* && tar -x -C {_OWN}"
        run = ("run", "--rm", "--no-deps", "--no-TTY", "--entrypoint", "sh", "proxy", "-c", unpack)
        self._run(*_compose(project, *run), given=packed)
        return {"ECHOWALL_NGINX_CONF": f"{_OWN / place}/nginx.conf", "ECHOWALL_TLS": "yes" if identity else "no"}

    def down(self) -> None:
        for project in {own.project for own in self._own()}:
            self._compose_of(project, "--profile", "*", "down", "--remove-orphans", "--timeout", "6")
        state.remove(self._root)

    def base_url(self) -> str:
        """The engine knows it, even if `docker compose up` started the lab, which writes no .echowall/lab.json."""
        try:
            facts = self._inspect(self._one("proxy"))
            published = facts["NetworkSettings"]["Ports"][f"{_PROXY_PORT}/tcp"][0]
            return url(published["HostIp"], int(published["HostPort"]), tls=_speaks_tls(facts))
        except (LabError, LookupError, TypeError):  # nothing is published where it has no port, or a port of null
            raise LabError("the lab's proxy does not run; `echowall start proxy` starts it") from None

    def proxy(self) -> tuple[str, int]:
        return _place(self._inspect(self._one("proxy"))).host, _PROXY_PORT

    def certificate(self) -> Path | None:
        proxies = self._inspect_each(self._running("proxy"))
        return tls.shown(self._root) if any(map(_speaks_tls, proxies)) else None

    def start(self, *names: str) -> None:
        # As they are: made anew, the proxy would be published where ECHOWALL_PORT says today.
        self.compose("up", "--detach", "--no-deps", "--no-build", "--no-recreate", *names)

    def stop(self, *names: str) -> None:
        self.compose("stop", *names)

    def kill(self, signal: str, *names: str) -> None:
        self.compose("kill", "--signal", signal, *names)

    def dead(self, name: str) -> bool:
        with suppress(LabError):
            states = [facts["State"] for facts in self._inspect_each([one.identifier for one in self._parts(name)])]
            return any(
                state["Status"] in ("exited", "dead", "restarting")
                or state.get("Health", {}).get("Status") == "unhealthy"
                for state in states
            )
        return False

    def endpoint(self, name: str) -> Endpoint:
        return self.endpoints(name)[0]

    def endpoints(self, *names: str) -> list[Endpoint]:
        running = self._running(*names) if names else []
        facts = {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in self._inspect_each(running)}
        found = []
        for name in names:
            if name not in facts:
                raise LabError(f"{name} does not run; `echowall start {name}` starts it")
            found.append(_place(facts[name]))
            if error := _refusal(found[-1]):
                raise _unreachable(name, found[-1], error)
        return found

    def part(self, name: str) -> Part:
        facts = self._inspect(self._one(name))
        return Part(facts["State"]["Pid"], facts["Id"])

    def _parts(self, *names: str) -> list[_Container]:
        """The containers of these parts of the lab, or of all, the newest first. Raises LabError if there is no lab.

        `docker compose ps` tells the same. But it reads every service's file, which takes seven times as long.
        """
        own = [one for one in self._own() if one.part]
        if not own:
            raise _no_lab()
        return [one for one in own if one.project == own[0].project and (not names or one.service in names)]

    def _running(self, *names: str) -> list[str]:
        """Those of them that run, by id."""
        return [one.identifier for one in self._parts(*names) if one.runs]

    def _one(self, name: str) -> str:
        """The container of this part, and where it has replicas the oldest. Raises LabError if it does not run."""
        if not (running := self._running(name)):
            raise LabError(f"{name} does not run; `echowall start {name}` starts it")
        return running[-1]

    @contextmanager
    def beside(self, name: str, variant: Variant) -> Iterator[Endpoint]:
        """One more service of the project, of the running one's image. The engine restarts it if it dies."""
        project, called = self._known_project(), variant.called(name)
        self.endpoint(name)  # raises if it does not run, or cannot be reached
        running = self._inspect(self._one(name))
        file = beside.folder(self._root) / f"{called}.yaml"

        def start() -> None:
            block = {
                "extends": {"file": str(self._root / compose.FILE), "service": name},
                "image": running["Config"]["Image"],
                "environment": dict(variant.environment),
                "command": ["./run", *variant.arguments],
                "labels": {_BESIDE: called},
            }
            file.write_text(yaml.safe_dump({"services": {called: block}}), "utf-8")
            files = ("--file", str(self._root / "docker-compose.yml"), "--file", str(file))
            options = ("--detach", "--no-deps", "--no-build", "--pull", "never")
            self._compose_of(project, *files, "up", *options, called)

        def find() -> Endpoint | None:
            identifiers = made()
            if not identifiers:
                raise beside.removed(name, variant)
            facts = self._inspect(identifiers[0])
            endpoint = _place(facts)
            if facts["State"]["Status"] in ("exited", "dead", "restarting"):
                log = self._run("docker", "logs", "--tail", "20", facts["Id"])
                raise beside.failed(name, variant, log.stdout + log.stderr)
            if facts["State"]["Health"]["Status"] == "healthy" and (error := _refusal(endpoint)):
                raise _unreachable(called, endpoint, error)
            return endpoint if endpoint.host else None

        def remove() -> None:
            if identifiers := made():
                self._run("docker", "rm", "--force", "--volumes", *identifiers)
            file.unlink(missing_ok=True)

        def made() -> list[str]:
            labels = (f"com.docker.compose.project={project}", f"{_BESIDE}={called}")
            filters = [word for label in labels for word in ("--filter", f"label={label}")]
            return self._run("docker", "ps", "--all", "--quiet", "--no-trunc", *filters).stdout.split()

        with beside.instance(self._root, name, variant, start=start, find=find, remove=remove) as endpoint:
            yield endpoint

    def _inspect(self, identifier: str) -> dict[str, Any]:
        """What the engine knows about a container."""
        return self._inspect_each([identifier])[0]

    def _inspect_each(self, identifiers: list[str]) -> list[dict[str, Any]]:
        facts: list[dict[str, Any]] = (
            json.loads(self._run("docker", "inspect", *identifiers).stdout) if identifiers else []
        )
        return facts

    def inspect_all(self) -> list[dict[str, Any]]:
        """What the engine knows about each container of the lab, in the words of `docker inspect`."""
        return self._inspect_each(self._running())

    def internal_networks(self) -> frozenset[str]:
        """The engine's networks from which it lets nothing out, by name."""
        listed = self._run("docker", "network", "ls", "--format", "{{.Name}}\t{{.Internal}}").stdout.splitlines()
        return frozenset(name for name, internal in (line.split("\t") for line in listed) if internal == "true")

    def log(self, name: str, lines: int) -> str:
        return self.compose("logs", "--no-color", "--no-log-prefix", "--tail", str(lines), name)

    def follow(self) -> None:
        with suppress(KeyboardInterrupt):
            self._show(self._known_project(), "logs", "--follow", "--tail", "20")

    def compose(self, *arguments: str) -> str:
        """Run `docker compose` on this lab; gives its output. Raises LabError if it fails, or if there is no lab."""
        return self._compose_of(self._known_project(), *arguments)

    def command(self, *arguments: str) -> list[str]:
        """`docker compose` with these arguments, for the project of this checkout, whether or not its lab runs.

        It has to be run in the checkout's folder, with environment().
        """
        return _compose(self.project or self._own_project(), *arguments)

    def _compose_of(self, project: str, *arguments: str) -> str:
        return self._run(*_compose(project, *arguments)).stdout

    def _show(self, project: str, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})) -> int:
        """Run `docker compose` with the terminal as its output; gives its exit status."""
        command = ["docker", "compose", "--project-name", project, *arguments]
        return subprocess.run(
            command, cwd=self._root, env={**self.environment(), **environment}, check=False
        ).returncode

    def _known_project(self) -> str:
        if project := self.project:
            return project
        raise _no_lab()

    def _own_project(self) -> str:
        """The project that Compose names after this checkout's path. Raises LabError if another checkout uses it."""
        name: str = json.loads(self._run("docker", "compose", "config", "--format", "json").stdout)["name"]
        for other in self._containers():
            if other.project == name and not self._is_own(other):
                raise LabError(
                    f"the lab in {other.folder} uses the Compose project {name}; "
                    f"choose another name, as in `make up COMPOSE_PROJECT_NAME={name}-2`"
                )
        return name

    def _own(self) -> list[_Container]:
        """This checkout's containers, the newest first. They are of several projects if somebody named them by hand."""
        return [container for container in self._containers() if self._is_own(container)]

    def _is_own(self, container: _Container) -> bool:
        return Path(container.folder).resolve() == self._root.resolve()

    def _containers(self) -> list[_Container]:
        """All containers that Compose has made on this engine, the newest first; none if no engine answers."""
        if not shutil.which("docker"):
            return []
        keys = ("project.working_dir", "project", "service", "oneoff")
        labels = (*(f"com.docker.compose.{key}" for key in keys), _BESIDE)
        wanted = "\t".join(("{{.ID}}", "{{.State}}", *(f'{{{{.Label "{label}"}}}}' for label in labels)))
        listed = self._run("docker", "ps", "--all", "--no-trunc", "--format", wanted, check=False).stdout
        rows = (line.split("\t") for line in listed.splitlines())
        return [
            _Container(identifier, state in _RUNS, folder, project, service, part=oneoff != "True" and not further)
            for identifier, state, folder, project, service, oneoff, further in rows
            if folder
        ]

    def environment(self) -> dict[str, str]:
        """The environment in which Compose is run; with it, the proxy has the configuration of its image."""
        # docker-compose.yml names the project after PWD. A shell sets it, but subprocess does not.
        return os.environ | {"PWD": str(self._root)}

    def _run(self, *command: str, check: bool = True, given: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run a command, with `given` as its standard input."""
        ran = subprocess.run(
            command,
            cwd=self._root,
            env=self.environment(),
            input=given,
            capture_output=True,
            check=False,
            start_new_session=True,  # so that Ctrl-C reaches only the tool, which may have to wait for this
        )
        done = subprocess.CompletedProcess(ran.args, ran.returncode, ran.stdout.decode(), ran.stderr.decode())
        if check and done.returncode:
            raise LabError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
        return done


def _compose(project: str, *arguments: str) -> list[str]:
    return ["docker", "compose", "--ansi", "never", "--project-name", project, *arguments]


def _packed(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of these files, which only their owner can read."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            tar.addfile(entry, io.BytesIO(data))
    return archive.getvalue()


def _no_lab() -> LabError:
    return LabError("this checkout has no lab in containers; start it with `make up`")


def _speaks_tls(proxy: dict[str, Any]) -> bool:
    return bool(proxy["Config"]["Labels"].get(_TLS) == "yes")


def _place(facts: dict[str, Any]) -> Endpoint:
    """Where the service in a container listens."""
    host = next(iter(facts["NetworkSettings"]["Networks"].values()))["IPAddress"]
    return Endpoint(host, _PORT, facts["State"]["Pid"], facts["Id"])


def _refusal(endpoint: Endpoint) -> OSError | None:
    """Why it cannot be connected to; None if it can."""
    try:
        socket.create_connection((endpoint.host, endpoint.port), timeout=2).close()
    except OSError as error:
        return error
    return None


def _unreachable(name: str, endpoint: Endpoint, error: OSError) -> LabError:
    return LabError(
        f"{name} cannot be reached at {endpoint.host} port {endpoint.port} from this machine ({error}); "
        "where the engine is in a virtual machine, only --via proxy works"
    )

"""The lab without Docker: the same services, the same nginx configuration and Redis, as processes on loopback.

Each service has its own virtual environment, made by uv, or its own packages, installed by npm. Supervisor runs in the
background and keeps the processes: it restarts what dies, as the containers' restart policy does, and stops one without
the others. Everything is under `.echowall/`, except for the npm packages: Node looks for them beside what imports them.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import resource
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from supervisor.xmlrpc import Faults

from echowall.catalog.catalog import ROOT, Service
from echowall.lab import beside, ports, procfs, site, state, system, tls
from echowall.lab.lab import Board, Endpoint, LabError, Part, Variant, address, allowed_hosts, trusted_proxies, url
from echowall.lab.state import Listener, State
from echowall.lab.tls import Identity

#: Only nginx speaks to the services.
_LOOPBACK = "127.0.0.1"

#: As in docker-compose.yml: what Redis has confirmed survives its death, and without fsync not that of the machine.
_REDIS = ("--bind", _LOOPBACK, "--appendonly", "yes", "--appendfsync", "no", "--save", "")

#: As in services/base.yaml: 10,000 sockets of a service are as many open files.
_OPEN_FILES = 20_000

#: How long the whole lab may take to stop, in seconds.
_SHUTDOWN = 30
#: What has to be free on the disk for a lab to run, in bytes.
_ROOM = 64 << 20
#: How long supervisor may take to answer once it is started, in seconds.
_STARTUP = 10
#: How long it may take to do what it is asked, in seconds: to stop all processes takes no longer than one.
_ANSWER = 60
#: How long a process may take to stop, in seconds: the contract gives a service 5 s.
_STOP = 6

#: What a call to supervisor raises if it does not run, or does not know the program.
_UNAVAILABLE = (OSError, http.client.HTTPException, xmlrpc.client.Fault)
#: How often an instance that supervisor has started again is stopped, before that is given up.
_TRIES = 10


class _Program(NamedTuple):
    """A process that supervisor keeps."""

    name: str
    command: list[str]
    folder: Path | None = None
    environment: Mapping[str, str] = MappingProxyType({})
    log: str | None = None
    """The name of its log file, if that is not the program's."""


class Processes:
    """The lab as processes of this machine; see echowall.lab.lab.Lab."""

    kind = "processes"

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._folder = root / ".echowall"
        self._pid_file = self._folder / "supervisord.pid"
        # A socket's path is at most 107 bytes, and a checkout may lie deep.
        digest = hashlib.sha256(str(root).encode()).hexdigest()[:12]
        self._socket = Path(tempfile.gettempdir()) / f"echowall-{digest}.sock"

    def up(
        self,
        services: list[Service],
        chosen: list[Service],
        board: Board,
        identity: Identity | None = None,
        hsts: int = 0,
    ) -> None:
        """Install what is missing, and start the chosen services. One that fails is `failed` on the board.

        The proxy speaks TLS if it has an `identity`; `hsts` is then as in site.Tls.

        Raises LabError, system.PackagesError or site.SiteError if the lab as a whole cannot run.
        """
        ports.require_free()
        self._folder.mkdir(exist_ok=True)
        self._require_room()
        trusted, hosts = trusted_proxies(), allowed_hosts()
        packages = system.missing(
            ["nginx", "node", "npm", "redis-server"],
            {"ca-certificates", *(package for service in chosen for package in service.system_packages)},
        )
        if packages:
            board.set("proxy", f"installing {', '.join(packages)}")
            system.install(packages)
        (self._folder / "logs").mkdir(exist_ok=True)
        # Two at a time, so that one compiles while the other downloads.
        with ThreadPoolExecutor(2) as pool:
            try:
                environments = [pool.submit(self._environment, service, board) for service in chosen]
                board.set("proxy", "building the page")
                self._site(services)
                ready = [service for service, done in zip(chosen, environments, strict=True) if done.result()]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        self._require_room()  # of which the installing has taken its part
        redis, *numbers = ports.free(_LOOPBACK, len(services) + 1)
        bind, port = address()
        listeners = {
            service.name: self._listener(service.name, number, redis)
            for service, number in zip(services, numbers, strict=True)
        }
        site.configure_nginx(
            services,
            self._folder / "lab",
            site=self._folder / "site",
            upstreams={name: f"{listener.host}:{listener.port}" for name, listener in listeners.items()},
            listen=f"[{bind}]:{port}" if ":" in bind else f"{bind}:{port}",
            tls=identity and site.Tls(identity.certificate, identity.key, hsts, site.http2_directive()),
            trusted=trusted,
            hosts=[*hosts, *(tls.hosts(identity) if identity else [])],
            root=self._root,
        )
        if identity:
            tls.serve(self._root, identity)
        started = state.now("processes", (bind, port), redis, listeners, tls=identity is not None)
        state.write(self._root, started)
        try:
            self._supervise(started, ready)
        except LabError:
            state.remove(self._root)
            raise

    def _require_room(self) -> None:
        """Raises LabError where nginx, Redis and the services would fail one by one because they cannot write."""
        free = shutil.disk_usage(self._folder).free
        if free < _ROOM:
            raise LabError(
                f"the disk is full: {free >> 20} MiB are left for {self._folder}, and the lab needs {_ROOM >> 20} "
                "for its logs and for Redis; free some, and run the command again"
            )

    def running(self) -> bool:
        with suppress(OSError, http.client.HTTPException), self._supervisor() as supervisor:
            return bool(supervisor.getState())
        return False

    def engine(self) -> str:
        return self.kind

    def down(self) -> None:
        if self.running():
            with self._supervisor() as supervisor:
                pid = supervisor.getPID()
                supervisor.shutdown()  # which stops every process first
            deadline = time.monotonic() + _SHUTDOWN
            while procfs.runs(pid):
                if time.monotonic() > deadline:
                    raise LabError(
                        f"the lab did not stop within {_SHUTDOWN} s; {self._folder}/supervisord.log says why"
                    )
                time.sleep(0.05)
        else:
            self._end_orphans()
        state.remove(self._root)

    def orphans(self) -> list[int]:
        """The pids of what still runs of a lab whose supervisor was killed."""
        if self.running():
            return []
        try:
            leader = int(self._pid_file.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        return [pid for pid in procfs.orphaned(leader) if self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        """Whether the process is in one of the folders in which supervisor starts the lab's."""
        folder = procfs.folder(pid)
        return folder is not None and any(
            folder.is_relative_to(ours) for ours in (self._folder, self._root / "services")
        )

    def _end_orphans(self) -> None:
        for signal in (SIGTERM, SIGKILL):
            for pid in self.orphans():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal)
            deadline = time.monotonic() + _STOP
            while self.orphans() and time.monotonic() < deadline:
                time.sleep(0.1)
        if left := self.orphans():
            raise LabError(
                "supervisor was killed, and these processes of the lab do not end: "
                f"{', '.join(map(str, left))}; end them, and run the command again"
            )
        self._pid_file.unlink(missing_ok=True)

    def base_url(self) -> str:
        started = self._started()
        return url(started.bind, started.port, tls=started.tls)

    def proxy(self) -> tuple[str, int]:
        where = urlsplit(self.base_url())
        return where.hostname or "", where.port or 80

    def certificate(self) -> Path | None:
        return tls.shown(self._root) if self._started().tls else None

    def start(self, *names: str) -> None:
        _at_once(lambda name: self._call("startProcess", name, True, tolerate=(Faults.ALREADY_STARTED,)), names)

    def stop(self, *names: str) -> None:
        _at_once(lambda name: self._call("stopProcess", name, True, tolerate=(Faults.NOT_RUNNING,)), names)

    def kill(self, signal: str, *names: str) -> None:
        _at_once(lambda name: self._kill(signal, name), names)

    def _kill(self, signal: str, name: str) -> None:
        if signal == "KILL":  # the whole service, as the death of a container's first process does
            with self._supervisor() as supervisor, suppress(xmlrpc.client.Fault, ProcessLookupError):
                if pid := supervisor.getProcessInfo(name)["pid"]:
                    os.killpg(pid, SIGKILL)
        else:
            self._call("signalProcess", name, signal, tolerate=(Faults.NOT_RUNNING,))

    def dead(self, name: str) -> bool:
        with suppress(*_UNAVAILABLE), self._supervisor() as supervisor:
            return supervisor.getProcessInfo(name)["statename"] in ("FATAL", "STOPPED")
        return True

    def endpoint(self, name: str) -> Endpoint:
        listener = self._started().services.get(name)
        with suppress(*_UNAVAILABLE), self._supervisor() as supervisor:
            if listener and (pid := supervisor.getProcessInfo(name)["pid"]):
                return Endpoint(listener.host, listener.port, pid)
        raise LabError(f"{name} does not run; `echowall start {name}` starts it")

    def endpoints(self, *names: str) -> list[Endpoint]:
        return [self.endpoint(name) for name in names]

    def part(self, name: str) -> Part:
        with suppress(*_UNAVAILABLE), self._supervisor() as supervisor:
            if pid := supervisor.getProcessInfo(name)["pid"]:
                return Part(pid)
        raise LabError(f"{name} does not run; `echowall start {name}` starts it")

    def _started(self) -> State:
        """What was started. Raises LabError if that is not known."""
        started = state.read(self._root)
        if started.kind != self.kind:
            raise LabError(
                f".echowall/lab.json describes a lab in {started.kind}, but processes run; "
                "run `make down` and then `make up` to start the lab anew"
            )
        return started

    @contextmanager
    def beside(self, name: str, variant: Variant) -> Iterator[Endpoint]:
        """One more program of supervisor, which restarts it if it dies, like the lab's own."""
        self.endpoint(name)  # raises if it does not run: then it may not be installed either
        services = self._started().services
        taken = {listener.port for listener in services.values()}
        port = next(port for port in ports.free(_LOOPBACK, len(taken) + 1) if port not in taken)
        folder = self._root / "services" / name
        environment = {**services[name].environment, **variant.environment, "PORT": str(port)}
        command = [str(folder / "run"), *variant.arguments]
        program = _Program(variant.called(name), command, folder, environment, log=f"{name}-{variant.name}")
        (self._folder / "logs" / f"{program.log}.log").unlink(missing_ok=True)

        def start() -> None:
            self._include(program).write_text("\n".join([*self._section(program), ""]), "utf-8")
            try:
                with self._supervisor() as supervisor:
                    supervisor.reloadConfig()
                    supervisor.addProcessGroup(program.name)
            except _UNAVAILABLE as error:
                raise LabError(f"supervisor cannot start {name} {variant.words}: {error}") from None

        def find() -> Endpoint | None:
            try:
                with self._supervisor() as supervisor:
                    process = supervisor.getProcessInfo(program.name)
            except _UNAVAILABLE:
                raise beside.removed(name, variant) from None
            if process["statename"] in ("FATAL", "STOPPED"):
                raise beside.failed(name, variant, self.log(str(program.log), 20))
            return Endpoint(_LOOPBACK, port, process["pid"]) if process["pid"] else None

        def remove() -> None:
            self._include(program).unlink(missing_ok=True)
            with suppress(OSError, http.client.HTTPException):  # the lab was stopped, and it with the lab
                for _ in range(_TRIES):
                    self._call("stopProcess", program.name, True, tolerate=(Faults.NOT_RUNNING, Faults.BAD_NAME))
                    gone = (Faults.BAD_NAME, Faults.STILL_RUNNING)
                    if self._call("removeProcessGroup", program.name, tolerate=gone) != Faults.STILL_RUNNING:
                        return
                    time.sleep(0.2)  # it had ended by itself, and supervisor has started it again meanwhile

        with beside.instance(self._root, name, variant, start=start, find=find, remove=remove) as endpoint:
            yield endpoint

    def _include(self, program: _Program) -> Path:
        """The file with the program's configuration, which supervisor's own configuration includes."""
        return beside.folder(self._root) / f"{program.name}.conf"

    def log(self, name: str, lines: int) -> str:
        file = self._folder / "logs" / f"{name}.log"
        return "\n".join(file.read_text("utf-8", "replace").splitlines()[-lines:]) if file.exists() else ""

    def follow(self) -> None:
        logs = sorted((self._folder / "logs").glob("*.log"))
        with suppress(KeyboardInterrupt):
            subprocess.run(["tail", "-n", "20", "-F", *logs], check=False)

    def _environment(self, service: Service, board: Board) -> bool:
        """Install what the service's lock file names; says whether that worked.

        Nothing is done if it was installed from the same lock file into the same folder, which its scripts name.
        """
        folder = self._root / "services" / service.name
        venv = self._folder / "venvs" / service.name
        stamp = venv / "stamp"
        if (folder / "package-lock.json").exists():  # Node looks for packages beside the file that imports them
            lock, runtime = folder / "package-lock.json", "npm"
            commands = [["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]]
        else:
            lock, runtime = folder / "requirements.txt", sys.version
            commands = [
                [*system.UV, "venv", "--clear", "--python", sys.executable, str(venv)],
                [*system.UV, "pip", "sync", "--require-hashes", "--python", str(venv / "bin/python"), str(lock)],
            ]
        try:
            wanted = hashlib.sha256(lock.read_bytes() + f"{runtime} {venv}".encode()).hexdigest()
        except OSError as error:
            return self._failed(
                service, board, f"{lock}: {error.strerror}; lock requirements.in as services/README.md says\n"
            )
        if stamp.exists() and stamp.read_text() == wanted and (runtime != "npm" or (folder / "node_modules").exists()):
            board.set(service.name, "installed")
            return True
        board.set(service.name, "installing")
        for command in commands:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                return self._failed(service, board, done.stderr)
        venv.mkdir(parents=True, exist_ok=True)
        stamp.write_text(wanted)
        board.set(service.name, "installed")
        return True

    def _failed(self, service: Service, board: Board, why: str) -> bool:
        (self._folder / "logs" / f"{service.name}.log").write_text(why)
        board.set(service.name, "failed")
        return False

    def _site(self, services: list[Service]) -> None:
        site.install_libraries(self._root)
        shutil.rmtree(self._folder / "site", ignore_errors=True)
        site.build(services, self._folder / "site", root=self._root)

    def _listener(self, name: str, port: int, redis: int) -> Listener:
        """Where a service shall listen, and what its process has in its environment beside what the tool itself has."""
        venv = self._folder / "venvs" / name
        environment = {
            "HOST": _LOOPBACK,
            "PORT": str(port),
            "REDIS_URL": f"redis://{_LOOPBACK}:{redis}/0",
            "VIRTUAL_ENV": str(venv),
            "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(self._root / "services/_room"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # else each start compiles all of a stack anew, which takes most of its time
            "PYTHONPYCACHEPREFIX": str(self._folder / "bytecode"),  # and not beside the exhibits
        }
        return Listener(host=_LOOPBACK, port=port, environment=environment)

    def _supervise(self, started: State, services: list[Service]) -> None:
        for name in ("nginx", "redis"):
            (self._folder / name).mkdir(exist_ok=True)
        # nginx's workers would give up root, but a checkout may be in a folder that only root can read.
        directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        prefix, configuration = f"{self._folder / 'nginx'}/", str(self._folder / "lab/nginx.conf")
        programs = [
            _Program("proxy", ["nginx", "-e", "stderr", "-p", prefix, "-c", configuration, "-g", directives]),
            _Program("redis", ["redis-server", *_REDIS, "--port", str(started.redis)], self._folder / "redis"),
        ]
        for service in services:
            folder = self._root / "services" / service.name
            environment = started.services[service.name].environment
            programs.append(_Program(service.name, [str(folder / "run")], folder, environment))
            (self._folder / "logs" / f"{service.name}.log").unlink(missing_ok=True)
        for stray in beside.folder(self._root).glob("*.conf"):  # of a run that was killed
            stray.unlink()
        file = self._folder / "supervisord.conf"
        file.write_text(self._configuration(programs), "utf-8")
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"supervisord did not start: {done.stderr.strip() or done.stdout.strip()}")
        deadline = time.monotonic() + _STARTUP
        while not self.running():
            if time.monotonic() > deadline:
                raise LabError(
                    f"supervisord did not start within {_STARTUP} s; {self._folder}/supervisord.log says why"
                )
            time.sleep(0.05)

    def _configuration(self, programs: list[_Program]) -> str:
        """Supervisor's configuration file."""
        lines = [
            "[supervisord]",
            f"logfile={_escape(str(self._folder / 'supervisord.log'))}",
            f"pidfile={_escape(str(self._pid_file))}",
            f"minfds={_open_files()}",
            "[unix_http_server]",
            f"file={self._socket}",
            "chmod=0700",
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
            "[include]",
            f"files={beside.folder(self._root).name}/*.conf",  # beside this file: spaces would split an absolute path
        ]
        for program in programs:
            lines += self._section(program)
        return "\n".join([*lines, ""])

    def _section(self, program: _Program) -> list[str]:
        """The section of a program in supervisor's configuration."""
        return [
            f"[program:{program.name}]",
            f"command={_escape(shlex.join(program.command))}",
            f"directory={_escape(str(program.folder or self._folder))}",
            "environment=" + _escape(",".join(f'{key}="{value}"' for key, value in program.environment.items())),
            "autorestart=true",
            "startretries=5",
            f"stopwaitsecs={_STOP}",
            "killasgroup=true",  # a server's workers go with it
            "redirect_stderr=true",
            f"stdout_logfile={_escape(str(self._folder / 'logs' / (program.log or program.name)))}.log",
            "stdout_logfile_maxbytes=2MB",
            "stdout_logfile_backups=1",
        ]

    @contextmanager
    def _supervisor(self) -> Iterator[Any]:
        """Supervisor's XML-RPC interface. A call raises OSError or HTTPException if supervisor does not run, and
        LabError if it runs and does not answer.
        """
        with xmlrpc.client.ServerProxy("http://supervisor", transport=_Transport(self._socket)) as proxy:
            try:
                yield proxy.supervisor
            except TimeoutError:
                pid = self._pid_file.read_text("utf-8").strip()
                raise LabError(
                    f"the lab's supervisor, process {pid}, has not answered for {_ANSWER} s: it hangs, or was stopped; "
                    f"end it by `kill -KILL {pid}`, and run the command again"
                ) from None

    def _call(self, method: str, name: str, *arguments: object, tolerate: tuple[int, ...]) -> int | None:
        """Have supervisor do that; gives the code of a fault that is tolerated, if that is what came of it."""
        try:
            with self._supervisor() as supervisor:
                getattr(supervisor, method)(name, *arguments)
            return None
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in tolerate:
                return fault.faultCode
            if fault.faultCode == Faults.BAD_NAME:
                raise LabError(f"{name} was not started with this lab; `make up` starts all of it") from None
            raise LabError(f"{name}: {fault.faultString}; its log is {self._folder / 'logs' / name}.log") from None


class _Transport(xmlrpc.client.Transport):
    """XML-RPC by supervisor's socket, whose every answer has to come in time."""

    def __init__(self, socket: Path) -> None:
        super().__init__()
        self._socket = socket

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        _, connection = self._connection
        if connection is None:
            connection = _Connection(self._socket)
            self._connection = host, connection  # for the next call, and so that it is closed with the proxy
        return connection


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("supervisor")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_ANSWER)
        self.sock.connect(str(self._path))


def _open_files() -> int:
    """How many files each process may have open: as many as in a container, where this machine allows that."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)


def _at_once(action: Callable[[str], object], names: Sequence[str]) -> None:
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        list(pool.map(action, names))


def _escape(value: str) -> str:
    """Keep supervisor from expanding `%(…)s` in a value."""
    return value.replace("%", "%%")

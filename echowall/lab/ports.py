"""The port of the proxy, and who listens on it if it is taken; and free ports for everything else."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from echowall.lab.lab import LabError, address

#: Free ports are looked for below Linux's ephemeral range, so that no outgoing connection takes one.
_CANDIDATES = range(20000, 32000)
_PROC = Path("/proc")
#: TCP_LISTEN, in /proc/net/tcp.
_LISTEN = "0A"


def require_free() -> None:
    """Raises LabError if nobody can listen on address(). The message says who does, and which port is free."""
    bind, port = address()
    if error := _refusal(bind, port):
        who = _holder(port)
        raise LabError(
            f"cannot listen on {bind} port {port}: {error.strerror}; {f'{who} listens there; ' if who else ''}"
            f"choose another port, as in `make up ECHOWALL_PORT={_next(bind, port)}`, "
            "or another address, by ECHOWALL_BIND"
        )


def free(bind: str, count: int) -> list[int]:
    """As many ports on which nobody listens. Raises LabError if there are not enough."""
    found: list[int] = []
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((bind, port))
            found.append(port)
        if len(found) == count:
            return found
    raise LabError(f"no {count} free ports between {_CANDIDATES.start} and {_CANDIDATES.stop} on {bind}")


def _refusal(bind: str, port: int) -> OSError | None:
    """Why nobody can listen there; None if somebody can."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((bind, port))
    except OSError as error:
        return error
    return None


def _next(bind: str, port: int) -> int:
    """A port to suggest in place of one that is taken."""
    candidates: list[int] = [*range(port + 1, min(port + 100, 65536)), *range(8081, 8181)]
    for candidate in candidates:
        if not _refusal(bind, candidate):
            return candidate
    return candidates[0]


def _holder(port: int) -> str | None:
    """Who listens there, as the subject of a sentence; None if it is not known."""
    return _container(port) or _process(port)


def _container(port: int) -> str | None:
    if not shutil.which("docker"):
        return None
    label = '{{.Label "com.docker.compose.project.working_dir"}}'
    command = ["docker", "ps", "--filter", f"publish={port}", "--format", f"{{{{.Names}}}}\t{label}"]
    for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines():
        name, _, folder = line.partition("\t")
        if folder and (Path(folder) / "nginx/nginx.conf").exists():
            return _lab(Path(folder))
        return f"the container {name}"
    return None


def _process(port: int) -> str | None:
    sockets = _listening(port)
    for folder in _PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if sockets.isdisjoint(str(entry.readlink()) for entry in (folder / "fd").iterdir()):
                continue
            there = (folder / "cwd").readlink()
            if there.name == ".echowall":  # where the lab without Docker runs nginx
                return _lab(there.parent)
            return f"the process {folder.name} ({(folder / 'comm').read_text().strip()})"
    return None


def _listening(port: int) -> set[str]:
    """The sockets that listen on the port, as /proc/PID/fd names them."""
    found = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{fields[9]}]")
    return found


def _lab(checkout: Path) -> str:
    return f"the lab of the checkout {checkout}"

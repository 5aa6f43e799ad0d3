"""What runs: `.echowall/lab.json`, written when the lab is started and removed when it is stopped."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from echowall import files
from echowall.lab.lab import LabError


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service listens behind the proxy."""

    host: str
    """An address of this machine, or the name of a container on the lab's network."""
    port: int
    environment: dict[str, str] = {}
    """What the tool sets for the process. Empty for a container: Compose sets its environment."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A lab that was started."""

    kind: Literal["processes", "containers"]
    started: datetime
    """In UTC."""
    version: str
    """The tool's."""
    bind: str
    """The address at which the proxy is published."""
    port: int
    """The port at which the proxy is published."""
    tls: bool = False
    """Whether the proxy speaks TLS there."""
    redis: int | None
    """The port of Redis on loopback. None in containers, where Redis is only on the lab's network."""
    services: dict[str, Listener]
    """All services of the catalog by name, including those that were not started."""


def now(
    kind: Literal["processes", "containers"],
    address: tuple[str, int],
    redis: int | None,
    services: dict[str, Listener],
    *,
    tls: bool,
) -> State:
    """The state of a lab that this version of the tool starts now. `address` is where the proxy is published."""
    bind, port = address
    return State(
        kind=kind,
        started=datetime.now(UTC).replace(microsecond=0),
        version=version("echowall"),
        bind=bind,
        port=port,
        tls=tls,
        redis=redis,
        services=services,
    )


def write(root: Path, state: State) -> None:
    """Write the file in the checkout `root`. Raises LabError if it cannot be written."""
    file = _file(root)
    try:
        file.parent.mkdir(exist_ok=True)
        files.replace(file, msgspec.json.format(msgspec.json.encode(state), indent=1).decode() + "\n")
    except OSError as error:
        raise LabError(f"{file}: {error.strerror}; see that the checkout can be written to") from None


def read(root: Path) -> State:
    """The state of the lab that runs in the checkout `root`.

    Raises LabError if the file is missing or cannot be read. The message names the file and the cure.
    """
    file = _file(root)
    cure = "`make up` starts the lab anew and writes the file"
    try:
        return msgspec.json.decode(file.read_bytes(), type=State)
    except FileNotFoundError:
        raise LabError(f"{file} is missing, so it is not known where the lab listens; {cure}") from None
    except OSError as error:
        raise LabError(f"{file}: {error.strerror}; {cure}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LabError(f"{file} cannot be understood ({error}); {cure}") from None


def remove(root: Path) -> None:
    """Remove the file, if it is there."""
    _file(root).unlink(missing_ok=True)


@contextmanager
def changing(root: Path, *, patience: float = 0) -> Iterator[None]:
    """Start or stop the lab of the checkout `root` while the block runs, and keep others from doing so meanwhile.

    Where somebody else does, wait so many seconds for them. Raises LabError if they are not done then.
    """
    file = root / ".echowall" / "changing.lock"
    try:
        file.parent.mkdir(exist_ok=True)
        lock = file.open("a")
    except OSError as error:
        raise LabError(f"{file}: {error.strerror}; see that the checkout can be written to") from None
    deadline = time.monotonic() + patience
    with lock:  # which is released when the tool ends, whatever ends it
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise LabError(
                        "somebody else is starting or stopping this checkout's lab; wait until they are done"
                    ) from None
            time.sleep(0.1)
        yield


def _file(root: Path) -> Path:
    return root / ".echowall" / "lab.json"

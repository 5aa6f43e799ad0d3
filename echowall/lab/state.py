"""What runs: `.echowall/lab.json`, written when the lab is started and removed when it is stopped."""

from __future__ import annotations

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
    """As the proxy calls it: an address of this machine, or the container's name on the lab's network."""
    port: int
    environment: dict[str, str] = {}
    """What the tool sets for the process; empty for a container, whose environment Compose sets."""


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
    redis: int | None
    """The port of Redis on loopback; None in containers, where only the lab's network reaches it."""
    services: dict[str, Listener]
    """Every service of the catalog, by its name, whether it was started or not."""


def now(
    kind: Literal["processes", "containers"],
    address: tuple[str, int],
    redis: int | None,
    services: dict[str, Listener],
) -> State:
    """The state of a lab that is started now, by this version of the tool, at the proxy's address and port."""
    bind, port = address
    return State(
        kind=kind,
        started=datetime.now(UTC).replace(microsecond=0),
        version=version("echowall"),
        bind=bind,
        port=port,
        redis=redis,
        services=services,
    )


def write(root: Path, state: State) -> None:
    """Write the file of the checkout `root`. Raises LabError where it cannot be written."""
    file = _file(root)
    try:
        file.parent.mkdir(exist_ok=True)
        files.replace(file, msgspec.json.format(msgspec.json.encode(state), indent=1).decode() + "\n")
    except OSError as error:
        raise LabError(f"{file}: {error.strerror}; see that the checkout can be written to") from None


def read(root: Path) -> State:
    """The state of the lab that runs in the checkout `root`.

    Raises LabError, naming the file and the cure, where the file is missing or cannot be read.
    """
    file = _file(root)
    cure = "`make up` starts the lab anew and writes the file"
    try:
        return msgspec.json.decode(file.read_bytes(), type=State)
    except FileNotFoundError:
        raise LabError(f"{file} is missing, so nothing tells where the lab listens; {cure}") from None
    except OSError as error:
        raise LabError(f"{file}: {error.strerror}; {cure}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LabError(f"{file} is not what the tool writes ({error}); {cure}") from None


def remove(root: Path) -> None:
    """Remove the file, if it is there."""
    _file(root).unlink(missing_ok=True)


def _file(root: Path) -> Path:
    return root / ".echowall" / "lab.json"

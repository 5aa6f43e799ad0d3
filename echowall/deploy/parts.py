"""The parts of the lab as Compose's files have them: what Swarm and Kubernetes run is what `docker compose up` runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from echowall.catalog import compose
from echowall.catalog.catalog import ROOT, Service

Block = dict[str, Any]
"""A service of Compose."""


class Images(NamedTuple):
    """How the images are called: PREFIX-PART:TAG."""

    prefix: str = "echowall"
    """With the registry from which the machines pull, if there is one."""
    tag: str = "latest"

    def of(self, part: str) -> str:
        return f"{self.prefix}-{part}:{self.tag}"


class Parts(NamedTuple):
    """What a lab on several machines consists of."""

    proxy: Block
    redis: Block
    stacks: dict[str, Block]
    """By the names of the services."""


def read(services: Iterable[Service], root: Path = ROOT) -> Parts:
    """These services, the proxy and Redis, with all that their blocks extend."""
    own = _blocks(root / "docker-compose.yml")
    stacks = _blocks(root / compose.FILE)
    return Parts(
        _extended(own("proxy"), root),
        _extended(own("redis"), root),
        {service.name: _extended(stacks(service.name), root / compose.FILE.parent) for service in services},
    )


def overriding_images(services: Iterable[Service], images: Images) -> str:
    """A file for Compose, to be read after docker-compose.yml, by which it builds the images under these names."""
    names = ["proxy", *(service.name for service in services)]
    return yaml.safe_dump({"services": {name: {"image": images.of(name)} for name in names}}, sort_keys=False)


def _blocks(file: Path) -> Callable[[str], Block]:
    blocks: dict[str, Block] = yaml.safe_load(file.read_text("utf-8"))["services"]
    return blocks.__getitem__


def _extended(block: Block, folder: Path, file: Path | None = None) -> Block:
    """The block with what it extends. Paths in it are from `folder`; without one, it extends a block of its `file`."""
    own = {key: value for key, value in block.items() if key != "extends"}
    if extends := block.get("extends"):
        base = folder / extends["file"] if file is None or "file" in extends else file
        merged: Block = _merged(_extended(_blocks(base)(extends["service"]), base.parent, base), own)
        return merged
    return own


def _merged(base: Any, own: Any) -> Any:
    """As Compose merges the two: mappings by key, lists one after the other, and anything else is replaced."""
    if isinstance(base, dict) and isinstance(own, dict):
        return base | {key: _merged(base[key], value) if key in base else value for key, value in own.items()}
    if isinstance(base, list) and isinstance(own, list):
        return [*base, *(item for item in own if item not in base)]
    return own

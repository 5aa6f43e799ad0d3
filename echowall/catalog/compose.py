"""services/stacks.yaml: the blocks of all services for Docker Compose, written from the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from echowall import files
from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT, Service

#: From the root of the checkout. In services/, Compose would take a compose.yaml for a whole project.
FILE = Path("services/stacks.yaml")
_HEADER = """\
# Written by `make format` from the services' folders; do not edit. docker-compose.yml includes it. What all stacks have
# in common is in base.yaml.
"""


def block(service: Service, root: Path = ROOT) -> dict[str, Any]:
    """The service's block. Compose resolves the paths in it from services/."""
    build: dict[str, Any] = {"context": service.name}
    if not (root / "services" / service.name / "package.json").exists():
        build["additional_contexts"] = {"room": "_room"}  # the room's log that every Python stack shares
    return {
        "extends": {"file": "base.yaml", "service": "stack"},
        "build": build,
        "profiles": ["all", service.era],
    }


def rendered(services: list[Service], root: Path = ROOT) -> str:
    """The text of the whole file."""
    blocks = {service.name: block(service, root) for service in services}
    return _HEADER + yaml.safe_dump({"services": blocks}, sort_keys=False, default_flow_style=None)


def write(root: Path = ROOT) -> bool:
    """Write the file if it is out of date; says whether it was.

    Raises CatalogError if the folder of a service cannot be read.
    """
    fresh, file = rendered(catalog.load(root), root), root / FILE
    if file.exists() and file.read_text("utf-8", "replace") == fresh:
        return False
    files.replace(file, fresh)
    return True

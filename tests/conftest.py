"""Shared by the tool's tests: a checkout in miniature, with services of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from echowall.catalog.catalog import ROOT

FACTS = """\
title = "A stack"
summary = "One sentence."
framework = "Framework"
server = "Server"
concurrency = "async"
era = "modern"
protocol = "websocket"
homepage = "https://example.org/"
documentation = "https://example.org/docs"
released = 2026-01-31
foreign_origin = "accepted"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the real page and proxy, and no services."""
    shutil.copytree(ROOT / "nginx", tmp_path / "nginx")
    (tmp_path / "frontend").symlink_to(ROOT / "frontend")
    (tmp_path / "services").mkdir()
    return tmp_path


@pytest.fixture
def add_service(checkout: Path) -> Callable[..., Path]:
    """Add a service folder to the checkout: its `service.toml`, and its `app.py`, which `run` starts."""

    def add(name: str, facts: str = FACTS, app: str = "") -> Path:
        folder = checkout / "services" / name
        folder.mkdir()
        (folder / "service.toml").write_text(facts)
        (folder / "echo.py").write_text("print('the echo')\n")
        (folder / "app.py").write_text(app)
        (folder / "requirements.txt").write_text("")
        (folder / "run").write_text("#!/bin/sh\nexec python app.py\n")
        (folder / "run").chmod(0o755)
        return folder

    return add

"""What the lab needs of the machine if it does not run in containers: found on PATH, or installed by apt-get."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

#: The Debian package of each command.
COMMANDS = {
    "chromium-headless-shell": "chromium-headless-shell",
    "nginx": "nginx-light",
    "node": "nodejs",
    "npm": "npm",
    "redis-server": "redis-server",
}

#: Other commands that will do.
_ALIASES = {"chromium-headless-shell": ("chromium", "chromium-browser", "google-chrome")}

#: uv without the user's own settings.
UV = (sys.executable, "-m", "uv", "--quiet", "--no-config", "--no-progress", "--system-certs")

_POLICY = Path("/usr/sbin/policy-rc.d")


class PackagesError(Exception):
    """The machine lacks something that the tool cannot install. The message has the line that installs it."""


def missing(commands: Iterable[str], packages: Iterable[str] = ()) -> list[str]:
    """The Debian packages to install, for the `commands` that are not on PATH and the `packages` that are missing."""
    lacking = {COMMANDS[command] for command in commands if not _found(command)}
    return sorted(lacking | {package for package in packages if not _installed(package)})


def install(packages: list[str]) -> None:
    """Install Debian packages, without starting the servers among them.

    Raises PackagesError with the line for the user to run if the tool cannot do it.
    """
    if not packages:
        return
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if not shutil.which("apt-get"):
        raise PackagesError(
            f"this machine lacks {', '.join(packages)} (names of Debian packages) and has no apt-get; "
            "install what your system calls them, or start a Docker Engine and run `make up`"
        )
    if os.geteuid() != 0:
        raise PackagesError(f"this machine lacks {', '.join(packages)}; run: sudo {line}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # Debian starts a server when it installs it, unless policy-rc.d forbids that (101). The lab starts its own.
    ours = not _POLICY.exists()
    if ours:
        _POLICY.write_text("#!/bin/sh\nexit 101\n")
        _POLICY.chmod(0o755)
    try:
        for command in ("apt-get update -qq", line):
            done = subprocess.run(command.split(), env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise PackagesError(f"`{command}` failed: {done.stderr.strip() or done.stdout.strip()}")
    finally:
        if ours:
            _POLICY.unlink(missing_ok=True)


def _found(command: str) -> bool:
    return any(shutil.which(name) for name in (command, *_ALIASES.get(command, ())))


def _installed(package: str) -> bool:
    if not shutil.which("dpkg-query"):
        return True  # not Debian: the build will say what is missing
    status = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return status.stdout == "installed"

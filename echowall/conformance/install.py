"""The Autobahn Testsuite on this machine: in an environment of CPython 2.7, or in a container."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from echowall.catalog.catalog import ROOT
from echowall.lab import system
from echowall.lab.containers import Containers

#: The service of docker-compose.yml.
SERVICE = "autobahn"
#: The file with the certificates to trust, in a run's folder.
CERTIFICATES = "ca.pem"
#: What an environment is made from: what makes it, and what is installed into it.
_MAKER, _SUITE = (Path(__file__).parent / "requirements" / name for name in ("maker.txt", "suite.txt"))


class SuiteError(Exception):
    """The test suite cannot be run. The message says what is missing, and what to do about it."""


class Suite(Protocol):
    """A way to run `wstest`, the command of the test suite."""

    how: str
    """In a few words, for people."""

    def command(self, folder: Path, name: str) -> list[str]:
        """The command that puts the cases of `folder/spec.json`. It writes into that folder and nowhere else.

        It trusts the certificates in `folder/ca.pem` if there is such a file, and otherwise those of its own system.
        """

    def environment(self, folder: Path) -> dict[str, str]:
        """The environment of that command."""

    def clear(self, name: str) -> None:
        """End what the command of that name left behind, after it was killed."""


class Native:
    """In an environment of CPython 2.7 in `.echowall/`."""

    def __init__(self, wstest: Path) -> None:
        self.how = "CPython 2.7"
        self._wstest = wstest

    def command(self, folder: Path, name: str) -> list[str]:
        return [str(self._wstest), "-m", "fuzzingclient", "-s", str(folder / "spec.json")]

    def environment(self, folder: Path) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        return kept | {"PYTHONUNBUFFERED": "1"} | _trust(folder)  # so that each case is told when it begins

    def clear(self, name: str) -> None:
        """It is one process, which was killed."""


class Container:
    """In a container of its own, on the network of this machine, so that it reaches what this machine reaches."""

    def __init__(self, containers: Containers) -> None:
        self.how = "a container"
        self._containers = containers

    def pull(self) -> None:
        """See that its image is there. Raises SuiteError."""
        command = self._containers.command(
            "--profile", "conformance", "pull", "--quiet", "--policy", "missing", SERVICE
        )
        done = subprocess.run(
            command, cwd=ROOT, env=self._containers.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            why = done.stderr.strip().rpartition("\n")[2]
            raise SuiteError(
                f"the Autobahn Testsuite's image cannot be pulled: {why}; see that the engine reaches a registry, or "
                "run .ci/base-images, which builds one that stands in for it"
            )

    def command(self, folder: Path, name: str) -> list[str]:
        options = ["--rm", "--no-deps", "-T", "--name", name, "--user", f"{os.getuid()}:{os.getgid()}"]
        options += [word for key, value in _trust(folder).items() for word in ("--env", f"{key}={value}")]
        mounts = ["--volume", f"{folder}:{folder}"]
        wstest = ["wstest", "-m", "fuzzingclient", "-s", str(folder / "spec.json")]
        return [*self._containers.command("--profile", "conformance", "run"), *options, *mounts, SERVICE, *wstest]

    def environment(self, folder: Path) -> dict[str, str]:
        return self._containers.environment()

    def clear(self, name: str) -> None:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False, start_new_session=True)


def _trust(folder: Path) -> dict[str, str]:
    """The variable by which OpenSSL finds the certificates to trust."""
    file = folder / CERTIFICATES
    return {"SSL_CERT_FILE": str(file)} if file.exists() else {}


def find(kind: str | None, root: Path = ROOT) -> Suite:
    """The test suite, installed if it is not yet: in a container for a lab of containers, else on this machine.

    `kind` is that of the lab; None where there is none. Raises SuiteError.
    """
    containers = Containers(root)
    if kind != containers.kind and (python := python27()):
        return Native(_installed(python, root))
    if containers.available():
        container = Container(containers)
        container.pull()
        return container
    raise SuiteError(
        "the Autobahn Testsuite needs CPython 2.7, and there is none as python2.7 on PATH or in pyenv; run "
        "`pyenv install 2.7.18`, or start a Docker Engine, where it has a container"
    )


def python27() -> Path | None:
    """A CPython 2.7 on PATH or in pyenv; None where there is none."""
    return next((candidate for candidate in _candidates() if _is_python27(candidate)), None)


def _candidates() -> Iterator[Path]:
    if found := shutil.which("python2.7"):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob("versions/2.7*/bin/python2.7"), reverse=True)


def _is_python27(python: Path) -> bool:
    """It may be pyenv's stand-in for a version that is not chosen, or PyPy."""
    question = "import platform; print(platform.python_implementation() + platform.python_version()[:3])"
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run([python, "-c", question], capture_output=True, text=True, timeout=20, check=False)
        return done.stdout.strip() == "CPython2.7"
    return False


def _installed(python: Path, root: Path) -> Path:
    """The command `wstest` of the environment, which is made where it is not there, or is not of these requirements."""
    folder = root / ".echowall" / "conformance"
    maker, suite, stamp = folder / "maker", folder / "suite", folder / "stamp"
    wanted = hashlib.sha256(_MAKER.read_bytes() + _SUITE.read_bytes() + f"{python} {folder}".encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        sys.stderr.write("Installing the Autobahn Testsuite into .echowall\n")
        folder.mkdir(parents=True, exist_ok=True)
        for command in (
            [*system.UV, "venv", "--clear", str(maker)],
            [*system.UV, "pip", "sync", "--require-hashes", "--python", str(maker / "bin/python"), str(_MAKER)],
            [str(maker / "bin/virtualenv"), "--quiet", "--clear", "--python", str(python), str(suite)],
            [str(suite / "bin/pip"), "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(_SUITE)],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                said = done.stderr.strip() or done.stdout.strip()
                raise SuiteError(f"the Autobahn Testsuite cannot be installed: {Path(command[0]).name}: {said}")
        stamp.write_text(wanted)
    return suite / "bin/wstest"

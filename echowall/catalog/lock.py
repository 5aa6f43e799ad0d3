"""Locking what each part of the repository needs, and finding which of its pins are behind. By uv and by npm."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec
from packaging.version import InvalidVersion, Version

from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT
from echowall.lab import system

#: A requirement: name, extras, and the version it is pinned to, if it is.
REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(?P<extras>\[[\w,. -]+\])?(?:==(?P<version>[^\s;,]+))?", re.M)
_COMPILE = (*system.UV, "pip", "compile")
_UNIVERSAL = ("--universal", "--python-version", "3.11")
#: The options of every lock of Python packages, which its first lines name.
_OPTIONS = (*_UNIVERSAL, "--generate-hashes")


class LockError(Exception):
    """Something that cannot be resolved: says what, in the tool's own words."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the repository that has requirements of its own."""

    name: str
    """A service's, or `tool`, `tests`, `page` or `template`."""
    folder: Path
    sources: tuple[str, ...]
    """What is written by hand."""
    locked: str | None
    """What is made from it."""

    @property
    def javascript(self) -> bool:
        return self.sources == ("package.json",)


class Behind(msgspec.Struct, kw_only=True):
    """A pin that is behind its package's latest release."""

    part: str
    package: str
    pinned: str
    latest: str


def parts(root: Path = ROOT) -> list[Part]:
    """Every part that has requirements: the tool, its tests, the page, what a new service begins with, the services."""
    own = [
        Part(name="tool", folder=root, sources=("pyproject.toml",), locked="requirements.txt"),
        Part(
            name="tests", folder=root, sources=("pyproject.toml", "requirements-dev.in"), locked="requirements-dev.txt"
        ),
        Part(name="page", folder=root / "frontend", sources=("package.json",), locked="package-lock.json"),
        Part(name="template", folder=root / "services/_template", sources=("requirements.in",), locked=None),
    ]
    return [part for part in own if (part.folder / part.sources[-1]).exists()] + [
        of_folder(folder) for folder in catalog.folders(root)
    ]


def of_folder(folder: Path) -> Part:
    """The part that a service's folder is."""
    if (folder / "package.json").exists():
        return Part(name=folder.name, folder=folder, sources=("package.json",), locked="package-lock.json")
    return Part(name=folder.name, folder=folder, sources=("requirements.in",), locked="requirements.txt")


def choose(found: list[Part], names: Iterable[str]) -> list[Part]:
    """The parts with these names; all where there are none. Raises LockError for a name that no part has."""
    wanted = set(names)
    if unknown := sorted(wanted - {part.name for part in found}):
        raise LockError(f"nothing is named {unknown[0]!r}; there are {', '.join(part.name for part in found)}")
    return [part for part in found if not wanted or part.name in wanted]


def lock(part: Part) -> None:
    """Write a part's lock anew, with the latest versions that its sources allow. Raises LockError."""
    if part.locked is None:
        return
    if part.javascript:
        system.install(system.missing(["npm"]))
        # Addresses would tie the lock to one registry.
        _run(
            ["npm", "install", "--package-lock-only", "--omit-lockfile-registry-resolved", "--ignore-scripts"],
            part.folder,
        )
        return
    # The first lines of what it writes name the command; this keeps them free of what is this machine's affair.
    command = f"uv pip compile {' '.join([*_OPTIONS, *part.sources])} -o {part.locked}"
    _run(
        [*_COMPILE, *_OPTIONS, "--upgrade", "--custom-compile-command", command, *part.sources, "-o", part.locked],
        part.folder,
    )


def resolve(requirements: Iterable[str], folder: Path) -> dict[str, tuple[str, str | None]]:
    """The version that would be locked for each package, by its normalised name, and the day it was released.

    `folder` is where to work. Raises LockError.
    """
    (folder / "wanted.in").write_text("\n".join([*requirements, ""]))
    _run([*_COMPILE, *_UNIVERSAL, "--format", "pylock.toml", "wanted.in", "-o", "pylock.toml"], folder)
    found = {}
    for package in tomllib.loads((folder / "pylock.toml").read_text("utf-8"))["packages"]:
        files = [*package.get("wheels", []), package.get("sdist") or {}]
        days = sorted(str(file["upload-time"])[:10] for file in files if "upload-time" in file)
        found[normal(package["name"])] = (package["version"], days[0] if days else None)
    return found


def outdated(chosen: list[Part]) -> list[Behind]:
    """The pins that are behind their packages' latest releases, pre-releases not counted. Raises LockError."""
    pinned = {part.name: pins(part) for part in chosen}
    latest = _latest_python({name for part in chosen if not part.javascript for name in pinned[part.name]})
    found = []
    for part in chosen:
        newest = _latest_javascript(pinned[part.name]) if part.javascript else latest
        for name, version in pinned[part.name].items():
            if is_behind(version, newest.get(name, version)):
                found.append(Behind(part=part.name, package=name, pinned=version, latest=newest[name]))
    return found


def pins(part: Part) -> dict[str, str]:
    """What a part's sources name, and the versions it has of them. Raises LockError for a file that cannot be read."""
    try:
        if part.javascript:
            package = json.loads((part.folder / "package.json").read_text("utf-8"))
            return {**package.get("dependencies", {}), **package.get("devDependencies", {})}
        return _python_pins(part)
    except (OSError, ValueError, AttributeError) as error:
        raise LockError(f"{part.folder}: {error}") from None


def _python_pins(part: Part) -> dict[str, str]:
    found: dict[str, str] = {}
    locked = (part.folder / part.locked).read_text("utf-8") if part.locked else ""
    versions = {normal(match["name"]): match["version"] for match in REQUIREMENT.finditer(locked) if match["version"]}
    source = part.folder / part.sources[-1]
    if source.name == "pyproject.toml":
        lines: list[str] = tomllib.loads(source.read_text("utf-8"))["project"]["dependencies"]
    else:
        lines = _lines(source)
    for line in lines:
        match = REQUIREMENT.match(line)
        version = match and (match["version"] or versions.get(normal(match["name"])))
        if match and version:
            found[match["name"]] = version
    return found


def _lines(file: Path) -> list[str]:
    """Its requirements, and those of the files it includes by `-r`."""
    found = []
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("-r "):
            found += _lines(file.parent / line[3:].strip())
        else:
            found.append(line)
    return found


def _latest_python(names: set[str]) -> dict[str, str]:
    if not names:
        return {}
    # What the images' Python can have: without constraints uv takes the latest release of each that is none before one.
    command = [*_COMPILE, "--no-deps", "--no-header", "--no-annotate", "--python-version", "3.13", "-"]
    said = _run(command, Path(tempfile.gettempdir()), "\n".join(sorted(names)))
    found = {normal(match["name"]): match["version"] for match in REQUIREMENT.finditer(said)}
    return {name: found[normal(name)] for name in names if normal(name) in found}


def _latest_javascript(pinned: dict[str, str]) -> dict[str, str]:
    system.install(system.missing(["npm"]))
    with tempfile.TemporaryDirectory() as folder:
        # Away from what is installed, and with nothing that is only for development, npm tells of all of them.
        Path(folder, "package.json").write_text(json.dumps({"private": True, "dependencies": pinned}))
        said = _run(["npm", "outdated", "--json"], Path(folder), fine=(0, 1))
    try:
        answers: dict[str, dict[str, str]] = json.loads(said or "{}")
    except ValueError:
        raise LockError(f"npm: {_told(said)}") from None
    if "error" in answers:
        raise LockError(f"npm: {answers['error'].get('summary') or answers['error'].get('code')}")
    return {name: answer["latest"] for name, answer in answers.items() if "latest" in answer}


def is_behind(pinned: str, latest: str) -> bool:
    """Whether a pin is behind a release, as PEP 440 orders versions.

    npm has versions that PEP 440 does not know, as `5.0.0-next.3`. Such a one is taken for the release that it leads up
    to, `5.0.0`, and for older than that itself. What has no release in it, as `latest`, is behind whatever differs:
    better one line too many than a pin that nobody hears of.
    """
    if pinned == latest:
        return False
    try:
        return _version(pinned) < _version(latest)
    except InvalidVersion:
        pass
    try:
        return Version(pinned.partition("-")[0]) <= Version(latest.partition("-")[0])
    except InvalidVersion:
        return True


def _version(text: str) -> Version:
    """Raises InvalidVersion where it is none by PEP 440."""
    if re.search(r"-\d+$", text):  # a post-release for PEP 440, which uv never writes so, and a pre-release for npm
        raise InvalidVersion(text)
    return Version(text)


def normal(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _run(command: list[str], folder: Path, given: str = "", fine: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, check=False)
    if done.returncode not in fine:
        raise LockError(_told(done.stderr or done.stdout) or f"{command[0]} ended with {done.returncode}")
    return done.stdout


def _told(said: str) -> str:
    """What a command complained of, as one line."""
    words = " ".join(
        re.sub(r"npm (error|ERR!)( code)?|[×├╰│▶─]+|^error:|\bcause:|\bA complete log.*", " ", said).split()
    )
    return words if len(words) < 500 else f"{words[:500]} …"

"""Lock what each part of the repository needs, and find the pins that are behind, by uv and npm."""

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
#: The options with which every lock file of Python packages is made. Its first lines name them.
_OPTIONS = (*_UNIVERSAL, "--generate-hashes")


class LockError(Exception):
    """Something cannot be resolved. The message is that of uv or npm."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the repository that has requirements of its own."""

    name: str
    """That of a service, or `tool`, `load`, `tests`, `audit`, `page` or `template`."""
    folder: Path
    sources: tuple[str, ...]
    """The files that are written by hand."""
    locked: str | None
    """The file that is made from them."""
    extra: str = ""
    """The extra of pyproject.toml that it needs as well."""

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
    """All parts that have requirements: the tool, alone and with what spreads its load over machines, its tests, what
    looks for known vulnerabilities, the page, the template of a new service, the services.
    """
    tool, spread = ("pyproject.toml",), "distributed"
    own = [
        Part(name="tool", folder=root, sources=tool, locked="requirements.txt"),
        Part(name="load", folder=root, sources=tool, locked="requirements-distributed.txt", extra=spread),
        Part(
            name="tests",
            folder=root,
            sources=(*tool, "requirements-dev.in"),
            locked="requirements-dev.txt",
            extra=spread,
        ),
        Part(name="audit", folder=root / ".ci", sources=("audit.in",), locked="audit.txt"),
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
    """The parts with these names; all parts if there are no names. Raises LockError for a name that no part has."""
    wanted = set(names)
    if unknown := sorted(wanted - {part.name for part in found}):
        raise LockError(f"nothing is named {unknown[0]!r}; there are {', '.join(part.name for part in found)}")
    return [part for part in found if not wanted or part.name in wanted]


def lock(part: Part) -> None:
    """Write a part's lock file anew, with the latest versions that its sources allow. Raises LockError."""
    if part.locked is None:
        return
    if part.javascript:
        system.install(system.missing(["npm"]))
        # Addresses would tie the lock file to one registry.
        _run(
            ["npm", "install", "--package-lock-only", "--omit-lockfile-registry-resolved", "--ignore-scripts"],
            part.folder,
        )
        return
    # uv names the command in the first lines of the file; this one is the same on every machine.
    options = [*_OPTIONS, *(["--extra", part.extra] if part.extra else []), *part.sources]
    command = f"uv pip compile {' '.join(options)} -o {part.locked}"
    _run([*_COMPILE, "--upgrade", "--custom-compile-command", command, *options, "-o", part.locked], part.folder)


def resolve(requirements: Iterable[str], folder: Path) -> dict[str, tuple[str, str | None]]:
    """The version that would be locked of each package, by its normalised name, and the day of its release, if known.

    Temporary files are written into `folder`. Raises LockError.
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
    """The pins that are behind their packages' latest releases, without pre-releases. Raises LockError."""
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
    """The packages that a part's sources name, and their pinned versions. Raises LockError if a file cannot be read."""
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
        project = tomllib.loads(source.read_text("utf-8"))["project"]
        lines: list[str] = project["optional-dependencies"][part.extra] if part.extra else project["dependencies"]
    else:
        lines = _lines(source)
    for line in lines:
        match = REQUIREMENT.match(line)
        version = match and (match["version"] or versions.get(normal(match["name"])))
        if match and version:
            found[match["name"]] = version
    return found


def _lines(file: Path) -> list[str]:
    """The requirements in a file, and in the files that it includes by `-r`."""
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
    # For the Python of the images. Without constraints uv takes the latest release that is not a pre-release.
    command = [*_COMPILE, "--no-deps", "--no-header", "--no-annotate", "--python-version", "3.13", "-"]
    said = _run(command, Path(tempfile.gettempdir()), "\n".join(sorted(names)))
    found = {normal(match["name"]): match["version"] for match in REQUIREMENT.finditer(said)}
    return {name: found[normal(name)] for name in names if normal(name) in found}


def _latest_javascript(pinned: dict[str, str]) -> dict[str, str]:
    system.install(system.missing(["npm"]))
    with tempfile.TemporaryDirectory() as folder:
        # npm lists all of them if none is installed and none is only for development.
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

    PEP 440 does not know all of npm's versions. One such as `5.0.0-next.3` counts as older than `5.0.0`, the release
    that it leads up to, and newer than any release before that. A pin that contains no release, such as `latest`, is
    behind everything else: one line too many in the list is better than a pin that is missing from it.
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
    """Raises InvalidVersion if PEP 440 does not know it."""
    if re.search(r"-\d+$", text):  # to npm a pre-release, to PEP 440 a post-release in a form that uv never writes
        raise InvalidVersion(text)
    return Version(text)


def normal(name: str) -> str:
    """A package's name in the form in which registries compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _run(command: list[str], folder: Path, given: str = "", fine: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, check=False)
    if done.returncode not in fine:
        raise LockError(_told(done.stderr or done.stdout) or f"{command[0]} ended with {done.returncode}")
    return done.stdout


def _told(said: str) -> str:
    """The complaint of a command, as one line."""
    words = " ".join(
        re.sub(r"npm (error|ERR!)( code)?|[×├╰│▶─]+|^error:|\bcause:|\bA complete log.*", " ", said).split()
    )
    return words if len(words) < 500 else f"{words[:500]} …"

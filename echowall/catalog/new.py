"""A new service from services/_template: everything but the echo, and its block in services/stacks.yaml."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from email import message_from_string
from pathlib import Path

import msgspec

from echowall.catalog import catalog, compose, lock
from echowall.catalog.catalog import ROOT
from echowall.lab import system

#: They stand for what the tool cannot find out. Whoever adds the stack replaces them; echowall.catalog.lint sees to it.
UNKNOWN_LINK = "https://example.org/TODO"
UNKNOWN_DAY = "1970-01-01"
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*(\[[\w,.-]+\])?((==|>=|<=|~=|<|>)[\w.*+!-]+)?")
_BLANK = re.compile("@([A-Z]+)@")


class NewError(Exception):
    """The service cannot be made. The message says why, and what to do about it."""


class Wanted(msgspec.Struct, kw_only=True):
    """What the new service is to be."""

    name: str
    title: str
    era: str
    packages: list[str]
    """Requirements beside the template's. The first is the stack itself; there may be none."""


def create(wanted: Wanted, root: Path = ROOT) -> Path:
    """Make the service's folder and write the compose file anew; gives the folder. A failure leaves nothing behind.

    Raises NewError; lock.LockError if the requirements cannot be resolved; CatalogError if another service's folder
    cannot be read.
    """
    _validate(wanted, root)
    catalog.load(root)  # the compose file is written from all of it
    folder = root / "services" / wanted.name
    # The catalog skips folders whose names begin with a dot.
    draft = root / "services" / f".{wanted.name}.new"
    shutil.rmtree(draft, ignore_errors=True)
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, draft, ignore_errors=True)
        shutil.copytree(root / "services/_template", draft, ignore=shutil.ignore_patterns("__pycache__"))
        _fill_in(draft, wanted)
        draft.rename(folder)
        undo.callback(compose.write, root)
        undo.callback(shutil.rmtree, folder, ignore_errors=True)  # before the one above
        compose.write(root)
        undo.pop_all()
    return folder


def _validate(wanted: Wanted, root: Path) -> None:
    if not catalog.is_name(wanted.name):
        raise NewError(f"{wanted.name!r} cannot be a URL prefix; choose a name of {catalog.NAMING}")
    if (root / "services" / wanted.name).exists():
        raise NewError(f"services/{wanted.name} is there already; choose another name, or remove it first")
    if re.search(r'["\\@]', wanted.title) or not wanted.title.isprintable() or not 0 < len(wanted.title.strip()) <= 40:
        raise NewError(f'the title {wanted.title!r} does not fit; write 1 to 40 characters, none of them " \\ or @')
    for package in wanted.packages:
        if not _REQUIREMENT.fullmatch(package):
            raise NewError(f"{package!r} names no package; write its name, as in `litestar` or `gunicorn[gevent]`")


def _fill_in(draft: Path, wanted: Wanted) -> None:
    own = (draft / "requirements.in").read_text("utf-8").splitlines()
    with tempfile.TemporaryDirectory() as temporary:
        resolved = lock.resolve([*own, *wanted.packages], Path(temporary))
        names = [re.split(r"[<>=~\[]", package)[0] for package in wanted.packages]
        given = {lock.normal(line.partition("==")[0]) for line in own}
        added = [
            re.split(r"[<>=~]", package)[0] + "==" + resolved[lock.normal(name)][0]
            for name, package in zip(names, wanted.packages, strict=True)
            if lock.normal(name) not in given
        ]
        stack = names[0] if names else "uvicorn"
        version, day = resolved[lock.normal(stack)]
        homepage, documentation = _links(f"{stack}=={version}", Path(temporary))
    (draft / "requirements.in").write_text("\n".join([*sorted([*own, *added], key=str.lower), ""]))
    released = date.fromisoformat(day or UNKNOWN_DAY)
    versions = [name for name in dict.fromkeys(names) if lock.normal(name) not in given]
    values = {
        "NAME": wanted.name,
        "TITLE": wanted.title,
        "ERA": wanted.era,
        "HOMEPAGE": homepage,
        "DOCUMENTATION": documentation,
        "RELEASED": released.isoformat(),
    }
    for file in draft.iterdir():
        text = file.read_text("utf-8").replace('"@PACKAGES@", ', "".join(f'"{name}", ' for name in versions))
        file.write_text(_BLANK.sub(lambda match: values[match[1]], text), "utf-8")
    lock.lock(lock.of_folder(draft))


def _links(requirement: str, temporary: Path) -> tuple[str, str]:
    """The addresses of a package's homepage and documentation, from its metadata."""
    command = [*system.UV, "pip", "install", "--no-deps"]
    command += ["--python", sys.executable, "--target", str(temporary / "package"), requirement]
    done = subprocess.run([*command, "--only-binary", ":all:"], capture_output=True, check=False)
    told: dict[str, str] = {}
    for file in (temporary / "package").glob("*.dist-info/METADATA") if not done.returncode else ():
        told = _project_urls(message_from_string(file.read_text("utf-8", "replace")).get_all("Project-URL", []))
    homepage = _first(told, "homepage", "home", "repository", "source", "sourcecode", "github", "code")
    return homepage, _first(told, "documentation", "docs", "homepage", "home")


def _project_urls(lines: Sequence[str]) -> dict[str, str]:
    pairs = (line.partition(",") for line in lines)
    return {re.sub(r"\W", "", label).lower(): url.strip() for label, _, url in pairs}


def _first(told: Mapping[str, str], *labels: str) -> str:
    links = (told.get(label, "") for label in labels)
    return next((link for link in links if re.fullmatch(r'https?://[^\s"\\@]+', link)), UNKNOWN_LINK)

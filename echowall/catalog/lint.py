"""What a service's folder lacks: every rule about an exhibit, in one place. A fault is one line that says the cure."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from echowall import documents
from echowall.catalog import catalog, compose, expected, mends
from echowall.catalog.autobahn import matching
from echowall.catalog.catalog import ROOT, CatalogError, Known, Mended, Service
from echowall.catalog.contract import BY_SUITE
from echowall.catalog.expected import Expected
from echowall.catalog.lock import REQUIREMENT, normal
from echowall.check.suite import ALL
from echowall.results import store

#: The images that a service may stand on, in Python and in JavaScript.
BASES = {False: "python:3.13-slim-trixie", True: "node:24-trixie-slim"}
#: What `echowall new` and `echowall check --toml` leave to be written.
UNWRITTEN = re.compile(r"\bTODO\b|\bNotImplementedError\b")
#: What stands beside the file of an exhibit: the others, and the log of the room that all of them share.
BESIDE = frozenset({*catalog.PARTS, "room"})
#: What of that each may import.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "echo": frozenset(),
    "naive": frozenset(),
    "chat": frozenset({"room", "mends"}),
    "push": frozenset({"chat", "room", "mends"}),
    "app": BESIDE,
    "mends": frozenset(),
}
_ALONE = {
    "echo": "the echo has to run alone",
    "naive": "the handler has to be readable alone",
    "chat": "the room stands on room and mends, and the app on it",
    "push": "it stands on the chat, whose room it is, and the app on it",
    "mends": "the app applies the mends, and not the other way round",
}
_EXPECTED = {check.id: check.expects for check in ALL}
#: A link to a line of a file that is another line tomorrow.
_BRANCH = re.compile(r"/(?:blob|tree)/(main|master|trunk|HEAD|dev|develop)/")
_EXACT = re.compile(r"\d+\.\d+\.\d+\S*")


class Fault(NamedTuple):
    """Something that a file lacks."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


class Exhibit(NamedTuple):
    """A service's folder, whatever state it is in."""

    root: Path
    folder: Path
    service: Service | None
    """None where its service.toml cannot be read."""

    @property
    def javascript(self) -> bool:
        return (self.folder / "package.json").exists()

    def text(self, name: str) -> str:
        """The text of one of its files; nothing where it is not there."""
        file = self.folder / name
        return file.read_text("utf-8", "replace") if file.is_file() else ""

    def source(self, part: str) -> str:
        """The name of the file that is that part of the exhibit."""
        found = sorted(file.name for file in self.folder.glob(f"{part}.*") if file.is_file())
        return found[0] if found else f"{part}.py"

    def fault(self, name: str, what: str) -> Fault:
        return Fault(f"services/{self.folder.name}/{name}", what)


Rule = Callable[[Exhibit], Iterator[Fault]]


def faults(names: Iterable[str] = (), root: Path = ROOT) -> list[Fault]:
    """What these services lack; without names, what all of them and the files that tell of them lack.

    Raises CatalogError for a name that no folder has.
    """
    folders = {folder.name: folder for folder in catalog.folders(root)}
    wanted = list(names)
    for name in wanted:
        if name not in folders:
            raise CatalogError(f"no folder services/{name}; there are {', '.join(folders)}")
    services, found = {}, []
    for folder in folders.values():
        try:
            services[folder.name] = catalog.read(folder)
        except CatalogError as error:
            if folder.name in wanted or not wanted:
                file, _, what = str(error).removeprefix(f"{root}/").partition(": ")
                found.append(Fault(file, what))
    for name in wanted or folders:
        exhibit = Exhibit(root, folders[name], services.get(name))
        found += [fault for rule in RULES for fault in rule(exhibit)]
        if wanted:
            found += _block(exhibit)
    if not wanted and len(services) == len(folders):
        found += _compose(catalog.load(root), root)
        broken = list(_results(root))
        found += broken or _documents(root)
    return found


def _files(exhibit: Exhibit) -> Iterator[Fault]:
    locks = ("package.json", "package-lock.json") if exhibit.javascript else ("requirements.in", "requirements.txt")
    cures = {
        "Dockerfile": "copy services/_template's",
        "requirements.in": "name what it needs, each pinned by ==",
        "requirements.txt": f"write it by `make lock NAME={exhibit.folder.name}`",
        "package-lock.json": f"write it by `make lock NAME={exhibit.folder.name}`",
        "run": "make it the one command that starts the service",
        exhibit.source("echo"): "it is the echo, alone",
        exhibit.source("app"): "it is the service: the echo, the room and /about",
        exhibit.source("chat"): "it is the chat room",
    }
    parts = [exhibit.source(part) for part in ("echo", "chat", "app")]
    for name in (*parts, "run", "Dockerfile", *locks):
        if not (exhibit.folder / name).is_file():
            yield exhibit.fault(name, f"missing; {cures.get(name, 'add it')}")


def _run(exhibit: Exhibit) -> Iterator[Fault]:
    file = exhibit.folder / "run"
    if not file.is_file():
        return
    if not os.access(file, os.X_OK):
        yield exhibit.fault("run", "not executable; `chmod +x` it")
    if not exhibit.text("run").startswith("#!/"):
        yield exhibit.fault("run", "does not say what runs it; begin it with #!/bin/sh")
    if not re.search(r"^exec ", exhibit.text("run"), re.MULTILINE):
        yield exhibit.fault(
            "run", "leaves a shell in between; start the server by exec, so that it gets SIGTERM itself"
        )


def _dockerfile(exhibit: Exhibit) -> Iterator[Fault]:
    text = exhibit.text("Dockerfile")
    if not text:
        return
    base = BASES[exhibit.javascript]
    for image in sorted({line.split()[1] for line in text.splitlines() if re.match(r"FROM\s+\S", line)} - {base}):
        yield exhibit.fault("Dockerfile", f"FROM {image}; every stage stands on {base}")
    if not re.search(r"^FROM\s+\S", text, re.MULTILINE):
        yield exhibit.fault("Dockerfile", f"no FROM; stand on {base}")
    if not re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.MULTILINE):
        yield exhibit.fault("Dockerfile", "runs as root; write USER 65532:65532")
    if not re.search(r'^CMD \["\./run"\]$', text, re.MULTILINE):
        yield exhibit.fault("Dockerfile", 'does not start ./run; write CMD ["./run"]')
    for package in exhibit.service.system_packages if exhibit.service else ():
        # python3-dev is Debian's; the base image has its own headers.
        if package not in text and package != "python3-dev":
            yield exhibit.fault("Dockerfile", f"does not install {package}, which service.toml's system_packages has")


def _requirements(exhibit: Exhibit) -> Iterator[Fault]:
    if exhibit.javascript or not (exhibit.folder / "requirements.in").is_file():
        return
    locked = exhibit.text("requirements.txt")
    pins = {normal(match["name"]): match["version"] for match in REQUIREMENT.finditer(locked) if match["version"]}
    lines = [line.partition("#")[0].strip() for line in exhibit.text("requirements.in").splitlines()]
    if not any(lines):
        yield exhibit.fault("requirements.in", "empty; name what it needs, each pinned by ==")
    for line in filter(None, lines):
        match = REQUIREMENT.match(line)
        if not match or not match["version"] or "*" in match["version"]:
            yield exhibit.fault("requirements.in", f"{line}: not pinned; write NAME==VERSION")
        elif locked and pins.get(normal(match["name"])) != match["version"]:
            there = pins.get(normal(match["name"]), "none")
            yield exhibit.fault(
                "requirements.txt", f"has {match['name']} {there}, not {match['version']}; {_again(exhibit)}"
            )
    for pin in re.split(r"\n(?=\w)", locked):  # a pin goes on, with its hashes, on lines that are indented
        match = REQUIREMENT.match(pin)
        if match and match["version"] and not re.search(r"--hash=sha256:[0-9a-f]{64}\b", pin):
            yield exhibit.fault("requirements.txt", f"{match['name']} has no hash; {_again(exhibit)}")
    if locked and not pins:
        yield exhibit.fault("requirements.txt", f"locks nothing; {_again(exhibit)}")


def _packages(exhibit: Exhibit) -> Iterator[Fault]:
    if not exhibit.javascript:
        return
    wanted, locked = (_json(exhibit.text(name)) for name in ("package.json", "package-lock.json"))
    if wanted is None:
        yield exhibit.fault("package.json", "not a JSON object; mend it")
        return
    pins = {**_object(wanted.get("dependencies")), **_object(wanted.get("devDependencies"))}
    if not pins:
        yield exhibit.fault("package.json", "no dependencies; name what it needs, each in one exact version")
    for name, version in pins.items():
        if not _EXACT.fullmatch(str(version)):
            yield exhibit.fault("package.json", f"{name}: {version} is no exact version; write one, as 8.18.0")
    if not exhibit.text("package-lock.json"):
        return
    packages = _object(locked.get("packages")) if locked else {}
    for name, version in pins.items():
        if _object(packages.get(f"node_modules/{name}")).get("version") != version:
            yield exhibit.fault("package-lock.json", f"does not have {name} {version}; {_again(exhibit)}")
    for path, package in packages.items():
        if path and "integrity" not in _object(package):
            yield exhibit.fault("package-lock.json", f"{path} has no hash; {_again(exhibit)}")
        if "resolved" in _object(package):
            yield exhibit.fault("package-lock.json", f"{path} has the address of a registry; {_again(exhibit)}")


def _again(exhibit: Exhibit) -> str:
    return f"run `make lock NAME={exhibit.folder.name}`"


def _json(text: str) -> dict[str, Any] | None:
    try:
        return _object(json.loads(text)) or None
    except ValueError:
        return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sources(exhibit: Exhibit) -> Iterator[Fault]:
    for part in catalog.PARTS:
        name = exhibit.source(part)
        text = exhibit.text(name)
        try:
            tree = ast.parse(text) if name.endswith(".py") else None
        except (SyntaxError, ValueError) as error:
            yield exhibit.fault(name, f"not Python: {error}")
            continue
        for other in sorted(_imports(text, tree) & BESIDE - MAY_IMPORT[part]):
            yield exhibit.fault(name, f"imports {other}; {_ALONE[part]}")


def _push(exhibit: Exhibit) -> Iterator[Fault]:
    name = exhibit.source("push")
    written = (exhibit.folder / name).is_file()
    if not exhibit.service or not (exhibit.service.push or written):
        return
    if not written:
        yield exhibit.fault(name, "missing, and service.toml's push says what it serves; write it, or remove the key")
    if not exhibit.service.push:
        yield exhibit.fault("service.toml", f"push: missing, and there is a {name}; say which ways it serves")
    if len(set(exhibit.service.push)) < len(exhibit.service.push):
        yield exhibit.fault("service.toml", "push: one way is there twice; remove one")


def _imports(text: str, tree: ast.Module | None) -> set[str]:
    """The modules that a file imports, and in JavaScript the files beside it, without their endings."""
    if tree is None:
        return set(re.findall(r"""(?:from|import|require)\s*\(?\s*["']\./(\w+)(?:\.\w+)?["']""", text))
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {module.partition(".")[0] for module in modules}


def _unwritten(exhibit: Exhibit) -> Iterator[Fault]:
    for name in (*map(exhibit.source, catalog.PARTS), "run", "Dockerfile"):
        for number, line in enumerate(exhibit.text(name).splitlines(), start=1):
            if found := UNWRITTEN.search(line):
                yield exhibit.fault(f"{name}:{number}", f"{found[0]}: still to be written")
    if not (service := exhibit.service):
        return
    for key in ("title", "summary", "framework", "server", "homepage", "documentation"):
        if UNWRITTEN.search(getattr(service, key)):
            cure = "say in one sentence what is particular" if key == "summary" else "write what is true of this stack"
            yield exhibit.fault("service.toml", f"{key}: still the template's; {cure}")
    for kind, entry in _entries(service):
        for key, cure in (
            ("by", "name the function or class of mends.py"),
            ("reason", "say the cause, in the library"),
            ("link", "name the issue or the line of source"),
        ):
            if UNWRITTEN.search(getattr(entry, key, "")):
                yield exhibit.fault(
                    "service.toml", f"{kind} {', '.join(entry.checks)}: {key}: still to be written; {cure}"
                )


def _entries(service: Service) -> Iterator[tuple[str, Known | Mended]]:
    """The known deviations and the mends, each with its kind's name."""
    yield from (("known", known) for known in service.known)
    yield from (("mended", mended) for mended in service.mended)


def _known(exhibit: Exhibit) -> Iterator[Fault]:
    seen: dict[tuple[str, str], str] = {}
    for kind, entry in _entries(exhibit.service) if exhibit.service else ():
        for check in entry.checks:
            if check not in _EXPECTED and check not in BY_SUITE:
                cure = "services/README.md has the suite's, `echowall check --list` the others"
                yield exhibit.fault("service.toml", f"{kind} {check}: no such check; {cure}")
            if entry.outcome in _EXPECTED.get(check, ()):
                what = f"{kind} {check}: {entry.outcome!r} is the right answer; remove it"
                yield exhibit.fault("service.toml", what)
            for via in [entry.via] if entry.via else ["direct", "proxy"]:
                if before := seen.get((check, via)):
                    twice = f"{before} and {kind}" if before != kind else "twice"
                    yield exhibit.fault("service.toml", f"{kind} {check}: {twice} for the route {via}; remove one")
                seen[check, via] = kind


def _mended(exhibit: Exhibit) -> Iterator[Fault]:
    for mended in exhibit.service.mended if exhibit.service else ():
        checks = ", ".join(mended.checks)
        if mended.via == "proxy":
            cure = "with its mends off a service is asked directly, so that nothing would hold this entry; remove it"
            yield exhibit.fault("service.toml", f"mended {checks}: via the proxy alone; {cure}")
        if not UNWRITTEN.search(mended.by) and mends.place(exhibit.folder, mended.by) is None:
            what = f"mended {checks}: by: there is no {mended.by} in mends.py; name the function or class that does it"
            yield exhibit.fault("service.toml", what)


def _conformance(exhibit: Exhibit) -> Iterator[Fault]:
    """What is expected of the Autobahn Testsuite's cases: each is there, told once, and its cause is told."""
    try:
        found = expected.read(exhibit.folder)
    except CatalogError as error:
        yield exhibit.fault(expected.FILE, str(error).partition(": ")[2])
        return
    for kind, entries in (("known", found.known), ("mended", found.mended)):
        seen: dict[tuple[str, str], str] = {}
        for entry in entries:
            what = f"{kind} {', '.join(entry.cases)}"
            for fault in _cause(entry, kind, exhibit.service):
                yield exhibit.fault(expected.FILE, f"{what}: {fault}")
            for pattern in entry.cases:
                if not matching(pattern):
                    yield exhibit.fault(expected.FILE, f"{what}: the suite has no case {pattern}; remove it")
                for case in matching(pattern):
                    for via in [entry.via] if entry.via else ["direct", "proxy"]:
                        if (case, via) in seen:
                            cure = f"{seen[case, via]} has it already; remove one"
                            yield exhibit.fault(expected.FILE, f"{what}: {case} by the route {via}: {cure}")
                        seen[case, via] = what


def _cause(entry: Expected, kind: str, service: Service | None) -> Iterator[str]:
    if entry.check:
        if entry.reason or entry.link:
            yield f"service.toml has the cause, under {entry.check}; remove reason and link, or check"
        if entry.check not in _EXPECTED:
            yield f"check: there is no check {entry.check}; `echowall check --list` has them"
        elif service:
            entries = service.known if kind == "known" else service.mended
            if not any(entry.check in one.checks for one in entries):
                yield f"check: service.toml has no [[{kind}]] {entry.check}; say the cause here, by reason and link"
    elif not entry.reason or not entry.link:
        yield "the cause is missing; name the check that fails by it, or write reason and link"
    if entry.link and (branch := _BRANCH.search(entry.link)):
        yield f"link: {branch[1]} is a branch, where the line moves; name a tag or a commit"


def _released(exhibit: Exhibit) -> Iterator[Fault]:
    if exhibit.service and exhibit.service.released < date(2009, 1, 1):
        what = "released: there were no WebSockets then; write the day of its latest release"
        yield exhibit.fault("service.toml", what)


def _settings(exhibit: Exhibit) -> Iterator[Fault]:
    """With what it runs, and how it is told otherwise."""
    if not (service := exhibit.service):
        return
    if not (settings := service.settings):
        yield exhibit.fault("service.toml", "settings: missing; say with what it runs, as services/README.md shows")
        return
    limits = service.limits
    for key, due in (
        ("ping_interval", f"{limits.ping_interval} s" if limits.ping_interval else "none"),
        ("max_message", f"{limits.max_message} B" if limits.max_message else "none"),
    ):
        if (value := getattr(settings, key).value) != due:
            yield exhibit.fault(
                "service.toml", f"settings.{key}: {value!r}, but limits has {due!r}; correct one of them"
            )
    if settings.deflate.value not in ("on", "off"):
        what = f"settings.deflate: {settings.deflate.value!r} is neither on nor off; write what a client gets"
        yield exhibit.fault("service.toml", what)
    for key in settings.__struct_fields__:
        if (setting := getattr(settings, key)) and UNWRITTEN.search(setting.value):
            yield exhibit.fault("service.toml", f"settings.{key}: still to be written; say what it runs with")
    changed: set[str] = set()
    for one in service.tuned:
        usual = getattr(settings, one.setting)
        if usual and usual.value == one.to:
            yield exhibit.fault("service.toml", f"tuned {one.setting}: it is {one.to!r} already; remove it")
        if one.setting in changed:
            yield exhibit.fault("service.toml", f"tuned {one.setting}: twice; remove one")
        changed.add(one.setting)
    if len({one.variable for one in service.tuned}) < len(service.tuned):
        yield exhibit.fault("service.toml", "tuned: two have the same variable; name each once")


def _block(exhibit: Exhibit) -> Iterator[Fault]:
    """The service's own block of the compose file."""
    if not exhibit.service:
        return
    try:
        found = yaml.safe_load((exhibit.root / compose.FILE).read_text("utf-8"))["services"][exhibit.folder.name]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, LookupError):
        found = None
    if found != compose.block(exhibit.service, exhibit.root):
        yield Fault(str(compose.FILE), f"its block {exhibit.folder.name} is missing or out of date; run `make format`")


def _compose(services: list[Service], root: Path) -> Iterator[Fault]:
    file = root / compose.FILE
    if not file.is_file() or file.read_text("utf-8", "replace") != compose.rendered(services, root):
        yield Fault(str(compose.FILE), "missing or out of date; run `make format`")


def _documents(root: Path) -> Iterator[Fault]:
    for file in documents.files(root):
        name = str(file.relative_to(root))
        try:
            if not file.exists() or documents.refreshed(file, root) != file.read_text("utf-8"):
                yield Fault(name, "its generated parts are out of date; run `make format`")
        except ValueError as error:
            yield Fault(name, str(error).removeprefix(f"{file}: "))


def _results(root: Path) -> Iterator[Fault]:
    for file, what in store.faults(root):
        yield Fault(str(file.relative_to(root)), what)


RULES: tuple[Rule, ...] = (
    _files, _run, _dockerfile, _requirements, _packages, _sources, _push, _unwritten, _released, _settings, _known,
    _mended, _conformance,
)  # fmt: skip

"""A stack is added by `echowall new` and an echo of four lines; what cannot be added leaves nothing behind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.support import room
from echowall.catalog import catalog, compose, lint, new
from echowall.catalog.catalog import ROOT, CatalogError
from echowall.catalog.lock import LockError
from echowall.catalog.new import NewError, Wanted
from echowall.lab.processes import Processes
from tests.clones import copied
from tests.ports import free_port

ECHO = """\
async def app(scope, receive, send):
    await receive()  # websocket.connect
    await send({"type": "websocket.accept", "subprotocol": "echo" if "echo" in scope["subprotocols"] else None})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})
"""


def wanted(name: str = "fresh", title: str = "Fresh", packages: tuple[str, ...] = ()) -> Wanted:
    return Wanted(name=name, title=title, era="modern", packages=list(packages))


@pytest.fixture(scope="module")
def neighbour() -> str:
    """Whom the new stack shall talk with: the service that is the quickest to install."""
    plain = {service.name for service in catalog.load() if service.protocol == "websocket"}
    locks = [file for file in (ROOT / "services").glob("*/requirements.txt") if file.parent.name in plain]
    return min(locks, key=lambda file: file.stat().st_size).parent.name


@pytest.fixture
def scratch(tmp_path: Path, neighbour: str) -> Path:
    """A checkout with all that is the lab's, and one of its services."""
    for part in ("echowall", "nginx"):
        copied(part, tmp_path)
    (tmp_path / "frontend").symlink_to(ROOT / "frontend")
    for file in ("docker-compose.yml", ".env", "requirements.txt"):
        shutil.copy(ROOT / file, tmp_path)
    (tmp_path / "services").mkdir()
    for file in ("README.md", "base.yaml"):
        shutil.copy(ROOT / "services" / file, tmp_path / "services")
    for part in ("_room", "_template", neighbour):
        shutil.copytree(ROOT / "services" / part, tmp_path / "services" / part)
    compose.write(tmp_path)
    return tmp_path


@pytest.fixture
def echowall(scratch: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """The tool of the scratch checkout, and a lab of its own, which is stopped at the end."""
    port = free_port()
    environment = os.environ | {"PYTHONPATH": str(scratch), "ECHOWALL_PORT": str(port), "NO_COLOR": "1"}
    environment.pop("ECHOWALL_BIND", None)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "echowall", *arguments],
            cwd=scratch, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    run.base_url = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
    yield run
    if Processes(scratch).running():
        Processes(scratch).down()


def test_a_stack_is_added_by_its_echo_alone(
    scratch: Path, neighbour: str, echowall: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    by_hand = contents(scratch)
    added = echowall("new", "fresh", "--bare")
    lacks = echowall("lint", "fresh")

    assert added.returncode == 0, added.stderr
    assert lacks.returncode == 1
    assert [line.partition("; ")[0] for line in lacks.stdout.splitlines()] == [
        "services/fresh/echo.py:8: NotImplementedError: still to be written",
        "services/fresh/service.toml: summary: still the template's",
    ]
    after = contents(scratch)
    assert {name for name in after if after[name] != by_hand.get(name) and not name.startswith("services/fresh/")} == {
        "services/stacks.yaml"
    }

    echo, facts = scratch / "services/fresh/echo.py", scratch / "services/fresh/service.toml"
    echo.write_text(echo.read_text().partition("async def app")[0] + ECHO)
    facts.write_text(re.sub("summary = .*", 'summary = "ASGI and nothing else."', facts.read_text()))
    assert lint.faults(root=scratch) == []

    up = echowall("up")
    assert up.returncode == 0, up.stderr
    assert "2 of 2 services healthy" in up.stdout
    groups = [f"--group={group}" for group in ("handshake", "messages", "fragmentation", "closing", "errors")]
    checked = echowall("check", "fresh", *groups)
    assert checked.returncode == 0, checked.stderr
    base_url = echowall.base_url  # type: ignore[attr-defined]
    one, other = (catalog.read(scratch / "services" / name) for name in ("fresh", neighbour))
    with room.enter(base_url, one) as here, room.enter(base_url, other) as there:
        for visitor in (here, there):
            visitor.history()
        here.say("mark", "by the new one")
        there.say("mark", "by the other")
        heard = [{(message.service, message.text) for message in who.hear("mark", 2)} for who in (here, there)]
    assert heard == [{("fresh", "by the new one"), (neighbour, "by the other")}] * 2
    assert echowall("down").returncode == 0


def contents(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (wanted("Upper"), "'Upper' cannot be a URL prefix; choose a name of lower-case letters"),
        (wanted("under_score"), "cannot be a URL prefix"),
        (wanted(""), "cannot be a URL prefix"),
        (wanted("../escape"), "cannot be a URL prefix"),
        (wanted("healthz"), "cannot be a URL prefix"),
        (wanted("redis"), "cannot be a URL prefix"),
        (wanted("modern"), "cannot be a URL prefix"),
        (wanted(title='"""'), "does not fit; write 1 to 40 characters"),
        (wanted(title="two\nlines"), "does not fit"),
        (wanted(title=" "), "does not fit"),
        (wanted(packages=("--index-url=x",)), "names no package"),
        (wanted(packages=("a; b",)), "names no package"),
    ],
)
def test_what_cannot_be_added_is_refused_and_leaves_nothing(scratch: Path, given: Wanted, says: str) -> None:
    before = contents(scratch)

    with pytest.raises(NewError) as error:
        new.create(given, scratch)

    assert says in str(error.value)
    assert contents(scratch) == before


def test_a_name_that_is_taken_is_refused(scratch: Path, neighbour: str) -> None:
    with pytest.raises(NewError, match=f"services/{neighbour} is there already"):
        new.create(wanted(neighbour), scratch)


def test_a_stack_is_not_added_to_a_catalog_that_cannot_be_read(scratch: Path, neighbour: str) -> None:
    (scratch / "services" / neighbour / "service.toml").write_text("title = ")
    before = contents(scratch)

    with pytest.raises(CatalogError, match=f"{neighbour}/service.toml: not valid TOML"):
        new.create(wanted(), scratch)

    assert contents(scratch) == before


@pytest.mark.parametrize("stage", ["resolve", "lock", "block"])
def test_what_fails_half_way_leaves_nothing(scratch: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    before = contents(scratch)
    resolved = dict.fromkeys(("uvicorn", "websockets"), ("1.0", "2026-01-31"))

    def fail(*_: object) -> None:
        raise LockError("the network is away")

    monkeypatch.setattr("echowall.catalog.lock.resolve", fail if stage == "resolve" else lambda *_: resolved)
    monkeypatch.setattr("echowall.catalog.new._links", lambda *_: ("https://example.org/", "https://example.org/"))
    monkeypatch.setattr("echowall.catalog.lock.lock", fail if stage == "lock" else lambda _: None)
    if stage == "block":
        monkeypatch.setattr("echowall.files.replace", fail)

    with pytest.raises(LockError):
        new.create(wanted(), scratch)

    assert contents(scratch) == before
    assert [path.name for path in (scratch / "services").iterdir() if "fresh" in path.name] == []


def test_what_a_package_does_not_tell_is_left_to_be_written(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echowall.catalog.lock.resolve", lambda *_: {"flask-x": ("1.0", None)})
    monkeypatch.setattr("echowall.catalog.new._links", lambda *_: (new.UNKNOWN_LINK, new.UNKNOWN_LINK))
    monkeypatch.setattr("echowall.catalog.lock.lock", lambda _: None)

    folder = new.create(wanted(packages=("Flask_X[async]>=1",)), scratch)

    assert "Flask_X[async]==1.0\n" in (folder / "requirements.in").read_text()
    said = [str(fault) for fault in lint.faults(["fresh"], scratch)]
    for key in ("summary", "homepage", "documentation", "released"):
        assert [fault for fault in said if fault.startswith(f"services/fresh/service.toml: {key}: ")] != []


def test_a_package_tells_where_its_pages_are() -> None:
    told = new._project_urls(["Home Page, https://example.org", "Docs, https://docs.example.org/", "Chat, irc://x"])

    assert new._first(told, "homepage", "source") == "https://example.org"
    assert new._first(told, "documentation", "docs") == "https://docs.example.org/"
    assert new._first(told, "chat") == new.UNKNOWN_LINK
    assert new._first(told, "source") == new.UNKNOWN_LINK


def test_what_is_wrong_with_a_name_is_one_line_on_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "echowall", "new", "under_score"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith("echowall: 'under_score' cannot be a URL prefix")
    assert len(done.stderr.splitlines()) == 1

"""What is behind, and how it is told, without a registry: in place of uv and npm something answers as they do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from echowall import cli
from echowall.catalog import catalog, lock
from echowall.catalog.catalog import ROOT
from echowall.catalog.lock import LockError, Part


@pytest.fixture
def service(checkout: Path, add_service: Callable[..., Path]) -> Path:
    folder = add_service("alpha")
    (folder / "requirements.in").write_text("# two\nFlask[async]==3.1.0 ; python_version > '3'\nredis==8.1.0\n")
    return folder


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the commands answer, by their first word; those that were run are under `asked`."""
    answers = {"asked": ""}

    def run(command: list[str], folder: Path, given: str = "", fine: tuple[int, ...] = (0,)) -> str:
        word = "npm" if command[0] == "npm" else "uv"
        answers["asked"] += f"{word} {' '.join(command)} in {folder}: {given}\n"
        return answers.get(word, "")

    monkeypatch.setattr(lock, "_run", run)
    return answers


def test_every_part_of_the_repository_is_known() -> None:
    parts = {part.name: part for part in lock.parts()}

    assert {"tool", "load", "tests", "page", "template"} <= parts.keys()
    for part in parts.values():
        assert lock.pins(part), part.name
        assert part.locked is None or (part.folder / part.locked).is_file()


def test_a_name_that_nothing_has_is_told() -> None:
    with pytest.raises(LockError, match="nothing is named 'nosuch'; there are tool, load, tests, audit, page"):
        lock.choose(lock.parts(), ["nosuch"])


def test_pins_behind_their_latest_releases_are_listed(service: Path, answer: dict[str, str]) -> None:
    answer["uv"] = "flask==3.2.0\nredis==8.1.0\n"

    [behind] = lock.outdated([lock.of_folder(service)])

    assert (behind.part, behind.package, behind.pinned, behind.latest) == ("alpha", "Flask", "3.1.0", "3.2.0")


def test_pins_of_the_page_are_listed_too(checkout: Path, answer: dict[str, str]) -> None:
    folder = checkout / "services/page"
    folder.mkdir()
    (folder / "package.json").write_text(
        '{"dependencies": {"lit": "3.3.0"}, "devDependencies": {"typescript": "7.0.2"}}'
    )
    answer["npm"] = json.dumps({"lit": {"wanted": "3.3.0", "latest": "3.3.3"}, "typescript": {"latest": "7.0.2"}})

    [behind] = lock.outdated([lock.of_folder(folder)])

    assert (behind.package, behind.pinned, behind.latest) == ("lit", "3.3.0", "3.3.3")


@pytest.mark.parametrize(
    ("pinned", "latest", "behind"),
    [
        ("1.2.3", "1.2.3", False),
        ("1.2.3", "1.10.0", True),
        ("1.10.0", "1.9.9", False),
        ("2.0.0rc1", "1.9", False),
        ("2.0.0rc1", "2.0.0", True),
        ("8.18.0", "8.18.1", True),
        ("1.0", "1.0.0", False),
        ("1.0.0", "1.0", False),
        ("1.0", "1.0.post1", True),
        ("1.0.post1", "1.0", False),
        ("1.0.post1", "1.0.1", True),
        ("2.0.0.dev3", "2.0.0rc1", True),
        ("2.0.0rc2", "2.0.0rc1", False),
        ("1!1.0", "2.0", False),
        # npm's
        ("5.0.0-beta.1", "4.9.0", False),
        ("5.0.0-beta.1", "5.0.0-beta.2", True),
        ("5.0.0-next.3", "5.0.0-next.3", False),
        ("5.0.0-next.3", "5.0.0", True),
        ("5.0.0-next.3", "4.9.0", False),
        ("4.9.0", "5.0.0-next.3", True),
        ("5.0.0-1", "5.0.0", True),
        ("5.0.0-1", "4.9.0", False),
        ("latest", "latest", False),
        ("latest", "5.0.0", True),
        ("^4.9.0", "5.0.0", True),
    ],
)
def test_a_pin_is_compared_as_a_version(pinned: str, latest: str, behind: bool) -> None:
    assert lock.is_behind(pinned, latest) is behind


def test_a_lock_is_of_the_latest_and_says_how_it_was_made(service: Path, answer: dict[str, str]) -> None:
    lock.lock(lock.of_folder(service))

    assert " --upgrade " in answer["asked"]
    assert "uv pip compile --universal --python-version 3.11 --generate-hashes requirements.in -o" in answer["asked"]
    assert (ROOT / "requirements.txt").read_text("utf-8").splitlines()[1].startswith("#    uv ")


def test_a_lock_of_packages_has_no_addresses_and_runs_none_of_their_scripts(
    service: Path, answer: dict[str, str]
) -> None:
    (service / "package.json").write_text("{}")

    lock.lock(lock.of_folder(service))

    assert "--package-lock-only" in answer["asked"]
    assert "--omit-lockfile-registry-resolved" in answer["asked"]
    assert "--ignore-scripts" in answer["asked"]


def test_what_a_command_complains_of_is_one_line(tmp_path: Path) -> None:
    part = Part(name="alpha", folder=tmp_path, sources=("requirements.in",), locked="requirements.txt")
    (tmp_path / "requirements.in").write_text("not a requirement at all\n")

    with pytest.raises(LockError) as error:
        lock.lock(part)

    assert "\n" not in str(error.value)
    assert "requirements.in" in str(error.value)
    assert not (tmp_path / "requirements.txt").exists()


@pytest.mark.parametrize(("name", "text"), [("package.json", "{"), ("package.json", "[]"), ("requirements.in", None)])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)

    with pytest.raises(LockError, match=str(tmp_path)):
        lock.outdated([lock.of_folder(tmp_path)])


@pytest.fixture
def command(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The tool in a checkout of its own."""
    monkeypatch.setattr(cli, "ROOT", checkout)
    monkeypatch.setattr(lock, "parts", lambda: [lock.of_folder(folder) for folder in catalog.folders(checkout)])
    return lambda *arguments: CliRunner().invoke(cli.app, arguments)


def test_what_cannot_be_locked_is_told_and_the_rest_is_locked(
    add_service: Callable[..., Path], command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("alpha", "beta", "gamma"):
        add_service(name)

    def write(part: Part) -> None:
        if part.name == "beta":
            raise LockError("no such package")
        (part.folder / "requirements.txt").write_text("redis==8.1.0\n" if part.name == "gamma" else "")

    monkeypatch.setattr(lock, "lock", write)

    done = command("lock")

    assert done.stdout.splitlines() == [
        "services/alpha/requirements.txt: as it was",
        "services/gamma/requirements.txt: changed",
    ]
    assert "services/beta/requirements.txt: no such package" in done.stderr
    assert isinstance(done.exception, LockError)
    assert str(done.exception).startswith("1 of 3 could not be locked")


@pytest.mark.parametrize(
    ("arguments", "status"), [([], 0), (["--json"], 0), (["--fail"], 1), (["beta", "--fail"], 0)]
)  # fmt: skip
def test_what_is_behind_is_told_and_fails_only_if_that_is_wanted(
    add_service: Callable[..., Path],
    command: Callable[..., Result],
    answer: dict[str, str],
    arguments: list[str],
    status: int,
) -> None:
    for name, version in (("alpha", "8.0.0"), ("beta", "8.1.0")):
        (add_service(name) / "requirements.in").write_text(f"redis=={version}\n")
    answer["uv"] = "redis==8.1.0\n"

    done = command("outdated", *arguments)

    assert done.exit_code == status
    if arguments == ["--json"]:
        [pin] = json.loads(done.stdout)
        assert pin == {"part": "alpha", "package": "redis", "pinned": "8.0.0", "latest": "8.1.0"}
    elif "beta" in arguments:
        assert done.stdout == "No pin is behind.\n"
    else:
        assert "8.0.0" in done.stdout
        assert "beta" not in done.stdout

"""`echowall lint` says exactly what a folder lacks: every rule is seen to find what it is for, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from echowall.catalog import compose, lint
from echowall.catalog.catalog import ROOT, CatalogError
from echowall.check.suite import ALL
from tests.conftest import FACTS
from tests.test_catalog import TUNED

HASH = f"    --hash=sha256:{'0' * 64}\n"
DOCKERFILE = 'FROM python:3.13-slim-trixie AS build\nFROM python:3.13-slim-trixie\nUSER 65532:65532\nCMD ["./run"]\n'
KNOWN = (
    '[[known]]\nchecks = ["binary"]\noutcome = "echo as text"\nreason = "The cause."\nlink = "https://example.org/1"\n'
)
MENDED = """
[[mended]]
checks = ["post"]
by = "refuse"
outcome = "accepted"
reason = "The fault."
link = "https://example.org/2"
via = "direct"
"""
PACKAGE = {"dependencies": {"ws": "8.18.0"}}
PACKAGE_LOCK = {"packages": {"": {}, "node_modules/ws": {"version": "8.18.0", "integrity": "sha512-x"}}}


@pytest.fixture
def alpha(checkout: Path, add_service: Callable[..., Path]) -> Path:
    """A folder that lacks nothing, in a checkout that lacks nothing."""
    folder = add_service("alpha", FACTS + KNOWN + MENDED, app="print('the echo')\n")
    (folder / "chat.py").write_text("import re\n")
    (folder / "mends.py").write_text("def refuse():\n    pass\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "requirements.in").write_text("# the client\nredis[hiredis]==8.1.0\n")
    (folder / "requirements.txt").write_text(f"# locked\nredis==8.1.0 ; python_version > '3' \\\n{HASH}    # via me\n")
    compose.write(checkout)
    return folder


@pytest.fixture
def pushing(alpha: Path) -> Path:
    """The same, and one may listen to its room by plain HTTP."""
    edit(alpha, "service.toml", "foreign_origin", 'push = ["poll", "events"]\nforeign_origin')
    (alpha / "push.py").write_text("import chat\nimport room\n")
    return alpha


@pytest.fixture
def javascript(alpha: Path) -> Path:
    """The same in JavaScript."""
    for name in ("echo.py", "app.py", "chat.py", "requirements.in", "requirements.txt"):
        (alpha / name).unlink()
    (alpha / "echo.mjs").write_text('import "ws";\n')
    (alpha / "app.mjs").write_text('import { WebSocketServer } from "ws";\n')
    (alpha / "chat.mjs").write_text('import "ws";\n')
    (alpha / "package.json").write_text(json.dumps(PACKAGE))
    (alpha / "package-lock.json").write_text(json.dumps(PACKAGE_LOCK))
    (alpha / "Dockerfile").write_text(DOCKERFILE.replace("python:3.13-slim-trixie", "node:24-trixie-slim"))
    compose.write(alpha.parent.parent)
    return alpha


def said(root: Path, *names: str) -> list[str]:
    return [str(fault) for fault in lint.faults(names, root)]


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_the_lab_lacks_nothing() -> None:
    assert said(ROOT) == []


def test_a_folder_that_lacks_nothing_is_left_alone(alpha: Path, checkout: Path) -> None:
    assert said(checkout) == []


def test_a_folder_in_javascript_that_lacks_nothing_is_left_alone(javascript: Path, checkout: Path) -> None:
    assert said(checkout) == []


@pytest.mark.parametrize(
    "name", ["echo.py", "app.py", "chat.py", "run", "Dockerfile", "requirements.in", "requirements.txt"]
)
def test_a_file_that_is_missing_is_the_one_thing_said(alpha: Path, checkout: Path, name: str) -> None:
    (alpha / name).unlink()

    [fault] = said(checkout)

    assert fault.startswith(f"services/alpha/{name}: missing; ")


EDITS = {
    "a shell in between": ("run", "exec ", "", "run: leaves a shell in between"),
    "no interpreter": ("run", "#!/bin/sh\n", "", "run: does not say what runs it"),
    "another base": ("Dockerfile", "slim-trixie\n", "alpine\n", "Dockerfile: FROM python:3.13-alpine; every stage"),
    "root": ("Dockerfile", "USER 65532:65532", "USER 0:0", "Dockerfile: runs as root; write USER 65532:65532"),
    "no user": ("Dockerfile", "USER 65532:65532\n", "", "Dockerfile: runs as root"),
    "another command": ("Dockerfile", "./run", "./go", "Dockerfile: does not start ./run"),
    "a package that the image lacks": (
        "service.toml", 'foreign_origin', 'system_packages = ["gcc", "python3-dev"]\nforeign_origin',
        "Dockerfile: does not install gcc",
    ),
    "a pin that is none": ("requirements.in", "==", ">=", "requirements.in: redis[hiredis]>=8.1.0: not pinned"),
    "a pin of many": ("requirements.in", "8.1.0", "8.*", "requirements.in: redis[hiredis]==8.*: not pinned"),
    "another pin than locked": ("requirements.in", "8.1.0", "8.2.0", "requirements.txt: has redis 8.1.0"),
    "a pin that is not locked": (
        "requirements.in", "# the client", "msgspec==1", "requirements.txt: has msgspec none, not 1; run"
    ),
    "no hash": ("requirements.txt", HASH, "", "requirements.txt: redis has no hash"),
    "no code": ("app.py", "print(", "print((", "app.py: not Python"),
    "a nul": ("app.py", "print", "\0", "app.py: not Python"),
    "an echo that leans on the app": ("echo.py", "print", "import app\nprint", "echo.py: imports app; the echo has"),
    "an echo that leans on the room": ("echo.py", "print", "import room.asyncio\nprint", "echo.py: imports room; the"),
    "a chat that leans on the app": ("chat.py", "import re", "import app", "chat.py: imports app"),
    "a chat that takes from the echo": ("chat.py", "import re", "from echo import echo", "chat.py: imports echo"),
    "an echo to be written": (
        "echo.py", "print('the echo')", "raise NotImplementedError", "echo.py:1: NotImplementedError: still to be"
    ),
    "something to do": ("run", "exec", "# TODO\nexec", "run:2: TODO: still to be written"),
    "the template's summary": ("service.toml", "One sentence.", "TODO", "service.toml: summary: still the template's"),
    "the template's link": ("service.toml", "org/docs", "org/TODO", "documentation: still the template's"),
    "no cause": ("service.toml", "The cause.", "TODO", "service.toml: known binary: reason: still to be written"),
    "no issue": ("service.toml", "org/1", "org/TODO", "service.toml: known binary: link: still to be written"),
    "no such check": ("service.toml", '"binary"', '"bynary"', "service.toml: known bynary: no such check"),
    "no such check of the chat's": ("service.toml", '"binary"', '"chat-x"', "known chat-x: no such check"),
    "a right answer": (
        "service.toml", "echo as text", next(check.expects[0] for check in ALL if check.id == "binary"),
        "is the right answer; remove it",
    ),
    "known twice": (
        "service.toml", KNOWN, KNOWN + KNOWN + 'via = "proxy"\n', "known binary: twice for the route proxy"
    ),
    "a mend without a cause": ("service.toml", "The fault.", "TODO", "mended post: reason: still to be written"),
    "a mend by whom": ("service.toml", '"refuse"', '"TODO"', "service.toml: mended post: by: still to be written"),
    "a mend that is not there": ("mends.py", "def refuse", "def refused", "mended post: by: there is no refuse in me"),
    "a mend of what is known": ("service.toml", '"post"', '"binary"', "mended binary: known and mended for the route"),
    "a mend of no check": ("service.toml", '"post"', '"pest"', "service.toml: mended pest: no such check"),
    "a mend of nothing": (
        "service.toml", 'outcome = "accepted"', 'outcome = "HTTP 405"', "mended post: 'HTTP 405' is the right answer"
    ),
    "a mend that nothing holds": ("service.toml", 'via = "direct"', 'via = "proxy"', "mended post: via the proxy al"),
    "released before its time": ("service.toml", "2026-01-31", "1970-01-01", "service.toml: released: there"),
    "no settings": ("service.toml", "settings = {", "limits = {} #", "service.toml: settings: missing; say with what"),
    "another ping than the limits": (
        "service.toml", 'ping_interval = { value = "none"', 'ping_interval = { value = "20 s"',
        "settings.ping_interval: '20 s', but limits has 'none'",
    ),
    "another limit than the limits": (
        "service.toml", 'max_message = { value = "none"', 'max_message = { value = "1 MiB"',
        "settings.max_message: '1 MiB', but limits has 'none'",
    ),
    "neither on nor off": (
        "service.toml", 'deflate = { value = "on"', 'deflate = { value = "yes"', "settings.deflate: 'yes' is neither",
    ),
    "a setting to be written": ("service.toml", '"asyncio"', '"TODO"', "settings.loop: still to be written"),
    "tuned to what it is": (
        "service.toml", KNOWN, KNOWN + TUNED.replace('to = "uvloop"', 'to = "asyncio"'),
        "tuned loop: it is 'asyncio' already; remove it",
    ),
    "tuned twice": (
        "service.toml", KNOWN, KNOWN + TUNED + TUNED.replace('"LOOP"', '"EVENTS"'), "tuned loop: twice; remove one"
    ),
    "two by one variable": (
        "service.toml", KNOWN, KNOWN + TUNED + TUNED.replace('setting = "loop"', 'setting = "threads"'),
        "tuned: two have the same variable",
    ),
    "a way to push without its file": (
        "service.toml", "foreign_origin", 'push = ["poll"]\nforeign_origin', "push.py: missing, and service.toml's push"
    ),
    "no such way to push": ("service.toml", "foreign_origin", 'push = ["pull"]\nforeign_origin', "push[0]: 'pull' is"),
    "a key misspelt": ("service.toml", "title", "titel", "service.toml: titel: no such key"),
}  # fmt: skip


def test_a_push_that_service_toml_says_and_push_py_does_is_left_alone(pushing: Path, checkout: Path) -> None:
    assert said(checkout) == []


PUSHES = {
    "not said": (
        "service.toml",
        'push = ["poll", "events"]\n',
        "",
        "service.toml: push: missing, and there is a push.py",
    ),
    "nothing said": ("service.toml", '["poll", "events"]', "[]", "service.toml: push: missing, and there is a push.py"),
    "said twice": ("service.toml", '"events"', '"poll"', "service.toml: push: one way is there twice; remove one"),
    "leaning on the app": ("push.py", "import chat", "import app", "push.py: imports app; it stands on the chat"),
    "to be written": ("push.py", "import room", "import room  # TODO", "push.py:2: TODO: still to be written"),
}


@pytest.mark.parametrize(("name", "old", "new", "says"), PUSHES.values(), ids=PUSHES)
def test_each_fault_of_a_push_is_the_one_thing_said(
    pushing: Path, checkout: Path, name: str, old: str, new: str, says: str
) -> None:
    edit(pushing, name, old, new)

    [fault] = said(checkout)

    assert says in fault


@pytest.mark.parametrize(("name", "old", "new", "says"), EDITS.values(), ids=EDITS)
def test_each_fault_is_the_one_thing_said(
    alpha: Path, checkout: Path, name: str, old: str, new: str, says: str
) -> None:
    edit(alpha, name, old, new)

    [fault] = said(checkout)

    assert fault.startswith("services/alpha/")
    assert says in fault


def test_a_start_command_that_cannot_be_run_is_told(alpha: Path, checkout: Path) -> None:
    (alpha / "run").chmod(0o644)

    assert said(checkout) == ["services/alpha/run: not executable; `chmod +x` it"]


JAVASCRIPT = {
    "the other base": ("Dockerfile", "node:24-trixie-slim", "python:3.13-slim-trixie", "every stage stands on node:24"),
    "a range": ("package.json", "8.18.0", "^8.18.0", "package.json: ws: ^8.18.0 is no exact version"),
    "another version than locked": ("package.json", "8.18.0", "8.18.1", "package-lock.json: does not have ws 8.18.1"),
    "no JSON": ("package.json", "{", "", "package.json: not a JSON object"),
    "no dependencies": ("package.json", "dependencies", "optional", "package.json: no dependencies"),
    "no lock at all": ("package-lock.json", "packages", "pack", "package-lock.json: does not have ws 8.18.0"),
    "no hash": ("package-lock.json", "integrity", "int", "package-lock.json: node_modules/ws has no hash"),
    "an address": (
        "package-lock.json", '"integrity"', '"resolved": "https://example.org/ws", "integrity"', "has the address of a"
    ),
    "a chat that leans on the app": ("chat.mjs", 'import "ws"', 'import { a } from "./app.mjs"', "imports app"),
    "an echo that leans on the app": ("echo.mjs", 'import "ws"', 'import { a } from "./app"', "imports app"),
    "something to do": ("app.mjs", "import", "// TODO\nimport", "app.mjs:1: TODO: still to be written"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "says"), JAVASCRIPT.values(), ids=JAVASCRIPT)
def test_each_fault_in_javascript_is_told(
    javascript: Path, checkout: Path, name: str, old: str, new: str, says: str
) -> None:
    edit(javascript, name, old, new)

    assert [fault for fault in said(checkout) if says in fault] != []
    assert {fault.split("/")[1] for fault in said(checkout)} == {"alpha"}


COMPOSE = {
    "no block": ("  alpha:", "  beta:"),
    "another stack": ("service: stack", "service: part"),
    "another folder": ("context: alpha", "context: other"),
    "another era": ("modern", "article"),
    "not YAML": ("services:", "services: ["),
    "something else": ("services:", "other:"),
}


@pytest.mark.parametrize(("old", "new"), COMPOSE.values(), ids=COMPOSE)
def test_a_block_that_is_not_as_written_is_told(alpha: Path, checkout: Path, old: str, new: str) -> None:
    edit(checkout, "services/stacks.yaml", old, new)

    block = ["services/stacks.yaml: its block alpha is missing or out of date; run `make format`"]
    assert said(checkout) == ["services/stacks.yaml: missing or out of date; run `make format`"]
    assert said(checkout, "alpha") == block


def test_a_block_of_another_era_than_the_service_is_told(alpha: Path, checkout: Path) -> None:
    edit(alpha, "service.toml", '"modern"', '"article"')

    assert said(checkout) == ["services/stacks.yaml: missing or out of date; run `make format`"]


def test_a_block_without_a_folder_is_told(alpha: Path, checkout: Path) -> None:
    edit(checkout, "services/stacks.yaml", "services:\n", "services:\n  beta: {build: beta}\n")

    assert said(checkout) == ["services/stacks.yaml: missing or out of date; run `make format`"]
    assert said(checkout, "alpha") == []


def test_a_compose_file_that_is_not_there_is_told(alpha: Path, checkout: Path) -> None:
    (checkout / "services/stacks.yaml").unlink()

    assert said(checkout) == ["services/stacks.yaml: missing or out of date; run `make format`"]


def test_a_compose_file_that_is_out_of_date_is_written_once(alpha: Path, checkout: Path) -> None:
    edit(checkout, "services/stacks.yaml", "modern", "article")

    assert compose.write(checkout)
    assert said(checkout) == []
    assert not compose.write(checkout)


@pytest.mark.parametrize("name", ["on", "null", "y"])
def test_a_name_that_yaml_takes_for_a_value_stays_a_name(
    checkout: Path, add_service: Callable[..., Path], name: str
) -> None:
    add_service(name)
    compose.write(checkout)

    written = yaml.safe_load((checkout / "services/stacks.yaml").read_text())

    assert written["services"][name]["build"]["context"] == name


def test_tables_that_are_out_of_date_are_told(alpha: Path, checkout: Path) -> None:
    (checkout / "README.md").write_text((ROOT / "README.md").read_text("utf-8"), "utf-8")
    (checkout / "results").symlink_to(ROOT / "results")

    assert said(checkout) == ["README.md: its generated parts are out of date; run `make format`"]
    assert said(checkout, "alpha") == []


def test_every_folder_is_told_of_even_where_one_cannot_be_read(
    alpha: Path, checkout: Path, add_service: Callable[..., Path]
) -> None:
    add_service("broken", "title = ")
    edit(alpha, "service.toml", "One sentence.", "TODO")

    found = said(checkout)

    assert any(fault.startswith("services/broken/service.toml: not valid TOML") for fault in found)
    assert "services/broken/Dockerfile: missing; copy services/_template's" in found
    assert any(fault.startswith("services/alpha/service.toml: summary") for fault in found)
    assert [fault for fault in said(checkout, "alpha") if "broken" in fault] == []


def test_a_folder_that_is_no_prefix_is_told(checkout: Path, alpha: Path, add_service: Callable[..., Path]) -> None:
    add_service("Under_score")

    assert said(checkout)[0].startswith("services/Under_score: 'Under_score' cannot be a URL prefix; rename the folder")


def test_a_name_that_no_folder_has_is_refused(alpha: Path, checkout: Path) -> None:
    with pytest.raises(CatalogError, match="no folder services/nosuch; there are alpha"):
        lint.faults(["nosuch"], checkout)


@pytest.mark.parametrize(("names", "status"), [([], 0), (["nosuch"], 2)])
def test_the_command_ends_with_what_it_found(names: list[str], status: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "echowall", "lint", *names], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == status
    assert "Traceback" not in done.stderr

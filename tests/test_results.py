"""The store of results: what a run has to say of itself, and that no run is ever written over."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from echowall.catalog import compose, lint
from echowall.catalog.catalog import ROOT
from echowall.lab.containers import Containers
from echowall.results import provenance, store
from echowall.results.index import Index
from echowall.results.model import CheckRun, Examined, Limits, Question, Result
from echowall.results.store import StoreError
from echowall.results.verdicts import Verdict
from tests.runs import facts

SECONDS = iter(range(10_000))


def examined(
    name: str,
    via: Literal["direct", "proxy"] = "direct",
    mends: Literal["on", "off"] = "on",
    **outcomes: tuple[Verdict, str],
) -> Examined:
    """A service of which this was found, by checks whose ids have hyphens for underscores."""
    results = [
        Result(check=check.replace("_", "-"), verdict=verdict, outcome=outcome)
        for check, (verdict, outcome) in outcomes.items()
    ]
    return Examined(
        name=name,
        url="ws://127.0.0.1:8000/foobar/",
        via=via,
        versions={"python": "3.13.5"},
        limits=Limits(max_message=None, ping_interval=20),
        mends=mends,
        results=results or [Result(check="text", verdict=Verdict.PASS, outcome="echo")],
    )


def run(*targets: Examined) -> CheckRun:
    """A run over these, a second after the one before it."""
    began = datetime.fromtimestamp(1_795_000_000 + next(SECONDS), UTC)
    checks = dict.fromkeys(result.check for target in targets for result in target.results)
    return CheckRun(
        **facts(began),
        checks=[
            Question(id=check, group="messages", section="RFC 6455, 5.6", question="Is it?", expects=("echo",))
            for check in checks
        ],
        targets=list(targets),
    )


def test_a_run_comes_back_from_the_store_as_it_was(tmp_path: Path) -> None:
    kept = run(examined("alpha"), examined("alpha", "proxy"))

    file = store.add(kept, tmp_path)

    assert file == tmp_path / f"results/check/{kept.began:%Y%m%dT%H%M%SZ}-0123456.json"
    assert store.runs(tmp_path) == [kept]
    assert file.read_bytes().count(b"\n") == 1


def test_no_run_is_written_over(tmp_path: Path) -> None:
    kept = run(examined("alpha"))
    file = store.add(kept, tmp_path)
    before = file.read_bytes()
    kept.engine = "Docker Engine 27.5.1"

    with pytest.raises(StoreError, match="no run is ever written over"):
        store.add(kept, tmp_path)

    assert file.read_bytes() == before


EMPTY: dict[str, Callable[[CheckRun], Any]] = {
    "commit": lambda run: setattr(run, "commit", None),
    "clean": lambda run: setattr(run, "clean", None),
    "engine": lambda run: setattr(run, "engine", None),
    "machine.processor": lambda run: setattr(run, "machine", msgspec.structs.replace(run.machine, processor="")),
    "checks": lambda run: run.checks.clear(),
    "targets": lambda run: run.targets.clear(),
    "targets[1].via": lambda run: setattr(run.targets[1], "via", None),
    "targets[1].versions": lambda run: run.targets[1].versions.clear(),
    "targets[1].versions.python": lambda run: run.targets[1].versions.update(python=""),
    "targets[1].limits": lambda run: setattr(run.targets[1], "limits", None),
    "targets[1].mends": lambda run: setattr(run.targets[1], "mends", None),
    "targets[1].results": lambda run: run.targets[1].results.clear(),
    "targets[1].results[0].outcome": lambda run: setattr(run.targets[1].results[0], "outcome", ""),
}


@pytest.mark.parametrize(("path", "empty"), EMPTY.items(), ids=EMPTY)
def test_a_run_without_what_is_promised_is_not_taken_and_not_left_in_peace(
    path: str, empty: Callable[[CheckRun], Any], tmp_path: Path
) -> None:
    lacking = run(examined("alpha"), examined("alpha", "proxy"))
    empty(lacking)

    with pytest.raises(StoreError) as refused:
        store.add(lacking, tmp_path)
    (tmp_path / "results/check").mkdir(parents=True)
    file = tmp_path / f"results/check/{lacking.id}.json"
    file.write_bytes(store.encode(lacking))

    assert f"{path} must not be empty" in str(refused.value)
    assert list(store.faults(tmp_path)) == [(file, f"{path} must not be empty")]


def test_a_run_that_was_interrupted_is_not_taken(tmp_path: Path) -> None:
    cut = run(examined("alpha"))
    cut.interrupted = True

    with pytest.raises(StoreError, match="interrupted"):
        store.add(cut, tmp_path)


def test_nothing_in_the_store_is_empty_that_may_not_be() -> None:
    assert list(store.faults(ROOT)) == []


def test_a_file_under_another_name_and_one_that_is_none_are_told(tmp_path: Path) -> None:
    file = store.add(run(examined("alpha")), tmp_path)
    file.rename(file.with_name("today.json"))
    file.with_name("other.json").write_bytes(msgspec.json.encode({"schema": "of something else"}))

    (_, none), (_, named) = store.faults(tmp_path)

    assert none.startswith("no results of a run of Echo Wall: ")
    assert named == f"holds the run check/{file.stem}; name it so"


def test_the_index_lists_every_run_and_is_held_to_it(checkout: Path, add_service: Callable[..., Path]) -> None:
    add_service("alpha")
    compose.write(checkout)
    kept = [run(examined("alpha"), examined("alpha", "proxy")), run(examined("alpha", mends="off"))]
    for one in kept:
        store.add(one, checkout)
    index = checkout / "results/index.json"
    listed = msgspec.json.decode(index.read_bytes())["runs"]
    told = [str(fault) for fault in lint.faults(root=checkout) if fault.file.startswith("results")]
    index.write_text('{"runs": []}')
    told_then = [str(fault) for fault in lint.faults(root=checkout) if fault.file.startswith("results")]

    assert [one["id"] for one in listed] == [one.id for one in kept]
    assert [one["mends"] for one in listed] == [["on"], ["off"]]
    assert [one["targets"] for one in listed] == [["alpha"], ["alpha"]]
    assert told == []
    assert told_then == ["results/index.json: its generated parts are out of date; run `make format`"]


def test_the_index_has_the_newest_answers_of_each_service_by_route_and_mends(tmp_path: Path) -> None:
    right, wrong, absent, undecided = (
        (Verdict.PASS, "echo"),
        (Verdict.FAIL, "silence"),
        (Verdict.UNSUPPORTED, "not offered"),
        (Verdict.ERROR, "no connection"),
    )
    store.add(run(examined("alpha", text=wrong), examined("beta", text=right, binary=wrong)), tmp_path)
    newer = run(examined("alpha", text=right, binary=wrong, deflate=absent, ping=undecided))
    store.add(newer, tmp_path)
    bare = run(examined("alpha", mends="off", text=wrong))
    store.add(bare, tmp_path)

    index = msgspec.json.decode((tmp_path / "results/index.json").read_bytes(), type=Index)

    assert index.groups == {"messages": ["text", "binary", "deflate", "ping"]}
    told = {(one.name, one.mends): (one.right, one.wrong, one.absent, one.other) for one in index.checks}
    assert told == {
        ("alpha", "on"): (1, ["binary"], ["deflate"], 1),
        ("beta", "on"): (1, ["binary"], [], 0),
        ("alpha", "off"): (0, ["text"], [], 0),
    }
    files = {(one.name, one.mends): one.file for one in index.checks}
    assert files["alpha", "on"] == f"check/{newer.id}.json"
    assert files["alpha", "off"] == f"check/{bare.id}.json"


def test_a_file_in_the_store_was_never_changed() -> None:
    changed = subprocess.run(
        ["git", "log", "--diff-filter=M", "--format=", "--name-only", "--", "results/*/*Z-*.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert changed == []


def test_results_import_no_runner() -> None:
    runners = tuple(f"echowall.{room}" for room in ("bench", "check", "cli", "conformance", "lab"))
    found = [
        (file.name, module)
        for file in (ROOT / "echowall/results").glob("*.py")
        for module in _imported(ast.parse(file.read_text("utf-8")))
        if module.startswith(runners)
    ]

    assert found == []


def _imported(tree: ast.Module) -> set[str]:
    """Every module, and every name that is taken from one and may be a module."""
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            modules |= {f"{node.module}.{name.name}" for name in node.names}
    return modules


@pytest.mark.usefixtures("engine")
def test_a_container_engine_is_told_with_its_version() -> None:
    assert re.fullmatch(r"Docker Engine \d+\.\d+\S*", Containers().engine())


def test_the_commit_is_told_and_whether_anything_but_results_was_changed(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    none = provenance.checkout(tmp_path)
    git("init", "--quiet")
    (tmp_path / "file").write_text("as committed\n")
    git("add", "file")
    git("commit", "--quiet", "--message", "A file")
    (tmp_path / "results").mkdir()
    (tmp_path / "results/index.json").write_text("{}")
    clean = provenance.checkout(tmp_path)
    (tmp_path / "file").write_text("changed\n")
    changed = provenance.checkout(tmp_path)
    (tmp_path / "copy").mkdir()

    assert none == (None, None)
    commit = git("rev-parse", "HEAD")
    assert clean == (commit, True)
    assert changed == (commit, False)
    assert provenance.checkout(tmp_path / "copy") == (None, None)

"""Who asks a lab something has it alone, until their process ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from echowall import cli
from echowall.catalog.catalog import ROOT
from echowall.lab import turn
from echowall.lab.lab import LabError
from echowall.lab.processes import Processes

#: Takes the turn, says so, and ends with its standard input.
HOLDER = """
import sys
from pathlib import Path
from echowall.lab import turn
turn.take(Path(sys.argv[1]), "`somebody`", lambda why: print(why, flush=True))
print("taken", flush=True)
sys.stdin.read()
"""


@contextmanager
def somebody(root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that takes the turn, or waits for it."""
    command = [sys.executable, "-c", HOLDER, str(root)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def said_by(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout
    return process.stdout.readline().strip()


def test_a_second_one_waits_for_the_first_and_says_for_whom(tmp_path: Path) -> None:
    with somebody(tmp_path) as first:
        assert said_by(first) == "taken"
        with somebody(tmp_path) as second:
            assert said_by(second).startswith(f"`somebody` (process {first.pid}) has the lab; this waits until it is")

            first.kill()

            assert said_by(second) == "taken"


def test_who_waits_too_long_is_told_who_has_it(tmp_path: Path) -> None:
    told: list[str] = []
    with somebody(tmp_path) as first:
        assert said_by(first) == "taken"
        with pytest.raises(LabError, match=rf"process {first.pid}\) has had the lab for more than 0.1 s; end it, or"):
            turn.take(tmp_path, "`another`", told.append, patience=0.1)
    assert len(told) == 1


def test_it_may_be_taken_twice_by_one_process(tmp_path: Path) -> None:
    for _ in range(2):
        turn.take(tmp_path, "`somebody`", pytest.fail)


def test_two_labs_have_a_turn_each(tmp_path: Path) -> None:
    with somebody(tmp_path / "one") as first, somebody(tmp_path / "two") as second:
        assert said_by(first) == said_by(second) == "taken"


def test_a_command_waits_for_its_turn_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = Processes(tmp_path)
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.setattr(cli, "_running", lambda: lab)
    with somebody(tmp_path) as first, ThreadPoolExecutor() as pool:
        assert said_by(first) == "taken"
        running = pool.submit(cli._alone("check"))
        with pytest.raises(TimeoutError):
            running.result(timeout=0.5)

        first.kill()

        assert running.result(timeout=10) is lab
    assert f"`somebody` (process {first.pid}) has the lab; this waits" in capsys.readouterr().err
    with pytest.raises(LabError, match=rf"`echowall check` \(process {os.getpid()}\) has had the lab"):
        take_as_another(tmp_path)


def take_as_another(root: Path) -> None:
    """Try to take it as a process that does not have it."""
    held = turn._held.pop(root / ".echowall/turn")
    try:
        turn.take(root, "`another`", lambda why: None, patience=0.1)
    finally:
        held.close()

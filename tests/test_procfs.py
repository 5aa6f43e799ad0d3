"""The descendants of a process, as Linux tells them and as they are found where it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from echowall.lab import procfs

#: A process with a child of its own, and one that another of its threads has started, which has a child as well. It
#: prints the pids of all, and goes on until its standard input ends.
PROGRAM = """
import subprocess, sys, threading

WAITS = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WAITS!r}])"

def start(program):
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    return child.pid, int(child.stdout.readline())

def in_a_thread():
    print(*start(PARENT), flush=True)
    sys.stdin.read()  # a thread that has ended leaves its children to another

print(start(WAITS)[0], end=" ")
threading.Thread(target=in_a_thread).start()
"""


@pytest.fixture
def tree() -> Iterator[list[int]]:
    """A process with three descendants; gives their pids, its own first."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        yield [process.pid, *map(int, process.stdout.readline().split())]


def test_the_family_is_the_process_and_all_its_descendants(tree: list[int]) -> None:
    assert procfs.family(tree[0])[0] == tree[0]
    assert sorted(procfs.family(tree[0])) == sorted(tree)
    assert procfs.family(tree[3]) == [tree[3]]


def test_it_is_the_same_where_linux_does_not_tell_the_children(
    tree: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in (*tree, os.getpid()):  # without task/TID/children
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(Path(f"/proc/{pid}/stat").read_text())
    (tmp_path / "self").symlink_to(str(os.getpid()))
    monkeypatch.setattr(procfs, "_PROC", tmp_path)

    assert sorted(procfs.family(tree[0])) == sorted(tree)


def test_who_has_ended_has_no_descendants() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass

    assert procfs.family(process.pid) == [process.pid]


def test_without_proc_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procfs, "_PROC", tmp_path)

    with pytest.raises(procfs.UnknownError, match="on Linux only"):
        procfs.family(os.getpid())

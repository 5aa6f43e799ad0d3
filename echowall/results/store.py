"""The store: `results/KIND/ID.json`, one file a run. A run is added, and never changed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from echowall.catalog.catalog import ROOT
from echowall.results import index as contents
from echowall.results.model import AttackRun, BenchRun, CheckRun, ConformanceRun, SoakRun, SocketsRun, empty_fields

#: A run of any kind.
AnyRun = CheckRun | ConformanceRun | BenchRun | SoakRun | SocketsRun | AttackRun
INDEX = "index.json"


class StoreError(Exception):
    """A run that the store does not take, or a file in it that is none: says why."""


def encode(run: AnyRun) -> bytes:
    """A run as JSON on one line."""
    return msgspec.json.encode(run) + b"\n"


def read(file: Path) -> AnyRun:
    """The run in a file, whether in the store or not. Raises StoreError where it holds none."""
    try:
        run: AnyRun = msgspec.json.decode(file.read_bytes(), type=AnyRun)
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(f"{file}: no results of a run of Echo Wall: {error}") from None
    return run


def add(run: AnyRun, root: Path = ROOT) -> Path:
    """Put a run into the store; gives its file there.

    Raises StoreError where the run is not of the lab's services alone, was interrupted, lacks what results promise, or
    is there already.
    """
    if run.interrupted:
        raise StoreError("the store does not take a run that was interrupted: answers are missing")
    if lacking := list(empty_fields(run)):
        raise StoreError(f"the store does not take this run: {', '.join(lacking[:5])} must not be empty")
    file = root / "results" / contents.kind(run) / f"{run.id}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("xb") as new:  # never in the place of another
            new.write(encode(run))
    except FileExistsError:
        raise StoreError(f"{file}: there is such a run already, and no run is ever written over") from None
    except BaseException:
        file.unlink(missing_ok=True)  # whole or not at all
        raise
    (root / "results" / INDEX).write_bytes(index(root))
    return file


def runs(root: Path = ROOT) -> list[AnyRun]:
    """Every run in the store, from the oldest to the newest. Raises StoreError for a file that is none."""
    return sorted(map(read, files(root)), key=lambda run: (run.began, run.id))


def files(root: Path = ROOT) -> list[Path]:
    """The files of the store that hold runs."""
    return sorted((root / "results").glob("*/*.json"))


def faults(root: Path = ROOT) -> Iterable[tuple[Path, str]]:
    """What is wrong with the files of the store: which file, and what."""
    for file in files(root):
        try:
            run = read(file)
        except StoreError as error:
            yield file, str(error).removeprefix(f"{file}: ")
            continue
        if (file.parent.name, file.stem) != (contents.kind(run), run.id):
            yield file, f"holds the run {contents.kind(run)}/{run.id}; name it so"
        for path in empty_fields(run):
            yield file, f"{path} must not be empty"


def index(root: Path = ROOT) -> bytes:
    """What `results/index.json` has to hold."""
    return msgspec.json.format(msgspec.json.encode(contents.of(runs(root))), indent=1) + b"\n"

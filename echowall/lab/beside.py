"""One more instance of a service, beside the running one: without its mends, or its echo alone.

What both kinds of lab need to run one.
"""

from __future__ import annotations

import fcntl
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from echowall.lab import signals
from echowall.lab.lab import PATIENCE, Endpoint, LabError, Variant, answers


def folder(root: Path) -> Path:
    """Where the files of such instances are kept while they run."""
    return root / ".echowall" / "beside"


@contextmanager
def instance(
    root: Path,
    name: str,
    variant: Variant,
    *,
    start: Callable[[], None],
    find: Callable[[], Endpoint | None],
    remove: Callable[[], None],
) -> Iterator[Endpoint]:
    """Run one more instance of the service `name` until it is left. It is removed whatever happens.

    `start` starts it and does not wait. `find` says where it listens, or None if that is not known yet, and raises
    LabError if it has been given up. `remove` stops it and removes its files; it may be called if there is none.

    Raises LabError if it does not answer within PATIENCE, or if another run has one of this variant and service.
    """
    with signals.raised(), _sole(root, name, variant):
        try:
            with signals.held():
                remove()  # a run that was killed may have left one
                start()
            yield _answering(name, variant, find)
        finally:
            with signals.held():
                remove()


def failed(name: str, variant: Variant, log: str) -> LabError:
    """The error to raise if the instance has been given up."""
    return LabError(f"{name} did not come up {variant.words}. The end of its log:\n{log.strip() or '(empty)'}")


def removed(name: str, variant: Variant) -> LabError:
    """The error to raise if the instance is not there any more."""
    return LabError(
        f"{name} {variant.words} was removed while it came up; was the lab stopped? start it with `make up`"
    )


def _answering(name: str, variant: Variant, find: Callable[[], Endpoint | None]) -> Endpoint:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if (endpoint := find()) and _answers(endpoint, variant):
            return endpoint
        time.sleep(0.1)
    due = f"answer GET {variant.path} with 200" if variant.path else "take a connection"
    raise LabError(f"{name} {variant.words} did not {due} within {PATIENCE} s")


def _answers(endpoint: Endpoint, variant: Variant) -> bool:
    if variant.path is None:
        try:
            socket.create_connection((endpoint.host, endpoint.port), timeout=3).close()
        except OSError:
            return False
        return True
    return answers(f"http://{endpoint.host}:{endpoint.port}{variant.path}")


@contextmanager
def _sole(root: Path, name: str, variant: Variant) -> Iterator[None]:
    """See that no other run has such an instance of this service. The lock is released when the tool ends."""
    folder(root).mkdir(parents=True, exist_ok=True)
    with (folder(root) / f"{variant.called(name)}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(
                f"another run has an instance of {name} {variant.words}; wait until it is done, or end it"
            ) from None
        yield

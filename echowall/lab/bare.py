"""A bare instance: one more instance of a service, with MENDS=off. What both kinds of lab need to run it."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from echowall.lab import signals
from echowall.lab.lab import PATIENCE, Endpoint, LabError

#: What is different in its environment.
ENVIRONMENT = {"MENDS": "off"}


def folder(root: Path) -> Path:
    """Where its files are kept while it runs."""
    return root / ".echowall" / "bare"


def called(name: str) -> str:
    """The name of its program or container. No service can have this name."""
    return f"{name}_bare"


@contextmanager
def instance(
    root: Path,
    name: str,
    *,
    start: Callable[[], None],
    find: Callable[[], Endpoint | None],
    remove: Callable[[], None],
) -> Iterator[Endpoint]:
    """Run a bare instance of the service `name` until it is left. It is removed whatever happens.

    `start` starts it and does not wait. `find` says where it listens, or None if that is not known yet, and raises
    LabError if it has been given up. `remove` stops it and removes its files; it may be called if there is none.

    Raises LabError if it does not answer within PATIENCE, or if another run has a bare instance of the same service.
    """
    with signals.raised(), _sole(root, name):
        try:
            with signals.held():
                remove()  # a run that was killed may have left one
                start()
            yield _answering(name, find)
        finally:
            with signals.held():
                remove()


def failed(name: str, log: str) -> LabError:
    """The error to raise if the instance has been given up."""
    return LabError(f"{name} did not come up without its mends. The end of its log:\n{log.strip() or '(empty)'}")


def removed(name: str) -> LabError:
    """The error to raise if the instance is not there any more."""
    return LabError(
        f"{name} without its mends was removed while it came up; was the lab stopped? start it with `make up`"
    )


def _answering(name: str, find: Callable[[], Endpoint | None]) -> Endpoint:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if (endpoint := find()) and _answers(endpoint):
            return endpoint
        time.sleep(0.1)
    raise LabError(f"{name} without its mends did not answer GET /about with 200 within {PATIENCE} s")


def _answers(endpoint: Endpoint) -> bool:
    try:
        url = f"http://{endpoint.host}:{endpoint.port}/about"
        return httpx.get(url, timeout=3, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@contextmanager
def _sole(root: Path, name: str) -> Iterator[None]:
    """See that no other run has a bare instance of this service. The lock is released when the tool ends."""
    folder(root).mkdir(parents=True, exist_ok=True)
    with (folder(root) / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(
                f"another run has an instance of {name} without its mends; wait until it is done, or end it"
            ) from None
        yield

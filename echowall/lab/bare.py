"""One more instance of a service, with MENDS=off, beside the running one: what both kinds of lab need for it."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from echowall.lab import signals
from echowall.lab.lab import PATIENCE, Endpoint, LabError

#: What it has in its environment beside what the running instance has.
ENVIRONMENT = {"MENDS": "off"}


def folder(root: Path) -> Path:
    """Where what is needed to run it is kept while it runs."""
    return root / ".echowall" / "bare"


def called(name: str) -> str:
    """What it is called where the lab calls the running one by the service's name. No service can be called so."""
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
    """An instance of the service `name` that answers, and is gone at the end, whatever happens in between.

    `start` makes it, without waiting; `find` gives its place, or None as long as it has none, and raises LabError where
    it has been given up; `remove` stops it and leaves nothing, and does no harm where there is none.

    Raises LabError where it does not answer within PATIENCE, or where another run has one of the same service.
    """
    with signals.raised(), _sole(root, name):
        try:
            with signals.held():
                remove()  # what a tool that was killed may have left
                start()
            yield _answering(name, find)
        finally:
            with signals.held():
                remove()


def failed(name: str, log: str) -> LabError:
    """What to raise where the instance has been given up."""
    return LabError(f"{name} did not come up without its mends. The end of its log:\n{log.strip() or '(empty)'}")


def removed(name: str) -> LabError:
    """What to raise where the instance is not there any more."""
    return LabError(f"{name} without its mends was removed while it came up: the lab was stopped meanwhile")


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
    """Be the one run that has a bare instance of this service. The lock ends with the tool, however that ends."""
    folder(root).mkdir(parents=True, exist_ok=True)
    with (folder(root) / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(
                f"another run has an instance of {name} without its mends; wait until it is done, or end it"
            ) from None
        yield

"""Runs `wstest` over some cases, and sees that it ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import shutil
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from echowall.catalog.autobahn import group
from echowall.catalog.catalog import ROOT
from echowall.conformance import report
from echowall.conformance.install import CERTIFICATES, Suite
from echowall.conformance.report import AGENT, CaseReport

#: How long a case may take, in seconds, by its group. Most end by themselves within 10 s, whatever the target does;
#: those with many or large messages wait for 1 to 16 minutes, which is more than a server needs that does not hang.
_BOUNDS = {"9": 30.0, "12": 60.0, "13": 60.0}
_BOUND = 20.0
#: How long the suite may take to start and to put its first case, in seconds.
_START = 60.0
#: How long the suite waits for a handshake, opening or closing, in seconds. It would wait for a close for one second,
#: which is now and then too short on a busy machine.
_PATIENCE = {"openHandshakeTimeout": 10, "closeHandshakeTimeout": 4}
#: Where the certificates that this Python trusts may be.
_BUNDLES = (Path(ssl.get_default_verify_paths().cafile or "/"), Path("/etc/ssl/certs/ca-certificates.crt"))
_BEGINS = re.compile(rb"Running test case ID (\S+) for agent ")
_numbers = itertools.count(1)


class Address(NamedTuple):
    """An endpoint, as the suite is told of it."""

    url: str
    subprotocols: tuple[str, ...] = ()
    insecure: bool = False
    """Whether any certificate will do."""
    ca: Path | None = None
    """The certificates to trust, for `wss://`; None for those of the system."""
    hide: Callable[[str], str] = str
    """Masks what is secret of it."""


class Put(NamedTuple):
    """What came of some cases."""

    reports: dict[str, CaseReport]
    """Of the cases that ended."""
    hung: str | None = None
    """The case that did not end within its bound."""
    said: str = ""
    """The last line that was printed."""


def bound(case: str, scale: float = 1.0) -> float:
    """How long a case may take, in seconds."""
    return scale * _BOUNDS.get(group(case), _BOUND)


def takes_long(case: str) -> bool:
    """Whether it is one of those with many or large messages."""
    return group(case) in _BOUNDS


async def put(
    suite: Suite, address: Address, cases: Sequence[str], begins: Callable[[str], None], *, scale: float = 1.0
) -> Put:
    """Put these cases, one after the other, and tell of each when it begins.

    The suite reports when all of them have ended, so where one does not end within its bound, nothing is known of
    those before it either. `scale` multiplies the bounds. The process has ended when this returns, or is cancelled.
    """
    name = f"echowall-autobahn-{os.getpid()}-{next(_numbers)}"
    with _folder(name) as folder:
        (folder / "spec.json").write_bytes(msgspec.json.encode(_specification(address, cases, folder)))
        if trusted := next((file for file in (address.ca, *_BUNDLES) if file and file.is_file()), None):
            shutil.copyfile(trusted, folder / CERTIFICATES)
        process = await asyncio.create_subprocess_exec(
            *suite.command(folder, name),
            cwd=ROOT,
            env=suite.environment(folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the tool, which ends the process itself
        )
        try:
            hung, said = await _follow(process, begins, scale)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                suite.clear(name)
                await process.wait()
        reports = report.read(folder / "report")
        return Put(reports, hung if hung not in reports else None, address.hide(said))


async def _follow(
    process: asyncio.subprocess.Process, begins: Callable[[str], None], scale: float
) -> tuple[str | None, str]:
    """Read what it prints until it ends; gives the case that does not end, and the last line."""
    output = process.stdout or asyncio.StreamReader()
    case, said = None, ""
    while True:
        try:
            async with asyncio.timeout(bound(case, scale) if case else _START):
                line = await output.readline()
                if not line:
                    await process.wait()
                    return None, said
        except TimeoutError:
            return case or "", said
        said = line.decode("utf-8", "replace").strip() or said
        if found := _BEGINS.match(line):
            case = found[1].decode()
            begins(case)


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    folder = ROOT / ".echowall" / "conformance" / "runs" / name
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _specification(address: Address, cases: Sequence[str], folder: Path) -> dict[str, Any]:
    """What `wstest -s` reads."""
    server: dict[str, Any] = {"agent": AGENT, "url": address.url, "protocols": list(address.subprotocols)}
    if urlsplit(address.url).scheme == "wss" and not address.insecure:
        server["hostname"] = urlsplit(address.url).hostname  # with it the certificate is verified
    return {
        "outdir": str(folder / "report"),
        "servers": [server],
        "options": _PATIENCE,
        "cases": list(cases),
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }

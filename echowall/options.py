"""What the commands that examine services and URLs share: their options, and what they do with those."""

from __future__ import annotations

import os
import signal
import ssl
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT, CatalogError, Service
from echowall.results import store
from echowall.results.store import AnyRun, StoreError

err = Console(stderr=True, soft_wrap=True)


class Via(StrEnum):
    """How the services of the lab are reached."""

    DIRECT = "direct"
    PROXY = "proxy"
    BOTH = "both"


Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME | ERA | URL]...",
        help="Services of the lab, all of an era, or ws:// and wss:// URLs; without any, the whole lab.",
    ),
]
Route = Annotated[Via, typer.Option(help="The route to a service of the lab.")]
Save = Annotated[bool, typer.Option("--save", help="Keep the run in the store of results.")]
Subprotocols = Annotated[list[str] | None, typer.Option(help="Offered to a URL; may be repeated.")]
Headers = Annotated[list[str] | None, typer.Option(metavar="'NAME: VALUE'", help="Sent to a URL; may be repeated.")]
Ca = Annotated[Path | None, typer.Option(help="The CA's certificate, for a wss:// URL.")]
Cert = Annotated[Path | None, typer.Option(help="A client's certificate in PEM, for a wss:// URL.")]
Key = Annotated[Path | None, typer.Option(help="Its private key, where it is in another file.")]
Insecure = Annotated[bool, typer.Option("--insecure", help="Trust any certificate.")]
Proxy = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Reach a URL through this HTTP proxy, or `none`; by default HTTPS_PROXY, HTTP_PROXY, ALL_PROXY "
        "and NO_PROXY count.",
    ),
]


def split(targets: Iterable[str] | None) -> tuple[list[str], list[str]]:
    """The URLs among these, each once, and the names of services."""
    given = list(targets or [])
    return list(dict.fromkeys(one for one in given if "://" in one)), [one for one in given if "://" not in one]


def plain_services(names: Iterable[str]) -> list[Service]:
    """The services that are meant. One that does not speak plain WebSocket is left out, and that is said.

    Raises BadParameter.
    """
    try:
        chosen = catalog.choose(catalog.load(), names)
    except CatalogError as error:
        raise typer.BadParameter(str(error)) from None
    for one in chosen:
        if one.protocol != "websocket":
            err.print(f"left out: {one.name}, which speaks {one.protocol} and no plain WebSocket", highlight=False)
    return [one for one in chosen if one.protocol == "websocket"]


@contextmanager
def sigterm_like_ctrl_c() -> Iterator[None]:
    """Meanwhile SIGTERM, which CI sends where Ctrl-C cannot be pressed, ends the run just as well."""

    def interrupt(*_: object) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a job in the background
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)  # asyncio's own handler cancels the run first

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def with_mends(services: Iterable[Service], names: Iterable[str]) -> list[Service]:
    """Those that have something to switch off, or were asked for by name; says which are left out."""
    left_out = [one.name for one in services if one.name not in names and not one.has_mends]
    if left_out:
        err.print(f"left out, for they have no mends to switch off: {', '.join(left_out)}", highlight=False)
    return [one for one in services if one.name not in left_out]


def keep(run: AnyRun) -> None:
    """Add the run to the store of results, and say where. Where that cannot be, say why, and end with 1."""
    try:
        file = store.add(run)
    except StoreError as error:
        err.print(f"[red]echowall:[/red] {escape(str(error))}", highlight=False)
        sys.exit(1)
    err.print(f"kept as {file.relative_to(ROOT)}; `make format` writes the documents from it", highlight=False)


def tls_context(ca: Path | None, cert: Path | None, key: Path | None, *, insecure: bool) -> ssl.SSLContext:
    """What the options say of TLS. Raises BadParameter for files that are not what they should be."""
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
    except OSError as error:
        raise typer.BadParameter(f"--ca {ca}: {error.strerror or error}; name a file of PEM certificates") from None
    if key and not cert:
        raise typer.BadParameter(f"--key {key} goes with a certificate: name its file by --cert")
    if cert:
        _identify(context, cert, key)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _identify(context: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    """Show that certificate to servers that want one."""
    files = f"--cert {cert}" + (f" --key {key}" if key else "")

    def ask() -> str:
        raise typer.BadParameter(f"{files}: the key is encrypted; write it decrypted to a file of its own")

    try:
        context.load_cert_chain(cert, key, ask)
    except ssl.SSLError as error:
        why = "the two do not belong together" if error.reason == "KEY_VALUES_MISMATCH" else "no PEM of both is there"
        raise typer.BadParameter(f"{files}: {why}; name a certificate and its private key, in PEM") from None
    except OSError as error:
        raise typer.BadParameter(f"{files}: {error.strerror or error}; name files that can be read") from None


def writable(option: str, file: Path) -> None:
    """Raise BadParameter, before the run, where its results could not be written there."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"{option} {file}: {error.strerror}; name a file that can be written") from None
    if file.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK):
        raise typer.BadParameter(f"{option} {file}: it cannot be written; name a file that can")

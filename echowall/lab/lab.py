"""What the commands need of a running lab, of either kind, and how to wait until it is healthy."""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from rich.console import Console
from rich.live import Live
from rich.table import Table

from echowall.catalog.catalog import Service

#: How long a lab that has been started may take to become healthy, in seconds.
PATIENCE = 60
#: How long an answer may take, in seconds.
_ANSWER = 3
#: The name of a host (RFC 1123, section 2.1; some have underscores), or all names below one.
_HOST = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_STYLES = {"healthy": "green", "failed": "red", "down": "red"}


class LabError(Exception):
    """The lab cannot do what was asked. The message says what stood in the way and what to do about it."""


class Endpoint(NamedTuple):
    """Where a service itself listens, behind the proxy."""

    host: str
    port: int
    pid: int
    """The id of its first process on this machine."""
    container: str = ""
    """The id of its container; empty for a process."""


class Part(NamedTuple):
    """What runs a part of the lab."""

    pid: int
    """The id of its first process; on this machine, unless the engine is in a virtual machine."""
    container: str = ""
    """The id of its container; empty for a process."""


class Variant(NamedTuple):
    """How an instance beside the lab differs from the running one."""

    name: str
    words: str
    """What to call it in a message, behind the service's name."""
    arguments: tuple[str, ...] = ()
    """Of the service's `run`."""
    environment: Mapping[str, str] = MappingProxyType({})
    path: str | None = None
    """What it answers a GET of with 200 once it is up; None if it is up once it takes connections."""

    def called(self, service: str) -> str:
        """The name of its program or container. No service can have this name."""
        return f"{service}_{self.name}"


#: The service with MENDS=off.
BARE = Variant("bare", "without its mends", environment=MappingProxyType({"MENDS": "off"}), path="/about")
#: Its echo.py, and nothing else.
ECHO = Variant("echo", "with its echo alone", arguments=("echo",))


def fresh(name: str = "", words: str = "", environment: Mapping[str, str] = MappingProxyType({})) -> Variant:
    """The service without those who have used the running one; by default as it is, else with that environment.

    `name` and `words` say then how it differs.
    """
    return Variant(
        "-".join(filter(None, ("fresh", name))),
        ", ".join(filter(None, ("in an instance of its own", words))),
        environment=environment,
        path="/about",
    )


class Lab(Protocol):
    """A running lab, of processes or of containers. A `name` is that of a service, or `proxy`, or `redis`."""

    kind: str

    def running(self) -> bool:
        """Whether any part of this lab runs. An instance beside the lab is not a part of it."""

    def engine(self) -> str:
        """What runs it: `processes`, or the container engine and its version, as in `Docker Engine 27.5.1`."""

    def down(self) -> None:
        """Stop everything, and remove instances beside it that a run left behind. It is no error if nothing runs."""

    def base_url(self) -> str:
        """The address of the page for a client on this machine. Raises LabError where it is not known."""

    def proxy(self) -> tuple[str, int]:
        """Where the proxy itself listens, as seen from this machine: what publishes a container's port would be the
        limit of how many sockets there can be. Raises LabError where it is not known."""

    def certificate(self) -> Path | None:
        """The certificate that the proxy shows; None where it speaks plain HTTP. trusting() reads it."""

    def start(self, *names: str) -> None:
        """Start these parts. It is no error if they run already."""

    def stop(self, *names: str) -> None:
        """Stop these parts by SIGTERM and wait until they are gone."""

    def kill(self, signal: str, *names: str) -> None:
        """Send these parts a signal (`KILL`, `TERM`, `STOP` …)."""

    def dead(self, name: str) -> bool:
        """Whether a part has been given up, so that it will not come up by itself."""

    def endpoint(self, name: str) -> Endpoint:
        """Where a service listens. Raises LabError if it does not run, or cannot be reached from this machine."""

    def endpoints(self, *names: str) -> list[Endpoint]:
        """Where each of these services listens, which takes less time than to ask for one after the other."""

    def part(self, name: str) -> Part:
        """What runs a part. Raises LabError if it does not run."""

    def beside(self, name: str, variant: Variant) -> AbstractContextManager[Endpoint]:
        """One more instance of a running service, as the variant has it, at an address of its own.

        The instance is not a part of the lab, and the proxy does not know it. It is removed at the end, even if Ctrl-C
        or SIGTERM ends the tool; after a SIGKILL, the next run or down() removes it. Raises LabError if it does not
        come up.
        """

    def log(self, name: str, lines: int) -> str:
        """The last lines of a part's log."""

    def follow(self) -> None:
        """Print every part's log as it grows, until interrupted."""


def address() -> tuple[str, int]:
    """Where the proxy is published: ECHOWALL_BIND and ECHOWALL_PORT, by default 127.0.0.1 and 8080."""
    bind, port = os.environ.get("ECHOWALL_BIND") or "127.0.0.1", os.environ.get("ECHOWALL_PORT") or "8080"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise LabError(f"ECHOWALL_PORT={port!r} is not a port; set it to a number from 1 to 65535")
    return bind, int(port)


def trusted_proxies() -> list[str]:
    """The proxies in front of the lab whose word on clients counts: the addresses and networks, in the form 10.0.0.0/8
    or 10.0.0.7, in ECHOWALL_TRUSTED_PROXIES, with commas or spaces between them. Raises LabError.
    """
    return [_network(text) for text in os.environ.get("ECHOWALL_TRUSTED_PROXIES", "").replace(",", " ").split()]


def _network(text: str) -> str:
    wrong = f"ECHOWALL_TRUSTED_PROXIES: {text!r}"
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise LabError(f"{wrong} is no address and no network; write 10.0.0.7, 10.0.0.0/8 or fd00::/8") from None
    address = ipaddress.ip_address(text.partition("/")[0])
    if address != network.network_address:
        raise LabError(f"{wrong} is an address in the network {network}; write that, or {address} alone")
    if network.prefixlen == 0:
        raise LabError(f"{wrong} would trust everybody, and then any client could say who it is; name the proxies")
    return str(address) if network.num_addresses == 1 else str(network)


def allowed_hosts() -> list[str]:
    """The names by which clients may ask for the lab, beside localhost and addresses: those in ECHOWALL_HOSTS, with
    commas or spaces between them, in lower case. `*.lab.example` stands for all below that name, and `*` for any name.

    Raises LabError.
    """
    return [_host(text) for text in os.environ.get("ECHOWALL_HOSTS", "").replace(",", " ").split()]


def _host(text: str) -> str:
    name = text.lower().rstrip(".")
    if name != "*" and not _HOST.fullmatch(name):
        raise LabError(
            f"ECHOWALL_HOSTS: {text!r} is no name of a host; write lab.example, without scheme and port, "
            "or *.lab.example"
        )
    return name


def url(bind: str, port: int, *, tls: bool = False) -> str:
    """The address of the page for a client on this machine, if the proxy is published at `bind` and `port`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(bind, f"[{bind}]" if ":" in bind else bind)  # noqa: S104
    return f"http{'s' if tls else ''}://{host}:{port}"


class Board:
    """A table of the lab's parts and their states. On a terminal it is live; elsewhere each change is a line."""

    def __init__(self, names: list[str], console: Console) -> None:
        self.states = dict.fromkeys(names, "waiting")
        self._console = console
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=8)

    @contextmanager
    def shown(self) -> Iterator[Board]:
        if self._console.is_terminal:
            with self._live:
                yield self
        else:
            yield self

    def set(self, name: str, state: str) -> None:
        if self.states[name] != state:
            self.states[name] = state
            if not self._console.is_terminal:
                self._console.print(f"{name}: {state}", highlight=False)

    def named(self, *states: str) -> list[str]:
        return [name for name, state in self.states.items() if state in states]

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, state in self.states.items():
            table.add_row(name, state, style=_STYLES.get(state, "dim"))
        return table


def trusting(certificate: Path) -> ssl.SSLContext:
    """With it a client of the tool trusts the very server that shows this certificate, whatever name is in that.

    Raises LabError if the file cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # a certificate of the user's need not be for the address of this machine
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(certificate)
    except OSError as error:
        raise LabError(
            f"{certificate}: {error.strerror or error}, so it is not known which certificate the lab shows; "
            "`make up TLS=yes` starts the lab anew"
        ) from None
    return context


def wait_until_healthy(lab: Lab, services: list[Service], board: Board, certificate: Path | None = None) -> None:
    """Ask the proxy at address(), and each service through it, until all are `healthy` or `failed` on the board.

    `certificate` is what a proxy that speaks TLS shows. A part has failed if the lab has given it up, or if it is not
    healthy within PATIENCE.
    """
    base = url(*address(), tls=certificate is not None)
    context = trusting(certificate) if certificate else None
    urls = {"proxy": f"{base}/healthz"} | {service.name: f"{base}/{service.name}/about" for service in services}
    deadline = time.monotonic() + PATIENCE
    pending = [name for name in urls if board.states[name] != "failed"]
    while pending:
        for name in list(pending):
            if answers(urls[name], context):
                board.set(name, "healthy")
            elif lab.dead(name) or time.monotonic() > deadline:
                board.set(name, "failed")
            else:
                continue
            pending.remove(name)
        if board.states["proxy"] == "failed":
            for name in pending:
                board.set(name, "failed")
            return
        time.sleep(0.25 if pending else 0)


def health(lab: Lab, services: list[Service]) -> dict[str, dict[str, str] | None]:
    """The versions that each service has loaded, by its name; None for a service that does not answer.

    Raises LabError if the proxy does not answer.
    """
    base, certificate = lab.base_url(), lab.certificate()
    context = trusting(certificate) if certificate else None
    if not answers(f"{base}/healthz", context):
        raise LabError(f"the lab's proxy does not answer at {base}; `echowall start proxy` starts it")
    found: dict[str, dict[str, str] | None] = {}
    for service in services:
        try:
            status, body = _get(f"{base}/{service.name}/about", context)
            found[service.name] = json.loads(body)["versions"] if status == HTTPStatus.OK else None
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            found[service.name] = None
    return found


def answers(url: str, context: ssl.SSLContext | None = None) -> bool:
    """Whether a GET is answered by 200. `context` is for https."""
    try:
        return _get(url, context)[0] == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


def _get(url: str, context: ssl.SSLContext | None) -> tuple[int, bytes]:
    """The status and the body that answer a GET, past any proxy. Raises OSError or HTTPException.

    Python's own client is there at once. HTTPX takes longer to import than a lab to answer.
    """
    where = urlsplit(url)
    host, port = where.hostname or "", where.port
    with closing(
        http.client.HTTPSConnection(host, port, timeout=_ANSWER, context=context)
        if where.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=_ANSWER)
    ) as connection:
        connection.request("GET", where.path)
        answer = connection.getresponse()
        return answer.status, answer.read()

"""What is to be examined: services of the running lab, and any endpoint that a URL names."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec

from echowall.catalog.catalog import Service
from echowall.check import addresses
from echowall.check.wire import ENGINE_IO, PLAIN, Codec, Limiter, Target
from echowall.check.wire.secrets import Secrets, in_message, in_template, is_secret
from echowall.check.wire.wrapping import MARK, Wrapping, place
from echowall.lab.lab import Endpoint, Lab, trusting
from echowall.results.model import Examined, Limits

#: By what a service of the lab speaks.
_CODECS = {"websocket": PLAIN, "socket.io": ENGINE_IO}


class Subject(NamedTuple):
    """Something to examine."""

    target: Target
    """How it is asked."""
    examined: Examined
    """What is kept of it."""
    about: str | None = None
    """Where a service of the lab tells its versions."""


def direct(service: Service, endpoint: Endpoint) -> Subject:
    """A service of the lab, past the proxy."""
    address = f"{endpoint.host}:{endpoint.port}"
    target = _service(service, f"ws://{address}/foobar/")
    target = msgspec.structs.replace(target, via="direct", pid=endpoint.pid)
    return _subject(service, target, f"http://{address}/about")


def bare(service: Service, endpoint: Endpoint) -> Subject:
    """An instance of a service that was started with its mends off, and that nothing starts again."""
    subject = direct(service, endpoint)
    subject.examined.mends = "off"
    return subject._replace(target=msgspec.structs.replace(subject.target, revived=False))


def proxied(service: Service, lab: Lab) -> Subject:
    """A service of the lab, through its proxy. Raises LabError where it is not known how to reach that."""
    return _proxied(service, lab.base_url(), lab.certificate())


def of_lab(services: Sequence[Service], lab: Lab, *, directly: bool, by_proxy: bool) -> list[Subject]:
    """Services of the lab, each by one route or both. The lab is asked once for all of them.

    Raises LabError where it is not known how to reach one.
    """
    routes: list[list[Subject]] = []
    if directly:
        endpoints = lab.endpoints(*(service.name for service in services))
        routes.append([direct(*pair) for pair in zip(services, endpoints, strict=True)])
    if by_proxy:
        base, certificate = lab.base_url(), lab.certificate()
        routes.append([_proxied(service, base, certificate) for service in services])
    return list(chain.from_iterable(zip(*routes, strict=True)))


def _proxied(service: Service, base: str, certificate: Path | None) -> Subject:
    target = _service(service, f"{base.replace('http', 'ws', 1)}/{service.name}/foobar/")
    target = msgspec.structs.replace(target, via="proxy", tls=trusting(certificate) if certificate else None)
    return _subject(service, target, f"{base}/{service.name}/about")


def _service(service: Service, url: str) -> Target:
    return Target(
        url=url,
        name=service.name,
        codec=_CODECS[service.protocol],
        max_message=service.limits.max_message,
        intrusive=True,
    )


def _subject(service: Service, target: Target, about: str) -> Subject:
    examined = Examined(
        name=target.name,
        url=target.url,
        via=target.via,
        limits=Limits(max_message=service.limits.max_message, ping_interval=service.limits.ping_interval),
        mends="on",
    )
    return Subject(target, examined, about)


async def versions(subject: Subject) -> dict[str, str]:
    """What a service of the lab says it has loaded; nothing where it does not say, or is none of the lab."""
    if subject.about is None:
        return {}
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False, verify=subject.target.tls or _no_tls()) as client:
            return msgspec.convert((await client.get(subject.about)).json()["versions"], dict[str, str])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return {}


def _no_tls() -> ssl.SSLContext:
    """For a client that speaks plain HTTP: to read all CAs that the system trusts would take longer than to ask."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How the user wants endpoints to be asked."""

    headers: tuple[str, ...] = ()
    """Lines of `Name: value`."""
    subprotocols: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    """Messages that are said first on each connection; they are secret."""
    wrap: str | None = None
    """The template into which each message is put."""
    unwrap: str | None = None
    """Where its echo is: a template or a JSON Pointer; None for the same place."""
    protocol: Literal["websocket", "socket.io"] = "websocket"
    tls: ssl.SSLContext
    """For `wss://`."""
    proxy: str | None = None
    """None leaves it to the environment."""
    slack: float = 0.0
    """How many seconds longer than usual each answer may take."""
    idle: float = 8.0
    """How many seconds an idle connection is watched."""
    connections: int | None = None
    """How many an endpoint is asked to take at once; None for as many as the checks want."""
    rate: float | None = None
    """How many new ones a second; None for as many as the checks want."""
    intrusive: bool = False


def of_urls(urls: Iterable[str], manner: Manner) -> list[Subject]:
    """Endpoints by their URLs. Raises ValueError, in words for the user, for what is wrong."""
    found: dict[str, Subject] = {}
    codec = _codec(manner)
    for url in urls:
        where = addresses.address(url)
        if manner.protocol == "socket.io":
            where = _with_default_path(where)
        shown = where.shown
        while shown in found:  # two that differ in what is masked
            shown = f"{where.shown}#{len(found) + 1}"
        found[shown] = _of_url(where, shown, manner, codec)
    return list(found.values())


def _codec(manner: Manner) -> Codec:
    """How messages travel, as the user says."""
    if manner.wrap is None and manner.unwrap is None:
        return _CODECS[manner.protocol]
    if manner.protocol != "websocket":
        raise ValueError("--wrap and --unwrap are for plain WebSocket: leave out --protocol, or these two")
    template = MARK if manner.wrap is None else manner.wrap
    try:
        if MARK not in template:
            raise ValueError(f'write {MARK} where the message goes, as in \'{{"text": "{MARK}"}}\'')
        sent = place(template)
    except ValueError as error:
        raise ValueError(f"--wrap {template!r}: {error}") from None
    try:
        return Wrapping(template, sent if manner.unwrap is None else place(manner.unwrap))
    except ValueError as error:
        raise ValueError(f"--unwrap {manner.unwrap!r}: {error}") from None


def _with_default_path(where: addresses.Address) -> addresses.Address:
    """With Socket.IO's usual path, where the URL has none."""
    if urlsplit(where.url).path not in ("", "/"):
        return where

    def added(url: str) -> str:
        return urlsplit(url)._replace(path="/socket.io/").geturl()

    return where._replace(url=added(where.url), shown=added(where.shown))


def _of_url(where: addresses.Address, shown: str, manner: Manner, codec: Codec) -> Subject:
    given = addresses.headers(manner.headers, manner.subprotocols)
    tunnel, of_proxy = addresses.proxy(manner.proxy, where.url)
    pairs = given.headers
    if where.basic and not any(name.lower() == "authorization" for name, _ in pairs):
        pairs = (*pairs, ("Authorization", where.basic))
    target = Target(
        url=shown,
        address=where.url,
        name=shown,
        codec=codec,
        first=manner.first,
        headers=pairs,
        host_header=given.host,
        subprotocols=given.subprotocols,
        tls=manner.tls if where.url.startswith("wss:") else None,
        tunnel=tunnel,
        slack=manner.slack,
        idle=manner.idle,
        limiter=Limiter(manner.connections, manner.rate),
        intrusive=manner.intrusive,
        secrets=Secrets(
            [
                *where.secrets,
                *given.secrets,
                *of_proxy,
                *chain.from_iterable(map(in_message, manner.first)),
                *in_template(manner.wrap or ""),
            ],
            [name for name, _ in pairs if is_secret(name)],
        ),
    )
    return Subject(target, Examined(name=shown, url=shown))

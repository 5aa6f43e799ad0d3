"""What is to be examined: services of the running lab, and any endpoint that a URL names."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec

from echowall.catalog.catalog import Service
from echowall.check.wire import ENGINE_IO, PLAIN, Target
from echowall.lab.lab import Endpoint
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


def proxied(service: Service, base: str) -> Subject:
    """A service of the lab, through the proxy at that address."""
    target = _service(service, f"{base.replace('http', 'ws', 1)}/{service.name}/foobar/")
    return _subject(service, msgspec.structs.replace(target, via="proxy"), f"{base}/{service.name}/about")


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


async def versions(about: str) -> dict[str, str]:
    """What a service of the lab says it has loaded; nothing where it does not say."""
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            return msgspec.convert((await client.get(about)).json()["versions"], dict[str, str])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return {}


def of_url(
    url: str, headers: Iterable[str], subprotocols: Iterable[str], tls: ssl.SSLContext, *, intrusive: bool
) -> Subject:
    """An endpoint by its URL. `headers` are lines of `Name: value`.

    Raises ValueError, in words for the user, for a URL or a header that is none.
    """
    address = urlsplit(url)
    try:
        valid = address.scheme in ("ws", "wss") and address.hostname and address.port != 0
    except ValueError:  # a port that is none
        valid = False
    if not valid:
        raise ValueError(f"{url!r} is no WebSocket URL; write ws://HOST[:PORT]/PATH or wss://…")
    pairs = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip() or any(char in header for char in "\r\n"):
            raise ValueError(f"--header {header!r} is none; write 'Name: value'")
        pairs.append((name.strip(), value.strip()))
    target = Target(
        url=url,
        name=url,
        headers=tuple(pairs),
        subprotocols=tuple(subprotocols),
        tls=tls if address.scheme == "wss" else None,
        intrusive=intrusive,
    )
    return Subject(target, Examined(name=url, url=url))

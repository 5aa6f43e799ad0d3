"""What the user writes to name an endpoint and the way to it: URLs, headers and proxies.

Whatever is wrong with one raises ValueError, in words for the user that repeat no secret.
"""

from __future__ import annotations

import base64
import re
import urllib.request
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import httpx
import idna

from echowall.check.wire.secrets import hide_in_url, in_query, is_secret
from echowall.check.wire.tunnel import Tunnel

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
#: Headers that each handshake makes for itself.
_OURS = ("sec-websocket-key", "sec-websocket-extensions")
_SECRET_SUBPROTOCOL = re.compile(r"bearer|token|authorization|jwt|^eyJ", re.IGNORECASE)


class Address(NamedTuple):
    """An endpoint's URL, as a browser reads it."""

    url: str
    """In ASCII, percent-encoded, without a name and password."""
    shown: str
    """The same with its tokens masked."""
    basic: str | None
    """The value of Authorization that follows from the name and password (RFC 7617)."""
    secrets: tuple[str, ...]
    """What of all that is secret."""


class Given(NamedTuple):
    """The headers that the user gave."""

    headers: tuple[tuple[str, str], ...]
    host: str
    """In place of the URL's; empty where none was given."""
    subprotocols: tuple[str, ...]
    secrets: tuple[str, ...]


def address(text: str) -> Address:
    """Of a `ws://` or `wss://` URL: percent-encoded and with its host in Punycode, as a browser asks for it."""
    try:
        url = httpx.URL(_with_ascii_host(text))
        port = 80 if url.port is None else url.port
        if url.scheme not in ("ws", "wss") or not url.raw_host or not 0 < port < 1 << 16:
            raise ValueError
    except (ValueError, httpx.InvalidURL, idna.IDNAError):
        wrong = f"{hide_in_url(text)!r} is no WebSocket URL; write ws://HOST[:PORT]/PATH or wss://…"
        raise ValueError(wrong) from None
    asked = str(url.copy_with(userinfo=b"", fragment=None))
    basic = _basic(url.username, url.password) if url.userinfo else None
    tokens = in_query(asked)
    secrets = [*tokens, *map(unquote, tokens), url.password, *([basic.partition(" ")[2]] if basic else [])]
    return Address(asked, hide_in_url(asked), basic, tuple(secrets))


def _with_ascii_host(url: str) -> str:
    """The URL with its host as UTS #46 maps it, then in Punycode; httpx's own refuses what browsers take."""
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    if host.isascii():
        return url.strip()
    labels = idna.uts46_remap(host, std3_rules=False, transitional=False).split(".")
    host = ".".join(label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in labels)
    userinfo, at, _ = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port is not None else ""
    return parts._replace(netloc=f"{userinfo}{at}{host}{port}").geturl()


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def headers(lines: Iterable[str], subprotocols: Iterable[str]) -> Given:
    """What the user gave as lines of `Name: value`, and as subprotocols to offer."""
    pairs: list[tuple[str, str]] = []
    offered = list(subprotocols)
    host = ""
    for number, line in enumerate(lines, 1):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            raise ValueError(f"--header number {number} is none; write 'Name: value'")
        if name.lower() in _OURS:
            raise ValueError(f"--header {name!r} is what each check sets for itself; leave it out")
        if name.lower() == "host":
            host = value
        elif name.lower() == "sec-websocket-protocol":
            offered += [one.strip() for one in value.split(",") if one.strip()]
        else:
            pairs.append((name, value))
    for one in offered:
        if not _TOKEN.fullmatch(one):
            raise ValueError(f"--subprotocol {hide_in_url(one)!r} is none; write one name, without spaces or commas")
    secrets = [one for one in offered if _SECRET_SUBPROTOCOL.search(one) and len(one) >= 16]
    for name, value in pairs:
        if is_secret(name):
            secrets += [value, value.partition(" ")[2]]
        if name.lower() == "cookie":
            secrets += [cookie.partition("=")[2].strip() for cookie in value.split(";")]
    return Given(tuple(pairs), host, tuple(offered), tuple(secrets))


def proxy(text: str | None, url: str) -> tuple[Tunnel | None, tuple[str, ...]]:
    """The proxy for a URL, and what of it is secret.

    `text` is the user's, `none` for no proxy at all. Without it the environment counts: HTTPS_PROXY for wss://,
    HTTP_PROXY for ws://, else ALL_PROXY, unless NO_PROXY names the host.
    """
    source = "--proxy"
    if text is None:
        source, text = _from_environment(url)
    if not text or text.lower() == "none":
        return None, ()
    try:
        parts = httpx.URL(text if "://" in text else f"http://{text}")
        port = 80 if parts.port is None else parts.port
        if not parts.raw_host or not 0 < port < 1 << 16:
            raise ValueError
    except (ValueError, httpx.InvalidURL):
        raise ValueError(f"{source} {hide_in_url(text)!r} is no proxy; write http://HOST:PORT") from None
    if parts.scheme != "http":
        wrong = f"{source} names a proxy by {parts.scheme}://, and only http:// is spoken here"
        raise ValueError(f"{wrong}; name one by --proxy http://HOST:PORT, or none by --proxy none")
    authorization = _basic(parts.username, parts.password) if parts.userinfo else None
    secrets = (parts.password, authorization.partition(" ")[2]) if authorization else ()
    return Tunnel(parts.raw_host.decode(), port, authorization), secrets


def _from_environment(url: str) -> tuple[str, str | None]:
    """The name of the variable that counts, and its value."""
    parts = urlsplit(url)
    found = urllib.request.getproxies_environment()
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    host = parts.netloc if parts.port else f"{parts.netloc}:{port}"
    if urllib.request.proxy_bypass_environment(host, found):  # type: ignore[attr-defined]
        return "NO_PROXY", None
    for scheme in ("https" if parts.scheme == "wss" else "http", "all"):
        if scheme in found:
            return f"{scheme.upper()}_PROXY", found[scheme]
    return "ALL_PROXY", None

"""Why an endpoint cannot be examined, in a sentence for the user: what came, and what commonly causes it."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit, urlunsplit

from echowall.check.wire import (
    CertificateError,
    Closed,
    Ended,
    NoAnswerError,
    Response,
    Target,
    UnreachableError,
    frames,
    printable,
    speaks_http,
    speaks_tls,
)

_SCHEMES = {"http": "ws", "https": "wss"}
_CREDENTIALS = "credentials (--header 'Authorization: …' or 'Cookie: …')"
_UPGRADE = "a proxy that does not pass `Upgrade` on (nginx needs proxy_http_version 1.1 and both headers set)"
_HINTS = {
    400: f"the server may not know the Host or want a subprotocol (--subprotocol), or it stands behind {_UPGRADE}",
    404: f"three causes look alike: a wrong path, {_UPGRADE}, "
    "and a server without a WebSocket library (Uvicorn needs websockets or wsproto)",
    405: f"the path may be one for plain HTTP, or the server stands behind {_UPGRADE}",
    426: f"the request lost its `Upgrade` on the way: look for {_UPGRADE}",
    429: "that is too many connections or requests for it: try --connections 1 --rate 1",
    500: "the server failed at the handshake: its log says why",
    502: "a gateway answered, and the server behind it is down or hung up: look at the logs of both",
    503: "the server behind the gateway is down, starting or overloaded: try again later",
    504: "a gateway answered, and the server behind it did not in time: look whether it hangs",
}
_CLOSES = {
    1001: "the server is going down",
    1003: "it does not take text",
    1007: "it does not take that text: it may want JSON (--wrap), or a protocol of its own",
    1008: f"it may want {_CREDENTIALS}, another Origin, a subprotocol or a first message (--first)",
    1011: "the server failed: its log says why",
    1012: "the server restarts: try again",
    1013: "the server is overloaded: try again later, or with --connections 1",
    3000: f"it wants {_CREDENTIALS}",
    3003: f"it wants other {_CREDENTIALS}",
    4401: f"it wants {_CREDENTIALS}, or a first message that says who asks (--first)",
    4403: f"it wants other {_CREDENTIALS}",
}


async def refused(target: Target, error: str, response: Response) -> str:
    """Of a handshake that was answered with something other than 101; `error` says with what."""
    if response.status == 400 and target.tls is None and await speaks_tls(target):
        return f"opened no WebSocket: {error}; that port speaks TLS: ask wss:// there"
    if response.status == 400 and b"SSL certificate" in response.body:  # nginx
        return f"opened no WebSocket: {error}; it wants a client's certificate that it knows (--cert, --key)"
    body = _body(response)
    return f"opened no WebSocket: {error}{body}; {_hint(target, response)}"


async def unreachable(target: Target, error: UnreachableError) -> str:
    """Of an endpoint with which no HTTP was spoken. Tries TLS where none was, and the other way round."""
    if target.tls is None and isinstance(error, NoAnswerError) and await speaks_tls(target):
        return f"{error}; that port speaks TLS: ask wss:// there"
    if target.tls is not None and not isinstance(error, CertificateError) and await speaks_http(target):
        return f"{error}; that port speaks plain HTTP, without TLS: ask ws:// there"
    if target.tls is not None and isinstance(error, NoAnswerError) and error.how == "cut off":
        return f"{error}; it may want a client's certificate (--cert, --key)"
    return str(error)


def ended(heard: Closed | Ended, sent: str | None) -> str:
    """Of a WebSocket that ended, or was silent, where the echo of `sent` was due, or before anything was said."""
    due = f"where the echo of {sent!r} was due" if sent else "before anything was said"
    hint = "these checks need the echo of what is sent" if sent else "it may want to be told something (--first)"
    if isinstance(heard, Ended):
        what = "was silent" if heard.how == "silence" else f"ended the connection without a close frame ({heard.how})"
        return f"opened a WebSocket and {what} {due}; {hint}"
    code = "without a code" if heard.code is None else f"with {heard.code}"
    reason = f" {frames.quote(heard.reason.encode(), 123)}" if heard.reason else " and gave no reason"
    return f"opened a WebSocket and closed it {code}{reason} {due}; {_CLOSES.get(heard.code or 0, hint)}"


def _hint(target: Target, response: Response) -> str:
    status = response.status
    if status in (301, 302, 303, 307, 308):
        return _moved(target, response.header("Location"))
    if status == 401:
        return _unauthorized(target, response.header("WWW-Authenticate"))
    if status == 403:
        again = "other " if _sends(target, "Authorization", "Cookie") else ""
        origin = "another Origin" if _sends(target, "Origin") else "an Origin (--header 'Origin: https://…')"
        return f"it may want {again}{_CREDENTIALS}, or {origin}"
    if status == 426 and (wanted := response.header("Sec-WebSocket-Version")) and "13" not in wanted:
        return f"it speaks version {printable(wanted)} of the protocol, and version 13 was asked for"
    if status < 300:
        what = "a web page" if _is_html(response) else "plain HTTP"
        return f"that address answers with {what}: the path may be wrong, or the server stands behind {_UPGRADE}"
    if (after := response.header("Retry-After")) and status in (429, 503):
        when = f"after {after} s" if after.isdecimal() else f"after {printable(after)}"
        return f"{_HINTS[status]}; it says to try again {when}"
    fallback = _HINTS[500] if status >= 500 else "look at the server's log"
    return _HINTS.get(status, fallback)


def _moved(target: Target, location: str | None) -> str:
    if not location:
        return "it says that the endpoint is elsewhere, and not where"
    scheme = "https" if urlsplit(target.url).scheme == "wss" else "http"
    try:
        there = urlsplit(urljoin(f"{scheme}://{target.netloc}{target.resource}", location))
        moved = urlunsplit(there._replace(scheme=_SCHEMES.get(there.scheme, there.scheme), fragment=""))
    except ValueError:
        return "the place that it names is no URL"
    return f"ask {printable(moved)} instead, or, if that is a page to log in, give {_CREDENTIALS}"


def _unauthorized(target: Target, challenge: str | None) -> str:
    if _sends(target, "Authorization"):
        return "it does not take the credentials that were given"
    scheme = (challenge or "").partition(" ")[0].lower()
    if scheme == "basic":
        return "it wants a name and a password: ask ws://USER:PASSWORD@… (wss:// likewise)"
    if scheme == "bearer":
        return "it wants a token: --header 'Authorization: Bearer …'"
    return f"it wants {_CREDENTIALS}"


def _sends(target: Target, *names: str) -> bool:
    wanted = {name.lower() for name in names}
    return any(name.lower() in wanted for name, _ in target.headers)


def _body(response: Response) -> str:
    """What the body is, as the end of a sentence."""
    if not response.body:
        return " and no body"
    if not _is_html(response):
        return f" and {frames.quote(response.body[:200])}"
    title = re.search(rb"<title[^>]*>(.*?)</title", response.body, re.IGNORECASE | re.DOTALL)
    return f" and a page {frames.quote(b' '.join(title[1].split()))}" if title else " and a page"


def _is_html(response: Response) -> bool:
    kind = response.header("Content-Type") or ""
    return "html" in kind.lower() or response.body.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html"))

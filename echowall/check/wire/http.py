"""HTTP/1.1 as far as an opening handshake needs it (RFC 6455, section 4; RFC 9112)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import ssl
from contextlib import suppress
from typing import NamedTuple

from echowall.check.wire import breaches, frames
from echowall.check.wire.errors import NoAnswerError, printable
from echowall.check.wire.stream import Stream
from echowall.check.wire.target import Target

Headers = list[tuple[str, str]]

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_HEAD_WITHIN = 10.0
_BODY_WITHIN = 3.0
_UNKNOWN_BODY_WITHIN = 1.0
_LARGEST_HEAD = 64 * 1024
_LARGEST_BODY = 1024 * 1024


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""
    version: str = "HTTP/1.1"

    @property
    def status_line(self) -> str:
        """For people: `HTTP 404 Not Found`."""
        return f"HTTP {self.status} {printable(self.reason)}".rstrip()

    def header(self, name: str) -> str | None:
        """The header's value, several joined by a comma; None where it is absent."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


#: By a header, and a part of its value where that says it: what stands between the client and the server.
_INTERMEDIARIES = (
    ("CF-Ray", "", "Cloudflare"),
    ("X-Amz-Cf-Id", "", "CloudFront"),
    ("Fly-Request-Id", "", "Fly.io's proxy"),
    ("Server", "awselb", "an AWS load balancer"),
    ("Server", "cloudflare", "Cloudflare"),
    ("Server", "openresty", "OpenResty"),
    ("Server", "nginx", "nginx"),
    ("Server", "envoy", "Envoy"),
    ("Server", "caddy", "Caddy"),
    ("Server", "apache", "Apache"),
    ("Server", "traefik", "Traefik"),
    ("Server", "varnish", "Varnish"),
    ("Via", "vegur", "Heroku's router"),
    ("Via", "google", "Google's load balancer"),
    ("Via", "", "a proxy"),
    ("X-Envoy-Upstream-Service-Time", "", "Envoy"),
    ("X-Served-By", "", "a proxy"),
)


def intermediary(response: Response) -> str | None:
    """The proxy, load balancer or CDN that names itself in an answer's headers; None where none does."""
    for name, part, who in _INTERMEDIARIES:
        value = response.header(name)
        if value is not None and part in value.lower():
            return who
    return None


def handshake(target: Target) -> Headers:
    """The headers of an opening handshake (RFC 6455, section 4.1), to be sent as they are or changed."""
    own = [
        ("Host", target.netloc),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
        ("Sec-WebSocket-Version", "13"),
        *([("Sec-WebSocket-Protocol", ", ".join(target.subprotocols))] if target.subprotocols else []),
    ]
    given = {name.lower() for name, _ in target.headers}
    return [*((name, value) for name, value in own if name.lower() not in given), *target.headers]


def accept_for(key: str) -> str:
    """The Sec-WebSocket-Accept that answers a key (RFC 6455, section 4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()).decode()


async def exchange(
    stream: Stream, method: str, resource: str, headers: Headers, *, version: str = "HTTP/1.1"
) -> Response:
    """Send a request and read the head of its answer, and the body where it is not a 101.

    Raises NoAnswerError where no HTTP comes back within 10 s.
    """
    await stream.write_head(head(method, resource, headers, version=version), f"{method} {resource} {version}")
    return await answer(stream, method, headers)


def head(method: str, resource: str, headers: Headers, *, version: str = "HTTP/1.1", colon: str = ": ") -> bytes:
    """The head of a request. `colon` stands between the headers' names and values."""
    lines = [f"{method} {resource} {version}", *(f"{name}{colon}{value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


async def answer(stream: Stream, method: str, headers: Headers) -> Response:
    """What answers a request that was sent with these headers; see exchange()."""
    raw = await _head(stream)
    response = _parse_head(raw, stream.url)
    if response.status != 101 and method != "HEAD":
        response = response._replace(body=await _body(stream, response))
    stream.record_head("received", response.status_line, raw + response.body)
    if response.status in (429, 503):
        stream.turn_away()
    if response.status == 101:
        keys = [value for name, value in headers if name.lower() == "sec-websocket-key"]
        if what := breaches.of_answer(headers, response, accept_for(keys[0]) if len(keys) == 1 else None):
            stream.breach("answer", what)
    return response


async def _head(stream: Stream) -> bytes:
    within = _HEAD_WITHIN + stream.slack
    try:
        async with asyncio.timeout(within):
            return await stream.reader.readuntil(b"\r\n\r\n")
    except TimeoutError:
        message = f"{stream.url} took the request and did not answer within {within:g} s"
        raise NoAnswerError(message, "silence") from None
    except asyncio.IncompleteReadError as cut:
        what = f"answered {frames.quote(cut.partial)}, which is not HTTP" if cut.partial else "hung up"
        if isinstance(failure := stream.reader.failure, ssl.SSLError):
            what = f"ended TLS with {failure.reason}"
        message = f"{stream.url} {what}, where the answer to a handshake was due"
        raise NoAnswerError(message, "not HTTP" if cut.partial else "cut off") from None
    except asyncio.LimitOverrunError:
        message = f"{stream.url} sent a head of more than {_LARGEST_HEAD} bytes"
        raise NoAnswerError(message, "not HTTP") from None
    except OSError as error:
        what = error.strerror or str(error) or type(error).__name__
        raise NoAnswerError(f"{stream.url} broke the connection at the request: {what}", "cut off") from None


def _parse_head(raw: bytes, url: str) -> Response:
    first, *lines = raw.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/") or not (status.isdecimal() and len(status) == 3):
        raise NoAnswerError(f"{url} answered {frames.quote(raw)}, which is not HTTP", "not HTTP")
    headers = [(name.strip(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    return Response(int(status), reason.strip(), headers, version=version)


async def _body(stream: Stream, response: Response) -> bytes:
    """What comes of the body in a short time. Where nothing says how long it is, what comes first is enough."""
    length = response.header("Content-Length") or ""
    chunked = "chunked" in (response.header("Transfer-Encoding") or "").lower()
    known = length.isdecimal()
    size = min(int(length), _LARGEST_BODY) if known and len(length) < 20 else _LARGEST_BODY
    body = b""
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(_BODY_WITHIN + stream.slack if known else _UNKNOWN_BODY_WITHIN):
            while len(body) < size and (data := await stream.reader.read(size - len(body))):
                body += data
                if not known and not (chunked and not body.endswith(b"0\r\n\r\n")):
                    break
    return _dechunked(body) if chunked else body


def _dechunked(body: bytes) -> bytes:
    """The chunks' data (RFC 9112, section 7.1), as far as they are chunks."""
    found = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        try:
            length = int(size.partition(b";")[0], 16)
        except ValueError:
            return found + body
        if length <= 0:
            break
        found, body = found + rest[:length], rest[length + 2 :]
    return found

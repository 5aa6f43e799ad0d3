"""What is examined, and how it is asked."""

from __future__ import annotations

import ssl
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from echowall.check.wire.codec import PLAIN, Codec
from echowall.check.wire.transcript import Transcript


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint, and how to ask for it."""

    url: str
    """`ws://` or `wss://`."""
    name: str = ""
    codec: Codec = PLAIN
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with every request."""
    subprotocols: tuple[str, ...] = ()
    max_message: int | None = None
    """Bytes, where the limit is known."""
    via: Literal["direct", "proxy"] | None = None
    """The route, to a service of the lab."""
    pid: int | None = None
    """The service's first process, where it may be signalled and measured."""
    revived: bool = True
    """Whether it is started again by itself when it was stopped."""
    intrusive: bool = False
    """Whether it may be asked what a polite client does not ask."""
    tls: ssl.SSLContext | None = None
    transcript: Transcript = msgspec.field(default_factory=Transcript)
    """Everything that happens on its connections is written here; each question has a transcript of its own."""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        address = urlsplit(self.url)
        return address.port or (443 if address.scheme == "wss" else 80)

    @property
    def netloc(self) -> str:
        """For the Host header: no credentials, and no port that goes without saying."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def origin(self) -> str:
        """The origin of a page on the endpoint's own site."""
        return f"http{'s' if urlsplit(self.url).scheme == 'wss' else ''}://{self.netloc}"

    @property
    def resource(self) -> str:
        """The path and query to ask for."""
        address = urlsplit(self.url)
        query = "&".join(filter(None, (address.query, self.codec.query)))
        return (address.path or "/") + (f"?{query}" if query else "")

"""What is examined, and how it is asked."""

from __future__ import annotations

import ssl
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import msgspec

from echowall.check.wire.codec import PLAIN, Codec
from echowall.check.wire.habits import Habits
from echowall.check.wire.limits import Limiter, Seat
from echowall.check.wire.secrets import Secrets
from echowall.check.wire.transcript import Transcript
from echowall.check.wire.tunnel import Tunnel

#: How many seconds an idle connection is watched by default: longer than the 20 s after which many servers ping.
IDLE = 22.0


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint, and how to ask for it."""

    url: str
    """`ws://` or `wss://`, as it is shown: without secrets."""
    address: str = ""
    """What is asked, where it differs from `url`."""
    name: str = ""
    codec: Codec = PLAIN
    first: tuple[str, ...] = ()
    """Texts that are said on each connection before anything else. They are secret."""
    habits: Habits = Habits()
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with every request, in place of the handshake's own of the same name."""
    host_header: str = ""
    """The value of Host, where it is not the URL's."""
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
    tunnel: Tunnel | None = None
    """The proxy through which it is reached."""
    idle: float = IDLE
    """How many seconds an idle connection is watched."""
    slack: float = 0.0
    """How many seconds longer than usual each answer may take, on a slow link."""
    limiter: Limiter | None = None
    seat: Seat | None = None
    """The question's that is being put, where there is a limiter."""
    secrets: Secrets = msgspec.field(default_factory=Secrets)
    """What is masked in all that is written of it."""
    transcript: Transcript = msgspec.field(default_factory=Transcript)
    """Everything that happens on its connections is written here; each question has a transcript of its own."""

    @property
    def _address(self) -> SplitResult:
        return urlsplit(self.address or self.url)

    @property
    def host(self) -> str:
        return self._address.hostname or ""

    @property
    def port(self) -> int:
        address = self._address
        return address.port or (443 if address.scheme == "wss" else 80)

    @property
    def netloc(self) -> str:
        """For the Host header: no credentials, and no port that goes without saying."""
        return self.host_header or self._address.netloc.rpartition("@")[2]

    @property
    def origin(self) -> str:
        """The origin of a page on the endpoint's own site."""
        return f"http{'s' if self._address.scheme == 'wss' else ''}://{self.netloc}"

    @property
    def resource(self) -> str:
        """The path and query to ask for."""
        address = self._address
        given = {pair.partition("=")[0] for pair in address.query.split("&")}
        ours = [pair for pair in self.codec.query.split("&") if pair.partition("=")[0] not in given]
        query = "&".join(filter(None, (address.query, *ours)))
        return (address.path or "/") + (f"?{query}" if query else "")

"""What a generator is told, and what it reports: one JSON line each, so that it can run in any process anywhere."""

from __future__ import annotations

from typing import Literal

import msgspec

from echowall.results.model import Errors, Load, Share, Transport

#: What the generator says on a line of its own when the time begins that is measured, and when it is over.
BEGIN, END = "begin", "end"
#: What it says when its connections are open, where it is told when to begin.
READY = "ready"
#: How many files a process has open beside its connections, a generator or a server.
SPARE = 64
#: The least bytes of a message: its number, its connection and its checksum, as text.
LEAST = 32


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """What a `wss://` endpoint is trusted by, and shown: names of files in PEM."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    insecure: bool = False
    shown: str | None = None
    """The one certificate that is trusted, whatever name is in it, in place of all that."""


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint, and how to connect to it."""

    url: str
    """Secrets included."""
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with the handshake; a Host replaces the URL's."""
    subprotocols: tuple[str, ...] = ()
    tls: Tls = Tls()
    proxy: tuple[str, int, str | None] | None = None
    """An HTTP proxy: its host, its port and the value of Proxy-Authorization."""
    one_address: bool = False
    """Whether all connections reach it from one address, as by a published port of a container."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a generator. All times are in seconds."""

    aim: Aim
    load: Load = "echo"
    speaker: Aim | None = None
    """Where the one enters who speaks in the chat room, if not where the others do."""
    connections: int
    """How many, or how many at a time; in the chat room, how many hear."""
    stuck: int = 0
    """How many of them never read, while they go on sending long messages; the others do as they would without."""
    rate: float | None
    """Messages a second over all connections, each at its planned time (open loop). None for a closed loop: each
    connection sends its next message when one has come back."""
    in_flight: int = 1
    """Of each connection, in a closed loop."""
    size: int = 64
    """Bytes of a message."""
    binary: bool = False
    transport: Transport = "websocket"
    """By what one hears what is said in the chat room."""
    polled: float | None = None
    """Seconds from one poll of a listener to the next; None where they do not poll."""
    wait: float = 25.0
    """How long a long poll waits at most."""
    messages: int = 1
    """Of each connection, one after the other, before it is closed: for new connections alone."""
    deflate: bool = False
    """Whether permessage-deflate is offered, as a browser does."""
    warmup: float = 1.0
    """At the beginning; what is sent then is left out of all figures, but not out of the errors."""
    seconds: float = 5.0
    """What is measured, after that."""
    patience: float = 5.0
    """How long nothing at all may come back while something is due, before the run is ended; and how long it waits at
    the end for what is still underway."""
    within: float = 10.0
    """How long opening the connections may take."""
    core: int | None = None
    """The CPU that the generator keeps to and has for itself, so that it may wait busily; None for any."""
    agreed: bool = False
    """Whether the generator says READY when its connections are open, and then waits for a line with the time to begin
    at: nanoseconds since 1970 by its machine's clock. So that several begin together."""

    @property
    def offered(self) -> float | None:
        """What is to come back a second: in the chat room, each message to each who hears; None in a closed loop, and
        where nothing is said.
        """
        return self.rate and self.rate * (self.connections if self.load in ("room", "push") else 1)

    @property
    def files(self) -> int:
        """How many files a generator opens for it."""
        return SPARE + self.connections * (2 if self.load == "push" else 1)

    @property
    def bound(self) -> float:
        """How long the run may take at most, without the counting afterwards."""
        return self.within + self.warmup + self.seconds + 3 * self.patience + 2 * (self.polled or 0.0)


class Report(msgspec.Struct, kw_only=True):
    """What a generator found. The histograms are HdrHistograms of nanoseconds, encoded (V2, in base64)."""

    trouble: str = ""
    """Why there was no run, or none of which anything can be said, in words for the user."""
    ended: Literal["", "stopped answering", "closed every connection"] = ""
    """How the endpoint ended the run before its time."""
    sent: int = 0
    """Messages that were sent in all, or connections that were tried."""
    lasted: float | None = None
    """How long was measured, in seconds, where it was not the whole time."""
    paced: float = 0.0
    """Messages a second that were sent, or would have been had their connection not ended, in the time that is
    measured."""
    achieved: float = 0.0
    """Right echoes, or connections, a second: those that were back, or at their end, within the time that is
    measured."""
    errors: Errors = msgspec.field(default_factory=Errors)
    latency: str = ""
    """From the planned time of each message (in a closed loop: from the time of sending) to its echo. Of new
    connections: from connect() to the answer of the handshake."""
    uncorrected: str = ""
    """From the time of sending to the echo; empty in a closed loop."""
    lateness: str = ""
    """From the planned time to the time of sending: the generator's own fault; empty in a closed loop."""
    cpu: float = 0.0
    """The share of one core that the generator used in the time that is measured, but for waiting busily."""
    starved: float = 0.0
    """The share of that time in which it could have gone on, but waited for a CPU; 0 where the kernel does not say."""
    cores: list[int] = []
    """On which CPUs it could run; empty where the system does not say."""
    requests: float | None = None
    """HTTP requests that were answered in the time that is measured, a second. This and the next three are of the
    load `push` alone."""
    opened: float | None = None
    """Connections that were opened then, a second."""
    down: int | None = None
    """Bytes of TCP's payload that came then; None where the system does not count them."""
    up: int | None = None
    """Those that were sent."""
    shares: list[Share] = []
    """What each worker had of the load, where there were several."""

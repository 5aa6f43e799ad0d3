"""WebSocket as raw frames, on which anything can be sent and everything that happens is recorded.

This is an implementation of its own, because wsproto and websockets are under test here themselves, and because a
library refuses to send most of what the checks ask about.
"""

from echowall.check.wire.codec import PLAIN, Codec, Message
from echowall.check.wire.connection import MOST_GREETINGS, PATIENCE, PAUSE, Closed, Connection, Ended, Heard, observe
from echowall.check.wire.dial import connect, dialled, request, speaks_http, speaks_tls
from echowall.check.wire.engineio import ENGINE_IO
from echowall.check.wire.errors import CertificateError, NoAnswerError, RefusedError, UnreachableError, printable
from echowall.check.wire.habits import Habits
from echowall.check.wire.http import Headers, Response, accept_for, handshake, intermediary
from echowall.check.wire.limits import CrowdedError, Limiter
from echowall.check.wire.target import Target
from echowall.check.wire.transcript import Event, Transcript

__all__ = [
    "ENGINE_IO",
    "MOST_GREETINGS",
    "PATIENCE",
    "PAUSE",
    "PLAIN",
    "CertificateError",
    "Closed",
    "Codec",
    "Connection",
    "CrowdedError",
    "Ended",
    "Event",
    "Habits",
    "Headers",
    "Heard",
    "Limiter",
    "Message",
    "NoAnswerError",
    "RefusedError",
    "Response",
    "Target",
    "Transcript",
    "UnreachableError",
    "accept_for",
    "connect",
    "dialled",
    "handshake",
    "intermediary",
    "observe",
    "printable",
    "request",
    "speaks_http",
    "speaks_tls",
]

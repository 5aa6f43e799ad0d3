"""Why there is no WebSocket to talk to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from echowall.check.wire.http import Response


def printable(text: str, most: int = 200) -> str:
    """What a server says, without what would steer a terminal, and no longer than a few lines."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:most])
    return f"{shown}…" if len(text) > most else shown


class UnreachableError(Exception):
    """No connection, or none that speaks HTTP: says what was tried and what went wrong."""


class CertificateError(UnreachableError):
    """The server's certificate is not to be trusted."""


class NoAnswerError(UnreachableError):
    """The server took the connection and the request, and no HTTP came back."""

    def __init__(self, message: str, how: Literal["silence", "cut off", "not HTTP"]) -> None:
        super().__init__(message)
        self.how = how


class RefusedError(Exception):
    """The handshake was answered with something other than a proper 101."""

    telling = ("Location", "WWW-Authenticate", "Retry-After", "Allow", "Server", "Via")
    """The headers that tell why, or who answered."""

    def __init__(self, response: Response) -> None:
        what = f"the handshake was answered with {response.status_line}"
        found = [f"{name}: {printable(value)}" for name in self.telling if (value := response.header(name))]
        super().__init__(f"{what} ({'; '.join(found)})" if found else what)
        self.response = response

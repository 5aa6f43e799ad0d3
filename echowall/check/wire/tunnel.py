"""A connection through an HTTP proxy, by CONNECT (RFC 9110, section 9.3.6)."""

from __future__ import annotations

import asyncio
import socket
from typing import NamedTuple

from echowall.check.wire import frames
from echowall.check.wire.errors import UnreachableError, printable

_LARGEST_HEAD = 64 * 1024


class Tunnel(NamedTuple):
    """A proxy that connects us to wherever we ask."""

    host: str
    port: int
    authorization: str | None = None
    """The value of Proxy-Authorization."""

    def __str__(self) -> str:
        return f"the proxy {self.host} port {self.port}"

    async def connect(self, raw: socket.socket, host: str, port: int) -> None:
        """Have the proxy, with which `raw` is connected, connect us. Raises UnreachableError where it does not.

        Not a byte more is read than the proxy's own answer.
        """
        loop = asyncio.get_running_loop()
        there = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {there} HTTP/1.1", f"Host: {there}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        await loop.sock_sendall(raw, "\r\n".join([*lines, "", ""]).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = await loop.sock_recv(raw, 1)
            head += byte
            if not byte or len(head) > _LARGEST_HEAD:
                what = frames.quote(head) if head else "nothing"
                raise UnreachableError(f"{self} answered CONNECT {there} with {what}, which is not HTTP")
        version, _, status = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        if not version.startswith("HTTP/1."):
            raise UnreachableError(f"{self} answered CONNECT {there} with {frames.quote(head)}, which is not HTTP")
        if not status.startswith("2"):
            raise UnreachableError(
                f"{self} answered CONNECT {there} with HTTP {printable(status)}; {_hint(status[:3])}"
            )


def _hint(status: str) -> str:
    if status == "407":
        return "give it a name and a password: --proxy http://USER:PASSWORD@HOST:PORT"
    if status in ("403", "405", "501"):
        return "it does not connect clients to there, or to no place at all"
    return "it could not connect to there; is the address right?"

"""How a generator opens its connections."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from picows import WSError, WSListener, WSParsedURL, WSTransport, ws_connect

from echowall.bench.plan import Aim, Plan
from echowall.check.wire.errors import UnreachableError
from echowall.check.wire.tunnel import Tunnel

#: How many connections are opened at the same time.
_AT_ONCE = 32
#: How many connections one address opens before the next has its turn: the lab's proxy lets one address open 200 a
#: second, and 400 at once.
_EACH = 200
#: How many connections a second are opened after the first so many, where there is only one address.
_FIRST, _A_SECOND = 300, 150
#: Bytes of the buffer into which a connection is read, and of one that hardly is.
_USUAL, _LITTLE = 1 << 14, 1 << 10
#: The ports that URLs leave out.
_PORTS = {"ws": 80, "wss": 443}
#: What a browser offers.
_DEFLATE = ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")

_Spoken = TypeVar("_Spoken", bound=asyncio.Protocol)


class Opener:
    """Opens connections with an endpoint. On the loopback network each 200 of them come from an address of their own,
    so that a limit for each client, or the number of ports, is not what is measured.
    """

    def __init__(self, plan: Plan, aim: Aim | None = None) -> None:
        """As the plan says, or with another endpoint. Raises BadParameter for TLS files that are no longer there."""
        self._aim, self._plan = aim or plan.aim, plan
        self._tls = _tls(self._aim)
        self._opened = 0
        self.one_address = self._aim.one_address or bool(self._aim.proxy) or not _is_loopback(self._aim.url)
        """Whether all connections come from the same address."""

    async def open(self, listener: WSListener) -> WSTransport:
        """Open one. Raises OSError, WSError and UnreachableError."""
        source = _source(self._opened // _EACH)
        self._opened += 1
        aim = self._aim

        def bound(_url: WSParsedURL) -> socket.socket | None:
            return None if self.one_address or not source else _bound(source)

        transport, _ = await ws_connect(
            lambda: listener,
            aim.url,
            ssl_context=self._tls,
            extra_headers=self._headers(),
            socket_factory=(lambda url: _through(aim, url)) if aim.proxy else bound,
            max_redirects=0,
            max_frame_size=max(1 << 20, 2 * self._plan.size),
            websocket_handshake_timeout=self._plan.within,
            read_buffer_init_size=_LITTLE if self._plan.load == "idle" else _USUAL,
        )
        return transport

    async def connect(self, number: int, protocol: Callable[[], _Spoken]) -> _Spoken:
        """Connect with the endpoint's host, for another protocol than that of WebSockets. `number` is that of the one
        for whom it is: each 200 of them have an address of their own. Raises OSError.
        """
        url = urlsplit(self._aim.url)
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        source = None if self.one_address else _source(number // _EACH)
        loop = asyncio.get_running_loop()
        if not source:
            return (await loop.create_connection(protocol, host, port, ssl=self._tls))[1]
        raw = _bound(source)
        try:
            await loop.sock_connect(raw, (host, port))
            server_hostname = host if self._tls else None
            return (await loop.create_connection(protocol, sock=raw, ssl=self._tls, server_hostname=server_hostname))[1]
        except BaseException:
            raw.close()
            raise

    async def open_all(self, listeners: Sequence[WSListener]) -> None:
        """Open one for each of these, some at a time. Raises what stood in the way of the first that could not be
        opened.
        """
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(listener: WSListener) -> None:
            async with turn:
                await self.open(listener)

        try:
            async with asyncio.TaskGroup() as tasks:
                for number, listener in enumerate(listeners):
                    tasks.create_task(one(listener))
                    if self.one_address and number >= _FIRST:
                        await asyncio.sleep(1 / _A_SECOND)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    def _headers(self) -> list[tuple[str, str]]:
        offered = [("Sec-WebSocket-Protocol", ", ".join(self._aim.subprotocols))] if self._aim.subprotocols else []
        return [*self._aim.headers, *offered, *([_DEFLATE] if self._plan.deflate else [])]


async def connect_all(plan: Plan, listeners: Sequence[WSListener]) -> str:
    """Open one for each of these, as the plan says; gives why that could not be, in words for the user, or nothing."""
    try:
        async with asyncio.timeout(plan.within):
            await Opener(plan).open_all(listeners)
    except TimeoutError:
        opened = len([one for one in listeners if hasattr(one, "transport")])
        return f"only {opened:,} of {plan.connections:,} connections opened within {plan.within:g} s"
    except (OSError, WSError, UnreachableError) as error:
        return f"{plan.connections:,} connections could not be opened: {reason(error)}"
    return ""


def _is_loopback(url: str) -> bool:
    """Whether every address in 127.0.0.0/8 reaches that endpoint, as on Linux."""
    try:
        address = ipaddress.IPv4Address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return address.is_loopback and sys.platform == "linux"


def _source(number: int) -> str | None:
    """The address of that number in 127.0.0.0/8; None for the first, which is whatever the system takes."""
    return str(ipaddress.IPv4Address("127.0.0.1") + number) if number else None


def _bound(source: str) -> socket.socket:
    """A socket that will connect from that address, by any port."""
    made = socket.socket()
    made.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
    made.setblocking(False)
    made.bind((source, 0))
    return made


#: Linux's IP_BIND_ADDRESS_NO_PORT: the port is chosen by connect(), so that it need only be free toward that endpoint.
_BIND_ADDRESS_NO_PORT = 24


def _tls(aim: Aim) -> ssl.SSLContext | None:
    if not aim.url.startswith("wss:"):
        return None
    # Both imports are a second's work, which few runs need.
    if aim.tls.shown:
        from echowall.lab.lab import trusting

        return trusting(Path(aim.tls.shown))
    from echowall.options import tls_context

    ca, cert, key = (Path(name) if name else None for name in (aim.tls.ca, aim.tls.cert, aim.tls.key))
    return tls_context(ca, cert, key, insecure=aim.tls.insecure)


async def _through(aim: Aim, url: WSParsedURL) -> socket.socket:
    """A connection with the endpoint, through the HTTP proxy."""
    assert aim.proxy  # noqa: S101
    tunnel = Tunnel(*aim.proxy)
    raw = await asyncio.to_thread(socket.create_connection, (tunnel.host, tunnel.port))
    try:
        raw.setblocking(False)
        await tunnel.connect(raw, url.host, url.port)
    except BaseException:
        raw.close()
        raise
    return raw


def reason(error: Exception) -> str:
    """Why a connection could not be opened, in words for the user."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"no TLS that can be trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__

"""Many sockets of one process, which answer pings and are otherwise idle until each is asked for one echo."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
import socket
from collections import Counter
from collections.abc import Callable
from typing import cast

from echowall.check.wire import Message, Target, frames, handshake, http
from echowall.check.wire.frames import BINARY, CLOSE, PING, PONG, TEXT

#: How many sockets an address has, and how many it opens in a second: the proxy lets it have 2,000 and open 200.
EACH, A_SECOND = 1_000, 150
#: How many handshakes are underway at a time, and how many echoes.
_AT_ONCE = 100
#: Seconds for a handshake and for an echo.
_WITHIN = 30.0
#: Files of the generator's own, beside the sockets.
_OTHER_FILES = 200
#: Linux's IP_BIND_ADDRESS_NO_PORT: the port is chosen by connect(), so that it need only be free toward that address.
_BIND_ADDRESS_NO_PORT = 24

Told = Callable[[int], None]


class TooManyError(Exception):
    """This process may not have so many files open. The message says how many, and what to do."""


class Socket(asyncio.Protocol):
    """One client. `opened` is in the end `open`, `HTTP 503` or another status, `cut off` or `no answer`."""

    def __init__(self, target: Target, headers: http.Headers) -> None:
        loop = asyncio.get_running_loop()
        self._target, self._headers = target, headers
        self._steps = list(target.codec.opening)
        self._head: bytes | None = b""
        self._reader = frames.Reader()
        self._echo: asyncio.Future[bytes | None] = loop.create_future()
        self.opened: asyncio.Future[str] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self.transport.write(http.head("GET", self._target.resource, self._headers))

    def connection_lost(self, _error: Exception | None) -> None:
        self._settle("cut off")
        if not self._echo.done():
            self._echo.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head += data
            head, whole, data = self._head.partition(b"\r\n\r\n")
            if not whole:
                return
            self._head = None
            if not head.startswith(b"HTTP/1.1 101 "):
                self._settle(f"HTTP {head[9:12].decode('ascii', 'replace')}")
                self.transport.close()
                return
            if not self._steps:
                self._settle("open")
        self._reader.feed(data)
        for frame in self._reader:
            if frame.opcode == PING:
                self.transport.write(frames.encode(PONG, frame.payload))
            elif frame.opcode == CLOSE:
                self.transport.close()
            elif frame.opcode in (TEXT, BINARY):
                self._hear(Message(frame.opcode, frame.payload))

    def _hear(self, message: Message) -> None:
        codec = self._target.codec
        if self._steps:
            self._steps.pop(0)
            if self._steps:
                self.transport.write(frames.encode(TEXT, self._steps[0].say or b""))
            else:
                self._settle("open")
        elif (reply := codec.reply(message)) is not None:
            self.transport.write(frames.encode(TEXT, reply))
        elif (echo := codec.unwrap(message)) and not self._echo.done():
            self._echo.set_result(echo.data)

    def _settle(self, how: str) -> None:
        if not self.opened.done():
            self.opened.set_result(how)

    async def answers(self, text: bytes) -> bool:
        """Whether that text comes back in time, on a connection that has not been ended meanwhile."""
        if self.transport.is_closing():
            return False
        self.transport.write(frames.encode(TEXT, self._target.codec.wrap(text)))
        try:
            async with asyncio.timeout(_WITHIN):
                return await self._echo == text
        except TimeoutError:
            return False


class Crowd:
    """The sockets of one target, each 1,000 from an address of their own, as many machines would have them.

    On loopback the addresses are those of 127.0.0.0/8. Elsewhere there is but one, and X-Forwarded-For tells
    them; the proxy has to trust this machine for that.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._loopback = ipaddress.ip_address(target.host).is_loopback
        self.sockets: list[Socket] = []
        """Those that are open; some may have been cut since open() returned."""
        self.refused: Counter[str] = Counter()
        """How often each other answer came. `cut later` are those that were open, and did not stay until all were."""

    async def open(self, count: int, told: Told) -> None:
        """Open so many. `told` hears of each how many have been asked for."""
        addresses = -(-count // EACH)
        turn, loop = asyncio.Semaphore(_AT_ONCE), asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number in range(count):
                await asyncio.sleep(max(0.0, began + number / (A_SECOND * addresses) - loop.time()))
                await turn.acquire()
                task = tasks.create_task(self._open(number % addresses))
                task.add_done_callback(lambda _: turn.release())
                told(number + 1)
        asked = len(self.sockets)
        self.sockets = [one for one in self.sockets if not one.transport.is_closing()]
        if cut := asked - len(self.sockets):
            self.refused["cut later"] += cut

    async def _open(self, address: int) -> None:
        headers = list(handshake(self._target))
        raw = socket.socket()
        raw.setblocking(False)
        if self._loopback:
            raw.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            raw.bind((str(ipaddress.IPv4Address("127.0.0.1") + address), 0))
        else:
            headers.append(("X-Forwarded-For", str(ipaddress.IPv4Address("192.0.2.1") + address)))
        loop, one = asyncio.get_running_loop(), Socket(self._target, headers)
        try:
            async with asyncio.timeout(_WITHIN):
                await loop.sock_connect(raw, (self._target.host, self._target.port))
                await loop.create_connection(lambda: one, sock=raw)
                how = await one.opened
        except TimeoutError:
            how = "no answer"
        except OSError:
            how = "cut off"
        if how == "open":
            self.sockets.append(one)
        else:
            self.refused[how] += 1
            raw.close() if not hasattr(one, "transport") else one.transport.abort()

    async def echoes(self, told: Told) -> int:
        """How many of them get one echo right."""
        turn = asyncio.Semaphore(_AT_ONCE)

        async def asked(number: int, one: Socket) -> bool:
            async with turn:
                told(number + 1)
                return await one.answers(b"wall %d" % number)

        return sum(await asyncio.gather(*(asked(number, one) for number, one in enumerate(self.sockets))))

    def drop(self) -> None:
        """Break all connections at once, without a close."""
        for one in self.sockets:
            one.transport.abort()


def allow(count: int) -> None:
    """Let this process have so many sockets open. Raises TooManyError."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + _OTHER_FILES
    if hard not in (resource.RLIM_INFINITY, -1) and needed > hard:
        raise TooManyError(
            f"{count:,} sockets take {needed:,} open files, and this machine allows a process {hard:,}: "
            f"ask for {hard - _OTHER_FILES:,}, or raise the limit (`ulimit -Hn`, limits.conf)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(needed, resource.getrlimit(resource.RLIMIT_NOFILE)[0]), hard))

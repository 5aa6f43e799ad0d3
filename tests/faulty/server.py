"""A WebSocket echo server without a known fault (RFC 6455, RFC 7692), against which the checker is checked.

It shares no code with echowall.check, so that no mistake can hide by being made twice. What a fault changes is a
small method here: see faults.py.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import codecs
import hashlib
import signal
import struct
import zlib
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

PATH = "/foobar/"
SUBPROTOCOL = "echo"
MAX_MESSAGE = 1024 * 1024
MAX_HEAD = 32 * 1024
PING_INTERVAL = 5.0
PING_TIMEOUT = 5.0

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1 = 0x80, 0x40

Headers = dict[str, list[str]]


class RefusalError(Exception):
    """The handshake is answered with an HTTP error."""

    def __init__(self, status: HTTPStatus, why: str, **headers: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class ViolationError(Exception):
    """The client broke the protocol: the connection is failed with this code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


class Frame(NamedTuple):
    fin: bool
    rsv: int
    opcode: int
    payload: bytes


class Deflate:
    """One connection's permessage-deflate."""

    def __init__(self, parameters: dict[str, str | None]) -> None:
        self.parameters = parameters
        self.keeps_out = "server_no_context_takeover" not in parameters
        self.keeps_in = "client_no_context_takeover" not in parameters
        self.bits = int(parameters.get("server_max_window_bits") or 15)
        self._out = zlib.compressobj(wbits=-self.bits)
        self._in = zlib.decompressobj(-15)

    @classmethod
    def negotiate(cls, offers: str) -> Deflate | None:
        """The first offer that can be kept."""
        for offer in offers.split(","):
            name, *fields = (field.strip() for field in offer.split(";"))
            pairs = [field.partition("=") for field in fields]
            wanted = {key.strip(): value.strip().strip('"') if sign else None for key, sign, value in pairs}
            if name == "permessage-deflate" and len(wanted) == len(fields) and all(map(cls.known, wanted.items())):
                wanted.pop("client_max_window_bits", None)  # the largest window reads what any other has written
                return cls(wanted)
        return None

    @staticmethod
    def known(parameter: tuple[str, str | None]) -> bool:
        name, value = parameter
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            return value is None
        if name == "client_max_window_bits" and value is None:
            return True
        # zlib writes no raw stream with a window of 8 bits.
        least = {"client_max_window_bits": 8, "server_max_window_bits": 9}.get(name)
        return least is not None and value is not None and value in {str(bits) for bits in range(least, 16)}

    @property
    def answer(self) -> str:
        fields = [name if value is None else f"{name}={value}" for name, value in self.parameters.items()]
        return "; ".join(["permessage-deflate", *fields])

    def compress(self, data: bytes) -> bytes:
        if not self.keeps_out:
            self._out = zlib.compressobj(wbits=-self.bits)
        packed: bytes = self._out.compress(data) + self._out.flush(zlib.Z_SYNC_FLUSH)
        return packed[:-4]

    def decompress(self, data: bytes, final: bool, most: int) -> bytes:
        """No more than `most` bytes and one, by which the caller knows that it was more."""
        data += b"\x00\x00\xff\xff" if final else b""
        found = b""
        try:
            while data and len(found) <= most:
                found += self._in.decompress(data, most + 1 - len(found))
                data = self._in.unused_data
                if self._in.eof:
                    self._in = zlib.decompressobj(-15)
        except zlib.error:
            raise ViolationError(1002, "no DEFLATE stream") from None
        if final and not self.keeps_in:
            self._in = zlib.decompressobj(-15)
        return found


class Session:
    """One connection. The methods from `accept` down are what faults replace."""

    compression = Deflate

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.deflate: Deflate | None = None
        self.heard = asyncio.get_running_loop().time()
        self.closing = False
        self.done = asyncio.Event()
        self.count = 0
        self.parts: list[bytes] = []
        self._size = 0
        self._message: int | None = None
        self._packed = False
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._side: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """From the handshake to the end of the TCP connection."""
        try:
            await self.upgrade()
            self.opened()
            while not await self.take(await self.frame()):
                pass
            await self.linger()
        except RefusalError as refusal:
            await self.refuse(refusal)
            await self.linger()
        except ViolationError as violation:
            await self.leave(violation.code, violation.why)
            await self.linger()
        except ConnectionError:
            self.reset()
        except asyncio.IncompleteReadError:
            await self.ended()
        finally:
            for task in self._side:
                task.cancel()
            self.writer.close()
            self.server.sessions.discard(self)
            self.done.set()
            with suppress(OSError):
                await self.writer.wait_closed()

    # -- the handshake

    async def upgrade(self) -> None:
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.LimitOverrunError:
            raise RefusalError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The head is too large.") from None
        request, *lines = head.split("\r\n")[:-2]
        try:
            method, resource, version = request.split(" ")
        except ValueError:
            raise RefusalError(HTTPStatus.BAD_REQUEST, "That is no HTTP request.") from None
        headers: Headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise RefusalError(HTTPStatus.BAD_REQUEST, "That is no HTTP header.")
            headers.setdefault(name.lower(), []).append(value.strip())
        self.admit(method, resource, version, headers)
        answer = {"Upgrade": "websocket", "Connection": "Upgrade"}
        answer["Sec-WebSocket-Accept"] = self.accept(headers["sec-websocket-key"][0])
        if chosen := self.choose(tokens(headers, "sec-websocket-protocol")):
            answer["Sec-WebSocket-Protocol"] = chosen
        self.deflate = self.compression.negotiate(",".join(headers.get("sec-websocket-extensions", [])))
        if self.deflate:
            answer["Sec-WebSocket-Extensions"] = self.deflate.answer
        await self.write(self.switch(answer))

    def switch(self, headers: dict[str, str]) -> bytes:
        """The 101."""
        return response(HTTPStatus.SWITCHING_PROTOCOLS, headers)

    def admit(self, method: str, resource: str, version: str, headers: Headers) -> None:
        """Raise RefusalError where the request is no proper handshake (RFC 6455, section 4.2.1)."""
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            raise RefusalError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here.")
        if urlsplit(resource).path != PATH:
            raise RefusalError(HTTPStatus.NOT_FOUND, f"The echo is at {PATH}.")
        if method != "GET":
            raise RefusalError(HTTPStatus.METHOD_NOT_ALLOWED, "A handshake is a GET.", Allow="GET")
        if version == "HTTP/1.0":
            raise RefusalError(HTTPStatus.BAD_REQUEST, "A handshake needs HTTP/1.1.")
        if "websocket" not in map(str.lower, tokens(headers, "upgrade")):
            raise self.not_a_websocket()
        if "upgrade" not in map(str.lower, tokens(headers, "connection")):
            raise RefusalError(HTTPStatus.BAD_REQUEST, "Connection does not name Upgrade.")
        if headers.get("sec-websocket-version") != ["13"]:
            raise self.wrong_version()
        keys = headers.get("sec-websocket-key", [])
        if len(keys) != 1 or not is_key(keys[0]):
            raise RefusalError(HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key is not 16 bytes in base64.")
        if len(headers.get("host", [])) != 1:
            raise RefusalError(HTTPStatus.BAD_REQUEST, "There has to be one Host.")
        if not self.allows(headers.get("origin", []), headers["host"][0]):
            raise RefusalError(HTTPStatus.FORBIDDEN, "That Origin is a stranger here.")

    async def refuse(self, refusal: RefusalError) -> None:
        body = f"{refusal.why}\n".encode()
        headers = {"Content-Type": "text/plain", "Content-Length": str(len(body)), "Connection": "close"}
        with suppress(OSError):
            await self.write(response(refusal.status, headers | refusal.headers) + body)

    # -- frames

    async def frame(self) -> Frame:
        first, second = await self.reader.readexactly(2)
        fin, rsv, opcode, length = bool(first & FIN), first & 0x70, first & 0x0F, second & 0x7F
        self.check_rsv(rsv, opcode)
        self.check_opcode(opcode)
        self.check_mask(bool(second & 0x80))
        if opcode >= CLOSE:
            self.check_control(fin, length)
        elif opcode in (CONTINUATION, TEXT, BINARY):
            self.check_sequence(opcode)
        if length == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            self.check_shortest(length >= 126)
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            self.check_top_bit(length)
            self.check_shortest(length >= 1 << 16)
        self.check_size(length if opcode >= CLOSE else length + self._size)
        key = await self.reader.readexactly(4) if second & 0x80 else bytes(4)
        payload = self.unmask(await self.payload(length), key)
        self.heard = asyncio.get_running_loop().time()
        return Frame(fin, rsv, opcode, payload)

    async def take(self, frame: Frame) -> bool:
        """Do what the frame asks for; True where it was the close."""
        if frame.opcode == PING:
            await self.ping(frame.payload)
        elif frame.opcode == CLOSE:
            await self.closed(frame.payload)
            return True
        elif frame.opcode in (CONTINUATION, TEXT, BINARY) and not self.closing:
            if frame.opcode:
                self._message, self._packed = frame.opcode, bool(frame.rsv & RSV1)
            data = frame.payload
            if self._packed and self.deflate:
                data = self.deflate.decompress(data, frame.fin, self.most() - self._size)
                self.check_size(len(data) + self._size)
            self._size += len(data)
            self.part(data, frame.fin)
            if self._message == TEXT:
                self.check_text(data, frame.fin)
            if frame.fin and self._message is not None:
                opcode, message = self._message, b"".join(self.parts)
                self._message, self._size = None, 0
                self.parts.clear()
                self.count += 1
                await self.message(opcode, message)
        return False

    async def send(self, opcode: int, payload: bytes = b"") -> None:
        rsv = 0
        if self.deflate and opcode in (TEXT, BINARY) and self.compresses(payload):
            payload, rsv = self.deflate.compress(payload), RSV1
        await self.write(self.pack(FIN | rsv | opcode, payload))

    async def leave(self, code: int | None, reason: str = "") -> None:
        """Send a close frame, once."""
        if not self.closing:
            self.closing = True
            payload = b"" if code is None else struct.pack("!H", code) + reason.encode()[:123]
            with suppress(OSError):
                await self.send(CLOSE, payload)

    async def linger(self) -> None:
        """End our half and read on for a moment: closing with bytes unread would reset, and lose what we said."""
        with suppress(OSError, TimeoutError):
            self.writer.write_eof()
            async with asyncio.timeout(2):
                while await self.reader.read(1 << 16):
                    pass

    async def farewell(self) -> None:
        """The server is going down."""
        await self.leave(1001, "going away")
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self.done.wait()

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something else as long as the connection lasts."""
        self._side.append(asyncio.create_task(work))

    async def keepalive(self) -> None:
        clock = asyncio.get_running_loop().time
        with suppress(OSError):
            while not self.closing:
                if (quiet := clock() - self.heard) >= PING_INTERVAL:
                    await self.send(PING, b"are you there?")
                    quiet = 0
                await asyncio.sleep(PING_INTERVAL - quiet)
                if clock() - self.heard >= PING_INTERVAL + PING_TIMEOUT:
                    self.writer.transport.abort()
                    return

    # -- what faults replace

    def accept(self, key: str) -> str:
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode(), usedforsecurity=False).digest()
        return base64.b64encode(digest).decode()

    def choose(self, offered: Sequence[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in offered else None

    def allows(self, origins: Sequence[str], host: str) -> bool:
        return all(urlsplit(origin).netloc == host for origin in origins)

    def not_a_websocket(self) -> RefusalError:
        return RefusalError(HTTPStatus.UPGRADE_REQUIRED, "WebSockets only.", Upgrade="websocket", Connection="Upgrade")

    def wrong_version(self) -> RefusalError:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
        return RefusalError(HTTPStatus.UPGRADE_REQUIRED, "Version 13 is spoken here.", **headers)

    def opened(self) -> None:
        self.beside(self.keepalive())

    def check_rsv(self, rsv: int, opcode: int) -> None:
        if rsv and not (rsv == RSV1 and self.deflate and opcode in (TEXT, BINARY)):
            raise ViolationError(1002, "reserved bits")

    def check_opcode(self, opcode: int) -> None:
        if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise ViolationError(1002, "unknown opcode")

    def check_mask(self, masked: bool) -> None:
        if not masked:
            raise ViolationError(1002, "not masked")

    def check_control(self, fin: bool, length: int) -> None:
        if not fin:
            raise ViolationError(1002, "a control frame in fragments")
        if length > 125:
            raise ViolationError(1002, "a control frame of more than 125 bytes")

    def check_sequence(self, opcode: int) -> None:
        if (opcode == CONTINUATION) != (self._message is not None):
            raise ViolationError(1002, "a continuation with nothing to continue, or a new message within another")

    def check_shortest(self, needed: bool) -> None:
        if not needed:
            raise ViolationError(1002, "a length that fewer bytes would hold")

    def check_top_bit(self, length: int) -> None:
        if length >> 63:
            raise ViolationError(1002, "a length of more than 63 bits")

    def check_size(self, size: int) -> None:
        if size > MAX_MESSAGE:
            raise ViolationError(1009, "too large")

    def most(self) -> int:
        """What a compressed message may grow to."""
        return MAX_MESSAGE

    async def payload(self, length: int) -> bytes:
        return await self.reader.readexactly(length)

    def unmask(self, payload: bytes, key: bytes) -> bytes:
        size = len(payload)
        stream = int.from_bytes((key * (size // 4 + 1))[:size], "big")
        return (int.from_bytes(payload, "big") ^ stream).to_bytes(size, "big")

    def part(self, data: bytes, final: bool) -> None:
        self.parts.append(data)

    def check_text(self, data: bytes, final: bool) -> None:
        try:
            self._utf8.decode(data, final)
        except UnicodeDecodeError:
            raise ViolationError(1007, "no UTF-8") from None

    async def message(self, opcode: int, data: bytes) -> None:
        await self.echo(opcode, data)

    async def echo(self, opcode: int, data: bytes) -> None:
        await self.send(opcode, data)

    def compresses(self, payload: bytes) -> bool:
        return True

    def pack(self, first: int, payload: bytes) -> bytes:
        """A whole frame."""
        size = len(payload)
        if size < 126:
            return struct.pack("!BB", first, size) + payload
        if size < 1 << 16:
            return struct.pack("!BBH", first, 126, size) + payload
        return struct.pack("!BBQ", first, 127, size) + payload

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.drain()

    async def drain(self) -> None:
        await self.writer.drain()

    async def ping(self, payload: bytes) -> None:
        await self.send(PONG, payload)

    async def closed(self, payload: bytes) -> None:
        """The client's close: the code and the reason go back to it, if they are proper."""
        if not payload:
            return await self.leave(None)
        if len(payload) == 1:
            raise ViolationError(1002, "half a close code")
        (code,) = struct.unpack_from("!H", payload)
        self.check_code(code)
        return await self.leave(code, self.reason(payload[2:]))

    def check_code(self, code: int) -> None:
        if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
            raise ViolationError(1002, "a close code that may not be sent")

    def reason(self, reason: bytes) -> str:
        try:
            return reason.decode()
        except UnicodeDecodeError:
            raise ViolationError(1007, "a reason that is no UTF-8") from None

    async def ended(self) -> None:
        """The client ended its half of the TCP connection, and sent no close."""

    def reset(self) -> None:
        """The client broke the TCP connection."""


class Server:
    """Listens until SIGTERM, and prints its port."""

    def __init__(self, session: type[Session] = Session) -> None:
        self.session = session
        self.sessions: set[Session] = set()

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        server = await asyncio.start_server(self.connected, host, port, limit=MAX_HEAD)
        print(server.sockets[0].getsockname()[1], flush=True)
        await stop.wait()
        server.close()
        await asyncio.gather(*(session.farewell() for session in self.sessions))

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = self.session(self, reader, writer)
        self.sessions.add(session)
        with suppress(asyncio.CancelledError):  # the end of the loop, which asyncio 3.11 would report
            await session.run()


def tokens(headers: Headers, name: str) -> list[str]:
    """The elements of a header that is a list."""
    return [token.strip() for value in headers.get(name, []) for token in value.split(",") if token.strip()]


def is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False


def response(status: HTTPStatus, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def titled(*sessions: type[Session]) -> dict[str, type[Session]]:
    """These by the first line of their docstrings."""
    return {(session.__doc__ or "").partition("\n")[0].rstrip("."): session for session in sessions}

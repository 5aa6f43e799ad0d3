"""An open WebSocket: frames and messages, in and out."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Literal, NamedTuple

from echowall.check.wire import frames
from echowall.check.wire.breaches import Watch
from echowall.check.wire.codec import Message
from echowall.check.wire.errors import UnreachableError
from echowall.check.wire.extensions import DEFLATE
from echowall.check.wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Reader
from echowall.check.wire.hearsay import Hearsay
from echowall.check.wire.http import Response
from echowall.check.wire.stream import Stream
from echowall.check.wire.target import Target

#: How long an answer may take, in seconds. What does not come by then is `silence`.
PATIENCE = 3.0
#: Of a greeting whose length varies, this much silence is the end, in seconds, or so many messages.
PAUSE, MOST_GREETINGS = 0.3, 1000
#: Codes by which a server says that it was asked too much, among other things.
_TOO_MUCH = (1008, 1013)


class Closed(NamedTuple):
    """A close frame. `code` is None where it carried none."""

    code: int | None
    reason: str = ""


class Ended(NamedTuple):
    """Why nothing more came: the end of the stream, a reset, or silence until the time was over."""

    how: Literal["end of stream", "reset", "silence"]


Heard = Message | Closed | Ended


class Connection:
    """An open WebSocket on which anything can be sent.

    Of an endpoint that says more than echoes, what has nothing to do with what was said is passed over.
    """

    def __init__(self, stream: Stream, response: Response, target: Target) -> None:
        self.response = response
        """The answer to the handshake."""
        self.codec = target.codec
        self.habits = target.habits
        self._first = target.first
        self._hearsay = Hearsay() if target.habits.talks else None
        self._silent = False
        """Whether the greeting is over, and we have said nothing since."""
        self._undecided: list[Frame] = []
        """The frames of a message that is not whole yet, so that nobody knows whose it is."""
        self._kept: deque[Frame] = deque()
        """Frames that were read, and not heard yet."""
        self._stream = stream
        self._frames = Reader()
        self._watch: Watch | None = Watch(deflate=DEFLATE in (response.header("Sec-WebSocket-Extensions") or ""))
        self._parts: list[Frame] = []
        self._end: Ended | None = None

    @property
    def port(self) -> int:
        """Our own end's."""
        return self._stream.port

    # -- sending

    @property
    def gone(self) -> bool:
        """Whether it is gone, as far as one who does not read can know."""
        return self._stream.gone

    async def write(self, data: bytes, what: str = "") -> None:
        """Send these bytes. A connection that is gone swallows them: what is heard next says so."""
        self._silent = False
        await self._stream.write(data, what or f"{len(data)} bytes")

    async def send(
        self,
        opcode: int,
        payload: bytes = b"",
        *,
        fin: bool = True,
        rsv: int = 0,
        masked: bool = True,
        length: int | None = None,
        form: int | None = None,
    ) -> None:
        """Send a frame; see frames.encode()."""
        if opcode < CLOSE and opcode != TEXT:
            self.expect(payload)
        data = frames.encode(opcode, payload, fin=fin, rsv=rsv, masked=masked, length=length, form=form)
        note = "" if masked else ", unmasked"
        self._silent = self._silent and opcode in (PING, PONG)
        await self._stream.write(data, frames.describe(Frame(opcode, payload, fin, rsv)) + note)

    def _send_without_waiting(self, opcode: int, payload: bytes) -> None:
        """Send a frame and read on: a server that we have sent much may wait for us to do that before it takes more."""
        data = frames.encode(opcode, payload)
        self._stream.write_without_waiting(data, frames.describe(Frame(opcode, payload)))

    async def say(self, message: str | bytes) -> None:
        """Send a message that is to be echoed, text or binary."""
        if isinstance(message, str):
            await self.send(TEXT, self.wrap(message.encode("utf-8", "surrogatepass")))
        else:
            await self.announce()
            await self.send(BINARY, message)

    async def announce(self) -> None:
        """Send what the protocol above WebSocket wants before a binary message, if anything."""
        if self.codec.announcement is not None:
            await self.send(TEXT, self.codec.announcement)

    def wrap(self, text: bytes) -> bytes:
        """The payload of a text frame by which an echo is asked for."""
        self.expect(text)
        return self.codec.wrap(text)

    def expect(self, message: bytes) -> None:
        """Know that message as ours when it comes back."""
        if self._hearsay:
            self._hearsay.say(message)

    async def close(self, code: int | None = 1000, reason: str | bytes = "") -> None:
        """Send a close frame."""
        await self.send(CLOSE, frames.close_payload(code, reason))

    async def finish(self) -> None:
        """End our half of the TCP connection (FIN), without a close frame."""
        await self._stream.finish()

    def reset(self) -> None:
        """Break the TCP connection (RST)."""
        self._stream.reset()

    def vanish(self) -> None:
        """From now on our kernel drops what comes, unread and unacknowledged, as if this machine had lost power."""
        self._stream.vanish()

    # -- receiving

    async def frame(self, within: float = PATIENCE) -> Frame | Ended:
        """The next frame, whatever it is, or why there is none. Nothing is answered. On a slow link it waits longer.

        Frames of messages that are not ours are passed over. Raises frames.FrameError where what comes cannot be a
        frame.
        """
        try:
            async with asyncio.timeout(within + self._stream.slack):
                while True:
                    if self._kept:
                        return self._kept.popleft()
                    found = await self._next()
                    if isinstance(found, Ended) or found.opcode >= CLOSE:
                        return found
                    if self._silent and self.codec.reply(Message(found.opcode, found.payload)) is None:
                        self._stream.come_unprompted()
                    if not self._hearsay:
                        return found
                    self._sift(found)
        except TimeoutError:
            self._stream.record("note", f"nothing came for {within + self._stream.slack:g} s")
            return Ended("silence")

    async def _next(self) -> Frame | Ended:
        """The next frame as it comes in, or the end."""
        while True:
            for found in self._frames:
                self._stream.record("received", frames.describe(found), self._frames.raw)
                self._look(found)
                return found
            if self._end:
                return self._end
            await self._read()

    def _look(self, found: Frame) -> None:
        """Note the first breach of the protocol. A browser would end the connection there."""
        if self._watch and (what := self._watch.breach(found)):
            self._watch = None
            self._stream.breach("frame", what)
        if found.opcode == CLOSE and frames.close_code(found.payload) in _TOO_MUCH:
            self._stream.turn_away()

    def _sift(self, found: Frame) -> None:
        """Keep the message that this frame completes, if it is ours. One that is compressed is left to who reads it."""
        self._undecided.append(found)
        if found.fin:
            parts, self._undecided = self._undecided, []
            message = Message(parts[0].opcode, b"".join(part.payload for part in parts))
            if parts[0].rsv or not self.passes_over(message):
                self._kept += parts

    def passes_over(self, message: Message) -> bool:
        """Whether the message has nothing to do with what was said on this connection; if so, it is noted."""
        if not self._hearsay or self.codec.reply(message) is not None:
            return False
        inner = self.codec.unwrap(message)
        if inner is None or self._hearsay.is_ours(inner.data):
            return False
        self._stream.pass_over(frames.describe(Frame(message.opcode, message.data)))
        return True

    async def _read(self) -> None:
        if data := await self._stream.read():
            self._frames.feed(data)
            return
        self._end = Ended("reset" if self._stream.broken else "end of stream")
        self._stream.record("received", self._end.how)

    async def discard(self, size: int) -> bool:
        """Read that many bytes and forget them, which is fast; False where the stream ended before."""
        return await self._stream.discard(size)

    async def hear(self, within: float = PATIENCE) -> Heard:
        """The next message, close frame or end. Pings are answered and pongs passed over on the way."""
        deadline = time.monotonic() + within
        while True:
            found = await self.frame(max(0.0, deadline - time.monotonic()))
            if isinstance(found, Ended):
                return found
            if found.opcode == PING:
                self._send_without_waiting(PONG, found.payload)
            elif found.opcode == CLOSE:
                return Closed(frames.close_code(found.payload), found.payload[2:].decode("utf-8", "replace"))
            elif found.opcode in (TEXT, BINARY, CONTINUATION):
                self._parts.append(found)
                if found.fin and (message := self._whole()) is not None:
                    return message

    def _whole(self) -> Message | None:
        """The message whose last frame has come; None where the protocol above WebSocket keeps it to itself."""
        received = Message(self._parts[0].opcode, b"".join(part.payload for part in self._parts))
        self._parts = []
        if (reply := self.codec.reply(received)) is not None:
            self._send_without_waiting(TEXT, reply)
            return None
        return self.codec.unwrap(received)

    async def greet(self) -> None:
        """Say what is to be said first, and set apart how the server greets.

        First comes the opening of the protocol above WebSocket, if it has one. Raises UnreachableError where that is
        not answered.
        """
        for step in self.codec.opening:
            if step.say is not None:
                await self.send(TEXT, step.say)
            found = await self.frame()
            if isinstance(found, Ended) or not found.payload.startswith(step.expect):
                what = found.how if isinstance(found, Ended) else frames.describe(found)
                due = f"{self.codec.name}'s {step.expect!r}"
                raise UnreachableError(f"{self._stream.url} answered {what} where {due} was due")
        await self.introduce()
        await self._set_greetings_apart()
        self._silent = True

    async def introduce(self) -> None:
        """Say what the user wants to be said first. No transcript shows it."""
        for text in self._first:
            self._stream.record("sent", "what --first says")
            await self._stream.write_unrecorded(frames.encode(TEXT, text.encode("utf-8", "surrogateescape")))

    async def _set_greetings_apart(self) -> None:
        """Read so many messages as greet a new connection. What else comes is kept."""
        wanted = self.habits.greetings
        within = PATIENCE + self._stream.slack if wanted else PAUSE
        came = 0
        others: list[Frame] = []
        while came < (MOST_GREETINGS if wanted is None else wanted):
            found = await self._next_within(within)
            if isinstance(found, Ended) or found.opcode == CLOSE:
                others += [found] if isinstance(found, Frame) else []
                if wanted is not None:
                    self.miss_greeting(f"{came} of {wanted}")
                break
            if found.opcode >= CLOSE or self.codec.reply(Message(found.opcode, found.payload)) is not None:
                others.append(found)
            else:
                came += found.fin
        self.note_greeting(came)
        self._kept += others

    def note_greeting(self, came: int) -> None:
        """Note that so many messages were set apart."""
        if came:
            self._stream.record("note", f"set apart, as the greeting: {came} message{'' if came == 1 else 's'}")

    async def _next_within(self, within: float) -> Frame | Ended:
        """The next frame within that time, whoever it is for."""
        try:
            async with asyncio.timeout(within):
                return await self._next()
        except TimeoutError:
            return Ended("silence")

    def miss_greeting(self, what: str) -> None:
        """Note that a greeting did not come as it was learnt."""
        self._stream.miss_greeting(what)

    async def reaction(self, to: str | bytes | None = None, within: float = PATIENCE) -> str:
        """What is heard next, as an observation; see observe().

        Timing decides whether a server's end arrives as the end of the stream or as a reset: both are `cut off`.
        """
        heard = await self.hear(within)
        return "cut off" if isinstance(heard, Ended) and heard.how != "silence" else observe(heard, to)


def observe(heard: Heard, sent: str | bytes | None = None) -> str:
    """What was heard, as an observation: `echo`, `close 1007`, `silence` … `sent` is what an echo would give back."""
    if isinstance(heard, Ended):
        return heard.how
    if isinstance(heard, Closed):
        return f"close {heard.code}" if heard.code is not None else "close without a code"
    if sent is not None:
        wanted = sent.encode("utf-8", "surrogatepass") if isinstance(sent, str) else sent
        if heard.data == wanted:
            if heard.opcode == (TEXT if isinstance(sent, str) else BINARY):
                return "echo"
            return f"echo as {'text' if heard.opcode == TEXT else 'binary'}"
        if heard.data == b"":
            return "an empty message"
    return f"other message {frames.quote(heard.data, 32)}"

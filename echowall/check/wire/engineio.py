"""Socket.IO over Engine.IO, as far as an echo needs it (Engine.IO protocol 4, Socket.IO protocol 5)."""

from __future__ import annotations

import json
from contextlib import suppress

from echowall.check.wire.codec import Codec, Message, Step
from echowall.check.wire.frames import BINARY, TEXT

_EVENT = b'42["message",'
_BINARY_EVENT = b"451-"


class EngineIO(Codec):
    """Each message is an event `message` with the message as its only argument."""

    name = "Socket.IO"
    plain = False
    query = "EIO=4&transport=websocket"
    opening = (Step(None, b"0"), Step(b"40", b"40"))  # Engine.IO's, then the default namespace
    announcement = _BINARY_EVENT + b'["message",{"_placeholder":true,"num":0}]'

    def wrap(self, text: bytes) -> bytes:
        with suppress(UnicodeDecodeError):
            return _EVENT + json.dumps(text.decode(), ensure_ascii=False).encode() + b"]"
        return _EVENT + b'"' + text + b'"]'

    def begin(self, text: bytes) -> bytes:
        return self.wrap(text).removesuffix(b'"]')

    def reply(self, received: Message) -> bytes | None:
        return b"3" if received == Message(TEXT, b"2") else None

    def unwrap(self, received: Message) -> Message | None:
        if received.opcode == BINARY:
            return received
        if received.data.startswith(_BINARY_EVENT):  # its data comes in the next frame
            return None
        if received.data.startswith(_EVENT):
            with suppress(ValueError):
                return Message(TEXT, str(json.loads(received.data[2:])[1]).encode("utf-8", "surrogatepass"))
        return received


ENGINE_IO = EngineIO()

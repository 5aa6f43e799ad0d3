"""How a message that is to be echoed travels in frames.

Over plain WebSocket a message is a frame's payload. Over a protocol above it, such as Engine.IO, a message is wrapped
up, and the protocol has an opening and a keepalive of its own.
"""

from __future__ import annotations

from typing import NamedTuple


class Message(NamedTuple):
    """A whole message."""

    opcode: int
    data: bytes


class Step(NamedTuple):
    """One step of a protocol's opening."""

    say: bytes | None
    """The payload of the text that we send; None where the server speaks first."""
    expect: bytes
    """How the payload begins that is due after it."""


class Codec:
    """Plain WebSocket: a message travels as it is. A protocol above WebSocket is a subclass."""

    name = "WebSocket"
    plain = True
    """Whether a message is the payload of its frames, and nothing else."""
    binary = True
    """Whether binary messages can be sent."""
    query = ""
    """What the protocol adds to the URL's query."""
    opening: tuple[Step, ...] = ()
    """What has to be said after the handshake, before messages can be."""
    announcement: bytes | None = None
    """The payload of a text that has to go before each binary message."""

    def wrap(self, text: bytes) -> bytes:
        """The payload of the text frame by which the echo of `text` is asked for. `text` need not be UTF-8."""
        return text

    def begin(self, text: bytes) -> bytes:
        """The beginning of such a payload: it holds `text`, and more text may follow."""
        return text

    def reply(self, received: Message) -> bytes | None:
        """Where `received` is a ping of the protocol's own, the payload of the text that answers it."""
        return None

    def unwrap(self, received: Message) -> Message | None:
        """The message that was wrapped up in `received`, which is no such ping; None where there is none in it."""
        return received


PLAIN = Codec()

"""What an endpoint does of its own accord, by which it differs from a silent echo server."""

from __future__ import annotations

import msgspec


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt of an endpoint before it was asked anything; by default, that it only echoes."""

    greetings: int | None = 0
    """How many messages greet each new connection, the answers to what is said first among them. None where their
    number differs from connection to connection."""
    talks: bool = False
    """Whether more comes from it later than echoes: what it says by itself, or what other clients say."""
    room: bool = False
    """Whether clients hear each other."""
    echoes: bool = True
    """Whether it answers a message with that message, where it is looked for."""

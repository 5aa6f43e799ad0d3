"""Whose a message is, of an endpoint that says more than echoes: ours, or what it says by itself or others say."""

from __future__ import annotations

from collections import deque

#: How many of the last messages that were said another one is compared with, and how much of each of their ends.
_LAST, _END = 200, 2048
#: A text that is shorter than this is likely to be in others by chance.
_TELLING = 4
#: How much of their pairs of letters two texts share of which one was made from the other.
_ALIKE = 0.6


class Hearsay:
    """Knows what was said on a connection."""

    def __init__(self) -> None:
        self._said: set[bytes] = set()
        self._last: deque[str] = deque(maxlen=_LAST)

    def say(self, message: bytes) -> None:
        """Note that this was said."""
        if message not in self._said:
            self._said.add(message)
            self._last.append(_ends(message))

    def is_ours(self, message: bytes) -> bool:
        """Whether this may be the echo of something that was said, as it was or changed.

        An empty message counts as ours: nobody talks by saying nothing.
        """
        if message in self._said or not message:
            return True
        heard = _ends(message)
        return any(_alike(heard, said) for said in self._last)


def _ends(message: bytes) -> str:
    text = message if len(message) <= 2 * _END else message[:_END] + message[-_END:]
    return text.decode("utf-8", "backslashreplace").casefold()


def _alike(heard: str, said: str) -> bool:
    """Whether one text holds the other, or most of what it is made of."""
    if len(said) >= _TELLING and said in heard:
        return True
    if 2 * len(heard) >= len(said) and heard in said:
        return True
    one, other = ({text[at : at + 2] for at in range(len(text) - 1)} for text in (heard, said))
    return 2 * len(one & other) >= _ALIKE * (len(one) + len(other)) > 0

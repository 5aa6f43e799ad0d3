"""Whose a message is, of an endpoint that says more than echoes: ours, or what it says by itself or others say."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

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
        self._last: deque[_Text] = deque(maxlen=_LAST)

    def say(self, message: bytes) -> None:
        """Note that this was said."""
        if message not in self._said:
            self._said.add(message)
            self._last.append(_Text.of(message))

    def is_ours(self, message: bytes) -> bool:
        """Whether this may be the echo of something that was said, as it was or changed.

        An empty message counts as ours: nobody talks by saying nothing.
        """
        if message in self._said or not message:
            return True
        heard = _Text.of(message)
        return any(heard.may_come_of(said) for said in self._last)


class _Text(NamedTuple):
    """The ends of a message, whatever the case of its letters."""

    text: str
    pairs: frozenset[str]
    """Of the letters."""

    @classmethod
    def of(cls, message: bytes) -> _Text:
        ends = message if len(message) <= 2 * _END else message[:_END] + message[-_END:]
        text = ends.decode("utf-8", "backslashreplace").casefold()
        return cls(text, frozenset(text[at : at + 2] for at in range(len(text) - 1)))

    def may_come_of(self, said: _Text) -> bool:
        """Whether one text holds the other, or most of what it is made of."""
        if len(said.text) >= _TELLING and said.text in self.text:
            return True
        if 2 * len(self.text) >= len(said.text) and self.text in said.text:
            return True
        shared, all_ = len(self.pairs & said.pairs), len(self.pairs) + len(said.pairs)
        return 2 * shared >= _ALIKE * all_ > 0

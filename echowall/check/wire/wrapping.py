"""Messages inside other text, as the user describes it: how one is put there, and where its echo is found."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from echowall.check.wire.codec import Codec, Message
from echowall.check.wire.frames import TEXT

#: It stands for the message in a template.
MARK = "MESSAGE"


class Place(NamedTuple):
    """Where a message stands in a text."""

    before: str
    """What stands before it, in the text or in the string that holds it."""
    after: str = ""
    pointer: tuple[str, ...] | None = None
    """Where in JSON that string is, as the reference tokens of a JSON Pointer (RFC 6901); None in other text."""

    def find(self, text: str) -> str | None:
        """What stands there; None where the text has no such place."""
        if self.pointer is not None:
            try:
                found = _at(json.loads(text), self.pointer)
            except (ValueError, LookupError, RecursionError):
                return None
            if not isinstance(found, str):
                return None
            text = found
        whole = len(text) >= len(self.before) + len(self.after)
        if not (whole and text.startswith(self.before) and text.endswith(self.after)):
            return None
        return text[len(self.before) : len(text) - len(self.after)]


def place(written: str) -> Place:
    """Of a template with one MESSAGE in it, or of a JSON Pointer. Raises ValueError, in words for the user."""
    if MARK not in written:
        if not written.startswith("/"):
            raise ValueError(f"write where the message is: a template with {MARK} in it, or a JSON Pointer as /text")
        tokens = written.split("/")[1:]
        return Place("", "", tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens))
    if written.count(MARK) > 1:
        raise ValueError(f"write {MARK} once, where the message is")
    try:
        pointer, text = _marked(json.loads(written), ())
    except (ValueError, RecursionError):
        pointer, text = None, written
    before, _, after = text.partition(MARK)
    return Place(before, after, pointer)


def _marked(value: Any, path: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Which string of a JSON value has the mark in it. Raises ValueError where none has."""
    if isinstance(value, str) and MARK in value:
        return path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        try:
            return _marked(one, (*path, str(key)))
        except ValueError:
            continue
    raise ValueError(f"no {MARK} in a string")


def _at(value: Any, pointer: tuple[str, ...]) -> Any:
    """The value there. Raises LookupError or ValueError where there is none."""
    for token in pointer:
        if isinstance(value, list):
            value = value[int(token)]
        elif isinstance(value, dict):
            value = value[token]
        else:
            raise LookupError(token)
    return value


class Wrapping(Codec):
    """Each text is put into a template, escaped where that is JSON, and its echo is looked for in a place."""

    name = "a template"
    plain = False
    binary = False

    def __init__(self, template: str, found: Place) -> None:
        before, _, after = template.partition(MARK)
        self._before, self._after = (part.encode("utf-8", "surrogateescape") for part in (before, after))
        self._escapes = place(template).pointer is not None
        self._found = found

    def wrap(self, text: bytes) -> bytes:
        return self.begin(text) + self._after

    def begin(self, text: bytes) -> bytes:
        return self._before + (_escaped(text) if self._escapes else text)

    def unwrap(self, received: Message) -> Message | None:
        try:
            inner = self._found.find(received.data.decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError:
            return received
        return received if inner is None else Message(TEXT, inner.encode("utf-8", "surrogatepass"))


def _escaped(text: bytes) -> bytes:
    """As JSON has it between quotes; what is not UTF-8 stays as it is."""
    try:
        return json.dumps(text.decode(), ensure_ascii=False)[1:-1].encode()
    except UnicodeDecodeError:
        return text

"""What must not be shown: passwords, tokens and cookies, which are masked wherever they would be written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress

MASK = "***"
#: Shorter texts are masked only where their place gives them away: they are likely to be in other words too.
_LEAST = 4
_NAME = (
    r"[\w.-]*(?:token|secret|passw|pwd|auth|credential|signature|ticket|jwt|session|api[-_]?key|access[-_]?key)[\w.-]*"
)
_IN_QUERY = re.compile(rf"([?&;](?:{_NAME}|key|sig|sid|code)=)[^&;#\s\"')]+", re.IGNORECASE)
_IN_USERINFO = re.compile(r"(://)(?!USER:PASSWORD@)[^/?#@\s]*@")
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")
_IS_SECRET = re.compile(rf"cookie|{_NAME}", re.IGNORECASE)
_SET_COOKIE = re.compile(rb"^(set-cookie\d?[ \t]*:[^=\r\n]*=)[^;\r\n]*", re.IGNORECASE | re.MULTILINE)


class Secrets:
    """What the user gave that is secret."""

    def __init__(self, texts: Iterable[str] = (), headers: Iterable[str] = ()) -> None:
        self._texts = sorted({text for text in texts if len(text) >= _LEAST}, key=len, reverse=True)
        names = "|".join(re.escape(name) for name in headers)
        self._heads = [_SET_COOKIE]
        if names:
            pattern = rf"^((?:{names})[ \t]*:[ \t]*)[^\r\n]+"
            self._heads.append(re.compile(pattern.encode("utf-8", "surrogateescape"), re.IGNORECASE | re.MULTILINE))

    def hide(self, text: str) -> str:
        """The text with what is secret in it masked, also where the text was cut within it."""
        for secret in self._texts:
            text = text.replace(secret, MASK)
            for size in range(len(secret) - 1, 2 * _LEAST, -1) if "…" in text else ():
                text = text.replace(f"{secret[:size]}…", f"{MASK}…")
        return hide_in_url(text)

    def hide_bytes(self, data: bytes) -> bytes:
        """The same of bytes, of which only what the user gave is masked."""
        for secret in self._texts:
            data = data.replace(secret.encode("utf-8", "surrogateescape"), MASK.encode())
        return data

    def hide_head(self, head: bytes) -> bytes:
        """The same of a head of HTTP, whose secret headers are masked by their names."""
        for pattern in self._heads:
            head = pattern.sub(rb"\1" + MASK.encode(), head)
        return self.hide_bytes(head)


def hide_in_url(text: str) -> str:
    """A URL, or a text with some in it, without a name and password, and with the tokens of its query masked."""
    if "://" in text:
        text = _IN_USERINFO.sub(r"\1", text)
    if "=" in text:
        text = _IN_QUERY.sub(rf"\1{MASK}", text)
    return _JWT.sub(MASK, text)


def in_query(url: str) -> list[str]:
    """The tokens of a URL, which are named like some or look like one."""
    return [*(found[0].partition("=")[2] for found in _IN_QUERY.finditer(url)), *_JWT.findall(url)]


def in_message(message: str) -> list[str]:
    """What is secret of a message that says who asks: all of it, and of JSON each string that may be a token."""
    return _variants([message, *_strings(message, least=2 * _LEAST)])


def in_template(template: str) -> list[str]:
    """What is secret of a text around a MESSAGE: in JSON, the other strings that are named like secrets."""
    return _variants(text for text in _strings(template, least=None) if "MESSAGE" not in text)


def _variants(found: Iterable[str]) -> list[str]:
    """Of `Bearer X` and the like X alone too, and all that as JSON escapes it."""
    texts = list(found)
    texts += [text.partition(" ")[2] for text in texts]
    return [*texts, *(json.dumps(text)[1:-1] for text in texts)]


def _strings(text: str, *, least: int | None) -> list[str]:
    """The strings in JSON that are named like secrets, or of at least so many characters."""
    found: list[str] = []

    def look(value: object, named: bool) -> None:
        if isinstance(value, str) and (named or (least is not None and len(value) >= least)):
            found.append(value)
        elif isinstance(value, list):
            for one in value:
                look(one, named)
        elif isinstance(value, dict):
            for name, one in value.items():
                look(one, named or is_secret(str(name)))

    with suppress(ValueError, RecursionError):
        look(json.loads(text), False)
    return found


def is_secret(name: str) -> bool:
    """Whether a header of that name holds a secret: `Authorization`, `Cookie`, `X-Api-Key` …"""
    return bool(_IS_SECRET.search(name.replace("-", "_")))

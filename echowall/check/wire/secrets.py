"""What must not be shown: passwords, tokens and cookies, which are masked wherever they would be written."""

from __future__ import annotations

import re
from collections.abc import Iterable

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


def is_secret(name: str) -> bool:
    """Whether a header of that name holds a secret: `Authorization`, `Cookie`, `X-Api-Key` …"""
    return bool(_IS_SECRET.search(name.replace("-", "_")))

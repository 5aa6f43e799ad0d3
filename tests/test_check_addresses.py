"""What the user writes to name an endpoint: read as a browser reads it, and never repeated with its secrets."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from echowall.check import addresses
from echowall.check.wire.secrets import Secrets, hide_in_url, is_secret


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("ws://example.org", "ws://example.org"),
        (" wss://Example.ORG:443/ ", "wss://example.org/"),
        ("ws://example.org:80/a/./b/../c#end", "ws://example.org/a/c"),
        ("ws://example.org/a b/é?q=ü&r=%C3%BC x", "ws://example.org/a%20b/%C3%A9?q=%C3%BC&r=%C3%BC%20x"),
        ("ws://bücher.example/", "ws://xn--bcher-kva.example/"),
        ("ws://faß.example/", "ws://xn--fa-hia.example/"),
        ("ws://☕.example/", "ws://xn--53h.example/"),
        ("ws://ＥＸＡＭＰＬＥ。org:8080/", "ws://example.org:8080/"),
        ("ws://a_b.example/", "ws://a_b.example/"),
        ("ws://[::1]:8000/echo", "ws://[::1]:8000/echo"),
        ("ws://me:secret@example.org/", "ws://example.org/"),
    ],
)
def test_a_url_is_read_as_a_browser_reads_it(written: str, asked: str) -> None:
    assert addresses.address(written).url == asked


@pytest.mark.parametrize(
    "written",
    ["", "ws://", "example.org", "http://example.org/", "ws://example.org:0/", "ws://example.org:65536/", "ws://[::1/"],
)
def test_what_is_no_url_is_told(written: str) -> None:
    with pytest.raises(ValueError, match="is no WebSocket URL"):
        addresses.address(written)


def test_no_text_at_all_is_more_than_misuse() -> None:
    """Whatever is written, the answer is an address or a ValueError."""
    dice = random.Random(1)  # noqa: S311  no secret
    alphabet = "ws:/@[]%?#&=.-_0123456789aéß☕\u2100\ud800 \t\n\x00\\|{}xn--。:ＡＢ"
    for _ in range(5_000):
        text = "".join(dice.choices(alphabet, k=dice.randrange(25)))
        for read in (addresses.address, lambda text: addresses.proxy(text, "ws://h/")):
            for prefix in ("", "ws://", "ws://u:p@h/", "http://"):
                with suppress(ValueError):
                    read(prefix + text)


def test_a_name_and_password_go_as_basic() -> None:
    found = addresses.address("ws://us%20er:p%40ss%3Aword@example.org/")

    assert found.basic == "Basic dXMgZXI6cEBzczp3b3Jk"
    assert {"p@ss:word", "dXMgZXI6cEBzczp3b3Jk"} <= set(found.secrets)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://h/?token=abc&a=1", "ws://h/?token=***&a=1"),
        ("ws://h/?a=1&access_token=abc", "ws://h/?a=1&access_token=***"),
        ("ws://h/?API-KEY=abc", "ws://h/?API-KEY=***"),
        ("ws://h/?api_key=abc&sig=x", "ws://h/?api_key=***&sig=***"),
        ("ws://h/eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln/x", "ws://h/***/x"),
        ("ws://me:secret@h:99999/", "ws://h:99999/"),
        ("ws://h/?monkey=1&keyboard=2", "ws://h/?monkey=1&keyboard=2"),
    ],
)
def test_tokens_in_urls_are_masked(url: str, shown: str) -> None:
    assert hide_in_url(url) == shown


def test_secrets_are_masked_where_a_text_was_cut_within_them() -> None:
    secrets = Secrets(["0123456789abcdefghij"], ["Authorization"])

    assert secrets.hide('said "0123456789abcde…" and 0123456789abcdefghij') == 'said "***…" and ***'
    assert secrets.hide_bytes(b"\x00 0123456789abcdefghij \xff") == b"\x00 *** \xff"
    head = b"GET / HTTP/1.1\r\nauthorization: x y\r\nSet-Cookie: a=b; Path=/\r\nServer: s\r\n\r\n"
    masked = b"GET / HTTP/1.1\r\nauthorization: ***\r\nSet-Cookie: a=***; Path=/\r\nServer: s\r\n\r\n"
    assert secrets.hide_head(head) == masked


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("Authorization", True),
        ("Cookie", True),
        ("X-Api-Key", True),
        ("X-Auth-Token", True),
        ("User-Agent", False),
        ("Origin", False),
    ],
)
def test_headers_that_hold_secrets_are_known_by_their_names(name: str, secret: bool) -> None:
    assert is_secret(name) is secret


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({}, "ws://example.org/", None),
        ({"HTTP_PROXY": "http://p:1"}, "ws://example.org/", "p"),
        ({"HTTP_PROXY": "http://p:1"}, "wss://example.org/", None),
        ({"https_proxy": "p:1"}, "wss://example.org/", "p"),
        ({"ALL_PROXY": "http://p:1", "HTTP_PROXY": "http://q:1"}, "ws://example.org/", "q"),
        ({"ALL_PROXY": "http://p:1"}, "wss://example.org/", "p"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "example.org"}, "wss://a.example.org/", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "example.org:81"}, "ws://example.org/", "p"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, "ws://example.org/", None),
    ],
)
def test_the_environment_names_the_proxy(
    variables: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    tunnel, _ = addresses.proxy(None, url)

    assert (tunnel.host if tunnel else None) == proxy

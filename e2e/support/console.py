"""What a browser's pages complain of: exceptions, and errors and warnings in the console."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Self

from playwright.sync_api import BrowserContext, ConsoleMessage, WebError

from e2e.support.pages import NETWORK_CHANGED

#: What a browser logs by itself when the proxy answers for a service that is down.
BAD_GATEWAY = "Failed to load resource: the server responded with a status of 502"
#: What a browser logs by itself when a service is down, or is killed while it answers.
SERVICE_DOWN = (
    "WebSocket connection to",
    "Failed to load resource: the server responded with a status of 50[234]",
    "Failed to load resource: net::ERR_(CONTENT_LENGTH_MISMATCH|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)",
)


class Console:
    """Listens to the pages of a context while the block runs: exceptions, and errors and warnings in the console,
    among them violations of the content security policy."""

    def __init__(self, context: BrowserContext, expected: Iterable[str] = ()) -> None:
        """`expected` are regular expressions for what the pages may complain of."""
        self._context = context
        self._expected = [re.compile(pattern) for pattern in (NETWORK_CHANGED, *expected)]
        self._complaints: list[str] = []

    def __enter__(self) -> Self:
        self._context.on("console", self._on_console)
        self._context.on("weberror", self._on_exception)
        return self

    def __exit__(self, *_: object) -> None:
        self._context.remove_listener("console", self._on_console)
        self._context.remove_listener("weberror", self._on_exception)

    def unexpected(self) -> list[str]:
        """The complaints that were not expected."""
        return [text for text in self._complaints if not any(pattern.search(text) for pattern in self._expected)]

    def _on_console(self, message: ConsoleMessage) -> None:
        # The proxy answers 503 for a service that is slow to answer /about: on a busy machine that is no fault.
        slow = "status of 503" in message.text and message.location["url"].endswith("/about")
        if message.type in ("error", "warning") and not slow:
            self._complaints.append(f"console {message.type}: {message.text}")

    def _on_exception(self, error: WebError) -> None:
        self._complaints.append(f"exception: {error.error}")

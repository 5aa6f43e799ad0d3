"""As many sockets as a stack declares, or a thousand: none is cut, and where that is all it takes, one more is refused.

`make sockets` asks for 10,000, and sees what they take.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from e2e.support import websocket
from e2e.support.websocket import RefusedError, SilenceError
from echowall.catalog.catalog import Service

#: Of a stack that declares no limit. The proxy lets one client address have 2,000.
MANY = 1_000
#: The proxy lets one client address open 200 sockets in a second.
OPENED_IN_A_SECOND = 150


@pytest.mark.check("many-sockets")
def test_none_of_many_sockets_is_cut_and_one_too_many_is_refused_or_waits(base_url: str, service: Service) -> None:
    limit = service.limits.max_sockets
    texts = [f"wall {number}" for number in range(limit or MANY)]
    with ExitStack() as stack:
        clients = []
        for _ in texts:
            opened = time.monotonic()
            clients.append(stack.enter_context(websocket.connect(base_url, service)))
            time.sleep(max(0, 1 / OPENED_IN_A_SECOND - (time.monotonic() - opened)))
        too_many = [_welcome(base_url, service, path) for path in ("foobar/", "chat/")] if limit else []
        echoes = [client.echo(text) for client, text in zip(clients, texts, strict=True)]

    assert echoes == texts
    assert set(too_many) <= {"HTTP 503", "no answer"}


def _welcome(base_url: str, service: Service, path: str) -> str:
    """What becomes of one more."""
    try:
        with websocket.connect(base_url, service, path):
            return "open"
    except RefusedError as refusal:
        return f"HTTP {refusal.status}"
    except SilenceError:
        return "no answer"

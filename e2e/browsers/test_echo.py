"""The echo of every service, in Firefox and in WebKitGTK: what is sent comes back, and the page says that it did."""

from __future__ import annotations

import json
import time

from e2e.browsers.driven import Driven
from echowall.catalog.catalog import Service

MESSAGE = "Hello, wall! naïve 回音"
STATE = "document.querySelector('.line')?.dataset.state"
RECEIVED = (
    "JSON.stringify([...document.querySelectorAll('ew-log li[data-direction=received]')]"
    ".map((row) => [row.dataset.mark ?? null, row.querySelector('.payload').innerText]))"
)
EVENTS = "[...document.querySelectorAll('ew-log li[data-direction=event]')].map((row) => row.innerText).join('\\n')"


def test_what_is_sent_comes_back(browsed: Driven, base_url: str, service: Service) -> None:
    browsed.open(f"{base_url}/?service={service.name}")
    wait_for(browsed, "document.querySelector('ew-pane .controls [type=submit]') !== null", True)

    browsed.click("ew-pane form.controls [type=submit]")
    wait_for(browsed, STATE, "connected")
    browsed.click("ew-composer textarea")
    browsed.write(MESSAGE)
    browsed.click("ew-composer .send")

    wait_for(browsed, RECEIVED, json.dumps([["same", MESSAGE]], ensure_ascii=False, separators=(",", ":")))


def wait_for(browser: Driven, expression: str, value: str | bool, seconds: float = 20) -> None:
    """Wait until the page says so, and fail with what it says and with the events of its log."""
    deadline = time.monotonic() + seconds
    while (said := browser.evaluate(expression)) != value:
        assert time.monotonic() < deadline, f"{expression} is {said!r}, not {value!r}\n{browser.evaluate(EVENTS)}"
        time.sleep(0.05)

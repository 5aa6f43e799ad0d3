"""The page behind somebody else's proxy, which speaks TLS and has the lab under a path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserType, expect

from e2e.support.console import Console
from e2e.support.dialling import chromium_trusting
from e2e.support.front import lab_behind_a_proxy
from e2e.support.pages import EchoPage
from echowall.catalog.catalog import Service


@pytest.mark.operator
def test_page_and_echo_work_behind_a_proxy_under_a_path(
    tmp_path: Path,
    services: list[Service],
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    browser_context_args: dict[str, Any],
    subtests: pytest.Subtests,
) -> None:
    one_of_each = {service.protocol: service for service in services}.values()
    with lab_behind_a_proxy(tmp_path, services, page=True) as front:
        address = front.address
        options = {**browser_type_launch_args, "args": [*browser_type_launch_args["args"], chromium_trusting(address)]}
        with (
            browser_type.launch(**options) as browser,
            browser.new_context(**{**browser_context_args, "base_url": f"{address}/"}) as context,
            Console(context) as console,
        ):
            page = context.new_page()
            for service in one_of_each:
                with subtests.test(service.protocol):
                    echo = EchoPage(page)
                    pane = echo.open(service=service.name)
                    assert page.url.startswith(f"{address}/?")
                    pane.connect()
                    echo.say("回音壁")
                    pane.expect_totals(1, 1)
                    expect(pane.entries("received", "text")).to_contain_text("回音壁")
            loaded = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")

    assert console.unexpected() == []
    assert [name for name in loaded if not name.startswith(f"{address}/")] == []

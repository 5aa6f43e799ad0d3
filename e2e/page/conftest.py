"""The page, opened and connected; axe; and a service that the page finds down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from e2e.support.browser import screenshot_of_failure
from e2e.support.pages import EchoPage, Pane
from echowall.catalog.catalog import Service


@pytest.fixture
def echo(page: Page) -> EchoPage:
    """The echo, not yet opened."""
    return EchoPage(page)


@pytest.fixture
def connected(echo: EchoPage, plain: Service) -> Pane:
    """A pane that is connected to a service."""
    pane = echo.open(service=plain.name)
    pane.connect()
    return pane


#: Begins the next fact of a visit.
Visit = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def visit(request: pytest.FixtureRequest, echo: EchoPage, connected: Pane, subtests: pytest.Subtests) -> Visit:
    """One visit to the page for several facts: each is a subtest, and finds an empty box, an empty log, and nothing
    counted yet. To load the page anew and connect takes ten times as long as to clear it."""

    @contextmanager
    def begin(fact: str) -> Iterator[None]:
        with subtests.test(fact), screenshot_of_failure(request, echo.page, fact):
            echo.compose("Text", "")
            connected.clear.click()
            connected.expect_totals(0, 0)
            yield

    return begin


@pytest.fixture
def one_of_each_protocol(services: list[Service], plain: Service) -> list[Service]:
    """A service of each protocol, for what the page does over each of them: `plain` first."""
    others = {service.protocol: service for service in services if service.protocol != plain.protocol}
    return [plain, *others.values()]


@pytest.fixture
def take_down(page: Page) -> Callable[[Service], None]:
    """Makes the page find a service down: the answer is the proxy's for a service that does not run. A test that uses
    this expects console.BAD_GATEWAY."""

    def take_down(service: Service) -> None:
        answer = {"error": f"{service.name} is down or still starting"}
        page.route(f"**/{service.name}/about", lambda route: route.fulfill(status=502, json=answer))

    return take_down


class AssertAccessible(Protocol):
    """The fixture `assert_accessible`."""

    def __call__(self, *rules: str, within: str = "") -> None:
        """Assert that axe finds nothing on the page as it is now, or within one part of it: by these of its rules, or
        by all of them."""


@pytest.fixture
def assert_accessible(page: Page) -> AssertAccessible:
    """Runs axe on the page as it is now."""

    axe = Axe().axe_script

    def check(*rules: str, within: str = "") -> None:
        # What it would load first are sounds and films, which the page has none of.
        options: dict[str, object] = {"resultTypes": ["violations"], "preload": False}
        if rules:
            options["runOnly"] = {"type": "rule", "values": rules}
        if not page.evaluate("'axe' in window"):  # the page was loaded anew: axe is half a megabyte of script
            page.evaluate(axe)
        found = page.evaluate(
            "([part, options]) => axe.run(part ?? document, options).then(({ violations }) => violations)",
            [within or None, options],
        )
        violations = [
            f"{violation['id']} ({violation['impact']}): {violation['help']}\n    "
            + "\n    ".join(node["html"] for node in violation["nodes"])
            for violation in found
        ]
        assert not violations, f"{page.url}\n" + "\n".join(violations)

    return check

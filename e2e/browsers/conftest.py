"""The browsers that Debian has beside Chromium, one of each for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.browsers import driven
from e2e.browsers.driven import Driven, MissingError


@pytest.fixture(scope="session", params=[driven.firefox, driven.webkit], ids=["firefox", "webkit"])
def browsed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    """A browser, driven. A test is skipped where it is missing."""
    run = request.param
    try:
        with run(tmp_path_factory.mktemp("browser")) as browser:
            yield browser
    except MissingError as error:
        pytest.skip(str(error))

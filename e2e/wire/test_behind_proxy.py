"""Each service behind somebody else's proxy, which speaks TLS and has the lab under a path: what depends on knowing
where the client really is.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.support.front import lab_behind_a_proxy
from e2e.wire.test_contract import (  # these tests, of another address
    test_a_foreign_origin_is_treated_as_the_catalog_says,
    test_about_names_the_service_and_its_pinned_versions,
    test_the_origin_of_the_lab_is_accepted,
)
from echowall.catalog.catalog import Service

__all__ = [
    "test_a_foreign_origin_is_treated_as_the_catalog_says",
    "test_about_names_the_service_and_its_pinned_versions",
    "test_the_origin_of_the_lab_is_accepted",
]

pytestmark = pytest.mark.operator  # it looks for the services themselves


@pytest.fixture(scope="session")  # as that which it replaces is
def base_url(tmp_path_factory: pytest.TempPathFactory, services: list[Service]) -> Iterator[str]:
    """The lab's address by the proxy in front."""
    with lab_behind_a_proxy(tmp_path_factory.mktemp("front"), services) as address:
        yield address

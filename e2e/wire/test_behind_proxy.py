"""Each service behind somebody else's proxy, which speaks TLS and has the lab under a path: what depends on knowing
where the client really is.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.support import websocket
from e2e.support.dialling import origin_of
from e2e.support.front import Front, lab_behind_a_proxy
from e2e.wire.test_contract import (  # these tests, of another address
    test_a_foreign_origin_is_treated_as_the_catalog_says,
    test_about_names_the_service_and_its_pinned_versions,
)
from echowall.catalog.catalog import Service

__all__ = [
    "test_a_foreign_origin_is_treated_as_the_catalog_says",
    "test_about_names_the_service_and_its_pinned_versions",
]

pytestmark = [pytest.mark.operator, pytest.mark.outside]  # it looks for the services themselves


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory, services: list[Service]) -> Iterator[Front]:
    """The proxy in front, and the one behind it."""
    with lab_behind_a_proxy(tmp_path_factory.mktemp("front"), services) as front:
        yield front


@pytest.fixture(scope="session")  # as that which it replaces is
def base_url(front: Front) -> str:
    """The lab's address by the proxy in front."""
    return front.address


@pytest.fixture(autouse=True)
def _found(front: Front, service: Service) -> None:
    front.find(service)


def test_the_origin_of_the_lab_is_accepted(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service, origin=origin_of(base_url)) as client:
        assert client.echo("from the page") == "from the page"

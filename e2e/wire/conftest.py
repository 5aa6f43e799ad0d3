"""What a service's catalog entry says of its limits."""

import pytest

from echowall.catalog.catalog import Service


@pytest.fixture
def limit(service: Service) -> int:
    """The largest message in bytes that the service takes. Skips the test for a service without a limit."""
    if service.limits.max_message is None:
        pytest.skip(f"{service.name} takes messages of any size")
    return service.limits.max_message

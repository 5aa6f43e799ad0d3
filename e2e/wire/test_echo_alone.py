"""The echo of each exhibit runs alone, without the service that mounts it: `./run echo`."""

import pytest

from e2e.support.lab_operator import running_lab
from e2e.support.websocket import CLIENTS
from echowall.catalog.catalog import Service
from echowall.lab.lab import ECHO


@pytest.mark.operator
def test_the_echo_runs_alone(service: Service) -> None:
    with running_lab().beside(service.name, ECHO) as endpoint:
        url = f"http://{endpoint.host}:{endpoint.port}/foobar/"
        with CLIENTS[service.protocol](url) as client:
            assert client.echo("Is anybody there?") == "Is anybody there?"

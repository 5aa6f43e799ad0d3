"""The handler that one would write first goes wrong as the catalog says, and the right one does not."""

import pytest

from e2e.support import raw_http, websocket
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside


@pytest.mark.naive("phantom-messages")
def test_the_naive_handler_sends_an_empty_message_after_each_echo(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service, "foobar/naive/") as client:
        assert client.echo("one") == "one"
        assert client.receive() == ""


@pytest.mark.naive("phantom-messages")
def test_the_right_handler_sends_nothing_but_the_echoes(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service) as client:
        echoes = [client.echo(f"{number} of 50") for number in range(1, 51)]

        assert echoes == [f"{number} of 50" for number in range(1, 51)]


@pytest.mark.alone
@pytest.mark.naive("nul-fragments")
def test_fragments_make_the_naive_handler_send_messages_of_one_nul(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service, "foobar/naive/") as client:
        client.send("one, two, three", fragments=3)

        assert [client.receive() for _ in range(3)] == ["\0", "\0", "one, two, three"]


@pytest.mark.alone
@pytest.mark.naive("nul-fragments")
def test_the_right_handler_sends_no_nul_for_fragments(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service) as client:
        client.send("one, two, three", fragments=3)
        client.send("that is all")

        assert [client.receive() for _ in range(2)] == ["one, two, three", "that is all"]


@pytest.mark.alone
@pytest.mark.naive("frozen-server")
def test_a_closed_socket_freezes_the_server_with_the_naive_handler(base_url: str, service: Service) -> None:
    with (
        websocket.connect(base_url, service) as bystander,
        websocket.connect(base_url, service, "foobar/naive/") as client,
    ):
        client.close()

        about = raw_http.request(base_url, f"/{service.name}/about")

        assert about.status == 503, f"{service.name} answered, but is expected to be frozen: {about}"
        assert bystander.echo("are you back?") == "are you back?", "the server is still frozen"


@pytest.mark.naive("frozen-server")
def test_a_closed_socket_does_not_freeze_the_server_with_the_right_handler(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service) as bystander, websocket.connect(base_url, service) as client:
        client.close()

        about = raw_http.request(base_url, f"/{service.name}/about")

        assert about.status == 200
        assert bystander.echo("undisturbed?") == "undisturbed?"


@pytest.mark.naive("none-at-close")
def test_the_naive_handler_counts_clients_that_have_left(base_url: str, service: Service) -> None:
    path = f"/{service.name}/foobar/naive/"
    before = raw_http.request(base_url, path).json["present"]

    for _ in range(3):
        with websocket.connect(base_url, service, "foobar/naive/") as client:
            assert client.echo("here I am") == "here I am"
            client.close()
            client.wait_gone()

    assert raw_http.request(base_url, path).json["present"] == before + 3


@pytest.mark.naive("none-at-close")
def test_the_right_handler_answers_a_close(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service) as client:
        assert client.echo("here I am") == "here I am"

        assert client.close(1000).code == 1000

"""The handler one would write first, shown going wrong, and the right one beside it not."""

import re

import pytest
from playwright.sync_api import expect

from e2e.support import websocket
from e2e.support.pages import EchoPage
from echowall.catalog.catalog import Service


@pytest.mark.naive("phantom-messages")
def test_phantom_messages_come_from_the_naive_handler_and_not_from_the_right_one(
    echo: EchoPage, service: Service
) -> None:
    echo.open(service=service.name, handler="naive", compare=service.name)
    echo.first.connect()
    echo.second.connect()

    echo.say("Did I say more than this?")

    phantoms = echo.first.page.locator("[data-direction=received][data-size='0']")
    naive = echo.first.log.locator(phantoms)
    # One comes at once. The next are due every 5 s: by then the right handler has had its chance.
    expect(naive.nth(2)).to_be_attached(timeout=30_000)
    echo.second.expect_totals(1, 1)
    assert echo.second.received() == ["Did I say more than this?"]
    assert echo.first.received()[:2] == ["Did I say more than this?", ""]


@pytest.mark.naive("phantom-messages")
def test_an_empty_message_follows_each_one_through_the_naive_handler(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service, "foobar/naive/") as client:
        assert client.echo("one") == "one"
        assert client.receive() == "", "the phantom"


@pytest.mark.naive("phantom-messages")
def test_nothing_follows_a_message_through_the_right_handler(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service) as client:
        echoes = [client.echo(f"{number} of 50") for number in range(1, 51)]

        assert echoes == [f"{number} of 50" for number in range(1, 51)]


@pytest.mark.alone
@pytest.mark.naive("nul-fragments")
def test_fragments_reach_the_naive_handler_as_messages_of_one_nul(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service, "foobar/naive/") as client:
        client.send("one, two, three", fragments=3)

        assert [client.receive() for _ in range(3)] == ["\0", "\0", "one, two, three"]


@pytest.mark.alone
@pytest.mark.naive("nul-fragments")
def test_fragments_leave_no_nul_in_what_the_right_handler_sends(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service) as client:
        client.send("one, two, three", fragments=3)
        client.send("that is all")

        assert [client.receive() for _ in range(2)] == ["one, two, three", "that is all"]


@pytest.mark.alone
@pytest.mark.naive("nul-fragments")
def test_a_large_message_shows_its_fragments_through_the_naive_handler(echo: EchoPage, service: Service) -> None:
    pane = echo.open(service=service.name, handler="naive")
    pane.connect()

    echo.say_preset("1 MiB")

    expect(pane.log.locator("[data-direction=received][data-size='1']")).not_to_have_count(0)
    assert pane.received()[0] == "\0"


@pytest.mark.alone
@pytest.mark.naive("frozen-server")
def test_a_closed_socket_freezes_the_server_through_the_naive_handler(base_url: str, service: Service) -> None:
    with (
        websocket.connect(base_url, service) as bystander,
        websocket.connect(base_url, service, "foobar/naive/") as client,
    ):
        client.close()

        about = websocket.request(base_url, f"/{service.name}/about")

        assert about.status == 503, f"{service.name} answered while it should stand still: {about}"
        assert bystander.echo("are you back?") == "are you back?", "it never came back"


@pytest.mark.naive("frozen-server")
def test_a_closed_socket_is_nothing_to_the_right_handler(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service) as bystander, websocket.connect(base_url, service) as client:
        client.close()

        about = websocket.request(base_url, f"/{service.name}/about")

        assert about.status == 200
        assert bystander.echo("undisturbed?") == "undisturbed?"


@pytest.mark.naive("none-at-close")
def test_who_left_stays_present_through_the_naive_handler(base_url: str, service: Service) -> None:
    path = f"/{service.name}/foobar/naive/"
    before = websocket.request(base_url, path).json["present"]

    for _ in range(3):
        with websocket.connect(base_url, service, "foobar/naive/") as client:
            assert client.echo("here I am") == "here I am"
            client.close()
            client.wait_gone()

    assert websocket.request(base_url, path).json["present"] == before + 3


@pytest.mark.naive("none-at-close")
def test_the_right_handler_knows_who_left(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service) as client:
        assert client.echo("here I am") == "here I am"

        assert client.close(1000).code == 1000


def test_a_naive_handler_is_explained_where_it_is_chosen(echo: EchoPage, services: list[Service]) -> None:
    service = next(service for service in services if service.naive)
    assert service.naive
    pane = echo.open(service=service.name)

    pane.handler.select_option("naive")

    expect(pane.root.get_by_text(service.naive.summary)).to_be_visible()
    expect(echo.page).to_have_url(re.compile("handler=naive"))

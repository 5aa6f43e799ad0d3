"""What the contract of services/README.md says and `echowall check` does not ask, on the wire and through the proxy."""

import json
import re
from urllib.parse import urlsplit

import pytest

from e2e.support import raw_http, websocket
from e2e.support.dialling import origin_of
from e2e.support.websocket import Client
from echowall.catalog.catalog import ROOT, Service


def test_about_names_the_service_and_its_pinned_versions(base_url: str, service: Service) -> None:
    answer = raw_http.request(base_url, f"/{service.name}/about")

    assert answer.status == 200
    assert answer.json["service"] == service.name
    versions = dict(answer.json["versions"])
    packages = ROOT / "services" / service.name / "package-lock.json"
    if packages.exists():
        assert re.fullmatch(r"\d+\.\d+\.\d+", versions.pop("node"))
        locked = json.loads(packages.read_text("utf-8"))["packages"]
        pins = {_normal(path.removeprefix("node_modules/")): package["version"] for path, package in locked.items()}
    else:
        assert re.fullmatch(r"3\.1[123]\.\d+\S*", versions.pop("python"))
        text = (ROOT / "services" / service.name / "requirements.txt").read_text("utf-8")
        pins = {
            _normal(name): version for name, version in re.findall(r"^([\w.-]+)(?:\[.*?\])?==([^\s;\\]+)", text, re.M)
        }
    assert versions, "no framework or server among the versions"
    assert {name: pins.get(_normal(name)) for name in versions} == versions


def test_clients_that_vanish_do_not_disturb_the_next_one(base_url: str, service: Service) -> None:
    for _ in range(20):
        with websocket.connect(base_url, service) as vanishing:
            vanishing.send("into the void")

    with websocket.connect(base_url, service) as client:
        assert client.echo("still there?") == "still there?"


def test_the_origin_of_the_lab_is_accepted(base_url: str, service: Service) -> None:
    with websocket.connect(base_url, service, origin=origin_of(base_url)) as client:
        assert client.echo("from the page") == "from the page"


def test_a_foreign_origin_is_treated_as_the_catalog_says(base_url: str, service: Service) -> None:
    assert _welcome(base_url, service, "https://elsewhere.example") == service.foreign_origin


def test_an_origin_that_starts_like_that_of_the_lab_is_treated_as_foreign(base_url: str, service: Service) -> None:
    sibling = f"http://{urlsplit(base_url).hostname}.elsewhere.example"

    assert _welcome(base_url, service, sibling) == service.foreign_origin


def test_a_message_over_the_limit_ends_the_connection(base_url: str, service: Service, limit: int) -> None:
    with (
        websocket.connect(base_url, service) as client,
        pytest.raises(websocket.NoAnswerError, match=r"ended|did not take"),
    ):
        client.echo("x" * (limit + 1))


def test_a_message_over_the_limit_does_not_disturb_other_clients(base_url: str, service: Service, limit: int) -> None:
    with websocket.connect(base_url, service) as bystander:
        with websocket.connect(base_url, service) as client, pytest.raises(websocket.NoAnswerError):
            client.echo("x" * (limit + 1))

        assert bystander.echo("still there?") == "still there?"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no upgrade"),
        pytest.param({"Connection": "Upgrade", "Upgrade": "h2c"}, id="upgrade to something else"),
        pytest.param({"Connection": "Upgrade", "Upgrade": "websocket"}, id="no key and no version"),
    ],
)
def test_a_request_that_is_not_a_handshake_is_refused(base_url: str, service: Service, headers: dict[str, str]) -> None:
    answer = raw_http.request(base_url, f"/{service.name}/foobar/", headers=headers)

    assert 400 <= answer.status < 500, f"{service.name} answered {headers} with {answer.status} {answer.body[:200]!r}"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"Sec-WebSocket-Key": ""}, id="an empty key"),
        pytest.param({"Sec-WebSocket-Key": "short"}, id="a short key"),
        pytest.param({"Sec-WebSocket-Version": "99"}, id="a version of the future"),
        pytest.param({"Sec-WebSocket-Protocol": ",, ,"}, id="subprotocols without names"),
        pytest.param({"Sec-WebSocket-Extensions": "permessage-deflate; nonsense=1, x; y"}, id="unknown extensions"),
        pytest.param({"Origin": "not an origin"}, id="a malformed origin"),
    ],
)
def test_a_broken_handshake_is_answered_and_does_not_break_the_service(
    base_url: str, service: Service, header: dict[str, str]
) -> None:
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }

    raw_http.request(base_url, f"/{service.name}/foobar/", headers=handshake | header)

    with websocket.connect(base_url, service) as client:
        assert client.echo("unbroken?") == "unbroken?"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_do_not_cause_a_server_error(base_url: str, service: Service, method: str) -> None:
    answer = raw_http.request(base_url, f"/{service.name}/about", method=method, body=b"")

    assert answer.status < 500, f"{service.name} answered {method} with {answer.status} {answer.body[:200]!r}"


def test_an_unknown_path_is_not_found(base_url: str, service: Service) -> None:
    answer = raw_http.request(base_url, f"/{service.name}/no/such/path")

    assert answer.status == 404


def test_an_unknown_path_does_not_accept_a_connection(base_url: str, service: Service) -> None:
    url = f"{base_url}/{service.name}/no/such/path"

    with pytest.raises(websocket.NoAnswerError, match=r"refused|ended|did not take"), Client(url) as client:
        client.echo("anybody there?")


def _welcome(base_url: str, service: Service, origin: str) -> str:
    try:
        client = websocket.connect(base_url, service, origin=origin)
    except websocket.RefusedError as refusal:
        return "refused" if 400 <= refusal.status < 500 else str(refusal)
    with client:
        return (
            "accepted"
            if client.echo("from elsewhere") == "from elsewhere"
            else "accepted, and then echoed something else"
        )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

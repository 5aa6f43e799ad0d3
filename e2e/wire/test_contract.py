"""What the contract of services/README.md says and `echowall check` does not ask, on the wire and through the proxy."""

import json
import re
from urllib.parse import urlsplit

import pytest

from e2e.support import raw_http, websocket
from e2e.support.websocket import Client
from echowall.catalog.catalog import ROOT, Service

pytestmark = pytest.mark.outside


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


def test_a_foreign_origin_is_treated_as_the_catalog_says(
    base_url: str, service: Service, subtests: pytest.Subtests
) -> None:
    with subtests.test("of another site"):
        assert _welcome(base_url, service, "https://elsewhere.example") == service.foreign_origin

    with subtests.test("that starts like that of the lab"):
        sibling = f"http://{urlsplit(base_url).hostname}.elsewhere.example"
        assert _welcome(base_url, service, sibling) == service.foreign_origin


def test_a_message_over_the_limit_ends_its_own_connection_alone(base_url: str, service: Service, limit: int) -> None:
    with websocket.connect(base_url, service) as bystander:
        with (
            websocket.connect(base_url, service) as client,
            pytest.raises(websocket.NoAnswerError, match=r"ended|did not take"),
        ):
            client.echo("x" * (limit + 1))

        assert bystander.echo("still there?") == "still there?"


NO_HANDSHAKES = {
    "no upgrade": {},
    "upgrade to something else": {"Connection": "Upgrade", "Upgrade": "h2c"},
    "no key and no version": {"Connection": "Upgrade", "Upgrade": "websocket"},
}


def test_a_request_that_is_not_a_handshake_is_refused(
    base_url: str, service: Service, subtests: pytest.Subtests
) -> None:
    for name, headers in NO_HANDSHAKES.items():
        with subtests.test(name):
            answer = raw_http.request(base_url, f"/{service.name}/foobar/", headers=headers)

            assert 400 <= answer.status < 500, f"{service.name} answered with {answer.status} {answer.body[:200]!r}"


BROKEN_HANDSHAKES = {
    "an empty key": {"Sec-WebSocket-Key": ""},
    "a short key": {"Sec-WebSocket-Key": "short"},
    "a version of the future": {"Sec-WebSocket-Version": "99"},
    "subprotocols without names": {"Sec-WebSocket-Protocol": ",, ,"},
    "unknown extensions": {"Sec-WebSocket-Extensions": "permessage-deflate; nonsense=1, x; y"},
    "a malformed origin": {"Origin": "not an origin"},
}


def test_a_broken_handshake_is_answered_and_does_not_break_the_service(
    base_url: str, service: Service, subtests: pytest.Subtests
) -> None:
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    for name, header in BROKEN_HANDSHAKES.items():
        with subtests.test(name):
            raw_http.request(base_url, f"/{service.name}/foobar/", headers=handshake | header)

            with websocket.connect(base_url, service) as client:
                assert client.echo("unbroken?") == "unbroken?"


def test_other_methods_do_not_cause_a_server_error(base_url: str, service: Service, subtests: pytest.Subtests) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        with subtests.test(method):
            answer = raw_http.request(base_url, f"/{service.name}/about", method=method, body=b"")

            assert answer.status < 500, f"{service.name} answered with {answer.status} {answer.body[:200]!r}"


def test_an_unknown_path_is_not_found_and_accepts_no_connection(base_url: str, service: Service) -> None:
    assert raw_http.request(base_url, f"/{service.name}/no/such/path").status == 404

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


@pytest.mark.protocol("socket.io")
def test_a_client_whose_upgrade_fails_goes_on_polling_and_hears_what_was_said_meanwhile(
    base_url: str, service: Service
) -> None:
    address = f"/{service.name}/foobar/?EIO=4"
    opened = raw_http.request(base_url, f"{address}&transport=polling").body
    session = json.loads(opened.removeprefix(b"0"))["sid"]
    polling = f"{address}&transport=polling&sid={session}"

    def say(packet: str) -> bytes:
        headers = {"Content-Type": "text/plain"}
        return raw_http.request(base_url, polling, method="POST", headers=headers, body=packet.encode()).body

    assert say("40") == b"OK"
    assert raw_http.request(base_url, polling).body.startswith(b"40")
    with Client(f"{base_url}{address}&transport=websocket&sid={session}") as client:
        client.send("2probe")
        assert client.receive() == "3probe"
        assert say('42["message","meanwhile"]') == b"OK"

    packets = raw_http.request(base_url, polling).body.split(b"\x1e")

    assert b'42["message","meanwhile"]' in packets

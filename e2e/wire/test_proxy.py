"""What the proxy promises: only the names of services, headers for the page, limits, and errors that explain."""

import base64
import gzip
import hashlib
import re
import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from e2e.support import raw_http, websocket
from e2e.support.dialling import dial
from echowall.catalog import catalog
from echowall.catalog.catalog import Service


def test_the_proxy_is_healthy(http: httpx.Client) -> None:
    assert http.get("/healthz").status_code == 200


def test_services_json_is_the_catalog(http: httpx.Client, services: list[Service]) -> None:
    served = http.get("/services.json").json()

    assert served == msgspec.json.decode(catalog.services_json(services))
    assert [service["name"] for service in served["services"]] == [service.name for service in services]


@pytest.mark.parametrize("path", ["/no-such-stack/about", "/no-such-stack/foobar/", "/no-such-page", "/services/x"])
def test_an_unknown_name_is_answered_with_the_known_names(base_url: str, services: list[Service], path: str) -> None:
    answer = raw_http.request(base_url, path)

    assert answer.status == 404
    assert answer.json["services"] == [service.name for service in services]
    assert answer.json["error"]


def test_a_websocket_to_an_unknown_name_is_refused(base_url: str) -> None:
    with pytest.raises(websocket.RefusedError) as refusal:
        websocket.Client(f"{base_url}/no-such-stack/foobar/")

    assert refusal.value.status == 404


@pytest.mark.parametrize(
    "target",
    [
        "/../etc/passwd",
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/assets/..%2f..%2f..%2f..%2fetc/passwd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/services/../../lab.conf",
        "/services/..%2f..%2flab.conf",
        "/services/NAME/../../../lab.conf",
        "/NAME/../../etc/passwd",
        "/NAME/..%2f..%2fetc%2fpasswd",
        "/%00/",
        "/NAME/%00",
        "//etc/passwd",
        "/\\..\\..\\etc\\passwd",
        "/.git/config",
        "/nginx.conf",
    ],
)
def test_no_path_leads_out_of_the_site(base_url: str, plain: Service, target: str) -> None:
    answer = raw_http.request(base_url, target.replace("NAME", plain.name))

    assert answer.status in (400, 404), answer
    assert b"root:" not in answer.body
    assert b"upstream" not in answer.body


@pytest.mark.parametrize(
    "target", ["/NAME/about", "/NAME%2fabout", "/./NAME/./about", "//NAME//about", "/OTHER/..%2fNAME/about"]
)
def test_an_unusual_path_reaches_the_service_that_it_names(
    base_url: str, plain: Service, other: Service, target: str
) -> None:
    answer = raw_http.request(base_url, target.replace("NAME", plain.name).replace("OTHER", other.name))

    assert answer.status == 200, answer
    assert answer.json["service"] == plain.name


# Names that are none of the lab's: DNS rebinding


@pytest.mark.parametrize("path", ["/", "/services.json", "/NAME/about", "/NAME/foobar/", "/NAME/chat/"])
@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1.rebound.example:8080", "localhost.rebound.example"])
def test_a_name_that_is_none_of_the_labs_is_refused(base_url: str, plain: Service, path: str, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}", "Upgrade": "websocket", "Connection": "Upgrade"}

    answer = raw_http.request(base_url, path.replace("NAME", plain.name), headers=headers)

    assert answer.status == 421
    assert "ECHOWALL_HOSTS" in answer.json["error"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "lab.localhost", "127.0.0.1", "192.168.1.7:8080", "[::1]:8080"]
)
def test_the_lab_is_asked_by_its_address_or_as_localhost(base_url: str, plain: Service, host: str) -> None:
    assert raw_http.request(base_url, f"/{plain.name}/about", headers={"Host": host}).status == 200


# The page


def test_the_page_is_revalidated_by_its_etag(http: httpx.Client) -> None:
    page = http.get("/")

    again = http.get("/", headers={"If-None-Match": page.headers["ETag"]})

    assert page.status_code == 200
    assert again.status_code == 304
    assert again.content == b""


@pytest.fixture
def assets(http: httpx.Client) -> str:
    """The folder of the page's files, whose address has their version."""
    [folder] = set(re.findall(r'"(?:\./)?(assets/[0-9a-f]+)/', http.get("/").text))
    return f"/{folder}"


def test_what_has_a_version_in_its_address_is_kept_for_good(http: httpx.Client, assets: str) -> None:
    answer = http.get(f"{assets}/js/client.js")

    assert answer.status_code == 200
    assert answer.headers.get_list("Cache-Control") == ["public, max-age=31536000, immutable"]


@pytest.mark.parametrize(
    "path", ["/", "/services.json", "ASSETS/js/no-such-file.js", "/assets/0123456789abcdef/js/client.js"]
)
def test_all_else_is_revalidated(http: httpx.Client, assets: str, path: str) -> None:
    assert http.get(path.replace("ASSETS", assets)).headers.get_list("Cache-Control") == ["no-cache"]


@pytest.mark.parametrize("path", ["/", "/services.json", "ASSETS/js/client.js", "ASSETS/css/base.css"])
def test_text_is_sent_compressed(base_url: str, assets: str, path: str) -> None:
    path = path.replace("ASSETS", assets)

    answer = raw_http.request(base_url, path, headers={"Accept-Encoding": "gzip"})

    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == raw_http.request(base_url, path).body


@pytest.mark.parametrize("path", ["/", "ASSETS/js/client.js", "/services.json", "/no-such-page"])
def test_content_is_not_sniffed_and_no_referrer_is_sent(http: httpx.Client, assets: str, path: str) -> None:
    answer = http.get(path.replace("ASSETS", assets))

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_policy_allows_the_page_and_nothing_else(http: httpx.Client) -> None:
    page = http.get("/")

    policy = dict(directive.strip().split(" ", 1) for directive in page.headers["Content-Security-Policy"].split(";"))
    import_maps = re.findall(r'<script type="importmap">(.*?)</script>', page.text, re.DOTALL)
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(it.encode()).digest()).decode()}'" for it in import_maps}
    assert policy["default-src"] == "'none'"
    assert set(policy["script-src"].split()) == {"'self'", *hashes}
    assert policy["style-src"] == "'self'"
    assert set(policy["connect-src"].split()) == {"'self'", "ws:", "wss:", "http:", "https:"}
    for directive in ("base-uri", "form-action", "frame-ancestors"):
        assert policy[directive] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "lit-html echo-wall-worker"
    del policy["connect-src"], policy["trusted-types"]
    allowed = {"'none'", "'self'", "'script'", "data:", *hashes}
    assert {source for sources in policy.values() for source in sources.split()} <= allowed


@pytest.mark.parametrize("path", ["/package.json", "/package-lock.json", "/vendor.mjs", "/tests/", "/README.md"])
def test_files_that_are_not_part_of_the_page_are_not_served(base_url: str, path: str) -> None:
    assert raw_http.request(base_url, path).status == 404


def test_a_folder_is_not_listed(base_url: str, assets: str) -> None:
    assert raw_http.request(base_url, f"{assets}/js/").status in (403, 404)


# Limits


@pytest.mark.parametrize("path", ["/", "/NAME/about", "/NAME/foobar/"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Cookie": "x" * 16_000}, id="one large header"),
        pytest.param({f"X-{number}": "x" * 1000 for number in range(60)}, id="many headers"),
    ],
)
def test_oversized_headers_are_refused(base_url: str, plain: Service, path: str, headers: dict[str, str]) -> None:
    answer = raw_http.request(base_url, path.replace("NAME", plain.name), headers=headers)

    assert answer.status == 431
    assert answer.json["error"]


def test_an_oversized_address_is_refused(base_url: str) -> None:
    answer = raw_http.request(base_url, f"/?{'x' * 16_000}")

    assert answer.status in (414, 431)
    assert answer.json["error"]


def test_an_oversized_body_is_refused(base_url: str, plain: Service) -> None:
    answer = raw_http.request(base_url, f"/{plain.name}/about", method="POST", headers={"Content-Length": "2000000"})

    assert answer.status == 413
    assert answer.json["error"]


def test_bytes_that_are_not_http_are_refused(base_url: str) -> None:
    with dial(base_url, websocket.PATIENCE) as client:
        client.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")

        assert b" 400 " in client.recv(4096).partition(b"\r\n")[0]


@pytest.mark.alone
def test_too_many_requests_at_once_are_refused_and_then_served_again(base_url: str, plain: Service) -> None:
    address = urlsplit(base_url)
    request = f"GET /{plain.name}/about HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode()
    with ExitStack() as stack:
        clients = [stack.enter_context(dial(base_url, websocket.PATIENCE)) for _ in range(800)]
        for client in clients:
            client.sendall(request)
        answers = [read_all(client) for client in clients]

    refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 429 ")]
    assert refused, f"800 requests at once, and none refused: {sorted({answer[:30] for answer in answers})}"
    assert b'{"error": "too many' in refused[0]
    deadline = time.monotonic() + websocket.PATIENCE
    while (answer := raw_http.request(base_url, f"/{plain.name}/about")).status != 200:
        assert time.monotonic() < deadline, answer


def read_all(client: socket.socket) -> bytes:
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)

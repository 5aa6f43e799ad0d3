"""What the proxy serves, and the proxy itself: a real nginx on loopback with the lab's configuration."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from echowall.catalog import catalog
from echowall.lab import site, tls
from echowall.results import store
from tests.conftest import FACTS
from tests.ports import free_port
from tests.test_results import examined, run


@pytest.fixture
def upstream() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(5)
        yield server


@pytest.fixture
def nginx(checkout: Path, add_service: Callable[..., Path], upstream: socket.socket) -> Iterator[Callable[..., str]]:
    """Start nginx in front of two services, `silent` and `absent`, with limits of the test's choosing; with TLS where
    `hsts` is given, which may be 0."""
    started: list[subprocess.Popen[bytes]] = []

    def start(
        connections: int = 2000,
        requests_per_second: int = 200,
        total: int = 12_000,
        trusted: tuple[str, ...] = (),
        hsts: int | None = None,
        hosts: tuple[str, ...] = (),
    ) -> str:
        add_service("silent", f'{FACTS}push = ["poll", "events"]\n')
        add_service("absent")
        services = catalog.load(checkout)
        port = free_port()
        (checkout / "vendor").mkdir()  # without the page's libraries, which take a second to copy
        site.build(services, checkout / "site", vendor=checkout / "vendor", root=checkout)
        spoken = None
        if hsts is not None:
            identity = tls.own(checkout, ["127.0.0.1"])
            spoken = site.Tls(identity.certificate, identity.key, hsts, site.http2_directive())
        site.configure_nginx(
            services,
            checkout / "conf",
            site=checkout / "site",
            upstreams={"silent": f"127.0.0.1:{upstream.getsockname()[1]}", "absent": f"127.0.0.1:{free_port()}"},
            listen=f"127.0.0.1:{port}",
            root=checkout,
            tls=spoken,
            trusted=trusted,
            hosts=hosts,
            connections=connections,
            requests_per_second=requests_per_second,
            total=total,
        )
        (checkout / "prefix").mkdir()
        command = ["nginx", "-p", f"{checkout / 'prefix'}/", "-c", str(checkout / "conf/nginx.conf")]
        checked = subprocess.run([*command, "-e", "stderr", "-t"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert "warn" not in checked.stderr
        started.append(subprocess.Popen([*command, "-e", "stderr", "-g", "daemon off; user root;"]))
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return f"http{'' if spoken is None else 's'}://127.0.0.1:{port}"
            time.sleep(0.05)
        raise AssertionError("nginx did not start")

    yield start
    for process in started:
        process.terminate()
        process.wait(10)


def test_the_only_inline_script_is_the_import_map_and_the_policy_knows_its_hash(
    nginx: Callable[..., str], checkout: Path
) -> None:
    page = httpx.get(nginx())
    html = page.text

    inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>(.*?)</script>", html, re.DOTALL)

    [(attributes, text)] = inline
    assert attributes.strip() == 'type="importmap"'
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.headers["Content-Security-Policy"]


def test_the_addresses_of_the_pages_files_have_another_version_where_one_is_another(checkout: Path) -> None:
    (checkout / "vendor").mkdir()

    def built(name: str) -> tuple[str, list[str]]:
        site.build([], checkout / name, vendor=checkout / "vendor", root=checkout)
        html = (checkout / name / "index.html").read_text("utf-8")
        addresses = re.findall(r'(?:href|src)="([^"]+)"', html)
        assert all((checkout / name / it).exists() for it in addresses if "/vendor/" not in it)
        return html, [it for it in addresses if it != "favicon.svg"]

    html, addresses = built("first")
    [version] = {re.match(r"assets/[0-9a-f]{16}/", it)[0] for it in addresses}  # type: ignore[index]
    assert built("again") == (html, addresses)

    (checkout / "vendor/library.js").write_text("export {};")
    other, _ = built("other")

    assert version not in other
    assert re.sub("[0-9a-f]{16}", "", html) == re.sub("[0-9a-f]{16}", "", other)


def test_the_policy_allows_no_inline_script_and_no_other_origin() -> None:
    policy = site.content_security_policy("<html></html>")

    assert "unsafe" not in policy
    anywhere = "connect-src 'self' ws: wss: http: https:"  # for an endpoint of the user's: sockets and events
    assert anywhere in policy.split("; ")
    assert "http" not in policy.replace(anywhere, "")
    assert "default-src 'none'" in policy


def test_the_results_are_served_as_they_are_kept(nginx: Callable[..., str], checkout: Path) -> None:
    file = store.add(run(examined("silent")), checkout)

    with httpx.Client(base_url=nginx()) as client:
        index, kept = client.get("/results/index.json"), client.get(f"/{file.relative_to(checkout)}")
        none, causes = client.get("/results/check/none.json"), client.get("/causes.json")

    assert [one["file"] for one in index.json()["runs"]] == [f"check/{file.name}"]
    assert kept.content == file.read_bytes()
    assert none.status_code == 404
    assert causes.json() == {name: {"known": [], "mended": []} for name in ("silent", "absent")}


def test_a_silent_service_is_told_of_as_slow_and_an_absent_one_as_down(nginx: Callable[..., str]) -> None:
    with httpx.Client(base_url=nginx(), timeout=2) as client:
        slow, down = client.get("/silent/about"), client.get("/absent/about")

    assert (slow.status_code, slow.json()["service"]) == (503, "silent")
    assert (down.status_code, down.json()["service"]) == (502, "absent")


def test_more_connections_than_the_limit_are_refused_with_a_reason(nginx: Callable[..., str]) -> None:
    url = httpx.URL(nginx(connections=3))
    request = f"GET /silent/foobar/ HTTP/1.1\r\nHost: {url.host}\r\n\r\n".encode()
    held = [socket.create_connection((url.host, url.port)) for _ in range(3)]
    for connection in held:
        connection.sendall(request)
    time.sleep(0.3)  # nginx has counted them once it has passed them on; nothing tells a client so

    refused = httpx.get(f"{url}/silent/foobar/")

    assert refused.status_code == 429
    assert "too many connections" in refused.json()["error"]
    for connection in held:
        connection.close()


def test_more_connections_than_all_clients_may_have_are_refused_but_the_page_is_free(nginx: Callable[..., str]) -> None:
    url = httpx.URL(nginx(total=3))
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(socket.create_connection((url.host, url.port))).sendall(b"GET / HTTP/1.1\r\n")
        time.sleep(0.3)  # nginx has counted them once it has taken them; nothing tells a client so
        refused, page = httpx.get(f"{url}/silent/foobar/"), httpx.get(f"{url}/services.json")

    assert refused.status_code == 503
    assert "as many connections as it can" in refused.json()["error"]
    assert page.status_code == 200


@pytest.mark.parametrize("least", [1, 9, 10, 99, 4096, 12_001])
def test_numbers_are_compared_as_numbers(least: int) -> None:
    compared = re.compile(site._at_least(least))
    numbers = [*range(200), *range(4000, 4200), *range(11_900, 12_100), 99_999, 100_000, 1_234_567]

    assert [number for number in numbers if compared.fullmatch(str(number))] == [
        number for number in numbers if number >= least
    ]


def test_more_requests_than_the_limit_are_refused_but_the_page_is_free(nginx: Callable[..., str]) -> None:
    with httpx.Client(base_url=nginx(requests_per_second=1)) as client:
        answers = [client.get("/absent/about").status_code for _ in range(5)]
        pages = {client.get("/services.json").status_code for _ in range(20)}

    assert answers.count(429) >= 1
    assert answers[0] == 502
    assert pages == {200}


def test_an_idle_socket_lives_at_least_an_hour(nginx: Callable[..., str], checkout: Path) -> None:
    nginx()
    shown = subprocess.run(
        ["nginx", "-p", f"{checkout / 'prefix'}/", "-c", str(checkout / "conf/nginx.conf"), "-e", "stderr", "-T"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    lifetimes = dict(re.findall(r"^        (proxy_(?:read|send)_timeout) (\d+)h;", shown, re.MULTILINE))

    assert set(lifetimes) == {"proxy_read_timeout", "proxy_send_timeout"}
    assert all(int(hours) >= 1 for hours in lifetimes.values())


def test_an_upgrade_is_passed_on_with_host_and_port(nginx: Callable[..., str], upstream: socket.socket) -> None:
    url = httpx.URL(nginx())
    with closing(socket.create_connection((url.host, url.port))) as client:
        client.sendall(
            f"GET /silent/foobar/?after=1 HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nOrigin: {url}\r\n"
            "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n".encode()
        )
        passed_on, _ = upstream.accept()
        line, *headers = passed_on.recv(4096).decode().split("\r\n")
        passed_on.close()

    assert line == "GET /foobar/?after=1 HTTP/1.1"
    assert {
        f"Host: {url.host}:{url.port}",
        f"X-Forwarded-Host: {url.host}:{url.port}",
        "X-Forwarded-Proto: http",
        "Upgrade: websocket",
        "Connection: upgrade",
        f"Origin: {url}",
    } <= set(headers)


# Names that are none of the lab's: DNS rebinding


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LocalHost.:8080", 200),
        ("lab.localhost:8080", 200),
        ("192.168.1.7:8080", 200),
        ("[::1]:8080", 200),
        ("[FE80::1]", 200),
        ("lab.example", 200),
        ("Lab.Example.:8443", 200),
        ("one.of.many.example", 200),
        ("rebound.example", 421),
        ("rebound.example:8080", 421),
        ("sub.lab.example", 421),
        ("many.example", 421),
        ("lab.example.rebound.example", 421),
        ("127.0.0.1.rebound.example", 421),
        ("127-0-0-1.rebound.example", 421),
        ("localhost.rebound.example", 421),
        ("notlocalhost", 421),
        ("rebound.example:8080:localhost", 421),
        ('"><script>', 421),
    ],
)
def test_a_name_that_is_none_of_the_labs_is_refused(nginx: Callable[..., str], host: str, status: int) -> None:
    with httpx.Client(base_url=nginx(hosts=("lab.example", "*.many.example")), headers={"Host": host}) as client:
        for path in ("/", "/healthz", "/services.json", "/absent/about", "/no-such-page"):
            answer = client.get(path)

            assert (answer.status_code == 421) is (status == 421), path
    assert "ECHOWALL_HOSTS" in answer.text or status == 200
    assert answer.headers["Content-Type"].startswith("application/json")


def test_an_upgrade_by_a_foreign_name_reaches_no_service(nginx: Callable[..., str], upstream: socket.socket) -> None:
    headers = {"Host": "rebound.example", "Upgrade": "websocket", "Connection": "Upgrade"}
    upstream.settimeout(0.3)

    answer = httpx.get(f"{nginx()}/silent/foobar/", headers=headers)

    assert (answer.status_code, answer.json()["host"]) == (421, "rebound.example")
    with pytest.raises(TimeoutError):
        upstream.accept()


def test_a_client_that_names_no_host_is_served(nginx: Callable[..., str]) -> None:
    url = httpx.URL(nginx())
    with closing(socket.create_connection((url.host, url.port), timeout=5)) as client:
        client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")

        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_any_name_will_do_where_that_is_asked_for(nginx: Callable[..., str]) -> None:
    assert httpx.get(nginx(hosts=("*",)), headers={"Host": "rebound.example"}).status_code == 200


def test_the_name_that_a_trusted_proxy_was_asked_by_counts(nginx: Callable[..., str]) -> None:
    url = nginx(trusted=("127.0.0.1",), hosts=("lab.example",))
    with httpx.Client(base_url=url) as client:

        def ask(host: str, told: str) -> int:
            return client.get("/healthz", headers={"Host": host, "X-Forwarded-Host": told}).status_code

        assert ask("inner", "lab.example:8443") == 200
        assert ask("inner", "rebound.example") == 421
        assert ask("lab.example", "rebound.example") == 421


def test_a_client_cannot_say_that_it_asked_by_another_name(nginx: Callable[..., str]) -> None:
    headers = {"Host": "rebound.example", "X-Forwarded-Host": "localhost"}

    assert httpx.get(nginx(), headers=headers).status_code == 421


# A proxy in front of this one

FORWARDED = {
    "X-Forwarded-For": "192.0.2.1, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "lab.example:8443",
}


def passed_on(url: str, upstream: socket.socket, headers: dict[str, str]) -> dict[str, str]:
    """The headers with which a request with these comes to the service."""
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=url, headers=headers, timeout=10) as client:
        asked = pool.submit(client.get, "/silent/foobar/")
        service, _ = upstream.accept()
        with service:
            _, *lines = service.recv(4096).decode().split("\r\n")
            service.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert asked.result().status_code == 204
    return dict(line.split(": ", 1) for line in lines if line)


def test_nobody_is_believed_who_forges_what_a_proxy_says(nginx: Callable[..., str], upstream: socket.socket) -> None:
    url = httpx.URL(nginx(trusted=("10.0.0.0/8", "fd00::/8")))

    headers = passed_on(str(url), upstream, FORWARDED)

    assert {name: headers[name] for name in (*FORWARDED, "Host")} == {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": f"{url.host}:{url.port}",
        "Host": f"{url.host}:{url.port}",
    }


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ({}, {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https", "Host": "lab.example:8443"}),
        ({"X-Forwarded-Proto": "wss"}, {"X-Forwarded-Proto": "https"}),
        ({"X-Forwarded-Proto": "ws, https"}, {"X-Forwarded-Proto": "http"}),
        ({"X-Forwarded-Proto": "gopher"}, {"X-Forwarded-Proto": "http"}),
        ({"X-Forwarded-Host": "[2001:db8::1]:80, inner"}, {"Host": "[2001:db8::1]:80"}),
        ({"X-Forwarded-Host": "two words", "Host": "own.example"}, {"Host": "own.example"}),
        ({"X-Forwarded-For": "192.0.2.1, 198.51.100.7, 127.0.0.1"}, {"X-Forwarded-For": "198.51.100.7"}),
    ],
)
def test_a_trusted_proxy_says_who_the_client_is_and_how_it_came(
    nginx: Callable[..., str], upstream: socket.socket, said: dict[str, str], heard: dict[str, str]
) -> None:
    url = nginx(trusted=("127.0.0.0/8",), hosts=("lab.example", "own.example"))

    headers = passed_on(url, upstream, FORWARDED | said)

    assert {name: headers[name] for name in heard} == heard
    assert headers["X-Forwarded-Host"] == headers["Host"]


def ask_as(url: str, clients: list[str]) -> list[int]:
    """The statuses of a request for each of these X-Forwarded-For."""
    with httpx.Client(base_url=url) as http:
        return [http.get("/absent/about", headers={"X-Forwarded-For": it}).status_code for it in clients]


def test_a_forged_address_escapes_no_limit(nginx: Callable[..., str]) -> None:
    assert 429 in ask_as(nginx(requests_per_second=1), [f"192.0.2.{number}" for number in range(8)])


def test_the_limits_count_those_whom_a_trusted_proxy_names(nginx: Callable[..., str]) -> None:
    url = nginx(requests_per_second=1, trusted=("127.0.0.1",))

    assert set(ask_as(url, [f"192.0.2.{number}" for number in range(8)])) == {502}
    assert 429 in ask_as(url, [f"192.0.2.{number}, 198.51.100.7" for number in range(8)])


# TLS


def trusting(checkout: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=tls.folder(checkout) / "ca.pem")


def test_the_page_comes_by_http2_and_a_socket_by_http1(nginx: Callable[..., str], checkout: Path) -> None:
    url, context = httpx.URL(nginx(hsts=0)), trusting(checkout)
    spoken = []
    for offered in (["h2", "http/1.1"], ["http/1.1"]):
        context.set_alpn_protocols(offered)
        with (
            socket.create_connection((url.host, url.port)) as raw,
            context.wrap_socket(raw, server_hostname=url.host) as connection,
        ):
            spoken.append(connection.selected_alpn_protocol())

    assert spoken == ["h2", "http/1.1"]


def test_a_service_is_told_that_the_client_came_by_tls(
    nginx: Callable[..., str], checkout: Path, upstream: socket.socket
) -> None:
    url = httpx.URL(nginx(hsts=0))
    with (
        socket.create_connection((url.host, url.port), timeout=5) as raw,
        trusting(checkout).wrap_socket(raw, server_hostname=url.host) as client,
    ):
        client.sendall(f"GET /silent/foobar/ HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n\r\n".encode())
        service, _ = upstream.accept()
        with service:
            headers = service.recv(4096).decode().split("\r\n")

    assert {"X-Forwarded-Proto: https", f"Host: {url.host}:{url.port}"} <= set(headers)


def test_plain_http_is_sent_where_tls_is_spoken(nginx: Callable[..., str]) -> None:
    url = httpx.URL(nginx(hsts=0))
    moved = httpx.post(f"http://{url.host}:{url.port}/silent/about?it=%2F")
    with closing(socket.create_connection((url.host, url.port), timeout=5)) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        nameless = client.recv(4096)

    assert (moved.status_code, moved.headers["Location"]) == (308, f"{url}/silent/about?it=%2F")
    assert nameless.startswith(b"HTTP/1.1 400 ")
    assert b"this port speaks TLS" in nameless


@pytest.mark.parametrize(("hsts", "header"), [(0, None), (300, "max-age=300")])
def test_browsers_are_held_to_tls_only_where_it_is_asked_for(
    nginx: Callable[..., str], checkout: Path, hsts: int, header: str | None
) -> None:
    page = httpx.get(nginx(hsts=hsts), verify=trusting(checkout))

    assert page.status_code == 200
    assert page.headers.get("Strict-Transport-Security") == header


def test_ciphers_without_authenticated_encryption_are_refused(nginx: Callable[..., str], checkout: Path) -> None:
    url, context = httpx.URL(nginx(hsts=0)), trusting(checkout)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384")
    with socket.create_connection((url.host, url.port)) as raw, pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        context.wrap_socket(raw, server_hostname=url.host)


# Listening to the room


def test_polls_share_a_connection_to_the_service(nginx: Callable[..., str], upstream: socket.socket) -> None:
    url = nginx()
    asked = []

    def serve() -> None:
        connection, _ = upstream.accept()
        with connection:
            for _ in range(3):
                asked.append(connection.recv(4096).decode())
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: no-store\r\n\r\n{}")

    # By one connection, for each of nginx's workers keeps connections of its own.
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=url) as client:
        served = pool.submit(serve)
        answers = [client.get(f"/silent/chat/poll?after={number}-0") for number in range(3)]
        served.result(5)

    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].headers.get_list("Cache-Control") == ["no-store"]
    assert [request.split("\r\n")[0] for request in asked] == [
        f"GET /chat/poll?after={number}-0 HTTP/1.1" for number in range(3)
    ]
    assert all("connection:" not in request.lower() for request in asked)


def test_an_event_is_passed_on_at_once(nginx: Callable[..., str], upstream: socket.socket) -> None:
    url = httpx.URL(nginx())
    with closing(socket.create_connection((url.host, url.port), timeout=5)) as client:
        client.sendall(f"GET /silent/chat/events HTTP/1.1\r\nHost: {url.host}\r\n\r\n".encode())
        service, _ = upstream.accept()
        with service:
            service.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n")
            heard = b""
            while b"data: one" not in heard:
                heard += client.recv(4096)
            service.sendall(b"data: two\n\n")
            while b"data: two" not in heard:
                heard += client.recv(4096)


def test_polls_have_a_larger_limit_of_their_own(nginx: Callable[..., str], upstream: socket.socket) -> None:
    url = nginx(requests_per_second=1)
    upstream.close()  # so that each is answered at once
    with httpx.Client(base_url=url) as client:
        polls = [client.get("/silent/chat/poll").status_code for _ in range(15)]
        others = [client.get("/silent/about").status_code for _ in range(5)]
        more = {client.get("/silent/chat/poll").status_code for _ in range(60)}

    assert set(polls) == {502}
    assert others[0] == 502
    assert 429 in others
    assert 429 in more


def test_a_service_without_the_room_by_http_has_no_such_path(nginx: Callable[..., str]) -> None:
    assert httpx.get(f"{nginx()}/absent/chat/poll").status_code == 404


def test_what_is_not_served_stays_out_of_the_site(nginx: Callable[..., str], checkout: Path) -> None:
    nginx()

    served = {path.relative_to(checkout / "site").as_posix() for path in (checkout / "site").rglob("*")}

    assert {"index.html", "services.json", "services/silent/echo.py"} <= served
    assert [name for name in served if name.startswith(("node_modules", "tests", "package", "tsconfig", "."))] == []
    assert [name for name in served if name.endswith((".mjs", ".md"))] == []


def test_the_libraries_are_installed_anew_where_the_lock_became_another(tmp_path: Path) -> None:
    frontend = tmp_path / "frontend"
    (frontend / "library").mkdir(parents=True)
    (frontend / "library/package.json").write_text('{"name": "library", "version": "1.0.0"}')
    (frontend / "package.json").write_text('{"dependencies": {"library": "file:library"}}')
    only_lock = ["npm", "install", "--package-lock-only", "--no-audit", "--no-fund"]
    subprocess.run(only_lock, cwd=frontend, capture_output=True, check=True)
    site.install_libraries(tmp_path)
    kept = frontend / "node_modules/kept"
    kept.touch()
    site.install_libraries(tmp_path)
    assert kept.exists()

    (frontend / "library/package.json").write_text('{"name": "library", "version": "1.0.1"}')
    subprocess.run(only_lock, cwd=frontend, capture_output=True, check=True)
    site.install_libraries(tmp_path)

    assert not kept.exists()

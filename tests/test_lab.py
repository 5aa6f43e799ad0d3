"""The lab without Docker: one service's failure is shown and is not fatal, and what a user can mend is said."""

from __future__ import annotations

import asyncio
import io
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from echowall.bench import opening
from echowall.bench.contenders import aim
from echowall.bench.plan import Tls
from echowall.catalog import catalog
from echowall.check import targets
from echowall.lab import lab, ports, state, system, tls
from echowall.lab.lab import Board, LabError
from echowall.lab.processes import Processes
from tests import commands
from tests.conftest import bring_up
from tests.ports import free_port

ABOUT = """
import http.server, json, os

class About(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"service": "good", "versions": {"python": "3"}}).encode())

http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), About).serve_forever()
"""


def test_one_service_that_fails_is_shown_with_its_log_and_the_rest_run(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("good", app=ABOUT)
    add_service("crashing", app="raise SystemExit('no such thing as a free lunch')")
    (add_service("unlockable") / "requirements.txt").write_text("there-is-no-such-distribution==1\n")

    board = bring_up(processes, checkout)

    assert board.states == {"good": "healthy", "proxy": "healthy", "crashing": "failed", "unlockable": "failed"}
    assert "no such thing as a free lunch" in processes.log("crashing", 20)
    assert "there-is-no-such-distribution" in processes.log("unlockable", 20)
    assert httpx.get(f"http://127.0.0.1:{port}/crashing/about").status_code == 502


def test_services_can_be_stopped_started_and_killed_and_come_back(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("good", app=ABOUT)
    add_service("better", app=ABOUT)
    services = catalog.load(checkout)
    bring_up(processes, checkout)

    processes.stop("good", "better")
    assert lab.health(processes, services) == {"good": None, "better": None}
    processes.start("good", "better")
    processes.kill("KILL", "good", "better")
    board = Board(["good", "better", "proxy"], Console(file=io.StringIO()))
    lab.wait_until_healthy(processes, services, board)

    assert board.states == {"good": "healthy", "better": "healthy", "proxy": "healthy"}


def test_a_lab_with_tls_says_so_and_is_asked_by_tls(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("good", app=ABOUT)
    services = catalog.load(checkout)
    identity = tls.own(checkout, tls.names("127.0.0.1"))

    board = bring_up(processes, checkout, identity=identity)

    assert board.states == {"good": "healthy", "proxy": "healthy"}
    assert processes.base_url() == f"https://127.0.0.1:{port}"
    assert lab.health(processes, services) == {"good": {"python": "3"}}
    subject = targets.proxied(services[0], processes)
    assert subject.target.url == f"wss://127.0.0.1:{port}/good/foobar/"
    assert asyncio.run(targets.versions(subject)) == {"python": "3"}
    context = opening._tls(aim(subject.target, Tls(shown=str(processes.certificate()))))
    assert context
    assert context.cert_store_stats()["x509"] == 1


@pytest.mark.parametrize(
    ("written", "networks"),
    [
        ("", []),
        ("10.0.0.7", ["10.0.0.7"]),
        ("10.0.0.0/8, 192.168.1.0/24 fd00::/8,, ::1", ["10.0.0.0/8", "192.168.1.0/24", "fd00::/8", "::1"]),
    ],
)
def test_trusted_proxies_are_addresses_and_networks(
    monkeypatch: pytest.MonkeyPatch, written: str, networks: list[str]
) -> None:
    monkeypatch.setenv("ECHOWALL_TRUSTED_PROXIES", written)

    assert lab.trusted_proxies() == networks


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("proxy.example", "'proxy.example' is no address and no network; write 10.0.0.7, 10.0.0.0/8 or fd00::/8"),
        ("10.0.0.0/33", "'10.0.0.0/33' is no address and no network"),
        ("10.0.0.7; 10.0.0.8", "'10.0.0.7;' is no address and no network"),
        ("10.0.0.1/8", "is an address in the network 10.0.0.0/8; write that, or 10.0.0.1 alone"),
        ("0.0.0.0/0", "would trust everybody"),
        ("::/0", "would trust everybody"),
    ],
)
def test_what_is_no_proxy_to_trust_is_told(monkeypatch: pytest.MonkeyPatch, written: str, why: str) -> None:
    monkeypatch.setenv("ECHOWALL_TRUSTED_PROXIES", f"127.0.0.1 {written}")

    with pytest.raises(LabError, match=f"^ECHOWALL_TRUSTED_PROXIES: .*{re.escape(why)}"):
        lab.trusted_proxies()


def test_allowed_hosts_are_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOWALL_HOSTS", "Lab.Example, *.lab.example box_1,, *")

    assert lab.allowed_hosts() == ["lab.example", "*.lab.example", "box_1", "*"]


@pytest.mark.parametrize(
    "written", ["http://lab.example", "lab.example:80", "a;b", "-a", "a..b", "*.*.b", "ä.example", "**"]
)
def test_what_is_no_name_of_a_host_is_told(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("ECHOWALL_HOSTS", f"lab.example {written}")

    with pytest.raises(LabError, match=f"^ECHOWALL_HOSTS: {re.escape(repr(written))} is no name of a host; write"):
        lab.allowed_hosts()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--cert", "cert.pem"], "--cert and --key go together"),
        (["--key", "key.pem"], "--cert and --key go together"),
        (["--hsts", "300"], "--hsts is for a lab with TLS"),
        (["--cert", "/nowhere/cert.pem", "--key", "/nowhere/key.pem"], "/nowhere/cert.pem: No such file or directory"),
    ],
)
def test_options_of_tls_that_cannot_be_met_are_told_and_nothing_is_started(arguments: list[str], why: str) -> None:
    done = commands.echowall("up", *arguments)

    assert done.returncode in (1, 2)
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_those_that_are_named_run_and_the_rest_are_known_and_down(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("wanted", app=ABOUT)
    add_service("unwanted", app=ABOUT)

    board = bring_up(processes, checkout, "wanted")

    assert board.states == {"wanted": "healthy", "proxy": "healthy"}
    assert httpx.get(f"http://127.0.0.1:{port}/unwanted/about").json()["service"] == "unwanted"
    with pytest.raises(LabError, match="unwanted was not started with this lab; `make up` starts all of it"):
        processes.start("unwanted")


def test_what_every_stack_shares_can_be_imported(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    (checkout / "services/_room/room").mkdir(parents=True)
    (checkout / "services/_room/room/__init__.py").write_text("KEPT = 50\n")
    add_service("good", app=f"import room\nassert room.KEPT == 50\n{ABOUT}")

    assert bring_up(processes, checkout).states == {"good": "healthy", "proxy": "healthy"}


def test_a_checkout_that_was_moved_installs_its_services_anew(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("good", app=ABOUT)
    bring_up(processes, checkout)
    processes.down()
    there = checkout.rename(checkout.with_name("moved"))
    moved = Processes(there)
    try:
        board = bring_up(moved, there)
    finally:
        moved.down()

    assert board.states == {"good": "healthy", "proxy": "healthy"}
    script = there / ".echowall/venvs/good/bin/activate"
    assert str(there) in script.read_text()  # every script in there names its folder


def test_a_service_in_javascript_gets_its_packages_by_npm(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    folder = add_service("script")
    (folder / "requirements.txt").unlink()
    (folder / "run").write_text("#!/bin/sh\nexec node app.js\n")
    (folder / "app.js").write_text(
        "require('node:http').createServer((_, answer) => answer.end('{\"versions\": {}}'))"
        ".listen(process.env.PORT, process.env.HOST)\n"
    )
    (folder / "package.json").write_text('{"name": "script", "version": "1.0.0"}\n')
    lock = '{"name": "script", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "script"}}}\n'
    (folder / "package-lock.json").write_text(lock)

    assert bring_up(processes, checkout).states == {"script": "healthy", "proxy": "healthy"}

    processes.down()
    (folder / "package-lock.json").write_text("{")

    assert bring_up(processes, checkout).states["script"] == "failed"
    assert "npm error" in processes.log("script", 20)


def test_what_runs_is_written_down_and_removed_again(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("good", app=ABOUT)
    bring_up(processes, checkout)

    written = state.read(checkout)
    endpoint = processes.endpoint("good")

    assert (written.kind, written.bind, written.port) == ("processes", "127.0.0.1", port)
    assert written.version == version("echowall")
    assert abs(datetime.now(UTC) - written.started) < timedelta(minutes=1)
    assert written.services["good"].environment["PORT"] == str(endpoint.port)
    assert httpx.get(f"http://{endpoint.host}:{endpoint.port}/about").json()["service"] == "good"
    with socket.create_connection(("127.0.0.1", written.redis or 0), timeout=5) as redis:
        redis.sendall(b"PING\r\n")
        assert redis.recv(7) == b"+PONG\r\n"
    assert f"/services/good{os.sep}" in f"{Path(f'/proc/{endpoint.pid}/cwd').readlink()}/"

    processes.down()

    assert not (checkout / ".echowall/lab.json").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "lab.json is missing, so it is not known where the lab listens; `make up` starts the lab anew"),
        ("", "lab.json cannot be understood .*; `make up` starts the lab anew"),
        ('{"kind": "processes"}', "missing required field .*; `make up` starts the lab anew"),
        ('{"kind": "\\ud800"}', "lab.json cannot be understood .*; `make up` starts the lab anew"),
        (b"\xff", "lab.json cannot be understood .*; `make up` starts the lab anew"),
    ],
)
def test_what_runs_is_told_to_be_unknown_where_its_file_is_no_good(
    checkout: Path, text: str | bytes | None, says: str
) -> None:
    (checkout / ".echowall").mkdir()
    if text is not None:
        (checkout / ".echowall/lab.json").write_bytes(text if isinstance(text, bytes) else text.encode())

    for ask in (Processes(checkout).base_url, lambda: Processes(checkout).endpoint("good")):
        with pytest.raises(LabError, match=says):
            ask()


def test_a_file_of_another_kind_of_lab_is_told(checkout: Path) -> None:
    state.write(checkout, state.now("containers", ("127.0.0.1", 8080), None, {}, tls=False))

    with pytest.raises(LabError, match=r"describes a lab in containers, but processes run; run `make down` and"):
        Processes(checkout).base_url()


def test_a_service_that_does_not_run_is_told(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("good", app=ABOUT)
    bring_up(processes, checkout)
    processes.stop("good")

    with pytest.raises(LabError, match="good does not run; `echowall start good` starts it"):
        processes.endpoint("good")


def processes_of(checkout: Path) -> list[str]:
    """The command lines, on this machine, that have to do with the checkout."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            found.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [command for command in found if str(checkout) in command]


def test_nothing_is_left_after_down(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("good", app=ABOUT)
    bring_up(processes, checkout)
    assert processes_of(checkout) != []

    processes.down()

    deadline = time.monotonic() + 5
    while processes_of(checkout) and time.monotonic() < deadline:  # supervisord's own last breath
        time.sleep(0.1)
    assert processes_of(checkout) == []
    assert not processes.running()
    assert not (checkout / ".echowall/lab.json").exists()


def test_a_port_that_is_taken_is_named_with_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    with closing(socket.create_server(("127.0.0.1", port))):
        monkeypatch.setenv("ECHOWALL_PORT", str(port))

        with pytest.raises(LabError, match=rf"port {port}: Address already in use; .*ECHOWALL_PORT={port + 1}"):
            ports.require_free()


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1", "8080.5"])
def test_a_port_that_is_none_is_named_with_its_setting(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ECHOWALL_PORT", value)

    with pytest.raises(LabError, match=rf"ECHOWALL_PORT='{value}' is not a port"):
        lab.address()


def test_what_the_machine_lacks_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "apt-get").write_text("")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    lacking = system.missing(["redis-server", "nginx"])

    with pytest.raises(system.PackagesError, match=r"run: sudo apt-get install .* nginx-light redis-server$"):
        system.install(lacking)


def test_what_the_machine_lacks_is_named_where_there_is_no_apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(system.PackagesError, match=r"lacks redis-server .* has no apt-get"):
        system.install(system.missing(["redis-server"]))


def echowall(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "echowall", *arguments],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_catalog_is_printed_as_a_table_and_as_json() -> None:
    table, as_json = echowall("services", COLUMNS="200"), echowall("services", "--json")

    assert all(service.title in table.stdout for service in catalog.load())
    assert as_json.stdout.encode().strip() == catalog.services_json(catalog.load()).strip()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("stop", "nosuch"), "no service named 'nosuch'; there are "),
        (("site", "."), "is there already"),
    ],
)
def test_a_mistake_is_told_in_a_line_without_a_traceback(arguments: tuple[str, ...], said: str, port: int) -> None:
    done = echowall(*arguments)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr

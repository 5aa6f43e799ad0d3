"""A proxy of somebody else's in front of the lab: a second nginx, which speaks TLS and has the lab under /lab/.

Behind it is a proxy as the lab's own, which trusts it, with the services of the running lab.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from e2e.support.dialling import trust
from e2e.support.lab_operator import running_lab
from echowall.catalog.catalog import ROOT, Service
from echowall.lab import ports, site, tls

_LOOPBACK = "127.0.0.1"
#: The address of the lab in the documentation.
_EXAMPLE = "127.0.0.1:8080"
_FRONT = """
pid nginx.pid;
error_log stderr error;
events {{}}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {of_http}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate "{identity.certificate}";
        ssl_certificate_key "{identity.key}";
        {of_server}
    }}
}}
"""


class Front:
    """Both proxies, with their files in a folder."""

    def __init__(self, folder: Path, services: Iterable[Service], *, page: bool) -> None:
        """Without `page` there are only the services, which are there sooner."""
        self._folder, self._services = folder, list(services)
        self._behind, self._front = ports.free(_LOOPBACK, 2)
        names = [service.name for service in self._services]
        self._endpoints = dict(zip(names, running_lab().endpoints(*names), strict=True))
        self._running = ExitStack()
        (folder / "site").mkdir()
        if page:
            site.build(self._services, folder / "site")
        else:
            site.write_policy(folder / "site", "")

    @property
    def address(self) -> str:
        """The lab's address by the proxy in front."""
        return f"https://{_LOOPBACK}:{self._front}/lab"

    @contextmanager
    def running(self) -> Iterator[Front]:
        """Run both while the block runs. The suite's clients trust the one in front."""
        identity = tls.own(self._folder, tls.names(_LOOPBACK))
        trust().load_verify_locations(identity.ca)
        of_http, of_server = _documented(f"{_LOOPBACK}:{self._behind}")
        (self._folder / "front").mkdir()
        configuration = _FRONT.format(port=self._front, identity=identity, of_http=of_http, of_server=of_server)
        (self._folder / "front/nginx.conf").write_text(configuration)
        with self._running, _nginx(self._folder / "front", self._front):
            self._start_behind()
            yield self

    def find(self, service: Service) -> None:
        """Reach the service where it is now: a container that was started again may have another address."""
        endpoint = running_lab().endpoint(service.name)
        if self._endpoints[service.name] != endpoint:
            self._endpoints[service.name] = endpoint
            self._running.close()
            self._start_behind()

    def _start_behind(self) -> None:
        site.configure_nginx(
            self._services,
            self._folder / "behind",
            site=self._folder / "site",
            upstreams={name: f"{it.host}:{it.port}" for name, it in self._endpoints.items()},
            listen=f"{_LOOPBACK}:{self._behind}",
            trusted=[_LOOPBACK],
        )
        self._running.enter_context(_nginx(self._folder / "behind", self._behind))


@contextmanager
def lab_behind_a_proxy(folder: Path, services: Iterable[Service], *, page: bool = False) -> Iterator[Front]:
    """Run both proxies while the block runs; see Front."""
    with Front(folder, services, page=page).running() as front:
        yield front


def _documented(address: str) -> tuple[str, str]:
    """What docs/deploying.md says to write for a lab at that address: of `http`, and of its `server`."""
    text = (ROOT / "docs/deploying.md").read_text("utf-8")
    [block] = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
    assert _EXAMPLE in block
    of_http, of_server = block.replace(_EXAMPLE, address).split("# in `server`\n")
    return of_http, of_server


@contextmanager
def _nginx(folder: Path, port: int) -> Iterator[None]:
    directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    command = ["nginx", "-e", "stderr", "-p", f"{folder}/", "-c", str(folder / "nginx.conf"), "-g", directives]
    with subprocess.Popen(command) as process:
        try:
            deadline = time.monotonic() + 10
            while not _listens(port):
                assert process.poll() is None, f"nginx ended with {process.returncode}"
                assert time.monotonic() < deadline, f"nginx does not listen on port {port}"
                time.sleep(0.02)
            yield
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_LOOPBACK, port)) == 0

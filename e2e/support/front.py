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


@contextmanager
def lab_behind_a_proxy(folder: Path, services: Iterable[Service], *, page: bool = False) -> Iterator[str]:
    """Run both proxies, with their files in the folder; gives the lab's address by the one in front.

    The suite's clients trust that. Without `page` there are only the services, which are there sooner.
    """
    lab, catalog = running_lab(), list(services)
    endpoints = {service.name: lab.endpoint(service.name) for service in catalog}
    identity = tls.own(folder, tls.names(_LOOPBACK))
    trust().load_verify_locations(identity.ca)
    behind, front = ports.free(_LOOPBACK, 2)
    (folder / "site").mkdir()
    if page:
        site.build(catalog, folder / "site")
    site.configure_nginx(
        catalog,
        folder / "behind",
        site=folder / "site",
        upstreams={name: f"{it.host}:{it.port}" for name, it in endpoints.items()},
        listen=f"{_LOOPBACK}:{behind}",
        trusted=[_LOOPBACK],
    )
    of_http, of_server = _documented(f"{_LOOPBACK}:{behind}")
    (folder / "front").mkdir()
    configuration = _FRONT.format(port=front, identity=identity, of_http=of_http, of_server=of_server)
    (folder / "front/nginx.conf").write_text(configuration)
    with ExitStack() as stack:
        for name, port in (("behind", behind), ("front", front)):
            stack.enter_context(_nginx(folder / name, port))
        yield f"https://{_LOOPBACK}:{front}/lab"


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

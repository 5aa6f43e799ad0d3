"""What the proxy serves (the page, its libraries, the catalog, the exhibits), and its configuration."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from echowall.catalog import catalog, expected
from echowall.catalog.catalog import ROOT, Service
from echowall.lab import system
from echowall.results import store

#: The files of frontend/ that are not part of the page.
_NOT_SERVED = ("node_modules", "tests", ".*", "package*.json", "tsconfig.json", "*.mjs", "*.md")
#: The Chinese of what the catalog and the checks say, beside the services.
_SENTENCES = "sentences.zh.json"
#: What browsers keep for good, because its addresses have a version: /assets/VERSION/js/… (RFC 8246).
_FOLDERS = ("css", "js", "vendor")
_VERSIONED = (*_FOLDERS, _SENTENCES)
_ASSETS = "assets"
_GENERATED = "# Written by `echowall site` from the catalog."
_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)
#: Where index.html has the address of a versioned file: in an attribute, or in its import map.
_ADDRESS = re.compile(rf'"(\./)?(?=(?:{"|".join(_FOLDERS)})/)')


#: Of the names by which clients may ask: any.
ANY_HOST = "*"


class Tls(NamedTuple):
    """How the proxy speaks TLS."""

    certificate: Path
    """In PEM, where nginx sees it; a relative path is from the folder of its configuration."""
    key: Path
    hsts: int = 0
    """For how many seconds a browser shall not come by plain HTTP any more (RFC 6797); 0 does not ask for that."""
    http2_directive: bool = True
    """Whether this nginx has the directive `http2`, as from 1.25.1 on; before, it was a parameter of `listen`."""


class SiteError(Exception):
    """The site cannot be built. The message says what is missing and how to get it."""


def build(services: list[Service], dest: Path, *, vendor: Path | None = None, root: Path = ROOT) -> None:
    """Write the whole site into `dest`, which must be empty or absent, and what nginx has to know of it beside it.

    `vendor` is a folder with the page's libraries (in the image they come from a stage that has Node). Without it they
    are copied from `frontend/node_modules`.

    Raises SiteError if the libraries cannot be copied.
    """
    shutil.copytree(root / "frontend", dest, ignore=shutil.ignore_patterns(*_NOT_SERVED), dirs_exist_ok=True)
    if vendor:
        shutil.copytree(vendor, dest / "vendor")
    else:
        copied = subprocess.run(
            ["node", "vendor.mjs", str(dest.resolve())],
            cwd=root / "frontend",
            capture_output=True,
            text=True,
            check=False,
        )
        if copied.returncode:
            raise SiteError(f"frontend/vendor.mjs failed: {copied.stderr.strip() or copied.stdout.strip()}")
    (dest / "services.json").write_bytes(catalog.services_json(services))
    (dest / "causes.json").write_bytes(expected.causes_json(services, root))
    sentences = root / "services" / _SENTENCES
    (dest / _SENTENCES).write_bytes(sentences.read_bytes() if sentences.exists() else b"{}")
    index_html = _with_versions(dest)
    (dest / "index.html").write_text(index_html, "utf-8")
    write_policy(dest, index_html)
    _publish(root, dest)
    for service in services:
        exhibit = dest / "services" / service.name
        exhibit.mkdir(parents=True)
        for source in service.sources:
            shutil.copy(root / "services" / service.name / source, exhibit)


def _with_versions(dest: Path) -> str:
    """Move what is versioned to where its addresses have the version, and give index.html with these addresses.

    All of it has one version: the files name each other by relative addresses.
    """
    read = hashlib.sha256()
    for part in _VERSIONED:
        for file in sorted([dest / part, *(dest / part).rglob("*")]):
            if file.is_file():
                read.update(f"{file.relative_to(dest).as_posix()} {file.stat().st_size}\n".encode() + file.read_bytes())
    version = read.hexdigest()[:16]
    assets = dest / _ASSETS / version
    assets.mkdir(parents=True)
    for part in _VERSIONED:
        (dest / part).rename(assets / part)
    return _ADDRESS.sub(rf'"\1{_ASSETS}/{version}/', (dest / "index.html").read_text("utf-8"))


def write_policy(site: Path, index_html: str) -> None:
    """Write the page's policy beside the site, where configure_nginx() includes it: `site.conf` for a folder `site`.

    It goes with the files, and not with the proxy's configuration, which may be of another day.
    """
    policy = f'map $host $csp {{ default "{content_security_policy(index_html)}"; }}'
    _policy_of(site).write_text(f"{_GENERATED}\n{policy}\n", "utf-8")


def _policy_of(site: Path) -> Path:
    return site.with_name(f"{site.name}.conf")


def _publish(root: Path, dest: Path) -> None:
    """Copy the results, as they are kept, so that every figure on the page opens onto its run."""
    for file in [root / "results" / store.INDEX, *store.files(root)]:
        if file.exists():
            published = dest / file.relative_to(root)
            published.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, published)


def install_libraries(root: Path = ROOT) -> None:
    """Install frontend's packages from its lock file, unless they are installed from that very lock already.

    Raises SiteError with npm's message, or PackagesError if there is no npm and it cannot be installed.
    """
    frontend = root / "frontend"
    locked = hashlib.sha256((frontend / "package-lock.json").read_bytes()).hexdigest()
    # npm's own note in node_modules does not tell: npm renews it even when it writes only the lock.
    installed = frontend / "node_modules/.installed"
    if installed.exists() and installed.read_text("utf-8") == locked:
        return
    system.install(system.missing(["node", "npm"]))
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=frontend, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SiteError(f"`npm ci` failed in {frontend}: {done.stderr.strip()}")
    installed.write_text(locked, "utf-8")


def configure_nginx(
    services: list[Service],
    dest: Path,
    *,
    site: Path,
    upstreams: Mapping[str, str],
    listen: str,
    resolver: str | None = None,
    tls: Tls | None = None,
    trusted: Iterable[str] = (),
    hosts: Iterable[str] = (),
    connections: int = 2000,
    requests_per_second: int = 200,
    total: int = 12_000,
    root: Path = ROOT,
) -> None:
    """Write into `dest` what nginx needs: its own files as they are, and the two generated files that those include.

    `site` is the folder that build() wrote, where nginx sees it, with the page's policy beside it. `upstreams` has the
    `host:port` of each service by name. `listen` is the parameter of nginx's directive (`8080`, `127.0.0.1:8080`).
    `resolver` is the address of a DNS server, for hosts that are names. `trusted` are the addresses and networks of
    proxies in front of this one. `hosts` are the names by which clients may ask, beside localhost and addresses. The
    limits are for each client address, but for `total`: how many connections all clients may have, before the services
    are refused to others.
    """
    names = json.dumps([service.name for service in services])
    lines = [
        *_forwarded(trusted),
        *_strangers(hosts),
        "map $service $upstream {",
        '    default "";',
        *(f"    {service.name} {upstreams[service.name]};" for service in services),
        "}",
        *_push_upstreams(services, upstreams, by_name=resolver is not None),
        f"map $host $names {{ default '{names}'; }}",
        f'include "{_policy_of(site.resolve())}";',
        f'map "$connections_active $upstream" $full {{ default ""; "~^({_at_least(total + 1)}) ." yes; }}',
        "limit_conn_zone $client zone=sockets:1m;",
        f"limit_conn sockets {connections};",
        f"limit_req_zone $caller zone=requests:1m rate={requests_per_second}r/s;",
        f"limit_req zone=requests burst={2 * requests_per_second} nodelay;",
        f"limit_req_zone $listener zone=polls:1m rate={10 * requests_per_second}r/s;",
        f"limit_req zone=polls burst={20 * requests_per_second} nodelay;",
    ]
    if resolver:
        lines += [f"resolver {resolver} valid=1s ipv6=off;", "resolver_timeout 1s;"]
    dest.mkdir(parents=True, exist_ok=True)
    for file in ("nginx.conf", "tls.conf"):
        shutil.copy(root / "nginx" / file, dest)
    (dest / "lab.conf").write_text("\n".join([_GENERATED, *lines, ""]), "utf-8")
    (dest / "server.conf").write_text("\n".join([_GENERATED, *_server(listen, site.resolve(), tls), ""]), "utf-8")


def _at_least(number: int) -> str:
    """A regular expression for the decimal numbers that are no less than this one: nginx compares only by these."""
    digits = str(number)
    larger = [
        f"{digits[:place]}[{int(digit) + 1}-9][0-9]{{{len(digits) - place - 1}}}"
        for place, digit in enumerate(digits)
        if digit != "9"
    ]
    return "|".join([digits, *larger, f"[0-9]{{{len(digits) + 1},}}"])


def configure_container(
    services: list[Service],
    dest: Path,
    *,
    upstreams: Mapping[str, str] | None = None,
    resolver: str = "127.0.0.11",
    tls: Tls | None = None,
    trusted: Iterable[str] = (),
    hosts: Iterable[str] = (),
    root: Path = ROOT,
) -> None:
    """configure_nginx() for the proxy's container: the site is in its image, and services are found by their names,
    which by default Docker's own DNS knows."""
    configure_nginx(
        services,
        dest,
        site=Path("/lab/site"),
        upstreams=upstreams or {service.name: f"{service.name}:8000" for service in services},
        listen="8080",
        resolver=resolver,
        tls=tls,
        trusted=trusted,
        hosts=["proxy", *hosts],  # its name on the lab's network, by which the suite's container asks
        root=root,
    )


def http2_directive() -> bool:
    """Whether the nginx on PATH has the directive `http2`; see Tls."""
    said = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr
    version = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", said)
    return version is None or tuple(map(int, version.groups())) >= (1, 25, 1)


def _server(listen: str, site: Path, tls: Tls | None) -> list[str]:
    """Where nginx listens, and what it serves from.

    By `reuseport` each worker gets its share of the connections. Else one may have taken as many as it can while others
    have few.
    """
    root = f'root "{site}";'
    if tls is None:
        return [f"listen {listen} reuseport;", root]
    listening = (
        [f"listen {listen} ssl reuseport;", "http2 on;"]
        if tls.http2_directive
        else [f"listen {listen} ssl http2 reuseport;"]
    )
    hsts = [f'add_header Strict-Transport-Security "max-age={tls.hsts}" always;'] if tls.hsts else []
    return [
        *listening,
        "include tls.conf;",
        f'ssl_certificate "{tls.certificate}";',
        f'ssl_certificate_key "{tls.key}";',
        *hsts,
        root,
    ]


def _forwarded(trusted: Iterable[str]) -> list[str]:
    """From whom the client's address, scheme and host are taken: from these proxies, and from nobody else."""
    networks = list(dict.fromkeys(trusted))
    from_them = [*(f"set_real_ip_from {network};" for network in networks), "real_ip_header X-Forwarded-For;"]
    return [
        *([*from_them, "real_ip_recursive on;"] if networks else []),  # past each of them, to the first that is none
        "geo $realip_remote_addr $trusted {",
        "    default no;",
        *(f"    {network} yes;" for network in networks),
        "}",
    ]


def _strangers(hosts: Iterable[str]) -> list[str]:
    """Of the names by which clients ask, which are none of the lab's.

    An address in digits cannot be made to point elsewhere. What ends in `.localhost` browsers resolve by themselves
    (RFC 6761, section 6.3).
    """
    names = list(dict.fromkeys(hosts))
    if ANY_HOST in names:
        return ['map $client_name $stranger { default ""; }']
    return [
        "map $client_name $stranger {",
        "    hostnames;",
        "    default yes;",
        '    "~^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$" "";',
        r'    "~^\[" "";',
        *(f'    {name} "";' for name in dict.fromkeys(["localhost", "*.localhost", *names])),
        "}",
    ]


def _push_upstreams(services: list[Service], upstreams: Mapping[str, str], *, by_name: bool) -> list[str]:
    """Where the services are that have the room by plain HTTP: each has a group, which keeps its connections open.

    No service's name has an underscore. `by_name` says that the addresses are names. Then there are no groups, and a
    request has a connection of its own: a group looks its names up only once, before nginx 1.27.3, and replicas come
    and go.
    """
    listed = [service for service in services if service.push]
    groups = [
        f"upstream push_{service.name} {{ server {upstreams[service.name]}; keepalive 32; }}"
        for service in listed
        if not by_name
    ]
    places = [f"    {it.name} {upstreams[it.name] if by_name else f'push_{it.name}'};" for it in listed]
    return [*groups, "map $service $push_upstream {", '    default "";', *places, "}"]


def content_security_policy(index_html: str) -> str:
    """The page's policy: it loads only its own files, and connects to anywhere, for an endpoint of the user's.

    An import map has to be inline, so its hash allows it (CSP Level 3, section 8.3).
    """
    hashes = "".join(
        f" 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in _IMPORT_MAP.findall(index_html)
    )
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self'{hashes}",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self' ws: wss: http: https:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types lit-html echo-wall-worker",
        ]
    )

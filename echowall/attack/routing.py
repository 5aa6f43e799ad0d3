"""What the proxy lets through: by which names it is asked, where paths lead, and from which pages sockets come."""

from __future__ import annotations

from echowall.attack.ground import Ground, exchange, one_by_one
from echowall.catalog.catalog import Service
from echowall.results.model import Attack, Outcome

NAMES = Attack(
    id="names",
    does="Requests and handshakes with a Host that is none of the lab's, as after DNS rebinding.",
    holds="Each gets 421 and reaches no service; by its address and as localhost the service answers.",
)
PATHS = Attack(
    id="paths",
    does="Paths with `..`, `%2e`, `//`, `%00`, `\\` and line ends in them, and whole URLs in place of a path.",
    holds="They lead to the service that they name or nowhere, never to a file that is not part of the page.",
)
ORIGINS = Attack(
    id="origins",
    does="Handshakes from pages of other sites, also of sites whose name looks like the lab's.",
    holds="A service that refuses foreign origins refuses each of them, and every service accepts the lab's own.",
)
_FOREIGN = (
    "rebound.example",
    "rebound.example:{port}",
    "{host}.rebound.example:{port}",
    "localhost.rebound.example",
    "rebound.example:localhost",
    "localhost@rebound.example",
    "127-0-0-1.rebound.example",
    "xn--lcalhost-54a",
    "lab",
)
_PATHS = (
    "/../etc/passwd",
    "/../../../../../../etc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/%252e%252e/%252e%252e/etc/passwd",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/..%5c..%5cetc%5cpasswd",
    "/assets/..%2f..%2f..%2f..%2fetc/passwd",
    "/assets../lab.conf",
    "/assets..%2flab.conf",
    "/services/../../lab.conf",
    "/services/NAME/..%2f..%2f..%2flab.conf",
    "/NAME/../lab.conf",
    "/NAME/..%2f..%2fetc%2fpasswd",
    "/NAME/foobar/..%2f..%2f..%2fetc%2fpasswd",
    "/NAME/.env",
    "/NAME/echo.py",
    "/NAME/static/../../../../etc/passwd",
    "/NAME%00/about",
    "/%00/",
    "//etc/passwd",
    "///etc/passwd",
    "/\\..\\..\\etc\\passwd",
    "/.git/config",
    "/nginx.conf",
    "/lab.conf",
    "/errors/not-http",
    "/about",
    "/foobar/",
    "/chat/",
    "/chat/poll",
    "/NAME/foobar/%0d%0aX-Injected:%20yes",
    "/NAME/foobar/%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0aGET%20/about",
    "http://rebound.example/NAME/../lab.conf",
    "http://rebound.example/../../etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "http://redis:6379/about",
    "redis:6379",
    "*",
)
_ALIASES = (
    "/NAME/about",
    "//NAME//about",
    "/./NAME/./about",
    "/NAME%2fabout",
    "/OTHER/..%2fNAME/about",
    "URL/NAME/about",
)
#: What is in no answer: of a file of the system, of nginx's configuration, of a header that was injected.
_SECRETS = (b"root:", b"proxy_pass", b"limit_req_zone", b"map $", b"\r\nX-Injected", b"REDIS_URL", b"[core]")


@one_by_one(NAMES)
async def names(ground: Ground, service: Service, outcome: Outcome) -> None:
    """By foreign names and by its own."""
    where = ground.proxy
    paths = ("/", "/services.json", f"/{service.name}/about", f"/{service.name}/foobar/", f"/{service.name}/chat/")
    hosts = [host.format(host=where.host.strip("[]"), port=where.port) for host in _FOREIGN]
    with ground.bar(f"names {service.name}", len(hosts) * len(paths)) as bar:
        for host in hosts:
            for path in paths:
                status = _status(await exchange(where, _handshake(path, host, f"{where.scheme}://{host}"), quiet=0.05))
                outcome.tried += 1
                if status not in (400, 421):
                    outcome.faults.append(f"{path} with Host: {host} got {status or 'no answer'}, and 421 was due")
                bar()
    for host in (where.netloc, f"localhost:{where.port}", "LOCALHOST", f"[::1]:{where.port}"):
        status = _status(await exchange(where, _get(f"/{service.name}/about", host), quiet=0.05))
        outcome.tried += 1
        if status != 200:
            outcome.faults.append(
                f"/{service.name}/about with Host: {host} got {status or 'no answer'}, and 200 was due"
            )


@one_by_one(PATHS)
async def paths(ground: Ground, service: Service, outcome: Outcome) -> None:
    """By paths that name it in odd ways, or that name nothing that is served."""
    where = ground.proxy
    other = ground.everyone[(ground.everyone.index(service) + 1) % len(ground.everyone)]

    def filled(path: str) -> str:
        url = f"{where.scheme}://{where.netloc}"
        return path.replace("NAME", service.name).replace("OTHER", other.name).replace("URL", url)

    with ground.bar(f"paths {service.name}", len(_PATHS) + len(_ALIASES)) as bar:
        for path in map(filled, _PATHS):
            answer = await exchange(where, _get(path, where.netloc), quiet=0.05)
            outcome.tried += 1
            status = _status(answer)
            if status < 300 and status != 0:
                outcome.faults.append(f"{path} got {status}: {answer[-200:]!r}")
            elif status >= 500 and status not in (501, 505):
                outcome.faults.append(f"{path} got {status}")
            if found := [secret for secret in _SECRETS if secret in answer]:
                outcome.faults.append(f"{path} was answered with {found[0].decode()!r} in it")
            bar()
        for path in map(filled, _ALIASES):
            answer = await exchange(where, _get(path, where.netloc), quiet=0.05)
            outcome.tried += 1
            if _status(answer) != 200 or f'"{service.name}"'.encode() not in answer:
                outcome.faults.append(f"{path} names {service.name}, and got {answer[:200]!r}")
            bar()


@one_by_one(ORIGINS)
async def origins(ground: Ground, service: Service, outcome: Outcome) -> None:
    """From pages of other sites."""
    where = ground.proxy
    target = ground.proxied(service)
    own = f"{where.scheme}://{where.netloc}"
    foreign = (
        "http://rebound.example",
        "null",
        f"{own}.rebound.example",
        f"{own}@rebound.example",
        f"http://rebound.example/{where.netloc}",
        f"http://rebound.example#{where.netloc}",
        f"http://not{where.netloc}",
    )
    accepted = []
    with ground.bar(f"origins {service.name}", len(foreign) + 1) as bar:
        for origin in (*foreign, own):
            answer = await exchange(where, _handshake(target.resource, where.netloc, origin), quiet=0.05)
            outcome.tried += 1
            if _status(answer) == 101:
                accepted.append(origin)
            bar()
    if own not in accepted:
        outcome.faults.append(f"it refuses the lab's own origin, {own}")
    if service.foreign_origin == "refused":
        outcome.faults += [f"it accepts a handshake from {origin}" for origin in accepted if origin != own]
    outcome.measured = {"foreign origins accepted": len([origin for origin in accepted if origin != own])}


def _get(target: str, host: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")


def _handshake(target: str, host: str, origin: str) -> bytes:
    return (
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode("latin-1")


def _status(answer: bytes) -> int:
    """The status of the first answer; 0 where there is none."""
    words = answer.split(b"\r\n")[0].split(b" ")
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

"""The lab under test: which services each test runs for, which tests may use the lab at the same time, and how a test
gets into the lab.

The browser's fixtures are in support/browser.py; what only one folder uses is in that folder's conftest.py.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest
from xdist.remote import Producer

from e2e.support import room
from e2e.support.dialling import trust
from e2e.support.lab_lock import LabLock
from e2e.support.lab_operator import Operator
from e2e.support.room import Enter, Visitor
from e2e.support.scheduler import Scheduler
from e2e.support.settings import ARTIFACTS, IN_CONTAINER
from e2e.support.websocket import NoAnswerError
from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT, Service
from echowall.catalog.contract import BY_SUITE
from echowall.check.suite import ALL

pytest_plugins = ["e2e.support.browser"]

SERVICES = pytest.StashKey[list[Service]]()

#: Every id that a test may be tied to by the marker `check`.
CHECKS = frozenset(BY_SUITE) | {check.id for check in ALL}


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the catalog, and set the lab's address and the reports' paths where the command line did not."""
    try:
        services = catalog.load(ROOT)
    except catalog.CatalogError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SERVICES] = services
    option = config.option
    option.base_url = (
        option.base_url or config.getini("base_url") or f"http://127.0.0.1:{os.environ.get('ECHOWALL_PORT', '8080')}"
    ).rstrip("/")
    option.xmlpath = option.xmlpath or str(ARTIFACTS / "junit.xml")
    option.htmlpath = option.htmlpath or str(ARTIFACTS / "report.html")
    if option.output == "test-results":  # the default of pytest-playwright
        option.output = str(ARTIFACTS / "failures")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop with one message where there is no lab, in place of hundreds of failures."""
    base_url = session.config.option.base_url
    if session.config.option.collectonly:
        return
    try:
        healthy = httpx.get(f"{base_url}/healthz", timeout=10, trust_env=False, verify=trust()).status_code == 200
    except (httpx.HTTPError, httpx.InvalidURL):
        healthy = False
    if not healthy:
        pytest.exit(f"the lab is not up at {base_url}: run `make up`, or say where it is with --base-url", returncode=2)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a `service` once for each service of the catalog that its markers choose."""
    if "service" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker
    check, naive, protocol, push = marker("check"), marker("naive"), marker("protocol"), marker("push")
    if check and not CHECKS.issuperset(check.args):
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: there is no such check as {check.args}")
    services = [
        service
        for service in metafunc.config.stash[SERVICES]
        if (not protocol or service.protocol == protocol.args[0])
        and (not naive or (service.naive and service.naive.shows == naive.args[0]))
        and (not push or (service.push and set(push.args) <= set(service.push)))
    ]
    checks = check.args if check else ()
    metafunc.parametrize(
        "service",
        [pytest.param(service, id=service.name, marks=_expected_failures(service, checks)) for service in services],
    )


def _expected_failures(service: Service, checks: tuple[str, ...]) -> list[pytest.MarkDecorator]:
    """An xfail, as strict as the entry, for each check that the service is known to fail by the proxy, as tests go."""
    return [
        pytest.mark.xfail(raises=AssertionError, strict=not known.sometimes, reason=f"{known.reason} ({known.link})")
        for check in checks
        if (known := service.known_deviation(check, "proxy"))
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the stories first, and then the pages that stay outside of the room, which a story may have meanwhile. Skip
    what stops a service where the suite itself runs in a container of the lab."""
    items.sort(
        key=lambda item: ("stories" not in item.path.parts, not _stays_outside(item), "page" not in item.path.parts)
    )
    if IN_CONTAINER:
        skip = pytest.mark.skip(reason="runs on the host only: a container of the lab cannot stop another")
        for item in items:
            if item.get_closest_marker("operator"):
                item.add_marker(skip)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler:
    """Decide which worker runs which test."""
    return Scheduler(config, log, [service.name for service in config.stash[SERVICES]])


@pytest.fixture(scope="session")
def services(pytestconfig: pytest.Config) -> list[Service]:
    """The whole catalog."""
    return pytestconfig.stash[SERVICES]


@pytest.fixture(scope="session")
def checks() -> frozenset[str]:
    """Every id that a test may be tied to."""
    return CHECKS


@pytest.fixture(scope="session")
def plain(services: list[Service]) -> Service:
    """The service to test the page with: it speaks WebSocket, and has the fewest known deviations."""
    return min(
        (service for service in services if service.protocol == "websocket"),
        key=lambda service: (service.naive is not None) + service.deviations,
    )


@pytest.fixture
def other(request: pytest.FixtureRequest, services: list[Service]) -> Service:
    """Another service than the one under test: the next of the catalog."""
    name = "service" if "service" in request.fixturenames else "plain"
    return services[(services.index(request.getfixturevalue(name)) + 1) % len(services)]


@pytest.fixture
def mark() -> str:
    """A text that the test puts into its own messages in the room, which keeps what others said in it."""
    return f"mark-{secrets.token_hex(4)}"


@pytest.fixture
def enter(base_url: str, request: pytest.FixtureRequest) -> Iterator[Enter]:
    """room.enter() into this lab. Visitors who are still in the room at the end of the test leave."""
    assert not _stays_outside(request.node), "a test that is marked `outside` enters the room: mark it `inside`"
    with ExitStack() as inside:

        def enter_room(service: Service, after: str | None = None) -> Visitor:
            return inside.enter_context(room.enter(base_url, service, after))

        yield enter_room


@pytest.fixture
def http(base_url: str) -> Iterator[httpx.Client]:
    """An HTTP client of the lab."""
    with httpx.Client(base_url=base_url, timeout=10, trust_env=False, verify=trust()) as client:
        yield client


@pytest.fixture
def operator(base_url: str, services: list[Service]) -> Iterator[Operator]:
    """The lab's operator. What the test stopped is running again after it."""
    with Operator(base_url, services) as operator:
        yield operator


@pytest.fixture(scope="session")
def lab_lock(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> LabLock:
    """The lock on the lab between the workers. A test holds it by hold_lab_lock; a story takes it by itself."""
    folder = tmp_path_factory.getbasetemp()
    return LabLock(folder if worker_id == "master" else folder.parent)  # each worker has a folder of its own in it


@pytest.fixture(autouse=True)
def hold_lab_lock(request: pytest.FixtureRequest, lab_lock: LabLock) -> Iterator[None]:
    """Hold the lab together with the tests of other workers, or alone where the test would disturb them."""
    marker = request.node.get_closest_marker
    fragile = _may_end_the_service(request)
    alone = fragile or "operator" in request.fixturenames or marker("alone")
    base_url: str = request.getfixturevalue("base_url")
    room_alone = marker("room_alone")
    shared = lab_lock.room() if room_alone else lab_lock.shared(outside=_stays_outside(request.node))
    with lab_lock.exclusive() if alone else shared:
        yield
        if fragile:
            _wait_for_its_room(base_url, request.getfixturevalue("service"))


def _stays_outside(item: pytest.Item) -> bool:
    """Whether the test never enters the chat room."""
    return item.get_closest_marker("outside") is not None and item.get_closest_marker("inside") is None


def _may_end_the_service(request: pytest.FixtureRequest) -> bool:
    """Whether the test may crash the service's process, and cut everybody's sockets with it. Fragments may, where the
    service mixes up those of two clients."""
    check = request.node.get_closest_marker("check")
    if not request.node.get_closest_marker("fragments") and not (check and "fragments" in check.args):
        return False
    service: Service = request.getfixturevalue("service")
    return service.known_deviation("fragments-apart", "proxy") is not None


def _wait_for_its_room(base_url: str, service: Service) -> None:
    """Wait, for up to 30 s, until the service has its history again: a new process reads that before it answers."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(NoAnswerError), room.enter(base_url, service) as visitor:
            visitor.history()
            return

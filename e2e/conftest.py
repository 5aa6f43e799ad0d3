"""The lab under test: which services each test runs for, which tests may use the lab at the same time, and how a test
gets into the lab.

The browser's fixtures are in support/browser.py; what only one folder uses is in that folder's conftest.py.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest
from xdist.remote import Producer

from e2e.support import room
from e2e.support.dialling import trust
from e2e.support.lab_lock import LabLock, Use
from e2e.support.lab_operator import Operator
from e2e.support.room import Enter, Visitor
from e2e.support.scheduler import Scheduler
from e2e.support.settings import ARTIFACTS, IN_CONTAINER
from e2e.support.websocket import NoAnswerError
from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT, Service
from echowall.catalog.contract import BY_SUITE
from echowall.check.suite import ALL
from echowall.lab import turn
from echowall.lab.lab import LabError

pytest_plugins = ["e2e.support.browser"]

SERVICES = pytest.StashKey[list[Service]]()
LAB_LOCK = pytest.StashKey[LabLock]()

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
    config.stash[LAB_LOCK] = LabLock(ARTIFACTS / "locks")
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
    if not (IN_CONTAINER or hasattr(session.config, "workerinput")):
        try:
            turn.take(ROOT, "`make e2e`", lambda why: print(f"\n{why}", file=sys.stderr, flush=True))
        except LabError as error:
            pytest.exit(str(error), returncode=2)


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
    """Put the stories first, and of these first those that others have to wait for. Of the other tests, those come
    first that can go on meanwhile. Skip what stops a service where the suite itself runs in a container of the lab."""
    uses = list(Use)

    def rank(item: pytest.Item) -> tuple[bool, int, bool]:
        story, use = "stories" in item.path.parts, uses.index(_use(item))
        return not story, -use if story else use, "page" not in item.path.parts

    items.sort(key=rank)
    for item in items:
        if not item.get_closest_marker("operator"):
            continue
        if IN_CONTAINER:
            item.add_marker(
                pytest.mark.skip(reason="runs on the host only: a container of the lab cannot stop another")
            )
        elif "operator" in getattr(item, "fixturenames", ()) and not _use(item).alone:
            raise pytest.UsageError(f"{item.nodeid} stops a part of the lab: mark it `alone` or `room_alone`")


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
    assert _use(request.node) not in (Use.NOTHING, Use.LAB), (
        "a test that stays outside enters the room: mark it `inside`"
    )
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, bool, bool]:
    """Hold what the test uses of the lab, together with the tests of other workers, or alone where it would disturb
    them. Tests that have it alone one after another do not let others in between."""
    lock, use = item.config.stash[LAB_LOCK], _use(item)
    lock.hold(use)
    try:
        ran = yield
        if _may_end_the_service(item):
            _wait_for_its_room(item.config.option.base_url, _service(item))
        return ran
    finally:
        if not (nextitem and use.alone and _use(nextitem) is use):
            lock.release()


def _use(item: pytest.Item) -> Use:
    marker = item.get_closest_marker
    if marker("alone") or _may_end_the_service(item):
        return Use.LAB_ALONE
    if marker("room_alone"):
        return Use.ROOM_ALONE
    if marker("apart"):
        return Use.NOTHING
    return Use.LAB if marker("outside") and not marker("inside") else Use.ROOM


def _may_end_the_service(item: pytest.Item) -> bool:
    """Whether the test may crash the service's process, and cut everybody's sockets with it. Fragments may, where the
    service mixes up those of two clients."""
    check = item.get_closest_marker("check")
    if not item.get_closest_marker("fragments") and not (check and "fragments" in check.args):
        return False
    return _service(item).known_deviation("fragments-apart", "proxy") is not None


def _service(item: pytest.Item) -> Service:
    """The service that the test runs for."""
    assert isinstance(item, pytest.Function)
    service = item.callspec.params["service"]
    assert isinstance(service, Service)
    return service


def _wait_for_its_room(base_url: str, service: Service) -> None:
    """Wait, for up to 30 s, until the service has its history again: a new process reads that before it answers."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(NoAnswerError), room.enter(base_url, service) as visitor:
            visitor.history()
            return

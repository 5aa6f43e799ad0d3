"""What every test stands on: the catalog, the lab under test, the browser, and a page that is kept quiet."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from xdist.remote import Producer

from e2e.support import room
from e2e.support.lab_lock import Turns
from e2e.support.lab_operator import Lab
from e2e.support.pages import Complaints, Pane, Wall
from e2e.support.room import Visitor
from e2e.support.scheduler import Scheduler
from e2e.support.websocket import NoAnswerError
from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT, Service
from echowall.check.suite import ALL

REPORTS = ROOT / "reports" / "e2e"
IN_CONTAINER = os.environ.get("ECHOWALL_IN_CONTAINER") == "1"
SERVICES = pytest.StashKey[list[Service]]()
FAILED = pytest.StashKey[bool]()

#: Milliseconds in which the page has to show what a test expects: other tests keep the machine busy meanwhile.
expect.set_options(timeout=15_000)

#: Every id that a test may be tied to.
CHECKS = catalog.chat_checks() | {check.id for check in ALL}

_QUIET_CHROMIUM = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Traces cost every test of the page a quarter of its time."""
    parser.addoption("--traces", action="store_true", help="Keep a trace of what the page did in each failed test.")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the catalog, and say where the lab is and where the reports go, unless the command line did."""
    try:
        services = catalog.load(ROOT)
    except catalog.CatalogError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SERVICES] = services
    option = config.option
    option.base_url = (
        option.base_url or config.getini("base_url") or f"http://127.0.0.1:{os.environ.get('ECHOWALL_PORT', '8080')}"
    ).rstrip("/")
    option.xmlpath = option.xmlpath or str(REPORTS / "junit.xml")
    option.htmlpath = option.htmlpath or str(REPORTS / "report.html")
    if option.output == "test-results":
        option.output = str(REPORTS / "artifacts")


def pytest_sessionstart(session: pytest.Session) -> None:
    """One message when there is no lab, in place of hundreds of failures."""
    base_url = session.config.option.base_url
    if session.config.option.collectonly:
        return
    try:
        healthy = httpx.get(f"{base_url}/healthz", timeout=10, trust_env=False).status_code == 200
    except (httpx.HTTPError, httpx.InvalidURL):
        healthy = False
    if not healthy:
        pytest.exit(f"the lab is not up at {base_url}: run `make up`, or say where it is with --base-url", returncode=2)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a `service` for each one of the catalog that it concerns."""
    if "service" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker
    check, naive, protocol = marker("check"), marker("naive"), marker("protocol")
    if check and not CHECKS.issuperset(check.args):
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: there is no such check as {check.args}")
    services = [
        service
        for service in metafunc.config.stash[SERVICES]
        if (not protocol or service.protocol == protocol.args[0])
        and (not naive or (service.naive and service.naive.shows == naive.args[0]))
    ]
    metafunc.parametrize(
        "service",
        [pytest.param(service, id=service.name, marks=_expected(service, check)) for service in services],
    )


def _expected(service: Service, check: pytest.Mark | None) -> list[pytest.MarkDecorator]:
    return [
        pytest.mark.xfail(raises=AssertionError, strict=True, reason=f"{known.reason} ({known.link})")
        for name in (check.args if check else ())
        if (known := service.known_deviation(name, "proxy"))  # by which these tests come
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Inside the lab's own container nobody can stop a service."""
    if IN_CONTAINER:
        skip = pytest.mark.skip(reason="runs on the host only: a container of the lab cannot stop another")
        for item in items:
            if item.get_closest_marker("operator"):
                item.add_marker(skip)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler:
    """Which worker runs what."""
    return Scheduler(config, log, [service.name for service in config.stash[SERVICES]])


@pytest.fixture(scope="session")
def services(pytestconfig: pytest.Config) -> list[Service]:
    """The whole catalog."""
    return pytestconfig.stash[SERVICES]


@pytest.fixture(scope="session")
def plain(services: list[Service]) -> Service:
    """A service to test the page with: speaks WebSocket, and goes wrong least."""
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
def limit(service: Service) -> int:
    """The largest message that the service takes, where it has one."""
    if service.limits.max_message is None:
        pytest.skip(f"{service.name} takes messages of any size")
    return service.limits.max_message


@pytest.fixture
def mark() -> str:
    """What the test's own messages in the room are known by: the room keeps what others said in it."""
    return f"mark-{secrets.token_hex(4)}"


@pytest.fixture
def enter(base_url: str) -> Iterator[Callable[..., Visitor]]:
    """room.enter() into this lab. Who is still inside at the end leaves."""
    with ExitStack() as inside:

        def go_in(service: Service, after: str | None = None) -> Visitor:
            return inside.enter_context(room.enter(base_url, service, after))

        yield go_in


@pytest.fixture
def http(base_url: str) -> Iterator[httpx.Client]:
    """An HTTP client of the lab."""
    with httpx.Client(base_url=base_url, timeout=10, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def turns(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Turns:
    """Turns at the lab. A story takes one itself."""
    folder = tmp_path_factory.getbasetemp()
    return Turns(folder if worker_id == "master" else folder.parent)  # the workers have a folder each in it


@pytest.fixture(autouse=True)
def turn(request: pytest.FixtureRequest, turns: Turns) -> Iterator[None]:
    """Share the lab with the tests of the other workers, or have it alone."""
    fragile = _is_fragile(request)
    alone = fragile or "lab" in request.fixturenames or request.node.get_closest_marker("alone")
    base_url: str = request.getfixturevalue("base_url")
    with turns.alone() if alone else turns.shared():
        yield
        if fragile:
            _wait_for_its_room(base_url, request.getfixturevalue("service"))


def _is_fragile(request: pytest.FixtureRequest) -> bool:
    """Whether the test can be the end of the service's process, and of everybody's sockets: fragments are, where those
    of two clients do not stay apart."""
    check = request.node.get_closest_marker("check")
    if not check or "fragments" not in check.args:
        return False
    return request.getfixturevalue("service").known_deviation("fragments-apart", "proxy") is not None


def _wait_for_its_room(base_url: str, service: Service) -> None:
    """The process that took its place reads all that was said before it tells anybody."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(NoAnswerError), room.enter(base_url, service) as visitor:
            visitor.history()
            return


@pytest.fixture
def lab(base_url: str, services: list[Service]) -> Iterator[Lab]:
    """The lab, to stop and start services in. What a test stopped is running again after it."""
    with Lab(base_url, services) as lab:
        yield lab


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium where there is one: Playwright's own has to be downloaded."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")  # the lightest first
    found = map(shutil.which, names)
    executable = os.environ.get("CHROMIUM") or next(filter(None, found), None)
    # Chromium's sandbox needs what neither root nor a container has.
    unboxed = ["--no-sandbox"] if os.geteuid() == 0 or IN_CONTAINER else []
    return {"executable_path": executable, "args": [*_QUIET_CHROMIUM, *unboxed], **browser_type_launch_args}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """An English reader at a desk."""
    return {"locale": "en-GB", "viewport": {"width": 1280, "height": 900}, **browser_context_args}


@pytest.fixture(scope="session")
def kept_context(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[BrowserContext]:
    """What one test leaves to the next: in a new context the browser has to start a process for the page, and to
    compile it again."""
    with browser.new_context(**browser_context_args) as context:
        yield context


@pytest.fixture
def context(
    request: pytest.FixtureRequest,
    kept_context: BrowserContext,
    browser_context_args: dict[str, Any],
    new_context: Callable[[], BrowserContext],
) -> Iterator[BrowserContext]:
    """The kept context, as if it were new: what a test left in it is gone. A test that is marked with
    `browser_context_args` has its own."""
    if request.node.get_closest_marker("browser_context_args"):
        yield new_context()
        return
    yield kept_context
    kept_context.clear_cookies()
    first, *others = kept_context.pages or [kept_context.new_page()]
    for page in others:
        page.close()
    if request.node.stash.get(FAILED, True):  # whatever state it is in
        first.close()
        first = kept_context.new_page()
    first.unroute_all()
    Wall(first).load("/healthz")  # of the page's origin, and without a script
    first.evaluate("localStorage.clear(); sessionStorage.clear()")
    first.mouse.move(0, 0)
    first.set_viewport_size(browser_context_args["viewport"])
    first.emulate_media(color_scheme="null", reduced_motion="null")


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of the context."""
    return context.pages[0] if context.pages else context.new_page()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell quiet_page how the test went."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(autouse=True)
def quiet_page(request: pytest.FixtureRequest, turn: None) -> Iterator[None]:
    """Fail a test whose page complained: console errors and warnings, exceptions, policy violations.

    Of a test that failed a screenshot is kept, and with --traces a trace. The plugin's own options would take both of
    every test, to throw them away when it passes, and its film of the page makes saving a trace fail now and then.
    """
    if "context" not in request.fixturenames:
        yield
        return
    context: BrowserContext = request.getfixturevalue("context")
    marker = request.node.get_closest_marker("expects_console")
    traced = request.config.option.traces
    if traced:
        context.tracing.start(title=request.node.nodeid, snapshots=True, sources=True)
    with Complaints(context, marker.args if marker else ()) as complaints:
        yield
    surprises = complaints.surprises()
    if surprises or request.node.stash.get(FAILED, True):
        folder = Path(request.config.option.output) / re.sub(r"\W+", "-", request.node.nodeid)
        for number, page in enumerate(context.pages, start=1):
            page.screenshot(path=folder / f"page-{number}.png", full_page=True)
        if traced:
            context.tracing.stop(path=folder / "trace.zip")
    elif traced:
        context.tracing.stop()
    if surprises:
        pytest.fail("the page complained:\n" + "\n".join(surprises), pytrace=False)


@pytest.fixture
def wall(page: Page) -> Wall:
    """The page, not yet opened."""
    return Wall(page)


@pytest.fixture
def connected(wall: Wall, plain: Service) -> Pane:
    """A pane that is connected to a service."""
    pane = wall.open(service=plain.name)
    pane.connect()
    return pane


@pytest.fixture
def assert_accessible(page: Page) -> Callable[[], None]:
    """Runs axe on the page as it is now."""

    def check() -> None:
        violations = [
            f"{violation['id']} ({violation['impact']}): {violation['help']}\n    "
            + "\n    ".join(node["html"] for node in violation["nodes"])
            for violation in Axe().run(page).response["violations"]
        ]
        assert not violations, f"{page.url}\n" + "\n".join(violations)

    return check

"""The browser, as a pytest plugin: one browser and one context for all tests of a worker, and a page that has to keep
quiet."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e.support.console import Console
from e2e.support.dialling import CA, chromium_trusting
from e2e.support.pages import View
from e2e.support.settings import ARTIFACTS, IN_CONTAINER

FAILED = pytest.StashKey[bool]()
#: The variable that names a file of further certificates which Node.js trusts.
_NODE_TRUSTS = "NODE_EXTRA_CA_CERTS"

#: Milliseconds in which the page has to show what a test expects: other tests keep the machine busy meanwhile.
expect.set_options(timeout=15_000)

_QUIET_CHROMIUM = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --traces. It is off by default: traces cost every test of the page a quarter of its time."""
    parser.addoption("--traces", action="store_true", help="Keep a trace of what the page did in each failed test.")


def pytest_configure(config: pytest.Config) -> None:
    """Have the requests that Playwright makes itself, by Node.js, trust the lab's CA beside what they trust already.

    A worker has the environment of the process that started it.
    """
    if CA.exists() and not hasattr(config, "workerinput"):
        files = (os.environ.get(_NODE_TRUSTS), CA)
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        trusted = ARTIFACTS / "trusted.pem"
        trusted.write_bytes(b"\n".join(Path(file).read_bytes() for file in files if file and Path(file).exists()))
        os.environ[_NODE_TRUSTS] = str(trusted)


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], browser_name: str, base_url: str
) -> dict[str, Any]:
    """The system's Chromium where there is one: Playwright's own has to be downloaded. With `--browser firefox` or
    `--browser webkit`, Playwright's own: the system's do not speak its protocol."""
    if browser_name != "chromium":
        return browser_type_launch_args
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")  # the lightest first
    found = map(shutil.which, names)
    executable = os.environ.get("CHROMIUM") or next(filter(None, found), None)
    # Chromium's sandbox needs what neither root nor a container has.
    unboxed = ["--no-sandbox"] if os.geteuid() == 0 or IN_CONTAINER else []
    trusted = [chromium_trusting(base_url)] if base_url.startswith("https:") else []
    arguments = [*_QUIET_CHROMIUM, *unboxed, *trusted]
    return {"executable_path": executable, "args": arguments, **browser_type_launch_args}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """An English reader at a desk, who wants no motion: that costs an eighth of the browser's time."""
    return {
        "locale": "en-GB",
        "viewport": {"width": 1280, "height": 900},
        "reduced_motion": "reduce",
        **browser_context_args,
    }


@pytest.fixture(scope="session")
def kept_context(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[BrowserContext]:
    """The context that all tests use one after another. In a new context the browser would have to start a process for
    the page, and compile the page again."""
    with browser.new_context(**browser_context_args) as context:
        yield context


@pytest.fixture
def context(
    request: pytest.FixtureRequest,
    kept_context: BrowserContext,
    browser_context_args: dict[str, Any],
    new_context: Callable[[], BrowserContext],
) -> Iterator[BrowserContext]:
    """The kept context, wiped after the test. A test that is marked `browser_context_args` has a context of its own."""
    if request.node.get_closest_marker("browser_context_args"):
        own = new_context()
        yield own
        for page in own.pages:
            page.unroute_all(behavior="ignoreErrors")  # of requests that the test has not waited for
        return
    yield kept_context
    kept_context.clear_cookies()
    first, *others = kept_context.pages or [kept_context.new_page()]
    for page in others:
        page.close()
    if request.node.stash.get(FAILED, True):  # the page may be in any state
        first.close()
        first = kept_context.new_page()
    first.unroute_all(behavior="ignoreErrors")
    View(first).load("/healthz")  # which has the page's origin, and no script
    first.evaluate("localStorage.clear(); sessionStorage.clear()")
    first.mouse.move(0, 0)
    first.set_viewport_size(browser_context_args["viewport"])
    first.emulate_media(color_scheme="null", reduced_motion="reduce")


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of the context."""
    return context.pages[0] if context.pages else context.new_page()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember on the test whether it failed, for the fixtures that clean up after it."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(autouse=True)
def quiet_page(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test whose page complains: console errors and warnings, exceptions, violations of the security policy.

    A test that fails leaves a screenshot, and with --traces a trace. The plugin's own options would make both for every
    test and throw them away when it passes, and its video of the page makes saving a trace fail now and then.
    """
    if "context" not in request.fixturenames:
        yield
        return
    context: BrowserContext = request.getfixturevalue("context")
    marker = request.node.get_closest_marker("expects_console")
    traced = request.config.option.traces
    if traced:
        context.tracing.start(title=request.node.nodeid, snapshots=True, sources=True)
    with Console(context, marker.args if marker else ()) as console:
        yield
    complaints = console.unexpected()
    if complaints or request.node.stash.get(FAILED, True):
        folder = _folder_of_failure(request)
        for number, page in enumerate(context.pages, start=1):
            page.screenshot(path=folder / f"page-{number}.png", full_page=True)
        if traced:
            context.tracing.stop(path=folder / "trace.zip")
    elif traced:
        context.tracing.stop()
    if complaints:
        pytest.fail("the page complained:\n" + "\n".join(complaints), pytrace=False)


@contextmanager
def screenshot_of_failure(request: pytest.FixtureRequest, page: Page, name: str) -> Iterator[None]:
    """Keep a screenshot by that name where the block fails: at the end of the test the page shows something else."""
    try:
        yield
    except Exception:
        file = re.sub(r"\W+", "-", name)
        page.screenshot(path=_folder_of_failure(request) / f"{file}.png", full_page=True)
        raise


def _folder_of_failure(request: pytest.FixtureRequest) -> Path:
    return Path(request.config.option.output) / re.sub(r"\W+", "-", request.node.nodeid)

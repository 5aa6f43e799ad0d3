"""Browsers other than Chromium, as Debian has them, driven as a person does: by mouse and keyboard.

Firefox speaks WebDriver BiDi by itself (https://w3c.github.io/webdriver-bidi/), so it needs no geckodriver, which
Debian does not have. WebKitGTK has a driver for WebDriver (https://www.w3.org/TR/webdriver2/).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from selenium.webdriver import WebKitGTK, WebKitGTKOptions
from selenium.webdriver.common.bidi.browsing_context import BrowsingContext
from selenium.webdriver.common.bidi.input import Input
from selenium.webdriver.common.bidi.script import Script
from selenium.webdriver.common.bidi.session import Session
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.websocket_connection import WebSocketConnection
from selenium.webdriver.webkitgtk.service import Service as WebKitService

_STARTS = 60.0  # seconds that a browser may take on a busy machine
_ANSWERS = 30.0  # seconds that it may take over one command


class MissingError(Exception):
    """The browser, or what it needs, is not installed. The message says what to install."""


class Driven(Protocol):
    """A browser with one page."""

    def open(self, url: str) -> None:
        """Go to that address, and wait until it is loaded."""

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""

    def click(self, selector: str) -> None:
        """Scroll the element with that CSS selector into view, and click on it."""

    def write(self, text: str) -> None:
        """Type into what has the focus."""


class _Firefox:
    """Firefox by WebDriver BiDi."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self._contexts, self._script = BrowsingContext(connection), Script(connection)
        self._input = Input(connection)
        [first, *_] = self._contexts.get_tree()
        self._page = first.context

    def open(self, url: str) -> None:
        self._contexts.navigate(context=self._page, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        return self._script.execute(f"() => ({expression})", context_id=self._page).get("value")

    def click(self, selector: str) -> None:
        self.evaluate(f"void document.querySelector({selector!r}).scrollIntoView({{ block: 'center' }})")
        found = self._contexts.locate_nodes(self._page, {"type": "css", "value": selector}, max_node_count=1)
        element = {"type": "element", "element": {"sharedId": found[0]["sharedId"]}}
        moves = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": element},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._perform({"type": "pointer", "id": "mouse", "actions": moves})

    def write(self, text: str) -> None:
        strokes = [{"type": stroke, "value": key} for key in text for stroke in ("keyDown", "keyUp")]
        self._perform({"type": "key", "id": "keyboard", "actions": strokes})

    def _perform(self, actions: dict[str, object]) -> None:
        self._input.perform_actions(context=self._page, actions=[actions])


class _WebKit:
    """WebKitGTK by WebDriver."""

    def __init__(self, driver: WebKitGTK) -> None:
        self._driver = driver

    def open(self, url: str) -> None:
        self._driver.get(url)

    def evaluate(self, expression: str) -> Any:
        return self._driver.execute_script(f"return ({expression})")

    def click(self, selector: str) -> None:
        self._driver.find_element(By.CSS_SELECTOR, selector).click()

    def write(self, text: str) -> None:
        self._driver.switch_to.active_element.send_keys(text)


@contextmanager
def firefox(folder: Path) -> Iterator[Driven]:
    """Run Firefox without a window, with its profile in that folder. Raises MissingError."""
    program = _program("firefox-esr", "firefox")
    profile = folder / "profile"
    profile.mkdir()
    # A folder of its own, since Firefox refuses to run as root in somebody else's home.
    own = {**os.environ, "HOME": str(folder)}
    command = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    with ExitStack() as stack:
        log = stack.enter_context((folder / "firefox.log").open("w+"))
        process = stack.enter_context(_running([*command, "about:blank"], log, own))
        found = _wait_for_line(r"WebDriver BiDi listening on (ws://\S+)", folder / "firefox.log", process)
        connection = WebSocketConnection(f"{found}/session", _ANSWERS, 0.02)  # type: ignore[no-untyped-call]
        stack.callback(connection.close)
        Session(connection).new(capabilities={})
        yield _Firefox(connection)


@contextmanager
def webkit(folder: Path) -> Iterator[Driven]:
    """Run WebKitGTK's MiniBrowser, on a screen of its own where there is none. Raises MissingError."""
    driver = _program("WebKitWebDriver")
    own = {**os.environ, "HOME": str(folder)}
    with ExitStack() as stack:
        if "DISPLAY" not in own:
            own["DISPLAY"] = stack.enter_context(_screen(folder))
        service = WebKitService(driver, log_output=str(folder / "webkit.log"), env=own)
        with warnings.catch_warnings():
            # Selenium calls itself in a way that it deprecates.
            warnings.filterwarnings("ignore", "setting remote_server_addr", DeprecationWarning)
            running = WebKitGTK(options=WebKitGTKOptions(), service=service)
        stack.callback(running.quit)
        running.set_page_load_timeout(_ANSWERS)
        yield _WebKit(running)


def _program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        package = {"WebKitWebDriver": "webkit2gtk-driver", "Xvfb": "xvfb"}.get(names[0], names[0])
        raise MissingError(f"{names[0]} is not installed; on Debian: apt-get install {package}")
    return found


@contextmanager
def _screen(folder: Path) -> Iterator[str]:
    """An X server with no monitor. Gives its name, for DISPLAY."""
    reading, writing = os.pipe()
    with (folder / "screen.log").open("w") as log, os.fdopen(reading) as number:
        command = [_program("Xvfb"), "-displayfd", str(writing), "-screen", "0", "1280x1000x24", "-nolisten", "tcp"]
        with subprocess.Popen(command, stdout=log, stderr=log, pass_fds=[writing]) as server:
            os.close(writing)
            try:
                shown = number.readline().strip()  # which ends when the server does
                assert shown, f"Xvfb ended with {server.wait()}: {(folder / 'screen.log').read_text()}"
                yield f":{shown}"
            finally:
                server.terminate()


@contextmanager
def _running(command: list[str], log: IO[str], own: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=log, stderr=log, env=own) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for_line(pattern: str, log: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + _STARTS
    while time.monotonic() < deadline:
        if found := re.search(pattern, log.read_text("utf-8", "replace")):
            return found[1]
        assert process.poll() is None, f"the browser ended with {process.returncode}:\n{log.read_text()}"
        time.sleep(0.05)
    raise AssertionError(f"the browser did not say {pattern!r} in {_STARTS} s:\n{log.read_text()}")

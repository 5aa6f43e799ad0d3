"""What a hostile server, link or file says is shown as text and never run, and the page's policy stops nothing of it.

(What is said in the room and by the echo is in test_chat.py and test_input.py. That the policy was never needed is what
every test of the page asserts: a violation is an error in the console.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from e2e.support.pages import EchoPage, ResultsPage
from echowall.catalog.catalog import ROOT, Service
from echowall.results import behaviour, store

pytestmark = pytest.mark.outside

ATTACK = '<img src=x onerror="attacked = true"><script>attacked = true</script>'
SCRIPTS = ("javascript:attacked=true", "data:text/html,<script>attacked=true</script>", "vbscript:attacked=true")


@pytest.fixture(autouse=True)
def nothing_of_it_runs(page: Page) -> Iterator[None]:
    """After each of these tests, no script of the attack's has run, and nothing of it became an element."""
    yield
    assert page.evaluate("window.attacked") is None
    expect(page.locator("img[src=x], main script, a[href^='javascript:'], iframe, object, embed")).to_have_count(0)


@pytest.mark.browser_context_args  # a route of WebSockets stays with its page
def test_the_reason_of_a_close_is_shown_as_text(echo: EchoPage, plain: Service) -> None:
    def close(socket: WebSocketRoute) -> None:
        socket.on_message(lambda _: socket.close(code=4000, reason=ATTACK))

    echo.page.route_web_socket(re.compile("/foobar/"), close)
    pane = echo.open(service=plain.name)
    pane.connect()

    echo.say("go away")

    expect(pane.entries("event", "close")).to_contain_text(ATTACK)


@pytest.mark.parametrize("url", [*SCRIPTS, f"ws://127.0.0.1/{ATTACK}"])
@pytest.mark.expects_console("WebSocket connection to")
def test_a_link_to_an_endpoint_that_is_a_script_runs_nothing(echo: EchoPage, url: str) -> None:
    pane = echo.open(view="echo", url=url, connect="1")

    expect(pane.endpoint_url).to_have_value(url)
    expect(pane.connection).not_to_have_text("Connected")


@pytest.mark.parametrize(
    "parameters", [("view",), ("columns", "step", "with", "filter", "cell", "mends", "group")], ids=["view", "settings"]
)
def test_markup_in_an_address_of_the_results_is_never_run(page: Page, parameters: tuple[str, ...]) -> None:
    ResultsPage(page, "Compare").load(f"/?{'&'.join(f'{name}={ATTACK}' for name in parameters)}#{ATTACK}")

    expect(page.get_by_role("main")).to_be_visible()


def test_a_result_with_hostile_names_is_shown_as_text(page: Page, tmp_path: Path) -> None:
    known = next(one for one in behaviour.newest(ROOT) if one.wrong())
    run = known.runs[-1]
    target = next(one for one in run.targets if one.name == known.service.name)
    results = [msgspec.structs.replace(one, outcome=ATTACK, detail=ATTACK) for one in target.results]
    mine = msgspec.structs.replace(
        target, name=ATTACK, url=SCRIPTS[0], via=None, mends=None, versions={ATTACK: ATTACK}, results=results
    )
    machine = msgspec.structs.replace(run.machine, system=ATTACK, processor=ATTACK)
    file = tmp_path / "<img src=x onerror=attacked=true>.json"
    file.write_bytes(store.encode(msgspec.structs.replace(run, targets=[mine], machine=machine, commit=ATTACK)))
    compare = ResultsPage(page, "Compare")
    compare.open()

    compare.own.set_input_files(file)

    expect(compare.own_results.get_by_role("listitem")).to_contain_text([file.name])
    row = page.locator("tr[data-subject^='own:1/']")
    expect(row).to_contain_text(ATTACK)
    row.locator('td[data-column="wrong"]').get_by_role("button").click()
    expect(compare.drawer).to_contain_text(ATTACK)

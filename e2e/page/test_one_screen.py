"""One screen: what is needed for a conversation is in sight on each screen, in every mode, and stays where it is."""

import time
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, Route, ViewportSize, expect

from e2e.support.pages import EchoPage
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside

DESK: ViewportSize = {"width": 1440, "height": 900}
TABLET: ViewportSize = {"width": 1024, "height": 768}
PHONE: ViewportSize = {"width": 390, "height": 844}

#: The most that parts of a page may be shifted while it loads: https://web.dev/articles/cls
MOST_SHIFTED = 0.1

#: Adds up what is shifted, from the page's start.
SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifted += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""

#: How much the boundary of each control stands out from what is behind it, for those under 3:1 (WCAG 1.4.11).
FAINT = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
    }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const behind = (element) => {
    const colours = [];
    for (let it = element; it; it = it.parentElement) colours.unshift(getComputedStyle(it).backgroundColor);
    return ["white", ...colours];
  };
  const faint = [];
  let looked = 0;
  const controls = "input, select, textarea, button.outline, .stack, .chooser summary";
  for (const control of document.querySelectorAll(controls)) {
    const style = getComputedStyle(control);
    if (!control.checkVisibility() || control.matches("[aria-disabled=true], :disabled, .file *")) continue;
    if (style.borderTopWidth === "0px" || style.borderTopColor === "rgba(0, 0, 0, 0)") continue;
    looked++;
    const outside = behind(control.parentElement);
    const around = over(outside);
    const best = Math.max(
      contrast(over([...outside, style.backgroundColor]), around),
      contrast(over([...outside, style.borderTopColor]), around),
    );
    if (best < 3) faint.push(`${best.toFixed(2)}:1 ${control.outerHTML.slice(0, 120)}`);
  }
  return [looked, faint];
}"""


def late(route: Route) -> None:
    """Answer, but later than everything else."""
    time.sleep(0.5)
    route.continue_()


def views(page: Page, plain: Service) -> Iterator[str]:
    """Load one view after the other, and give its address when it is there."""
    for address, ready in (
        ("/", page.locator("tr[data-subject] svg")),
        (f"/?service={plain.name}", page.locator(".versions span")),
        (f"/?view=chat&service={plain.name}", page.get_by_role("log")),
        ("/?view=stacks", page.locator("tr[data-service]")),
    ):
        EchoPage(page).load(address)
        expect(ready.first).to_be_attached()
        yield address


def assert_in_sight(*parts: Locator) -> None:
    """Assert that these are wholly within the screen, with the page not scrolled."""
    for part in parts:
        expect(part).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("screen", [DESK, TABLET, PHONE], ids=["desk", "tablet", "phone"])
def test_connect_log_and_composer_are_in_sight_and_how_it_is_done_opens_there(
    echo: EchoPage, plain: Service, screen: ViewportSize, subtests: pytest.Subtests
) -> None:
    echo.page.set_viewport_size(screen)
    pane = echo.open(service=plain.name)

    with subtests.test("before anything is said"):
        assert_in_sight(pane.connect_button, pane.log, echo.message, echo.send)

    with subtests.test("after much was said"):
        pane.connect()
        echo.say_preset("200 messages")
        pane.expect_totals(200, 200, timeout=15_000)
        assert_in_sight(pane.disconnect_button, pane.log, echo.message, echo.send)
        box = pane.log.bounding_box()
        assert box
        assert box["height"] >= 100

    with subtests.test("how it is done opens where it is seen"):
        pane.how.click()
        expect(pane.root.get_by_role("heading", name="Facts")).to_be_in_viewport(ratio=1)
        expect(pane.root.get_by_role("group", name="Files")).to_be_in_viewport()
        if pane.root.locator("dialog[open]").count():
            echo.page.keyboard.press("Escape")
            expect(pane.source).to_have_count(0)
            expect(pane.how).to_be_focused()


def test_side_by_side_is_in_sight_and_in_step(echo: EchoPage, services: list[Service], plain: Service) -> None:
    """Also where one of the stacks has more to show, such as another handler."""
    more = next(service for service in services if service.naive)
    echo.page.set_viewport_size(DESK)
    echo.open(service=plain.name, compare=more.name, **{"compare-handler": "naive"})

    for pane in (echo.first, echo.second):
        assert_in_sight(pane.connect_button, pane.log)
    assert_in_sight(echo.message, echo.send)
    echo.connect.click()
    for pane in (echo.first, echo.second):
        pane.expect_connected()
    expect(echo.connect).to_have_count(0)
    for left, right in (
        (echo.first.connection, echo.second.connection),
        (echo.first.log, echo.second.log),
        (echo.first.disconnect_button, echo.second.disconnect_button),
    ):
        tops = [part.evaluate("part => part.getBoundingClientRect().top") for part in (left, right)]
        assert tops[0] == tops[1], f"{left} is at {tops[0]}, and beside it at {tops[1]}"


def test_a_phone_has_all_within_reach(
    echo: EchoPage, services: list[Service], plain: Service, subtests: pytest.Subtests
) -> None:
    echo.page.set_viewport_size(PHONE)
    pane = echo.open(service=plain.name)
    other = next(service for service in services if service != plain)

    with subtests.test("connect and send are a thumb apart"):
        connect, send = echo.connect.bounding_box(), echo.send.bounding_box()
        assert connect
        assert send
        assert abs(connect["y"] - send["y"]) < 48
        assert abs(connect["x"] - send["x"]) < 200

    with subtests.test("a stack is chosen from a sheet"):
        expect(pane.chosen).to_contain_text(f"{plain.title} {len(services)} stacks")
        expect(pane.own_endpoint).to_have_count(0)
        pane.chosen.click()
        expect(pane.stack(plain.title)).to_be_in_viewport(ratio=1)
        pane.stack(other.title).check()
        expect(pane.own_endpoint).to_have_count(0)
        expect(pane.chosen).to_contain_text(other.title)
        expect(pane.chosen).to_be_focused()

    with subtests.test("the arrow keys leave the sheet open, and Enter closes it"):
        pane.chosen.press("Enter")
        pane.stack(other.title).focus()
        echo.page.keyboard.press("ArrowUp")
        expect(pane.stack(other.title)).not_to_be_checked()
        expect(pane.own_endpoint).to_have_count(1)
        echo.page.keyboard.press("ArrowDown")
        expect(pane.stack(other.title)).to_be_checked()
        echo.page.keyboard.press("Enter")
        expect(pane.own_endpoint).to_have_count(0)
        expect(pane.chosen).to_contain_text(other.title)

    with subtests.test("a conversation is held by thumb"):
        echo.connect.click()
        pane.expect_connected()
        echo.say("by thumb")
        pane.expect_totals(1, 1)

    with subtests.test("the settings are shown when asked for"):
        expect(pane.subprotocols).to_have_count(0)
        pane.root.get_by_role("button", name="Settings").click()
        for field in (pane.subprotocols, pane.close_code, pane.close_reason, pane.search, pane.export_button):
            expect(field).to_be_visible()


@pytest.mark.browser_context_args(has_touch=True, is_mobile=True, viewport=PHONE)
def test_touch_is_told_of_no_keys(echo: EchoPage, plain: Service) -> None:
    pane = echo.open(service=plain.name)

    pane.connect()

    expect(echo.composer).not_to_contain_text("Ctrl")


def test_the_first_stack_that_is_offered_is_maintained(echo: EchoPage, services: list[Service]) -> None:
    pane = echo.open(view="echo")

    title = pane.root.get_by_role("heading", level=2).inner_text()
    assert next(service for service in services if service.title == title).maintenance == "active"


@pytest.mark.inside
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.browser_context_args(locale="en-GB")
def test_little_is_shifted_while_the_page_loads(page: Page, plain: Service, screen: ViewportSize) -> None:
    page.set_viewport_size(screen)
    page.add_init_script(SHIFTS)
    page.route("**/results/index.json", late)  # as over a slow network: the rest is drawn before it
    for address in views(page, plain):
        page.wait_for_timeout(500)  # for what comes late

        shifted = page.evaluate("window.shifted")
        assert shifted < MOST_SHIFTED, f"{address}: {shifted:.3f}"


@pytest.mark.inside
def test_the_borders_of_controls_can_be_seen(page: Page, plain: Service, subtests: pytest.Subtests) -> None:
    schemes: list[Literal["light", "dark"]] = ["light", "dark"]
    for address in views(page, plain):
        for scheme in schemes:
            with subtests.test(f"{address}, {scheme}"):
                page.emulate_media(color_scheme=scheme)
                looked, faint = page.evaluate(FAINT)
                assert looked >= 2
                assert faint == []


@pytest.mark.parametrize("address", ["/", "/?view=stacks", "/?view=conformance"])
def test_a_wide_table_keeps_its_first_column(page: Page, address: str) -> None:
    page.set_viewport_size(PHONE)
    EchoPage(page).load(address)
    first = page.locator("tbody th").first
    expect(first).to_be_visible()
    before = first.bounding_box()

    scrolled = page.locator(".wide-table").evaluate("table => { table.scrollLeft = 300; return table.scrollLeft; }")

    assert scrolled > 100, "the table does not scroll, so this shows nothing"
    assert first.bounding_box() == before

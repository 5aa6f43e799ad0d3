"""Move the keyboard focus with Tab, and see at each step that it shows."""

import pytest
from playwright.sync_api import Locator, Page

#: More stops of the Tab key than the page has.
TAB_STOPS = 80

#: The element that has the focus, and whether that shows: on the element or on one of the two around it.
FOCUS = """
() => {
  const focused = document.activeElement;
  const around = [];
  for (let it = focused; it && it !== document.body; it = it.parentElement) around.push(getComputedStyle(it));
  const shows = ({outlineStyle, outlineWidth, boxShadow}) =>
    (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
  return [focused.outerHTML.slice(0, 300), around.length === 0 || around.slice(0, 3).some(shows)];
}
"""


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab, or another key, until the target has the focus. Fails where the focus does not show on the way."""
    for _ in range(TAB_STOPS):
        page.keyboard.press(key)
        focused, shows = page.evaluate(FOCUS)
        assert shows, f"the focus does not show: {focused}"
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{TAB_STOPS} times {key} did not reach {target}")

"""The race: the same messages to several stacks at once, and every echo verified."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.page.focus import tab_to
from e2e.support.pages import RacePage
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside


@pytest.fixture
def race(page: Page) -> RacePage:
    return RacePage(page)


def test_every_stack_gives_back_what_it_is_known_to(race: RacePage, services: list[Service]) -> None:
    race.open(count="4", atOnce="20", stacks=",".join(service.name for service in services))

    race.start.click()

    expect(race.start).to_be_visible(timeout=60_000)
    for service in services:
        right = service.known_deviation("text", "proxy") is None
        expect(race.row(service.name)).to_have_attribute("data-right", "true" if right else "false")
        expect(race.row(service.name)).to_contain_text("4/4")
        expect(race.row(service.name)).to_contain_text(re.compile(r"\d m?s"))
    expect(race.result).to_contain_text("stacks gave every message back as it was")


def test_who_was_wrong_is_named_and_explained(race: RacePage, services: list[Service], plain: Service) -> None:
    wrong = next(service for service in services if service.known_deviation("empty-message", "proxy"))
    race.open(count="1", kind="empty", stacks=f"{wrong.name},{plain.name}")

    race.start.click()

    expect(race.result).to_have_text(
        f"1 of 2 stacks gave every message back as it was. These did not: {wrong.title}.", timeout=30_000
    )
    expect(race.row(wrong.name)).to_contain_text("no answer after 5 s")
    race.row(wrong.name).get_by_text("known deviation").click()
    expect(race.row(wrong.name).get_by_text("empty-message", exact=True)).to_be_visible()
    expect(race.row(plain.name)).to_have_attribute("data-right", "true")


def test_a_race_is_bounded(race: RacePage) -> None:
    race.open()
    for name, number in (("Messages", "1001"), ("Messages", "0"), ("Bytes of each", "65537"), ("Stacks at once", "21")):
        field = race.root.get_by_role("spinbutton", name=name)
        field.fill(number)

        expect(race.root.get_by_role("alert")).to_contain_text(f"{name} can be a whole number from 1 to")
        expect(race.start).to_be_disabled()
        field.fill("1")
        expect(race.start).to_be_enabled()


def test_a_race_can_be_stopped_and_run_again(race: RacePage, plain: Service) -> None:
    race.open(count="1000", size="65536", stacks=plain.name)
    race.start.click()
    # A browser warns of a socket that is closed before it is open.
    expect(race.row(plain.name)).to_have_attribute("data-stage", "racing")

    race.stop.click()

    expect(race.row(plain.name)).to_have_attribute("data-stage", "stopped")
    expect(race.start).to_be_enabled()
    race.root.get_by_role("spinbutton", name="Messages").fill("2")
    race.start.click()
    expect(race.row(plain.name)).to_have_attribute("data-stage", "done")


def test_the_address_says_how_a_race_is_set(race: RacePage, services: list[Service], plain: Service) -> None:
    race.open()
    race.root.get_by_role("spinbutton", name="Messages").fill("7")
    race.root.get_by_role("combobox", name="Kind").select_option("binary")
    race.chooser.click()
    for service in services:
        box: Locator = race.root.get_by_role("checkbox", name=service.title, exact=True)
        box.set_checked(service == plain)

    expect(race.page).to_have_url(re.compile(rf"view=race&stacks={plain.name}&count=7&kind=binary"))
    race.reload()
    expect(race.chooser).to_have_text(f"Stacks: 1 of {len(services)}")
    expect(race.root.get_by_role("spinbutton", name="Messages")).to_have_value("7")
    expect(race.root.get_by_role("combobox", name="Kind")).to_have_value("binary")


def test_a_race_can_be_run_by_keyboard(race: RacePage, plain: Service) -> None:
    race.open(count="2", stacks=plain.name)
    tab_to(race.page, race.start)

    race.page.keyboard.press("Enter")

    expect(race.row(plain.name)).to_have_attribute("data-right", "true")
    expect(race.start).to_be_focused()

"""The list of stacks: typing filters it, the keyboard alone is enough, and stacks that do not run say so."""

from collections.abc import Callable

import msgspec
import pytest
from playwright.sync_api import Page, expect

from e2e.page.filter import matching
from e2e.page.focus import tab_to
from e2e.support.console import BAD_GATEWAY
from e2e.support.pages import ChatPage, EchoPage, Pane, StacksPage
from echowall.catalog.catalog import Service, services_json

pytestmark = pytest.mark.outside

ERAS = {"article": "From the article", "modern": "Modern", "yardstick": "Yardstick"}
MANY = 40

#: Gives the page another catalog.
Serve = Callable[[list[Service]], None]


def multiplied(services: list[Service]) -> list[Service]:
    """These stacks and copies of them under other names, MANY in all."""
    copies = [
        msgspec.structs.replace(
            services[number % len(services)],
            name=f"copy-{number}",
            title=f"{services[number % len(services)].title} {number}",
        )
        for number in range(MANY - len(services))
    ]
    return sorted([*services, *copies], key=lambda service: (service.era, service.name))


@pytest.fixture
def serve(page: Page) -> Serve:
    """Gives the page another catalog, in which copies of stacks answer as if they ran."""

    def serve(services: list[Service]) -> None:
        page.route("**/services.json", lambda route: route.fulfill(body=services_json(services)))
        page.route("**/copy-*/about", lambda route: route.fulfill(json={"versions": {"copy": "1.0"}}))

    return serve


@pytest.fixture
def few(services: list[Service]) -> list[Service]:
    """The first and the last stack of each era. What matches what is asked of the filter alone, in the unit tests."""
    firsts = {service.era: service for service in reversed(services)}
    lasts = {service.era: service for service in services}
    return [service for service in services if service in (*firsts.values(), *lasts.values())]


@pytest.fixture
def pane(echo: EchoPage) -> Pane:
    """A pane in which no stack is chosen: a chosen one would stay visible whatever the filter says."""
    pane = echo.open()
    pane.own_endpoint.check()
    return pane


def test_typing_leaves_the_stacks_that_match_and_their_groups_and_escape_shows_all(
    pane: Pane, services: list[Service], few: list[Service], subtests: pytest.Subtests
) -> None:
    words = {word for service in few for word in (service.title, service.framework, service.server, service.name)}
    two = f"{services[0].server} {services[0].framework}"
    for query in (*sorted(words), "THREADS", "greenlet", two, two.swapcase(), " ", "no such stack", "([.*"):
        with subtests.test(query):
            pane.filter.fill(query)

            expected = matching(services, query)
            if query.strip():
                expect(pane.matches).to_have_text(f"{len(expected)} of {len(services)} match")
            else:
                expect(pane.matches).to_be_empty()
            assert pane.shown_stacks() == expected

    for service in few:
        with subtests.test(f"the groups for {service.title}"):
            pane.filter.fill(service.title)

            eras = {other.era for other in services if other.name in matching(services, service.title)}
            for era, legend in ERAS.items():
                expect(pane.root.get_by_role("group", name=legend)).to_have_count(int(era in eras))

    with subtests.test("Escape in the filter"):
        pane.filter.fill("no such stack")
        assert pane.shown_stacks() == []
        pane.filter.press("Escape")
        expect(pane.filter).to_have_value("")
        assert pane.shown_stacks() == [service.name for service in services]
        expect(pane.filter).to_be_focused()

    with subtests.test("Escape in the list"):
        pane.filter.fill(services[0].title)
        pane.filter.press("ArrowDown")
        pane.page.keyboard.press("Escape")
        expect(pane.filter).to_have_value("")
        assert pane.shown_stacks() == [service.name for service in services]


def test_enter_chooses_the_first_stack_that_matches(
    pane: Pane, services: list[Service], few: list[Service], subtests: pytest.Subtests
) -> None:
    for query in ("", "no such stack"):
        with subtests.test(f"nothing matches {query!r}"):
            pane.filter.fill(query)
            pane.filter.press("Enter")
            pane.filter.press("Escape")
            expect(pane.own_endpoint).to_be_checked()

    with subtests.test("the Enter key of an input method"):
        pane.filter.fill(services[0].name)
        pane.filter.dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
        pane.filter.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
        expect(pane.own_endpoint).to_be_checked()

    for service in few:
        with subtests.test(service.name):
            pane.filter.fill(service.name)
            pane.filter.press("Enter")

            first = next(other for other in services if other.name == matching(services, service.name)[0])
            expect(pane.stack(first.title)).to_be_checked()
            expect(pane.stack(first.title)).to_be_focused()
            expect(pane.root.get_by_role("heading", name=first.title, exact=True)).to_be_visible()


def test_the_arrow_keys_move_among_the_visible_stacks(pane: Pane, services: list[Service]) -> None:
    query = max((service.framework for service in services), key=lambda query: len(matching(services, query)))
    titles = [service.title for service in services if service.name in matching(services, query)]
    pane.filter.fill(query)

    pane.filter.press("ArrowDown")
    expect(pane.stack(titles[0])).to_be_focused()
    expect(pane.stack(titles[0])).not_to_be_checked()
    pane.page.keyboard.press("Space")
    expect(pane.stack(titles[0])).to_be_checked()
    for title in titles[1:]:
        pane.page.keyboard.press("ArrowDown")
        expect(pane.stack(title)).to_be_checked()
        expect(pane.stack(title)).to_be_focused()


def test_a_shortcut_moves_the_focus_to_the_filter(
    echo: EchoPage, plain: Service, other: Service, subtests: pytest.Subtests
) -> None:
    echo.open(service=plain.name, compare=other.name)
    for keys in ("Control+k", "Meta+k"):
        with subtests.test(keys):
            echo.message.fill("")
            echo.message.press_sequentially("k/K")
            echo.page.keyboard.press(keys)
            expect(echo.first.filter).to_be_focused()
            echo.page.keyboard.press("Escape")

            echo.second.chosen.focus()
            echo.page.keyboard.press(keys)

            expect(echo.second.filter).to_be_focused()
            expect(echo.second.filter).to_have_value("")
            expect(echo.message).to_have_value("k/K")
            echo.page.keyboard.press("Escape")


def test_no_single_key_is_a_shortcut_and_the_chosen_stack_stays(echo: EchoPage, plain: Service) -> None:
    """Speech input and slips of the hand press single keys (WCAG 2.1.4)."""
    pane = echo.open(service=plain.name)
    pane.stack(plain.title).focus()

    for key in ("k", "/", "Shift+K", "?"):
        echo.page.keyboard.press(key)

        expect(pane.stack(plain.title)).to_be_focused()
    for field in (echo.message, pane.close_reason, pane.search, pane.filter):
        field.press_sequentially("k/K")

        expect(field).to_have_value("k/K")
    # What is in the filter now matches nothing, and the chosen stack is still seen and reached.
    assert pane.shown_stacks() == [plain.name]
    expect(pane.matches).to_contain_text("0 of")
    tab_to(echo.page, pane.stack(plain.title))


@pytest.mark.expects_console(BAD_GATEWAY)
def test_a_stack_that_does_not_run_says_so_in_its_place(
    echo: EchoPage, services: list[Service], take_down: Callable[[Service], None]
) -> None:
    missing = services[len(services) // 2]
    take_down(missing)
    pane = echo.open(service=services[0].name)

    expect(pane.row(missing.name)).to_have_attribute("data-status", "down")
    expect(pane.row(missing.name).get_by_text("not running")).to_be_visible()
    for service in services:
        status = "down" if service == missing else "up"
        expect(pane.row(service.name)).to_have_attribute("data-status", status)
    assert pane.shown_stacks() == [service.name for service in services]
    grey, plain = (
        pane.row(service.name).locator("label").evaluate("label => getComputedStyle(label).color")
        for service in (missing, services[0])
    )
    assert grey != plain

    pane.stack(missing.title).check()
    expect(pane.alert.filter(has_text=f"{missing.name} is down or still starting")).to_be_visible()


@pytest.mark.inside
@pytest.mark.expects_console(BAD_GATEWAY)
def test_the_chat_rooms_stacks_are_grouped_by_era_and_one_that_does_not_run_is_marked(
    page: Page, services: list[Service], plain: Service, take_down: Callable[[Service], None]
) -> None:
    missing = next(service for service in services if service != plain)
    take_down(missing)
    chat = ChatPage(page)

    chat.open(plain.name)

    expect(chat.stack.locator(f"option[value={missing.name}]")).to_have_text(f"{missing.title} (not running)")
    expect(chat.stack.locator("option", has_text="not running")).to_have_count(1)
    shown = chat.stack.locator("optgroup").evaluate_all(
        "groups => groups.map((group) => [group.label, [...group.children].map((option) => option.value)])"
    )
    eras = {era: [service.name for service in services if service.era == era] for era in ERAS}
    assert shown == [[ERAS[era], names] for era, names in eras.items() if names]


@pytest.mark.inside
def test_the_yardstick_is_marked_wherever_its_facts_are_shown(
    page: Page, echo: EchoPage, services: list[Service], plain: Service, serve: Serve
) -> None:
    python = [service for service in services if service.era != "yardstick" and service != plain]
    measure = msgspec.structs.replace(plain, era="yardstick")
    serve([*python, measure])
    mark = "Yardstick: not Python"

    pane = echo.open(service=measure.name)
    expect(pane.root.get_by_role("group", name="Yardstick").get_by_role("radio")).to_have_count(1)
    pane.how.click()
    expect(pane.root.get_by_text(mark)).to_have_count(2)  # beside the title and beside the facts
    page.keyboard.press("Escape")
    pane.stack(python[0].title).check()
    expect(pane.root.get_by_text(mark)).to_have_count(0)

    table = StacksPage(page)
    table.open()
    expect(table.root.get_by_text(mark)).to_have_count(1)
    expect(table.row(measure.name)).to_contain_text(mark)

    chat = ChatPage(page)
    chat.open(measure.name)
    expect(chat.root.get_by_text(mark)).to_be_visible()
    chat.stack.select_option(python[0].name)
    expect(chat.root.get_by_text(mark)).to_have_count(0)


@pytest.mark.parametrize("panes", [1, 2])
def test_many_stacks_do_not_push_the_message_down(
    echo: EchoPage, services: list[Service], serve: Serve, panes: int, subtests: pytest.Subtests
) -> None:
    last = services[-1]
    address = dict.fromkeys(("service", "compare")[:panes], last.name)
    widths = (1280, 360)
    echo.open(**address)
    few = {width: top_of_message(echo, width) for width in widths}

    serve(multiplied(services))
    pane = echo.open(**address)

    expect(pane.root.locator("[data-service]")).to_have_count(MANY)
    for width in widths:
        with subtests.test(f"{width} pixels wide"):
            assert top_of_message(echo, width) == few[width]
            if pane.chosen.is_visible():
                pane.chosen.click()
            expect(pane.stack(last.title)).to_be_in_viewport()
            echo.page.keyboard.press("Escape")


def top_of_message(echo: EchoPage, width: int) -> float:
    """Where the box for the message begins on a screen of that width."""
    echo.page.set_viewport_size({"width": width, "height": 900})
    expect(echo.first.chosen).to_be_visible(visible=width < 960 or echo.second.root.count() > 0)
    box = echo.message.bounding_box()
    assert box
    return box["y"]


def test_typing_in_the_filter_is_quick_with_many_stacks(echo: EchoPage, services: list[Service], serve: Serve) -> None:
    serve(multiplied(services))
    echo.open(service=services[0].name, compare=services[1].name)
    expect(echo.second.root.locator("[data-service]")).to_have_count(MANY)
    echo.first.chosen.click()

    took = echo.first.filter.evaluate(
        """async (input) => {
          const start = performance.now();
          for (const text of ["a", "as", "asy", "asyn", "async", ""]) {
            input.value = text;
            input.dispatchEvent(new Event("input", { bubbles: true }));
            await input.closest("ew-selector").updateComplete;
          }
          return (performance.now() - start) / 6;
        }"""
    )

    assert took < 50, f"{took:.0f} ms for each letter"

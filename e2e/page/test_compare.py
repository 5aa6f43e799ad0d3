"""Compare, the page's first view: its figures are those of the results, and each opens what it is made of."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page, expect

from e2e.page.focus import tab_to
from e2e.support.pages import ResultsPage
from echowall.catalog.catalog import ROOT, Service
from echowall.results import behaviour, store
from echowall.results.behaviour import Behaviour
from echowall.results.model import CheckRun, ConformanceRun
from echowall.results.verdicts import Verdict

pytestmark = pytest.mark.apart

#: A short benchmark of two stacks, as `echowall bench --rate 1000 --rate 2000 --seconds 2 --json` wrote it.
BENCH = Path(__file__).with_name("bench.json")


@pytest.fixture(scope="module")
def known(services: list[Service]) -> list[Behaviour]:
    """What the published runs say of the lab's services."""
    names = {service.name for service in services}
    return [one for one in behaviour.newest(ROOT) if one.service.name in names]


@pytest.fixture
def compare(page: Page) -> ResultsPage:
    """Compare, open."""
    compare = ResultsPage(page, "Compare")
    compare.open()
    return compare


def test_the_first_view_has_the_figures_of_the_newest_runs(
    compare: ResultsPage, known: list[Behaviour], services: list[Service], subtests: pytest.Subtests
) -> None:
    with subtests.test("its figures are those of the runs"):
        expect(compare.page).to_have_title("Compare · Echo Wall")
        shown = {key: (compare.figure(key, "wrong"), compare.figure(key, "mended")) for key in compare.shown()}
        for one in known:
            name = one.service.name
            mended = "not measured" if one.untold else str(len(one.needing_mends()))
            assert shown[name] == (str(len(one.wrong())), mended), name

    with subtests.test("no stack is asked anything for it"):
        asked = compare.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
        assert asked
        assert [url for url in asked if url.endswith("/about")] == []

    with subtests.test("what a deviation means is two clicks away"):
        most = max(known, key=lambda one: len(one.wrong()))
        check = sorted(most.wrong())[0]
        deviation = next(one for one in most.service.known if check in one.checks)

        compare.cell(most.service.name, "wrong").click()
        answer = compare.drawer.locator(f'[data-check="{check}"]')
        answer.locator("summary").click()

        expect(answer).to_contain_text("A known deviation")
        expect(answer).to_contain_text(" ".join(deviation.reason.split()))
        expect(answer.locator(f'a[href="{deviation.link}"]')).to_have_count(1)
        expect(answer).to_contain_text(f"echowall check {most.service.name} --explain {check}")
        expect(compare.drawer.locator("[data-check]")).to_have_count(len(most.wrong()))
        compare.page.keyboard.press("Escape")
        expect(compare.drawer).to_have_count(0)

    with subtests.test("what was not measured says so"):
        put = {target.name for run in store.runs(ROOT) if isinstance(run, ConformanceRun) for target in run.targets}
        name = next(service.name for service in services if service.name not in put)
        expect(compare.cell(name, "conformance")).to_have_text("not measured")
        compare.cell(name, "conformance").click()
        expect(compare.drawer).to_contain_text("no run of it is published")
        compare.page.keyboard.press("Escape")
        expect(compare.drawer).to_have_count(0)

    with subtests.test("which stacks send close codes right is one click away"):
        closing = {check.id for run in known[0].runs for check in run.checks if check.group == "closing"}
        right = [one.service.name for one in known if not one.wrong() & closing]

        compare.sort("Closing")

        expect(compare.header("Closing")).to_have_attribute("aria-sort", "ascending")
        assert sorted(compare.shown()[: len(right)]) == sorted(right)


def test_a_cell_can_be_linked_to_and_its_run_is_served(compare: ResultsPage, known: list[Behaviour]) -> None:
    name = known[0].service.name
    compare.open(cell=f"{name} conformance")

    run = compare.drawer.get_by_role("link", name=re.compile("^From the run of"))

    expect(run).to_have_attribute("href", re.compile(r"^results/conformance/.*\.json$"))
    assert compare.page.request.get(f"/{run.get_attribute('href')}").json()["kind"] == "conformance"
    compare.drawer.get_by_role("button", name="Close").click()
    expect(compare.drawer).to_have_count(0)
    expect(compare.page).to_have_url(re.compile("/$"))


def test_the_columns_the_order_and_the_filter_are_in_the_address(compare: ResultsPage, plain: Service) -> None:
    compare.root.locator("summary").click()
    compare.root.get_by_role("checkbox", name="Conformance").uncheck()
    compare.root.get_by_role("checkbox", name="Endurance").check()
    compare.sort("Echo lines")
    compare.sort("Echo lines")
    compare.root.get_by_role("searchbox").fill(plain.title)
    there = compare.page.url
    compare.load("/healthz")
    compare.load(there)

    expect(compare.header("Endurance")).to_be_visible()
    expect(compare.header("Conformance")).to_have_count(0)
    expect(compare.header("Echo lines")).to_have_attribute("aria-sort", "descending")
    assert plain.name in compare.shown()


def test_every_cell_is_reached_by_keyboard(compare: ResultsPage, services: list[Service]) -> None:
    keyboard = compare.page.keyboard
    first, second = (service.name for service in services[:2])
    tab_to(compare.page, compare.cell(first, "wrong"))

    keyboard.press("ArrowDown")
    keyboard.press("ArrowRight")
    expect(compare.cell(second, "mended")).to_be_focused()
    keyboard.press("Enter")

    expect(compare.drawer.get_by_role("heading", level=2)).to_be_focused()
    keyboard.press("Escape")
    expect(compare.drawer).to_have_count(0)
    expect(compare.cell(second, "mended")).to_be_focused()


# Results of one's own


def test_whether_ones_own_endpoint_is_like_another_is_two_choices_away(
    compare: ResultsPage, known: list[Behaviour], tmp_path: Path
) -> None:
    other = next(one for one in known if one.wrong())
    run = next(run for run in reversed(other.runs) if any(target.mends == "on" for target in run.targets))
    target = next(one for one in run.targets if one.name == other.service.name and one.via == "direct")
    changed = next(one for one in target.results if one.verdict is Verdict.FAIL)
    target.results[target.results.index(changed)] = msgspec.structs.replace(changed, verdict=Verdict.PASS)
    mine = msgspec.structs.replace(target, name="wss://example.org/echo", via=None, mends=None)
    file = tmp_path / "mine.json"
    file.write_bytes(store.encode(own_run(run, [mine])))

    compare.own.set_input_files(file)
    compare.root.get_by_role("combobox", name="Compare with").select_option(label=other.service.title)

    cell = compare.cell("own:1/wss://example.org/echo", "wrong")
    expect(cell).to_contain_text("better")
    cell.click()
    expect(compare.drawer).to_contain_text(f"only this one is wrong in 0, and only {other.service.title} in")
    expect(compare.drawer.locator(f'[data-check="{changed.check}"]')).to_have_attribute("data-standing", "right")
    expect(compare.own_results.get_by_role("listitem")).to_contain_text(["mine.json"])


def own_run(run: CheckRun, targets: list[object]) -> CheckRun:
    """That run, as if it were of these targets."""
    return msgspec.structs.replace(run, targets=targets)


def test_what_costs_least_cpu_at_2000_a_second_is_two_choices_and_a_click_away(compare: ResultsPage) -> None:
    targets = msgspec.json.decode(BENCH.read_bytes())["targets"]
    costs = {
        target["name"] + (" (again)" if target["again"] else ""): figure["cpu"]["mean"]
        for target in targets
        for figure in target["figures"]
        if figure["step"] == "64 B at 2000/s" and figure["cpu"]
    }

    compare.own.set_input_files(BENCH)
    compare.root.get_by_role("combobox", name="At").select_option("64 B at 2000/s")
    compare.sort("CPU a message")

    least = min(costs, key=lambda label: costs[label])
    assert next(key for key in compare.shown() if key.startswith("own:")) == f"own:1/{least}"
    compare.cell(f"own:1/{least}", "cpu").click()
    expect(compare.drawer).to_contain_text("Latency from the planned time")


def test_costs_are_better_or_worse_only_where_the_rounds_can_tell(compare: ResultsPage) -> None:
    run = msgspec.json.decode(BENCH.read_bytes())
    step, columns = "64 B at 2000/s", ("cpu", "memory")
    told = {
        (one["target"], one["quantity"]): one
        for one in run["comparisons"]
        if one["step"] == step and one["quantity"] in columns and "again" not in one["target"]
    }
    compare.open(columns=",".join(columns), step=step)
    compare.own.set_input_files(BENCH)

    compare.root.get_by_role("combobox", name="Compare with").select_option(f"own:1/{run['yardstick']}")

    assert {one["distinguishable"] for one in told.values()} == {True, False}, "the file shows only one of the words"
    for (target, quantity), one in told.items():
        ahead = "better" if one["ratio"]["mean"] < 1 else "worse"
        word = ahead if one["distinguishable"] else "not distinguishable"
        expect(compare.cell(f"own:1/{target}", quantity)).to_contain_text(word)


def test_a_file_is_added_or_refused_with_a_sentence_and_can_be_dropped(compare: ResultsPage, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{")

    compare.own.set_input_files([bad, BENCH])

    expect(compare.root.get_by_role("alert")).to_contain_text("bad.json is not JSON")
    expect(compare.own_results.get_by_role("listitem")).to_have_count(1)
    compare.own_results.get_by_role("button", name="Remove bench.json").click()
    expect(compare.own_results).to_have_count(0)
    expect(compare.root.get_by_role("alert")).to_have_count(0)

    # It can be dropped anywhere on the view.
    compare.page.evaluate(
        """text => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([text], "dropped.json"));
          const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
          document.querySelector("table").dispatchEvent(drop);
        }""",
        BENCH.read_text(),
    )

    expect(compare.own_results).to_contain_text("dropped.json")

"""Cost: charts of a benchmark, each with its table, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from e2e.support.pages import View
from echowall.catalog.catalog import ROOT, Service
from echowall.results import store
from echowall.results.model import BenchRun

pytestmark = pytest.mark.apart

BENCH = Path(__file__).with_name("bench.json")
STEP = "64 B at 2000/s"


@pytest.fixture
def cost(page: Page) -> Locator:
    """The view, with a benchmark of one's own."""
    View(page).load("/?view=cost")
    root = page.get_by_role("region", name="Cost", exact=True)
    root.get_by_label("Your own result").set_input_files(BENCH)
    root.get_by_role("combobox", name="Load").select_option(STEP)
    return root


def chart(cost: Locator, name: str) -> Locator:
    """A chart and its table."""
    return cost.get_by_role("region", name=name, exact=True)


def test_each_chart_has_a_table_of_the_same_figures(cost: Locator) -> None:
    run = msgspec.json.decode(BENCH.read_bytes(), type=BenchRun)
    target = next(one for one in run.targets if any(figure.step == STEP and figure.cpu for figure in one.figures))
    figure = next(one for one in target.figures if one.step == STEP)

    for name in ("Latency by percentile", "CPU time for a message, by rate", "Cost against correctness"):
        expect(cost.get_by_role("img", name=name)).to_be_visible()
    assert figure.cpu
    row = chart(cost, "CPU time for a message, by rate").locator(f'tr[data-label="{target.label}"]')
    expect(row).to_contain_text(f"{figure.cpu.mean:.1f} µs")
    assert figure.latency
    assert figure.latency.p50
    assert figure.latency.p99 is None
    row = chart(cost, "Latency by percentile").locator(f'tr[data-label="{target.label}"]')
    expect(row).to_contain_text(f"{figure.latency.p50 / 1000:.1f} ms")
    expect(row).to_contain_text("withheld")


def test_a_name_opens_the_run_and_what_was_withheld(cost: Locator, page: Page, services: list[Service]) -> None:
    run = msgspec.json.decode(BENCH.read_bytes(), type=BenchRun)
    target, figure = next(
        (target, figure)
        for target in run.targets
        for figure in target.figures
        if figure.step == STEP and figure.refusals
    )

    title = next(service.title for service in services if service.name == target.name)
    chart(cost, "Memory").get_by_role("button", name=title + target.label.removeprefix(target.name), exact=True).click()

    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text(figure.refusals[0].says)
    expect(drawer).to_contain_text(run.machine.processor)


def test_a_published_run_that_comes_late_does_not_replace_the_one_of_ones_own(page: Page) -> None:
    if not any(isinstance(run, BenchRun) for run in store.runs(ROOT)):
        pytest.skip("no benchmark is published")
    held: list[Route] = []
    page.route("**/results/bench/*.json", lambda route: held.append(route))
    with page.expect_request("**/results/bench/*.json"):
        View(page).load("/?view=cost")
    root = page.get_by_role("region", name="Cost", exact=True)
    root.get_by_label("Your own result").set_input_files(BENCH)
    load = root.get_by_role("combobox", name="Load")
    expect(load).to_contain_text(STEP)

    with page.expect_response("**/results/bench/*.json") as answer:
        for route in held:
            route.continue_()
    answer.value.finished()
    page.wait_for_timeout(200)  # for what would be drawn instead

    expect(load).to_contain_text(STEP)


def test_without_a_benchmark_it_says_how_to_make_one(page: Page) -> None:
    published = any(isinstance(run, BenchRun) for run in store.runs(ROOT))

    View(page).load("/?view=cost")

    expect(page.get_by_text("Costs are not measured yet")).to_have_count(0 if published else 1)

"""Behaviour and Conformance: every answer and every case, by every stack, as the published runs have it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.support.pages import ResultsPage
from echowall.catalog.catalog import ROOT, Service
from echowall.results import behaviour, store
from echowall.results.behaviour import Behaviour
from echowall.results.model import ConformanceRun, Conformed
from echowall.results.verdicts import Verdict

pytestmark = pytest.mark.apart


def behaviour_page(page: Page, **query: str) -> ResultsPage:
    """Behaviour, open, with its marks."""
    view = ResultsPage(page, "Behaviour")
    view.open(view="behaviour", **query)
    expect(view.root.locator("td[data-standing]").first).to_be_visible()
    return view


def mark(view: ResultsPage, key: str, row: str) -> Locator:
    """The cell of a stack in the row of a check or a case. Its data-standing says what came of it."""
    return view.root.locator(f'tr[data-row="{row}"] td[data-subject="{key}"]')


def known_of(services: list[Service]) -> list[Behaviour]:
    """What the published runs say of the lab's services."""
    return [one for one in behaviour.newest(ROOT) if one.service in services]


def test_every_wrong_and_every_mended_answer_has_its_mark(page: Page, services: list[Service]) -> None:
    view = behaviour_page(page, all="1")

    shown = {
        standing: {
            (cell["subject"], cell["row"])
            for cell in view.root.locator(f'td[data-standing="{standing}"]').evaluate_all(
                "cells => cells.map(cell => ({ subject: cell.dataset.subject, row: cell.parentNode.dataset.row }))"
            )
        }
        for standing in ("wrong", "mended")
    }

    known = known_of(services)
    assert shown["wrong"] == {(one.service.name, check) for one in known for check in one.wrong()}
    assert shown["mended"] == {(one.service.name, check) for one in known for check in one.needing_mends()}


def test_a_mended_answer_is_wrong_with_the_mends_off_and_its_mark_opens_the_reason(
    page: Page, services: list[Service]
) -> None:
    mended = next(one for one in known_of(services) if one.needing_mends())
    name, check = mended.service.name, sorted(mended.needing_mends())[0]
    view = behaviour_page(page, all="1")
    expect(mark(view, name, check)).to_have_attribute("data-standing", "mended")

    view.root.get_by_role("combobox", name="Mends").select_option("off")
    expect(mark(view, name, check)).to_have_attribute("data-standing", "wrong")
    mark(view, name, check).get_by_role("button").click()

    expect(view.drawer.locator("[data-check]")).to_have_attribute("data-check", check)
    mend = next(one for one in mended.service.mended if check in one.checks)
    expect(view.drawer).to_contain_text(" ".join(mend.reason.split()))


def test_only_rows_in_which_the_stacks_differ_are_shown_at_first_and_a_group_can_be_chosen(page: Page) -> None:
    view = behaviour_page(page)
    rows = view.root.locator("tr[data-row]")
    differing = rows.count()

    view.root.get_by_role("switch", name="Only where they differ").uncheck()
    expect(view.root.get_by_role("status", name="Shown")).not_to_contain_text(f"{differing} of")
    assert rows.count() > differing
    view.root.get_by_role("combobox", name="Group").select_option("closing")

    expect(view.root.locator("tr.group")).to_have_text(["Closing"])


def test_a_result_of_ones_own_is_a_column_beside_the_others(
    page: Page, services: list[Service], tmp_path: Path
) -> None:
    known = known_of(services)[0]
    file = tmp_path / "mine.json"
    run = known.runs[0]
    its = [target for target in run.targets if target.name == known.service.name]
    file.write_bytes(store.encode(msgspec.structs.replace(run, targets=its)))
    view = behaviour_page(page, all="1")
    check = sorted(known.wrong())[0]

    view.own.set_input_files(file)

    expect(mark(view, f"own:1/{known.service.name}", check)).to_have_attribute("data-standing", "wrong")


def newest_conformance(services: list[Service]) -> dict[str, Conformed]:
    """The newest that the Autobahn Testsuite found about each service, asked directly, with its mends on."""
    runs = [run for run in store.runs(ROOT) if isinstance(run, ConformanceRun)]
    names = {service.name for service in services}
    found = {
        target.name: target for run in runs for target in run.targets if (target.via, target.mends) == ("direct", "on")
    }
    return {name: target for name, target in found.items() if name in names}


def test_failed_cases_are_counted_by_category_and_listed_case_by_case(page: Page, services: list[Service]) -> None:
    newest = newest_conformance(services)
    failed = {
        name: [one.case for one in target.results if one.verdict is Verdict.FAIL and one.case.startswith("7.")]
        for name, target in newest.items()
    }
    most = max(failed, key=lambda name: len(failed[name]))
    view = ResultsPage(page, "Conformance")
    view.open(view="conformance")
    expect(view.cell(most, "7")).to_contain_text(f"{len(failed[most])} /")
    for name, cases in failed.items():
        assert view.figure(name, "7") == str(len(cases)), name

    view.root.get_by_role("button", name="7 closing").click()

    expect(mark(view, most, failed[most][0])).to_have_attribute("data-standing", "wrong")
    mark(view, most, failed[most][0]).get_by_role("button").click()
    expect(view.drawer.locator("[data-case]")).to_have_attribute("data-case", failed[most][0])
    expect(view.drawer.get_by_text("Cause")).to_be_visible()

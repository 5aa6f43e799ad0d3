"""Every service is restarted replica by replica, and then scaled down, while people talk by it."""

from __future__ import annotations

import pytest

from e2e.stories.rolling import PEOPLE, Rolled, roll, rolling
from e2e.support.lab_operator import Operator
from e2e.support.settings import ARTIFACTS
from echowall.catalog.catalog import Service
from echowall.lab.lab import LabError

pytestmark = pytest.mark.operator

#: One row for each service, for docs/deploying.md.
_FIGURES = ARTIFACTS / "rolling.md"


@pytest.fixture(scope="module")
def stories() -> dict[str, Rolled]:
    """The stories that have been lived through, by service."""
    return {}


@pytest.fixture
def rolled(
    base_url: str, operator: Operator, service: Service, other: Service, mark: str, stories: dict[str, Rolled]
) -> Rolled:
    """The story of the service, which happens once. Its figures are written at its end."""
    if not operator.in_containers:
        pytest.skip("the lab runs as processes: only a container has replicas")
    if service.name not in stories:
        operator.scale(service, 2)
        with rolling(base_url, service, other, mark) as story:
            try:
                roll(operator, service, story)
            except (LabError, RuntimeError, TimeoutError) as error:  # what people heard until then still counts
                story.trouble = str(error)
        stories[service.name] = story
        with _FIGURES.open("a", encoding="utf-8") as figures:
            figures.write(_row(service, story))
    return stories[service.name]


def test_nothing_is_lost_and_nobody_is_told_anything_twice(rolled: Rolled) -> None:
    rolled.assert_nothing_was_lost()


@pytest.mark.check("shutdown-close")
def test_who_was_on_a_replica_that_ended_got_a_close_frame(rolled: Rolled) -> None:
    """One that came to a replica which was ending already may be cut without one; the figures have those as 1006."""
    assert rolled.codes[1001] + rolled.codes[1012] >= PEOPLE, rolled.codes


def test_those_who_are_in_the_room_are_counted_afterwards(rolled: Rolled) -> None:
    assert rolled.online == PEOPLE


def _row(service: Service, story: Rolled) -> str:
    codes = ", ".join(f"{code} × {count}" for code, count in sorted(story.codes.items()))
    longest = max(talker.longest for talker in story.talkers)
    again = sum(talker.again for talker in story.talkers)
    return f"| {service.title} | {len(story.said)} | {codes} | {again} | {story.twice} | {longest:.1f} s |\n"

"""The order in which pytest-xdist hands tests to its workers: the stories in one, and one service's tests in one."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

#: The folder of tests that read the record of a story, which their module lives through once. A story has the lab
#: or its room to itself, so a second worker could only wait for the first.
STORIES = "stories/"


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
    """Tests of one scope run one after another in one worker: all stories, or all tests of one service, because some
    libraries mix up the fragments of two clients. Any other test is a scope of its own.

    xdist's own `loadgroup` does nothing since pytest 9.2 (https://github.com/pytest-dev/pytest-xdist/issues/1386).
    """

    def __init__(self, config: pytest.Config, log: Producer, names: Iterable[str]) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the order is that of conftest.py, and not by the number of tests
        longest_first = sorted(names, key=len, reverse=True)
        self._of_service = re.compile(rf"\[(?:.*?-)?({'|'.join(map(re.escape, longest_first))})(?:-.*)?\]$")

    def _split_scope(self, nodeid: str) -> str:
        """The scope of a test. Its id begins with its path below this suite's folder, which has the pytest.ini."""
        if nodeid.startswith(STORIES):
            return STORIES
        service = self._of_service.search(nodeid)
        return service[1] if service else nodeid

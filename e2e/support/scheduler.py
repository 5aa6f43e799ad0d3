"""What of the tests pytest-xdist hands to one worker: the stories."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

#: The folder of tests that read the record of a story, which their module lives through once. A story has the lab
#: or its room to itself, so a second worker could only wait for the first.
STORIES = "stories/"


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
    """The stories run one after another in one worker. Any other test runs in the next worker that is free.

    xdist's own `loadgroup` does nothing since pytest 9.2 (https://github.com/pytest-dev/pytest-xdist/issues/1386).
    """

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the order is that of conftest.py, and not by the number of tests

    def _split_scope(self, nodeid: str) -> str:
        """The scope of a test. Its id begins with its path below this suite's folder, which has the pytest.ini."""
        return STORIES if nodeid.startswith(STORIES) else nodeid

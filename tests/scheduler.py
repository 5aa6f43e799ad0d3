"""The order in which pytest-xdist hands tests to its workers."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

#: Files whose tests share something that takes long to set up.
SHARING = (
    "test_bench_fleet.py",
    "test_beside.py",
    "test_check_endpoints.py",
    "test_check_faulty.py",
    "test_new.py",
    "test_wstest.py",
)
#: What some of these set up once for each kind of lab, as it is in a test's id.
_LAB = re.compile(r"\[(processes|containers)\b")


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
    """The tests of one scope run one after another in one worker: those that share something, or all cases of one
    function. The scope with the most tests is the first to run.

    By whole files, as xdist's own `loadfile` does it, the last worker would run for minutes when all others are done.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if not file.endswith(SHARING):
            return nodeid.partition("[")[0]
        lab = _LAB.search(test)
        return f"{file} {lab[1]}" if lab else file

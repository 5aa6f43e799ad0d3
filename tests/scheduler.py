"""The order in which pytest-xdist hands tests to its workers."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

#: Files whose tests share something that takes long to set up.
SHARING = (
    "test_bench_fleet.py",
    "test_beside.py",
    "test_check_endpoints.py",
    "test_check_faulty.py",
    "test_new.py",
    "test_wstest.py",
)
#: What some of these set up once for each kind of lab, or for each half of what they ask, as it is in a test's id.
_PART = re.compile(r"\[(processes|containers|half_\d)\b")
#: What takes longest, and so begins first: files of SHARING, and other files or functions. What mostly waits is before
#: what takes much CPU time, so that not all of that begins at once. Nothing fails where one is missing here, or quicker
#: than it was: all together take longer then.
LONGEST = (
    "test_check_faulty.py",
    "test_wstest.py",
    "test_beside.py",
    "test_a_slow_link_is_no_silence_where_the_user_says_so",
    "test_no_more_connections_are_opened_at_once_than_an_endpoint_takes",
    "test_check_endpoints.py",
    "test_check_fuzz.py",
    "test_an_endpoint_without_a_right_echo_has_no_figure_and_it_is_told_why",
    "test_bench_fleet.py",
    "test_new.py",
    "test_checkouts.py",
    "test_check_bare.py",
    "test_one_service_that_fails_is_shown_with_its_log_and_the_rest_run",
    "test_attack.py",
    "test_bench_gate.py",
    "test_bench_lab.py",
    "test_calamities.py",
    "test_check_cli.py",
)


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
    """The tests of one scope run one after another in one worker: those that share something, or all cases of one
    function. The scopes of LONGEST are the first to run, and then those with the most tests.

    By whole files, as xdist's own `loadfile` does it, the last worker would run for minutes when all others are done.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if not file.endswith(SHARING):
            return nodeid.partition("[")[0]
        part = _PART.search(test)
        return f"{file} {part[1]}" if part else file

    def _assign_work_unit(self, node: WorkerController) -> None:
        first = min(self.workqueue, key=_rank)  # of equals the first, which has more tests
        self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)


def _rank(scope: str) -> int:
    return next((rank for rank, name in enumerate(LONGEST) if name in scope), len(LONGEST))

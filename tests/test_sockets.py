"""Many idle sockets: what `echowall sockets` finds about a faultless server, and about some that are at fault."""

from __future__ import annotations

import pytest
import uvloop

from echowall.check.wire import Target
from echowall.sockets import crowd
from echowall.sockets.holding import Held, hold
from tests.faulty.forked import serving

COUNT = 100


def found(fault: str = "", limit: int | None = None, path: str = "foobar") -> Held:
    """What is found about the server with that fault, without waiting long for what it keeps."""
    with serving(fault) as server:
        target = Target(url=f"ws://127.0.0.1:{server.port}/{path}/", name=fault, pid=server.pid)
        return uvloop.run(hold(target, limit, COUNT, lambda *_: None, patience=2))


def test_a_faultless_server_holds_all_and_lets_them_go() -> None:
    held = found()

    assert (held.asked, held.held, held.right, held.refused, held.same) == (COUNT, COUNT, COUNT, {}, True)
    assert held.full.descriptors - held.start.descriptors == COUNT
    assert held.faults == []


def test_a_few_more_than_the_declared_limit_are_asked_for_and_a_stack_that_takes_them_is_told_of() -> None:
    held = found(limit=10)

    assert held.asked == 30
    assert held.faults == ["it held 30, more than its max_sockets"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("Text echoed in upper case", "echoes were not right"),
        ("File left open for each client", "open files"),
    ],
)
def test_a_fault_is_told(fault: str, told: str) -> None:
    assert [one for one in found(fault).faults if told in one]


def test_how_sockets_were_refused_is_told() -> None:
    held = found(path="nowhere")

    assert held.refused == {"HTTP 404": COUNT}
    assert "100 of 100 sockets were not held" in held.faults


def test_more_sockets_than_this_process_may_open_are_refused_with_what_to_do() -> None:
    with pytest.raises(crowd.TooManyError, match="raise the limit"):
        crowd.allow(1 << 40)

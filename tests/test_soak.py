"""What `echowall soak` finds about servers that have a fault, and about one that has none."""

from __future__ import annotations

import asyncio
import random
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from echowall.check import targets
from echowall.check.targets import Manner
from echowall.results import store
from echowall.results.model import Errors, Limits, Machine, Soaked, SoakRun, Trend, Window
from echowall.results.store import StoreError
from echowall.soak import rendering, soaking
from echowall.soak.soaking import Aimed, Soak, SoakError
from echowall.soak.trends import trend

HOUR = 3600
SERVER = Path(__file__).with_name("soaked.py")


def test_a_line_has_its_slope() -> None:
    found = trend([100 + 2 * number for number in range(18)], HOUR)

    assert found
    assert found.slope == pytest.approx(2)
    assert found.grows


def test_what_stands_still_or_shrinks_does_not_grow() -> None:
    for values in ([5] * 18, [100 - number for number in range(18)]):
        found = trend(values, HOUR)
        assert found
        assert not found.grows


def test_the_slope_is_for_an_hour() -> None:
    found = trend([0, 1, 2, 3, 4], 60)

    assert found
    assert found.slope == pytest.approx(60)


def test_noise_passes_for_growth_as_seldom_as_promised() -> None:
    """In 2.5 of 100 runs the interval lies above 0 though nothing grows: in 1,000, up to 40 (three deviations)."""
    chance = random.Random(17)  # noqa: S311
    series = [[chance.gauss(100, 5) for _ in range(18)] for _ in range(1000)]

    growing = sum(found.grows for values in series if (found := trend(values, HOUR)))

    assert 10 <= growing <= 40


def test_slow_growth_is_seen_through_noise() -> None:
    chance = random.Random(17)  # noqa: S311
    found = trend([chance.gauss(100 + number, 2) for number in range(18)], HOUR)

    assert found
    assert found.grows
    assert found.low < 1 < found.high


def test_of_too_few_values_nothing_is_said() -> None:
    assert trend([1, 2, 3], HOUR) is None
    assert trend([1, None, 3, None, 5], HOUR) is None


@contextmanager
def server(fault: str) -> Iterator[Aimed]:
    """The echo server with that fault."""
    process = subprocess.Popen([sys.executable, str(SERVER), fault], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        url = f"ws://127.0.0.1:{process.stdout.readline().strip()}/"
        (subject,) = targets.of_urls([url], Manner(tls=ssl.create_default_context()))
        yield Aimed(subject, process.pid)
    finally:
        process.kill()
        process.communicate()


def soak(fault: str, *, seconds: float = 3) -> Soaked:
    """What a soak of it finds."""
    with server(fault) as aimed:
        soak = Soak([aimed], 10, 20, seconds)
        asyncio.run(soak.run(lambda: None))
    return soak.stacks[0].found


def test_a_server_without_a_fault_echoes_everything_and_keeps_nothing() -> None:
    found = soak("nothing")

    assert found.errors == Errors()
    assert len(found.windows) == soaking.WINDOWS
    assert 0 < sum(window.echoes for window in found.windows) <= 700  # 200 a second, for 3 s and a little
    assert all(window.memory and window.p50 and window.p99 for window in found.windows)
    assert found.descriptors_trend == Trend(slope=0, low=0, high=0)
    assert {window.descriptors for window in found.windows} == {found.windows[0].descriptors}


@pytest.mark.parametrize(
    ("fault", "of"),
    [
        ("keeps memory", lambda found: found.memory_trend),
        ("keeps descriptors", lambda found: found.descriptors_trend),
    ],
)
def test_a_server_that_keeps_something_grows(fault: str, of: Callable[[Soaked], Trend | None]) -> None:
    found = of(soak(fault))

    assert found
    assert found.grows


@pytest.mark.parametrize(
    ("fault", "error", "least"), [("alters", "altered", 3), ("loses", "lost", 3), ("closes", "connections", 1)]
)
def test_what_goes_wrong_is_counted(fault: str, error: str, least: int) -> None:
    errors = soak(fault, seconds=2).errors

    assert least <= getattr(errors, error) <= 40, errors  # one of 50; a busy machine takes longer, and sends more
    others = {error, "unsent", "lost"}  # of a connection that ends, what was underway is lost
    assert not any(getattr(errors, name) for name in Errors.__struct_fields__ if name not in others), errors


def test_what_is_whole_stays_when_it_is_cancelled() -> None:
    with server("nothing") as aimed:
        soak = Soak([aimed], 2, 20, 2)
        running: asyncio.Task[None]

        def tell() -> None:
            if soak.whole == 8:
                running.cancel()

        async def cancelled() -> None:
            nonlocal running
            running = asyncio.create_task(soak.run(tell))
            with pytest.raises(asyncio.CancelledError):
                await running

        asyncio.run(cancelled())

    found = soak.stacks[0].found
    assert len(found.windows) == 8
    assert found.descriptors_trend


def test_where_nobody_listens_it_says_so() -> None:
    with server("nothing") as aimed:
        pass  # it has ended
    with pytest.raises(SoakError, match="could not be opened"):
        asyncio.run(Soak([aimed], 2, 5, 4).run(lambda: None))


def run(*, interrupted: bool = False) -> SoakRun:
    window = Window(memory=40 * 2**20, descriptors=9, p50=300.0, p99=900.0, echoes=60)
    found = Soaked(
        name="alpha",
        url="ws://127.0.0.1:1/foobar/",
        via="direct",
        versions={"python": "3.13.1"},
        limits=Limits(max_message=None, ping_interval=None),
        mends="on",
        sockets=12,
        windows=[window] * 20,
        errors=Errors(),
        memory_trend=Trend(slope=2.0 * 2**20, low=2**20, high=3.0 * 2**20),
        descriptors_trend=Trend(slope=0, low=0, high=0),
    )
    moment = datetime(2026, 11, 29, tzinfo=UTC)
    return SoakRun(
        id="20261129T000000Z-1234567",
        began=moment,
        ended=moment,
        commit="1234567",
        clean=True,
        machine=Machine(system="Linux", processor="x", cores=2, python="3.13.1"),
        engine="processes",
        generator={"picows": "2.3.1"},
        rate=5,
        size=64,
        planned=600,
        window=30,
        lateness=1200.0,
        targets=[found],
        interrupted=interrupted,
    )


def test_a_run_is_kept_and_read_again_and_listed(tmp_path: Path) -> None:
    file = store.add(run(), tmp_path)

    assert file == tmp_path / "results/soak/20261129T000000Z-1234567.json"
    assert store.read(file) == run()
    assert '"kind": "soak"' in (tmp_path / "results/index.json").read_text()


def test_a_run_of_which_less_than_half_is_whole_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="interrupted"):
        store.add(run(interrupted=True), tmp_path)


def test_a_table_says_what_grows_and_what_is_not_known() -> None:
    (row,) = rendering.markdown(run(), {"alpha": "Alpha"}).splitlines()[2:]

    assert row == ("| Alpha | 12 | 1,200 | 0 | 40 | +2.0 ± 1.0 grows | 9 | +0.0 ± 0.0 | 0.3 | – |")


def test_a_table_shows_by_how_little_something_grows() -> None:
    slowly = run()
    slowly.targets[0].descriptors_trend = Trend(slope=0.02, low=0.01, high=0.03)

    (row,) = rendering.markdown(slowly, {"alpha": "Alpha"}).splitlines()[2:]

    assert "| 9 | +0.02 ± 0.01 grows |" in row

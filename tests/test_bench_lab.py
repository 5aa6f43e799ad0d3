"""Rounds over services of a lab in miniature: fresh servers, what they cost, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from echowall.bench import scenarios, summary
from echowall.bench.contenders import Contender, Direct, Further, Proxied, Served, entries
from echowall.bench.rounds import Place, Rounds, cores
from echowall.catalog import catalog
from echowall.catalog.catalog import Service
from echowall.lab.lab import LabError
from echowall.lab.processes import Processes
from echowall.results import store
from echowall.results.model import Benched, BenchRun, Errors, Step
from echowall.results.provenance import Beginning
from tests.conftest import FACTS, bring_up
from tests.test_check_bare import APP, MENDED

YARDSTICK = FACTS.replace('era = "modern"', 'era = "yardstick"')
#: Without its mends it thinks for ten milliseconds about each message.
THINKING = APP.replace(
    "    def admit(",
    """    async def send(self, opcode, payload=b""):
        until = time.process_time() + 0.01
        while os.environ.get("MENDS") == "off" and opcode == 1 and time.process_time() < until:
            pass
        await super().send(opcode, payload)

    def admit(""",
).replace("import asyncio, ", "import asyncio, time, ")
#: Without its mends it lets nobody in.
CLOSED = APP.replace('== "off" and method == "POST"', '== "off"').replace(
    'method = "GET"', 'raise RefusalError(HTTPStatus.FORBIDDEN, "no")'
)


@pytest.fixture
def steps() -> list[Step]:
    """One, as short as can be."""
    (step,) = scenarios.steps(["rate"], rates=[40.0], connections=2, seconds=0.5)
    return [msgspec.structs.replace(step, warmup=0.1)]


def measured(
    processes: Processes,
    checkout: Path,
    steps: list[Step],
    *,
    rounds: int = 1,
    proxied: bool = False,
    bare: bool = False,
) -> tuple[BenchRun, Rounds, list[Place]]:
    """All services of the lab, by one route."""
    listed = catalog.load(checkout)
    yardstick = next(one for one in listed if one.era == "yardstick")
    beginning = Beginning()
    kind = Proxied if proxied else Direct
    found = entries(yardstick, listed, ["proxy" if proxied else "direct"], Further(bare=bare))
    contenders: list[Contender] = [
        (kind if not entry.bare else Direct)(processes, entry, cores()[1]) for entry in found
    ]
    done = Rounds(contenders, steps, rounds, 7)
    places: list[Place] = []
    done.run(places.append)
    return summary.record(beginning, done, contenders, yardstick.name, processes, interrupted=False), done, places


def by_label(run: BenchRun) -> dict[str, Benched]:
    return {target.label: target for target in run.targets}


def test_each_round_has_fresh_servers_whose_cost_is_known_and_all_that_results_promise(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int, steps: list[Step], tmp_path: Path
) -> None:
    add_service("alpha", FACTS + MENDED.format(check="post"), THINKING)
    add_service("beta", YARDSTICK, APP)
    bring_up(processes, checkout)
    own = processes.part("alpha").pid

    run, rounds, places = measured(processes, checkout, steps, rounds=2, bare=True)

    assert rounds.unfit == []
    targets = by_label(run)
    assert list(targets) == ["beta", "beta (again)", "alpha", "alpha (bare)"]
    assert {(place.round, place.label) for place in places} == {(n, label) for n in (1, 2) for label in targets}
    for target in targets.values():
        assert [one.round for one in target.measurements] == [1, 2]
        assert target.versions == {"stack": "1.0"}
        assert target.cores == cores()[1]
        for one in target.measurements:
            assert one.errors == Errors()
            assert one.memory is not None
            assert one.memory > 1 << 20
    assert (targets["alpha"].mends, targets["alpha (bare)"].mends) == ("on", "off")
    thinking = [one.cpu for one in targets["alpha (bare)"].measurements if one.cpu]
    assert len(thinking) == 2
    assert all(5_000 < cpu < 40_000 for cpu in thinking)  # the ten milliseconds, but for messages on the edge
    assert all(one.cpu and one.cpu < 5_000 for one in targets["alpha"].measurements)
    compared = {(one.target, one.to) for one in run.comparisons if one.quantity == "memory"}
    assert compared == {
        ("beta (again)", "beta"), ("alpha", "beta"), ("alpha (bare)", "beta"), ("alpha (bare)", "alpha")
    }  # fmt: skip
    assert not any(one.distinguishable for one in run.comparisons)  # of two rounds nothing can be told
    assert processes.part("alpha").pid == own  # the lab's own was left alone
    kept = store.read(store.add(run, tmp_path))
    assert kept == run
    entry = msgspec.json.decode((tmp_path / "results/index.json").read_bytes())["runs"][0]
    assert (entry["kind"], entry["mends"], entry["targets"]) == ("bench", ["off", "on"], ["beta", "alpha"])


def test_what_an_idle_socket_takes_is_what_a_fresh_servers_memory_grew_by(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("beta", YARDSTICK, APP)
    bring_up(processes, checkout)
    steps = [
        msgspec.structs.replace(step, warmup=0.1) for step in scenarios.steps(["idle"], connections=200, seconds=1)
    ]

    run, rounds, _ = measured(processes, checkout, steps)

    assert rounds.unfit == []
    for target in run.targets:
        assert [one.errors for one in target.measurements] == [Errors()] * 2
        assert [one.achieved for one in target.measurements] == [200] * 2
        for one in target.measurements:
            assert one.socket_memory
            assert 100 < one.socket_memory < 200_000
            assert one.cpu is not None
        assert all(figure.socket_memory for figure in target.figures)


def test_through_the_proxy_the_labs_own_is_started_anew_and_the_proxys_cost_is_told_apart(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int, steps: list[Step]
) -> None:
    add_service("beta", YARDSTICK, APP)
    bring_up(processes, checkout)
    before = processes.part("beta").pid

    run, rounds, _ = measured(processes, checkout, steps, proxied=True)

    assert rounds.unfit == []
    assert list(by_label(run)) == ["beta (proxy)", "beta (proxy, again)"]
    for target in run.targets:
        assert target.url == f"ws://127.0.0.1:{port}/beta/foobar/"
        (one,) = target.measurements
        assert one.cpu
        assert one.proxy_cpu
    assert processes.part("beta").pid != before


def test_one_that_cannot_be_measured_is_told_and_the_others_are_measured(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int, steps: list[Step]
) -> None:
    add_service("beta", YARDSTICK, APP)
    (add_service("closed", app=CLOSED) / "mends.py").write_text("")
    bring_up(processes, checkout)

    run, rounds, _ = measured(processes, checkout, steps, bare=True)

    assert [one.target for one in rounds.unfit] == ["closed (bare)"]
    assert "HTTP 403" in rounds.unfit[0].why
    assert list(by_label(run)) == ["beta", "beta (again)", "closed"]


class _Named:
    """A contender that only notes its turn."""

    service: Service | None = None

    order: list[str] = []  # noqa: RUF012

    def __init__(self, name: str) -> None:
        self.benched = Benched(name=name, url="")

    @contextmanager
    def served(self) -> Iterator[Served]:
        self.order.append(self.benched.name)
        raise LabError("not today")
        yield


def test_the_order_within_a_round_is_random_and_follows_from_the_seed() -> None:
    names = [f"service{number}" for number in range(10)]
    orders = []
    for seed in (1, 1, 2):
        steps = scenarios.SCENARIOS["rate"].steps
        Rounds([_Named(name) for name in names], steps, 1, seed).run(lambda _: None)
        orders.append(_Named.order[:])
        _Named.order.clear()

    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]) == sorted(names)

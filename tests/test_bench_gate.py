"""The gate before a benchmark: who has no right echo has no figure; and stacks that are tuned, or have more workers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from echowall.bench import gate, rendering, scenarios, summary
from echowall.bench.contenders import Contender, Direct, Entry, Further, entries, without
from echowall.bench.rounds import Rounds
from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT, Service
from echowall.check.wire.target import IDLE
from echowall.lab import beside
from echowall.lab.processes import Processes
from echowall.results import store
from echowall.results.model import Benched, BenchRun, Limits, Result, Setting, Step, Why, empty_fields
from echowall.results.provenance import Beginning
from echowall.results.verdicts import Verdict
from tests.conftest import FACTS, bring_up
from tests.test_bench_cli import SHORT, bench, recorded
from tests.test_check_bare import APP

YARDSTICK = FACTS.replace('era = "modern"', 'era = "yardstick"')
#: It loses empty messages.
FORGETFUL = APP.replace(
    "    def admit(",
    """    async def echo(self, opcode, message):
        if message:
            await super().echo(opcode, message)

    def admit(""",
)
KNOWN = """
[[known]]
checks = ["empty-message", "empty-binary"]
outcome = "silence"
reason = "The cause."
link = "https://example.org/1"
"""
#: It says how it was tuned, and has as many workers as it is told: processes that keep 32 MiB and a tenth of a CPU.
TUNABLE = (
    APP.replace('"1.0"', 'os.environ.get("TUNED", "1.0")')
    .replace(
        "asyncio.run(",
        '''WORKER = """
import os, time
kept, parent = bytearray(b"x") * (32 << 20), os.getppid()
while os.getppid() == parent:
    until = time.process_time() + 0.002
    while time.process_time() < until:
        pass
    time.sleep(0.018)
"""
for _ in range(int(os.environ.get("WORKERS", "0"))):
    subprocess.Popen([sys.executable, "-c", WORKER])
asyncio.run(''',
    )
    .replace("import asyncio, ", "import asyncio, subprocess, ")
)
TUNED = """
[[tuned]]
variable = "TUNED"
value = "as told"
setting = "buffers"
to = "none"
reason = "It keeps nothing."
link = "https://example.org/2"

[workers]
variable = "WORKERS"
link = "https://example.org/3"
"""


@contextmanager
def serving(fault: str) -> Iterator[str]:
    """A server with that fault; gives its URL."""
    command = [sys.executable, "-m", "tests.faulty", fault]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield f"ws://127.0.0.1:{int(server.stdout.readline())}/foobar/"
        server.terminate()


@pytest.fixture
def steps() -> list[Step]:
    """One, as short as can be."""
    (step,) = scenarios.steps(["rate"], rates=[40.0], connections=2, seconds=0.5)
    return [msgspec.structs.replace(step, warmup=0.1)]


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No idle connection of a service in miniature is watched for as long as one of the lab's."""
    checks = [check for check in gate.CHECKS if check.id != "phantom-idle"]
    monkeypatch.setattr(gate, "CHECKS", checks)


def asked(
    processes: Processes, listed: Sequence[Entry], steps: list[Step], yardstick: str = ""
) -> tuple[BenchRun, gate.Found]:
    """The entries past the gate, and what was measured then."""
    beginning = Beginning()
    contenders: list[Contender] = [Direct(processes, entry, []) for entry in listed]
    found = gate.put(contenders, lambda labels, before: None)
    rounds = Rounds(found.fit, steps, 1, 7)
    rounds.run(lambda _: None)
    assert rounds.unfit == []
    return summary.record(beginning, rounds, contenders, yardstick, processes, interrupted=False), found


@pytest.mark.parametrize(
    ("fault", "wrong"),
    {
        "Empty messages lost": "empty-message: silence",
        "Binary echoed as text": "binary: echo as text",
        "Order of two messages swapped": "order: out of order",
    }.items(),
)
def test_an_endpoint_without_a_right_echo_has_no_figure_and_it_is_told_why(
    fault: str, wrong: str, tmp_path: Path
) -> None:
    file = tmp_path / "run.json"

    with serving(fault) as url:
        done = bench(url, *SHORT, "--json", str(file))

    assert done.returncode == 1
    assert f"{url}: no figure: its echo is not right: " in " ".join(done.stdout.split())
    assert wrong in " ".join(done.stdout.split())
    assert "round 1" not in done.stderr
    (target,) = recorded(file).targets
    assert target.measurements == []
    (figure,) = target.figures
    (refusal,) = figure.refusals
    assert (refusal.why, refusal.withheld) == (Why.GATE, "everything")
    assert wrong in refusal.says
    assert (figure.throughput, figure.latency, figure.cpu) == (None, None, None)


def test_what_is_wrong_but_changes_no_echo_is_told_beside_the_figures(tmp_path: Path) -> None:
    file = tmp_path / "run.json"

    with serving("Close with a code that may not be sent, where a page is closed in order") as url:
        done = bench(url, *SHORT, "--json", str(file))

    assert done.returncode == 1  # nobody knew
    said = f"{url}: beside its echo it gets wrong server-frames: a close code that may not be sent"
    assert said in " ".join(done.stdout.split())
    (target,) = recorded(file).targets
    assert [one.check for one in target.gate] == ["server-frames"]
    assert [one.round for one in target.measurements] == [1]


def test_what_compression_an_endpoint_agrees_to_is_in_the_results(tmp_path: Path) -> None:
    file = tmp_path / "run.json"

    with serving("") as url:
        done = bench(url, *SHORT, "--json", str(file))

    assert done.returncode == 0, done.stderr
    (target,) = recorded(file).targets
    assert target.settings == {"deflate": Setting(value="on", source="seen")}
    assert target.gate == []


def test_a_known_deviation_of_the_echo_has_no_figure_either_and_is_kept_as_a_result(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int, steps: list[Step], tmp_path: Path
) -> None:
    add_service("alpha", FACTS + KNOWN, FORGETFUL)
    add_service("beta", YARDSTICK, APP)
    bring_up(processes, checkout)
    alpha, beta = catalog.load(checkout)

    run, found = asked(processes, entries(beta, [alpha], ["direct"], Further()), steps, "beta")

    assert [one.benched.label for one in found.fit] == ["beta", "beta (again)"]
    assert (found.unfit, found.surprises) == ([], [])
    targets = {target.label: target for target in run.targets}
    assert targets["alpha"].measurements == []
    assert [(one.why, one.withheld) for figure in targets["alpha"].figures for one in figure.refusals] == [
        (Why.GATE, "everything")
    ]
    assert targets["beta"].settings == targets["beta (again)"].settings
    wrong = "empty-message: silence, empty-binary: silence"
    assert f"- alpha: no figure: its echo is not right: {wrong}" in rendering.markdown(run).splitlines()
    assert store.read(store.add(run, tmp_path)) == run


def test_a_deviation_that_nobody_knew_is_a_surprise(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int, steps: list[Step]
) -> None:
    add_service("alpha", app=FORGETFUL)
    bring_up(processes, checkout)
    (alpha,) = catalog.load(checkout)

    _, found = asked(processes, [Entry(alpha, "direct")], steps)

    assert (found.fit, found.unfit, found.surprises) == ([], [], ["alpha"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('deflate = { value = "on"', 'deflate = { value = "off"', "deflate is off, but the handshake on"),
        ('loop = { value = "asyncio"', 'loop = { value = "uvloop"', "loop is uvloop, but /about does not have uvloop"),
    ],
)
def test_settings_that_are_seen_to_be_otherwise_are_told(
    processes: Processes,
    checkout: Path,
    add_service: Callable[..., Path],
    port: int,
    steps: list[Step],
    old: str,
    new: str,
    said: str,
) -> None:
    add_service("alpha", FACTS.replace(old, new), APP)
    bring_up(processes, checkout)
    (alpha,) = catalog.load(checkout)

    _, found = asked(processes, [Entry(alpha, "direct")], steps)

    assert found.fit == []
    assert [one.target for one in found.unfit] == ["alpha"]
    assert said in found.unfit[0].why


def test_a_tuned_stack_runs_with_its_variables_and_workers_are_all_counted(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int, steps: list[Step]
) -> None:
    add_service("alpha", FACTS + TUNED, TUNABLE)
    bring_up(processes, checkout)
    (alpha,) = catalog.load(checkout)

    run, found = asked(processes, entries(None, [alpha], ["direct"], Further(tuned=True, workers=2)), steps)

    assert (found.unfit, found.surprises) == ([], [])
    targets = {target.label: target for target in run.targets}
    assert list(targets) == ["alpha", "alpha (tuned)", "alpha (2 workers)"]
    assert [target.versions["stack"] for target in run.targets] == ["1.0", "as told", "1.0"]
    assert "buffers" not in targets["alpha"].settings
    assert targets["alpha (tuned)"].settings["buffers"] == Setting(value="none", source="tuned")
    assert targets["alpha (2 workers)"].settings["workers"] == Setting(value="2", source="tuned")
    plain, several = (targets[label].measurements[0] for label in ("alpha", "alpha (2 workers)"))
    assert (several.memory or 0) > (plain.memory or 0) + (64 << 20)
    assert (several.cpu or 0) > 3 * (plain.cpu or 0) > 0
    compared = {(one.target, one.to) for one in run.comparisons}
    assert compared == {("alpha (tuned)", "alpha"), ("alpha (2 workers)", "alpha")}
    assert list(empty_fields(run)) == ["yardstick"]  # all else that the store wants is there


def test_interrupted_at_the_gate_it_leaves_no_instance_behind(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    for name in ("alpha", "beta"):
        add_service(name, app=APP)
    bring_up(processes, checkout)
    contenders = [Direct(processes, Entry(service, "direct"), []) for service in catalog.load(checkout)]
    meanwhile: list[int] = []

    def interrupt(labels: Sequence[str], before: int) -> None:
        assert (labels, before) == (["alpha", "beta"], 0)
        meanwhile.append(_running(checkout))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gate.put(contenders, interrupt)

    assert (meanwhile, _running(checkout)) == ([4], 2)  # the lab's own are left
    assert list(beside.folder(checkout).glob("*.conf")) == []


def _running(checkout: Path) -> int:
    """How many processes of its services there are."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            count += (process / "cwd").readlink().parent == checkout / "services"
    return count


def test_who_has_no_such_option_is_left_out_and_told(checkout: Path, add_service: Callable[..., Path]) -> None:
    add_service("alpha", FACTS + TUNED)
    add_service("beta")
    services: list[Service] = catalog.load(checkout)

    listed = entries(None, services, ["direct"], Further(tuned=True, workers=3))

    assert [entry.benched().label for entry in listed] == ["alpha", "alpha (tuned)", "alpha (3 workers)", "beta"]
    told = list(without(services, Further(tuned=True, workers=3)))
    assert [line.split(":")[0] for line in told] == ["--tuned leaves out beta", "--workers leaves out beta"]
    assert list(without(services, Further(bare=True))) == []


@pytest.mark.parametrize(
    ("check", "verdict", "outcome", "withheld"),
    [
        ("binary", Verdict.FAIL, "echo as text", True),
        ("phantom-burst", Verdict.FAIL, "a message not sent", True),
        ("text", Verdict.ERROR, "no end", True),
        ("text", Verdict.UNDECIDED, "other message", False),
        ("message-limit", Verdict.FAIL, "cut off", False),
        ("message-limit", Verdict.FAIL, "a higher limit than declared", False),
        ("message-limit", Verdict.FAIL, "a lower limit than declared", True),
        ("message-limit", Verdict.ERROR, "no end", True),
        ("server-frames", Verdict.FAIL, "a close code that may not be sent", False),
        ("server-frames", Verdict.FAIL, "a close code that may not be sent, masked", True),
    ],
)
def test_what_withholds_everything_is_an_echo_that_is_not_right(
    check: str, verdict: Verdict, outcome: str, *, withheld: bool
) -> None:
    result = Result(check=check, verdict=verdict, outcome=outcome)
    benched = Benched(name="alpha", url="", limits=Limits(max_message=None, ping_interval=None), gate=[result])

    assert gate.withholds(result) is withheld
    assert bool(gate.refusals(benched)) is withheld


def test_the_estimate_has_the_gates_time() -> None:
    assert gate.estimated(1, IDLE) > IDLE
    assert gate.estimated(gate.AT_ONCE + 1, IDLE) == 2 * gate.estimated(1, IDLE)

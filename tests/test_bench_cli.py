"""`echowall bench` on endpoints that are not the lab's."""

from __future__ import annotations

import itertools
import resource
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import trustme
from typer.testing import CliRunner

from echowall.bench import judging, permission, scenarios
from echowall.bench.contenders import Foreign, Served
from echowall.bench.plan import Tls
from echowall.bench.rounds import Place, Rounds
from echowall.catalog import catalog
from echowall.catalog.catalog import Service
from echowall.check.targets import Manner, of_urls
from echowall.cli import app
from echowall.lab.lab import LabError
from echowall.results import store
from echowall.results.model import Benched, BenchRun, Errors, Why
from tests.commands import BOUND, echowall
from tests.forks import ENVIRONMENT
from tests.interruptible import interruptible
from tests.ports import free_port
from tests.test_check_cli import forward, listening, proxying

ASKING = "asking whether the echo is right, 1 to 1 of 1\n"
SHORT = ("--rate", "50", "--seconds", "0.2", "--connections", "2")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "echowall", "bench", *arguments]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command, far from any lab."""
    return echowall("bench", *arguments)


def recorded(file: Path) -> BenchRun:
    run = store.read(file)
    assert isinstance(run, BenchRun)
    return run


def test_what_is_measured_is_told_and_recorded_with_the_generators_own_lateness(echo: int, tmp_path: Path) -> None:
    url, file = f"ws://127.0.0.1:{echo}/foobar/", tmp_path / "run.json"

    done = bench(url, "--rate", "50", "--rate", "100", "--seconds", "0.2", "--rounds", "2", "--json", str(file))

    assert done.returncode == 0, done.stderr
    assert "64 B at 50/s, 50 connections" in done.stdout
    run = recorded(file)
    assert (run.rounds, run.interrupted, run.yardstick, run.engine) == (2, False, "", None)
    assert [step.name for step in run.steps] == ["64 B at 50/s", "64 B at 100/s"]
    (target,) = run.targets
    measured = [(one.round, one.step) for one in target.measurements]
    assert sorted(measured) == list(itertools.product([1, 2], ["64 B at 100/s", "64 B at 50/s"]))
    for one in target.measurements:
        assert one.errors == Errors()
        assert judging.decode(one.lateness).get_total_count() == judging.decode(one.latency).get_total_count() > 0
        assert one.achieved > 0
    for figure in target.figures:
        refused = {(one.why, one.withheld) for one in figure.refusals}
        assert {(Why.SAMPLES, "p99"), (Why.GENERATOR, "latency")} & refused  # which of them hangs on this machine


def test_a_dry_run_says_what_and_how_long_and_connects_to_nothing() -> None:
    connected: list[int] = []

    async def note(*_: object) -> None:
        connected.append(1)

    with listening(note) as port:
        done = bench(f"ws://127.0.0.1:{port}/", "--dry-run", "--seconds", "20", "--rounds", "4")

    assert done.returncode == 0
    assert connected == []
    for step in scenarios.SCENARIOS["rate"].steps:
        assert step.name in done.stdout
    assert "Each step is measured 4 times for each target: about 8 min in all." in done.stdout


def test_push_is_for_those_who_have_it_and_the_others_are_named() -> None:
    plain = [one for one in catalog.load() if one.protocol == "websocket"]
    having = [one.name for one in plain if one.push]

    done = bench("--scenario", "push", "--rounds", "2", "--dry-run")

    assert done.returncode == 0
    (left,) = [line for line in done.stderr.splitlines() if line.startswith("push leaves out ")]
    assert left.endswith(": their rooms have no other transport than WebSockets")
    assert set(left[16:].partition(":")[0].split(", ")) == {one.name for one in plain if not one.push}
    assert f"{len(having) + 1} targets: " in done.stdout  # the first of them is the yardstick, and there twice
    assert "Each step is measured 2 times for each target" in done.stdout


def test_ctrl_c_keeps_the_rounds_that_are_whole(echo: int, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    arguments = command(f"ws://127.0.0.1:{echo}/foobar/", *SHORT, "--rounds", "1000", "--json", str(file))

    with interruptible(arguments, env=ENVIRONMENT) as run:
        assert run.stderr
        assert run.stderr.readline() == ASKING
        assert run.stderr.readline() == "round 1 of 1000\n"
        assert run.stderr.readline() == "round 2 of 1000\n"
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=BOUND)

    assert run.returncode == 130
    assert said == "echowall: interrupted: 1 of 1000 rounds were whole; they are above\n"
    kept = recorded(file)
    assert (kept.rounds, kept.interrupted) == (1, True)
    assert [one.round for target in kept.targets for one in target.measurements] == [1]


class _Impatient:
    """A contender in whose second round somebody presses Ctrl-C."""

    service: Service | None = None

    def __init__(self) -> None:
        self.benched = Benched(name="impatient", url="")
        self._turns = 0

    @contextmanager
    def served(self) -> Iterator[Served]:
        self._turns += 1
        if self._turns > 1:
            raise KeyboardInterrupt
        raise LabError("not today")
        yield


def test_what_was_measured_in_a_round_that_is_not_whole_is_not_kept(echo: int, monkeypatch: pytest.MonkeyPatch) -> None:
    manner = Manner(tls=ssl.create_default_context())
    (subject,) = of_urls([f"ws://127.0.0.1:{echo}/foobar/"], manner)
    others = [Foreign(subject, Tls()) for _ in range(3)]
    (step,) = scenarios.steps(["rate"], rates=[50.0], connections=1, seconds=0.1)
    rounds = Rounds([_Impatient(), *others], [msgspec.structs.replace(step, warmup=0.1)], 3, seed=1)
    monkeypatch.setattr(rounds, "_reject", lambda *_: None)  # it stays for the second round
    places: list[Place] = []

    with pytest.raises(KeyboardInterrupt):
        rounds.run(places.append)

    assert [place.round for place in places].count(2) > 0  # the second was underway
    assert rounds.finished == 1
    assert [[one.round for one in other.benched.measurements] for other in others] == [[1], [1], [1]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("seconds", "shown"), [("600", [ASKING]), ("0.1", [ASKING, "round 1 of 1\n"])])
def test_interrupted_before_the_first_round_is_whole_it_says_that_none_is(
    echo: int, number: signal.Signals, seconds: str, shown: list[str]
) -> None:
    arguments = command(f"ws://127.0.0.1:{echo}/foobar/", "--seconds", seconds)

    with interruptible(arguments, env=ENVIRONMENT) as run:
        assert run.stderr
        assert [run.stderr.readline() for _ in shown] == shown
        run.send_signal(number)
        _, said = run.communicate(timeout=BOUND)

    assert run.returncode == 130
    assert said == "echowall: interrupted: no round was whole\n"


def test_an_endpoint_that_is_not_there_is_told_and_the_others_are_measured(echo: int, tmp_path: Path) -> None:
    there, not_there, file = f"ws://127.0.0.1:{echo}/foobar/", f"ws://127.0.0.1:{free_port()}/", tmp_path / "run.json"

    done = bench(not_there, there, *SHORT, "--json", str(file))

    assert done.returncode == 1
    assert f"{not_there} 127.0.0.1 port" in done.stderr
    assert [target.name for target in recorded(file).targets] == [there]


def test_tokens_reach_the_endpoint_and_no_result(echo: int, tmp_path: Path) -> None:
    heads: list[str] = []
    file = tmp_path / "run.json"

    with listening(proxying(echo, heads)) as port:
        done = bench(
            "ws://someone:my-password@127.0.0.1:1/foobar/?token=my-token",
            *("--proxy", f"http://proxy-user:proxy-password@127.0.0.1:{port}", "--json", str(file), *SHORT),
        )

    assert done.returncode == 0, done.stderr
    assert len(heads) > 20  # the questions whether its echo is right, and the connections that load it
    assert all(head.startswith("CONNECT 127.0.0.1:1 HTTP/1.1\r\n") for head in heads)
    assert all("Proxy-Authorization: Basic " in head for head in heads)
    for text in (done.stdout, done.stderr, file.read_text()):
        assert "my-password" not in text
        assert "my-token" not in text
        assert "proxy-password" not in text


def test_tls_is_trusted_by_the_ca_that_is_named(echo: int, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)

    with listening(forward(echo), context) as port:
        url = f"wss://localhost:{port}/foobar/"
        trusted, untrusted = bench(url, *SHORT, "--ca", str(tmp_path / "ca.pem")), bench(url, *SHORT)

    assert trusted.returncode == 0, trusted.stderr
    assert untrusted.returncode == 1
    assert "has no TLS that can be trusted" in untrusted.stderr


MISUSE = {
    "a public address": (["ws://8.8.8.8/"], "nor on a private network; if its owner lets you"),
    "a name without address": (["ws://nowhere.invalid/"], "say so by --i-may-load-this"),
    "too fast for a public address": (
        ["ws://8.8.8.8/", "--i-may-load-this", "--rate", "1001"],
        "1,000 messages a second and 100 connections at most, not with 1,001 and 50; lower",
    ),
    "too many for a public address": (
        ["ws://8.8.8.8/", "--i-may-load-this", "--rate", "10", "--connections", "101"],
        "at most, not with 10 and 101; lower --rate or --connections",
    ),
    "all it can of a public address": (
        ["ws://8.8.8.8/", "--i-may-load-this", "--scenario", "saturation"],
        "saturation sends as much as comes back",
    ),
    "all connections of a public address": (
        ["ws://8.8.8.8/", "--i-may-load-this", "--scenario", "churn"],
        "churn opens connections as fast as it can, and ws://8.8.8.8/ is not on a private network; choose another",
    ),
    "no URL": (["ws://"], "is no WebSocket URL"),
    "no scenario": (
        ["ws://127.0.0.1/", "--scenario", "rates"],
        "no scenario 'rates'; there are rate, saturation, large, connect, churn, slow, idle, room, push",
    ),
    "no rate": (["ws://127.0.0.1/", "--rate", "0"], "--rate 0: write a number of messages a second"),
    "an endless rate": (["ws://127.0.0.1/", "--rate", "inf"], "--rate inf: write a number"),
    "a rate for none": (
        ["ws://127.0.0.1/", "--scenario", "saturation", "--rate", "5"],
        "--rate is for a scenario that takes it (rate, slow), and not for saturation",
    ),
    "too small": (["ws://127.0.0.1/", "--size", "31"], "--size 31: a message has 32 bytes at least"),
    "endless": (["ws://127.0.0.1/", "--seconds", "nan"], "--seconds"),
    "two ways to print": (["ws://127.0.0.1/", "--markdown", "--csv"], "both print to standard output; choose one"),
    "more connections than files": (
        ["ws://127.0.0.1/", "--scenario", "idle", "--connections", "19999"],
        "--connections 19999: a process here may open 1,000 files, which allows 936 connections; raise",
    ),
    "the room of a URL": (
        ["ws://127.0.0.1/", "--scenario", "room"],
        "the scenario room is for services of the lab, which have the chat room: leave out URLs",
    ),
    "push of a URL": (
        ["ws://127.0.0.1/", "--scenario", "push"],
        "the scenario push is for services of the lab, which have the chat room: leave out URLs",
    ),
    "an interval for none": (
        ["ws://127.0.0.1/", "--every", "5"],
        "--every is for a scenario that takes it (push), and not for rate",
    ),
    "no interval": (["--scenario", "push", "--every", "0"], "--every 0: write a number of seconds, from 0.01 to 600"),
    "too fine an interval": (["--scenario", "push", "--polled", "0.125"], "with two digits after the point at most"),
    "intervals that do not fit": (
        ["--scenario", "push", "--every", "7.01", "--polled", "599.99"],
        "s, for in it both intervals pass a whole number of times; choose --every and --polled of which",
    ),
    "push by a stack that has it not": (
        [next(one.name for one in catalog.load() if not one.push), "--scenario", "push"],
        "the scenario push takes a service with several transports: ",
    ),
    "new connections from a cluster": (
        ["ws://127.0.0.1/", "--scenario", "connect", "--scheduler", "tcp://127.0.0.1:1"],
        "the scenario connect takes one generator: leave out --scheduler",
    ),
    "tuned behind the proxy": (
        ["--tuned", "--via", "proxy"],
        "--tuned measures instances that the proxy does not know",
    ),
    "more workers of a URL": (["ws://127.0.0.1/", "--workers", "2"], "--workers is for services of the lab, and not"),
    "no place to write": (["ws://127.0.0.1/", "--json", "/"], "--json /: it cannot be written"),
    "no header": (["ws://127.0.0.1/", "--header", "oops"], "--header number 1 is none; write 'Name: value'"),
}


@pytest.mark.parametrize(("arguments", "said"), MISUSE.values(), ids=MISUSE)
def test_misuse_is_told_in_one_sentence(arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 1000))
    done = CliRunner().invoke(app, ["bench", *arguments, "--dry-run"])

    assert done.exit_code == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("host", "private"),
    {
        "127.0.0.1": True,
        "localhost": True,
        "::1": True,
        "10.1.2.3": True,
        "172.31.0.1": True,
        "172.32.0.1": False,
        "192.168.1.1": True,
        "fd00::1": True,
        "::ffff:8.8.8.8": False,
        "8.8.8.8": False,
        "203.0.113.1": False,
        "2001:db8::1": False,
        "nowhere.invalid": False,
    }.items(),
)
def test_only_this_machine_and_private_networks_are_loaded_unasked(host: str, *, private: bool) -> None:
    assert permission.is_private(host) is private


def test_a_public_address_may_be_loaded_a_little_if_its_owner_lets() -> None:
    steps = scenarios.steps(["rate"], rates=[1000.0], connections=100)

    assert permission.objection("ws://8.8.8.8/", "8.8.8.8", steps, allowed=True) is None

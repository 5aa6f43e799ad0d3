"""`echowall conformance` runs the real Autobahn Testsuite: against right servers, wrong ones, and what is none."""

from __future__ import annotations

import ast
import asyncio
import io
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from rich.console import Console

from echowall.catalog import autobahn
from echowall.catalog.catalog import ROOT
from echowall.conformance import install
from echowall.conformance.examination import Examination, Subject
from echowall.conformance.install import Suite, SuiteError
from echowall.conformance.wstest import Address
from echowall.results import store
from echowall.results.model import CaseResult, ConformanceRun, Conformed, Limits
from tests.interruptible import interruptible
from tests.test_check_cli import Handler, forward, hang_up, listening, say_nothing

#: Seconds in which every run here has to end, whatever the endpoint does.
BOUND = 120
#: Cases of every group that does not take long.
FEW = ("1.1.*", "2.*", "3.*", "4.*", "5.*", "6.3.*", "6.12.*", "7.*")


FAULTY = ("-m", "tests.faulty")


@pytest.fixture(scope="module")
def suite() -> Suite:
    try:
        return install.find(None)
    except SuiteError as error:
        pytest.skip(str(error))


@contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """A server that Python starts with these arguments, and that prints its port; gives its URL."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield f"ws://127.0.0.1:{process.stdout.readline().strip()}/foobar/"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def reference() -> Iterator[str]:
    """The faultless echo server; gives its URL."""
    with serving(*FAULTY) as url:
        yield url


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[str]:
    """A server that shakes hands, and then neither reads nor ends; gives its URL."""
    file = tmp_path / "deaf.py"
    file.write_text(
        "import asyncio\n"
        "from tests.faulty.server import Server, Session\n"
        "class Deaf(Session):\n"
        "    def opened(self):\n"
        "        pass\n"
        "    async def frame(self):\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(Server(Deaf).serve())\n"
    )
    with serving(str(file)) as url:
        yield url


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "echowall", "conformance", *arguments]


def environment() -> dict[str, str]:
    return os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}


def conformance(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command, far from any lab."""
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )


def examine(suite: Suite, url: str, *cases: str, scale: float = 1.0, limits: Limits | None = None) -> list[CaseResult]:
    """Put cases as the command does, without asking first whether this is an echo server."""
    return examine_each(suite, [url], *cases, scale=scale, limits=limits)


def examine_each(
    suite: Suite, urls: list[str], *cases: str, scale: float = 1.0, limits: Limits | None = None
) -> list[CaseResult]:
    """Put each of these instances its part of the cases."""
    target = Conformed(name=urls[0], url=urls[0], limits=limits)
    examination = Examination(
        suite, autobahn.choose(cases), cases, jobs=len(urls), console=Console(file=io.StringIO()), scale=scale
    )
    asyncio.run(examination.examine([Subject([Address(url) for url in urls], target)]))
    return target.results


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for one run of the suite. It is in the checkout, for the suite's container sees no other."""
    (ROOT / ".echowall").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cases-", dir=ROOT / ".echowall") as made:
        yield Path(made)


def test_the_catalog_has_the_cases_of_the_suite(suite: Suite, folder: Path) -> None:
    (folder / "spec.json").write_text(
        json.dumps({"outdir": str(folder / "report"), "servers": [{"url": "ws://127.0.0.1:9"}], "cases": ["*"]})
    )

    done = subprocess.run(
        suite.command(folder, f"echowall-{folder.name}"),
        cwd=ROOT,
        env=suite.environment(folder),
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )

    listed = next(line for line in done.stdout.splitlines() if line.startswith("Cases = "))
    assert tuple(ast.literal_eval(listed.removeprefix("Cases = "))) == autobahn.CASES
    assert f"Autobahn Testsuite Version {autobahn.VERSION} " in done.stdout


def test_a_faultless_server_passes_the_quick_set(suite: Suite, reference: str, tmp_path: Path) -> None:
    kept, junit = tmp_path / "deep" / "run.json", tmp_path / "junit.xml"

    done = conformance(reference, "--json", str(kept), "--junit", str(junit))

    assert done.returncode == 0, done.stderr
    assert "247 answers, 0 not as expected" in done.stderr
    run = store.read(kept)
    assert isinstance(run, ConformanceRun)
    assert (run.suite, run.cases, run.engine) == (autobahn.VERSION, ["quick"], None)
    assert [one.case for one in run.targets[0].results] == list(autobahn.SETS["quick"])
    assert sum(one.seconds for one in run.targets[0].results) > 8  # four cases wait for two seconds each
    assert 'tests="247" failures="0" errors="0" skipped="0"' in junit.read_text()


@pytest.mark.parametrize(
    ("fault", "groups"),
    [
        ("Text that is no UTF-8 echoed", {"6"}),
        ("Reserved bits ignored", {"3"}),
        ("Close codes that may not be sent let pass", {"7"}),
    ],
)
def test_a_fault_is_found_in_the_group_that_it_belongs_to(suite: Suite, fault: str, groups: set[str]) -> None:
    with serving(*FAULTY, fault) as url:
        results = examine(suite, url, *FEW)

    assert len(results) == len(autobahn.choose(FEW))
    assert {autobahn.group(one.case) for one in results if one.verdict == "fail"} == groups


def test_instances_of_one_target_are_put_a_part_of_the_cases_each(suite: Suite, reference: str) -> None:
    put = autobahn.choose(["3.*", "4.*"])

    with serving(*FAULTY, "Reserved bits ignored") as other:
        results = examine_each(suite, [reference, other], *put)

    assert [one.case for one in results] == list(put)
    assert {one.case for one in results if one.verdict == "fail"} == {
        case for case in put[1::2] if autobahn.group(case) == "3"
    }


def test_where_one_instance_is_gone_only_its_part_is_missing(suite: Suite, reference: str) -> None:
    with listening(hang_up) as port:
        pass

    results = examine_each(suite, [f"ws://127.0.0.1:{port}/", reference], "1.1.1", "1.1.2", "1.1.3")

    assert [one.verdict for one in results] == ["error", "pass", "error"]


def test_a_case_that_does_not_end_is_told_and_the_rest_is_put(suite: Suite, deaf: str) -> None:
    began = time.monotonic()

    results = examine(suite, deaf, "1.1.1", "9.1.6", "9.2.1", scale=0.3)

    assert {one.case: (one.verdict, one.outcome) for one in results} == {
        "1.1.1": ("fail", "failed"),
        "9.1.6": ("fail", "no end"),
        "9.2.1": ("fail", "no end"),
    }
    assert results[1].detail == "not done within 9 s"
    assert time.monotonic() - began < 60
    assert left_behind(os.getpid()) == []


def test_a_target_of_which_nothing_ends_is_given_up(suite: Suite, deaf: str) -> None:
    results = examine(suite, deaf, "9.1.*", "9.2.*", scale=0.05)

    assert [one.outcome for one in results] == ["no end"] * 5 + ["not put"] * 7
    assert results[-1].detail == "given up after 5 cases that did not end"


def test_a_target_that_is_gone_is_told_as_such(suite: Suite) -> None:
    with listening(hang_up) as port:
        pass

    results = examine(suite, f"ws://127.0.0.1:{port}/", "1.1.1", "1.1.2")

    assert [(one.verdict, one.outcome) for one in results] == [("error", "not put")] * 2
    assert "Connection to" in results[0].detail
    assert "refused" in results[0].detail


def test_what_is_over_the_declared_limit_is_not_put(suite: Suite, reference: str) -> None:
    limits = Limits(max_message=1 << 20, ping_interval=None)

    results = examine(suite, reference, "9.1.[34]", limits=limits)

    assert [(one.case, one.verdict, one.outcome) for one in results] == [
        ("9.1.3", "pass", "as expected"),
        ("9.1.4", "limit", "over the limit"),
    ]
    assert results[1].detail == "4,194,304 bytes"


def test_a_case_is_explained_with_its_frames_and_the_check_that_asks_the_same(suite: Suite, reference: str) -> None:
    done = conformance(reference, "--explain", "3.1")

    assert done.returncode == 0, done.stderr
    assert "Does: Send small text message with RSV = 1 ." in done.stdout
    assert "`echowall check --explain reserved-bits` asks the same." in done.stdout
    assert "→ text, 13 bytes, reserved bits 1   Hello, world!" in done.stdout
    assert "← close, " in done.stdout


def test_tls_is_verified_by_the_suite_too(suite: Suite, reference: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with listening(forward(int(reference.split(":")[2].partition("/")[0])), context) as port:
        url = f"wss://127.0.0.1:{port}/foobar/"

        unknown = conformance(url, "--cases", "1.1.1")
        named = conformance(url, "--ca", str(tmp_path / "ca.pem"), "--cases", "1.1.*", "--cases", "7.3.*")
        trusting = conformance(url, "--insecure", "--cases", "1.1.1")

    assert unknown.returncode == 1
    assert "name its CA by --ca, or use --insecure" in unknown.stderr
    assert named.returncode == 0, named.stderr
    assert "14 answers, 0 not as expected" in named.stderr
    assert trusting.returncode == 0, trusting.stderr


@pytest.mark.parametrize(
    ("handler", "says"), [(hang_up, "hung up"), (say_nothing, "did not answer within 10 s")], ids=["hangs up", "hangs"]
)
def test_what_is_no_endpoint_is_told_in_a_sentence(suite: Suite, handler: Handler, says: str) -> None:
    with listening(handler) as port:
        done = conformance(f"ws://127.0.0.1:{port}/echo")

    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_echo_is_told_in_a_sentence(suite: Suite, tmp_path: Path) -> None:
    file = tmp_path / "greeter.py"
    file.write_text(
        "import asyncio\n"
        "from tests.faulty.server import Server, Session\n"
        "class Greeter(Session):\n"
        "    async def echo(self, opcode, data):\n"
        "        await super().echo(opcode, b'hello yourself')\n"
        "asyncio.run(Server(Greeter).serve())\n"
    )
    with serving(str(file)) as url:
        done = conformance(url)

    assert done.returncode == 1
    assert "is not an echo server" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_keeps_what_has_ended_and_leaves_no_process(
    suite: Suite, reference: str, tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "run.json"
    with interruptible(command(reference, "--cases", "ci", "--json", str(file)), env=environment()) as process:
        runs = ROOT / ".echowall/conformance/runs"
        deadline = time.monotonic() + BOUND
        while not (runs / f"echowall-autobahn-{process.pid}-2").exists():  # the quick cases have ended
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        _, said = process.communicate(timeout=BOUND)

    assert process.returncode == 130
    assert "Traceback" not in said
    assert left_behind(process.pid) == []
    assert "interrupted; what had ended by then is above" in said
    run = store.read(file)
    assert isinstance(run, ConformanceRun)
    assert len(run.targets[0].results) == len(autobahn.SETS["quick"])


def left_behind(pid: int) -> list[str]:
    """The folders and processes that a run of that process has left."""
    name = f"echowall-autobahn-{pid}-"
    folders = [str(folder) for folder in (ROOT / ".echowall/conformance/runs").glob(f"{name}*")]
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has just ended
            continue
        if name in line:
            folders.append(line)
    return folders


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ws://127.0.0.1/", "--cases", "14.*"], "no case matches '14.*'"),
        (["ws://127.0.0.1/", "--explain", "7.*"], "--explain shows one case"),
        (["ws://127.0.0.1/", "--save"], "--save keeps runs over the lab's services"),
        (["ws://127.0.0.1/", "--bare"], "--bare tests services of the lab, directly"),
        (["--bare", "--instances", "2"], "--instances tests further instances of the lab's services, directly"),
        (["--via", "proxy", "--instances", "2"], "leave out URLs, --bare, --via and --save"),
        (["--save", "--instances", "2"], "leave out URLs, --bare, --via and --save"),
        (["ws://127.0.0.1/", "--instances", "2"], "leave out URLs, --bare, --via and --save"),
        (["ws://127.0.0.1/", "--junit", "/proc/nowhere/junit.xml"], "--junit /proc/nowhere/junit.xml"),
        (["http://127.0.0.1/"], "is no WebSocket URL"),
        (["nowhere"], "no service named 'nowhere'"),
    ],
)
def test_misuse_is_told_in_a_sentence_and_ends_with_2(arguments: list[str], says: str) -> None:
    done = conformance(*arguments)

    assert done.returncode == 2
    assert says in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr

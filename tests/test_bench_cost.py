"""What a server costs, by what the kernel and the engine tell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echowall.bench import cost
from echowall.lab.procfs import UnknownError, family

CONTAINER = "0123456789abcdef" * 4
#: It burns half a second of CPU time, and then waits.
BURN = "import time\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\ntime.sleep(60)"


def test_the_cpu_time_and_the_memory_of_descendants_count() -> None:
    program = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        try:
            parent.stdout.readline()
            meter = cost.OfProcesses(parent.pid)
            used, memory = meter.cpu(), meter.memory()
        finally:
            for pid in family(parent.pid):
                os.kill(pid, signal.SIGKILL)

    assert 0.5 <= used < 5
    assert memory
    assert memory > 4 << 20


def test_one_that_ended_keeps_what_it_used() -> None:
    with subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        meter = cost.OfProcesses(process.pid)
        before = meter.cpu()
        process.kill()
    after = meter.cpu()

    assert after == before >= 0.5
    assert meter.memory() is None


def group(tmp_path: Path, line: str, file: str, text: str) -> Path | None:
    """The counter that is found where /proc/7/cgroup has that line, and the control groups have that file."""
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/cgroup").write_text(f"12:pids:/docker/{CONTAINER}\n{line}\n")
    counter = tmp_path / "groups" / file
    counter.parent.mkdir(parents=True)
    counter.write_text(text)
    return cost.counter(7, CONTAINER, tmp_path / "groups", tmp_path / "proc")


@pytest.mark.parametrize("folder", ["cpuacct", "cpu,cpuacct"])
def test_control_groups_of_version_1_count_nanoseconds(folder: str, tmp_path: Path) -> None:
    path = f"docker/{CONTAINER}"

    found = group(tmp_path, f"4:{folder}:/{path}", f"{folder}/{path}/cpuacct.usage", "1500000000\n")

    assert found
    assert cost.read(found) == 1.5


def test_control_groups_of_version_2_count_microseconds(tmp_path: Path) -> None:
    path = f"system.slice/docker-{CONTAINER}.scope"

    found = group(tmp_path, f"0::/{path}", f"{path}/cpu.stat", "usage_usec 2500000\nuser_usec 1\nsystem_usec 2\n")

    assert found
    assert cost.read(found) == 2.5


def test_the_process_of_another_container_is_not_taken_for_it(tmp_path: Path) -> None:
    other = f"docker/{'f' * 64}"

    assert group(tmp_path, f"0::/{other}", f"{other}/cpu.stat", "usage_usec 1\n") is None


def test_where_nothing_tells_the_cost_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")

    with pytest.raises(UnknownError, match="the engine does not tell what container 0123456789ab uses"):
        cost.OfContainer(1, CONTAINER).cpu()
    assert cost.meter(1, CONTAINER) is None


@pytest.fixture
def container() -> Iterator[dict[str, Any]]:
    """One that burns half a second of CPU time and then waits; gives what the engine knows of it."""
    image = next(iter(_docker("images", "--quiet", "--filter", "reference=python").split()), None)
    if image is None:
        pytest.skip("the engine has no image of Python's")
    name = _docker("run", "--detach", "--network", "none", image, "python", "-c", BURN).strip()
    try:
        deadline = time.monotonic() + 30
        while "\n" not in _docker("logs", name) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield json.loads(_docker("inspect", name))[0]
    finally:
        _docker("rm", "--force", name)


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.usefixtures("engine")
def test_what_the_kernel_counts_of_a_container_is_what_the_engine_tells(container: dict[str, Any]) -> None:
    pid, identifier = container["State"]["Pid"], container["Id"]
    by_kernel = cost.OfContainer(pid, identifier)
    by_engine = cost.OfContainer(0, identifier)  # whose process cannot be seen from here

    assert cost.counter(pid, identifier)
    assert by_kernel.cpu() >= 0.5
    assert by_engine.cpu() == pytest.approx(by_kernel.cpu(), abs=0.3)
    assert by_kernel.memory()
    assert by_engine.memory() is None

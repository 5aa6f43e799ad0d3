"""What can go wrong with a lab without Docker is told, leaves nothing running, and does not hinder the next `up`."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from echowall.lab import site
from echowall.lab.lab import LabError
from echowall.lab.processes import Processes
from echowall.lab.state import changing
from tests.clones import APP, Checkout
from tests.conftest import bring_up


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Checkout]:
    """A checkout with a tool and one service of its own, of which nothing runs at the end."""
    site.install_libraries()
    clone = Checkout(tmp_path / "here" / "echowall")
    yield clone
    Processes(clone.folder).down()
    assert running(clone.folder) == []


def running(folder: Path) -> list[str]:
    """The commands that run in the folder, or with a file of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in f"{command} {(process / 'cwd').readlink()}":
                found.append(command)
    return found


def supervisor(folder: Path) -> int:
    """Its pid."""
    return int((folder / ".echowall/supervisord.pid").read_text())


def kill_supervisor(folder: Path) -> None:
    """Kill it, and see that what it had started runs on."""
    pid = supervisor(folder)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}/cwd").exists())
    assert running(folder) != []


def wait_until(come: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not come():
        assert time.monotonic() < deadline, "nothing has come of it in 60 s"
        time.sleep(0.02)


def test_two_that_start_the_lab_at_once_and_a_killed_supervisor(clone: Checkout) -> None:
    with clone.start("up") as one, clone.start("up") as two:
        ended = sorted((it.wait(60), it.communicate()[1]) for it in (one, two))

    assert ended == [
        (0, ""),
        (1, "echowall: somebody else is starting or stopping this checkout's lab; wait until they are done\n"),
    ]
    assert clone.answers() == "here"

    kill_supervisor(clone.folder)
    started = clone.echowall("up")

    assert started.returncode == 0, started.stdout + started.stderr
    assert clone.answers() == "here"

    kill_supervisor(clone.folder)
    stopped = clone.echowall("down")

    assert stopped.stdout == "Stopped the lab (what its killed supervisor left running).\n"
    assert running(clone.folder) == []


def test_a_service_that_does_not_heed_sigterm_ends_with_its_killed_supervisor(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("echowall.lab.processes._STOP", 1)
    add_service("stubborn", app=f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{APP}")
    bring_up(processes, checkout)
    kill_supervisor(checkout)

    processes.down()

    assert running(checkout) == []


def test_a_supervisor_that_does_not_answer_is_named(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("echowall.lab.processes._ANSWER", 0.5)
    add_service("good", app=APP)
    bring_up(processes, checkout)
    pid = supervisor(checkout)
    os.kill(pid, signal.SIGSTOP)
    for ask in (processes.running, processes.down, lambda: processes.stop("good"), lambda: processes.endpoint("good")):
        with pytest.raises(LabError, match=f"end it by `kill -KILL {pid}`"):
            ask()

    kill_supervisor(checkout)
    processes.down()

    assert running(checkout) == []


def test_a_stale_pid_file_ends_nobody_and_is_no_hindrance(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("good", app=APP)
    (checkout / ".echowall").mkdir()
    pid_file = checkout / ".echowall/supervisord.pid"
    for written in ("", "nobody\n", "4194304999\n"):
        pid_file.write_text(written)
        processes.down()
    # Somebody who works in the checkout, and has the pid, and the session, that a supervisor had before the machine
    # was started again.
    with subprocess.Popen(["sleep", "60"], cwd=checkout / ".echowall", start_new_session=True) as bystander:
        pid_file.write_text(f"{bystander.pid}\n")

        processes.down()
        pid_file.write_text(f"{bystander.pid}\n")
        board = bring_up(processes, checkout)

        assert board.states == {"good": "healthy", "proxy": "healthy"}
        assert supervisor(checkout) != bystander.pid
        assert bystander.poll() is None
        bystander.kill()


def test_down_waits_for_who_starts_the_lab(clone: Checkout) -> None:
    with changing(clone.folder):
        with pytest.raises(LabError, match="somebody else is starting or stopping"), changing(clone.folder):
            pass
        stopping = clone.start("down")
        time.sleep(2)  # in which it would have ended
        assert stopping.poll() is None

    assert stopping.communicate(timeout=30) == ("The lab is not running.\n", "")


def test_an_up_that_is_ended_leaves_nothing_running(clone: Checkout) -> None:
    clone.add("slow", "import time; time.sleep(600)")
    with clone.start("up") as starting:
        wait_until(clone.answers)

        starting.terminate()

        assert starting.wait(30) == 128 + signal.SIGTERM
        assert starting.communicate()[1] == ""
    assert running(clone.folder) == []


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Have a file system with these options in the folder while the block runs."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_leaves_nothing_running(clone: Checkout) -> None:
    folder = clone.folder / ".echowall"
    folder.mkdir()
    # Full from the beginning; after what has been written; and while something is.
    for options in ("size=1m", "size=65m", "size=99m,nr_inodes=20"):
        with mounted(folder, options):
            refused = clone.echowall("up")

            assert refused.returncode == 1
            assert refused.stderr.startswith("echowall: the disk is full")
            assert "run the command again" in refused.stderr
            assert running(clone.folder) == []

    assert clone.echowall("up").returncode == 0
    assert clone.answers() == "here"

"""Two checkouts side by side never meet, as processes or in containers: `echowall up` and `down` in real ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echowall.lab import site
from echowall.lab.containers import Containers
from echowall.lab.lab import LabError
from tests.clones import Checkout


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Callable[[str], Checkout]]:
    """Make checkouts, all in folders of one name, each in a folder of its own. Nothing of them is left at the end."""
    site.install_libraries()
    made: list[Checkout] = []

    def make(name: str) -> Checkout:
        made.append(Checkout(tmp_path / name / "echowall"))
        return made[-1]

    yield make
    for checkout in made:
        checkout.discard()


@pytest.fixture(params=["processes", "containers"])
def up(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The command that starts a lab, of either kind."""
    if request.param == "processes":
        return ("up",)
    request.getfixturevalue("engine")
    return ("up", "--docker")


def test_two_checkouts_of_one_name_run_side_by_side(clone: Callable[[str], Checkout], up: tuple[str, ...]) -> None:
    here, there = clone("here"), clone("there")

    started = here.echowall(*up)
    assert started.returncode == 0, started.stdout + started.stderr
    refused = there.echowall(*up, port=here.port)

    assert refused.returncode == 1
    assert f"the lab of the checkout {here.folder} listens there; choose another port, as in" in refused.stderr
    assert "down" not in refused.stderr
    assert here.answers() == "here"

    started = there.echowall(*up)
    assert started.returncode == 0, started.stdout + started.stderr
    assert (here.answers(), there.answers()) == ("here", "there")

    stopped = here.echowall("down")
    assert stopped.stdout.startswith("Stopped the lab (")
    assert (here.answers(), there.answers()) == (None, "there")
    assert here.echowall("down").stdout == "The lab is not running.\n"
    assert "the lab is not running" in here.echowall("status").stderr
    assert "checkout there" in there.echowall("status").stdout

    assert there.echowall("down").returncode == 0
    assert there.answers() is None


@pytest.mark.usefixtures("engine")
def test_a_lab_that_docker_compose_started_is_found(clone: Callable[[str], Checkout]) -> None:
    here, there = clone("here"), clone("there")
    project = f"echowall-test-{here.port}"

    started = here.compose("--project-name", project, "up", "--detach", "--wait", "good")
    assert started.returncode == 0, started.stderr
    started = there.compose("up", "--detach", "--wait")
    assert started.returncode == 0, started.stderr

    assert "checkout here" in here.echowall("status").stdout
    assert "checkout there" in there.echowall("status").stdout
    assert there.echowall("down").stdout == "Stopped the lab (containers).\n"
    assert (here.answers(), there.answers()) == ("here", None)

    # A part that was stopped comes back as it was, wherever the port is set to today.
    assert here.echowall("stop", "proxy").returncode == 0
    assert "the lab's proxy does not run; `echowall start proxy` starts it" in here.echowall("status").stderr
    assert here.echowall("start", "proxy", port=there.port).returncode == 0
    deadline = time.monotonic() + 10
    while here.answers() != "here" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert here.answers() == "here"

    # What the tool starts, `docker compose` finds, too.
    assert there.echowall("up", "--docker").returncode == 0
    assert set(there.compose("ps", "--services").stdout.split()) == {"good", "proxy", "redis"}

    assert (
        here.compose("--project-name", project, "--profile", "*", "down", "--volumes", "--rmi", "local").returncode == 0
    )
    assert there.answers() == "there"


@pytest.mark.usefixtures("engine")
def test_a_project_of_another_checkout_is_not_taken(
    clone: Callable[[str], Checkout], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = clone("here"), clone("there")
    project = f"echowall-test-{here.port}"
    assert here.compose("--project-name", project, "up", "--detach", "redis").returncode == 0
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", project)

    try:
        with pytest.raises(LabError, match=rf"the lab in {here.folder} uses the Compose project {project}; choose"):
            Containers(there.folder).up([], [])
    finally:
        here.compose("--project-name", project, "--profile", "*", "down", "--volumes")

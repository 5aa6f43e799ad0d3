"""`echowall check --bare` on services in miniature, in a lab of processes: what it finds about their mends."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT, Service
from echowall.check import judging, unmended
from echowall.check.examination import Examination
from echowall.check.suite import ALL
from echowall.lab.processes import Processes
from echowall.results.model import Examined, Result
from tests.conftest import FACTS, bring_up

#: The faultless server, which without its mend lets in a handshake by POST.
APP = f"""
import asyncio, json, os, sys
from http import HTTPStatus

sys.path.insert(0, {str(ROOT)!r})
from tests.faulty.server import RefusalError, Server, Session


class Stack(Session):
    def admit(self, method, resource, version, headers):
        if resource == "/about":
            raise RefusalError(HTTPStatus.OK, json.dumps({{"service": "a stack", "versions": {{"stack": "1.0"}}}}))
        if os.environ.get("MENDS") == "off" and method == "POST":
            method = "GET"
        super().admit(method, resource, version, headers)


asyncio.run(Server(Stack).serve(os.environ["HOST"], int(os.environ["PORT"])))
"""
MENDED = """
[[mended]]
checks = ["{check}"]
by = "refuse"
outcome = "accepted"
reason = "The fault."
link = "https://example.org/1"
"""
CHECKS = [check for check in ALL if check.id in ("text", "post", "head", "shutdown-close")]


def unexpected(services: Mapping[str, Service]) -> Callable[[Examined, Result], bool]:
    return lambda target, result: judging.unexpected(result, target, services.get(target.name))


def test_each_mend_is_held_to_what_service_toml_says_of_it(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("right", FACTS + MENDED.format(check="post"), APP)
    add_service("idle", FACTS + MENDED.format(check="post") + MENDED.format(check="head"), APP)
    add_service("unlisted", app=APP)
    bring_up(processes, checkout)
    services = {service.name: service for service in catalog.load(checkout)}
    examination = Examination(1, Console(file=io.StringIO()), unexpected(services))
    began = time.monotonic()

    unmended.examine(examination, processes, services.values(), CHECKS)

    found = {(one.target, one.check): one.what for one in judging.surprises(examination.found, services, CHECKS)}
    assert found.keys() == {("idle (direct)", "head"), ("unlisted (direct)", "post")}
    assert "refuse does not mend it; remove the mend" in found["idle (direct)", "head"]
    assert "service.toml lacks it as [[mended]]" in found["unlisted (direct)", "post"]
    assert [(one.name, one.mends, one.versions) for one in examination.found] == [
        (name, "off", {"stack": "1.0"}) for name in ("idle", "right", "unlisted")
    ]
    assert all(len(one.results) == len(CHECKS) for one in examination.found)
    assert time.monotonic() - began < 60  # nobody waits for an instance that was stopped for good


def test_one_that_does_not_start_is_told_and_the_others_are_examined(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("crashing", app="import os\nif os.environ.get('MENDS') == 'off':\n    raise SystemExit('no')\n" + APP)
    add_service("right", FACTS + MENDED.format(check="post"), APP)
    bring_up(processes, checkout)
    services = {service.name: service for service in catalog.load(checkout)}
    told = io.StringIO()
    examination = Examination(1, Console(file=told), unexpected(services))

    unmended.examine(examination, processes, services.values(), CHECKS[:1])

    assert [one.target for one in examination.unfit] == ["crashing"]
    assert "crashing" in told.getvalue()
    assert [one.name for one in examination.found] == ["right"]


def test_a_race_is_put_until_it_is_lost_and_one_that_is_always_won_is_no_mend(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = APP.replace('method == "POST":', 'method == "POST" and next(tries) % {} == 0:').replace(
        "class Stack", "from itertools import count\n\ntries = count(1)\n\n\nclass Stack"
    )
    race = FACTS + MENDED.format(check="post") + "race = true\n"
    add_service("rarely", race, every.replace("{}", "150"))
    add_service("never", race, every.replace("{}", "1_000_000"))
    bring_up(processes, checkout)
    services = {service.name: service for service in catalog.load(checkout)}
    examination = Examination(1, Console(file=io.StringIO()), unexpected(services))
    monkeypatch.setattr(unmended, "FOR", 10.0)

    unmended.examine(examination, processes, services.values(), [check for check in ALL if check.id == "post"])

    (surprise,) = judging.surprises(examination.found, services, CHECKS)
    assert (surprise.target, "remove the mend" in surprise.what) == ("never (direct)", True)

"""`echowall attack` on services in miniature, in a lab of processes: it catches what was made wrong on purpose."""

from __future__ import annotations

import asyncio
import copy
import io
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from echowall.attack import ATTACKS, cases, containment, fuzz, memory, routing, slow
from echowall.attack import ground as attacked
from echowall.attack.ground import Ground, place
from echowall.catalog import catalog
from echowall.check.wire import ENGINE_IO, PLAIN
from echowall.check.wire.frames import CONTINUATION, TEXT, encode
from echowall.lab import site
from echowall.lab.lab import LabError
from echowall.lab.processes import Processes
from echowall.results import security, store
from echowall.results.model import AttackRun, Outcome
from echowall.results.provenance import Beginning
from tests import commands
from tests.conftest import FACTS, bring_up
from tests.test_check_bare import APP

#: A frame with the third reserved bit ends the process.
CRASHES = APP.replace(
    "    def admit(",
    """    def check_rsv(self, rsv, opcode):
        if rsv & 0x10:
            os._exit(1)
        super().check_rsv(rsv, opcode)

    def admit(""",
)
#: It looks whether an origin begins like its own.
BELIEVES = APP.replace(
    "    def admit(",
    """    def allows(self, origins, host):
        return all(origin.partition("//")[2].startswith(host) for origin in origins)

    def admit(""",
)
#: Each refused handshake leaves a descriptor open.
LEAKS = APP.replace(
    "        super().admit(",
    """        if method != "GET":
            leaked.append(open(os.devnull))
        super().admit(""",
).replace("class Stack", "leaked = []\n\n\nclass Stack")
#: A compressed message ends the process.
BURSTS = CRASHES.replace("rsv & 0x10", "rsv & 0x40")
#: It reads on whether or not its client takes the echoes.
KEEPS_ALL = APP.replace(
    "    def admit(",
    """    async def drain(self):
        await asyncio.sleep(0)

    def admit(""",
)
#: It never lets go of a connection whose handshake does not come.
WAITS_ON = APP.replace(
    "    def admit(",
    """    async def upgrade(self):
        try:
            await super().upgrade()
        except asyncio.IncompleteReadError:
            leaked.append(open(os.devnull))
            raise

    def admit(""",
).replace("class Stack", "leaked = []\n\n\nclass Stack")


def ground(processes: Processes, checkout: Path, count: int = 100, seconds: int = 1) -> Ground:
    """All services of the checkout's lab."""
    services = catalog.load(checkout)
    progress = Progress(console=Console(file=io.StringIO()), disable=True)
    return Ground(processes, services, services, 1, count, None, seconds, progress)


def outcomes(attack: Callable[[Ground], AsyncGenerator[Outcome, None]], on: Ground) -> dict[str, Outcome]:
    """What came of it, by target."""

    async def collect() -> dict[str, Outcome]:
        return {outcome.target: outcome async for outcome in attack(on)}

    return asyncio.run(collect())


def test_the_fuzz_tells_which_case_ended_a_process_and_what_was_not_given_back(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attacked, "_SETTLES", 1.0)
    monkeypatch.setattr(fuzz, "_WARM", 4)
    monkeypatch.setattr(fuzz, "_FAULTS", 1)
    add_service("sound", app=APP)
    add_service("crashing", app=CRASHES)
    add_service("leaking", app=LEAKS)
    bring_up(processes, checkout)

    found = outcomes(fuzz.attack, ground(processes, checkout))

    assert found["sound"].faults == []
    assert found["sound"].tried == 100
    assert "descriptors open" in found["leaking"].faults[-1]
    assert "by case " in found["crashing"].faults[0]
    assert "in hex" in found["crashing"].faults[0]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less of everything."""
    monkeypatch.setattr(attacked, "_SETTLES", 1.0)
    for name, value in {"_BOMBS": 4, "_READERS": 8, "_HALVES": 20, "_HELD": 1.0, "_BOUND": 80 * 2**20}.items():
        monkeypatch.setattr(memory, name, value)
    monkeypatch.setattr(memory, "_EACH", 16 * 2**20)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("attack", "faulty", "fault"),
    [
        (memory.bombs, BURSTS, "1 of its processes ended"),
        (memory.readers, KEEPS_ALL, "and may have 80"),
        (memory.halves, WAITS_ON, "descriptors open"),
    ],
    ids=["bombs", "slow-readers", "half-handshakes"],
)
def test_what_fills_the_memory_of_a_service_is_told(
    processes: Processes,
    checkout: Path,
    add_service: Callable[..., Path],
    port: int,
    attack: Callable[[Ground], AsyncGenerator[Outcome, None]],
    faulty: str,
    fault: str,
) -> None:
    add_service("sound", app=APP)
    add_service("faulty", app=faulty)
    bring_up(processes, checkout)

    found = outcomes(attack, ground(processes, checkout))

    assert found["sound"].faults == []
    assert found["sound"].tried > 1
    assert found["sound"].measured["MiB at most"] > 0
    assert fault in " ".join(found["faulty"].faults), found["faulty"]


def test_a_proxy_that_asks_nobodys_name_is_caught(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_service("sound", app=APP.replace("a stack", "sound"))
    bring_up(processes, checkout)
    assert outcomes(routing.names, ground(processes, checkout))["sound"].faults == []
    assert outcomes(routing.paths, ground(processes, checkout))["sound"].faults == []

    processes.down()
    monkeypatch.setattr(site, "_strangers", lambda _: ['map $client_name $stranger { default ""; }'])
    bring_up(processes, checkout)

    assert "421 was due" in outcomes(routing.names, ground(processes, checkout))["sound"].faults[0]


def test_a_service_that_takes_foreign_origins_and_says_it_does_not_is_caught(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], port: int
) -> None:
    add_service("sound", FACTS.replace('"accepted"', '"refused"'), APP)
    add_service("lying", FACTS.replace('"accepted"', '"refused"'), BELIEVES)
    bring_up(processes, checkout)

    found = outcomes(routing.origins, ground(processes, checkout))

    assert found["sound"].faults == []
    assert found["lying"].faults == [
        f"it accepts a handshake from http://127.0.0.1:{port}{end}" for end in (".rebound.example", "@rebound.example")
    ]


def test_without_its_program_a_slow_attack_says_how_to_get_it(
    processes: Processes, checkout: Path, add_service: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_service("sound", app=APP)
    monkeypatch.setenv("PATH", "/nowhere")

    outcome = outcomes(slow.headers, ground(processes, checkout))["proxy"]

    assert outcome.tried == 0
    assert "apt-get install slowhttptest" in outcome.skipped


def test_a_lab_of_processes_has_no_containers_to_look_at(
    processes: Processes, checkout: Path, add_service: Callable[..., Path]
) -> None:
    add_service("sound")

    assert "make up DOCKER=yes" in outcomes(containment.attack, ground(processes, checkout))["containers"].skipped


#: As docker-compose.yml has it.
CONTAINED: dict[str, Any] = {
    "Config": {"User": "65532:65532"},
    "HostConfig": {
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "CapAdd": None,
        "Privileged": False,
        "SecurityOpt": ["no-new-privileges"],
        "Memory": 268435456,
        "PidsLimit": 512,
        "PidMode": "",
        "NetworkMode": "lab",
        "IpcMode": "private",
        "UTSMode": "",
        "UsernsMode": "",
        "PortBindings": {},
        "Devices": None,
    },
    "NetworkSettings": {"Networks": {"lab": {}}},
    "Mounts": [{"Type": "volume"}],
}


@pytest.mark.parametrize(
    ("part", "key", "value", "fault"),
    [
        ("Config", "User", "", "root"),
        ("Config", "User", "0:65532", "root"),
        ("HostConfig", "ReadonlyRootfs", False, "file system"),
        ("HostConfig", "CapDrop", None, "capabilities"),
        ("HostConfig", "CapAdd", ["NET_RAW"], "capabilities"),
        ("HostConfig", "Privileged", True, "privileged"),
        ("HostConfig", "SecurityOpt", None, "gain privileges"),
        ("HostConfig", "SecurityOpt", ["no-new-privileges:false"], "gain privileges"),
        ("HostConfig", "SecurityOpt", ["no-new-privileges", "seccomp=unconfined"], "seccomp"),
        ("HostConfig", "Memory", 0, "memory"),
        ("HostConfig", "PidsLimit", None, "processes has no limit"),
        ("HostConfig", "PidMode", "host", "shares"),
        ("HostConfig", "NetworkMode", "host", "shares"),
        ("HostConfig", "PortBindings", {"8000/tcp": [{"HostPort": "8000"}]}, "published"),
        ("HostConfig", "Devices", [{"PathOnHost": "/dev/kvm"}], "devices"),
        ("NetworkSettings", "Networks", {"lab": {}, "front": {}}, "way out"),
    ],
)
def test_a_container_that_is_less_contained_is_caught(part: str, key: str, value: object, fault: str) -> None:
    facts = copy.deepcopy(CONTAINED)
    assert all(containment.declared(facts, frozenset({"lab"}), is_proxy=False).values())

    facts[part][key] = value
    held = containment.declared(facts, frozenset({"lab"}), is_proxy=False)

    assert [fault in what for what, holds in held.items() if not holds] == [True]


def test_a_mounted_folder_of_the_machine_is_caught() -> None:
    facts = {**CONTAINED, "Mounts": [{"Type": "bind"}]}

    held = containment.declared(facts, frozenset({"lab"}), is_proxy=False)

    assert [what for what, holds in held.items() if not holds] == ["it has a folder of this machine"]


@pytest.mark.parametrize("codec", [PLAIN, ENGINE_IO])
def test_a_seed_and_a_number_always_make_the_same_case(codec: Any) -> None:
    made = [cases.make(7, number, "127.0.0.1:80", codec.query, codec) for number in range(1500)]

    assert made == [cases.make(7, number, "127.0.0.1:80", codec.query, codec) for number in range(1500)]
    assert made != [cases.make(8, number, "127.0.0.1:80", codec.query, codec) for number in range(1500)]
    right = [case for case in made if case.head.startswith(b"GET /") and b"Upgrade: websocket\r\n" in case.head]
    assert len(right) > 900  # most get as far as frames


def test_fragments_are_left_out_wherever_a_server_takes_the_frames_to_begin() -> None:
    whole, part = encode(TEXT, b"hello", key=bytes(4)), encode(CONTINUATION, b"never begun", key=bytes(4))

    def case(head: bytes, *frames: bytes) -> cases.Case:
        return cases.Case(1, head, frames, waits=True, pieces=1, end="close")

    head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert case(head, whole, part, whole).without_fragments() == case(head, whole)
    assert case(head, whole, whole).without_fragments() == case(head, whole, whole)
    # The head ends before it was meant to, and what follows is taken for a frame whose FIN is not set.
    assert case(head + b"flate;;\r\n\r\n", whole).without_fragments() == case(head)
    # It ends in what was meant for a frame, or nowhere.
    late = encode(TEXT, b"\r\n\r\n", masked=False)
    assert case(head[:-2], late, part).without_fragments() == case(head[:-2], late)
    assert case(head[:-4], whole, part).without_fragments() == case(head[:-4], whole, part)


@pytest.mark.parametrize("host", ["1.1.1.1", "2606:4700::1111", "lab.example"])
def test_nothing_is_attacked_but_this_machine_and_private_networks(host: str) -> None:
    with pytest.raises(LabError, match="is no address of this machine or of a private network"):
        place(host, 80)


def test_the_attacks_are_listed_and_a_wrong_name_is_told() -> None:
    listed = commands.echowall("attack", "--list")
    wrong = commands.echowall("attack", "--only", "ddos")

    assert listed.returncode == 0
    assert all(attack.id in listed.stdout for attack in ATTACKS)
    assert wrong.returncode == 2
    assert "there is no such attack" in wrong.stderr


# docs/security.md


def attack_run(began: datetime, *found: Outcome) -> AttackRun:
    """A run of the fuzz that is over."""
    facts = Beginning().facts("processes") | {
        "began": began,
        "id": f"{began:%Y%m%dT%H%M%SZ}-1234567",
        "commit": "1234567",
    }
    return AttackRun(**facts | {"clean": True}, seed=7, attacks=[fuzz.FUZZ], outcomes=list(found))


def outcome(target: str, faults: list[str], *, tried: int = 500) -> Outcome:
    figures = {"descriptors before": 9.0} if tried else {}
    return Outcome(attack="fuzz", target=target, tried=tried, faults=faults, measured=figures, seconds=3.5)


def test_the_document_has_the_newest_outcome_of_each_target_and_what_did_not_hold(tmp_path: Path) -> None:
    assert "no run" in security.document(tmp_path)
    older, newer = datetime(2026, 11, 28, tzinfo=UTC), datetime(2026, 11, 29, tzinfo=UTC)
    store.add(attack_run(older, outcome("one", ["it was down | for a while"]), outcome("two", ["it leaked"])), tmp_path)
    store.add(attack_run(newer, outcome("one", []), outcome("three", [], tried=0)), tmp_path)

    text = security.document(tmp_path)

    assert "| 1,000 | 1 of 2 |" in text  # what was not tried is not counted
    assert "| one | 500 | 9 | 3.5 | yes |" in text
    assert "| two | 500 | 9 | 3.5 | no |" in text
    assert "- `fuzz` two: it leaked" in text
    assert "it was down" not in text
    assert text.count("../results/attack/") == 2

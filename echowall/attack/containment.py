"""What keeps a service that was taken over where it is: what the engine was told, and what the kernel holds it to."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

from echowall.attack.ground import Ground
from echowall.lab.containers import Containers
from echowall.results.model import Attack, Outcome

CONTAINMENT = Attack(
    id="containment",
    does="`docker inspect` of each container of the lab, and a look at what the kernel says of its first process.",
    holds="No root, a read-only file system, no capabilities and no way to new ones, limits of memory and processes, "
    "no network but the lab's own, from which no route leads out, and no published port but the proxy's.",
)


async def attack(ground: Ground) -> AsyncGenerator[Outcome, None]:
    """Each container of the services, the proxy and Redis."""
    if not isinstance(ground.lab, Containers):
        why = "the lab runs as processes: `make up DOCKER=yes` runs it in containers"
        yield Outcome(
            attack=CONTAINMENT.id, target="containers", tried=0, faults=[], measured={}, seconds=0.0, skipped=why
        )
        return
    names = {"proxy", "redis", *(service.name for service in ground.services)}
    internal = ground.lab.internal_networks()
    for facts in ground.lab.inspect_all():
        part = facts["Config"]["Labels"]["com.docker.compose.service"]
        if part not in names:
            continue
        began = time.monotonic()
        held = {**declared(facts, internal, is_proxy=part == "proxy"), **_effective(facts, is_proxy=part == "proxy")}
        yield Outcome(
            attack=CONTAINMENT.id,
            target=part,
            tried=len(held),
            faults=[fault for fault, holds in held.items() if not holds],
            measured={},
            seconds=round(time.monotonic() - began, 1),
        )


def declared(facts: dict[str, Any], internal: frozenset[str], *, is_proxy: bool) -> dict[str, bool]:
    """Of what `docker inspect` says of a container: the fault that each fact would be, and whether all is well.

    `internal` are the networks from which the engine lets nothing out.
    """
    host, user = facts["HostConfig"], str(facts["Config"]["User"])
    networks = set(facts["NetworkSettings"]["Networks"])
    published = {port for port, bindings in (host["PortBindings"] or {}).items() if bindings}
    expected = {"8080/tcp"} if is_proxy else set()
    return {
        f"it runs as root (its user is {user!r})": user.partition(":")[0] not in ("", "0", "root"),
        "its file system can be written to": bool(host["ReadonlyRootfs"]),
        "it keeps capabilities": "ALL" in (host["CapDrop"] or []) and not host["CapAdd"],
        "it is privileged": not host["Privileged"],
        "it may gain privileges": any(
            option.startswith("no-new-privileges") and not option.endswith("false")
            for option in host["SecurityOpt"] or []
        ),
        "seccomp or AppArmor is switched off": not any("unconfined" in option for option in host["SecurityOpt"] or []),
        "its memory has no limit": host["Memory"] > 0,
        "its number of processes has no limit": (host["PidsLimit"] or 0) > 0,
        "it shares the machine's processes, network or IPC": not any(
            str(host[key]) == "host" for key in ("PidMode", "NetworkMode", "IpcMode", "UTSMode", "UsernsMode")
        ),
        f"it is on a network with a way out ({', '.join(sorted(networks - internal))})": is_proxy
        or networks <= internal,
        f"its ports are published ({', '.join(sorted(published - expected))})": published <= expected,
        "it has a folder of this machine": not any(mount["Type"] == "bind" for mount in facts["Mounts"]),
        "it has devices of this machine": not host["Devices"],
    }


def _effective(facts: dict[str, Any], *, is_proxy: bool) -> dict[str, bool]:
    """The same of what the kernel says of the container's first process; nothing where that is on another machine."""
    process = Path("/proc") / str(facts["State"]["Pid"])
    with suppress(OSError, KeyError):
        lines = (process / "status").read_text().splitlines()
        status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
        held = {
            "the kernel runs it as root": "0" not in status["Uid"],
            "the kernel lets it have capabilities": all(int(status[it][0], 16) == 0 for it in ("CapEff", "CapBnd")),
            "the kernel lets it gain privileges": status["NoNewPrivs"] == ["1"],
            "the kernel filters none of its system calls": status["Seccomp"] == ["2"],
        }
        if not is_proxy:
            routes = [line.split() for line in (process / "net/route").read_text().splitlines()[1:]]
            held["it has a route out"] = not any(route[1] == "00000000" for route in routes)
        return held
    return {}

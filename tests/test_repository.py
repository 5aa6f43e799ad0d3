"""What has to agree across the repository. What every exhibit has to be is in tests/test_lint.py."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess

import pytest
import yaml

from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT, Service
from echowall.lab import system

SERVICES = catalog.load()
NAMES = {service.name for service in SERVICES}
COMPOSE, BASE, BLOCKS = (
    yaml.safe_load((ROOT / file).read_text("utf-8"))
    for file in ("docker-compose.yml", "services/base.yaml", "services/stacks.yaml")
)
each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


def test_every_profile_starts_the_proxy_and_redis_and_without_one_all_start() -> None:
    assert COMPOSE["include"] == ["services/stacks.yaml"]
    assert BLOCKS["services"].keys() == NAMES
    assert [name for name, block in COMPOSE["services"].items() if "profiles" not in block] == ["proxy", "redis"]
    assert "COMPOSE_PROFILES=all" in (ROOT / ".env").read_text().splitlines()


def test_a_stack_started_alone_brings_the_proxy_and_redis() -> None:
    assert BASE["services"]["stack"]["depends_on"] == ["redis", "proxy"]


def test_only_the_proxy_is_published_and_what_takes_load_from_this_machine() -> None:
    blocks = COMPOSE["services"] | BASE["services"] | BLOCKS["services"]
    published = {name: block["ports"] for name, block in blocks.items() if "ports" in block}

    assert published == {
        "proxy": ["${ECHOWALL_BIND:-127.0.0.1}:${ECHOWALL_PORT:-8080}:8080"],
        "load-scheduler": ["127.0.0.1:${ECHOWALL_SCHEDULER_PORT:-8786}:8786"],
    }
    assert COMPOSE["services"]["load-scheduler"]["profiles"] == ["load"]  # so it is not there unless it is wanted
    assert COMPOSE["networks"]["lab"] == {"internal": True}


@each_service
def test_a_container_is_hardened(service: Service) -> None:
    part, stack, block = BASE["services"]["part"], BASE["services"]["stack"], BLOCKS["services"][service.name]

    assert part["read_only"]
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges"]
    assert part["networks"] == ["lab"]
    assert set(part["deploy"]["resources"]["limits"]) == {"memory", "pids"}
    assert stack["extends"] == {"service": "part"}
    assert part.keys() & stack.keys() == {"healthcheck"}  # nothing of the above is taken back
    assert block["extends"] == {"file": "base.yaml", "service": "stack"}
    assert block.keys() == {"extends", "build", "profiles"}


def test_compose_reads_of_every_stack_what_is_common_and_what_is_its_own() -> None:
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], check=False).returncode:
        pytest.skip("there is no Docker Compose here to read its files")
    command = ["docker", "compose", "--profile", "all", "config", "--format", "json"]
    folder = ROOT / "services"  # where it has to find no other project than the one above
    read = json.loads(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout)[
        "services"
    ]

    assert read.keys() == {*NAMES, "proxy", "redis"}
    for service in SERVICES:
        block = read[service.name]
        assert block["build"]["context"] == str(ROOT / "services" / service.name)
        room = {} if service.era == "yardstick" else {"room": str(ROOT / "services/_room")}  # which is for Python
        assert block["build"].get("additional_contexts", {}) == room
        assert block["profiles"] == ["all", service.era]
        assert block["depends_on"].keys() == {"redis", "proxy"}
        assert block["networks"].keys() == {"lab"}
        assert (block["read_only"], block["cap_drop"]) == (True, ["ALL"])
        assert (block["healthcheck"]["test"][1], block["healthcheck"]["retries"]) == ("bash", 3)


def test_no_registry_is_named_anywhere() -> None:
    # Spelt apart, so that this file does not name them either.
    hosts = ["pypi" + ".org", "files." + "pythonhosted", "registry." + "npmjs", "docker" + ".io/", "hub." + "docker"]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    found = [
        (name, host) for name in tracked for host in hosts if host in (ROOT / name).read_text("utf-8", errors="ignore")
    ]

    assert found == []


def test_no_test_check_or_page_names_a_service() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "e2e/*.py", "echowall", "frontend/js", "frontend/index.html", "nginx/nginx.conf"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    # A stack may be called as a command that the lab runs.
    quoted = re.compile(rf"""["'/](?:{"|".join(sorted(NAMES - system.COMMANDS.keys()))})["'/]""")
    found = [(name, match[0]) for name in tracked for match in quoted.finditer((ROOT / name).read_text("utf-8"))]

    assert found == []


def test_no_two_rooms_share_a_function_longer_than_eight_lines() -> None:
    """What is the same in two stacks belongs into services/_room."""
    functions: dict[str, set[str]] = {}
    for service in SERVICES:
        file = ROOT / "services" / service.name / "chat.py"
        for node in ast.walk(ast.parse(file.read_text("utf-8"))) if file.exists() else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.unparse(node)  # without comments, blank lines and the way it is wrapped
                if len(text.splitlines()) > 8:
                    functions.setdefault(text.replace(service.name, "NAME"), set()).add(service.name)

    assert {text: names for text, names in functions.items() if len(names) > 1} == {}


def test_actions_of_the_workflows_are_pinned_by_commit_and_tell_their_version() -> None:
    lines = [
        line.strip()
        for file in (ROOT / ".github/workflows").glob("*.yml")
        for line in file.read_text("utf-8").splitlines()
        if re.match(r"\s*(- )?uses:", line)
    ]

    assert lines
    for line in lines:
        assert re.fullmatch(r"- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_the_tool_is_built_by_the_setuptools_that_is_locked() -> None:
    for file, lock in (("bootstrap", "requirements.txt"), ("load/Dockerfile", "requirements-distributed.txt")):
        [build] = [line for line in (ROOT / file).read_text("utf-8").splitlines() if "--editable" in line]
        assert "--no-build-isolation" in build, file  # otherwise pip downloads another, and checks no hash
        assert re.search(r"^setuptools==\S+ \\\n +--hash=", (ROOT / lock).read_text("utf-8"), re.M), lock

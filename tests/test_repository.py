"""What has to agree across the repository, and what every exhibit has to be."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from echowall import catalog, readme
from echowall.catalog import ROOT, Service

SERVICES = catalog.load()
NAMES = {service.name for service in SERVICES}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


def folder(service: Service) -> Path:
    return ROOT / "services" / service.name


def test_compose_file_has_the_services_of_the_catalog() -> None:
    assert set(COMPOSE["services"]) - {"proxy", "redis", "e2e"} == NAMES


@each_service
def test_a_profile_starts_the_stacks_of_its_era(service: Service) -> None:
    assert COMPOSE["services"][service.name]["profiles"] == ["all", service.era]
    assert "profiles" not in COMPOSE["services"]["proxy"]
    assert "COMPOSE_PROFILES=all" in (ROOT / ".env").read_text().splitlines()


@each_service
def test_a_stack_started_alone_brings_the_proxy_and_redis(service: Service) -> None:
    assert COMPOSE["services"][service.name]["depends_on"] == ["redis", "proxy"]


def test_only_the_proxy_is_published_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}

    assert published == {"proxy": ["${ECHOWALL_BIND:-127.0.0.1}:${ECHOWALL_PORT:-8080}:8080"]}
    assert COMPOSE["networks"]["lab"] == {"internal": True}


@each_service
def test_a_container_is_hardened(service: Service) -> None:
    block = COMPOSE["services"][service.name]

    assert block["read_only"]
    assert block["cap_drop"] == ["ALL"]
    assert block["security_opt"] == ["no-new-privileges"]
    assert block["networks"] == ["lab"]
    assert set(block["deploy"]["resources"]["limits"]) == {"memory", "pids"}
    assert block["build"] == f"services/{service.name}"


@each_service
def test_an_image_is_built_on_the_one_base_and_not_as_root(service: Service) -> None:
    text = (folder(service) / "Dockerfile").read_text()

    assert {line.split()[1] for line in text.splitlines() if line.startswith("FROM")} == {"python:3.13-slim-trixie"}
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.MULTILINE)
    assert re.search(r'^CMD \["\./run"\]$', text, re.MULTILINE)


@each_service
def test_what_it_needs_to_install_is_the_same_in_its_image(service: Service) -> None:
    text = (folder(service) / "Dockerfile").read_text()

    # python3-dev is Debian's; the base image has its own headers.
    assert [package for package in service.system_packages if package not in text and package != "python3-dev"] == []


@each_service
def test_requirements_are_locked_with_hashes_and_match(service: Service) -> None:
    wanted = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", (folder(service) / "requirements.in").read_text(), re.M)
    locked = (folder(service) / "requirements.txt").read_text()

    assert wanted
    for name, version in wanted:
        assert re.search(rf"^{re.escape(name)}(\[[\w,-]+\])?=={re.escape(version)}\s", locked, re.M | re.I), name
    pins = re.findall(r"^[\w.-]+(?:\[.*?\])?==\S+.*\\\n(?:\s+# .*\n)*\s+--hash=sha256:[0-9a-f]{64}", locked, re.M)
    assert len(pins) == len(re.findall(r"^[\w.-]+.*==", locked, re.M))


@each_service
def test_the_start_command_is_executable_and_replaces_its_shell(service: Service) -> None:
    run = folder(service) / "run"

    assert os.access(run, os.X_OK)
    assert re.search(r"^exec ", run.read_text(), re.MULTILINE)


@each_service
def test_an_exhibit_compiles_and_fits_on_two_screens(service: Service) -> None:
    text = (folder(service) / "app.py").read_text()

    compile(text, "app.py", "exec")
    assert len(text.splitlines()) <= 120


@each_service
def test_the_chat_room_stands_alone_and_is_short(service: Service) -> None:
    text = (folder(service) / "chat.py").read_text()

    tree = ast.parse(text, "chat.py")
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "app" not in modules
    assert len([line for line in text.splitlines() if line.strip()]) < 100


@each_service
def test_maintenance_follows_from_the_latest_release(service: Service) -> None:
    words = {"active": (0, 1), "occasional": (1, 3), "dormant": (3, 100)}
    youngest, oldest = words[service.maintenance]
    # At the newest release in the catalog, so that the verdict does not change with the day the test runs.
    years = (max(other.released for other in SERVICES) - service.released).days / 365

    assert youngest - 0.3 <= years <= oldest


def test_readme_has_the_table_of_stacks() -> None:
    for file in ROOT.glob("README*.md"):
        assert readme.refreshed(file, SERVICES) == file.read_text("utf-8"), "run `make format`"


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
    quoted = re.compile(rf"""["'/](?:{"|".join(sorted(NAMES))})["'/]""")
    found = [(name, match[0]) for name in tracked for match in quoted.finditer((ROOT / name).read_text("utf-8"))]

    assert found == []

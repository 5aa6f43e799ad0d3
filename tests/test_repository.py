"""What has to agree across the repository. What every exhibit has to be is in tests/test_lint.py."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT, Service
from echowall.lab import system

SERVICES = catalog.load()
NAMES = {service.name for service in SERVICES}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


def test_every_profile_starts_the_proxy_and_redis_and_without_one_all_start() -> None:
    assert [name for name, block in COMPOSE["services"].items() if "profiles" not in block] == ["proxy", "redis"]
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

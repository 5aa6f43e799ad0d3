"""What the tools of several machines are told: Docker Swarm and Kubernetes."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner

from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT, Service
from echowall.cli import app
from echowall.deploy import parts

SERVICES = catalog.load()
PARTS = parts.read(SERVICES)
NAMES = [service.name for service in SERVICES]
ALL = ["proxy", "redis", *NAMES]
each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
Object = dict[str, Any]


def deploy(*arguments: str) -> str:
    """What `echowall deploy` prints."""
    done = CliRunner().invoke(app, [f"deploy {arguments[0]}", *arguments[1:]], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def manifests() -> list[Object]:
    return list(yaml.safe_load_all(deploy("kubernetes", "--gateway", "infra/main", "--host", "lab.example.org")))


@pytest.fixture(scope="module")
def swarm() -> Object:
    read: Object = yaml.safe_load(deploy("swarm", "--images", "registry.example.org/lab", "--tag", "3"))
    return read


def named(manifests: list[Object], kind: str) -> dict[str, Object]:
    """The objects of that kind by their names."""
    return {it["metadata"]["name"]: it for it in manifests if it["kind"] == kind}


def pods(manifests: list[Object]) -> dict[str, Object]:
    """The templates of the pods, by the names of what makes them."""
    makers = named(manifests, "Deployment") | named(manifests, "StatefulSet")
    return {name: maker["spec"]["template"] for name, maker in makers.items()}


@pytest.mark.parametrize("version", ["1.29.0", kubernetes_validate.latest_version()])
def test_every_object_is_valid_for_kubernetes(manifests: list[Object], version: str) -> None:
    # The Gateway API is not part of Kubernetes, so its schema is not there.
    for it in manifests:
        if it["kind"] != "HTTPRoute":
            kubernetes_validate.validate(it, version, strict=True)


def test_every_service_has_pods_an_address_and_a_disruption_budget(manifests: list[Object]) -> None:
    assert sorted(pods(manifests)) == sorted(ALL)
    assert sorted(named(manifests, "Service")) == sorted(ALL)
    assert sorted(named(manifests, "PodDisruptionBudget")) == sorted([*NAMES, "proxy"])


def test_what_selects_pods_selects_those_of_its_own_name(manifests: list[Object]) -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(manifests).items()}
    for kind in ("Deployment", "StatefulSet", "PodDisruptionBudget", "Service"):
        for name, it in named(manifests, kind).items():
            selector = it["spec"]["selector"]
            wanted = selector.get("matchLabels", selector).items()
            assert [other for other, its in labels.items() if wanted <= its.items()] == [name], f"{kind} {name}"


def test_every_address_leads_to_a_port_of_its_pods(manifests: list[Object]) -> None:
    for name, it in named(manifests, "Service").items():
        (port,) = it["spec"]["ports"]
        (container,) = pods(manifests)[name]["spec"]["containers"]
        assert [own["name"] for own in container["ports"]] == [port["targetPort"]]


def test_the_proxy_finds_each_service_and_each_service_finds_redis(manifests: list[Object]) -> None:
    addresses = named(manifests, "Service")
    (configuration,) = named(manifests, "ConfigMap").values()
    for name in NAMES:
        (port,) = addresses[name]["spec"]["ports"]
        (container,) = pods(manifests)[name]["spec"]["containers"]
        assert f"{name} {name}.echowall.svc.cluster.local:{port['port']};" in configuration["data"]["lab.conf"]
        assert {"name": "REDIS_URL", "value": "redis://redis:6379/0"} in container["env"]
    assert addresses["redis"]["spec"]["ports"][0]["port"] == 6379
    assert all(addresses[name]["spec"]["clusterIP"] == "None" for name in [*NAMES, "redis"])


def test_the_route_leads_to_the_proxy_lets_websockets_pass_and_ends_none(manifests: list[Object]) -> None:
    (route,) = named(manifests, "HTTPRoute").values()
    (rule,) = route["spec"]["rules"]
    (port,) = named(manifests, "Service")["proxy"]["spec"]["ports"]

    assert route["spec"]["parentRefs"] == [{"name": "main", "namespace": "infra"}]
    assert route["spec"]["hostnames"] == ["lab.example.org"]
    assert rule["backendRefs"] == [{"name": "proxy", "port": port["port"]}]
    assert rule["timeouts"] == {"request": "0s"}
    assert port["appProtocol"] == "kubernetes.io/ws"


@pytest.mark.parametrize("name", ALL)
def test_a_pod_is_hardened_as_a_container_of_compose_is(manifests: list[Object], name: str) -> None:
    spec = pods(manifests)[name]["spec"]
    (container,) = spec["containers"]

    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"] == {"memory": "512Mi"}
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not spec["automountServiceAccountToken"]
    assert not spec["enableServiceLinks"]
    assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]  # noqa: S108


@each_service
def test_a_pod_is_told_to_end_once_nobody_is_sent_to_it_and_has_its_time(
    manifests: list[Object], service: Service
) -> None:
    spec = pods(manifests)[service.name]["spec"]
    (container,) = spec["containers"]
    (command, seconds) = container["lifecycle"]["preStop"]["exec"]["command"]

    assert command == "sleep"
    assert int(seconds) > 5  # as long as CoreDNS lets an answer be kept
    assert spec["terminationGracePeriodSeconds"] >= int(seconds) + 5  # what the contract gives a service
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()


def test_only_the_proxy_is_reached_from_outside_and_nothing_reaches_out(manifests: list[Object]) -> None:
    policies = named(manifests, "NetworkPolicy")
    selected = {name: it["spec"]["podSelector"]["matchLabels"] for name, it in policies.items()}

    for pod in pods(manifests).values():
        labels = pod["metadata"]["labels"].items()
        (own,) = (name for name, wanted in selected.items() if wanted.items() <= labels)
        spec = policies[own]["spec"]
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        assert all("from" in way for way in spec["ingress"]) == (own != "proxy")
        for way in spec["egress"]:
            assert "to" in way or {port["port"] for port in way["ports"]} == {53}, f"{own} may reach anything"


def test_pods_come_anew_with_another_configuration_of_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    def annotations() -> Object:
        found: Object = pods(list(yaml.safe_load_all(deploy("kubernetes"))))["proxy"]["metadata"]["annotations"]
        return found

    before = annotations()
    monkeypatch.setenv("ECHOWALL_TRUSTED_PROXIES", "10.0.0.0/8")

    assert annotations() != before


def test_only_chosen_services_are_deployed() -> None:
    chosen = NAMES[0]
    manifests = list(yaml.safe_load_all(deploy("kubernetes", chosen, "--replicas", "5", "--namespace", "mine")))

    assert sorted(pods(manifests)) == sorted(["proxy", "redis", chosen])
    assert named(manifests, "Deployment")[chosen]["spec"]["replicas"] == 5
    assert {it["metadata"].get("namespace", "mine") for it in manifests} == {"mine"}
    assert set(yaml.safe_load(deploy("swarm", chosen))["services"]) == {"proxy", "redis", chosen}
    assert set(yaml.safe_load(deploy("images", chosen))["services"]) == {"proxy", chosen}


@pytest.mark.parametrize("wrong", [("--namespace", "Mine"), ("--gateway", "a/b/c"), ("--gateway", ""), ("nobody",)])
def test_a_wrong_name_is_refused(wrong: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, ["deploy kubernetes", *wrong])

    assert done.exit_code != 0
    assert not done.stdout


def test_swarm_rolls_a_service_one_replica_at_a_time(swarm: Object) -> None:
    for name in NAMES:
        block = swarm["services"][name]
        assert block["image"] == f"registry.example.org/lab-{name}:3"
        assert block["deploy"]["replicas"] == 2
        assert block["deploy"]["update_config"] == {
            "parallelism": 1, "delay": "5s", "order": "start-first", "failure_action": "rollback",
        }  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_a_container_of_swarm_is_what_compose_runs(swarm: Object, name: str) -> None:
    block = swarm["services"][name]
    of_compose = {"proxy": PARTS.proxy, "redis": PARTS.redis, **PARTS.stacks}[name]

    for key in ("read_only", "cap_drop", "networks", "environment", "init", "user", "stop_grace_period", "ulimits"):
        assert block.get(key) == of_compose.get(key), key
    assert block["deploy"]["resources"] == of_compose["deploy"]["resources"]
    assert block["deploy"]["endpoint_mode"] == "dnsrr"
    assert {"type": "tmpfs", "target": "/tmp"} in block["volumes"]  # noqa: S108
    assert ("ports" in block) == (name == "proxy")
    assert swarm["networks"]["lab"]["internal"]


@pytest.mark.parametrize("name", ALL)
def test_a_container_of_swarm_soon_gives_up_a_node_that_died_without_a_word(swarm: Object, name: str) -> None:
    sysctls = {
        key.removeprefix("net.ipv4.tcp_"): int(value) for key, value in swarm["services"][name]["sysctls"].items()
    }

    # Each attempt of TCP waits twice as long as the one before, and the first one 0.2 s at least.
    assert 10 < 0.2 * (2 ** (sysctls["retries2"] + 1) - 1) < 30
    asked = sysctls["keepalive_time"] + sysctls["keepalive_intvl"] * sysctls["keepalive_probes"]
    assert 10 < asked <= 30


def test_nginx_asks_by_keepalive_whether_a_replica_is_still_there() -> None:
    assert "proxy_socket_keepalive on;" in (ROOT / "nginx/nginx.conf").read_text("utf-8")


def test_swarm_takes_the_file() -> None:
    if not shutil.which("docker"):
        pytest.skip("there is no Docker here to read the file")
    command = ["docker", "stack", "config", "--compose-file", "-"]
    read = subprocess.run(command, input=deploy("swarm"), capture_output=True, text=True, check=False)

    assert read.returncode == 0, read.stderr
    assert not read.stderr, "Swarm passes over something"
    assert yaml.safe_load(read.stdout)["services"].keys() == set(ALL)


def test_the_parts_are_as_compose_itself_reads_them() -> None:
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], check=False).returncode:
        pytest.skip("there is no Docker Compose here to read its files")
    command = ["docker", "compose", "--profile", "all", "config", "--format", "json"]
    read = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)["services"]

    for name, block in {"proxy": PARTS.proxy, "redis": PARTS.redis, **PARTS.stacks}.items():
        assert {*block["networks"]} == read[name]["networks"].keys()
        for key in ("read_only", "cap_drop", "security_opt", "tmpfs", "environment", "user", "stop_grace_period"):
            assert block.get(key) == read[name].get(key), f"{name}: {key}"
        assert int(read[name]["deploy"]["resources"]["limits"]["memory"]) == 512 * 2**20
        assert block["healthcheck"]["test"] == read[name]["healthcheck"]["test"]

"""What `kubectl apply` is told: a Deployment of each stack, the proxy with a route to it, and Redis.

The objects are those of Kubernetes 1.29 or later, and of the Gateway API 1.2 or later.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from echowall.catalog.catalog import ROOT, Service
from echowall.deploy.parts import Block, Images, Parts
from echowall.lab import site

Object = dict[str, Any]
"""As the API has it."""

_PORT, _PROXY_PORT, _REDIS_PORT = 8000, 8080, 6379
#: The user of our own images. Redis runs as anyone who may write to its volume.
_USER = 65532
#: Seconds in which the other nodes and nginx's resolver hear that a pod is about to end; only then is it told. CoreDNS
#: lets an answer be kept for 5 s, and nginx keeps it for 1 s more.
_UNHEARD = 7
#: Seconds in which nginx, told to quit, serves the sockets that it has. Then they are cut, and come again elsewhere.
_DRAIN = 30
#: Where the proxy finds its configuration.
_OWN = "/own"
#: What a pod asks for; the limit of its memory is Compose's.
_REQUESTS = {"cpu": "50m", "memory": "64Mi"}


class Gateway(NamedTuple):
    """The Gateway of the cluster that the route belongs to."""

    name: str
    namespace: str = ""
    """Empty where it is in the lab's own."""
    hosts: tuple[str, ...] = ()
    """For which host names it routes to the lab; for all, if none are given."""


def rendered(
    services: list[Service],
    chosen: list[Service],
    parts: Parts,
    images: Images,
    *,
    replicas: int,
    namespace: str,
    gateway: Gateway,
    resolver: str,
    trusted: Iterable[str] = (),
    root: Path = ROOT,
) -> str:
    """The manifests of a lab of the `chosen` services; the proxy knows all `services`.

    `resolver` is the cluster's DNS server, and `trusted` are the addresses and networks of the proxies in front.
    """
    upstreams = {it.name: f"{it.name}.{namespace}.svc.cluster.local:{_PORT}" for it in services}
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        hosts = gateway.hosts or [site.ANY_HOST]  # the Gateway's listeners decide then
        site.configure_container(
            services, made, upstreams=upstreams, resolver=resolver, trusted=trusted, hosts=hosts, root=root
        )
        configuration = {file.name: file.read_text("utf-8") for file in sorted(made.iterdir())}
    home = _object("v1", "Namespace", namespace)
    home["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "restricted"}
    objects = [
        *_redis(parts.redis),
        *_proxy(parts.proxy, images, configuration, replicas, gateway),
    ]
    for service in chosen:
        objects += _stack(service.name, parts.stacks[service.name], images, replicas)
    objects += _ways()
    for it in objects:
        it["metadata"]["namespace"] = namespace
    return yaml.safe_dump_all([home, *objects], sort_keys=False, width=120)


def _stack(name: str, block: Block, images: Images, replicas: int) -> list[Object]:
    about = {"httpGet": {"path": "/about", "port": "ws"}}
    container = {
        "image": images.of(name),
        "env": [{"name": key, "value": value} for key, value in block["environment"].items()],
        "ports": [{"name": "ws", "containerPort": _PORT}],
        "startupProbe": about | {"periodSeconds": 1, "failureThreshold": 60},
        "readinessProbe": about | {"periodSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 2},
        "livenessProbe": about | {"periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 3},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(_UNHEARD)]}}},
    }
    pod = _pod(name, block, container, ends_in=_UNHEARD + _seconds(block["stop_grace_period"]))
    return [
        _deployment(name, replicas, pod),
        # Without an address of its own, so that nginx sees each replica, as in Compose.
        _service(name, "ws", _PORT, clusterIP="None"),
        _disruption_budget(name),
    ]


def _proxy(
    block: Block, images: Images, configuration: Mapping[str, str], replicas: int, gateway: Gateway
) -> list[Object]:
    health = {"httpGet": {"path": "/healthz", "port": "http"}}
    container = {
        "image": images.of("proxy"),
        "command": ["nginx", "-p", "/tmp/", "-c", f"{_OWN}/nginx.conf", "-g", "daemon off;"],  # noqa: S108
        "ports": [{"name": "http", "containerPort": _PROXY_PORT}],
        "readinessProbe": health | {"periodSeconds": 5, "timeoutSeconds": 3},
        "livenessProbe": health | {"periodSeconds": 20, "timeoutSeconds": 5},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(_UNHEARD)]}}},
        "volumeMounts": [{"name": "configuration", "mountPath": _OWN, "readOnly": True}],
    }
    pod = _pod("proxy", block, container, ends_in=_UNHEARD + _DRAIN)
    pod["spec"]["volumes"].append({"name": "configuration", "configMap": {"name": "proxy"}})
    # So that other pods come with another configuration: nginx reads it when it starts.
    pod["metadata"]["annotations"] = {"echowall/configuration": _digest(configuration)}
    # `0s`: no bound, as a socket may stay open for ever (Gateway API, HTTPRouteTimeouts).
    rule = {"backendRefs": [{"name": "proxy", "port": 80}], "timeouts": {"request": "0s"}}
    parent = {"name": gateway.name, **({"namespace": gateway.namespace} if gateway.namespace else {})}
    route: Object = {"parentRefs": [parent], "rules": [rule]}
    if gateway.hosts:
        route["hostnames"] = list(gateway.hosts)
    return [
        _object("v1", "ConfigMap", "proxy", data=dict(configuration)),
        _deployment("proxy", replicas, pod),
        # The protocol tells a gateway that upgrades to WebSocket have to pass (KEP-3726).
        _service("proxy", "http", 80, appProtocol="kubernetes.io/ws"),
        _disruption_budget("proxy"),
        _object("gateway.networking.k8s.io/v1", "HTTPRoute", "proxy", spec=route),
    ]


def _redis(block: Block) -> list[Object]:
    ping = {"exec": {"command": block["healthcheck"]["test"][1:]}}
    container = {
        "image": block["image"],
        "args": block["command"],
        "workingDir": block["working_dir"],
        "ports": [{"name": "redis", "containerPort": _REDIS_PORT}],
        "readinessProbe": ping | {"periodSeconds": 5, "timeoutSeconds": 3},
        "livenessProbe": ping | {"periodSeconds": 20, "timeoutSeconds": 5},
        "volumeMounts": [{"name": "data", "mountPath": block["working_dir"]}],
    }
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    pod = _pod("redis", block, container, ends_in=30)
    spec = {"serviceName": "redis", "replicas": 1, "selector": _selector("redis"), "template": pod}
    return [
        _object("apps/v1", "StatefulSet", "redis", spec=spec | {"volumeClaimTemplates": [claim]}),
        _service("redis", "redis", _REDIS_PORT, clusterIP="None"),
    ]


def _ways() -> list[Object]:
    """Who may speak with whom, as Compose's networks have it: nothing but the proxy is reached from outside, and
    nothing reaches anything outside."""
    dns = {"ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}
    stacks, proxy, redis = (
        {"podSelector": {"matchLabels": {"echowall": kind}}} for kind in ("stack", "proxy", "redis")
    )

    def policy(name: str, of: Object, **allowed: list[Object]) -> Object:
        kinds = {"policyTypes": ["Ingress", "Egress"]}
        return _object("networking.k8s.io/v1", "NetworkPolicy", name, spec=of | kinds | allowed)

    def port(number: int) -> list[Object]:
        return [{"protocol": "TCP", "port": number}]

    return [
        policy(
            "stacks",
            stacks,
            ingress=[{"from": [proxy], "ports": port(_PORT)}],
            egress=[dns, {"to": [redis], "ports": port(_REDIS_PORT)}],
        ),
        policy(
            "proxy",
            proxy,
            ingress=[{"ports": port(_PROXY_PORT)}],
            egress=[dns, {"to": [stacks], "ports": port(_PORT)}],
        ),
        policy("redis", redis, ingress=[{"from": [stacks], "ports": port(_REDIS_PORT)}], egress=[]),
    ]


def _pod(name: str, block: Block, container: Object, *, ends_in: int) -> Object:
    """A pod's template, with what all parts have in common. `ends_in` is in seconds."""
    limits = {"memory": block["deploy"]["resources"]["limits"]["memory"] + "i"}  # Compose's M is 2^20 too
    mounts = [*container.pop("volumeMounts", []), *({"name": "tmp", "mountPath": path} for path in block["tmpfs"])]
    return {
        "metadata": {"labels": {"app": name, "echowall": _kind(name)}},
        "spec": {
            "automountServiceAccountToken": False,
            # Variables such as NAME_PORT, for each Service, would be taken by servers for settings of theirs.
            "enableServiceLinks": False,
            "shareProcessNamespace": True,  # so that what a server's workers leave is reaped
            "terminationGracePeriodSeconds": ends_in,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _USER,
                "runAsGroup": _USER,
                "fsGroup": _USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": _selector(name),
                }
            ],
            "containers": [
                {
                    "name": name,
                    **container,
                    "resources": {"requests": _REQUESTS, "limits": limits},
                    "securityContext": {
                        "readOnlyRootFilesystem": block["read_only"],
                        "allowPrivilegeEscalation": "no-new-privileges" not in block["security_opt"],
                        "capabilities": {"drop": block["cap_drop"]},
                    },
                    "volumeMounts": mounts,
                }
            ],
            "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}],
        },
    }


def _deployment(name: str, replicas: int, pod: Object) -> Object:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    spec = {"replicas": replicas, "selector": _selector(name), "strategy": rolling, "template": pod}
    return _object("apps/v1", "Deployment", name, spec=spec)


def _service(name: str, port_name: str, port: int, *, appProtocol: str = "", **spec: Any) -> Object:  # noqa: N803
    protocol = {"appProtocol": appProtocol} if appProtocol else {}
    ports = [{"name": port_name, "port": port, "targetPort": port_name, **protocol}]
    return _object("v1", "Service", name, spec={**spec, "selector": {"app": name}, "ports": ports})


def _disruption_budget(name: str) -> Object:
    """While nodes are emptied, one replica at a time may go."""
    spec = {"maxUnavailable": 1, "selector": _selector(name)}
    return _object("policy/v1", "PodDisruptionBudget", name, spec=spec)


def _object(version: str, kind: str, name: str, **fields: Any) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}


def _kind(name: str) -> str:
    return name if name in ("proxy", "redis") else "stack"


def _selector(name: str) -> Object:
    return {"matchLabels": {"app": name}}


def _seconds(duration: str) -> int:
    """Of Compose's stop_grace_period: `6s`."""
    return int(duration.removesuffix("s"))


def _digest(configuration: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(configuration.items())).encode()).hexdigest()[:16]

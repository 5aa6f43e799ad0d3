"""What `docker stack deploy` is told: each service with replicas on any of the nodes, and a proxy on every node."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from echowall.deploy.parts import Block, Images, Parts

#: What Swarm takes of a block as it is. It has no `security_opt`, and starts parts in any order.
_KEPT = (
    "image", "command", "environment", "init", "user", "working_dir", "read_only", "cap_drop", "networks",
    "stop_grace_period", "ulimits",
)  # fmt: skip
#: Compose's checks are few, since nobody acts on them. Swarm sends clients only to what is healthy, replaces what is
#: not, and has to hear soon of what has started: until then, Docker checks often for as long as the `start_period`.
_HEALTH = {"interval": "30s", "start_period": "5m"}
#: A replica is ready when it is healthy, and Swarm begins with the next one after this.
_BETWEEN = "5s"
#: A node that dies without a word (its power, its cable) sends no FIN. Linux gives TCP up after 15 minutes, and never
#: where nothing is sent. For so long a client that came by the proxy of another node would hear nothing, and the dead
#: node's own clients would be counted as present. With these it is about 30 seconds, both where something is sent and
#: where nginx has an idle connection (`proxy_socket_keepalive`).
_SYSCTLS = {
    "net.ipv4.tcp_retries2": "6",
    "net.ipv4.tcp_keepalive_time": "15",
    "net.ipv4.tcp_keepalive_intvl": "5",
    "net.ipv4.tcp_keepalive_probes": "3",
}
#: Set on the node whose disk keeps the room: `docker node update --label-add echowall.redis=yes NODE`.
_REDIS_NODE = "node.labels.echowall.redis == yes"


def rendered(parts: Parts, images: Images, *, replicas: int, port: int) -> str:
    """The file. The proxy listens at this port on all addresses of every node."""
    rolling = {"parallelism": 1, "delay": _BETWEEN, "order": "start-first", "failure_action": "rollback"}
    blocks = {
        "proxy": _block(
            parts.proxy,
            # What the image starts: Compose has a variable in its place.
            command=None,
            image=images.of("proxy"),
            # Not by the routing mesh, behind which all clients have one address and so share one client's limits.
            ports=[{"target": 8080, "published": port, "mode": "host"}],
            deploy={"mode": "global", "update_config": {"parallelism": 1, "delay": _BETWEEN}},
        ),
        "redis": _block(
            parts.redis,
            volumes=[{"type": "volume", "source": "redis", "target": parts.redis["working_dir"]}],
            deploy={"replicas": 1, "placement": {"constraints": [_REDIS_NODE]}},
        ),
    }
    for name, block in parts.stacks.items():
        blocks[name] = _block(
            block,
            image=images.of(name),
            deploy={"replicas": replicas, "update_config": rolling, "rollback_config": {"order": "start-first"}},
        )
    lab: dict[str, Any] = {
        "services": blocks,
        "volumes": {"redis": {}},
        "networks": {"front": {"driver": "overlay"}, "lab": {"driver": "overlay", "internal": True}},
    }
    return yaml.safe_dump(lab, sort_keys=False, default_flow_style=None, width=120)


def _block(block: Block, *, deploy: Block, volumes: Iterable[Block] = (), **own: Any) -> Block:
    """The block of one part: what Swarm takes of Compose's, and its own."""
    kept = {key: block[key] for key in _KEPT if key in block} | own
    kept["healthcheck"] = block["healthcheck"] | _HEALTH
    kept["sysctls"] = dict(_SYSCTLS)  # one of its own, or YAML has an alias in its place
    # Swarm passes over `tmpfs`.
    kept["volumes"] = [*volumes, *({"type": "tmpfs", "target": path} for path in block["tmpfs"])]
    # By DNS, as in Compose, so that nginx sees each replica. Behind a virtual address, IPVS forgets a connection that
    # is idle for 15 minutes.
    placed = {"endpoint_mode": "dnsrr", **block["deploy"], "restart_policy": {"condition": "any"}, **deploy}
    return {key: value for key, value in kept.items() if value is not None} | {"deploy": placed}

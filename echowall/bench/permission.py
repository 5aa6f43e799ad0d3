"""Whom a benchmark may load: this machine and private networks; others only if the user says so, and not much."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from echowall.results.model import Step

#: What an endpoint that is not on a private network is loaded with at most: messages a second, and connections.
MOST_RATE, MOST_CONNECTIONS = 1000.0, 100
#: RFC 1918, RFC 4193, RFC 6598, and what is on the link or the machine itself.
_PRIVATE = [
    ipaddress.ip_network(network)
    for network in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
]


def is_private(host: str) -> bool:
    """Whether every address of that host is of this machine or of a private network. One without any is not."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)}
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(_within(address) for address in found)


def _within(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in _PRIVATE if network.version == address.version)


def objection(url: str, host: str, steps: Iterable[Step], *, allowed: bool) -> str | None:
    """Why that endpoint may not be loaded so, in words for the user; None where it may."""
    if is_private(host):
        return None
    if not allowed:
        return (
            f"{url} is neither on this machine nor on a private network; "
            "if its owner lets you load it, say so by --i-may-load-this"
        )
    for step in steps:
        if step.rate is None and step.load != "idle":
            most = (
                "opens connections as fast as it can" if step.load == "connections" else "sends as much as comes back"
            )
            return f"{step.scenario} {most}, and {url} is not on a private network; choose another"
        rate = step.rate or 0.0
        if rate > MOST_RATE or step.connections > MOST_CONNECTIONS:
            return (
                f"{url} is not on a private network, and is loaded with {MOST_RATE:,.0f} messages a second and "
                f"{MOST_CONNECTIONS} connections at most, not with {rate:,.0f} and {step.connections}; "
                "lower --rate or --connections"
            )
    return None

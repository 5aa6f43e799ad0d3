"""`echowall deploy swarm`, `deploy kubernetes` and `deploy images` print what the tools of several machines read."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer

from echowall.catalog import catalog
from echowall.deploy import kubernetes as manifests
from echowall.deploy import parts
from echowall.deploy import swarm as stack
from echowall.deploy.kubernetes import Gateway
from echowall.deploy.parts import Images
from echowall.lab import lab as running

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME | ERA]...", help="Only these services, or those of an era; without any, all."),
]
Prefix = Annotated[str, typer.Option("--images", metavar="PREFIX", help="What the images' names begin with.")]
Tag = Annotated[str, typer.Option(help="The images' tag.")]
Replicas = Annotated[int, typer.Option(min=1, help="Of each service.")]
#: A label of DNS (RFC 1123), as names of namespaces and Gateways are.
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"


def images(names: Names = None, prefix: Prefix = "echowall", tag: Tag = "latest") -> None:
    """Print the file by which Compose builds the images under these names, beside docker-compose.yml.

    `echowall deploy images | docker compose --file docker-compose.yml --file - build --push`
    """
    sys.stdout.write(parts.overriding_images(catalog.choose(catalog.load(), names or []), Images(prefix, tag)))


def swarm(
    names: Names = None,
    prefix: Prefix = "echowall",
    tag: Tag = "latest",
    replicas: Replicas = 2,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the proxy, on every node.")] = 8080,
) -> None:
    """Print the file for `docker stack deploy`.

    `echowall deploy swarm | docker stack deploy --compose-file - echowall`
    """
    chosen = catalog.choose(catalog.load(), names or [])
    sys.stdout.write(stack.rendered(parts.read(chosen), Images(prefix, tag), replicas=replicas, port=port))


def kubernetes(
    names: Names = None,
    prefix: Prefix = "echowall",
    tag: Tag = "latest",
    replicas: Replicas = 2,
    namespace: Annotated[str, typer.Option(help="It is made if there is none.")] = "echowall",
    gateway: Annotated[
        str, typer.Option(metavar="[NAMESPACE/]NAME", help="The Gateway that leads to the lab.")
    ] = "echowall",
    host: Annotated[
        list[str] | None, typer.Option(help="A host name that the Gateway leads here; may be repeated.")
    ] = None,
    resolver: Annotated[
        str, typer.Option(metavar="HOST", help="The cluster's DNS server, where nginx finds the replicas.")
    ] = "kube-dns.kube-system.svc.cluster.local",
) -> None:
    """Print the manifests for `kubectl apply`.

    `echowall deploy kubernetes | kubectl apply --filename -`

    ECHOWALL_TRUSTED_PROXIES has the addresses and networks of the Gateway's proxies, that
    tell who the client is.
    """
    listed = catalog.load()
    chosen = catalog.choose(listed, names or [])
    home, _, called = gateway.rpartition("/")
    if not all(re.fullmatch(_LABEL, label) for label in filter(None, (namespace, home, called))) or not called:
        raise typer.BadParameter("--namespace and --gateway take names of lower-case letters, digits and hyphens")
    sys.stdout.write(
        manifests.rendered(
            listed,
            chosen,
            parts.read(chosen),
            Images(prefix, tag),
            replicas=replicas,
            namespace=namespace,
            gateway=Gateway(called, home, tuple(host or ())),
            resolver=resolver,
            trusted=running.trusted_proxies(),
        )
    )

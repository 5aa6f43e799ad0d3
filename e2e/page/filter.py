"""What the page's filter has to leave of the stacks."""

from collections.abc import Iterable

from echowall.catalog.catalog import Service


def matching(services: Iterable[Service], query: str) -> list[str]:
    """The names of the services that have every word of the query in their title, name, framework, server or
    concurrency, in the same order."""

    def facts(service: Service) -> str:
        texts = (service.title, service.name, service.framework, service.server, service.concurrency)
        return "\n".join(texts).lower()

    return [service.name for service in services if all(word in facts(service) for word in query.lower().split())]

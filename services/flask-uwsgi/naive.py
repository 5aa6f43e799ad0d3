"""The handler one would write first: it sends what is queued where there is no message, and only to its own client."""


def naive(client):
    while (message := client.receive()) is not None:
        client.send(message)

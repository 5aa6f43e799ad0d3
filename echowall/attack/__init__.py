"""Attacks on the lab itself, bounded, and on nothing else: each says what was tried, and what has to hold.

They are for the machine that the lab runs on: its loopback, and the networks of its own containers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from echowall.attack import containment, fuzz, memory, routing, slow, smuggling
from echowall.attack.ground import Ground
from echowall.results.model import Attack, Outcome

#: Every attack, and what does it, in the order in which they are done.
ATTACKS: dict[Attack, Callable[[Ground], AsyncGenerator[Outcome, None]]] = {
    containment.CONTAINMENT: containment.attack,
    routing.NAMES: routing.names,
    routing.PATHS: routing.paths,
    routing.ORIGINS: routing.origins,
    smuggling.SMUGGLING: smuggling.attack,
    slow.HEADERS: slow.headers,
    slow.BODIES: slow.bodies,
    slow.READS: slow.reads,
    memory.BOMBS: memory.bombs,
    memory.READERS: memory.readers,
    memory.HALVES: memory.halves,
    fuzz.FUZZ: fuzz.attack,
}

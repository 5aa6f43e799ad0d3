"""Which tests one worker runs one after another: those of one story, and those of one service."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

#: Files whose tests read the record of a story that their module lives through once. The disturbing ones are one
#: group: while one of them has the lab alone, the other could only wait for it.
STORIES = {"test_room_together": "together", "test_recovery": "operator", "test_room_recovery": "operator"}


class Groups(LoadScopeScheduling):  # type: ignore[misc]
    """Some libraries mix up the fragments of two clients, so a service is tested by one worker only.

    xdist's own `loadgroup` does nothing since pytest 9.2 (https://github.com/pytest-dev/pytest-xdist/issues/1386).
    """

    def __init__(self, config: pytest.Config, log: Producer, names: Iterable[str]) -> None:
        super().__init__(config, log)
        longest_first = sorted(names, key=len, reverse=True)
        self._of_service = re.compile(rf"\[(?:.*?-)?({'|'.join(map(re.escape, longest_first))})(?:-.*)?\]$")

    def _split_scope(self, nodeid: str) -> str:
        for file, story in STORIES.items():
            if f"{file}.py::" in nodeid:
                return story
        service = self._of_service.search(nodeid)
        return service[1] if service else nodeid

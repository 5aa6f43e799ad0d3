"""Processes that are forked for the tests."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from tests.forks import forked


def nothing() -> None:
    """What they do here."""


def fork(_number: int) -> int | None:
    with forked(nothing) as process:
        return process.ended(10)


def test_the_environment_is_as_before_however_many_threads_fork() -> None:
    before = dict(os.environ)

    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(fork, range(40)))

    assert ended == [0] * 40
    assert dict(os.environ) == before

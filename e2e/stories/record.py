"""What a story of all stacks records of each one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Record(Protocol):
    """What a story records of one stack."""

    trouble: str
    """The first thing that went wrong; empty where nothing did."""


@contextmanager
def noting_trouble(record: Record) -> Iterator[None]:
    """Note in the record what fails in the block, so that the story goes on for the other stacks."""
    try:
        yield
    except AssertionError as error:
        record.trouble = record.trouble or str(error)

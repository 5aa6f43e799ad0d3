"""Which cases of the suite ask what a check of `echowall check` asks: `map.toml` beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from echowall.catalog.autobahn import matching
from echowall.catalog.catalog import Service, Text
from echowall.catalog.expected import Expectations

FILE = Path(__file__).parent / "map.toml"


class Same(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cases, and the check that asks the same."""

    cases: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    """Ids, or patterns of them."""
    check: Text
    laxer: Text | None = None
    """Why a stack may pass all of these cases and fail the check."""
    stricter: Text | None = None
    """Why a stack may fail one of these cases and pass the check."""

    def ids(self) -> tuple[str, ...]:
        """The ids of the cases."""
        return tuple(case for pattern in self.cases for case in matching(pattern))


class Map(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole map."""

    refusals: tuple[Text, ...]
    """The outcomes of a check that fail there, and that the suite takes for a refusal in all its cases."""
    same: tuple[Same, ...]


def load(file: Path = FILE) -> Map:
    """What the map says. Raises msgspec.ValidationError or tomllib.TOMLDecodeError for one that is not well formed."""
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Map)


def check_of(case: str) -> str | None:
    """The check that asks what the case asks; None where there is none."""
    return next((same.check for same in load().same if case in same.ids()), None)


def contradictions(found: Map, service: Service, expectations: Expectations) -> Iterator[tuple[Same, str]]:
    """Where check and cases say different things of a service: which, and `laxer` or `stricter`, as the suite is."""
    for same in found.same:
        known = service.known_deviation(same.check, "direct")
        failed = any(expectations.known_failure(case, "direct") for case in same.ids())
        if known and not failed and known.outcome not in found.refusals:
            yield same, "laxer"
        if failed and not known:
            yield same, "stricter"

"""Which cases of the suite ask what a check of `echowall check` asks: `map.toml` beside this file."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import msgspec

from echowall.catalog.catalog import Text

FILE = Path(__file__).parent / "map.toml"


class Same(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cases, and the check that asks the same."""

    cases: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    """Ids, or patterns of them."""
    check: Text
    laxer: Text | None = None
    """Why a stack may pass these cases and fail the check."""
    stricter: Text | None = None
    """Why a stack may fail one of these cases and pass the check."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    same: tuple[Same, ...]


def load(file: Path = FILE) -> tuple[Same, ...]:
    """What the map says. Raises msgspec.ValidationError or tomllib.TOMLDecodeError for one that is not well formed."""
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), _File).same


def check_of(case: str) -> str | None:
    """The check that asks what the case asks; None where there is none."""
    return next((same.check for same in load() if any(fnmatchcase(case, one) for one in same.cases)), None)

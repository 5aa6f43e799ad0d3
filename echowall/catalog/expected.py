"""What the Autobahn Testsuite finds wrong in a stack: `services/NAME/conformance.toml`, as services/README.md says."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from echowall.catalog import autobahn
from echowall.catalog.catalog import ROOT, CatalogError, Link, Route, Service, Text, explain

FILE = "conformance.toml"


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cases that fail for a service by one cause, and that cause, or the check by whose id it is told already."""

    cases: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    """Ids, or patterns of them: `7.1.5`, `3.*`."""
    outcome: Literal["failed", "wrong close", "no end"]
    check: Text | None = None
    """The check that fails by the same cause, which service.toml tells."""
    reason: Text | None = None
    link: Link | None = None
    via: Route | None = None
    """The route on which it happens, where it is only one."""
    race: bool = False
    """Whether it is a matter of timing: a case may pass as well, or fail in another way."""

    def of(self, case: str, via: Route | None) -> bool:
        """Whether it is about that case on that route."""
        return self.via in (None, via) and any(fnmatchcase(case, pattern) for pattern in self.cases)


class Expectations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `conformance.toml`."""

    known: tuple[Expected, ...] = ()
    """What fails, with the mends off, too, where `mended` does not have it."""
    mended: tuple[Expected, ...] = ()
    """What fails with the mends off, and with them on does not, or in another way."""

    def known_failure(self, case: str, via: Route | None) -> Expected | None:
        """What is known of that case on that route, if it is known to fail."""
        return next((known for known in self.known if known.of(case, via)), None)

    def mend(self, case: str, via: Route | None) -> Expected | None:
        """How that case fails with the mends off, if a mend matters to it."""
        return next((mended for mended in self.mended if mended.of(case, via)), None)


def causes_json(services: Iterable[Service], root: Path = ROOT) -> bytes:
    """Why cases of the Autobahn Testsuite fail, as the page reads it: the two lists of each service by its name, with
    every case by its id.

    Raises CatalogError as read() does.
    """
    told = {service.name: read(root / "services" / service.name) for service in services}
    return msgspec.json.encode(
        {name: {"known": _told(one.known), "mended": _told(one.mended)} for name, one in told.items()}
    )


def _told(entries: Iterable[Expected]) -> list[dict[str, Any]]:
    return [
        {**msgspec.to_builtins(one), "cases": [case for pattern in one.cases for case in autobahn.matching(pattern)]}
        for one in entries
    ]


def read(folder: Path) -> Expectations:
    """What is written in a service's folder; nothing is expected to fail where it has no such file.

    Raises CatalogError for a file that is not TOML, or a value that does not fit.
    """
    file = folder / FILE
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Expectations)
    except FileNotFoundError:
        return Expectations()
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogError(f"{file}: not valid TOML: {error}; mend that place") from None
    except msgspec.ValidationError as error:
        raise CatalogError(f"{file}: {explain(str(error))}") from None

"""The cases of the Autobahn Testsuite: their ids, what they are about, and which of them are put together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal, get_args

#: The release of the test suite whose cases these are.
VERSION = "25.10.1"

#: How many cases each section has; those of section `1.1` are 1.1.1 to 1.1.8.
_SECTIONS = {
    "1.1": 8, "1.2": 8,
    "2": 11,
    "3": 7,
    "4.1": 5, "4.2": 5,
    "5": 20,
    "6.1": 3, "6.2": 4, "6.3": 2, "6.4": 4, "6.5": 5, "6.6": 11, "6.7": 4, "6.8": 2, "6.9": 4, "6.10": 3, "6.11": 5,
    "6.12": 8, "6.13": 5, "6.14": 10, "6.15": 1, "6.16": 3, "6.17": 5, "6.18": 5, "6.19": 5, "6.20": 7, "6.21": 8,
    "6.22": 34, "6.23": 7,
    "7.1": 6, "7.3": 6, "7.5": 1, "7.7": 13, "7.9": 9, "7.13": 2,
    "9.1": 6, "9.2": 6, "9.3": 9, "9.4": 9, "9.5": 6, "9.6": 6, "9.7": 6, "9.8": 6,
    "10.1": 1,
    "12.1": 18, "12.2": 18, "12.3": 18, "12.4": 18, "12.5": 18,
    "13.1": 18, "13.2": 18, "13.3": 18, "13.4": 18, "13.5": 18, "13.6": 18, "13.7": 18,
}  # fmt: skip
#: All cases, in the order in which the suite puts them.
CASES = tuple(f"{section}.{number}" for section, count in _SECTIONS.items() for number in range(1, count + 1))

#: What the cases of each group are about, by the first number of their ids.
GROUPS = {
    "1": "framing",
    "2": "pings and pongs",
    "3": "reserved bits",
    "4": "opcodes",
    "5": "fragmentation",
    "6": "UTF-8",
    "7": "closing",
    "9": "limits and performance",
    "10": "automatic fragmentation",
    "12": "compression, different payloads",
    "13": "compression, different parameters",
}

KIB, MIB = 1 << 10, 1 << 20
_GROWING = (64 * KIB, 256 * KIB, 1 * MIB, 4 * MIB, 8 * MIB, 16 * MIB)
#: The sizes of the messages of group 9, in bytes: of each case of a section, or of all. Others are smaller.
_SIZES: dict[str, tuple[int, ...]] = {
    "9.1": _GROWING,
    "9.2": _GROWING,
    "9.3": (4 * MIB,),
    "9.4": (4 * MIB,),
    "9.5": (1 * MIB,),
    "9.6": (1 * MIB,),
}

Named = Literal["quick", "ci", "full"]
#: The sets of cases that have a name. `quick` leaves out what takes long: large messages and compression. `ci` has the
#: large messages, and of each section about compression the two cases with the smallest messages.
SETS: dict[Named, tuple[str, ...]] = {
    "quick": tuple(case for case in CASES if case.split(".")[0] not in ("9", "12", "13")),
    "ci": tuple(case for case in CASES if not re.fullmatch(r"1[23]\.\d+\.([3-9]|1\d)", case)),
    "full": CASES,
}


class UnknownCasesError(Exception):
    """A word that is neither a set of cases nor a pattern that any case matches."""


def group(case: str) -> str:
    """The first number of a case's id."""
    return case.partition(".")[0]


def section(case: str) -> str:
    """The id without its last number; the cases of groups 2, 3 and 5 have no other section than their group."""
    return case.rpartition(".")[0]


def size(case: str) -> int:
    """The size of the largest message that a case of group 9 sends, in bytes; 0 where it is small."""
    sizes = _SIZES.get(section(case), (0,))
    return sizes[min(int(case.rpartition(".")[2]), len(sizes)) - 1]


def matching(pattern: str) -> tuple[str, ...]:
    """The cases whose ids match a pattern: `7.1.5`, `3.*`, `6.[34].*`; in the suite's order."""
    return tuple(case for case in CASES if fnmatchcase(case, pattern))


def choose(words: Iterable[str]) -> tuple[str, ...]:
    """The cases of these sets and patterns, each once, in the suite's order.

    Raises UnknownCasesError for a word that stands for none.
    """
    chosen: set[str] = set()
    for word in words:
        found = next((SETS[name] for name in get_args(Named) if name == word), None) or matching(word)
        if not found:
            raise UnknownCasesError(
                f"no case matches {word!r}; name a set ({', '.join(SETS)}), a case (7.1.5) or a pattern ('3.*')"
            )
        chosen.update(found)
    return tuple(case for case in CASES if case in chosen)

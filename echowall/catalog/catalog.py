"""The catalog: every `services/*/service.toml`, read into one typed list. Nothing else lists the services."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec

ROOT = Path(__file__).resolve().parent.parent.parent

Text = Annotated[str, msgspec.Meta(min_length=1)]
Link = Annotated[str, msgspec.Meta(pattern=r"^https?://\S+$")]
Positive = Annotated[int, msgspec.Meta(gt=0)]
#: The name of a variable of the environment.
Variable = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9_]*$")]

#: No service can have these names: paths the proxy answers itself, other containers, what `up` takes for many, and what
#: `bench` takes for a command.
RESERVED = frozenset(
    {"assets", "healthz", "results", "services"}
    | {"autobahn", "e2e", "load-scheduler", "load-worker", "proxy", "redis"}
    | {"all", "article", "modern", "yardstick"}
    | {"compare", "report"}
)
#: The files of an exhibit, without their endings, in the order in which they are shown: the echo alone, the handler one
#: would write first, the chat room, the same for those who listen by HTTP, the service that mounts them, and the mends
#: of the library's faults.
PARTS = ("echo", "naive", "chat", "push", "app", "mends")
#: What a name has to be.
NAMING = f"lower-case letters, digits and single hyphens, and none of {', '.join(sorted(RESERVED))}"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class CatalogError(Exception):
    """A service folder that cannot be read: says which file, which key, and what would be right."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a service is configured to bear; None where there is no limit, or no ping."""

    max_message: Positive | None = None
    """Bytes."""
    ping_interval: Positive | None = None
    """Seconds."""
    max_sockets: Positive | None = None
    """How many sockets it serves at a time, where its threads, its server's settings or a mend limit that."""


Short = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one setting is, and where it comes from."""

    value: Short
    source: Literal["default", "set"]
    """Whether it is the library's default, or set by the exhibit."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """With what a service runs: whoever compares two stacks has to know it."""

    deflate: Setting
    """permessage-deflate: `on` where a client that offers it gets it, else `off`."""
    ping_interval: Setting
    """`20 s`, as the limits say; `none` where the server never pings."""
    max_message: Setting
    """`1048576 B`, as the limits say; `none` where there is no limit."""
    buffers: Setting | None = None
    """How much waits of a client before it is read from or written to no longer; None where that is not known."""
    loop: Setting
    """`asyncio`, `uvloop`, `gevent`, `threads` …"""
    workers: Setting
    """How many processes answer."""
    threads: Setting
    """How many threads run handlers in each of them."""


class Tuned(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A setting that the library's documentation would have changed for throughput."""

    variable: Variable
    """Of the environment, by which the service is told."""
    value: Short
    """The variable's."""
    setting: Literal["deflate", "ping_interval", "max_message", "buffers", "loop", "threads"]
    """Which of the settings it changes."""
    to: Short
    """What that setting is then."""
    reason: Text
    """What it changes, in a sentence."""
    link: Link
    """Where the library's documentation speaks of it."""


class Workers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the service's server is told to run several processes."""

    variable: Variable
    """Of the environment; its value is their number."""
    link: Link
    """Where the server's documentation speaks of it."""


class Naive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the handler at `/foobar/naive/` shows going wrong."""

    shows: Literal["phantom-messages", "frozen-server", "none-at-close", "nul-fragments"]
    summary: Text


Checks = Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
Route = Literal["direct", "proxy"]
Push = Literal["poll", "long-poll", "events"]
"""A way to listen to the chat room by plain HTTP: polls, polls that wait for news, or Server-Sent Events."""
Maintenance = Literal["active", "occasional", "dormant"]


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A known deviation: checks that fail for this service by one cause, what they observe instead, and why."""

    checks: Checks
    outcome: Text
    """In the checks' own words."""
    reason: Text
    link: Link
    via: Route | None = None
    """The route on which it happens, where it is only one."""
    sometimes: bool = False
    """Whether it depends on the machine, as the reason says, so that the checks may pass as well."""


class Mended(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Checks that pass because of a mend in the service's `mends.py`, and what they observe with `MENDS=off`."""

    checks: Checks
    by: Text
    """The function or class of `mends.py`."""
    outcome: Text
    """What the checks observe without the mend, in their own words."""
    reason: Text
    """The library's fault."""
    link: Link
    via: Route | None = None
    """The route on which it matters, where it is only one."""
    race: bool = False
    """Whether the fault is a race: without the mend a check may pass as well, or fail in a part of what it asks.

    The first check is the one that loses most often; it is put again until it does.
    """


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `service.toml`."""

    title: Text
    summary: Text
    framework: Text
    server: Text
    concurrency: Literal["greenlets", "threads", "callbacks", "async"]
    era: Literal["article", "modern", "yardstick"]
    """Yardstick: not Python, there to compare with."""
    protocol: Literal["websocket", "socket.io"]
    homepage: Link
    documentation: Link
    released: date
    foreign_origin: Literal["accepted", "refused"]
    push: tuple[Push, ...] = ()
    """By what its `push.py` lets one listen, beside the WebSocket."""
    system_packages: tuple[Text, ...] = ()
    limits: Limits = Limits()
    settings: Settings | None = None
    """None only where they are still to be written."""
    tuned: tuple[Tuned, ...] = ()
    workers: Workers | None = None
    """None where its server has no such option."""
    naive: Naive | None = None
    known: tuple[Known, ...] = ()
    mended: tuple[Mended, ...] = ()


class Service(Facts, frozen=True, kw_only=True):
    """A stack in the lab: its facts, and the name that is its folder, its URL prefix and its host."""

    name: Text
    sources: tuple[str, ...] = ()
    """The files that are the exhibit, the echo first."""
    lines: int = 0
    """Lines of the echo that are not blank."""
    maintenance: Maintenance = "active"
    """By its latest release; load() says it."""

    @property
    def deviations(self) -> int:
        """How many checks are known to fail."""
        return sum(len(known.checks) for known in self.known)

    @property
    def mends(self) -> int:
        """How many checks pass only because the service mends what its stack gets wrong."""
        return sum(len(mended.checks) for mended in self.mended)

    @property
    def has_mends(self) -> bool:
        """Whether there is something to switch off by MENDS=off, or its facts say so."""
        return bool(self.mended) or any(Path(source).stem == "mends" for source in self.sources)

    def known_deviation(self, check: str, via: Route | None = None) -> Known | None:
        """What is known of that check on that route, if it is known to fail."""
        return next((known for known in self.known if check in known.checks and known.via in (None, via)), None)

    def mend(self, check: str, via: Route | None = None) -> Mended | None:
        """What keeps that check from failing on that route, if it takes a mend."""
        return next((mended for mended in self.mended if check in mended.checks and mended.via in (None, via)), None)


def load(root: Path = ROOT) -> list[Service]:
    """Read every `root/services/*/service.toml`, in the order of era and then of name.

    Raises CatalogError for a folder without the file, a file that is not TOML, or a value that does not fit.
    """
    services = sorted(map(read, folders(root)), key=lambda service: (service.era, service.name))
    newest = max(service.released for service in services)
    return [msgspec.structs.replace(service, maintenance=maintenance(service.released, newest)) for service in services]


def maintenance(released: date, newest: date) -> Maintenance:
    """The word for a stack by its latest release: active within a year of the newest in the catalog, dormant after
    three. The catalog's newest is where the years are counted from, so that the word does not change by itself."""
    years = (newest - released).days / 365
    return "active" if years <= 1 else "occasional" if years <= 3 else "dormant"


def folders(root: Path = ROOT) -> list[Path]:
    """The services' folders. Those that start with `_` or `.` are not services.

    Raises CatalogError where there are none.
    """
    found = sorted(path for path in (root / "services").glob("*/") if not path.name.startswith(("_", ".")))
    if not found:
        raise CatalogError(f"{root / 'services'}: no service folders here; run from a checkout of Echo Wall")
    return found


def choose(services: list[Service], names: Iterable[str]) -> list[Service]:
    """Those with these names, or of these eras; all where there are no names.

    Raises CatalogError for a name that is neither.
    """
    wanted = set(names)
    eras = get_args(get_type_hints(Facts)["era"])
    if unknown := sorted(wanted - {*eras, *(service.name for service in services)}):
        raise CatalogError(
            f"no service named {unknown[0]!r}; there are {', '.join(service.name for service in services)}, "
            f"and of an era all with {', '.join(eras)}"
        )
    return [service for service in services if not wanted or not wanted.isdisjoint({service.name, service.era})]


def is_name(name: str) -> bool:
    """Whether a service can have this name, which is its URL prefix, its container's and its host's."""
    return _NAME.fullmatch(name) is not None and name not in RESERVED


def read(folder: Path) -> Service:
    """Read one service's folder. Raises CatalogError as load() does."""
    file = folder / "service.toml"
    if not is_name(folder.name):
        raise CatalogError(f"{folder}: {folder.name!r} cannot be a URL prefix; rename the folder to {NAMING}")
    try:
        values: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise CatalogError(f"{file}: no such file; write it as services/README.md says, or remove the folder") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogError(f"{file}: not valid TOML: {error}; mend that place") from None
    if "name" in values:
        raise CatalogError(f"{file}: name: a service's name is its folder's; remove the key")
    try:
        facts = msgspec.convert(values, Facts)
    except msgspec.ValidationError as error:
        raise CatalogError(f"{file}: {explain(str(error))}") from None
    sources = [file for part in PARTS for file in sorted(folder.glob(f"{part}.*"))]
    echo = "\n".join(file.read_text("utf-8", "replace") for file in sources if file.stem == "echo")
    return Service(
        name=folder.name,
        sources=tuple(file.name for file in sources),
        lines=sum(1 for line in echo.splitlines() if line.strip()),
        **{key: getattr(facts, key) for key in Facts.__struct_fields__},
    )


def explain(message: str) -> str:
    """Turn msgspec's words ("… - at `$.limits.max_message`") into key, cause and cure."""
    cause, _, path = message.partition(" - at `$.")
    if missing := re.fullmatch(r"Object missing required field `(.+)`", cause):
        return f"{_key(path, missing[1])}: missing; add it (services/README.md has an example)"
    if unknown := re.fullmatch(r"Object contains unknown field `(.+)`", cause):
        return f"{_key(path, unknown[1])}: no such key; remove it, or see services/README.md for how it is spelt"
    if choice := re.fullmatch(r"Invalid enum value '(.*)'", cause):
        return f"{_key(path)}: {choice[1]!r} is not one of its values; choose one that services/README.md lists"
    return f"{_key(path)}: {cause[:1].lower()}{cause[1:]}; correct it (services/README.md has an example)"


def _key(path: str, last: str = "") -> str:
    return ".".join(part for part in (path.rstrip("`"), last) if part) or "(top level)"


def services_json(services: list[Service]) -> bytes:
    """The catalog as the page reads it: `{"services": [{"name": …, …}]}`."""
    return msgspec.json.format(msgspec.json.encode({"services": services}), indent=2)

"""The catalog says which file is wrong, which key of it, and what would be right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from echowall.catalog import catalog
from echowall.catalog.catalog import ROOT, CatalogError
from echowall.lab import site
from tests.conftest import FACTS

TUNED = """
[[tuned]]
variable = "LOOP"
value = "uvloop"
setting = "loop"
to = "uvloop"
reason = "The event loop is another one."
link = "https://example.org/2"
"""
AddService = Callable[..., Path]


def test_every_service_of_the_lab_can_be_read() -> None:
    folders = {path.parent.name for path in (ROOT / "services").glob("[!_]*/app.*")}

    assert {service.name for service in catalog.load()} == folders


def test_services_come_by_era_and_then_by_name(checkout: Path, add_service: AddService) -> None:
    add_service("beta")
    add_service("alpha")
    add_service("zeta", FACTS.replace('"modern"', '"article"'))

    assert [service.name for service in catalog.load(checkout)] == ["zeta", "alpha", "beta"]


@pytest.mark.parametrize(("year", "word"), [(2026, "active"), (2024, "occasional"), (2012, "dormant")])
def test_how_a_stack_is_maintained_follows_from_the_releases(
    checkout: Path, add_service: AddService, year: int, word: str
) -> None:
    add_service("newest")
    add_service("stack", FACTS.replace("2026-01-31", f"{year}-01-31"))

    assert [service.maintenance for service in catalog.load(checkout)] == ["active", word]


def test_those_named_and_those_of_an_era_are_chosen(checkout: Path, add_service: AddService) -> None:
    add_service("beta")
    add_service("alpha")
    add_service("zeta", FACTS.replace('"modern"', '"article"'))
    services = catalog.load(checkout)

    def chosen(*names: str) -> list[str]:
        return [service.name for service in catalog.choose(services, names)]

    assert chosen() == ["zeta", "alpha", "beta"]
    assert chosen("beta") == ["beta"]
    assert chosen("beta", "article", "beta") == ["zeta", "beta"]
    assert chosen("yardstick") == []
    with pytest.raises(CatalogError, match="no service named 'gamma'; there are zeta, alpha, beta, and of an era"):
        chosen("alpha", "gamma")


def test_an_exhibit_is_its_parts_in_whatever_language_and_its_lines_are_the_echos(
    checkout: Path, add_service: AddService
) -> None:
    folder = add_service("alpha", app="three\n")
    (folder / "echo.py").write_text("one\n\n  \ntwo\n")
    (folder / "chat.js").write_text("four\n")
    (folder / "mends.py").write_text("five\n")
    (folder / "notes.py").write_text("not of it\n")

    (service,) = catalog.load(checkout)

    assert service.sources == ("echo.py", "chat.js", "app.py", "mends.py")
    assert service.lines == 2
    assert service.has_mends


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param(FACTS.replace('title = "A stack"\n', ""), "title: missing; add it", id="missing key"),
        pytest.param(FACTS.replace("title", "titel"), "titel: no such key", id="misspelt key"),
        pytest.param(
            FACTS.replace('"async"', '"fibers"'), "concurrency: 'fibers' is not one of its values", id="no such value"
        ),
        pytest.param(FACTS.replace("2026-01-31", '"soon"'), "released: ", id="not a date"),
        pytest.param(FACTS.replace('"A stack"', '""'), "title: ", id="empty title"),
        pytest.param(FACTS.replace("https://example.org/docs", "example"), "documentation: ", id="not a link"),
        pytest.param(FACTS + "[limits]\nmax_message = 0\n", "limits.max_message: ", id="zero limit"),
        pytest.param(FACTS + "[limits]\nmax_messages = 1\n", "limits.max_messages: no such key", id="misspelt limit"),
        pytest.param(FACTS + '[[known]]\nchecks = ["binary"]\n', "outcome: missing", id="deviation without an outcome"),
        pytest.param(
            FACTS + '[[known]]\nchecks = ["binary"]\noutcome = "silence"\n',
            "reason: missing",
            id="deviation without a reason",
        ),
        pytest.param(
            FACTS + '[[known]]\nchecks = []\noutcome = "x"\nreason = "x"\nlink = "https://x"\n',
            "known[0].checks: ",
            id="deviation of no check",
        ),
        pytest.param(FACTS + '[naive]\nshows = "magic"\nsummary = "x"\n', "naive.shows: 'magic' is", id="no such show"),
        pytest.param(
            FACTS.replace('value = "asyncio"', 'value = ""'), "settings.loop.value: ", id="setting without a value"
        ),
        pytest.param(
            FACTS.replace('source = "default"', 'source = "guessed"'),
            "settings.deflate.source: 'guessed' is not one of its values",
            id="setting from nowhere",
        ),
        pytest.param(
            FACTS.replace("threads = {", "fibers = {"), "settings.fibers: no such key", id="setting that is none"
        ),
        pytest.param(
            FACTS.replace('loop = { value = "asyncio", source = "default" }, ', ""),
            "settings.loop: missing; add it",
            id="setting that is missing",
        ),
        pytest.param(
            FACTS + TUNED.replace('"LOOP"', '"loop=x"'), "tuned[0].variable: ", id="variable that cannot be one"
        ),
        pytest.param(
            FACTS + TUNED.replace('"loop"', '"speed"'),
            "tuned[0].setting: 'speed' is not one of its values",
            id="tuned setting that is none",
        ),
        pytest.param(FACTS + '[[tuned]]\nvariable = "LOOP"\n', "tuned[0].value: missing", id="tuned to what"),
        pytest.param(FACTS + '[workers]\nvariable = "N"\n', "workers.link: missing", id="workers not documented"),
        pytest.param(FACTS + 'name = "other"\n', "name: a service's name is its folder's", id="a name of its own"),
        pytest.param("title = ", "not valid TOML", id="not TOML"),
        pytest.param("", "missing; add it", id="empty file"),
    ],
)
def test_broken_facts_name_file_key_and_cure(checkout: Path, add_service: AddService, facts: str, said: str) -> None:
    folder = add_service("broken", facts)

    with pytest.raises(CatalogError) as error:
        catalog.load(checkout)

    assert str(error.value).startswith(f"{folder / 'service.toml'}: ")
    assert said in str(error.value)
    assert any(cure in str(error.value) for cure in ("add it", "remove", "choose", "correct", "mend"))


def test_a_service_toml_that_is_not_utf8_is_named(checkout: Path, add_service: AddService) -> None:
    folder = add_service("broken")
    (folder / "service.toml").write_bytes(b'title = "\xff"')

    with pytest.raises(CatalogError, match=r"broken/service\.toml: not valid TOML"):
        catalog.load(checkout)


def test_a_folder_without_facts_is_named(checkout: Path, add_service: AddService) -> None:
    (add_service("bare") / "service.toml").unlink()

    with pytest.raises(CatalogError, match=r"bare/service\.toml: no such file"):
        catalog.load(checkout)


@pytest.mark.parametrize("name", ["Upper", "under_score", "double--hyphen", "services", "healthz", "redis", "modern"])
def test_a_folder_that_cannot_be_a_prefix_is_named(checkout: Path, add_service: AddService, name: str) -> None:
    add_service(name)

    with pytest.raises(CatalogError, match=f"{name!r} cannot be a URL prefix"):
        catalog.load(checkout)


def test_a_checkout_without_services_says_so(checkout: Path) -> None:
    with pytest.raises(CatalogError, match="no service folders here"):
        catalog.load(checkout)


def test_what_the_proxy_serves_itself_is_reserved(checkout: Path, add_service: AddService) -> None:
    add_service("alpha")
    (checkout / "vendor").mkdir()
    (checkout / "results").symlink_to(ROOT / "results")

    site.build(catalog.load(checkout), checkout / "site", vendor=checkout / "vendor", root=checkout)

    served = {path.name for path in (checkout / "site").iterdir() if path.is_dir()}
    assert {"assets", "results", "services"} <= served <= catalog.RESERVED


def test_the_catalog_as_json_has_every_fact(checkout: Path, add_service: AddService) -> None:
    add_service("alpha")

    [alpha] = json.loads(catalog.services_json(catalog.load(checkout)))["services"]

    assert alpha["name"] == "alpha"
    assert alpha["released"] == "2026-01-31"
    assert alpha["limits"] == {"max_message": None, "ping_interval": None, "max_sockets": None}
    assert alpha["naive"] is None
    assert alpha["known"] == []
    assert alpha["settings"]["loop"] == {"value": "asyncio", "source": "default"}
    assert alpha["tuned"] == []
    assert alpha["workers"] is None

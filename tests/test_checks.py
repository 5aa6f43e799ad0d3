"""The checks as a list: named well, and in step with what the services say of themselves."""

from __future__ import annotations

import re

import pytest

from echowall import catalog
from echowall.catalog import Service
from echowall.check.registry import GROUPS, Check
from echowall.check.suite import ALL

IDS = {check.id for check in ALL}


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
def test_a_check_asks_one_question_and_says_where_it_is_answered(check: Check) -> None:
    assert re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", check.id)
    assert check.question.endswith("?")
    assert check.section
    assert check.expects
    assert check.group in GROUPS


@pytest.mark.parametrize("service", catalog.load(), ids=lambda service: service.name)
def test_a_known_deviation_names_a_check_and_one_of_its_wrong_answers(service: Service) -> None:
    for known in service.known:
        assert known.check in IDS | catalog.chat_checks()
        expected = {check.id: check.expects for check in ALL}.get(known.check, ())
        assert known.outcome not in expected, known
    routes = [
        (known.check, via) for known in service.known for via in ([known.via] if known.via else ["direct", "proxy"])
    ]
    assert len(set(routes)) == len(routes), "two entries for one check on one route"

"""The checks as a list: named well, and each with its place in the RFC."""

from __future__ import annotations

import re

import pytest

from echowall.check.registry import GROUPS, Check
from echowall.check.suite import ALL


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
def test_a_check_asks_one_question_and_says_where_it_is_answered(check: Check) -> None:
    assert re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", check.id)
    assert check.question.endswith("?")
    assert check.section
    assert check.expects
    assert check.group in GROUPS

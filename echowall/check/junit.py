"""What the checks found as JUnit XML: a suite for each target, a case for each check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from echowall.catalog.catalog import Service
from echowall.check.judging import standing
from echowall.results import junit
from echowall.results.junit import Suite
from echowall.results.model import CheckRun, Examined, Question, Result
from echowall.results.verdicts import Standing


def encode(run: CheckRun, services: Mapping[str, Service], unfit: Iterable[tuple[str, str]]) -> bytes:
    """The run. `unfit` are the targets that could not be examined, and why.

    What is not as expected is a failure, what could not be asked an error. A known deviation of a service of the lab,
    what is undecided and what is not applicable are skipped.
    """
    questions = {question.id: question for question in run.checks}
    suites = []
    for target in run.targets:
        suites.append(suite := Suite(target.label))
        for result in target.results:
            _case(suite, target, result, questions[result.check], services.get(target.name))
    return junit.encode("echowall check", run, suites, unfit)


def _case(suite: Suite, target: Examined, result: Result, asked: Question, service: Service | None) -> None:
    case = suite.case(f"{target.label}.{asked.group}", asked.id, result.seconds)
    kind, what = standing(result, target, service)
    details = "\n".join(filter(None, (asked.question, asked.section, result.detail)))
    if kind is Standing.SURPRISE:
        junit.tell(case, "failure", what, kind=result.outcome, text=details)
    elif kind is Standing.ERROR:
        junit.tell(case, "error", what, kind=result.outcome, text=details)
    elif kind is Standing.UNDECIDED:
        junit.tell(case, "skipped", f"undecided: {result.outcome}: {what}")
    elif kind is Standing.UNSUPPORTED:
        junit.tell(case, "skipped", result.detail or result.outcome)
    elif kind is Standing.KNOWN:
        junit.tell(case, "skipped", f"known: {result.outcome}: {what}")

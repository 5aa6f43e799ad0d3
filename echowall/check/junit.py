"""What was found as JUnit XML, which CI systems show: a suite for each target, a case for each check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as Xml

from echowall.catalog.catalog import Service
from echowall.check.judging import standing
from echowall.results.model import CheckRun, Examined, Question, Result
from echowall.results.verdicts import Standing

#: What XML 1.0 cannot hold, not even escaped (section 2.2).
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def encode(run: CheckRun, services: Mapping[str, Service], unfit: Iterable[tuple[str, str]]) -> bytes:
    """The run. `unfit` are the targets that could not be examined, and why.

    What is not as expected is a failure, what could not be asked an error. A known deviation of a service of the lab
    and what is not applicable are skipped.
    """
    root = Xml.Element("testsuites", name="echowall check")
    questions = {question.id: question for question in run.checks}
    for target in run.targets:
        suite = _suite(root, target.label, run)
        for result in target.results:
            _case(suite, target, result, questions[result.check], services.get(target.name))
        _count(suite)
    for label, why in unfit:
        suite = _suite(root, label, run)
        case = Xml.SubElement(suite, "testcase", classname=_legal(label), name="is an endpoint to examine", time="0")
        Xml.SubElement(case, "error", type="unreachable", message=_legal(why))
        _count(suite)
    if run.interrupted:
        suite = _suite(root, "the run", run)
        case = Xml.SubElement(suite, "testcase", classname="the run", name="is complete", time="0")
        Xml.SubElement(case, "error", type="interrupted", message="the run was interrupted: answers are missing")
        _count(suite)
    Xml.indent(root)
    written: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _suite(root: Xml.Element, name: str, run: CheckRun) -> Xml.Element:
    return Xml.SubElement(root, "testsuite", name=_legal(name), timestamp=f"{run.began:%Y-%m-%dT%H:%M:%S}")


def _case(suite: Xml.Element, target: Examined, result: Result, asked: Question, service: Service | None) -> None:
    where = f"{target.label}.{asked.group}"
    case = Xml.SubElement(suite, "testcase", classname=_legal(where), name=asked.id, time=f"{result.seconds:.3f}")
    kind, what = standing(result, target, service)
    details = "\n".join(filter(None, (asked.question, asked.section, result.detail)))
    if kind is Standing.SURPRISE:
        Xml.SubElement(case, "failure", type=_legal(result.outcome), message=_legal(what)).text = _legal(details)
    elif kind is Standing.ERROR:
        Xml.SubElement(case, "error", type=_legal(result.outcome), message=_legal(what)).text = _legal(details)
    elif kind is Standing.UNSUPPORTED:
        Xml.SubElement(case, "skipped", message=_legal(result.detail or result.outcome))
    elif kind is Standing.KNOWN:
        Xml.SubElement(case, "skipped", message=_legal(f"known: {result.outcome}: {what}"))


def _count(suite: Xml.Element) -> None:
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(1 for _ in suite.iter(tag))))
    suite.set("time", f"{sum(float(case.get('time', 0)) for case in suite.iter('testcase')):.3f}")


def _legal(text: str) -> str:
    r"""The text with what XML cannot hold written as Python would: `\x00`."""
    return _ILLEGAL.sub(lambda found: ascii(found[0])[1:-1], text)

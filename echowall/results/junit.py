"""JUnit XML, which CI systems show: suites of cases, of which some failed, could not be put, or were skipped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal
from xml.etree import ElementTree as Xml

from echowall.results.model import CheckRun, ConformanceRun

#: What XML 1.0 cannot hold, not even escaped: all but the characters that its section 2.2 names. Written the other way
#: round, as that section has it, the pattern would take ten times as long to compile, whenever the tool starts.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Suite:
    """The cases of one target."""

    def __init__(self, name: str) -> None:
        self.element = Xml.Element("testsuite", name=_legal(name))

    def case(self, where: str, name: str, seconds: float = 0.0) -> Xml.Element:
        """Add a case, which has passed unless tell() says otherwise."""
        return Xml.SubElement(self.element, "testcase", classname=_legal(where), name=name, time=f"{seconds:.3f}")


def tell(
    case: Xml.Element, what: Literal["failure", "error", "skipped"], message: str, *, kind: str = "", text: str = ""
) -> None:
    """Say what came of a case, and in `kind` and `text` more of it."""
    attributes = {"type": _legal(kind)} if kind else {}
    Xml.SubElement(case, what, attributes, message=_legal(message)).text = _legal(text) or None


def encode(
    name: str, run: CheckRun | ConformanceRun, suites: Iterable[Suite], unfit: Iterable[tuple[str, str]]
) -> bytes:
    """The file. `unfit` are the targets that could not be examined, and why: errors, as it is one to be interrupted."""
    root = Xml.Element("testsuites", name=name)
    told = [*suites]
    for label, why in unfit:
        told.append(suite := Suite(label))
        tell(suite.case(label, "is an endpoint to examine"), "error", why, kind="unreachable")
    if run.interrupted:
        told.append(suite := Suite("the run"))
        what = "the run was interrupted: answers are missing"
        tell(suite.case("the run", "is complete"), "error", what, kind="interrupted")
    for suite in told:
        suite.element.set("timestamp", f"{run.began:%Y-%m-%dT%H:%M:%S}")
        _count(suite.element)
        root.append(suite.element)
    Xml.indent(root)
    written: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _count(suite: Xml.Element) -> None:
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(1 for _ in suite.iter(tag))))
    suite.set("time", f"{sum(float(case.get('time', 0)) for case in suite.iter('testcase')):.3f}")


def _legal(text: str) -> str:
    r"""The text with what XML cannot hold written as Python would: `\x00`."""
    return _ILLEGAL.sub(lambda found: ascii(found[0])[1:-1], text)

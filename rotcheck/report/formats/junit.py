"""JUnit XML: a test suite for each implementation on each device,
a test case for each dtype and check."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from rotcheck.report.ci_suites import Suite, SuiteCase
from rotcheck.report.document import Display
from rotcheck.report.text import clean, one_line, shorten

SUFFIX = ".xml"
READS = "suites"

COUNTS = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def render(suites: Sequence[Suite], display: Display) -> str:
    """The suites, each with how many of its cases there are and how they came out."""
    root = ET.Element("testsuites", name="rotcheck")
    root.extend(map(_suite, suites))
    _count(root)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(suite: Suite) -> ET.Element:
    element = ET.Element("testsuite", name=clean(suite.name))
    element.extend(map(_case, suite.cases))
    _count(element)
    return element


def _case(case: SuiteCase) -> ET.Element:
    place = {"file": clean(case.file), "line": str(case.line or 1)} if case.file else {}
    head = {"classname": clean(case.group), "name": case.name, "time": f"{case.seconds:.3f}"}
    element = ET.Element("testcase", head | place)
    if case.outcome is not None:
        bad = ET.SubElement(element, case.outcome, message=shorten(one_line(case.message)))
        if case.outcome != "skipped":
            bad.set("type", case.kind)
            bad.text = clean(case.text)
    if case.output is not None:
        ET.SubElement(element, "system-out").text = clean(case.output)
    return element


def _count(element: ET.Element) -> None:
    """Write on the element how many test cases it has, and how they came out."""
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for tag, attribute in COUNTS.items():
        element.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")

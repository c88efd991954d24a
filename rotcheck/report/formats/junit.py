"""JUnit XML: a test suite for each implementation on each device, a test case for each dtype and check."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from rotcheck.report import check as checked
from rotcheck.report import findings, summary
from rotcheck.report.findings import Finding
from rotcheck.report.page import Look, Page
from rotcheck.report.text import clean, figure, one_line, shorten
from rotcheck.report.where import device_name
from rotcheck.results import Cell, Check, Part, Verdict, exit_code

SUFFIX = ".xml"
MACHINE = True

TAGS: dict[Verdict, str] = {
    "disagrees": "failure",
    "raises": "failure",
    "crashes": "error",
    "hangs": "error",
    "unavailable": "skipped",
    "skipped": "skipped",
    "unidentified": "error",  # no failure of the function, and no success
}
COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def report(page: Page, look: Look) -> str:
    """Return the report; the cells that do not hold although they are no finding are failures too."""
    root = ET.Element("testsuites", name="rotcheck")
    if page.holds is not None:
        root.append(_decision(page))
    broken = {_key(cell): reason for cell, reason in page.broken}
    for (implementation, device), cells in _suites(page.found.cells).items():
        suite = ET.SubElement(root, "testsuite", name=clean(f"{implementation} on {device}"))
        suite.extend(_case(cell, broken.get(_key(cell))) for cell in cells)
        _count(suite, [suite])
    for found in page.checks:
        root.extend(_suites_of(found))
    if page.found.interrupted or (
        exit_code(page.found.cells) == summary.NOTHING_RAN and not page.checks
    ):
        # A suite of skipped cases alone would pass for success.
        root.append(_suite("rotcheck", "finished", summary.summary_line(page.found), "error"))
    return _document(root)


def check(found: Check, look: Look) -> str:
    """Return a test case for each function; one that is wrong or was not understood fails."""
    root = ET.Element("testsuites", name="rotcheck")
    root.extend(_suites_of(found))
    return _document(root)


def _document(root: ET.Element) -> str:
    _count(root, list(root))
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suites_of(found: Check) -> list[ET.Element]:
    """Return the suite of a check: its functions, and that it was finished and found something."""
    name = clean(f"check {', '.join(found.asked)}")
    suite = ET.Element("testsuite", name=name)
    suite.extend(_function(part, found) for part in found.parts)
    _count(suite, [suite])
    empty = found.interrupted or found.answer is None
    return [suite, *([_suite(name, "finished", checked.headline(found), "error")] if empty else [])]


def _function(part: Part, found: Check) -> ET.Element:
    where: dict[str, str] = (
        {"file": clean(part.file), "line": str(part.line or 1)} if part.file else {}
    )
    name = f"{', '.join(found.dtypes)} on {found.device}"
    case = ET.Element(
        "testcase", {"classname": clean(part.name), "name": name, "time": "0", **where}
    )
    every = checked.findings_of(part)
    if every:
        message = shorten(one_line("; ".join(finding.title for finding in every)))
        bad = ET.SubElement(case, "failure", message=message, type=part.answer)
        told = [(finding.title, checked.details(finding)) for finding in every]
        bad.text = "\n".join(
            line for title, known in told for line in [clean(title), *_labelled(known)]
        )
    return case


def _labelled(details: checked.Labelled) -> list[str]:
    return [f"{label}: {clean(text)}" for label, text in details]


def _suites(cells: Sequence[Cell]) -> dict[tuple[str, str], list[Cell]]:
    suites: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        suites.setdefault((cell.implementation, device_name(cell)), []).append(cell)
    return suites


def _case(cell: Cell, broken: str | None) -> ET.Element:
    name = clean(f"{cell.implementation}.{cell.device}")
    case = ET.Element(
        "testcase",
        classname=name,
        name=f"{cell.dtype} {cell.check}",
        time=f"{cell.seconds or 0:.3f}",
    )
    if broken or cell.verdict in TAGS:
        tag = "failure" if broken else TAGS[cell.verdict]
        message = shorten(one_line(broken or cell.message or cell.verdict))
        bad = ET.SubElement(case, tag, message=message)
        if tag != "skipped":
            bad.set("type", cell.verdict)
            bad.text = "\n".join(
                f"{label}: {clean(text)}" for label, text in findings.details(_alone(cell, broken))
            )
    if cell.verdict == "agrees":
        ET.SubElement(case, "system-out").text = _told(cell)
    return case


def _alone(cell: Cell, broken: str | None) -> Finding:
    return Finding((cell,), f"{device_name(cell)}: {cell.dtype} ({cell.check})", broken or "")


def _told(cell: Cell) -> str:
    error = f"error {figure(cell.error)}" if cell.error is not None else ""
    path = f"path {cell.path}" if cell.path else ""
    return clean(", ".join(filter(None, [error, path, cell.note])))


def _decision(page: Page) -> ET.Element:
    return _suite("preflight", "the job may start", "" if page.holds else page.headline, "failure")


def _suite(suite_name: str, name: str, message: str, tag: str) -> ET.Element:
    """Return a suite of one test case, which fails when there is a message."""
    suite = ET.Element("testsuite", name=suite_name)
    case = ET.SubElement(suite, "testcase", classname=suite_name, name=name, time="0")
    if message:
        ET.SubElement(case, tag, message=one_line(message), type=name)
    _count(suite, [suite])
    return suite


def _count(element: ET.Element, suites: Sequence[ET.Element]) -> None:
    """Write on the element how many test cases the suites have, and how they came out."""
    cases = [case for suite in suites for case in suite.iter("testcase")]
    element.set("tests", str(len(cases)))
    for tag, attribute in COUNTED.items():
        element.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")


def _key(cell: Cell) -> tuple[str, str, str, str]:
    return cell.implementation, cell.device, cell.dtype, cell.check

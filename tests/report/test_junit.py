"""JUnit XML: its counts add up, crash and hang are errors, and any message is valid XML."""

import xml.etree.ElementTree as ET

import pytest
from samples import cell, cells, healthy, report, sick

from rotcheck.report import formats
from rotcheck.report.document import Display
from rotcheck.report.pages.comparison import Comparison
from rotcheck.results import Cell, Report

COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def parsed(found: Report, **page: object) -> ET.Element:
    return ET.fromstring(
        formats.render("junit", "comparison")(Comparison(found, **page), Display()).encode()
    )  # type: ignore[arg-type]


def check_shape(root: ET.Element) -> None:
    """Assert the shape that CI systems read: suites of cases, and counts that are true."""
    assert root.tag == "testsuites"
    assert {child.tag for child in root} <= {"testsuite"}
    for element in [root, *root]:
        cases = list(element.iter("testcase"))
        assert element.get("tests") == str(len(cases))
        for attribute, tag in COUNTS.items():
            assert element.get(attribute) == str(len(list(element.iter(tag))))
        assert float(element.get("time", "x")) >= 0
    for case in root.iter("testcase"):
        assert case.get("classname")
        assert case.get("name")
        assert float(case.get("time", "x")) >= 0
        assert len([child for child in case if child.tag in COUNTS.values()]) <= 1


@pytest.mark.parametrize("made", [healthy, sick])
def test_the_counts_are_those_of_the_cells(made: object) -> None:
    found: Report = made()  # type: ignore[operator]
    root = parsed(found)
    check_shape(root)
    assert root.get("tests") == str(len(found.cells))
    assert root.get("failures") == str(found.summary["disagrees"] + found.summary["raises"])
    assert root.get("errors") == str(found.summary["crashes"] + found.summary["hangs"])
    assert root.get("skipped") == str(found.summary["unavailable"] + found.summary["skipped"])


@pytest.mark.parametrize(
    ("verdict", "tag"),
    [
        ("crashes", "error"),
        ("hangs", "error"),
        ("disagrees", "failure"),
        ("raises", "failure"),
        ("unavailable", "skipped"),
        ("skipped", "skipped"),
        ("unidentified", "error"),
    ],
)
def test_each_verdict_has_its_element(verdict: str, tag: str) -> None:
    case = next(
        parsed(report([cell(), cell("b", verdict=verdict, message="why")])).iterfind(
            ".//testcase[2]"
        ),
        None,
    )
    found = parsed(report([cell(), cell("b", verdict=verdict, message="why")])).findall(f".//{tag}")
    assert case is None
    assert [element.get("message") for element in found] == ["why"]


def test_an_agreeing_cell_has_none_and_tells_its_error() -> None:
    root = parsed(report([cell(error=1.19, path="native")]))
    case = root.find(".//testcase")
    assert case is not None
    assert [child.tag for child in case] == ["system-out"]
    assert case.findtext("system-out") == "error 1.19, path native"


def test_a_suite_is_an_implementation_on_a_device() -> None:
    root = parsed(report([*cells("native"), *cells("native", "meta", stand_in=True)]))
    assert [suite.get("name") for suite in root] == ["native on cpu", "native on meta (stand-in)"]


@pytest.mark.parametrize(
    "message", ["\x00\x08\x1b[31m", "\ud800\udfff", "\ufffe\uffff", "]]> <x> & \"'", "a\nb\tc"]
)
def test_any_message_is_valid_xml(message: str) -> None:
    found = report(
        [cell(f"n{message}", verdict="raises", message=message, cause=message, trace=(message,))]
    )
    check_shape(parsed(found))


def test_only_what_xml_cannot_hold_is_changed() -> None:
    case = parsed(report([cell(verdict="raises", message="<a> & é ✓ \x1b")])).find(".//failure")
    assert case is not None
    assert case.get("message") == "<a> & é ✓ \\x1b"


def test_a_failure_tells_cause_and_fix() -> None:
    text = parsed(sick()).findtext(".//failure")
    assert text is not None
    assert "cause: The tables have no V slot" in text
    assert "fix: Rotate q and k" in text


def test_a_run_that_was_cut_short_is_no_success() -> None:
    root = parsed(report([cell()], interrupted=True, planned=9))
    check_shape(root)
    assert root.get("errors") == "1"
    assert [error.get("message") for error in root.iter("error")] == [
        "interrupted: 1 of 9 cells: 1 agree"
    ]


def test_a_run_in_which_nothing_ran_is_no_success() -> None:
    root = parsed(report([cell(verdict="skipped", message="why")]))
    check_shape(root)
    assert root.get("errors") == "1"


def test_a_policy_that_does_not_hold_is_a_failure_of_its_own() -> None:
    missing: Cell = cell("flash-attn", verdict="unavailable", message="not here")
    page = {
        "headline": "must not start",
        "holds": False,
        "violations": ((missing, "it must be here"),),
    }
    root = parsed(report([cell(), missing]), **page)
    check_shape(root)
    assert [element.get("message") for element in root.iter("failure")] == [
        "must not start",
        "it must be here",
    ]
    assert root.get("skipped") == "0"


def test_a_policy_that_holds_is_a_passed_case() -> None:
    root = parsed(report([cell()]), headline="may start", holds=True)
    check_shape(root)
    assert root.get("tests") == "2"
    assert root.get("failures") == "0"

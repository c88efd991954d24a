"""A comparison tells of each given function in which convention it is judged, and what to know of that."""

import pytest
from msgspec.structs import replace
from samples import cell, cells, report

from rotcheck.report import conventions
from rotcheck.report.formats import markdown, table
from rotcheck.report.page import Look, Page
from rotcheck.results import Ambiguity, Described, Identification, Remark, Report

HALF = Described(kind="applies", pairing="half", direction=1, layout="bshd", tables="repeated")
TWICE = Remark(code="rotated-twice", message="rotates twice", evidence="basis vectors", failure="N10")
CHOICE = Remark(code="direction", message="rotates by the negative angle", evidence="a matrix", mistake=False)
LAYOUT = Ambiguity(field="layout", possible=("bshd", "bhsd"), why="the tables just line up")


def identified(**changes: object) -> Identification:
    plain = {"rotcheck": "0.1.0", "specification": "mine.py:rotary", "torch": "2.13.0", "device": "cpu"}
    return Identification(**{**plain, "follows": True, "convention": HALF, **changes})  # type: ignore[arg-type]


def compared(*found: Identification, **changes: object) -> Report:
    return report([*cells("native"), *cells("mine.py:rotary", **changes)], conventions=found)


def test_one_line_for_each_identified_function_stands_above_the_matrix() -> None:
    made = compared(identified(), identified(specification="other.py:f", declared=True))
    lines = ["mine.py:rotary: half pairing, bshd, repeated tables"]
    lines += ["other.py:f: half pairing, bshd, repeated tables (held to what it declares)"]
    assert conventions.lines(made) == lines
    shown = table.report(Page(made), Look(width=100)).partition("implementation ")[0].splitlines()
    assert [line for line in shown if line in lines] == lines
    written = markdown.report(Page(made), Look()).partition("| implementation")[0]
    assert [line for line in lines if f"- {line}\n" in written] == lines


def test_a_report_of_registered_ones_has_no_such_line() -> None:
    assert conventions.lines(report(cells("native"))) == []
    assert conventions.remarks(report(cells("native"))) == []


@pytest.mark.parametrize("form", [table, markdown])
def test_mistakes_and_what_cannot_be_known_are_worth_knowing(form: object) -> None:
    found = identified(findings=(TWICE, CHOICE), ambiguous=(LAYOUT,), follows=False)
    assert found.convention is not None
    found = replace(found, convention=replace(found.convention, layout=None))
    text = form.report(Page(compared(found)), Look(width=200))  # type: ignore[attr-defined]
    behind = text.partition("Worth knowing")[2]
    assert "mine.py:rotary on cpu: likely a mistake: rotates twice (rotcheck explain N10)" in behind
    assert (
        "mine.py:rotary on cpu: layout cannot be known: one of bshd; bhsd (the tables just line up)" in behind
    )
    assert "negative angle" not in behind


def test_a_layout_that_was_taken_is_not_called_unknown() -> None:
    text = table.report(Page(compared(identified(ambiguous=(LAYOUT,)))), Look(width=200))
    assert "cannot be known" not in text


def test_a_mistake_that_a_finding_tells_already_is_not_told_again() -> None:
    wrong = {"verdict": "disagrees", "failure": "N10", "message": "rotates twice"}
    assert conventions.remarks(compared(identified(findings=(TWICE,)), **wrong)) == []


def test_one_that_was_not_identified_says_why() -> None:
    found = identified(convention=None, follows=False, message="no answer within 20 s while it was called")
    made = report([cell("mine.py:rotary", verdict="hangs")], conventions=(found,))
    assert conventions.lines(made) == ["mine.py:rotary: not identified"]
    assert [str(one) for one in conventions.remarks(made)] == [
        "mine.py:rotary on cpu: was not identified: no answer within 20 s while it was called"
    ]

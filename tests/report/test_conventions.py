"""A comparison tells of each given function in which convention it is judged,
and what to know of that."""

import pytest
from msgspec.structs import replace
from samples import cell, cells, report

from rotcheck.report import conventions, formats, unidentified
from rotcheck.report.document import Display
from rotcheck.report.pages.comparison import Comparison
from rotcheck.results import Ambiguity, Description, Identification, Remark, Report, exit_code
from rotcheck.results import findings as bad_cells

HALF = Description(kind="applies", pairing="half", direction=1, layout="bshd", tables="repeated")
TWICE = Remark(
    code="rotated-twice", message="rotates twice", evidence="basis vectors", failure="N10"
)
CHOICE = Remark(
    code="direction", message="rotates by the negative angle", evidence="a matrix", mistake=False
)
LAYOUT = Ambiguity(field="layout", possible=("bshd", "bhsd"), why="the tables just line up")


def identified(**changes: object) -> Identification:
    plain = {
        "rotcheck": "0.1.0",
        "specification": "mine.py:rotary",
        "torch": "2.13.0",
        "device": "cpu",
    }
    return Identification(**{**plain, "follows": True, "convention": HALF, **changes})  # type: ignore[arg-type]


def compared(*found: Identification, **changes: object) -> Report:
    return report([*cells("native"), *cells("mine.py:rotary", **changes)], conventions=found)


def test_one_line_for_each_identified_function_stands_above_the_matrix() -> None:
    made = compared(identified(), identified(specification="other.py:f", declared=True))
    lines = ["mine.py:rotary: half pairing, bshd, repeated tables"]
    lines += ["other.py:f: half pairing, bshd, repeated tables (judged by what it declares)"]
    assert conventions.lines(made) == lines
    shown = (
        formats.render("table", "comparison")(Comparison(made), Display(width=100))
        .partition("implementation ")[0]
        .splitlines()
    )
    assert [line for line in shown if line in lines] == lines
    written = formats.render("markdown", "comparison")(Comparison(made), Display()).partition(
        "| implementation"
    )[0]
    assert [line for line in lines if f"- {line}\n" in written] == lines


def test_a_report_of_registered_ones_has_no_such_line() -> None:
    assert conventions.lines(report(cells("native"))) == []
    assert conventions.remarks(report(cells("native"))) == []


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_what_cannot_be_known_and_what_was_not_tried_are_worth_knowing(form: str) -> None:
    """A mistake does not stand there: it is a cell of the check `convention`."""
    found = identified(
        findings=(TWICE, CHOICE), ambiguous=(LAYOUT,), follows=False, untried=("offset",)
    )
    assert found.convention is not None
    found = replace(found, convention=replace(found.convention, layout=None))
    text = formats.render(form, "comparison")(Comparison(compared(found)), Display(width=200))
    behind = text.partition("Worth knowing")[2]
    assert (
        "mine.py:rotary on cpu: layout cannot be known: one of bshd; bhsd (the tables just line up)"
        in behind
    )
    assert "mine.py:rotary on cpu: not tried: offset" in behind
    assert "rotates twice" not in behind
    assert "negative angle" not in behind


def test_a_layout_that_was_taken_is_not_called_unknown() -> None:
    text = formats.render("table", "comparison")(
        Comparison(compared(identified(ambiguous=(LAYOUT,)))), Display(width=200)
    )
    assert "cannot be known" not in text


UNKNOWN = {
    "verdict": "unidentified",
    "message": "no answer within 20 s while it was called",
    "fix": "declare it",
}


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_one_that_was_not_identified_says_why_and_what_to_do_and_is_no_finding(
    form: str,
) -> None:
    found = identified(convention=None, follows=False, tried=("f(x, cos, sin) raises KeyError: 1",))
    made = report([cell(), cell("mine.py:rotary", **UNKNOWN)], conventions=(found,))
    text = formats.render(form, "comparison")(Comparison(made), Display(width=200))
    assert conventions.lines(made) == ["mine.py:rotary: not identified"]
    assert bad_cells(made.cells) == []
    assert exit_code(made.cells) == 1
    told = [
        "mine.py:rotary: not identified",
        "no answer within 20 s",
        "raises KeyError: 1",
        "declare it",
    ]
    places = [text.partition("? mine.py")[2].find(words.removeprefix("mine.py")) for words in told]
    assert places == sorted(places)
    assert -1 not in places
    assert "\u2717 mine.py" not in text
    assert "Worth knowing" not in text
    assert "2 cells: 1 agree, 1 not identified" in text


def test_several_that_were_not_identified_for_one_reason_are_told_once() -> None:
    made = [cell(name, **UNKNOWN) for name in ("a.py:f", "a.py:g")]
    titles = [each.title for each in unidentified.parts(made, ())]
    assert titles == ["a.py:f, a.py:g: not identified"]


def test_a_demonstration_is_shown_whole_beside_the_finding() -> None:
    shown = "import torch\n" + "\n".join(f"line_{at} = {at}" for at in range(60))
    wrong = {
        "check": "convention",
        "verdict": "disagrees",
        "message": "rotates twice",
        "demonstration": shown,
    }
    text = formats.render("table", "comparison")(
        Comparison(report([cell("mine.py:rotary", **wrong)])), Display(width=100)
    )
    assert "shown by\n    import torch" in text
    assert "line_59 = 59" in text


def test_a_mistake_stands_at_the_top_of_what_is_timed() -> None:
    found = identified(findings=(TWICE,), follows=False)
    (lines,) = conventions.wrong([found, identified(specification="right.py:f")])
    assert lines.tone == "bad"
    assert lines.texts == [
        "\u2717 mine.py:rotary: rotates twice: `rotcheck identify mine.py:rotary` shows it"
    ]

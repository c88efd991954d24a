"""The matrix: the worst of all checks in each field, and nothing that did not run looks right."""

import pytest
from samples import cell, cells, report

from rotcheck.report import matrix
from rotcheck.report.text import figure


def entry(*found: object, detail: bool = False) -> str:
    return matrix.entry(found, detail=detail).text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (0.0, "0"),
        (0.004, "<0.01"),
        (0.52, "0.52"),
        (8.05, "8.05"),
        (9.999, "10"),
        (412.5, "412"),
        (9999.0, "9999"),
        (3.1e7, "3e+07"),
        (1e308, "nan/inf"),
        (float("inf"), "nan/inf"),
        (float("nan"), "nan/inf"),
    ],
)
def test_a_figure_is_short_and_keeps_its_meaning(error: float, shown: str) -> None:
    assert figure(error) == shown


def test_agreeing_cells_show_their_largest_error() -> None:
    assert entry(cell(error=0.5), cell(check="backward", error=1.19)) == "✓ 1.19"


def test_the_worst_verdict_wins() -> None:
    found = [cell(error=0.5)]
    for verdict, shown in [
        ("unidentified", "?"),
        ("disagrees", "✗ 8.05"),
        ("raises", "raises"),
        ("hangs", "hangs"),
        ("crashes", "crashes"),
    ]:
        found.append(cell(check=verdict, verdict=verdict, error=8.05))
        assert entry(*found) == shown


def test_the_error_shown_is_that_of_the_bad_cells() -> None:
    found = [cell(error=1000.0), cell(check="offset", verdict="disagrees", error=8.05)]
    assert entry(*found) == "✗ 8.05"


def test_a_field_in_which_nothing_ran_does_not_agree() -> None:
    assert entry(cell(verdict="skipped"), cell(check="dtype", verdict="unavailable")) == "skip"
    assert entry(cell(verdict="unavailable")) == "n/a"
    assert entry() == "-"


def test_nan_is_shown_in_place_of_a_harmless_error() -> None:
    assert entry(cell(verdict="disagrees", error=0.5, not_finite=3)) == "✗ nan/inf"


def test_detail_names_the_one_bad_check() -> None:
    found = [cell(error=0.5), cell(check="offset", verdict="raises")]
    assert entry(*found, detail=True) == "raises offset"


def test_detail_counts_several_bad_checks() -> None:
    found = [
        cell(),
        *(cell(check=name, verdict="disagrees", error=9.0) for name in ("backward", "offset")),
    ]
    assert entry(*found, detail=True) == "✗ 9.00 (2 of 3)"


def test_detail_says_when_only_some_checks_ran() -> None:
    found = [cell(check="dtype", error=0.69), cell(verdict="skipped")]
    assert entry(*found, detail=True) == "✓ 0.69 (1 of 2)"
    assert entry(*found) == "✓ 0.69"


def test_an_agreement_without_a_figure_always_says_how_much_ran() -> None:
    assert entry(cell(check="dtype"), cell(verdict="skipped")) == "✓ 1 of 2"
    assert entry(cell(check="dtype"), cell(check="state")) == "✓"


def test_stand_ins_are_marked() -> None:
    found = report([*cells("native"), *cells("native", "meta", stand_in=True)])
    assert [group.title for group in matrix.grid(found, detail=False).groups] == [
        "cpu",
        "meta (stand-in)",
    ]


def test_every_field_stands_under_its_device_and_dtype() -> None:
    found = [
        cell("a", error=1.0),
        cell("b", device="meta", dtype="float16", stand_in=True, error=2.0),
    ]
    grid = matrix.grid(report(found), detail=False)
    assert grid.names == ("a", "b")
    assert [[entry.text for entry in row] for row in grid.groups[0].rows] == [["✓ 1.00"], ["-"]]
    assert [[entry.text for entry in row] for row in grid.groups[1].rows] == [["-"], ["✓ 2.00"]]


def test_the_legend_explains_what_occurs_and_no_more() -> None:
    plain, mixed = (
        matrix.legend(texts) for texts in ({"✓ 0.50"}, {"skip", "n/a", "?", "✓ 2 of 8"})
    )
    assert "?:" not in plain
    assert "?: not identified" in mixed
    assert "skip:" not in plain
    assert "n/a:" not in plain
    assert "2 of 8" not in plain
    assert "skip:" in mixed
    assert "n/a:" in mixed
    assert "2 of 8:" in mixed

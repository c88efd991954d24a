"""The page of the docs shows what the suite counts."""

from pathlib import Path

import pytest
from figures import END, FAMILIES, MARK, Figures, written
from trusting import DTYPES

PAGE = Path(__file__).parents[2] / "docs" / "trust.md"
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.read_text().partition(MARK)[2].partition(END)[0].splitlines()
    if line.startswith("|")
]


def test_the_page_counts_what_the_suite_counts(figures: Figures) -> None:
    shown = {
        words: int(count.replace(",", ""))
        for words, count in (row for row in ROWS[2:] if len(row) == 2)
    }
    assert shown == figures.counts()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_page_shows_the_errors_of_the_right(family: str, dtype: str, figures: Figures) -> None:
    """To a tenth: another processor rounds a few elements otherwise."""
    (shown,) = ([float(x) for x in row[2:]] for row in ROWS if row[:2] == (family, dtype))
    assert figures.right(family, dtype) == pytest.approx(shown, abs=0.1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_page_shows_the_nearest_of_the_wrong(dtype: str, figures: Figures) -> None:
    ((error, whose),) = (
        (float(row[1]), row[2].strip("`")) for row in ROWS if len(row) == 3 and row[0] == dtype
    )
    found, name = figures.wrong(dtype)
    assert (found, name) == (pytest.approx(error, rel=0.1), whose)


def test_writing_the_figures_leaves_the_rest_of_a_page_alone(figures: Figures) -> None:
    page = written(f"before\n{MARK}\nstale\n{END}\nafter\n", figures)
    assert page.startswith(f"before\n{MARK}\n| what | number |\n")
    assert page.endswith(f"|\n{END}\nafter\n")
    assert "stale" not in page
    assert written(page, figures) == page

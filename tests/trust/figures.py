"""The figures of docs/trust.md: `python tests/trust/figures.py [PAGE]` judges everything
and prints them as Markdown.

With a page it writes them between its marks as well.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import healthy_cells
import planted_cells
import torch
from healthy_cells import Healthy
from planted_cells import Planted
from sound import DTYPE, ONCE, OWN, TABLES
from trusting import DTYPES

MARK, END = "<!-- figures: python tests/trust/figures.py -->", "<!-- /figures -->"
FAMILIES = (ONCE, TABLES, DTYPE, OWN)


@dataclass(frozen=True)
class Figures:
    """What was planted, what was found, and how far the right and the wrong lie apart."""

    planted: Sequence[Planted]
    healthy: Healthy

    def counts(self) -> dict[str, int]:
        """Return what there is of each, by its words in the docs."""
        seen = {kind: len(values) for kind, values in self.healthy.seen.items()}
        return {
            "planted defects": len(self.planted),
            "of them declare their convention": sum(one.declares for one in self.planted),
            "cells that they were tried in": sum(one.cells for one in self.planted),
            "not found": sum(len(one.missed) for one in self.planted),
            "found and wrongly named": sum(len(one.misnamed) for one in self.planted),
            "healthy cells": self.healthy.cells,
            "right implementations": seen["implementation"],
            "conventions": seen["convention"],
            "shapes": seen["shape"],
            "seeds and sizes of the values": seen["seed"],
            "layouts in memory": seen["strides"],
            "false alarms": len(self.healthy.alarms),
        }

    def right(self, family: str, dtype: str) -> tuple[float, float, float]:
        """Return median, 99th percentile and largest of the errors of right functions,
        in rounding steps."""
        errors = torch.tensor(self.healthy.errors[family, dtype], dtype=torch.float64)
        median, most, largest = (float(errors.quantile(at)) for at in (0.5, 0.99, 1.0))
        return median, most, largest

    def wrong(self, dtype: str) -> tuple[float, str]:
        """Return the smallest error of a planted defect that was found by its values,
        and whose it is."""
        each = ((min(one.errors[dtype]), one.name) for one in self.planted if dtype in one.errors)
        return min(each)


def tables(found: Figures) -> Iterator[str]:
    """Yield the three tables, line by line."""
    yield from _table(
        ("what", "number"), ([words, f"{count:,}"] for words, count in found.counts().items())
    )
    yield ""
    head = ("how it computes", "dtype", "median", "99 of 100", "largest")
    yield from _table(
        head,
        (
            [family, dtype, *(f"{x:.2f}" for x in found.right(family, dtype))]
            for family in FAMILIES
            for dtype in DTYPES
        ),
    )
    yield ""
    smallest = ((dtype, *found.wrong(dtype)) for dtype in DTYPES)
    rows = ([dtype, f"{error:.0f}", f"`{name}`"] for dtype, error, name in smallest)
    yield from _table(("dtype", "smallest error of a wrong one", "whose"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def written(page: str, found: Figures) -> str:
    """Return a page with the tables between its marks."""
    before, mark, rest = page.partition(MARK)
    _, end, after = rest.partition(END)
    return "\n".join((before + mark, *tables(found), end + after))


if __name__ == "__main__":
    torch.set_num_threads(1)
    found = Figures(planted_cells.run(), healthy_cells.run())
    for page in map(Path, sys.argv[1:]):
        page.write_text(written(page.read_text(), found))
    print("\n".join(tables(found)))

"""A picture of how far something is right: its phase error against the position,
a line for each condition, or for several that are the same."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from rotcheck.report.pages.context import MakerRows, by_maker, ran
from rotcheck.report.plot import INK, picture
from rotcheck.report.text import one_line
from rotcheck.results import Context, Reach

WIDTH, HEIGHT = 8.0, 4.2  # inches, of one object's panel
LEAST, NO_ROTATION = 1e-8, math.pi  # radians: what is drawn for 0, and for what is no rotation
WRONG, LIMIT = "-", ":"
# of what agrees, on black as on white
COOL = ("#2f7fd6", "#2a9d8f", "#8a63d2", "#5b9e2d", "#4bb4d8")
WARM = ("#d1495b", "#e08a1e", "#a8453a", "#d65fa8", "#9c6b00")  # of what is wrong


def draw(context: Context, path: str) -> None:
    """Draw the curves into the file, a panel for each object; without any, an empty picture.

    Raises `RequestError` when the file cannot be written.
    """
    groups = [
        section for section in by_maker(context) if any(row.phases for row in ran(section.rows))
    ]
    panels = max(1, len(groups))
    with picture(path, WIDTH, HEIGHT * panels, **{"svg.fonttype": "none"}) as figure:
        for axes, section in zip(figure.subplots(panels, 1, squeeze=False).flat, groups):
            _panel(axes, section, context.right)
        if not groups:
            figure.axes[0].set_axis_off()


def _panel(axes: Any, section: MakerRows, right: float) -> None:
    """Draw one object: what is wrong last, so that it lies on top."""
    for wrong, colours in ((False, COOL), (True, WARM)):
        groups = [rows for rows in _alike(section) if _is_wrong(rows[0]) == wrong]
        for rows, colour in zip(groups, itertools.cycle(colours)):
            _line(axes, rows, colour)
    axes.set_xscale("log")
    axes.set_yscale("log")
    _limits(axes, section, right)
    axes.set_xlabel("position", fontsize="small")
    axes.set_ylabel("phase error of the worst pair, rad", fontsize="small")
    axes.set_title("\n".join(section.title.split("; ", 1)), fontsize="small")
    axes.tick_params(labelsize="small")
    axes.grid(which="major", color=INK, alpha=0.25, linewidth=0.5)
    axes.set_facecolor("none")
    axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _alike(section: MakerRows) -> list[list[Reach]]:
    """The rows with phases, those of equal phases together: their lines would hide each other."""
    groups: list[list[Reach]] = []
    for row in (row for row in ran(section.rows) if row.phases):
        like_it = next(
            (group for group in groups if all(_on_one_line(row, longer) for longer in group)), None
        )
        if like_it is None:
            groups.append([row])
        else:
            like_it.append(row)
    return groups


def _on_one_line(row: Reach, longer: Reach) -> bool:
    """Whether one has all the points of the other; some are asked further than others."""
    few, many = sorted((set(_points(row)), set(_points(longer))), key=len)
    return few <= many and _is_wrong(row) == _is_wrong(longer)


def _is_wrong(row: Reach) -> bool:
    return row.verdict != "agrees"


def _points(row: Reach) -> tuple[tuple[int, float | None], ...]:
    return tuple((phase.position, phase.error) for phase in row.phases if phase.position > 0)


def _limits(axes: Any, section: MakerRows, right: float) -> None:
    """Draw above what a phase is wrong, and up to which position it must be right."""
    maker, small = section.maker, {"textcoords": "offset points", "fontsize": "x-small"}
    axes.axhline(right, color=INK, linestyle=LIMIT, linewidth=1)
    axes.annotate("wrong above", (1, right), xytext=(0, 2), **small)
    if maker.judged_to:
        word = "claims" if maker.claims else "held to"
        axes.axvline(maker.judged_to, color=INK, linestyle=LIMIT, linewidth=1)
        low = {"xycoords": axes.get_xaxis_transform(), "xytext": (-3, 3), "ha": "right"}
        axes.annotate(f"{word} {maker.judged_to}", (maker.judged_to, 0), **low, **small)


def _line(axes: Any, rows: Sequence[Reach], colour: str) -> None:
    points, wrong = max(map(_points, rows), key=len), _is_wrong(rows[0])
    axes.plot(
        [position for position, _ in points],
        [NO_ROTATION if error is None else max(error, LEAST) for _, error in points],
        WRONG if wrong else "--",
        color=colour,
        marker="o",
        markersize=3,
        linewidth=1.6 if wrong else 0.9,
        label=_label(rows),
    )
    gaps = [position for position, error in points if error is None]
    axes.plot(gaps, [NO_ROTATION] * len(gaps), "x", color=colour, markersize=7)


def _label(rows: Sequence[Reach]) -> str:
    """The conditions, one below the other, and what the crosses mean where there are any."""
    names = [
        one_line(f"{row.condition} (emulated)" if row.emulated else row.condition) for row in rows
    ]
    has_gaps = any(error is None for row in rows for _, error in _points(row))
    return ",\n".join(names) + (" (×: no rotation)" if has_gaps else "")

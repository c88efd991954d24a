"""A picture of how far something is right: its phase error against the position, a line for each condition."""

import math
from pathlib import PurePath
from typing import Any

from rotcheck.report import write
from rotcheck.report.context import Section, ran, sections
from rotcheck.report.plot import INK, INKED, drawn
from rotcheck.report.text import one_line
from rotcheck.results import Context, Reach

WIDTH, HEIGHT = 8.0, 4.2  # inches, of one object's panel
LEAST, LOST = 1e-8, math.pi  # radians: what is drawn for 0, and for what is no rotation
WRONG, LIMIT = "-", ":"


def draw(found: Context, path: str) -> None:
    """Draw the curves into the file, a panel for each object; without any, an empty picture.

    Raises `RequestError` when the file cannot be written.
    """
    import matplotlib
    from matplotlib.figure import Figure

    shown = [section for section in sections(found) if any(row.phases for row in ran(section.rows))]
    settings: Any = {"svg.hashsalt": "rotcheck", "svg.fonttype": "none", **dict.fromkeys(INKED, INK)}
    with matplotlib.rc_context(settings):
        figure = Figure((WIDTH, HEIGHT * max(1, len(shown))), layout="constrained")
        for axes, section in zip(figure.subplots(max(1, len(shown)), 1, squeeze=False).flat, shown):
            _panel(axes, section, found.right)
        if not shown:
            figure.axes[0].set_axis_off()
        write.write(path, drawn(figure, PurePath(path).suffix.lower()[1:]))


def _panel(axes: Any, section: Section, right: float) -> None:
    """Draw one object: the worst condition last, so that it lies on top."""
    for row in ran(section.rows):
        if row.phases:
            _line(axes, row)
    axes.axhline(right, color=INK, linestyle=LIMIT, linewidth=1)
    if section.maker.judged_to:
        axes.axvline(section.maker.judged_to, color=INK, linestyle=LIMIT, linewidth=1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("position", fontsize="small")
    axes.set_ylabel("phase error of the worst pair, rad", fontsize="small")
    axes.set_title("\n".join(section.title.split("; ", 1)), fontsize="small")
    axes.annotate("wrong above", (1, right), xytext=(0, 2), textcoords="offset points", fontsize="x-small")
    axes.grid(which="major", color=INK, alpha=0.25, linewidth=0.5)
    axes.set_facecolor("none")
    axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _line(axes: Any, row: Reach) -> None:
    points = [(phase.position, phase.error) for phase in row.phases if phase.position > 0]
    heights = [LOST if error is None else max(error, LEAST) for _, error in points]
    wrong = row.verdict != "agrees"
    axes.plot(
        [position for position, _ in points],
        heights,
        WRONG if wrong else "--",
        marker="o",
        markersize=3,
        linewidth=1.6 if wrong else 0.9,
        label=one_line(f"{row.condition} (emulated)" if row.emulated else row.condition),
    )

"""A picture of a benchmark: the time of each implementation over that of copying its input."""

import contextlib
import importlib.util
import math
from collections.abc import Iterator
from io import BytesIO
from pathlib import PurePath
from typing import Any

from rotcheck.bench.standings import Race, races
from rotcheck.errors import RequestError
from rotcheck.report import write
from rotcheck.report.text import one_line
from rotcheck.results import Bench, Timing

SUFFIXES = (".svg", ".png")
COLUMNS = 2  # panels beside each other
# inches: of a panel, of one implementation in it, of what surrounds it
WIDTH, ROW, FRAME = 5.5, 0.28, 1.1
INK_SETTINGS = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
INK, POINT, BASELINE = "#767676", "#2f7fd6", "#c2571a"  # as far from black as from white


def check(path: str) -> None:
    """Raise `RequestError` when no picture could be drawn or written there; draws nothing yet."""
    if PurePath(path).suffix.lower() not in SUFFIXES:
        raise RequestError(f"--plot {path!r}: the file's name must end in {' or '.join(SUFFIXES)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise RequestError("--plot needs matplotlib: install it with `pip install matplotlib`")
    try:
        write.check([path])
    except RequestError as error:
        raise RequestError(str(error).replace("--output", "--plot", 1)) from error


def draw(bench: Bench, path: str) -> None:
    """Draw the benchmark into the file; without a row that ran, an empty picture.

    Raises `RequestError` when the file cannot be written.
    """
    races_run = [race for race in races(bench) if race.ran]
    rows = max(1, math.ceil(len(races_run) / COLUMNS))
    tallest = max((len(race.ran) for race in races_run), default=1)
    with picture(path, COLUMNS * WIDTH, rows * (FRAME + ROW * tallest)) as figure:
        panels = figure.subplots(rows, COLUMNS, squeeze=False).flat
        for axes, race in zip(panels, races_run):
            _panel(axes, race, bench.against)
        for axes in list(figure.axes)[len(races_run) :]:
            axes.set_axis_off()


@contextlib.contextmanager
def picture(path: str, width: float, height: float, **settings: str) -> Iterator[Any]:
    """A figure of so many inches, which is written into the file at the end;
    the same file for the same figure.

    Raises `RequestError` when the file cannot be written.
    """
    import matplotlib
    from matplotlib.figure import Figure

    ink: Any = {"svg.hashsalt": "rotcheck", **dict.fromkeys(INK_SETTINGS, INK), **settings}
    suffix, file = PurePath(path).suffix.lower()[1:], BytesIO()
    with matplotlib.rc_context(ink):
        figure = Figure((width, height), layout="constrained")
        yield figure
        metadata = {"Date": None} if suffix == "svg" else None
        figure.savefig(file, format=suffix, dpi=150, transparent=True, metadata=metadata)
    write.write(path, file.getvalue())


def _panel(axes: Any, race: Race, against: str) -> None:
    """Draw one race, what is nearest to the copy at the top."""
    rows = sorted(race.ran, key=_times_copy, reverse=True)
    for at, row in enumerate(rows):
        _point(axes, at, row, BASELINE if row.implementation == against else POINT)
    axes.axvline(1, color=INK, linestyle=":", linewidth=1)
    axes.set_xscale("log", subs=[2, 5])
    for set_formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        set_formatter("{x:g}")
    axes.set_yticks(range(len(rows)), [one_line(row.implementation) for row in rows])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_title(race.title, fontsize="medium")
    axes.set_xlabel("time / time of copying the input", fontsize="small")
    axes.grid(axis="x", which="both", color=INK, alpha=0.25, linewidth=0.5)
    axes.set_facecolor("none")


def _times_copy(row: Timing) -> float:
    return row.times_copy.median if row.times_copy else math.inf


def _point(axes: Any, at: int, row: Timing, colour: str) -> None:
    times = row.times_copy
    assert times is not None, "it ran"
    bars = [[times.median - times.q25], [times.q75 - times.median]]
    axes.errorbar([times.median], [at], xerr=bars, fmt="o", color=colour, markersize=5, capsize=3)

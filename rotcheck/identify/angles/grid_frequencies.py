"""The frequencies of a grid's squares along a side:
of their places, or of a range that these are mapped to."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.identify.angles.angle_findings import UNKNOWN_SCHEDULE
from rotcheck.identify.angles.frequency_fit import Fit, fit_schedule
from rotcheck.identify.angles.measured_angles import repeats
from rotcheck.rotary.departures import SAME_FREQUENCY, departure
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.schedules import Plain, Schedule

# squares along a side, twice: whether angles follow the size of the grid
SIZES = ((1025, 769), (33, 25))
ACROSS = 3  # squares along the other side
PLACES = (0, 1, 2, 3, 5, 17, 24, 100, 257, 768)
UNEVEN = 1e-3  # radians
Lay = Callable[[int, int], Tensor]
"""Returns the angles (high * wide, P) of a grid so many squares high and wide;
raises for one that it does not take."""


@dataclass(frozen=True, slots=True)
class Side:
    """How the pairs of one side of a grid turn."""

    words: str
    doubt: str = ""  # why that is not understood
    fit: Fit | None = None  # where angles follow the place alone


def of_side(
    lay: Lay, side: int, pairs: Sequence[int], noise: float, candidates: Sequence[Schedule]
) -> Side | None:
    """The frequencies of pairs along the height (0) or width (1);
    None: it takes no grid of those sizes."""
    for sizes in SIZES:
        try:
            lines = [_line(lay, side, size)[:, list(pairs)] for size in sizes]  # (size, P) each
        except Exception:  # whatever the function raises for a grid that it does not take
            continue
        once = repeats(dict(enumerate(lines[0])), torch.arange(len(pairs)))
        lines = [line[:, : len(pairs) // 2] if once else line for line in lines]
        return _of_lines(lines, noise, candidates)
    return None


def _line(lay: Lay, side: int, size: int) -> Tensor:
    """The angles (size, P) of the squares along a side."""
    high, wide = (size, ACROSS) if side == 0 else (ACROSS, size)
    grid = lay(high, wide).reshape(high, wide, -1)
    return grid[:, 0] if side == 0 else grid[0]


def _of_lines(lines: Sequence[Tensor], noise: float, candidates: Sequence[Schedule]) -> Side:
    """The frequencies that two lines of other lengths tell."""
    steps = [wrap(line.diff(dim=0)) for line in lines]  # (size - 1, P) each
    if any(bool((step - step.mean(0)).abs().max() > UNEVEN) for step in steps):
        return Side("uneven angles", "its angles do not grow evenly from square to square")
    if _alike(steps[0].mean(0), steps[1].mean(0)):
        return _of_places(
            {at: lines[0][at] for at in PLACES if at < len(lines[0])}, noise, candidates
        )
    for fewer in (1, 0):  # from the first square's place to the last one's, or from edge to edge
        whole = [step.mean(0).abs() * (len(line) - fewer) for step, line in zip(steps, lines)]
        if _alike(*whole):
            return _of_range(whole[0])
    return Side(
        "different ones in each grid", "its angles follow the size of the grid, and in no known way"
    )


def _alike(frequencies: Tensor, reference: Tensor) -> bool:
    return torch.allclose(frequencies, reference, rtol=SAME_FREQUENCY, atol=1e-6)


def _of_places(angles: dict[int, Tensor], noise: float, candidates: Sequence[Schedule]) -> Side:
    place_fit = fit_schedule(angles, 1, 2 * len(angles[0]), noise, candidates)
    schedule, doubt = place_fit.schedule, ""
    if schedule is None:
        words = departure(place_fit.frequencies).words
        doubt = f"its frequencies follow no known schedule: {words}"
    elif place_fit.wrong_at is not None:
        doubt = f"its angles leave {schedule} at place {place_fit.wrong_at}"
    return Side(str(schedule or UNKNOWN_SCHEDULE), doubt, place_fit)


def _of_range(whole: Tensor) -> Side:
    """The frequencies (P,) of places that are mapped to -1 to 1;
    `whole`: radians from one end to the other."""
    bands = whole / 2
    first, last = float(bands[0]), float(bands[-1])
    over_range = "over places that are mapped to -1 to 1"
    if torch.allclose(
        bands, torch.linspace(first, last, len(bands), dtype=bands.dtype), rtol=SAME_FREQUENCY
    ):
        if abs(first - 1) < SAME_FREQUENCY:
            words = f"linspace(1, {last:.4g}) {over_range}"
            return Side(
                words, f"its frequencies are {words}, and pixel frequencies are pi times those"
            )
        return Side(f"linspace({first / math.pi:.4g}, {last / math.pi:.4g}) pi {over_range}")
    row = fit_schedule({at: at * bands / first for at in (0, 1)}, 1, 2 * len(bands))
    if isinstance(row.schedule, Plain):
        return Side(f"theta {row.schedule.theta:.6g} times {first:.4g} {over_range}")
    words = f"its frequencies {over_range} follow no known schedule: {departure(bands).words}"
    return Side(UNKNOWN_SCHEDULE, words)

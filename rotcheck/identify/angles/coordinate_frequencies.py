"""The frequencies of tables of points: one row for all pairs,
or a row for the pairs of each coordinate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from rotcheck.identify.angles.frequency_fit import Fit, fit_schedule
from rotcheck.identify.angles.measured_angles import Angles, repeats
from rotcheck.rotary.departures import SAME_FREQUENCY
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.schedules import Schedule


@dataclass(frozen=True, slots=True)
class Axes:
    """How the pairs of a point's coordinates turn."""

    fit: Fit  # of all pairs; its frequencies are in radians for each step of their own coordinate
    rows: int  # of frequencies: one for all pairs, or as many as coordinates
    # the lanes of each coordinate hold its row twice: they are paired within themselves
    twice: bool = False


def of_axes(
    angles_at_points: Angles, owners: Sequence[int], noise: float, candidates: Sequence[Schedule]
) -> Axes:
    """The fit of angles at points (p, 2p, 3p), by p;
    `owners`: the coordinate that each pair turns with."""
    pairs = torch.tensor(owners)
    groups = [(pairs == axis).nonzero().flatten() for axis in range(max(owners) + 1)]
    twice = all(repeats(angles_at_points, group) for group in groups)
    halves = [group[: len(group) // 2] if twice else group for group in groups]
    fits = [
        fit_schedule(
            {at * axis: angles[half] for at, angles in angles_at_points.items()},
            1,
            2 * len(half),
            noise,
            candidates,
        )
        for axis, half in enumerate(halves, 1)
    ]
    frequencies = torch.zeros(len(owners), dtype=torch.float64)
    for group, axis_fit in zip(groups, fits):
        frequencies[group] = axis_fit.frequencies.repeat(1 + twice)
    worst = replace(
        min(fits, key=lambda axis_fit: axis_fit.longest),
        frequencies=frequencies,
        turning=sum(axis_fit.turning for axis_fit in fits),
    )
    angles = {at: wrap(at * frequencies) for at in angles_at_points}
    whole = fit_schedule(angles, 1, 2 * len(owners), noise, candidates)
    if whole.schedule is not None:
        of_all = _with_schedule_of(worst, whole)
        return Axes(replace(of_all, departure=whole.departure), 1)
    if _alike(fits):
        return Axes(_with_schedule_of(worst, fits[0]), len(fits), twice)
    # nothing tells what was rounded
    return Axes(replace(worst, schedule=None, alternatives=(), why="", past=False), 1)


def _with_schedule_of(fit: Fit, source: Fit) -> Fit:
    return replace(fit, schedule=source.schedule, alternatives=source.alternatives)


def _alike(fits: Sequence[Fit]) -> bool:
    """Whether the pairs of every coordinate have the same schedule,
    or none that is known but the same row."""
    if fits[0].schedule is not None:
        return all(str(axis_fit.schedule) == str(fits[0].schedule) for axis_fit in fits)
    first = fits[0].frequencies
    return all(
        len(axis_fit.frequencies) == len(first)
        and torch.allclose(axis_fit.frequencies, first, rtol=SAME_FREQUENCY)
        for axis_fit in fits
    )


def spans(owners: Sequence[int], axis: int) -> str:
    """The pairs that turn with a coordinate, in words: `0 to 15`, or `0, 2, 4, ...`."""
    at = [pair for pair, owner in enumerate(owners) if owner == axis]
    if at == list(range(at[0], at[-1] + 1)):
        return f"{at[0]} to {at[-1]}"
    return ", ".join(map(str, at[:4])) + (f", ..., {at[-1]}" if len(at) > 4 else "")

"""The frequencies of tables of points: one row for all pairs, or a row for the pairs of each coordinate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rotcheck.identify.angles.frequency_fit import Fit, fit
from rotcheck.identify.angles.measured_angles import Angles, wrap
from rotcheck.rotary.schedules import Schedule

ALIKE = 1e-4  # relative


@dataclass(frozen=True, slots=True)
class Axes:
    """How the pairs of a point's coordinates turn."""

    fit: Fit  # of all pairs; its frequencies are in radians for each step of their own coordinate
    rows: int  # of frequencies: one for all pairs, or as many as coordinates
    # the lanes of each coordinate hold its row twice: they are paired within themselves
    twice: bool = False


def of_axes(seen: Angles, owners: Sequence[int], noise: float, known: Sequence[Schedule]) -> Axes:
    """Return the fit of angles at points (p, 2p, 3p), by p; `owners`: the coordinate that each pair turns with."""
    pairs = torch.tensor(owners)
    groups = [(pairs == axis).nonzero().flatten() for axis in range(max(owners) + 1)]
    twice = all(_twice(seen, group) for group in groups)
    halves = [group[: len(group) // 2] if twice else group for group in groups]
    fits = [
        fit(
            {at * axis: angles[half] for at, angles in seen.items()}, 1, 2 * len(half), noise, known
        )
        for axis, half in enumerate(halves, 1)
    ]
    frequencies = torch.zeros(len(owners), dtype=torch.float64)
    for group, one in zip(groups, fits):
        frequencies[group] = one.frequencies.repeat(1 + twice)
    worst = min(fits, key=lambda one: one.longest)
    worst = replace(worst, frequencies=frequencies, turning=sum(one.turning for one in fits))
    whole = fit({at: wrap(at * frequencies) for at in seen}, 1, 2 * len(owners), noise, known)
    if whole.schedule is not None:
        named = replace(worst, schedule=whole.schedule, alternatives=whole.alternatives)
        return Axes(replace(named, departure=whole.departure), 1)
    if _alike(fits):
        schedule, others = fits[0].schedule, fits[0].alternatives
        return Axes(replace(worst, schedule=schedule, alternatives=others), len(fits), twice)
    unknown = replace(
        worst, schedule=None, alternatives=(), why="", past=False
    )  # so nothing tells what was rounded
    return Axes(unknown, 1)


def _alike(fits: Sequence[Fit]) -> bool:
    """Return whether the pairs of every coordinate have the same schedule, or none that is known but the same row."""
    if fits[0].schedule is not None:
        return all(str(one.schedule) == str(fits[0].schedule) for one in fits)
    first = fits[0].frequencies
    return all(
        len(one.frequencies) == len(first) and torch.allclose(one.frequencies, first, rtol=ALIKE)
        for one in fits
    )


def _twice(seen: Angles, group: Tensor) -> bool:
    """Return whether the second half of a coordinate's lanes turns as the first does."""
    half = len(group) // 2
    return half > 0 and all(
        bool((angles[group[:half]] - angles[group[-half:]]).abs().max() < 1e-5)
        for angles in seen.values()
    )


def spans(owners: Sequence[int], axis: int) -> str:
    """Return in words which pairs turn with a coordinate: `0 to 15`, or `0, 2, 4, ...`."""
    at = [pair for pair, each in enumerate(owners) if each == axis]
    if at == list(range(at[0], at[-1] + 1)):
        return f"{at[0]} to {at[-1]}"
    return ", ".join(map(str, at[:4])) + (f", ..., {at[-1]}" if len(at) > 4 else "")

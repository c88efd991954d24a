"""The frequencies of tables of points: one row for all pairs, or a row for the pairs of each coordinate."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from rotcheck.identify.fit import Fit, fit
from rotcheck.identify.frequencies import Turned
from rotcheck.rotary.schedules import Plain, Schedule


def of_axes(
    seen: Turned, owners: Sequence[int] | None, noise: float, known: Sequence[Schedule]
) -> tuple[Fit, int]:
    """Return the fit of angles of points whose coordinates are all alike, and how many rows of frequencies it has.

    `owners`: the coordinate that each pair turns with; None: they are places in a row.
    """
    pairs = len(next(iter(seen.values())))
    whole = fit(seen, 1, 2 * pairs, noise, known)
    if owners is None or isinstance(whole.schedule, Plain):
        return whole, 1
    groups = [
        torch.tensor([pair for pair, each in enumerate(owners) if each == axis])
        for axis in range(max(owners) + 1)
    ]
    fits = [
        fit({at: angles[group] for at, angles in seen.items()}, 1, 2 * len(group), noise, known)
        for group in groups
    ]
    alike = all(
        len(one.frequencies) == len(fits[0].frequencies)
        and torch.allclose(one.frequencies, fits[0].frequencies, rtol=1e-4)
        for one in fits
    )
    if fits[0].schedule is None or not alike:
        return whole, 1
    frequencies = torch.zeros(pairs, dtype=torch.float64)
    for group, one in zip(groups, fits):
        frequencies[group] = one.frequencies
    worst = min(fits, key=lambda one: one.longest)
    turning = sum(one.turning for one in fits)
    return replace(worst, frequencies=frequencies, turning=turning, alternatives=fits[0].alternatives), len(fits)


def spans(owners: Sequence[int], axis: int) -> str:
    """Return in words which pairs turn with a coordinate: `0 to 15`, or `0, 2, 4, ...`."""
    at = [pair for pair, each in enumerate(owners) if each == axis]
    if at == list(range(at[0], at[-1] + 1)):
        return f"{at[0]} to {at[-1]}"
    return ", ".join(map(str, at[:4])) + (f", ..., {at[-1]}" if len(at) > 4 else "")

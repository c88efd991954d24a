"""By which angles the rows of a tensor turn: one set for all heads, or which heads differ."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.rotary.frequencies import wrap
from rotcheck.witness.turning import Turn

NOISE = 1e-4  # radians: what float32 leaves of an angle of a row
NARROW = (torch.bfloat16, torch.float16)
NARROW_NOISE = 4  # of a narrower dtype: so many of its rounding steps
NARROW_ERROR = 1e-3  # relative: a pair whose length is so far off was turned in a narrower dtype


@dataclass(frozen=True, slots=True)
class TurnAngles:
    """The angles of the rows of a tensor that turned.

    `angles`: (B or 1, S, P), in float64; of blocks that turn alike those of one. `axis`: which of
    the tensor's axes is the sequence. `still`: along which other axis parts stand still, and
    which: v of a packed tensor. `uneven`: the axis along which angles differ although it is neither
    the sequence nor the batch. `aside`: all tokens turn alike, and `axis` is another one, along
    which angles differ.
    """

    angles: Tensor
    axis: int
    noise: float
    still: tuple[int, tuple[int, ...]] | None = None
    uneven: int | None = None
    aside: bool = False


def noise_of(dtype: torch.dtype, rest: float = NOISE) -> float:
    """Radians that rounding hides of an angle which was read from values of a dtype.

    Args:
        dtype: of the values.
        rest: the radians for dtypes that are not narrow.
    """
    return NARROW_NOISE * torch.finfo(dtype).eps if dtype in NARROW else rest


def turn_angles(turn: Turn, dtype: torch.dtype, length: int) -> TurnAngles:
    """Read the angles of the rows of a tensor.

    Args:
        turn: how the tensor turned.
        dtype: of the tensor.
        length: tokens of the sequence: the axis of that size is it, where one is.
    """
    noise = noise_of(dtype)
    noise = max(noise, NARROW_NOISE * turn.error) if turn.error > NARROW_ERROR else noise
    shape = (*turn.angles.shape[:-1], turn.blocks, -1)
    angles, weights = turn.angles.reshape(shape), turn.weights.reshape(shape)  # (..., blocks, P)
    if turn.blocks > 1 and _difference(angles, weights, angles.dim() - 2) > noise:
        angles, weights = angles.flatten(-2), weights.flatten(-2)
    else:
        angles, weights = _mean(angles, weights, -2).squeeze(-2), weights.sum(-2)
    differences = [_difference(angles, weights, axis) for axis in range(angles.dim() - 1)]
    axis = _sequence(differences, angles.shape[:-1], length, noise)
    aside = length > 1 and length in angles.shape[:-1] and angles.shape[axis] != length
    still, uneven, batch = None, None, None
    for side, difference in enumerate(differences):
        if side == axis or difference <= noise:
            continue
        places = _still_places(angles, side, noise)
        if places:
            still = (side, places)
            rest = torch.tensor([at for at in range(angles.shape[side]) if at not in places])
            angles, weights = (x.index_select(side, rest) for x in (angles, weights))
            if len(rest) > 1 and _difference(angles, weights, side) > noise:
                uneven = side
        elif side == 0 and angles.dim() > 2:
            batch = side
        else:
            uneven = side
    if uneven is not None:
        angles, weights = (x.narrow(uneven, 0, 1) for x in (angles, weights))
    return TurnAngles(_rows(angles, weights, axis, batch), axis, noise, still, uneven, aside)


def _difference(angles: Tensor, weights: Tensor, axis: int) -> float:
    """Radians by which angles differ along an axis; of short pairs, whose angles are inexact, less
    counts."""
    certainty = (weights / weights.mean().clamp_min(1e-300)).sqrt().clamp(max=1)
    mean = _mean(angles, weights, axis)
    return float((wrap(angles - mean).abs() * certainty).max())


def _mean(angles: Tensor, weights: Tensor, *axes: int) -> Tensor:
    """The angle of the mean of pairs along axes, which stay, with one place."""
    whole = torch.polar(weights, angles)
    return torch.angle(whole.sum(axes, keepdim=True) if axes else whole)


def _sequence(differences: list[float], sizes: torch.Size, length: int, noise: float) -> int:
    """The axis of the sequence: the one of its length along which angles differ, else the one
    along which they differ most; where no axis has its length, the longest along which they do."""
    uneven = [axis for axis, difference in enumerate(differences) if difference > noise]
    axes = [axis for axis in uneven if sizes[axis] == length]
    if uneven and length not in sizes:
        return max(uneven, key=sizes.__getitem__)
    return axes[0] if axes else max(range(len(differences)), key=differences.__getitem__)


def _still_places(angles: Tensor, axis: int, noise: float) -> tuple[int, ...]:
    """Which places along an axis stand still, if some do and some do not."""
    largest = wrap(angles).abs().movedim(axis, 0).flatten(1).amax(1)  # (size,)
    places = (largest <= noise).nonzero().flatten().tolist()
    return tuple(places) if 0 < len(places) < len(largest) else ()


def _rows(angles: Tensor, weights: Tensor, axis: int, batch: int | None) -> Tensor:
    """The angles (B or 1, S, P), the mean of all places along every other axis."""
    axes = {axis, angles.dim() - 1} | ({batch} if batch is not None else set())
    mean = _mean(angles, weights, *(side for side in range(angles.dim()) if side not in axes))
    rows = mean.movedim(axis, -2)  # (..., S, P)
    return rows.reshape(-1, *rows.shape[-2:])  # (B or 1, S, P)

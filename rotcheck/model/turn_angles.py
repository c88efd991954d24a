"""By which angles the rows of a tensor turn: one set for all heads, or which heads differ."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.witness.turning import Turn, wrap

NOISE = 1e-4  # radians: what float32 leaves of an angle of a row
NARROW_NOISE = 4  # of a narrower dtype: so many of its rounding steps


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


def turn_angles(turn: Turn, dtype: torch.dtype, length: int) -> TurnAngles:
    """Read the angles of the rows of a tensor.

    Args:
        turn: how the tensor turned.
        dtype: of the tensor.
        length: tokens of the sequence: the axis of that size is it, where one is.
    """
    narrow = dtype in (torch.bfloat16, torch.float16)
    noise = NARROW_NOISE * torch.finfo(dtype).eps if narrow else NOISE
    angles = turn.angles.reshape(*turn.angles.shape[:-1], turn.blocks, -1)  # (..., blocks, P)
    if turn.blocks > 1 and _difference(angles, angles.dim() - 2) > noise:
        angles = angles.flatten(-2)
    else:
        angles = angles[..., 0, :]
    differences = [_difference(angles, axis) for axis in range(angles.dim() - 1)]
    axis = _sequence(differences, angles.shape[:-1], length, noise)
    aside = length > 1 and length in angles.shape[:-1] and angles.shape[axis] != length
    still, uneven, batch, whole = None, None, None, angles
    for other, difference in enumerate(differences):
        if other == axis or difference <= noise:
            continue
        places = _still_places(angles, other, noise)
        if places:
            still = (other, places)
            rest = [at for at in range(angles.shape[other]) if at not in places]
            angles = angles.index_select(other, torch.tensor(rest[:1]))
            if len(rest) > 1 and _difference_among(whole, other, rest) > noise:
                uneven = other
        elif other == 0 and angles.dim() > 3:
            batch = other
        else:
            uneven = other
    return TurnAngles(_rows(angles, axis, batch), axis, noise, still, uneven, aside)


def _difference(angles: Tensor, axis: int) -> float:
    return float(wrap(angles - angles.narrow(axis, 0, 1)).abs().max())


def _difference_among(angles: Tensor, axis: int, places: list[int]) -> float:
    return _difference(angles.index_select(axis, torch.tensor(places)), axis)


def _sequence(differences: list[float], sizes: torch.Size, length: int, noise: float) -> int:
    """The axis of the sequence: the one of its length along which angles differ, else the one
    along which they differ most."""
    axes = [axis for axis, size in enumerate(sizes) if size == length]
    axes = [axis for axis in axes if differences[axis] > noise]
    return axes[0] if axes else max(range(len(differences)), key=differences.__getitem__)


def _still_places(angles: Tensor, axis: int, noise: float) -> tuple[int, ...]:
    """Which places along an axis stand still, if some do and some do not."""
    largest = wrap(angles).abs().movedim(axis, 0).flatten(1).amax(1)  # (size,)
    places = (largest <= noise).nonzero().flatten().tolist()
    return tuple(places) if 0 < len(places) < len(largest) else ()


def _rows(angles: Tensor, axis: int, batch: int | None) -> Tensor:
    """The angles (B or 1, S, P) of the first place along every other axis."""
    kept = {axis, angles.dim() - 1} | ({batch} if batch is not None else set())
    for other in range(angles.dim()):
        if other not in kept:
            angles = angles.narrow(other, 0, 1)
    rows = angles.movedim(axis, -2)  # (..., S, P)
    return rows.reshape(-1, *rows.shape[-2:])  # (B or 1, S, P)

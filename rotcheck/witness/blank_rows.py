"""Rows of a tensor of which a call left one number in all lanes: what they held is gone."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

NOT_KNOWN_PADDING = "whether these are padding is not known"


@dataclass(frozen=True, slots=True)
class BlankRows:
    """Where these rows lie.

    `axes`: that of the sequence, or those of the batch and the sequence. `mask`: their places along
    these axes. `value`: what the rows hold now.
    """

    axes: tuple[int, ...]
    mask: Tensor
    value: float

    @property
    def words(self) -> str:
        """How many of the tokens they are."""
        return f"{int(self.mask.sum())} of {self.mask.numel()} tokens"

    @property
    def result(self) -> str:
        """What they hold now."""
        return f"{self.value:g} in each lane" if self.value else "zeros"

    def rest(self, x: Tensor) -> Tensor:
        """The other rows of a tensor (..., D); of several axes (N, ..., D), one after another."""
        keep = ~self.mask.to(x.device)
        if len(self.axes) == 1:
            return x.index_select(self.axes[0], keep.nonzero().flatten())
        return x.movedim(self.axes, (0, 1))[keep]

    def fill(self, x: Tensor, value: float) -> Tensor:
        """The tensor (..., P) with one value in these rows."""
        shape = [size if axis in self.axes else 1 for axis, size in enumerate(x.shape)]
        return x.masked_fill(self.mask.to(x.device).reshape(shape), value)

    def length(self, length: int) -> int:
        """How many tokens the rest has of a sequence; of several rows all of them."""
        if len(self.axes) > 1:
            return int((~self.mask).sum())
        return int((~self.mask).sum()) if len(self.mask) == length else length

    def positions(self, positions: Tensor | None, length: int) -> Tensor | None:
        """The positions (S,) or (B, S) of the rest; None: 0, 1, 2, ..."""
        if len(self.axes) == 1:
            is_whole = positions is not None and positions.shape[-1] == len(self.mask)
            return positions[..., ~self.mask] if is_whole and positions is not None else None
        rows = torch.arange(length) if positions is None else positions.cpu()
        mask = self.by_row(length)
        is_whole = mask is not None and rows.dim() < 3 and rows.shape[-1] == mask.shape[-1]
        return rows.expand(self.mask.shape)[~self.mask] if is_whole else None

    def by_row(self, length: int) -> Tensor | None:
        """The places (B or 1, S) in sequences of a length; None: they lie along another axis."""
        mask = self.mask if self.mask.dim() > 1 else self.mask[None]
        return mask if mask.shape[-1] == length else None


def blank_rows(before: Tensor, after: Tensor) -> BlankRows | None:
    """The rows of which one number came back, in the lanes that others change too; None: there are
    none, or no others, or they lie along no sequence.

    Args:
        before: what went into a call, (..., D).
        after: what came out, of the same shape.
    """
    is_blank = blanks(before, after)  # (...)
    if not bool(is_blank.any()) or bool(is_blank.all()):
        return None
    axes = _axes_of(is_blank)
    if len(axes) > 2 or (len(axes) == 2 and (axes[0] or is_blank.dim() > 3)):
        return None
    value = float(after[is_blank].flatten()[0])
    mask = is_blank[tuple(slice(None) if axis in axes else 0 for axis in range(is_blank.dim()))]
    return BlankRows(axes, mask.cpu(), value) if bool((after[is_blank] == value).all()) else None


def blanks(before: Tensor, after: Tensor) -> Tensor:
    """Which rows (...) hold one number each after a call, and held others before it, (..., D)."""
    return _are_even(after) & ~_are_even(before)


def _are_even(x: Tensor) -> Tensor:
    return (x == x[..., :1]).all(-1)


def _axes_of(mask: Tensor) -> tuple[int, ...]:
    """The axes along which a mask is not the same everywhere."""
    axes: Sequence[int] = range(mask.dim())
    return tuple(axis for axis in axes if bool((mask != mask.narrow(axis, 0, 1)).any()))

"""Which pairs of a wrong result are off: how many, in which rows, heads and pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.measure.case import Case, unit
from rotcheck.measure.rounding_steps import SAME

SHOWN = 8  # indices that are listed one by one


@dataclass(frozen=True, slots=True)
class Spread:
    """The pairs of one slot that are off by more than rounding explains."""

    slot: str  # "q", "k" or "v"
    count: int
    of: int
    batches: tuple[int, ...]
    rows: tuple[int, ...]
    positions: tuple[int, ...]  # of these rows, in the first batch that is off
    heads: tuple[int, ...]
    pairs: tuple[int, ...]
    sizes: tuple[int, int, int, int]  # B, S, H, P

    def __str__(self) -> str:
        batches, rows, heads, pairs = self.sizes
        parts = (
            f"{_words('row', self.rows, rows)} (position{_s(self.positions)} {_listed(self.positions)})",
            _words("head", self.heads, heads),
            _words("pair", self.pairs, pairs),
            _words("batch row", self.batches, batches),
        )
        return f"{self.slot}: {self.count} of {self.of} pairs are off: {', '.join(parts)}"


def spread(case: Case, results: Sequence[Tensor]) -> tuple[Spread, ...]:
    """Return for each slot of results that is off where it is; nothing for what rounding explains."""
    each = zip(case.convention.slots, case.read(results), case.truth, case.norms)
    found = [_of_slot(case, *slot) for slot in each]
    return tuple(one for one in found if one is not None)


def _of_slot(case: Case, slot: str, found: Tensor, right: Tensor, sizes: Tensor) -> Spread | None:
    # (..., S, 1, P)
    slack = case.slack.unsqueeze(-2) if isinstance(case.slack, Tensor) else case.slack
    broken = ~torch.isfinite(found) & torch.isfinite(right)
    units = (found - right).abs() / unit(sizes, case.dtype, slack)[..., None]  # (B, S, H, P, 2)
    off = ((units > SAME) | broken).any(-1)  # (B, S, H, P)
    if not off.any():
        return None
    batches, rows, heads, pairs = (
        tuple(off.movedim(axis, 0).flatten(1).any(1).nonzero().flatten().tolist())
        for axis in range(4)
    )
    first = case.positions[0]
    of_batch = case.positions[batches[0]] if isinstance(first, tuple) else case.positions
    positions = tuple(int(of_batch[row]) for row in rows)  # type: ignore[arg-type]
    count, shape = int(off.sum()), (off.shape[0], off.shape[1], off.shape[2], off.shape[3])
    return Spread(slot, count, off.numel(), batches, rows, positions, heads, pairs, shape)


def _words(name: str, indices: tuple[int, ...], size: int) -> str:
    return f"all {name}s" if len(indices) == size > 1 else f"{name}{_s(indices)} {_ranges(indices)}"


def _s(several: Sequence[int]) -> str:
    return "" if len(several) == 1 else "s"


def _ranges(indices: tuple[int, ...]) -> str:
    """Return indices, those that follow each other as one range: `0, 3-7`."""
    runs: list[list[int]] = []
    for at in indices:
        if runs and runs[-1][-1] == at - 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    return _listed([str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs])


def _listed(values: Sequence[object]) -> str:
    shown = [str(value) for value in values]
    if len(shown) <= SHOWN:
        return ", ".join(shown)
    return f"{', '.join(shown[: SHOWN - 1])}, ... {shown[-1]}"

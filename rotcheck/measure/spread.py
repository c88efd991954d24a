"""The pairs of a wrong result that are off: how many, in which rows, heads and pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.measure.case import Case
from rotcheck.measure.error_extent import runs
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, unit

MOST_INDICES = 8  # indices that are listed one by one


@dataclass(frozen=True, slots=True)
class ErrorSpread:
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
            f"{_words('row', self.rows, rows)} (position{_s(self.positions)} {_list(self.positions)})",
            _words("head", self.heads, heads),
            _words("pair", self.pairs, pairs),
            _words("batch row", self.batches, batches),
        )
        return f"{self.slot}: {self.count} of {self.of} pairs are off: {', '.join(parts)}"


def spread(case: Case, results: Sequence[Tensor]) -> tuple[ErrorSpread, ...]:
    """For each slot with a wrong result, where it is wrong; nothing for what rounding explains."""
    slots = zip(case.convention.slots, case.read(results), case.truth, case.norms)
    spreads = [_of_slot(case, *slot) for slot in slots]
    return tuple(slot_spread for slot_spread in spreads if slot_spread is not None)


def _of_slot(
    case: Case, slot: str, result: Tensor, right: Tensor, sizes: Tensor
) -> ErrorSpread | None:
    not_finite = ~torch.isfinite(result) & torch.isfinite(right)
    units = (result - right).abs() / unit(sizes, case.dtype, case.slack)[
        ..., None
    ]  # (B, S, H, P, 2)
    off = ((units > ROUNDING_LIMIT) | not_finite).any(-1)  # (B, S, H, P)
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
    return ErrorSpread(slot, count, off.numel(), batches, rows, positions, heads, pairs, shape)


def _words(name: str, indices: tuple[int, ...], size: int) -> str:
    return f"all {name}s" if len(indices) == size > 1 else f"{name}{_s(indices)} {_ranges(indices)}"


def _s(several: Sequence[int]) -> str:
    return "" if len(several) == 1 else "s"


def _ranges(indices: tuple[int, ...]) -> str:
    """Indices, those that follow each other as one range: `0, 3-7`."""
    return _list(
        [str(first) if first == last else f"{first}-{last}" for first, last in runs(indices)]
    )


def _list(values: Sequence[object]) -> str:
    texts = [str(value) for value in values]
    if len(texts) <= MOST_INDICES:
        return ", ".join(texts)
    return f"{', '.join(texts[: MOST_INDICES - 1])}, ... {texts[-1]}"

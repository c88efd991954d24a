"""The pairs of a wrong result that are off: how many, in which rows, heads and pairs."""

from collections.abc import Sequence

from torch import Tensor

from rotcheck.measure.case import Case
from rotcheck.measure.error_extent import masks, runs

MOST_INDICES = 8  # indices that are listed one by one


def spread(case: Case, results: Sequence[Tensor]) -> tuple[str, ...]:
    """For each slot with a wrong result, where it is wrong; nothing for what rounding explains."""
    slots = zip(case.convention.slots, masks(case, case.read(results), case.dtype))
    return tuple(_of_slot(case, slot, mask.any(-1)) for slot, mask in slots if mask.any())


def _of_slot(case: Case, slot: str, off: Tensor) -> str:
    """Where pairs (B, S, H, P) are off; the positions are those of
    the first batch row that is off."""
    batches, rows, heads, pairs = (
        off.movedim(axis, 0).flatten(1).any(1).nonzero().flatten().tolist() for axis in range(4)
    )
    positions = case.position_rows.expand(case.batch, -1)[batches[0], rows].tolist()
    parts = (
        f"{_words('row', rows, off.shape[1])} (position{_s(positions)} {_list(positions)})",
        _words("head", heads, off.shape[2]),
        _words("pair", pairs, off.shape[3]),
        _words("batch row", batches, off.shape[0]),
    )
    return f"{slot}: {int(off.sum())} of {off.numel()} pairs are off: {', '.join(parts)}"


def _words(name: str, indices: Sequence[int], size: int) -> str:
    """Indices, those that follow each other as one range: `rows 0, 3-7`."""
    if len(indices) == size > 1:
        return f"all {name}s"
    ranges = [f"{first}-{last}" if last > first else str(first) for first, last in runs(indices)]
    return f"{name}{_s(indices)} {_list(ranges)}"


def _s(several: Sequence[int]) -> str:
    return "" if len(several) == 1 else "s"


def _list(values: Sequence[object]) -> str:
    texts = [str(value) for value in values]
    if len(texts) <= MOST_INDICES:
        return ", ".join(texts)
    return f"{', '.join(texts[: MOST_INDICES - 1])}, ... {texts[-1]}"

"""The part of a result that is off, in words:
"rows from 8 on", "the last head", "lanes 32 to 63"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, unit

MOST_INDICES = 6  # indices that are listed one by one
SURELY = 3 * ROUNDING_LIMIT  # rounding steps by which a mistake shows despite rounding
_SINGLE = re.compile(r"(row|head|lane|batch row) \d+( of|$)|the last |every second |[qkv]$")
_AXES = (("batch row", 0), ("row", 1), ("head", 2))


@dataclass(frozen=True, slots=True)
class Extent:
    """The part of a result that is off.

    `masks`: of each slot, (B, S, H, P, 2), True for an element that is off.
    """

    case: Case
    masks: Slots
    dtype: torch.dtype  # whose rounding steps count

    @property
    def count(self) -> int:
        """How many elements are off."""
        return sum(int(mask.sum()) for mask in self.masks)

    def part(self, prediction: Slots) -> str:
        """The part in words, of all that the predicted mistake would change; empty: all of that."""
        effect = self._effect(prediction)
        region = tuple(map(_region, self.masks))
        if any(
            bool((at & inside & ~off).any()) for at, inside, off in zip(effect, region, self.masks)
        ):
            pairs = sum(int(mask.any(-1).sum()) for mask in self.masks)
            return f"{pairs} of {sum(mask[..., 0].numel() for mask in self.masks)} pairs"
        return self._description(effect, effect)

    def place(self, prediction: Slots | None = None, *, lanes: bool = True) -> str:
        """Which part it is of all that turns; empty: all of that.

        `prediction`: what the mistake gives, which may not change all lanes
        that turn. `lanes`: say which are off.
        """
        turning = self._effect(self.case.pairs)
        effect = self._effect(prediction) if prediction else turning
        return self._description(turning, effect if lanes else None)

    def _effect(self, prediction: Slots) -> Slots:
        """Where a mistake shows despite rounding."""
        return masks(self.case, prediction, self.dtype, SURELY)

    def _description(self, effect: Slots, of_lanes: Slots | None) -> str:
        regions = [_region(mask) for mask in self.masks]

        def possible(each: Slots, *axes: int) -> Slots:
            """Where the mistake could show, along these axes,
            for the indices that are off in the others."""
            boxes = [region.any(axes[0], True).any(axes[-1], True) for region in regions]
            return tuple(at & box for at, box in zip(each, boxes))

        words = []
        for name, axis in _AXES:
            could = _indices(possible(effect, axis), axis)
            words.append(_index_words(name, _indices(self.masks, axis), could))
        if of_lanes:
            words.append(_index_words("lane", self.lanes(), self._lanes(possible(of_lanes, 3, 4))))
        words += self._slots(effect)
        return " of ".join(word for word in words if word)

    def lanes(self, lane_of_pair: int | None = None) -> list[int]:
        """The lanes that are off, by their index in the result:
        all, or the first (0) or second (1) of each pair."""
        if lane_of_pair is None:
            return self._lanes(self.masks)
        lane_mask = torch.tensor([lane_of_pair == 0, lane_of_pair == 1])
        return self._lanes(tuple(mask & lane_mask for mask in self.masks))

    @property
    def one_lane(self) -> bool:
        """Whether only the first or only the second lane of each pair is off."""
        return not self.lanes(0) or not self.lanes(1)

    def indices(self, axis: int) -> list[int]:
        """The batch rows (axis 0), rows (1) or heads (2) in which something is off."""
        return _indices(self.masks, axis)

    def _lanes(self, slots: Slots) -> list[int]:
        """The lanes that are off, by their index in the result."""
        pairs = torch.stack([mask.flatten(0, 2).any(0) for mask in slots]).any(0)  # (P, 2)
        flat = self.case.lanes_of(pairs, self.case.convention.output_order)
        return flat.nonzero().flatten().tolist()

    def _slots(self, effect: Slots) -> list[str]:
        ours, possible = (
            [name for name, mask in zip(self.case.convention.slots, slots) if mask.any()]
            for slots in (self.masks, effect)
        )
        return [" and ".join(ours)] if ours != possible else []


def extent(case: Case, result: Slots, dtype: torch.dtype) -> Extent:
    """The part of a result that is off, in the rounding steps of the dtype."""
    return Extent(case, masks(case, result, dtype), dtype)


def masks(
    case: Case, results: Sequence[Tensor], dtype: torch.dtype, most: float = ROUNDING_LIMIT
) -> Slots:
    """Where results are off by more than `most` rounding steps, (B, S, H, P, 2) of each slot."""
    return tuple(
        ~((result - exact).abs() <= most * unit(sizes, dtype, case.slack)[..., None])
        for result, exact, sizes in zip(results, case.truth, case.norms)
    )


def _region(mask: Tensor) -> Tensor:
    """The smallest box of batch rows, rows, heads and lanes that holds all that is off."""
    region = mask.flatten(0, 2).any(0)  # (P, 2)
    for axis in (2, 1, 0):
        at = mask.movedim(axis, 0).flatten(1).any(1)
        region = at.view(-1, *(1,) * (5 - 1 - axis)) & region
    return region


def _indices(slots: Slots, axis: int) -> list[int]:
    """The indices along an axis at which any of the slots is off."""
    longest = max(mask.shape[axis] for mask in slots)
    at = torch.zeros(longest, dtype=torch.bool)
    for mask in slots:
        at[: mask.shape[axis]] |= mask.movedim(axis, 0).flatten(1).any(1)
    return at.nonzero().flatten().tolist()


def _index_words(name: str, ours: list[int], possible: list[int]) -> str:
    """Some of the possible indices in words; empty: all of them."""
    if not set(possible) - set(ours):
        return ""
    if len(ours) == 1:
        is_last = name == "head" and ours[0] == max(possible)
        return f"the last {name}" if is_last else f"{name} {ours[0]}"
    if ours == [at for at in possible if at >= ours[0]] and name == "row":
        return f"rows from {ours[0]} on"
    return index_list(name, ours)


def index_list(name: str, indices: list[int]) -> str:
    """Indices in words: `lanes 32 to 63`, `every second row from 1 to 11`."""
    if len(indices) > 3 and indices == list(range(indices[0], indices[-1] + 1, 2)):
        return f"every second {name} from {indices[0]} to {indices[-1]}"
    texts = [str(first) if first == last else f"{first} to {last}" for first, last in runs(indices)]
    several = "" if len(indices) == 1 else "s"
    return f"{name}{several} {', '.join(texts[:MOST_INDICES])}{', ...' if len(texts) > MOST_INDICES else ''}"


def conjugate(place: str, verb: str) -> str:
    """The verb of a place: `rows from 8 on turn`, `the last head turns`."""
    return f"{verb}s" if _SINGLE.match(place) else verb


def runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """The runs of indices that follow each other, as the first and the last of each."""
    runs: list[tuple[int, int]] = []
    for at in indices:
        if runs and runs[-1][1] == at - 1:
            runs[-1] = (runs[-1][0], at)
        else:
            runs.append((at, at))
    return runs

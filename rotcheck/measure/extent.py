"""Which part of a result a mistake has reached, in words: "rows from 8 on", "the last head", "lanes 32 to 63"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.convention import lanes
from rotcheck.measure.case import Case, Slots, unit
from rotcheck.measure.rounding_steps import SAME

SHOWN = 6  # indices that are listed one by one
SURELY = 3 * SAME  # rounding steps by which a mistake shows in spite of rounding
_SINGLE = re.compile(r"(row|head|lane|batch row) \d+( of|$)|the last |every second |[qkv]$")
_AXES = (("batch row", 0), ("row", 1), ("head", 2))


@dataclass(frozen=True, slots=True)
class Extent:
    """What of a result is off. `masks`: for each slot (B, S, H, P, 2), True where an element is off."""

    case: Case
    masks: Slots
    dtype: torch.dtype  # whose rounding steps count

    @property
    def count(self) -> int:
        """How many elements are off."""
        return sum(int(mask.sum()) for mask in self.masks)

    def part(self, predicted: Slots) -> str:
        """Return which part it is of all that the predicted mistake would change; empty: all of that."""
        changed = masks(self.case, predicted, self.case.truth, self.dtype, SURELY)
        region = tuple(map(_region, self.masks))
        if any(
            bool((at & inside & ~off).any()) for at, inside, off in zip(changed, region, self.masks)
        ):
            pairs = sum(int(mask.any(-1).sum()) for mask in self.masks)
            return f"{pairs} of {sum(mask[..., 0].numel() for mask in self.masks)} pairs"
        return self._named(changed, changed)

    def place(self, predicted: Slots | None = None, *, lanes: bool = True) -> str:
        """Return which part it is of all that turns; empty: all of that.

        `predicted`: what the mistake gives, which may not change all lanes that turn. `lanes`: say which are off.
        """
        turning = masks(self.case, self.case.pairs, self.case.truth, self.dtype, SURELY)
        if not lanes:
            return self._named(turning, None)
        changed = (
            masks(self.case, predicted, self.case.truth, self.dtype, SURELY)
            if predicted
            else turning
        )
        return self._named(turning, changed)

    def _named(self, changed: Slots, of_lanes: Slots | None) -> str:
        regions = [_region(mask) for mask in self.masks]

        def possible(each: Slots, *axes: int) -> Slots:
            """Return where the mistake could show, along these axes, beside what is off."""
            return tuple(
                at & region.any(axes[0], True).any(axes[-1], True)
                for at, region in zip(each, regions)
            )

        words = [
            _named(name, self.indices(axis), _any(possible(changed, axis), axis))
            for name, axis in _AXES
        ]
        if of_lanes:
            words.append(_named("lane", self.lanes(), self._lanes(possible(of_lanes, 3, 4))))
        words += self._slots(changed)
        return " of ".join(word for word in words if word)

    def lanes(self, which: int | None = None) -> list[int]:
        """Return the lanes that are off, as they lie in the result, or the first (0) or second (1) of each pair."""
        if which is None:
            return self._lanes(self.masks)
        one = torch.tensor([which == 0, which == 1])
        return self._lanes(tuple(mask & one for mask in self.masks))

    @property
    def one_lane(self) -> bool:
        """Whether only the first or only the second lane of each pair is off."""
        return not self.lanes(0) or not self.lanes(1)

    def indices(self, axis: int) -> list[int]:
        """Return the batch rows (axis 0), rows (1) or heads (2) that are off somewhere."""
        return _any(self.masks, axis)

    def _lanes(self, each: Slots) -> list[int]:
        """Return the lanes that are off, as they lie in the result."""
        pairs = torch.stack([mask.flatten(0, 2).any(0) for mask in each]).any(0)  # (P, 2)
        turning, convention = self.case.rotary_dim // 2, self.case.convention
        turned = lanes(pairs[:turning], convention.written, convention.blocks)
        return torch.cat((turned, pairs[turning:].flatten())).nonzero().flatten().tolist()

    def _slots(self, changed: Slots) -> list[str]:
        ours, possible = (
            [name for name, mask in zip(self.case.convention.slots, each) if mask.any()]
            for each in (self.masks, changed)
        )
        return [" and ".join(ours)] if ours != possible else []


def extent(case: Case, found: Slots, dtype: torch.dtype) -> Extent:
    """Return what of a result is off, in the rounding steps of the dtype."""
    return Extent(case, masks(case, found, case.truth, dtype), dtype)


def masks(
    case: Case, found: Sequence[Tensor], expected: Slots, dtype: torch.dtype, most: float = SAME
) -> Slots:
    """Return where results are off by more than so many rounding steps, (B, S, H, P, 2) of each slot."""
    # (..., S, 1, P)
    slack = case.slack.unsqueeze(-2) if isinstance(case.slack, Tensor) else case.slack
    each = zip(found, expected, case.norms)
    return tuple(
        ~((one - other).abs() <= most * unit(sizes, dtype, slack)[..., None])
        for one, other, sizes in each
    )


def _region(mask: Tensor) -> Tensor:
    """Return the product of the batch rows, rows, heads and lanes that are off somewhere."""
    region = mask.flatten(0, 2).any(0)  # (P, 2)
    for axis in (2, 1, 0):
        at = mask.movedim(axis, 0).flatten(1).any(1)
        region = at.view(-1, *(1,) * (5 - 1 - axis)) & region
    return region


def _any(each: Slots, axis: int) -> list[int]:
    """Return the indices along an axis at which any of the slots is off."""
    longest = max(mask.shape[axis] for mask in each)
    at = torch.zeros(longest, dtype=torch.bool)
    for mask in each:
        at[: mask.shape[axis]] |= mask.movedim(axis, 0).flatten(1).any(1)
    return at.nonzero().flatten().tolist()


def _named(name: str, ours: list[int], possible: list[int]) -> str:
    """Return these of the possible ones in words; empty: all of them."""
    if not set(possible) - set(ours):
        return ""
    if len(ours) == 1:
        return (
            f"the last {name}"
            if name == "head" and ours[0] == max(possible)
            else f"{name} {ours[0]}"
        )
    if ours == [at for at in possible if at >= ours[0]] and name == "row":
        return f"rows from {ours[0]} on"
    return listed(name, ours)


def listed(name: str, indices: list[int]) -> str:
    """Return indices in words: `lanes 32 to 63`, `every second row from 1 to 11`."""
    if len(indices) > 3 and indices == list(range(indices[0], indices[-1] + 1, 2)):
        return f"every second {name} from {indices[0]} to {indices[-1]}"
    runs = _runs(indices)
    each = [str(first) if first == last else f"{first} to {last}" for first, last in runs]
    several = "" if len(indices) == 1 else "s"
    return f"{name}{several} {', '.join(each[:SHOWN])}{', ...' if len(each) > SHOWN else ''}"


def conjugated(place: str, verb: str) -> str:
    """Return the verb of a place: `rows from 8 on turn`, `the last head turns`."""
    return f"{verb}s" if _SINGLE.match(place) else verb


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """Return the runs of indices that follow each other, as the first and the last of each."""
    runs: list[tuple[int, int]] = []
    for at in indices:
        if runs and runs[-1][1] == at - 1:
            runs[-1] = (runs[-1][0], at)
        else:
            runs.append((at, at))
    return runs

"""A mistake that has reached a part of a result only, or has put right values in the wrong place: which, and how."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.displacements import displacements
from rotcheck.measure.extent import Extent, conjugated
from rotcheck.measure.fitted_numbers import amplitude
from rotcheck.measure.mistakes import predictions
from rotcheck.measure.terms import formulas

Same = Callable[[Sequence[Tensor], Sequence[Tensor]], bool]
Explained = Callable[[Slots], bool]
"""Whether a mistake gives what is off."""


def near_miss(case: Case, found: Slots, off: Extent, same: Same) -> tuple[str, str] | None:
    """Return code and words of the mistake that explains what is off, where the rest is right; None: of no mistake."""

    def explained(predicted: Slots) -> bool:
        each = zip(off.masks, predicted, case.truth)
        return same(found, [torch.where(mask, wrong, right) for mask, wrong, right in each])

    ways = [_in_part(case, found, off, explained), _displaced(case, found, off, explained)]
    formula = _formula(case, found, off, explained)
    # of one lane alone, its terms say more
    ways = [formula, *ways] if off.one_lane else [*ways, formula]
    return next((answer for way in ways for answer in way), None)


def _in_part(
    case: Case, found: Slots, off: Extent, explained: Explained
) -> Iterator[tuple[str, str]]:
    """A known mistake, in a part of the result."""
    for code, words, predicted in (*predictions(case), *amplitude(case, found, off.masks)):
        part = explained(predicted) and off.part(predicted)
        if part and code == "not-rotated":
            yield "partly", f"{part} {conjugated(part, 'come')} back unrotated"
        elif part:
            yield "partly", f"{words}, in {part} alone"


def _displaced(
    case: Case, found: Slots, off: Extent, explained: Explained
) -> Iterator[tuple[str, str]]:
    """What belongs elsewhere, or zeros."""
    for code, words, predicted in displacements(case, found, off):
        if explained(predicted):
            place, (verb, rest) = off.place(predicted) or "all rows", words.split(" ", 1)
            yield code, f"{place} {conjugated(place, verb)} {rest}"


def _formula(
    case: Case, found: Slots, off: Extent, explained: Explained
) -> Iterator[tuple[str, str]]:
    """Other terms than those of the rotation."""
    for code, words, predicted in formulas(case, found, off):
        if explained(predicted):
            place = off.place(lanes=False)
            yield code, f"{words}{f', in {place} alone' if place else ''}"

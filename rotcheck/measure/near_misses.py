"""A mistake in a part of a result only, or right values in the wrong place: which, and how."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.displacements import displacements
from rotcheck.measure.error_extent import Extent, conjugate
from rotcheck.measure.fitted_numbers import amplitude
from rotcheck.measure.formula_fit import formulas
from rotcheck.measure.mistakes import predictions

Agree = Callable[[Sequence[Tensor], Sequence[Tensor]], bool]
Explains = Callable[[Slots], bool]
"""Whether a mistake explains what is off."""


def near_miss(case: Case, result: Slots, off: Extent, agree: Agree) -> tuple[str, str] | None:
    """Code and words of the mistake that explains what is off, while the rest is right;
    None: no mistake does."""

    def explains(predicted: Slots) -> bool:
        slots = zip(off.masks, predicted, case.truth)
        return agree(result, [torch.where(mask, wrong, right) for mask, wrong, right in slots])

    ways = [_in_part(case, result, off, explains), _displacement(case, result, off, explains)]
    formula = _formula(case, result, off, explains)
    # if only one lane of each pair is off, its terms say more
    ways = [formula, *ways] if off.one_lane else [*ways, formula]
    return next((answer for way in ways for answer in way), None)


def _in_part(
    case: Case, result: Slots, off: Extent, explains: Explains
) -> Iterator[tuple[str, str]]:
    """A known mistake, in a part of the result."""
    for code, words, prediction in (*predictions(case), *amplitude(case, result, off.masks)):
        part = explains(prediction) and off.part(prediction)
        if part and code == "not-rotated":
            yield "partly", f"{part} {conjugate(part, 'come')} back unrotated"
        elif part:
            yield "partly", f"{words}, in {part} alone"


def _displacement(
    case: Case, result: Slots, off: Extent, explains: Explains
) -> Iterator[tuple[str, str]]:
    """Values that belong elsewhere, or zeros."""
    for code, words, prediction in displacements(case, result, off):
        if explains(prediction):
            place, (verb, rest) = off.place(prediction) or "all rows", words.split(" ", 1)
            yield code, f"{place} {conjugate(place, verb)} {rest}"


def _formula(
    case: Case, result: Slots, off: Extent, explains: Explains
) -> Iterator[tuple[str, str]]:
    """Other terms than those of the rotation."""
    for code, words, prediction in formulas(case, result, off):
        if explains(prediction):
            place = off.place(lanes=False)
            yield code, f"{words}{f', in {place} alone' if place else ''}"

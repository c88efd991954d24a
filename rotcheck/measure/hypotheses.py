"""Which known mistake explains a wrong result: each is computed in float64 and held against it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.extent import extent
from rotcheck.measure.fitted_numbers import fits
from rotcheck.measure.mistakes import predictions
from rotcheck.measure.near_misses import near_miss
from rotcheck.measure.rounding_steps import SAME, against, measure

UNKNOWN = "differs by more than rounding can explain, and no known mistake gives this result"
LEAST = 8  # elements that are off: fewer may fit a mistake by chance


def explain(case: Case, results: Sequence[Tensor], unknown: str = UNKNOWN) -> tuple[str, str]:
    """Return code and words of the mistake that explains the results, or of plain rounding trouble.

    `unknown`: what is said of a result that no known mistake gives, in front of where it is off.
    """
    # float32 inside may be mistaken too
    unit = torch.float32 if case.dtype == torch.float64 else case.dtype
    found = case.read(results)
    largest = tuple(
        size.amax(-1, keepdim=True).expand(size.shape) for size in case.norms
    )  # the pairs of a mistake are not always ours
    right, whose = _right_slots(case, found, unit)

    def same(one: Sequence[Tensor], other: Sequence[Tensor]) -> bool:
        off = measure(one, other, largest, unit, case.slack)
        return off.error <= SAME and not off.not_finite

    for guesses in (predictions(case), fits(case, found)):
        for code, words, predicted in guesses:
            expected = [
                exact if ok else wrong for ok, exact, wrong in zip(right, case.truth, predicted)
            ]
            if same(found, expected) and not same(
                case.truth, expected
            ):  # what changes nothing explains nothing
                return "unlike" if whose else code, f"{words}{whose}"
    off = extent(case, found, unit)
    near = near_miss(case, found, off, same) if off.count >= LEAST else None
    if near:
        return near
    returned = results[0].dtype
    if (
        is_narrower(returned, case.dtype)
        and against(case, results, case.truth, returned).error <= SAME
    ):
        return "dtype-changed", f"returns {str(returned)[6:]} for {str(case.dtype)[6:]}"
    for dtype in (torch.float16, torch.bfloat16):
        if _is_as_good_as(dtype, case, results):
            return (
                "low-precision",
                f"is as good as {str(dtype)[6:]} arithmetic only: something is rounded to it",
            )
    place = off.place()
    return "rounding", f"{unknown} (in {place} alone)" if place else unknown


def _right_slots(case: Case, found: Slots, unit: torch.dtype) -> tuple[list[bool], str]:
    """Return which of q and k are right although the whole is not, and in whose the mistake must be."""
    wrong = [False] * len(found)
    if len(found) < 2:
        return wrong, ""
    each = zip(found[:2], case.truth, case.norms)
    q, k = (
        measure([own], [exact], [sizes], unit, case.slack).error <= SAME
        for own, exact, sizes in each
    )
    if q == k:
        return wrong, ""
    return [q, k, False][: len(found)], " (in q alone)" if k else " (in k alone)"


def _is_as_good_as(dtype: torch.dtype, case: Case, results: Sequence[Tensor]) -> bool:
    """Return whether most elements, and not a few, are off by roundings to a narrower dtype."""
    if not is_narrower(dtype, case.dtype):
        return False
    narrow = against(case, results, case.truth, dtype).error
    return 0.1 < narrow <= SAME and against(case, results, case.truth).rounded_once < 0.5


def is_narrower(dtype: torch.dtype, than: torch.dtype) -> bool:
    """Return whether a dtype has fewer digits than another."""
    return dtype.is_floating_point and torch.finfo(dtype).eps > torch.finfo(than).eps

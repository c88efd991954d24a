"""The known mistake that explains a wrong result:
each is computed in float64 and compared with it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.error_extent import extent
from rotcheck.measure.fitted_numbers import fits
from rotcheck.measure.mistakes import predictions
from rotcheck.measure.near_misses import near_miss
from rotcheck.measure.rounding_steps import (
    ROUNDING_LIMIT,
    Measurement,
    Tolerance,
    against,
    measure,
)

NO_MISTAKE = "differs by more than rounding can explain, and no known mistake gives this result"
LEAST = 8  # elements that are off: fewer may fit a mistake by chance


def fault(
    case: Case,
    results: Sequence[Tensor],
    measurement: Measurement,
    otherwise: str = NO_MISTAKE,
) -> tuple[str, str] | None:
    """Code and words of what is wrong with results that were measured; None: nothing is."""
    if measurement.not_finite:
        return "not-finite", f"returns {measurement.not_finite} NaN or infinite elements"
    return None if measurement.is_rounding else explain(case, results, otherwise)


def explain(case: Case, results: Sequence[Tensor], otherwise: str = NO_MISTAKE) -> tuple[str, str]:
    """Code and words of the mistake that explains the results, or of excessive rounding.

    `otherwise`: what is said of a result that no known mistake gives, in front of where it is off.
    """
    # it may compute in float32, mistakes included
    unit = torch.float32 if case.dtype == torch.float64 else case.dtype
    result = case.read(results)
    # the pairs of a mistake are not always ours
    largest = tuple(size.amax(-1, keepdim=True).expand(size.shape) for size in case.norms)
    right, slot_words = _right_slots(case, result, unit)
    agree = Tolerance.of(largest, unit, case.slack).holds

    for guesses in (predictions(case), fits(case, result)):
        for code, words, prediction in guesses:
            triples = zip(right, case.truth, prediction)
            mixture = [exact if ok else wrong for ok, exact, wrong in triples]
            # a mistake without effect explains nothing
            if agree(result, mixture) and not agree(case.truth, mixture):
                return "unlike" if slot_words else code, f"{words}{slot_words}"
    off = extent(case, result, unit)
    near = near_miss(case, result, off, agree) if off.count >= LEAST else None
    if near:
        return near
    result_dtype = results[0].dtype
    if (
        is_narrower(result_dtype, case.dtype)
        and against(case, results, case.truth, result_dtype).error <= ROUNDING_LIMIT
    ):
        return "dtype-changed", f"returns {str(result_dtype)[6:]} for {str(case.dtype)[6:]}"
    for dtype in (torch.float16, torch.bfloat16):
        if _is_as_good_as(dtype, case, results):
            words = f"is as good as {str(dtype)[6:]} arithmetic only: something is rounded to it"
            return "low-precision", words
    place = off.place()
    return "rounding", f"{otherwise} (in {place} alone)" if place else otherwise


def _right_slots(case: Case, result: Slots, unit: torch.dtype) -> tuple[list[bool], str]:
    """Which of q and k are right although the whole is not, and words that name the other."""
    wrong = [False] * len(result)
    if len(result) < 2:
        return wrong, ""
    slots = zip(result[:2], case.truth, case.norms)
    q, k = (
        measure([values], [exact], [sizes], unit, case.slack).error <= ROUNDING_LIMIT
        for values, exact, sizes in slots
    )
    if q == k:
        return wrong, ""
    return [q, k, False][: len(result)], " (in q alone)" if k else " (in k alone)"


def _is_as_good_as(dtype: torch.dtype, case: Case, results: Sequence[Tensor]) -> bool:
    """Whether most elements, and not just a few, are off by roundings to a narrower dtype."""
    if not is_narrower(dtype, case.dtype):
        return False
    narrow = against(case, results, case.truth, dtype).error
    return 0.1 < narrow <= ROUNDING_LIMIT and against(case, results, case.truth).rounded_once < 0.5


def is_narrower(dtype: torch.dtype, than: torch.dtype) -> bool:
    """Whether a dtype has fewer digits than another."""
    return dtype.is_floating_point and torch.finfo(dtype).eps > torch.finfo(than).eps

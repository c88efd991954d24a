"""Two functions whose frequencies follow the length of the sequence, held against each other at several lengths."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from rotcheck.identify.swapping.angle_differences import FOLLOWS, of_length
from rotcheck.results import Difference, Likeness

LENGTHS = (9, 300, 1025, 2049, 4097, 8193, 16385, 32769, 65537, 131073)
"""Rows: around every length that models are trained with, on either side of which dynamic NTK and LongRoPE differ."""

AGAIN = 300  # rows that are asked for once more behind the longest sequence


def asks_lengths(held: Likeness) -> bool:
    """Whether only a run at several lengths can tell if two turn by the same rule."""
    return any(map(of_length, held.differences))


def lengths_alone(held: Likeness) -> bool:
    """Whether nothing else has to be known or changed."""
    return [one for one in held.differences if one.hard and not of_length(one)] == []


def of_lengths(held: Likeness, errors: Mapping[str, float], near: float) -> Likeness:
    """A likeness with what a run at several lengths says; `errors`: rounding steps, by the number of rows."""
    alike = [asked for asked, error in errors.items() if error <= near]
    others = [asked for asked, error in errors.items() if not error <= near]
    known = tuple(one for one in held.differences if not of_length(one))
    if others:
        fix = "nothing around a call makes up for this: build it with the other's rule"
        seen = f"others for {_rows(others)}" + (f", alike for {_rows(alike)}" if alike else "")
        rule = Difference(field="frequencies", own=seen, other=FOLLOWS, fix=fix)
        return replace(held, swappable="no", adapter=None, differences=(*known, rule))
    fix = f"run side by side, they are alike for {_rows(alike)}"
    rule = Difference(field="frequencies", own=FOLLOWS, other=FOLLOWS, fix=fix, hard=False)
    hard = [one for one in known if one.hard]
    unknown = any("unknown" in (one.own, one.other) for one in hard)
    verdict = "unknown" if unknown else "with changes" if hard else "as it is"
    return replace(held, swappable=verdict, differences=(*known, rule))


def _rows(lengths: Sequence[str]) -> str:
    return f"{', '.join(lengths)} rows"
